"""The losses of a row and their derivatives by the last layer's pre-activation z."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._layers import Matrix, activation_derivative, forward

LOSSES = ("squared_error", "binary_cross_entropy")

# log(x_hat) and log(1 - x_hat) stay finite where the output is not a sigmoid.
X_HAT_MIN = 1e-7


def check_loss(loss: str, x: Matrix) -> None:
    """Raise ValueError for an unknown loss, or a target that cross entropy is not defined for."""
    if loss not in LOSSES:
        raise ValueError(f"loss must be among {', '.join(LOSSES)}; got {loss!r}")
    if loss == "binary_cross_entropy" and not np.all((x >= 0.0) & (x <= 1.0)):
        column = int(np.argmax(~np.all((x >= 0.0) & (x <= 1.0), axis=0)))
        low, high = x[:, column].min(), x[:, column].max()
        raise ValueError(
            f"target must lie in [0, 1] for binary_cross_entropy; got column {column} "
            f"with minimum {low:g} and maximum {high:g}"
        )


def losses(loss: str, output_activation: str, z: Matrix, x_hat: Matrix, x: Matrix) -> Matrix:
    """loss(x_hat_i, x_i) of each row i: a sum over the features, shape (n_samples,)."""
    if loss == "squared_error":
        terms = 0.5 * (x_hat - x) ** 2
    elif output_activation == "sigmoid":
        # -x log(s(z)) - (1-x) log(1 - s(z)), from the logit: no logarithm of 0 can occur.
        terms = np.maximum(z, 0.0) - z * x + np.log1p(np.exp(-np.abs(z)))
    else:
        p = np.clip(x_hat, X_HAT_MIN, 1.0 - X_HAT_MIN)
        terms = -(x * np.log(p) + (1.0 - x) * np.log1p(-p))
    return np.asarray(terms.sum(axis=1))


def loss_derivative(loss: str, output_activation: str, x_hat: Matrix, x: Matrix) -> Matrix:
    """D loss / dz of each row and feature, shape (n_samples, n_out)."""
    if loss == "squared_error":
        return (x_hat - x) * activation_derivative(output_activation, x_hat)
    if output_activation == "sigmoid":
        return x_hat - x
    # The derivative of the clipped function: it is flat where x_hat was clipped.
    p = np.clip(x_hat, X_HAT_MIN, 1.0 - X_HAT_MIN)
    by_x_hat = np.where(p == x_hat, (p - x) / (p * (1.0 - p)), 0.0)
    return by_x_hat * activation_derivative(output_activation, x_hat)


def resolve_target(x: Matrix, target: ArrayLike | None, n_out: int) -> Matrix:
    """What x_hat is compared with: the scaled input, or `target` as it is."""
    resolved = x if target is None else np.asarray(target, dtype=np.float64)
    if resolved.shape != (x.shape[0], n_out):
        raise ValueError(f"target must have shape ({x.shape[0]}, {n_out}); got {resolved.shape}")
    return resolved


def row_losses(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    target: ArrayLike | None = None,
    loss: str = "squared_error",
    input_scale: float = 1.0,
) -> NDArray[np.float64]:
    """The loss of each row, a sum over its features, without weight decay and sparsity.

    Parameters
    ----------
    layer_sizes, activations, parameters, X, input_scale
        As in `aecore.reference.forward`.
    target : array_like of shape (n_samples, n_out), optional
        What is to be reconstructed; by default X times `input_scale`. It is not scaled.
    loss : {"squared_error", "binary_cross_entropy"}, default "squared_error"
        1/2 sum (x_hat - x)^2, or -sum x log(x_hat) + (1 - x) log(1 - x_hat). The second is
        computed from z if the output is a sigmoid; otherwise x_hat is clipped to [1e-7, 1 - 1e-7].

    Returns
    -------
    ndarray of shape (n_samples,), float64

    Raises
    ------
    ValueError
        For an unknown name, a wrong shape, or cross entropy with a target outside [0, 1].
    """
    z, a = forward(layer_sizes, activations, parameters, X, input_scale=input_scale)
    x = resolve_target(a[0], target, layer_sizes[-1])
    check_loss(loss, x)
    return losses(loss, activations[-1], z[-1], a[-1], x)
