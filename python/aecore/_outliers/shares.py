"""Rows by their weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def rows_at_even_shares(weights: NDArray[np.float64], n: int) -> NDArray[np.int64]:
    """Give n indices, in order, at the middles of n even shares of the weight.

    So each row is taken about as often as it counts, which for equal weights and all rows is once.
    """
    reached = np.cumsum(weights / weights.max())
    middles = (np.arange(n) + 0.5) * (reached[-1] / n)
    found: NDArray[np.int64] = np.searchsorted(reached, middles)
    return np.minimum(found, len(weights) - 1)


def windows_by_rows(weights: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Weights of the windows over rows: the mean of their rows'."""
    means: NDArray[np.float64] = np.lib.stride_tricks.sliding_window_view(weights, window).mean(
        axis=1
    )
    return means
