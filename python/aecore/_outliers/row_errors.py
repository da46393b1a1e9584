"""How badly networks reproduce rows: the error of every feature, averaged over an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecore._outliers.deviations import deviations, gaps, medians
from aecore._outliers.windows import mean_by_row, windows_of, windows_with
from aecore._parallel.side_by_side import run_side_by_side

if TYPE_CHECKING:
    from aecore.network import Network

# Numbers of a block of rows whose errors are taken together: it stays in the second-level cache.
_BLOCK_NUMBERS = 1 << 16
# Kinds of errors that are relative to how far a feature's errors spread.
BY_SPREAD = ("cauchy", "standardized")

Block = Callable[[slice], NDArray[np.float64]]


@dataclass(frozen=True)
class RowErrors:
    """Errors of rows by feature.

    With e = x_hat - x' on the scale of the network, the error of a feature is log(1 + (e / s)^2)
    ("cauchy"), abs(e) / s ("standardized"), abs(e) ("absolute") or e^2 ("squared"), where s is its
    `spread` in training. A missing number costs what is usual in its column, which the features
    that are there bear, in proportion to their own errors.
    """

    networks: Sequence[Network]
    spreads: Sequence[NDArray[np.float64]]  # for each network, and kinds in BY_SPREAD
    # Median error of each number of a window in training, where numbers may be missing. A file of
    # 0.1.0 has None: there the features that are there counted n_features / n_observed times.
    usual: NDArray[np.float64] | None
    error: str
    window: int
    n_threads: int

    def by_feature(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Errors of shape (n_rows, n_features)."""
        result = np.empty(X.shape)

        def put(rows: slice, errors: NDArray[np.float64]) -> None:
            result[rows] = errors

        self._run(X, put)
        return result

    def by_row(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Sums over the features, of shape (n_rows,)."""
        result = np.empty(X.shape[0])

        def put(rows: slice, errors: NDArray[np.float64]) -> None:
            errors.sum(axis=1, out=result[rows])

        self._run(X, put)
        return result

    def medians(self, sample: NDArray[Any]) -> NDArray[np.float64]:
        """Median error of each number of these windows, without those that are missing."""
        return medians(self._errors(sample), gaps(sample))

    def _run(self, X: NDArray[Any], put: Callable[[slice, NDArray[np.float64]], None]) -> None:
        view = windows_of(X, self.window)

        def block(_: int, rows: slice) -> None:
            windows = windows_with(rows, self.window, len(view))
            errors = self._errors(view[windows])
            missing = gaps(view[windows]) if self.networks[0]._input.mask_missing else None
            if missing is not None:
                self._charge(errors, missing)
            errors = mean_by_row(errors, windows, rows, self.window)
            missing = None if missing is None else gaps(X[rows])
            if missing is not None and self.usual is not None:
                _hand_over(errors, missing)
            put(rows, errors)

        parts = list(_blocks(X.shape[0], view.shape[1]))
        if len(parts) == 1:
            block(0, parts[0])
            return
        run_side_by_side(block, parts, n_items=len(parts), n_threads=self.n_threads).check()

    def _errors(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Errors of a few windows, the mean over the networks; 0 where missing."""
        total = np.zeros(X.shape)
        with np.errstate(over="ignore"):  # the error is infinite then
            for index, network in enumerate(self.networks):
                e = deviations(network, X, fill=self.usual is not None)
                if self.error in BY_SPREAD:
                    np.abs(e, out=e)
                    e /= self.spreads[index]
                if self.error == "cauchy":
                    _log1p_of_square(e)
                elif self.error == "squared":
                    np.square(e, out=e)
                else:
                    np.abs(e, out=e)
                total += e
            total /= len(self.networks)
        return total

    def _charge(self, errors: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
        """Put what missing numbers cost into the errors of windows."""
        if self.usual is None:
            n_observed = (~missing).sum(axis=1, keepdims=True)
            errors *= missing.shape[1] / np.maximum(n_observed, 1)
        else:
            np.copyto(errors, self.usual, where=missing)


def _log1p_of_square(t: NDArray[np.float64]) -> None:
    """Put log(1 + t^2) in the place of t >= 0; beyond 1e150 it is 2 log t."""
    large = t > 1e150
    if large.any():
        far = 2.0 * np.log(t[large])
        t[large] = 0.0
    np.square(t, out=t)
    np.log1p(t, out=t)
    if large.any():
        t[large] = far


def _hand_over(errors: NDArray[np.float64], missing: NDArray[np.bool_]) -> None:
    """Let the features of a row that are there bear the cost of those that are not.

    A gap is no reason for a row to be odd: its own error is 0, and the row's sum stays. A row of
    gaps alone keeps their costs.
    """
    at = np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1))
    if at.size == 0:
        return
    part, gap = errors[at], missing[at]
    cost = np.where(gap, part, 0.0).sum(axis=1, keepdims=True)
    part[gap] = 0.0
    own = part.sum(axis=1, keepdims=True)
    none = own == 0.0
    part *= 1.0 + np.where(none | np.isinf(own), 0.0, cost / np.where(none, 1.0, own))
    n_there = (~gap).sum(axis=1, keepdims=True)
    errors[at] = part + np.where(none & ~gap, cost / n_there, 0.0)


def _blocks(n_rows: int, width: int) -> Iterator[slice]:
    step = max(64, _BLOCK_NUMBERS // width)
    for start in range(0, n_rows, step):
        yield slice(start, min(n_rows, start + step))
