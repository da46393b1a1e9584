"""What happens to rows before the first layer: scaling, missing numbers, noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.rules import check_params, parameter_error
from aecore._checks.sparse import is_sparse, largest_magnitudes

_BLOCK_ROWS = 256
_EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class InputSettings:
    """x' = input_scale x, or (x - offset) * factor by column; NaN an error, or missing.

    With `log1p` sign(x') log(1 + |x'|) enters, while x' stays what an output is compared with.
    """

    input_scale: float = 1.0
    offset: NDArray[np.float64] | None = None
    factor: NDArray[np.float64] | None = None
    mask_missing: bool = False
    log1p: bool = False

    @cached_property
    def core(self) -> _core.Input:
        """The same for the core."""
        return _core.Input(
            input_scale=self.input_scale,
            offset=() if self.offset is None else self.offset,
            factor=() if self.factor is None else self.factor,
            mask_missing=self.mask_missing,
            log1p=self.log1p,
        )

    def apply(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale numbers whose last axis is that of the columns."""
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

    def repeated(self, n: int) -> InputSettings:
        """The same for rows that are n of these rows, one after the other."""
        if self.offset is None or self.factor is None:
            return self
        return replace(self, offset=np.tile(self.offset, n), factor=np.tile(self.factor, n))

    def __getstate__(self) -> dict[str, Any]:
        state = self.__dict__.copy()
        state.pop("core", None)
        return state


@dataclass(frozen=True)
class Input:
    """What the user wants to happen to rows: parameters of `Autoencoder`, by the same names.

    `is_target` says whether the target is X itself, or something on its scale; `log1p` that rows
    are counts, of totals that may differ much: their logarithms enter, and a softmax output starts
    at their shares.
    """

    input_scale: float = 1.0
    scale: str | None = None
    missing: str | None = None
    noise: str | None = None
    noise_level: float = 0.3
    noise_emphasis: float = 1.0
    is_target: bool = True
    log1p: bool = False

    def check(self) -> None:
        """Raise ValueError for a field that breaks its rule or does not go with the others."""
        values = dict(vars(self))
        del values["is_target"], values["log1p"]
        check_params(values)
        if self.scale is not None and self.input_scale != 1:
            raise parameter_error(
                "input_scale", f"be 1 with scale {self.scale!r}", self.input_scale
            )
        if self.noise in ("masking", "salt_and_pepper") and self.noise_level > 1:
            rule = f"be a probability in [0, 1] with noise {self.noise!r}"
            raise parameter_error("noise_level", rule, self.noise_level)

    @property
    def takes_sparse(self) -> bool:
        """Whether sparse rows stay sparse."""
        return (
            self.scale in {None, "maxabs"}
            and self.missing is None
            and self.noise in {None, "masking"}
            and self.noise_emphasis == 1
        )

    def core_noise(self) -> _core.Noise:
        """The noise of training rows for the core."""
        return _core.Noise(kind=self.noise, level=self.noise_level, emphasis=self.noise_emphasis)

    def settings(
        self, X: Any, rows: NDArray[np.int64] | None, previous: InputSettings | None = None
    ) -> InputSettings:
        """What happens to rows like the `rows` of X (None: all); scales of `previous` are kept."""
        mask = self.missing == "mask"
        log1p = self.log1p if previous is None else previous.log1p
        if self.scale is None:
            return InputSettings(float(self.input_scale), mask_missing=mask, log1p=log1p)
        if previous is not None and previous.offset is not None:
            offset, factor = previous.offset, previous.factor
        else:
            offset, factor = fit_scaling(X, rows, self.scale)
        return InputSettings(1.0, offset, factor, mask, log1p)


def refuse_target_of_scaled(target: Any) -> None:
    """Raise ValueError for a target where `scale` says what the target is: X, scaled."""
    if target is not None:
        msg = (
            "target must be None with scale, which makes it X on the new scale; got an array of "
            f"shape {np.shape(target)}"
        )
        raise ValueError(msg)


def fit_scaling(
    X: Any, rows: NDArray[np.int64] | None, scale: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Offset and factor of each column, NaN ignored, in one pass over the `rows` of X (None: all).

    Formulas and bounds of rounding are those of `aecore.reference.fit_scaling`. Mean and squared
    deviations M are taken of blocks relative to the smallest number of each column, which leaves M
    of a constant column exactly 0, and joined [1]_. A column with infinity keeps offset 0 and
    factor 1: the core refuses it.

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
        return np.zeros(n_columns), _inverse(largest_magnitudes(X, rows), 10 * _EPSILON)
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
        largest = np.maximum(np.abs(low), np.abs(high))
        if scale == "maxabs":
            return np.zeros(n_columns), _inverse(largest, 10 * _EPSILON)
        rounding = 10 * _epsilon(X.dtype) * largest
        if scale == "minmax":
            return low, _inverse(high - low, np.maximum(rounding, 10 * _EPSILON))
        mean = np.where(seen, mean, 0.0)
        std = np.where(seen, np.sqrt(deviations / np.maximum(count, 1.0)), 0.0)
        return mean, _inverse(std, np.maximum(rounding, count * _EPSILON * np.abs(mean)))


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


def _epsilon(dtype: np.dtype[Any]) -> float:
    """How far apart numbers of a type are, relative to themselves; those of integers are exact."""
    return max(_EPSILON, float(np.finfo(dtype).eps)) if dtype.kind == "f" else _EPSILON


def _inverse(spread: NDArray[np.float64], rounding: Any) -> NDArray[np.float64]:
    """Give 1 / spread, but 1 where the spread is no more than rounding, or not a normal number."""
    usable = (spread > rounding) & (spread >= np.finfo(np.float64).tiny) & np.isfinite(spread)
    return 1.0 / np.where(usable, spread, 1.0)
