"""From the rows given to what enters the first layer: scaling, noise, missing numbers."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._activations import Matrix
from aecore.reference._noise import corrupt
from aecore.reference._random import Draw
from aecore.reference._scaling import Scaling


def scale_rows(
    X: ArrayLike, n_features: int, *, input_scale: float = 1.0, scaling: Scaling | None = None
) -> Matrix:
    """Rows as float64, times `input_scale` or scaled column by column; never both."""
    rows = np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != n_features:
        raise ValueError(f"X must have shape (n_samples, {n_features}); got {rows.shape}")
    if scaling is None:
        return rows * input_scale
    if input_scale != 1.0:
        raise ValueError(f"input_scale must be 1 where columns are scaled; got {input_scale}")
    return scaling.apply(rows)


def enter_rows(
    clean: Matrix,
    missing: str | None = None,
    noise: str | None = None,
    noise_level: float = 0.0,
    draw: Draw | None = None,
    *,
    log1p: bool = False,
) -> tuple[Matrix, NDArray[np.bool_] | None]:
    """What the first layer sees of scaled rows: logarithms, then noise, then missing numbers.

    With `log1p` x enters as sign(x) log(1 + abs(x)).
    With missing="mask" a NaN enters as 0, whatever the noise, and the other numbers of its row are
    multiplied by n_features / n_observed, so that z keeps its size; a row with nothing observed
    enters as zeros. Returns these rows and which of their elements the noise corrupted.
    """
    if missing not in (None, "mask"):
        raise ValueError(f"missing must be None or 'mask'; got {missing!r}")
    entering = np.sign(clean) * np.log1p(np.abs(clean)) if log1p else clean
    corrupted = None
    if noise is not None and draw is not None:
        entering, corrupted = corrupt(entering, noise, noise_level, draw)
    if missing == "mask":
        observed = ~np.isnan(clean)
        n_observed = observed.sum(axis=1, keepdims=True)
        factor = clean.shape[1] / np.maximum(n_observed, 1)
        entering = np.where(observed, entering * factor, 0.0)
    return entering, corrupted
