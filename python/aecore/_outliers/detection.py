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
from aecore._outliers.shares import rows_at_even_shares, windows_by_rows
from aecore._outliers.windows import windows_of
from aecore._problem.input import Input, InputSettings
from aecore._problem.scaling import fit_scaling
from aecore._training.data import TrainingData, split_rows
from aecore.network import Network

# The least spread of a feature's errors, divided by the robust spread of the feature: most rows
# have next to no error in a flag, and those that have one are not odd for it. Where no logarithm
# tempers errors, a larger one is needed.
_LEAST_SPREADS = {"cauchy": 0.05, "standardized": 0.2}


class Seen(NamedTuple):
    """What the networks see of rows.

    Attributes
    ----------
    data : TrainingData
        The rows, or windows of them, and which to learn from.
    entry : InputSettings
        What happens to them before the first layer.
    least : ndarray of shape (window * n_features,) or None
        What no spread of errors is below; None leaves it to the errors.
    rows : ndarray of shape (n_rows, n_features)
        All rows.
    weights : ndarray of shape (n_rows,) or None
        How much each of them counts.
    held : slice, ndarray of int or None
        The rows held back, whose errors set the threshold; None: all set it.
    """

    data: TrainingData
    entry: InputSettings
    least: NDArray[np.float64] | None
    rows: NDArray[Any]
    weights: NDArray[np.float64] | None
    held: slice | NDArray[np.int64] | None


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

    def see(self, rows: NDArray[Any], weights: NDArray[np.float64] | None, seed: int) -> Seen:
        """Rows for a training: what to learn from, and what is held back for the threshold."""
        training, held = self._split(rows, seed)
        if self.window == 1:
            data = TrainingData(rows, None, weights, rows=training)
        else:
            n_seen = len(rows) if training is None else len(training)
            of_windows = None if weights is None else windows_by_rows(weights[:n_seen], self.window)
            data = TrainingData(windows_of(rows[:n_seen], self.window), None, of_windows)
        entry = self._input.settings(rows, training, weights)
        least = self._least_spread(rows, training, weights, entry)
        return Seen(data, entry.repeated(self.window), least, rows, weights, held)

    def see_more(
        self, rows: NDArray[Any], entry: InputSettings, least: NDArray[np.float64] | None
    ) -> Seen:
        """Rows for a pass over all of them, after others that said what happens to them."""
        data = TrainingData(windows_of(rows, self.window), None, None)
        return Seen(data, entry, least, rows, None, None)

    def _split(
        self, rows: NDArray[Any], seed: int
    ) -> tuple[NDArray[np.int64] | None, slice | NDArray[np.int64] | None]:
        """Indices of the rows to learn from (None: all), and those of the rows for calibration."""
        if self.threshold != "conformal":
            return None, None
        n_rows, window = rows.shape[0], self.window
        if window == 1:
            return split_rows(n_rows, self.calibration_fraction, seed)
        n_held = max(1, round(self.calibration_fraction * n_rows))
        for n, use in ((n_held, "for calibration"), (n_rows - n_held, "to learn from")):
            if n < window:
                raise parameter_error("window", f"be at most {n}, the rows {use}", window)
        return np.arange(n_rows - n_held), slice(n_rows - n_held, n_rows)

    @property
    def _input(self) -> Input:
        """Scales by column, the same ones for every place in a window."""
        return Input(scale=self.scale, missing=self.missing)

    def _least_spread(
        self,
        rows: NDArray[Any],
        training: NDArray[np.int64] | None,
        weights: NDArray[np.float64] | None,
        entry: InputSettings,
    ) -> NDArray[np.float64] | None:
        """What spreads of errors are not below, as a part of the columns' own robust spreads."""
        if self.error not in _LEAST_SPREADS:
            return None
        least = np.full(rows.shape[1], _LEAST_SPREADS[self.error])
        if self.scale != "robust":  # its columns have a spread of 1
            _, factor = fit_scaling(rows, training, "robust", weights)
            least *= (entry.input_scale if entry.factor is None else entry.factor) / factor
        return np.tile(least, self.window)

    def errors(
        self,
        networks: Sequence[Network],
        spreads: Sequence[NDArray[np.float64]],
        usual: NDArray[np.float64] | None,
    ) -> RowErrors:
        """Make what computes the errors of rows from what was learned."""
        return RowErrors(networks, spreads, usual, self.error, self.window, self.threads)

    def threshold_of(
        self, found: NDArray[np.float64], weights: NDArray[np.float64] | None = None
    ) -> float:
        """Return the error above which a row is odd, given the errors `found` in some rows."""
        found = by_weight(found, weights)
        if self.threshold == "tail":
            return thresholds.by_tail(found, self.false_alarm_rate)
        if self.threshold == "conformal":
            return thresholds.by_conformal(found, self.false_alarm_rate)
        if isinstance(self.contamination, str):
            return thresholds.by_deviation(found)
        return thresholds.by_share(found, self.contamination)


def by_weight(
    errors: NDArray[np.float64], weights: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """As many of these errors, each about as often as it counts."""
    if weights is None:
        return errors
    counts = weights > 0
    errors, weights = errors[counts], weights[counts]
    ordered = np.argsort(errors, kind="stable")
    return errors[ordered[rows_at_even_shares(weights[ordered], len(errors))]]


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
