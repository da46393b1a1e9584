"""What happens to rows before the first layer: scaling, missing numbers, noise."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.rules import check_params, parameter_error
from aecore._problem.scaling import ROBUST_LIMIT, fit_scaling

_BLOCK_ROWS = 256
# The range of the targets of a loss, where it has one.
_RANGES = {
    "binary_cross_entropy": (0.0, 1.0),
    "poisson": (0.0, np.inf),
    "multinomial": (0.0, np.inf),
}


@dataclass(frozen=True)
class InputSettings:
    """x' = input_scale x, or (x - offset) * factor by column; NaN an error, or missing.

    Where there are factors, x' is limited to [low, high]. With `log1p` sign(x') log(1 + |x'|)
    enters, while x' stays what an output is compared with.
    """

    input_scale: float = 1.0
    offset: NDArray[np.float64] | None = None
    factor: NDArray[np.float64] | None = None
    mask_missing: bool = False
    low: float = -np.inf
    high: float = np.inf
    log1p: bool = False

    @cached_property
    def core(self) -> _core.Input:
        """The same for the core."""
        return _core.Input(
            input_scale=self.input_scale,
            offset=() if self.offset is None else self.offset,
            factor=() if self.factor is None else self.factor,
            mask_missing=self.mask_missing,
            low=self.low,
            high=self.high,
            log1p=self.log1p,
        )

    def apply(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Scale numbers whose last axis is that of the columns."""
        if self.offset is None or self.factor is None:
            return self.input_scale * x
        with np.errstate(over="ignore"):  # the limits come after it
            scaled: NDArray[np.float64] = (x - self.offset) * self.factor
        return np.clip(scaled, self.low, self.high, out=scaled)

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
        self,
        X: Any,
        rows: NDArray[np.int64] | None,
        sample_weight: NDArray[np.float64] | None = None,
        previous: InputSettings | None = None,
        loss: str | None = None,
    ) -> InputSettings:
        """What happens to rows like the `rows` of X (None: all).

        Weights belong to the numbers they were learned from: where a network that is trained on
        scales its columns, as `previous` says, it goes on doing so; its `input_scale` is kept
        where none is asked for.

        `loss` compares scaled rows with what they are made of: a number outside the range that
        training rows have is limited to it, where the loss has no value there.
        """
        mask = self.missing == "mask"
        log1p = self.log1p if previous is None else previous.log1p
        if previous is not None and previous.offset is not None:
            if self.input_scale != 1:
                rule = "be 1 with a network that scales its columns"
                raise parameter_error("input_scale", rule, self.input_scale)
            return replace(previous, mask_missing=mask)
        if self.scale is None:
            kept = 1.0 if previous is None else previous.input_scale
            asked = float(self.input_scale)
            return InputSettings(kept if asked == 1 else asked, mask_missing=mask, log1p=log1p)
        offset, factor = fit_scaling(X, rows, self.scale, sample_weight)
        return InputSettings(1.0, offset, factor, mask, *_limits(self.scale, loss), log1p)


def _limits(scale: str, loss: str | None) -> tuple[float, float]:
    if scale == "robust":
        return -ROBUST_LIMIT, ROBUST_LIMIT
    least, most = _RANGES.get(loss or "", (-np.inf, np.inf))
    return (
        least if scale == "minmax" else -np.inf,
        most if scale in {"minmax", "maxabs"} else np.inf,
    )


def refuse_target_of_scaled(target: Any) -> None:
    """Raise ValueError for a target where `scale` says what the target is: X, scaled."""
    if target is not None:
        msg = (
            "target must be None with scale, which makes it X on the new scale; got an array of "
            f"shape {np.shape(target)}"
        )
        raise ValueError(msg)
