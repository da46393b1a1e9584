"""The best constant output, which looks at no row: what a training has to be better than."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]
Vector = NDArray[np.float64]

# A trimmed loss and its constant are found in turns, which end long before.
_TURNS = 100


def best_constant(
    target: ArrayLike, loss: str = "squared_error", *, sample_weight: ArrayLike | None = None
) -> Vector:
    """The output, the same for all rows, with the lowest mean loss.

    Parameters
    ----------
    target : array_like of shape (n_samples, n_out)
        NaN is left out.
    loss : str, default "squared_error"
        As in `aecore.reference.row_losses`. The constant is the mean of each column; for
        "multinomial" each column's share of the sum of all; for "absolute_error" the (lower) median
        of each column; for "huber" the number where the mean of its slope is 0.
    sample_weight : array_like of shape (n_samples,), optional

    Returns
    -------
    ndarray of shape (n_out,), float64
        0 for a column without a number.
    """
    x, w = _checked(target, sample_weight)
    if loss == "absolute_error":
        return _medians(x, w)
    if loss == "huber":
        return _huber_centers(x, w)
    total, weight = (w * x).sum(axis=0), w.sum(axis=0)
    if loss == "multinomial":
        weight = total.sum()
    return np.asarray(total / np.where(weight > 0.0, weight, 1.0))


def constant_loss(
    target: ArrayLike,
    loss: str = "squared_error",
    *,
    sample_weight: ArrayLike | None = None,
    trim_fraction: float = 0.0,
) -> float:
    """The mean loss of a row with the best constant as its output.

    Parameters
    ----------
    target, loss, sample_weight
        As in `best_constant`.
    trim_fraction : float, default 0.0
        As in `aecore.reference.objective_terms`. The rows left out and the constant of the others
        are found in turns, from the constant of all rows on [1]_.

    Returns
    -------
    float

    References
    ----------
    .. [1] P. J. Rousseeuw, K. Van Driessen. A fast algorithm for the minimum covariance determinant
       estimator. Technometrics 41, 1999: C-steps.
    """
    x = np.asarray(target, dtype=np.float64)
    weight = np.ones(len(x)) if sample_weight is None else np.array(sample_weight, np.float64)
    kept = weight > 0.0
    for _ in range(_TURNS):
        constant = best_constant(x, loss, sample_weight=np.where(kept, weight, 0.0))
        losses = _losses(x, loss, constant)
        before, kept = kept, _without_largest(losses, weight > 0.0, trim_fraction)
        if np.array_equal(before, kept):
            break
    return float(np.average(losses[kept], weights=weight[kept]))


def saturated_loss(
    target: ArrayLike, loss: str = "squared_error", *, sample_weight: ArrayLike | None = None
) -> float:
    """The mean loss of a row whose output is its target: the lowest there is, 0 for distances."""
    x = np.asarray(target, dtype=np.float64)
    weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    output = x / np.maximum(np.nansum(x, axis=1), 1e-300)[:, None] if loss == "multinomial" else x
    return float(np.average(_losses(x, loss, output), weights=weight))


def _checked(target: ArrayLike, sample_weight: ArrayLike | None) -> tuple[Matrix, Matrix]:
    """The numbers, 0 where there is none, and the weight of each."""
    x = np.asarray(target, dtype=np.float64)
    weight = np.ones(len(x)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    observed = ~np.isnan(x)
    return np.where(observed, x, 0.0), observed * weight[:, None]


def _losses(x: Matrix, loss: str, output: Matrix) -> Vector:
    """The loss of each row; an output of 0 is compared with 0 alone, and 0 log 0 is 0."""
    if loss == "binary_cross_entropy":
        terms = -x * _log(output) - (1.0 - x) * _log(1.0 - output)
    elif loss == "poisson":
        terms = output - x * _log(output)
    elif loss == "multinomial":
        terms = -x * _log(output)
    else:
        e = np.abs(output - x)
        terms = e if loss == "absolute_error" else 0.5 * e * e
        if loss == "huber":
            terms = np.where(e <= 1.0, terms, e - 0.5)
    return np.asarray(np.nansum(terms, axis=1))


def _log(p: Matrix) -> Matrix:
    return np.asarray(np.log(np.where(p > 0.0, p, 1.0)))


def _without_largest(
    losses: Vector, counts: NDArray[np.bool_], fraction: float
) -> NDArray[np.bool_]:
    """The rows that count but for the share with the largest losses, of equal ones the later."""
    kept: NDArray[np.bool_] = counts.copy()
    rows = np.flatnonzero(counts)
    order = np.argsort(losses[rows], kind="stable")
    kept[rows[order[len(rows) - int(fraction * len(rows)) :]]] = False
    return kept


def _medians(x: Matrix, w: Matrix) -> Vector:
    """The smallest number of each column below or at which half of the weight lies."""
    order = np.argsort(x, axis=0)
    up_to = np.cumsum(np.take_along_axis(w, order, axis=0), axis=0)
    first = np.argmax(up_to >= 0.5 * up_to[-1], axis=0)
    return np.asarray(np.take_along_axis(x, order, axis=0)[first, np.arange(x.shape[1])])


def _huber_centers(x: Matrix, w: Matrix) -> Vector:
    """Where sum_i w_i clip(x_i - c, -1, 1) = 0: Newton's steps, halving where they lead astray."""
    low = np.where(w > 0.0, x, np.inf).min(axis=0)
    high = np.where(w > 0.0, x, -np.inf).max(axis=0)
    empty = low > high
    low, high = np.where(empty, 0.0, low), np.where(empty, 0.0, high)
    c = _medians(x, w)
    for _ in range(_TURNS):
        r = x - c
        slope = (w * np.clip(r, -1.0, 1.0)).sum(axis=0)
        curvature = (w * (np.abs(r) <= 1.0)).sum(axis=0)
        low, high = np.where(slope >= 0.0, c, low), np.where(slope <= 0.0, c, high)
        step = c + slope / np.where(curvature > 0.0, curvature, 1.0)
        inside = (curvature > 0.0) & (step >= low) & (step <= high)
        moved = np.where(inside, step, 0.5 * (low + high))
        if np.all(np.abs(moved - c) <= 1e-12 * (1.0 + np.abs(c))):
            break
        c = moved
    return np.where(empty, 0.0, c)
