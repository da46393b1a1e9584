"""Sliding windows over a series of rows, and numbers of windows averaged to numbers of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray


def windows_of(X: NDArray[Any], window: int) -> NDArray[Any]:
    """See `window` consecutive rows as one, without a copy.

    Parameters
    ----------
    X : ndarray of shape (n_rows, n_features)
        In the order of time, at least `window` rows. One that is not C-contiguous is copied.
    window : int
        At least 1.

    Returns
    -------
    ndarray of shape (n_rows - window + 1, window * n_features), read-only
        Row i is X[i], X[i + 1], ..., X[i + window - 1].
    """
    if window == 1:
        return X
    X = np.ascontiguousarray(X)
    n_rows, n_features = X.shape
    step = X.itemsize
    shape = (n_rows - window + 1, window * n_features)
    return as_strided(X, shape, (n_features * step, step), writeable=False)


def windows_with(rows: slice, window: int, n_windows: int) -> slice:
    """Which windows hold any of these rows."""
    return slice(max(0, rows.start - window + 1), min(n_windows, rows.stop))


def mean_by_row(
    values: NDArray[np.float64], windows: slice, rows: slice, window: int
) -> NDArray[np.float64]:
    """Average, for each row, its numbers in all the windows that hold it.

    Parameters
    ----------
    values : ndarray of shape (n_windows, window * n_features)
        Of the windows that `windows_with` names.
    windows, rows : slice
        Which they are, and the rows asked for.
    window : int

    Returns
    -------
    ndarray of shape (n_rows, n_features)
        Sums are taken in the order of the row's place in its window, whatever else is asked for.
    """
    if window == 1:
        return values
    n_features = values.shape[1] // window
    total = np.zeros((rows.stop - rows.start, n_features))
    count = np.zeros((len(total), 1))
    for place in range(window):  # window i holds row i + place here
        first = max(windows.start, rows.start - place)
        last = min(windows.stop, rows.stop - place)
        if first >= last:
            continue
        at = slice(first + place - rows.start, last + place - rows.start)
        part = slice(first - windows.start, last - windows.start)
        total[at] += values[part, place * n_features : (place + 1) * n_features]
        count[at] += 1.0
    total /= count
    return total
