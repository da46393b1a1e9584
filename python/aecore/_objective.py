"""What is minimised, from names and numbers to the core's `Objective`, with the checks between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aecore import _core
from aecore._input import InputSettings
from aecore._parameters import check_params, parameter_error


class Terms(NamedTuple):
    """The three parts of J, which is their sum.

    Attributes
    ----------
    data : float
        Weighted mean over the rows of the loss of a row, which is a sum over features.
    weight_decay : float
        lambda/2 times the sum of all squared weights (biases excluded).
    sparsity : float
        beta times the sum over the units of the sparse layers of KL(rho || rho_hat_j).
    """

    data: float
    weight_decay: float
    sparsity: float


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
    noise: str | None = None,
    noise_level: float = 0.0,
    noise_emphasis: float = 1.0,
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
            "noise": noise,
            "noise_level": noise_level,
            "noise_emphasis": noise_emphasis,
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
        noise=noise,
        noise_level=float(noise_level),
        noise_emphasis=float(noise_emphasis),
        seed=seed,
        **input_settings.keywords,
    )


def _check_sparse_activations(activations: Sequence[str]) -> None:
    for name in activations:
        if name not in ("sigmoid", "tanh"):
            msg = (
                "sparsity_weight must be 0 where a sparse layer has no range that maps to (0, 1); "
                f"got activation {name!r}: use 'sigmoid' or 'tanh' (taken as (a + 1) / 2)"
            )
            raise ValueError(msg)
