"""The losses of a row and their derivatives by the last layer's pre-activation z."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._activations import POSITIVE, Matrix, activation_derivative
from aecore.reference._layers import Inference, infer

if TYPE_CHECKING:
    from typing_extensions import Unpack

# log(x_hat) and log(1 - x_hat) stay finite where the output's activation does not see to it.
X_HAT_MIN = 1e-7


def check_loss(loss: str, output_activation: str, x: Matrix) -> None:
    """Raise ValueError for an unknown loss, a wrong output, or a target it is not defined for."""
    if loss not in LOSSES:
        raise ValueError(f"loss must be among {', '.join(LOSSES)}; got {loss!r}")
    if (loss == "multinomial") != (output_activation == "softmax"):
        raise ValueError(
            "loss must be multinomial if and only if the output activation is softmax; "
            f"got {loss!r} with {output_activation!r}"
        )
    if loss == "binary_cross_entropy":
        _check_range(loss, x, (x >= 0.0) & (x <= 1.0), "lie in [0, 1]")
    if loss in ("poisson", "multinomial"):
        _check_range(loss, x, x >= 0.0, "be non-negative")


def _check_range(loss: str, x: Matrix, allowed: NDArray[np.bool_], rule: str) -> None:
    if not np.all(allowed):
        column = int(np.argmax(~np.all(allowed, axis=0)))
        low, high = x[:, column].min(), x[:, column].max()
        raise ValueError(
            f"target must {rule} for {loss}; got column {column} "
            f"with minimum {low:g} and maximum {high:g}"
        )


class Output(NamedTuple):
    """The last layer and what it is compared with, matrices of shape (n_samples, n_out)."""

    activation: str
    z: Matrix
    x_hat: Matrix
    x: Matrix
    element_weight: Matrix | None = None  # of each feature's loss; None: all 1


def _log_x_hat(o: Output) -> Matrix:
    """Logarithm of an output that is positive by its activation, from z: x_hat may underflow."""
    if o.activation == "sigmoid":
        return np.asarray(np.minimum(o.z, 0.0) - np.log1p(np.exp(-np.abs(o.z))))
    # softplus(z) is e^z (1 - e^z/2 + ...): below -37 its logarithm is z in float64.
    return np.asarray(np.where(o.z < -37.0, o.z, np.log(np.where(o.z < -37.0, 1.0, o.x_hat))))


def _huber(o: Output) -> Matrix:
    """P. J. Huber, "Robust estimation of a location parameter", Ann. Math. Stat. 35, 1964."""
    e = np.abs(o.x_hat - o.x)
    return np.asarray(np.where(e <= 1.0, 0.5 * e * e, e - 0.5))


def _binary_cross_entropy(o: Output) -> Matrix:
    if o.activation == "sigmoid":
        # -x log(s(z)) - (1-x) log(1 - s(z)), from the logit: no logarithm of 0 can occur.
        return np.maximum(o.z, 0.0) - o.z * o.x + np.log1p(np.exp(-np.abs(o.z)))
    p = np.clip(o.x_hat, X_HAT_MIN, 1.0 - X_HAT_MIN)
    return np.asarray(-(o.x * np.log(p) + (1.0 - o.x) * np.log1p(-p)))


def _poisson(o: Output) -> Matrix:
    if o.activation in POSITIVE:
        return o.x_hat - o.x * _log_x_hat(o)
    p = np.maximum(o.x_hat, X_HAT_MIN)
    return p - o.x * np.log(p)


def _multinomial(o: Output) -> Matrix:
    z = o.z - o.z.max(axis=1, keepdims=True)
    return np.asarray(-o.x * (z - np.log(np.exp(z).sum(axis=1, keepdims=True))))


# What each feature adds to the loss of its row.
_TERMS: dict[str, Callable[[Output], Matrix]] = {
    "squared_error": lambda o: 0.5 * (o.x_hat - o.x) ** 2,
    "binary_cross_entropy": _binary_cross_entropy,
    "absolute_error": lambda o: np.abs(o.x_hat - o.x),
    "huber": _huber,
    "poisson": _poisson,
    "multinomial": _multinomial,
}

LOSSES = tuple(_TERMS)


def losses(loss: str, output: Output) -> NDArray[np.float64]:
    """loss(x_hat_i, x_i) of each row i: a (weighted) sum over the features, shape (n_samples,)."""
    terms = _TERMS[loss](output)
    if output.element_weight is not None:
        terms = output.element_weight * terms
    return np.asarray(terms.sum(axis=1))


# D loss / d x_hat of each feature. Clipped functions are flat where x_hat was clipped.


def _binary_cross_entropy_slope(o: Output) -> Matrix:
    p = np.clip(o.x_hat, X_HAT_MIN, 1.0 - X_HAT_MIN)
    return np.asarray(np.where(p == o.x_hat, (p - o.x) / (p * (1.0 - p)), 0.0))


def _poisson_slope(o: Output) -> Matrix:
    p = np.maximum(o.x_hat, X_HAT_MIN)
    return np.asarray(np.where(p == o.x_hat, 1.0 - o.x / p, 0.0))


_SLOPES: dict[str, Callable[[Output], Matrix]] = {
    "squared_error": lambda o: o.x_hat - o.x,
    "binary_cross_entropy": _binary_cross_entropy_slope,
    "absolute_error": lambda o: np.sign(o.x_hat - o.x),
    "huber": lambda o: np.clip(o.x_hat - o.x, -1.0, 1.0),
    "poisson": _poisson_slope,
}


# D loss / dz where the product of the two derivatives would lose digits or divide by 0.


def _poisson_of_softplus(o: Output) -> Matrix:
    """sigma(z) - x sigma(z)/x_hat, the ratio (1 - e^-x_hat)/x_hat being 1 where x_hat is 0."""
    sigma = -np.expm1(-o.x_hat)
    positive = o.x_hat > 0.0
    return sigma - o.x * np.where(positive, sigma / np.where(positive, o.x_hat, 1.0), 1.0)


_DIRECT: dict[tuple[str, str], Callable[[Output], Matrix]] = {
    ("binary_cross_entropy", "sigmoid"): lambda o: o.x_hat - o.x,
    ("poisson", "sigmoid"): lambda o: (o.x_hat - o.x) * (1.0 - o.x_hat),
    ("poisson", "softplus"): _poisson_of_softplus,
}


def loss_derivative(loss: str, output: Output) -> Matrix:
    """D loss / dz of each row and feature, shape (n_samples, n_out)."""
    weight = output.element_weight
    if loss == "multinomial":
        y = output.x if weight is None else weight * output.x
        return np.asarray(y.sum(axis=1, keepdims=True) * output.x_hat - y)
    direct = _DIRECT.get((loss, output.activation))
    if direct is not None:
        by_z = direct(output)
    else:
        f_slope = activation_derivative(output.activation, output.z, output.x_hat)
        by_z = _SLOPES[loss](output) * f_slope
    return by_z if weight is None else weight * by_z


def resolve_target(
    clean: Matrix, target: ArrayLike | None, n_out: int, missing: str | None
) -> tuple[Matrix, Matrix | None]:
    """What x_hat is compared with, and the weight of each element (None: all 1).

    The target is the scaled input without noise, or `target` as it is. With missing="mask" a NaN
    in it becomes 0 with weight 0.
    """
    x = clean if target is None else np.asarray(target, dtype=np.float64)
    if x.shape != (clean.shape[0], n_out):
        raise ValueError(f"target must have shape ({clean.shape[0]}, {n_out}); got {x.shape}")
    if missing is None or not np.isnan(x).any():
        return x, None
    observed = ~np.isnan(x)
    return np.where(observed, x, 0.0), observed.astype(np.float64)


def row_losses(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    target: ArrayLike | None = None,
    loss: str = "squared_error",
    **inference: Unpack[Inference],
) -> NDArray[np.float64]:
    """The loss of each row, a sum over its features, without noise, dropout and penalties.

    Parameters
    ----------
    layer_sizes, activations, parameters, X, **inference
        As in `aecore.reference.forward`.
    target : array_like of shape (n_samples, n_out), optional
        What is to be reconstructed; by default X times `input_scale`, or scaled by `scaling`. A
        target that is given is not scaled.
    loss : str, default "squared_error"
        With e = x_hat - x, the sum over the features of

        - "squared_error": 1/2 e^2;
        - "absolute_error": abs(e), with derivative 0 at 0;
        - "huber": 1/2 e^2 where abs(e) <= 1, abs(e) - 1/2 beyond;
        - "binary_cross_entropy": -x log(x_hat) - (1 - x) log(1 - x_hat), for x in [0, 1]. It is
          computed from z if the output is a sigmoid; otherwise x_hat is clipped to
          [1e-7, 1 - 1e-7];
        - "poisson": x_hat - x log(x_hat), for x >= 0. log(x_hat) is computed from z if the output
          is sigmoid or softplus; otherwise x_hat is clipped below at 1e-7 in both terms;
        - "multinomial": -x log(softmax(z)), for x >= 0; it goes with the output activation
          "softmax", and no other loss does.

    Returns
    -------
    ndarray of shape (n_samples,), float64

    Raises
    ------
    ValueError
        For an unknown name, a wrong shape, or a target outside the range of the loss.
    """
    run, clean = infer(layer_sizes, activations, parameters, X, **inference)
    x, observed = resolve_target(clean, target, layer_sizes[-1], inference.get("missing"))
    check_loss(loss, activations[-1], x)
    return losses(loss, Output(activations[-1], run.z[-1], run.h[-1], x, observed))
