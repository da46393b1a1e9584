"""Scaling of the input, column by column: x' = (x - offset) * factor, and back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._activations import Matrix

SCALES = ("minmax", "standard", "robust", "pooled", "maxabs")


class Scaling(NamedTuple):
    """x' = (x - offset) * factor of each column, both float64 of shape (n_features,).

    x' is limited to [low, high]; by default it has no limits.
    """

    offset: NDArray[np.float64]
    factor: NDArray[np.float64]
    low: float = -np.inf
    high: float = np.inf

    def apply(self, X: Matrix) -> Matrix:
        """Rows on the new scale: x' = (x - offset) * factor, within the limits."""
        with np.errstate(over="ignore"):
            return np.clip((X - self.offset) * self.factor, self.low, self.high)

    def undo(self, x: Matrix) -> Matrix:
        """Rows on the original scale: x' / factor + offset."""
        return x / self.factor + self.offset


def fit_scaling(
    X: ArrayLike, scale: str | None, sample_weight: ArrayLike | None = None
) -> Scaling | None:
    """Offset and factor of each column, NaN ignored.

        minmax     offset = min,  factor = 1 / (max - min): columns fill [0, 1]
        standard   offset = mean, factor = 1 / std, the std with the divisor n
        robust     the same of a column whose numbers are cut off at median - 5 s and median + 5 s,
                   s = max((q75 - q25) / 1.349, (q90 - q10) / 2.563), a standard deviation of normal
                   numbers either way; low = -10, high = 10
        pooled     offset = mean, factor = 1 / sqrt(mean of std^2 over the columns): one for all
        maxabs     offset = 0,    factor = 1 / max |x|

    Where s of "robust" is 0, but for rounding, s is the median distance of the other numbers from
    the median. The quantile of a share is the least number that has at least this share of the
    numbers at or below it.

    With weights, the numbers of a row count like as many of them: in means, in n, and in the shares
    of quantiles. Those of weight 0 do not count.

    A constant column (min = max; all zero for maxabs) gets factor 1, and so does one that is
    constant but for rounding, by scikit-learn's bounds and one relative to the column: with n
    numbers in a column, e = 2^-52 and e' the larger of e and the epsilon of the dtype of X,

        minmax            max - min <= 10 max(e, e' max |x|)
        standard, robust  std <= max(n e |mean|, 10 e' max |x|)
        pooled            the same bound; below it the std is 0
        maxabs            max |x| <= 10 e

    or one whose spread is not a normal float64. A column without any number gets offset 0 and
    factor 1 (pooled: that of all).

    The mean and the squared deviations M are taken in one pass by Welford's recurrence, which loses
    no digits however large the mean is: with the n-th number x, of weight w,

        n += w;  d = x - mean;  mean += d (w / n);  M += w d (x - mean);  std = sqrt(M / n)

    Blocks of rows may be joined (Chan, Golub & LeVeque): M = M_a + M_b + d^2 n_a n_b / n. Either
    way M of a constant column is exactly 0.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
    scale : {None, "minmax", "standard", "robust", "pooled", "maxabs"}
    sample_weight : array_like of shape (n_samples,), optional

    Returns
    -------
    Scaling, or None for None

    Raises
    ------
    ValueError
        For an unknown name.

    References
    ----------
    B. P. Welford, "Note on a method for calculating corrected sums of squares and products",
    Technometrics 4, 1962. R. J. Hyndman and Y. Fan, "Sample quantiles in statistical packages",
    The American Statistician 50, 1996, definition 1.
    """
    if scale is None:
        return None
    if scale not in SCALES:
        raise ValueError(f"scale must be None or among {', '.join(SCALES)}; got {scale!r}")
    given = np.asarray(X)
    e = float(np.finfo(np.float64).eps)
    own = max(e, float(np.finfo(given.dtype).eps)) if given.dtype.kind == "f" else e
    rows = given.astype(np.float64)
    weights = np.ones(len(rows)) if sample_weight is None else np.asarray(sample_weight, float)
    rows, weights = rows[weights > 0], weights[weights > 0] / weights.max()
    if scale == "robust":
        for column in rows.T:
            column[:] = np.clip(column, *_fences(column, weights, own))
    n_features = rows.shape[1]
    count, total, mean, deviations = np.zeros((4, n_features))
    low, high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
    for row, weight in zip(rows, weights, strict=True):
        seen = ~np.isnan(row)
        x = np.where(seen, row, mean)  # a missing number changes neither mean nor M
        count += seen
        total += seen * weight
        d = x - mean
        mean += d * (seen * weight / np.where(total > 0, total, 1.0))  # all of d at first
        deviations += weight * d * (x - mean)
        low, high = np.fmin(low, row), np.fmax(high, row)
    low, high = np.where(count > 0, low, 0.0), np.where(count > 0, high, 0.0)
    largest = np.maximum(np.abs(low), np.abs(high))
    if scale == "minmax":
        return Scaling(low, _inverse(high - low, 10 * np.maximum(e, own * largest)))
    if scale == "maxabs":
        return Scaling(np.zeros(n_features), _inverse(largest, np.full(n_features, 10 * e)))
    std = np.sqrt(deviations / np.where(total > 0, total, 1.0))
    rounding = np.maximum(count * e * np.abs(mean), 10 * own * largest)
    if scale == "pooled":
        std = np.where(std > rounding, std, 0.0)
        std = np.full(n_features, np.sqrt(np.mean(std**2)))
        return Scaling(mean, _inverse(std, np.zeros(n_features)))
    limits = (-10.0, 10.0) if scale == "robust" else (-np.inf, np.inf)
    return Scaling(mean, _inverse(std, rounding), *limits)


def _fences(x: NDArray[np.float64], weights: NDArray[np.float64], e: float) -> tuple[float, float]:
    """Where a column is cut off before its mean and standard deviation are taken."""
    seen = ~np.isnan(x)
    x, weights = x[seen], weights[seen]
    if x.size == 0:
        return 0.0, 0.0
    q10, q25, median, q75, q90 = _quantiles(x, weights, [0.1, 0.25, 0.5, 0.75, 0.9])
    s = max((q75 - q25) / 1.349, (q90 - q10) / 2.563)
    rounding = 10 * e * max(abs(q10), abs(q90))
    if s <= rounding:
        distance = np.abs(x - median)
        others = distance > rounding
        s = _quantiles(distance[others], weights[others], [0.5])[0] if others.any() else 0.0
    return median - 5 * s, median + 5 * s


def _quantiles(
    x: NDArray[np.float64], weights: NDArray[np.float64], shares: list[float]
) -> list[float]:
    order = np.argsort(x)
    share = np.cumsum(weights[order]) / weights.sum()
    # A share may be reached but for rounding.
    return [float(x[order][np.argmax(share >= q * (1 - 1e-12))]) for q in shares]


def _inverse(spread: NDArray[np.float64], rounding: NDArray[np.float64]) -> NDArray[np.float64]:
    usable = (spread > rounding) & (spread >= np.finfo(np.float64).tiny) & np.isfinite(spread)
    return 1.0 / np.where(usable, spread, 1.0)
