"""Scaling of the input, column by column: x' = (x - offset) * factor, and back."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._activations import Matrix

SCALES = ("minmax", "standard", "maxabs")


class Scaling(NamedTuple):
    """x' = (x - offset) * factor of each column, both float64 of shape (n_features,)."""

    offset: NDArray[np.float64]
    factor: NDArray[np.float64]

    def apply(self, X: Matrix) -> Matrix:
        """Rows on the new scale: x' = (x - offset) * factor."""
        return (X - self.offset) * self.factor

    def undo(self, x: Matrix) -> Matrix:
        """Rows on the original scale: x' / factor + offset."""
        return x / self.factor + self.offset


def fit_scaling(X: ArrayLike, scale: str | None) -> Scaling | None:
    """Offset and factor of each column, NaN ignored, whatever the sample weights.

        minmax     offset = min,  factor = 1 / (max - min): columns fill [0, 1]
        standard   offset = mean, factor = 1 / std, the std with the divisor n
        maxabs     offset = 0,    factor = 1 / max |x|

    A constant column (min = max; all zero for maxabs) gets factor 1, and so does one that is
    constant but for rounding, by scikit-learn's bounds and one relative to the column: with n
    numbers in a column, e = 2^-52 and e' the larger of e and the epsilon of the dtype of X,

        minmax     max - min <= 10 max(e, e' max |x|)
        standard   std <= max(n e |mean|, 10 e' max |x|)
        maxabs     max |x| <= 10 e

    or one whose spread is not a normal float64. A column without any number gets offset 0 and
    factor 1.

    The mean and the squared deviations M are taken in one pass by Welford's recurrence, which loses
    no digits however large the mean is: with the n-th number x,

        d = x - mean;  mean += d / n;  M += d (x - mean);  std = sqrt(M / n)

    Blocks of rows may be joined (Chan, Golub & LeVeque): M = M_a + M_b + d^2 n_a n_b / n. Either
    way M of a constant column is exactly 0.

    Parameters
    ----------
    X : array_like of shape (n_samples, n_features)
    scale : {None, "minmax", "standard", "maxabs"}

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
    Technometrics 4, 1962.
    """
    if scale is None:
        return None
    if scale not in SCALES:
        raise ValueError(f"scale must be None or among {', '.join(SCALES)}; got {scale!r}")
    given = np.asarray(X)
    e = np.finfo(np.float64).eps
    own = max(e, np.finfo(given.dtype).eps) if given.dtype.kind == "f" else e
    rows = given.astype(np.float64)
    n_features = rows.shape[1]
    count, mean, deviations = np.zeros((3, n_features))
    low, high = np.full(n_features, np.inf), np.full(n_features, -np.inf)
    for row in rows:
        seen = ~np.isnan(row)
        x = np.where(seen, row, mean)  # a missing number changes neither mean nor M
        count += seen
        d = x - mean
        mean += d / np.maximum(count, 1.0)
        deviations += d * (x - mean)
        low, high = np.fmin(low, row), np.fmax(high, row)
    low, high = np.where(count > 0, low, 0.0), np.where(count > 0, high, 0.0)
    largest = np.maximum(np.abs(low), np.abs(high))
    if scale == "minmax":
        return Scaling(low, _inverse(high - low, 10 * np.maximum(e, own * largest)))
    if scale == "standard":
        std = np.sqrt(deviations / np.maximum(count, 1.0))
        return Scaling(
            mean, _inverse(std, np.maximum(count * e * np.abs(mean), 10 * own * largest))
        )
    return Scaling(np.zeros(n_features), _inverse(largest, np.full(n_features, 10 * e)))


def _inverse(spread: NDArray[np.float64], rounding: NDArray[np.float64]) -> NDArray[np.float64]:
    usable = (spread > rounding) & (spread >= np.finfo(np.float64).tiny) & np.isfinite(spread)
    return 1.0 / np.where(usable, spread, 1.0)
