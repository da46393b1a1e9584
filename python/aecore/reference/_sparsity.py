"""The KL term: sum_j KL(rho || rho_hat_j) over the units of the sparse layers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aecore.reference._activations import Matrix
from aecore.reference._layers import resolve_code_layer
from aecore.reference._settings import Options

Vector = NDArray[np.float64]

# KL(rho || rho_hat) and its derivative are taken at rho_hat clipped to [1e-6, 1 - 1e-6]: a unit
# that is dead or always on has a finite penalty, and a finite slope that leads it back.
RHO_HAT_MIN = 1e-6


def sparse_layers(
    layer_sizes: Sequence[int], activations: Sequence[str], options: Options
) -> list[int]:
    """Indices of the layers that carry the KL term: none if its weight is 0."""
    if options.sparsity_weight == 0.0:
        return []
    rho, named = options.sparsity_target, options.sparsity_layers
    if not 0.0 < rho < 1.0:
        raise ValueError(f"sparsity_target must be in (0, 1); got {rho}")
    if named == "code":
        chosen = [resolve_code_layer(layer_sizes, options.code_layer)]
    elif named == "hidden":
        chosen = list(range(len(activations) - 1))
    elif isinstance(named, str):
        raise ValueError(f"sparsity_layers must be 'code', 'hidden' or indices; got {named!r}")
    else:
        chosen = list(named)
    for layer in chosen:
        if not 0 <= layer < len(activations) - 1:
            raise ValueError(
                f"sparsity_layers must be hidden layers, 0 to {len(activations) - 2}; got {layer}"
            )
        if activations[layer] not in ("sigmoid", "tanh"):
            raise ValueError(
                "sparsity_weight must be 0 unless the sparse layer's activation is sigmoid or "
                f"tanh, whose range is bounded; got {activations[layer]!r} in layer {layer}"
            )
    return chosen


def batch_rho_hat(activation: str, h: Matrix, w: Vector) -> Vector:
    """Weighted mean output of each unit; tanh is mapped to (0, 1) by (h + 1)/2."""
    in_unit_interval = (h + 1.0) / 2.0 if activation == "tanh" else h
    return np.asarray(w @ in_unit_interval, dtype=np.float64)


def used_rho_hat(layer: int, batch: Vector, options: Options) -> tuple[Vector, float]:
    """rho_hat with the running mean, and its derivative by the batch mean.

    rho_hat = momentum running + (1 - momentum) batch, where `running` is the rho_hat used in the
    batch before, a constant of this batch's gradient; the first batch uses its own mean.
    """
    momentum = options.sparsity_momentum
    if momentum == 0.0 or not options.sparsity_running:
        return batch, 1.0
    running = np.asarray(options.sparsity_running[layer], dtype=np.float64)
    if running.shape != batch.shape:
        raise ValueError(
            f"sparsity_running must have shape {batch.shape} in layer {layer}; got {running.shape}"
        )
    return momentum * running + (1.0 - momentum) * batch, 1.0 - momentum


def kl(rho: float, rho_hat: Vector) -> float:
    """sum_j KL(rho || rho_hat_j)."""
    q = np.clip(rho_hat, RHO_HAT_MIN, 1.0 - RHO_HAT_MIN)
    return float(np.sum(rho * np.log(rho / q) + (1.0 - rho) * np.log((1.0 - rho) / (1.0 - q))))


def kl_derivative(rho: float, rho_hat: Vector) -> Vector:
    """D KL(rho || rho_hat_j) / d rho_hat_j of each unit j."""
    q = np.clip(rho_hat, RHO_HAT_MIN, 1.0 - RHO_HAT_MIN)
    return np.asarray(-rho / q + (1.0 - rho) / (1.0 - q))
