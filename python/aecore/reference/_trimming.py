"""Least trimmed squares: the rows of a batch that cost most are left out of J.

P. J. Rousseeuw, "Least median of squares regression", Journal of the American Statistical
Association 79, 1984: the sum of the smallest squared residuals alone, so that no share of the rows
below the trimmed one can carry the fit away.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
_ROUNDING = 1e-12


def trim(w: Vector, row_losses: Vector, trim_fraction: float) -> Vector:
    """Weights of the rows once those with the largest losses have none.

    Parameters
    ----------
    w, row_losses : ndarray of shape (n_samples,)
        Weight in J, with sum 1, and loss of each row.
    trim_fraction : float
        f in [0, 1): as many rows of the largest losses are left out, of equal ones the later rows,
        as have together up to the share f of the weight; never all. Of m rows that weigh the same
        that is f m, rounded down.

    Returns
    -------
    ndarray of shape (n_samples,)
        With sum 1.
    """
    counted = np.flatnonzero(w > 0.0)
    by_loss = counted[np.argsort(row_losses[counted], kind="stable")]
    # w sums to 1 but for rounding: three tenths of ten rows are three.
    share = np.cumsum(w[by_loss[::-1]]) <= trim_fraction * w.sum() * (1.0 + _ROUNDING)
    n_left_out = min(int(share.sum()), len(counted) - 1)
    kept = np.zeros_like(w)
    left = by_loss[: len(by_loss) - n_left_out]
    kept[left] = w[left]
    return np.asarray(kept / kept.sum())
