"""What a detector is asked to do with rows, besides training networks on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.rules import parameter_error
from aecore._outliers import thresholds
from aecore._outliers.row_errors import RowErrors
from aecore._outliers.windows import windows_of
from aecore._problem.input import Input, InputSettings
from aecore._training.data import TrainingData, split_rows
from aecore.network import Network


class Seen(NamedTuple):
    """What the networks see of rows.

    Attributes
    ----------
    data : TrainingData
        The rows, or windows of them, and which to learn from.
    entry : InputSettings
        What happens to them before the first layer.
    judged : ndarray of shape (n_rows, n_features)
        The rows whose errors set the threshold.
    """

    data: TrainingData
    entry: InputSettings
    judged: NDArray[Any]


@dataclass(frozen=True)
class Detection:
    """The detector's parameters about rows, errors and the threshold, by the same names."""

    contamination: str | float
    threshold: str
    false_alarm_rate: float
    calibration_fraction: float
    error: str
    window: int
    scale: str | None
    missing: str | None
    n_threads: int | None
    verbose: int

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> Detection:
        """Take them from all parameters of a detector."""
        return cls(**{each.name: parameters[each.name] for each in fields(cls)})

    @property
    def threads(self) -> int:
        """How many threads to use."""
        return int(self.n_threads or _core.default_n_threads())

    def see(self, rows: NDArray[Any], seed: int) -> Seen:
        """Rows for a training: what to learn from, and what is held back for the threshold."""
        training, held = self._split(rows, seed)
        seen = rows if training is None else rows[: len(training)]
        if self.window == 1:
            data = TrainingData(rows, None, None, rows=training)
        else:
            data = TrainingData(windows_of(seen, self.window), None, None)
        entry = self._entry(rows, training)
        return Seen(data, entry, rows if held is None else held)

    def see_all(self, rows: NDArray[Any], entry: InputSettings | None) -> Seen:
        """Rows for a pass over all of them; `entry` is that of passes before, if there were any."""
        view = rows if self.window == 1 else windows_of(rows, self.window)
        entry = self._entry(rows, None) if entry is None else entry
        return Seen(TrainingData(view, None, None), entry, rows)

    def _split(
        self, rows: NDArray[Any], seed: int
    ) -> tuple[NDArray[np.int64] | None, NDArray[Any] | None]:
        """Indices of the rows to learn from (None: all), and the rows for calibration."""
        if self.threshold != "conformal":
            return None, None
        n_rows, window = rows.shape[0], self.window
        if window == 1:
            training, held = split_rows(n_rows, self.calibration_fraction, seed)
            return training, rows[held]
        n_held = max(1, round(self.calibration_fraction * n_rows))
        for n, use in ((n_held, "for calibration"), (n_rows - n_held, "to learn from")):
            if n < window:
                raise parameter_error("window", f"be at most {n}, the rows {use}", window)
        return np.arange(n_rows - n_held), rows[n_rows - n_held :]

    def _entry(self, rows: NDArray[Any], training: NDArray[np.int64] | None) -> InputSettings:
        """Scales by column, the same ones for every place in a window."""
        asked = Input(scale=self.scale, missing=self.missing)
        return asked.settings(rows, training).repeated(self.window)

    def errors(
        self, networks: Sequence[Network], spreads: Sequence[NDArray[np.float64]]
    ) -> RowErrors:
        """Make what computes the errors of rows from what was learned."""
        return RowErrors(networks, spreads, self.error, self.window, self.threads)

    def threshold_of(self, found: NDArray[np.float64]) -> float:
        """Return the error above which a row is odd, given the errors `found` in some rows."""
        if self.threshold == "tail":
            return thresholds.by_tail(found, self.false_alarm_rate)
        if self.threshold == "conformal":
            return thresholds.by_conformal(found, self.false_alarm_rate)
        if isinstance(self.contamination, str):
            return thresholds.by_deviation(found)
        return thresholds.by_share(found, self.contamination)


def check_finite(rows: NDArray[Any], *, missing: bool) -> None:
    """Raise ValueError with row and column; the core would count rows of a window or block."""
    if rows.dtype.kind != "f":
        return
    for start in range(0, rows.shape[0], 4096):
        block = rows[start : start + 4096]
        wrong = np.isinf(block) if missing else ~np.isfinite(block)
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            got = f"{block[row, column]} in row {start + row}, column {column}"
            msg = f"X must not contain NaN or infinity; got {got}"
            raise ValueError(msg)
