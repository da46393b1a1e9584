"""The scale of columns: what is taken off each of them, and what it is divided by."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore._checks.rules import parameter_error
from aecore._checks.sparse import is_sparse, largest_magnitudes

# Scaled numbers of "robust" go no further from 0.
ROBUST_LIMIT = 10.0
# Where a column is cut off for its mean and deviation, in spreads around its median.
_CUT = 5.0
# Distances between quantiles of a normal distribution, in standard deviations.
_QUARTILES, _DECILES = 1.349, 2.563
# Rows that are sorted for quantiles: more would move them by a hundredth of a deviation or less.
_SORTED_ROWS = 1 << 14
_BLOCK_ROWS = 256
_EPSILON = float(np.finfo(np.float64).eps)
_TINY = np.finfo(np.float64).tiny

Vector = NDArray[np.float64]


class _Columns(NamedTuple):
    """What one pass over the rows finds in each column, NaN ignored.

    Attributes
    ----------
    n_seen : numbers seen
    mass : sum of their weights
    mean, deviations : weighted mean, and weighted sum of squared distances from it
    low, high : least and largest number; 0 where a column has none, or one is not finite
    seen : whether a column has numbers, all of them finite
    """

    n_seen: Vector
    mass: Vector
    mean: Vector
    deviations: Vector
    low: Vector
    high: Vector
    seen: NDArray[np.bool_]

    def rounding(self, dtype: np.dtype[Any]) -> Vector:
        """How far rounding moves numbers of a column from each other."""
        return 10 * _epsilon(dtype) * np.maximum(np.abs(self.low), np.abs(self.high))

    def std(self, dtype: np.dtype[Any]) -> Vector:
        """The standard deviation, 0 where it is no more than rounding."""
        std = np.where(self.seen, np.sqrt(self.deviations / np.maximum(self.mass, _TINY)), 0.0)
        rounding = np.maximum(self.rounding(dtype), self.n_seen * _EPSILON * np.abs(self.mean))
        return np.where(std > rounding, std, 0.0)


def fit_scaling(
    X: Any,
    rows: NDArray[np.int64] | None,
    scale: str,
    sample_weight: NDArray[np.float64] | None = None,
) -> tuple[Vector, Vector]:
    """Offset and factor of each column, NaN ignored, of the `rows` of X (None: all).

    Formulas and bounds of rounding are those of `aecore.reference.fit_scaling`. Mean and squared
    deviations M are taken of blocks relative to the smallest number of each column, which leaves M
    of a constant column exactly 0, and joined [1]_. A column with infinity keeps offset 0 and
    factor 1: the core refuses it. Rows of weight 0 do not count. The quantiles of "robust" are
    those of at most 16,384 rows, drawn, always the same ones.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque. Updating formulae and a pairwise algorithm for
       computing sample variances. COMPSTAT 1982.
    """
    rows, weights = _weighted_rows(rows, sample_weight)
    none = np.zeros(X.shape[1])
    if is_sparse(X):
        if scale != "maxabs":
            rule = "be None or 'maxabs' where X is sparse: an offset would fill it"
            raise parameter_error("scale", rule, scale)
        return none, _inverse(largest_magnitudes(X, rows), 10 * _EPSILON)
    with np.errstate(all="ignore"):
        if scale == "robust":
            found = _look(X, rows, weights, between=_fences(X, rows, weights))
            return found.mean, _inverse(found.std(X.dtype))
        found = _look(X, rows, weights)
        if scale == "maxabs":
            largest = np.maximum(np.abs(found.low), np.abs(found.high))
            return none, _inverse(largest, 10 * _EPSILON)
        if scale == "minmax":
            rounding = np.maximum(found.rounding(X.dtype), 10 * _EPSILON)
            return found.low, _inverse(found.high - found.low, rounding)
        std = found.std(X.dtype)
        if scale == "pooled":
            std = np.full_like(std, np.sqrt(np.square(std).mean()))
        return found.mean, _inverse(std)


def _weighted_rows(
    rows: NDArray[np.int64] | None, sample_weight: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64] | None, NDArray[np.float64] | None]:
    """Which rows count, and how much, the heaviest 1: sums of their weights stay finite."""
    if sample_weight is None:
        return rows, None
    weights = sample_weight if rows is None else sample_weight[rows]
    counts = np.flatnonzero(weights > 0)
    if counts.size == 0:
        return rows, None
    rows = counts if rows is None else rows[counts]
    return rows, weights[counts] / weights.max()


def _block(X: Any, rows: NDArray[np.int64] | None, part: Any) -> Vector:
    block: Vector = (X[part] if rows is None else X[rows[part]]).astype(np.float64, order="C")
    return block


def _look(
    X: Any,
    rows: NDArray[np.int64] | None,
    weights: NDArray[np.float64] | None,
    between: tuple[Vector, Vector] | None = None,
) -> _Columns:
    """Look at all rows once, block by block; numbers are cut off at `between`, if it is given."""
    n_rows, n_columns = X.shape[0] if rows is None else rows.shape[0], X.shape[1]
    n_seen, mass, mean, deviations = np.zeros((4, n_columns))
    low, high = np.full((2, n_columns), np.nan)
    found = _Columns(n_seen, mass, mean, deviations, low, high, np.zeros(n_columns, bool))
    for start in range(0, n_rows, _BLOCK_ROWS):
        part = slice(start, start + _BLOCK_ROWS)
        block = _block(X, rows, part)
        if between is not None:
            np.clip(block, *between, out=block)
        np.fmin(found.low, np.fmin.reduce(block, axis=0), out=found.low)
        np.fmax(found.high, np.fmax.reduce(block, axis=0), out=found.high)
        _join(block, np.ones(1) if weights is None else weights[part], found)
    seen = np.isfinite(found.low) & np.isfinite(found.high)
    low, high, mean = (np.where(seen, x, 0.0) for x in (found.low, found.high, found.mean))
    return found._replace(low=low, high=high, mean=mean, seen=seen)


def _join(block: Vector, weights: Vector, found: _Columns) -> None:
    """Add the rows of a block to the statistics, in place."""
    seen = ~np.isnan(block)
    weight = weights[:, np.newaxis] * seen
    n = weight.sum(axis=0)
    base = np.where(seen.any(axis=0), np.fmin.reduce(block, axis=0), 0.0)
    d = np.where(seen, block - base, 0.0)
    shift = (weight * d).sum(axis=0) / np.where(n > 0, n, 1.0)
    m2 = (weight * np.where(seen, d - shift, 0.0) ** 2).sum(axis=0)
    mass = found.mass + n
    total = np.where(mass > 0, mass, 1.0)
    step = np.where(n > 0, base + shift - found.mean, 0.0)
    found.mean[:] += step * (n / total)
    found.deviations[:] += m2 + step**2 * (found.mass * n / total)
    found.mass[:] = mass
    found.n_seen[:] += seen.sum(axis=0)


def _fences(
    X: Any, rows: NDArray[np.int64] | None, weights: NDArray[np.float64] | None
) -> tuple[Vector, Vector]:
    """Where "robust" cuts columns off: a few of a hundred numbers, whatever they are, move nothing.

    Some columns at a time, so that what is sorted stays small.
    """
    n_rows, n_columns = X.shape[0] if rows is None else rows.shape[0], X.shape[1]
    places = np.arange(n_rows)
    if n_rows > _SORTED_ROWS:
        places = np.sort(np.random.default_rng(0).choice(n_rows, _SORTED_ROWS, replace=False))
    taken = places if rows is None else rows[places]
    weight = None if weights is None else weights[places]
    middle, spread = np.zeros((2, n_columns))
    step = max(1, (1 << 22) // len(taken))
    for start in range(0, n_columns, step):
        part = slice(start, start + step)
        middle[part], spread[part] = _middle_and_spread(_columns(X, taken, part), weight, X.dtype)
    return middle - _CUT * spread, middle + _CUT * spread


def _columns(X: Any, rows: NDArray[np.int64], part: slice) -> Vector:
    chosen: Vector = X[:, part][rows].astype(np.float64, order="F")
    return chosen


def _middle_and_spread(
    X: Vector, weight: NDArray[np.float64] | None, dtype: np.dtype[Any]
) -> tuple[Vector, Vector]:
    """Median of each column, and how far its numbers spread around it."""
    q10, q25, middle, q75, q90 = np.nan_to_num(_quantiles(X, weight, (0.1, 0.25, 0.5, 0.75, 0.9)))
    spread = np.maximum((q75 - q25) / _QUARTILES, (q90 - q10) / _DECILES)
    rounding = 10 * _epsilon(dtype) * np.maximum(np.abs(q10), np.abs(q90))
    flat = spread <= rounding
    if flat.any():  # nearly all numbers are the same: the others say how far is far
        distance = np.abs(X[:, flat] - middle[flat])
        distance[distance <= rounding[flat]] = np.nan
        spread[flat] = np.nan_to_num(_quantiles(distance, weight, (0.5,))[0])
    return middle, spread


def _quantiles(X: Vector, weight: NDArray[np.float64] | None, shares: tuple[float, ...]) -> Vector:
    """Least number of each column with such a share of the weight at or below it, NaN left out.

    So a row of weight 2 counts like two rows. By share and column; NaN for a column of NaN.
    """
    # 1 - 1e-12: a share of the weight may be reached but for rounding.
    parts = np.array(shares)[:, np.newaxis] * (1 - 1e-12)
    if weight is None:
        ordered = np.sort(X, axis=0)  # NaN comes last
        places = np.ceil(parts * (~np.isnan(X)).sum(axis=0)).astype(np.int64) - 1
    else:
        order = np.argsort(X, axis=0, kind="stable")
        ordered = np.take_along_axis(X, order, axis=0)
        below = np.cumsum(np.where(np.isnan(ordered), 0.0, weight[order]), axis=0)
        places = np.array([(below < share * below[-1]).sum(axis=0) for share in parts])
    return np.take_along_axis(ordered, np.clip(places, 0, len(X) - 1), axis=0)


def _epsilon(dtype: np.dtype[Any]) -> float:
    """How far apart numbers of a type are, relative to themselves; those of integers are exact."""
    return max(_EPSILON, float(np.finfo(dtype).eps)) if dtype.kind == "f" else _EPSILON


def _inverse(spread: Vector, rounding: Any = 0.0) -> Vector:
    """Give 1 / spread, but 1 where the spread is no more than rounding, or not a normal number."""
    usable = (spread > rounding) & (spread >= _TINY) & np.isfinite(spread)
    return 1.0 / np.where(usable, spread, 1.0)
