"""What is minimised: J by names and numbers, its checks, and the same for the core."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore import _core
from aecore._checks.rules import check_params, parameter_error
from aecore._problem.input import Input, InputSettings
from aecore._problem.layers import Layers


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
    parts = [np.empty(0)]
    for layer, width in zip(layers, widths, strict=True):
        if running is None or layer not in running:
            parts.append(np.full(width, np.nan))
            continue
        part = np.asarray(running[layer], dtype=np.float64)
        if part.shape != (width,):
            rule = f"have shape ({width},) in layer {layer}"
            raise parameter_error("sparsity_running", rule, part.shape)
        parts.append(part)
    return np.concatenate(parts) if layers else parts[0]


@dataclass(frozen=True)
class Objective:
    """J of `Network.objective_terms`, whose docstring says what each field is.

    Every field is one of the core's `Objective`, with the same name.
    """

    loss: str = "squared_error"
    weight_decay: float = 0.0
    weight_l1: float = 0.0
    sparsity_weight: float = 0.0
    sparsity_target: float = 0.05
    sparsity_layers: str = "code"
    sparsity_momentum: float = 0.0
    activity_l1: float = 0.0
    contractive_weight: float = 0.0
    beta: float = 1.0
    free_bits: float = 0.0
    dropout: float = 0.0
    trim_fraction: float = 0.0
    observed_only: bool = False
    clustering_weight: float = 1.0

    def check(self, layers: Layers) -> None:
        """Raise ValueError for a field that breaks its rule or does not fit the layers."""
        check_params(vars(self))
        for layer in self.sparse_widths(layers)[0]:
            name = layers.activations[layer]
            if name not in ("sigmoid", "tanh"):
                msg = (
                    "sparsity_weight must be 0 where a sparse layer has no range that maps to "
                    f"(0, 1); got activation {name!r}: use 'sigmoid' or 'tanh' (taken as "
                    "(a + 1) / 2)"
                )
                raise ValueError(msg)

    def sparse_widths(self, layers: Layers) -> tuple[list[int], list[int]]:
        """Indices and widths of the layers that carry the KL term: the code, or all hidden ones."""
        if self.sparsity_weight == 0:
            return [], []
        hidden = range(len(layers.layers) - 1)
        found = [layers.code_layer] if self.sparsity_layers == "code" else list(hidden)
        return found, [int(layers.layers[layer].n_units) for layer in found]

    def core(
        self, layers: Layers, settings: InputSettings, *, noise: Input | None = None, seed: int = 0
    ) -> _core.Objective:
        """The same for the core, with what happens to rows; `noise` is that of training."""
        fields = vars(self) | {"sparsity_layers": self.sparse_widths(layers)[0]}
        if noise is not None and noise.noise is not None:
            fields["noise"] = noise.core_noise()
        return _core.Objective(
            **fields, code_layer=layers.code_layer, input=settings.core, seed=seed
        )
