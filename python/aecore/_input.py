"""What happens to rows before the first layer: scaling, column by column or at once, and NaN."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._parameters import parameter_error
from aecore._sparse import is_sparse, largest_magnitudes

_BLOCK_ROWS = 256


@dataclass(frozen=True)
class InputSettings:
    """x' = input_scale x, or (x - offset) * factor by column; NaN an error, or missing."""

    input_scale: float = 1.0
    offset: NDArray[np.float64] | None = None
    factor: NDArray[np.float64] | None = None
    mask_missing: bool = False

    @cached_property
    def core(self) -> _core.Input:
        """The same for the core."""
        return _core.Input(
            input_scale=self.input_scale,
            offset=() if self.offset is None else self.offset,
            factor=() if self.factor is None else self.factor,
            mask_missing=self.mask_missing,
        )

    def apply(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale one number for each column."""
        if self.offset is None or self.factor is None:
            return self.input_scale * x
        return (x - self.offset) * self.factor

    def undo(self, output: NDArray[Any]) -> NDArray[Any]:
        """Bring rows of (n_rows, n_columns) back to the scale of X, in place: x' / factor + offset.

        `input_scale` is not undone. In float64, block by block.
        """
        if self.offset is not None and self.factor is not None:
            for start in range(0, output.shape[0], _BLOCK_ROWS):
                block = output[start : start + _BLOCK_ROWS]
                block[:] = block.astype(np.float64) / self.factor + self.offset
        return output

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("core", None)
        return state


def fit_scaling(
    X: Any, rows: NDArray[np.int64] | None, scale: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offset and factor of each column, NaN ignored, in one pass over the `rows` of X (None: all).

    Formulas as in `aecore.reference.fit_scaling`. Mean and squared deviations M are taken of blocks
    relative to the smallest number of each column, which leaves M of a constant column exactly 0,
    and joined [1]_. A column with infinity keeps offset 0 and factor 1: the core refuses it.

    References
    ----------
    .. [1] T. F. Chan, G. H. Golub, R. J. LeVeque. Updating formulae and a pairwise algorithm for
       computing sample variances. COMPSTAT 1982.
    """
    n_columns = X.shape[1]
    if is_sparse(X):
        if scale != "maxabs":
            rule = "be None or 'maxabs' where X is sparse: an offset would fill it"
            raise parameter_error("scale", rule, scale)
        return np.zeros(n_columns), _inverse(largest_magnitudes(X, rows))
    count, mean, deviations = np.zeros((3, n_columns))
    low, high = np.full(n_columns, np.inf), np.full(n_columns, -np.inf)
    n_rows = X.shape[0] if rows is None else rows.shape[0]
    with np.errstate(all="ignore"):
        for start in range(0, n_rows, _BLOCK_ROWS):
            part = slice(start, start + _BLOCK_ROWS)
            block = (X[part] if rows is None else X[rows[part]]).astype(np.float64, order="C")
            low = np.fmin(low, np.fmin.reduce(block, axis=0))
            high = np.fmax(high, np.fmax.reduce(block, axis=0))
            if scale == "standard":
                _join(block, count, mean, deviations)
        seen = np.isfinite(low) & np.isfinite(high)
        low, high = np.where(seen, low, 0.0), np.where(seen, high, 0.0)
        if scale == "minmax":
            return low, _inverse(high - low)
        if scale == "standard":
            std = np.sqrt(deviations / np.maximum(count, 1.0))
            return np.where(seen, mean, 0.0), _inverse(np.where(seen, std, 0.0))
        return np.zeros(n_columns), _inverse(np.maximum(np.abs(low), np.abs(high)))


def _join(
    block: NDArray[np.float64],
    count: NDArray[np.float64],
    mean: NDArray[np.float64],
    deviations: NDArray[np.float64],
) -> None:
    """Add the rows of a block to the statistics, in place."""
    seen = ~np.isnan(block)
    n = seen.sum(axis=0)
    base = np.where(n > 0, np.fmin.reduce(block, axis=0), 0.0)
    d = np.where(seen, block - base, 0.0)
    shift = d.sum(axis=0) / np.maximum(n, 1)
    m2 = (np.where(seen, d - shift, 0.0) ** 2).sum(axis=0)
    total = np.maximum(count + n, 1.0)
    step = np.where(n > 0, base + shift - mean, 0.0)
    mean += step * (n / total)
    deviations += m2 + step**2 * (count * n / total)
    count += n


def _inverse(spread: NDArray[np.float64]) -> NDArray[np.float64]:
    usable = (spread >= np.finfo(np.float64).tiny) & np.isfinite(spread)
    return 1.0 / np.where(usable, spread, 1.0)
