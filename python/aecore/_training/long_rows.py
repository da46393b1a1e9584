"""Rows of counts that are much longer than the others, and the weights that keep them in bounds."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._checks.sparse import is_sparse, sparse_row_sums
from aecore._training.data import TrainingData

# A row counts in full up to so many times the median total.
LONG = 10.0
_BLOCK_ROWS = 256


def long_row_factors(data: TrainingData) -> NDArray[np.float64] | None:
    """Return factors < 1 on the weights of rows of counts whose total is very large; None: none is.

    A row's share in a step grows with its total: a few long documents would be all that is learned.
    The formula is that of `aecore.reference.long_row_weights`, of the rows to learn from.
    """
    totals = _totals(data.X if data.target is None else data.target)
    given, rows = data.sample_weight, data.own_rows
    limit = LONG * _median(totals[rows], None if given is None else given[rows])
    # What is not finite or below 0 is refused when rows are read.
    long = (totals > limit) & np.isfinite(totals)
    if not long.any():
        return None
    return np.where(long, limit / np.where(long, totals, 1.0), 1.0)


def _totals(counts: Any) -> NDArray[np.float64]:
    if is_sparse(counts):
        return sparse_row_sums(counts)
    totals = np.empty(counts.shape[0])
    with np.errstate(all="ignore"):
        for start in range(0, totals.shape[0], _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            totals[part] = counts[part].astype(np.float64, order="C").sum(axis=1)
    return totals


def _median(totals: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    """Find the smallest of the positive totals that has half of their weight at or below it."""
    some = (totals > 0) & np.isfinite(totals)
    found = totals[some]
    order = np.argsort(found, kind="stable")
    below = np.cumsum(np.ones(found.size) if weights is None else weights[some][order])
    if found.size == 0 or below[-1] == 0:
        return 0.0
    return float(found[order][np.searchsorted(below, below[-1] / 2)])
