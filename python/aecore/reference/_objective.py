"""J and its gradient, by the chain rule, layer by layer from the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._layers import (
    Matrix,
    activation_derivative,
    forward,
    middle_layer,
    unpack,
)
from aecore.reference._losses import check_loss, loss_derivative, losses, resolve_target

if TYPE_CHECKING:
    from typing_extensions import Unpack

# KL(rho || rho_hat) and its derivative are taken at rho_hat clipped to [1e-6, 1 - 1e-6]: a unit
# that is dead or always on has a finite penalty, and a finite slope that leads it back.
RHO_HAT_MIN = 1e-6


class Settings(TypedDict, total=False):
    """The keyword arguments of `objective`, described there."""

    target: ArrayLike | None
    sample_weight: ArrayLike | None
    loss: str
    weight_decay: float
    sparsity_weight: float
    sparsity_target: float
    sparsity_layers: str | Sequence[int]
    input_scale: float


class Terms(NamedTuple):
    """The three parts of J, which is their sum."""

    data: float
    weight_decay: float
    sparsity: float


def _sparse_layers(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    sparsity_weight: float,
    sparsity_target: float,
    sparsity_layers: str | Sequence[int],
) -> list[int]:
    """Indices of the layers that carry the KL term: none if its weight is 0."""
    if sparsity_weight == 0.0:
        return []
    if not 0.0 < sparsity_target < 1.0:
        raise ValueError(f"sparsity_target must be in (0, 1); got {sparsity_target}")
    if sparsity_layers == "code":
        chosen = [middle_layer(layer_sizes)]
    elif sparsity_layers == "hidden":
        chosen = list(range(len(activations) - 1))
    elif isinstance(sparsity_layers, str):
        raise ValueError(
            f"sparsity_layers must be 'code', 'hidden' or indices; got {sparsity_layers!r}"
        )
    else:
        chosen = list(sparsity_layers)
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


def _row_weights(sample_weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64]:
    """w_i / sum w, shape (n_samples,)."""
    if n_samples == 0:
        raise ValueError("X must have at least one row; got 0")
    if sample_weight is None:
        return np.full(n_samples, 1.0 / n_samples)
    w = np.asarray(sample_weight, dtype=np.float64)
    if w.shape != (n_samples,):
        raise ValueError(f"sample_weight must have shape ({n_samples},); got {w.shape}")
    if not (np.all(w >= 0.0) and 0.0 < w.sum() < np.inf):
        raise ValueError(
            "sample_weight must be non-negative and finite with a positive sum; "
            f"got minimum {w.min():g} and sum {w.sum():g}"
        )
    return np.asarray(w / w.sum())


def _rho_hat(activation: str, a: Matrix, w: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weighted mean activation of each unit; tanh is mapped to (0, 1) by (a + 1)/2."""
    in_unit_interval = (a + 1.0) / 2.0 if activation == "tanh" else a
    return np.asarray(w @ in_unit_interval, dtype=np.float64)


def _kl(rho: float, rho_hat: NDArray[np.float64]) -> float:
    """sum_j KL(rho || rho_hat_j)."""
    q = np.clip(rho_hat, RHO_HAT_MIN, 1.0 - RHO_HAT_MIN)
    return float(np.sum(rho * np.log(rho / q) + (1.0 - rho) * np.log((1.0 - rho) / (1.0 - q))))


def _kl_derivative(rho: float, rho_hat: NDArray[np.float64]) -> NDArray[np.float64]:
    """D KL(rho || rho_hat_j) / d rho_hat_j of each unit j."""
    q = np.clip(rho_hat, RHO_HAT_MIN, 1.0 - RHO_HAT_MIN)
    return np.asarray(-rho / q + (1.0 - rho) / (1.0 - q))


def mean_activation(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    layer: int | None = None,
    sample_weight: ArrayLike | None = None,
    input_scale: float = 1.0,
) -> NDArray[np.float64]:
    """rho_hat: the weighted mean activation of each unit of `layer` (None: the middle one).

    Other parameters as in `objective`. Returns float64 of shape (n_units,); a tanh layer is mapped
    to (0, 1) by (a + 1)/2.
    """
    _, a = forward(layer_sizes, activations, parameters, X, input_scale=input_scale)
    index = middle_layer(layer_sizes) if layer is None else layer
    return _rho_hat(activations[index], a[index + 1], _row_weights(sample_weight, len(a[0])))


def _evaluate(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    with_gradient: bool,
    target: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    loss: str = "squared_error",
    weight_decay: float = 0.0,
    sparsity_weight: float = 0.0,
    sparsity_target: float = 0.05,
    sparsity_layers: str | Sequence[int] = "code",
    input_scale: float = 1.0,
) -> tuple[Terms, NDArray[np.float64]]:
    """The terms of J, and its gradient (empty unless asked for)."""
    z, a = forward(layer_sizes, activations, parameters, X, input_scale=input_scale)
    x = resolve_target(a[0], target, layer_sizes[-1])
    check_loss(loss, x)
    sparse = _sparse_layers(
        layer_sizes, activations, sparsity_weight, sparsity_target, sparsity_layers
    )
    w = _row_weights(sample_weight, len(x))
    layers = unpack(layer_sizes, parameters)

    rho_hat = {layer: _rho_hat(activations[layer], a[layer + 1], w) for layer in sparse}
    terms = Terms(
        data=float(w @ losses(loss, activations[-1], z[-1], a[-1], x)),
        weight_decay=weight_decay / 2.0 * sum(float(np.sum(W**2)) for W, _ in layers),
        sparsity=sparsity_weight * sum(_kl(sparsity_target, rho_hat[layer]) for layer in sparse),
    )
    if not with_gradient:
        return terms, np.empty(0)

    # delta = dJ/dz of the layer at hand, shape (n_samples, n_units).
    delta = w[:, None] * loss_derivative(loss, activations[-1], a[-1], x)
    blocks: list[NDArray[np.float64]] = []
    for layer in reversed(range(len(layers))):
        W, _ = layers[layer]
        dW = a[layer].T @ delta + weight_decay * W
        db = delta.sum(axis=0)
        blocks = [dW.ravel(), db, *blocks]
        if layer > 0:
            below = layer - 1
            dJ_da = delta @ W.T
            if below in rho_hat:
                slope = 0.5 if activations[below] == "tanh" else 1.0
                dKL = sparsity_weight * _kl_derivative(sparsity_target, rho_hat[below])
                dJ_da += w[:, None] * (slope * dKL)
            delta = dJ_da * activation_derivative(activations[below], a[layer])
    return terms, np.concatenate(blocks)


def objective_terms(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **settings: Unpack[Settings],
) -> Terms:
    """The three parts of J. Parameters and errors as in `objective`."""
    return _evaluate(layer_sizes, activations, parameters, X, with_gradient=False, **settings)[0]


def objective(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **settings: Unpack[Settings],
) -> float:
    """J of the module's description, over all rows given.

    Parameters
    ----------
    layer_sizes, activations, parameters, X, input_scale
        As in `aecore.reference.forward`.
    target, loss
        As in `aecore.reference.row_losses`.
    sample_weight : array_like of shape (n_samples,), optional
        w, non-negative with a positive sum; by default every row counts the same.
    weight_decay : float, default 0.0
        lambda >= 0.
    sparsity_weight : float, default 0.0
        beta >= 0. With 0 there is no sparsity term on any layer.
    sparsity_target : float, default 0.05
        rho, in (0, 1).
    sparsity_layers : {"code", "hidden"} or sequence of int, default "code"
        Layers with the sparsity term: the middle one, every hidden one, or those of these indices,
        0 being the first hidden layer.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For an unknown name, a wrong shape, no rows, cross entropy with a target outside [0, 1],
        weights that do not sum to a positive number, rho outside (0, 1), or a sparsity term on a
        layer that is neither sigmoid nor tanh.
    """
    return sum(objective_terms(layer_sizes, activations, parameters, X, **settings))


def objective_and_gradient(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **settings: Unpack[Settings],
) -> tuple[float, NDArray[np.float64]]:
    """J and dJ/dparameters, a vector laid out like `parameters`.

    Parameters and errors as in `objective`.
    """
    terms, gradient = _evaluate(
        layer_sizes, activations, parameters, X, with_gradient=True, **settings
    )
    return sum(terms), gradient
