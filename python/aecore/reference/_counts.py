"""Rows of counts: what a long row counts, and where an output of shares starts."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def long_row_weights(
    counts: ArrayLike, sample_weight: ArrayLike | None = None
) -> NDArray[np.float64]:
    """Weights of rows that are to be reconstructed by their shares: w_i min(1, 10 M / n_i).

    n_i is the total of row i, M the median of the totals above 0: the smallest of them at or below
    which half of the weight w lies. The loss of a row grows with n_i, and so does what it does to a
    step; its weight keeps that to what ten rows of the median do.

    Parameters
    ----------
    counts : array_like of shape (n_samples, n_columns)
        Numbers >= 0.
    sample_weight : array_like of shape (n_samples,), optional
        w; by default 1.

    Returns
    -------
    ndarray of shape (n_samples,), float64
    """
    totals = np.asarray(counts, dtype=np.float64).sum(axis=1)
    w = np.ones(len(totals)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    candidates = sorted((n, w_i) for n, w_i in zip(totals, w, strict=True) if n > 0)
    half = sum(w_i for _, w_i in candidates) / 2
    below = 0.0
    for n, w_i in candidates:
        below += w_i
        if below >= half and below > 0:
            return np.asarray(w * np.minimum(1.0, 10.0 * n / np.maximum(totals, n)))
    return w


def start_biases(counts: ArrayLike, weights: ArrayLike) -> NDArray[np.float64]:
    """Biases of a softmax whose output is each column's share of the weighted counts.

    log(max(share_j n_columns, 1e-3)): no column is further below the mean than 1e-3.
    """
    sums = np.asarray(weights, np.float64) @ np.asarray(counts, np.float64)
    return np.asarray(np.log(np.maximum(sums / sums.mean(), 1e-3)))
