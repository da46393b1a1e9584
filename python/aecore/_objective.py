"""What is minimised, from names and numbers to the core's `Objective`, with the checks between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore import _core
from aecore._input import InputSettings
from aecore._parameters import check_params, parameter_error


class Terms(NamedTuple):
    """The parts of J, which is their sum.

    Attributes
    ----------
    data : float
        Weighted mean over the rows of the loss of a row, which is a sum over features.
    weight_decay : float
        lambda/2 times the sum of all squared weights (biases excluded).
    sparsity : float
        beta times the sum over the units of the sparse layers of KL(rho || rho_hat_j).
    weight_l1 : float
        mu times the sum of the magnitudes of all weights.
    activity_l1 : float
        alpha times the weighted mean over the rows of the sum of the code's magnitudes.
    contractive : float
        gamma times the weighted mean over the rows of the squared norm of the encoder's Jacobian.
    divergence : float
        beta times the weighted mean over the rows of KL(q(z|x) || N(0, I)) of a Gaussian code.
    clustering : float
        0: a network has no clusters; the refinement of `DeepClustering` has this term.
    """

    data: float
    weight_decay: float
    sparsity: float
    weight_l1: float = 0.0
    activity_l1: float = 0.0
    contractive: float = 0.0
    divergence: float = 0.0
    clustering: float = 0.0


class Settings(TypedDict, total=False):
    """The keyword arguments of `Network.objective`, described at `Network.objective_terms`."""

    loss: str
    weight_decay: float
    weight_l1: float
    sparsity_weight: float
    sparsity_target: float
    sparsity_layers: str
    sparsity_momentum: float
    sparsity_running: Mapping[int, ArrayLike] | None
    activity_l1: float
    contractive_weight: float
    beta: float
    free_bits: float
    dropout: float
    trim_fraction: float
    observed_only: bool
    seed: int
    epoch: int


def running_vector(
    running: Mapping[int, ArrayLike] | None, layers: Sequence[int], widths: Sequence[int]
) -> NDArray[np.float64]:
    """rho_hat of the batch before, layer after layer as the core keeps it; NaN without one."""
    parts = []
    for layer, width in zip(layers, widths, strict=True):
        if running is None or layer not in running:
            parts.append(np.full(width, np.nan))
            continue
        part = np.asarray(running[layer], dtype=np.float64)
        if part.shape != (width,):
            rule = f"have shape ({width},) in layer {layer}"
            raise parameter_error("sparsity_running", rule, part.shape)
        parts.append(part)
    return np.concatenate([np.empty(0), *parts])


def sparse_layers(which: str, code_layer: int, n_layers: int) -> list[int]:
    """Index the layer outputs that carry the KL term: the code, or all hidden layers."""
    return [code_layer] if which == "code" else list(range(n_layers - 1))


def make_objective(
    activations: Sequence[str],
    code_layer: int,
    input_settings: InputSettings,
    *,
    loss: str,
    weight_decay: float = 0.0,
    sparsity_weight: float = 0.0,
    sparsity_target: float = 0.05,
    sparsity_layers: str = "code",
    sparsity_momentum: float = 0.0,
    weight_l1: float = 0.0,
    activity_l1: float = 0.0,
    contractive_weight: float = 0.0,
    beta: float = 1.0,
    free_bits: float = 0.0,
    noise: str | None = None,
    noise_level: float = 0.0,
    noise_emphasis: float = 1.0,
    dropout: float = 0.0,
    trim_fraction: float = 0.0,
    observed_only: bool = False,
    clustering_weight: float = 1.0,
    seed: int = 0,
) -> _core.Objective:
    """Check the settings against each other and the network, and build the core's objective."""
    check_params(
        {
            "loss": loss,
            "weight_decay": weight_decay,
            "sparsity_weight": sparsity_weight,
            "sparsity_target": sparsity_target,
            "sparsity_layers": sparsity_layers,
            "sparsity_momentum": sparsity_momentum,
            "weight_l1": weight_l1,
            "activity_l1": activity_l1,
            "contractive_weight": contractive_weight,
            "beta": beta,
            "free_bits": free_bits,
            "noise": noise,
            "noise_level": noise_level,
            "noise_emphasis": noise_emphasis,
            "dropout": dropout,
            "trim_fraction": trim_fraction,
            "observed_only": observed_only,
            "seed": seed,
        }
    )
    if noise in ("masking", "salt_and_pepper") and noise_level > 1:
        rule = f"be a probability in [0, 1] with noise {noise!r}"
        raise parameter_error("noise_level", rule, noise_level)
    layers = sparse_layers(sparsity_layers, code_layer, len(activations))
    if sparsity_weight > 0:
        _check_sparse_activations([activations[layer] for layer in layers])
    return _core.Objective(
        loss=loss,
        weight_decay=float(weight_decay),
        sparsity_weight=float(sparsity_weight),
        sparsity_target=float(sparsity_target),
        sparsity_layers=layers if sparsity_weight > 0 else (),
        sparsity_momentum=float(sparsity_momentum),
        weight_l1=float(weight_l1),
        activity_l1=float(activity_l1),
        contractive_weight=float(contractive_weight),
        beta=float(beta),
        free_bits=float(free_bits),
        code_layer=code_layer,
        input=input_settings.core,
        noise=_core.Noise(kind=noise, level=float(noise_level), emphasis=float(noise_emphasis)),
        dropout=float(dropout),
        trim_fraction=float(trim_fraction),
        observed_only=bool(observed_only),
        clustering_weight=float(clustering_weight),
        seed=int(seed),
    )


def _check_sparse_activations(activations: Sequence[str]) -> None:
    for name in activations:
        if name not in ("sigmoid", "tanh"):
            msg = (
                "sparsity_weight must be 0 where a sparse layer has no range that maps to (0, 1); "
                f"got activation {name!r}: use 'sigmoid' or 'tanh' (taken as (a + 1) / 2)"
            )
            raise ValueError(msg)
