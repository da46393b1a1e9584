"""How badly networks reproduce rows: the error of every feature, averaged over an ensemble."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecore._outliers.windows import mean_by_row, windows_of, windows_with
from aecore._parallel.side_by_side import run_side_by_side

if TYPE_CHECKING:
    from aecore.network import Network

# Numbers of a block of rows whose errors are taken together: it stays in the second-level cache.
_BLOCK_NUMBERS = 1 << 16
# Numbers of the rows whose errors say how far a feature spreads: more would not move a median.
_SPREAD_NUMBERS = 1 << 21
# The standard deviation of normal errors e, divided by the median of abs(e).
_MEDIAN_TO_DEVIATION = 1.4826
# The smallest spread of a feature, divided by the root mean square of its errors.
_SMALLEST_SPREAD = 1e-3

Block = Callable[[slice], NDArray[np.float64]]


@dataclass(frozen=True)
class RowErrors:
    """Errors of rows by feature.

    With e = x_hat - x' on the scale of the network, the error of a feature is e^2 ("squared"),
    abs(e) ("absolute") or abs(e) / s ("standardized"), where s is its `spread` in training. Missing
    numbers have none, and the others of the row count n_features / n_observed times.
    """

    networks: Sequence[Network]
    spreads: Sequence[NDArray[np.float64]]  # for each network; for "standardized" alone
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

    def _run(self, X: NDArray[Any], put: Callable[[slice, NDArray[np.float64]], None]) -> None:
        view = windows_of(X, self.window)

        def block(_: int, rows: slice) -> None:
            windows = windows_with(rows, self.window, len(view))
            put(rows, mean_by_row(self._errors(view[windows]), windows, rows, self.window))

        parts = list(_blocks(X.shape[0], view.shape[1]))
        if len(parts) == 1:
            block(0, parts[0])
            return
        run_side_by_side(block, parts, n_items=len(parts), n_threads=self.n_threads).check()

    def _errors(self, X: NDArray[Any]) -> NDArray[np.float64]:
        """Errors of a few windows, the mean over the networks."""
        total = np.zeros(X.shape)
        for index, network in enumerate(self.networks):
            e = deviations(network, X)
            if self.error == "squared":
                with np.errstate(over="ignore"):  # the error is infinite then
                    np.square(e, out=e)
            else:
                np.abs(e, out=e)
                if self.error == "standardized":
                    e /= self.spreads[index]
            total += e
        total /= len(self.networks)
        if self.networks[0]._input.mask_missing:
            _share_missing(total, X)
        return total


def deviations(network: Network, X: NDArray[Any]) -> NDArray[np.float64]:
    """Take x_hat - x' on the network's scale, of shape (n_rows, n_features); 0 where missing."""
    output = network.reconstruct(X)  # first: it refuses what is too large for its type
    target = network._input.apply(X.astype(np.float64))
    e: NDArray[np.float64] = np.subtract(output, target, out=target)
    if network._input.mask_missing:
        e[np.isnan(e)] = 0.0
    return e


def _share_missing(errors: NDArray[np.float64], X: NDArray[Any]) -> None:
    if X.dtype.kind != "f":
        return
    observed = (~np.isnan(X)).sum(axis=1, keepdims=True)
    if observed.min() < X.shape[1]:
        errors *= X.shape[1] / np.maximum(observed, 1)


def spread(
    network: Network, X: NDArray[Any], rows: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """Robust spread of the errors of each feature over the training rows, > 0.

    1.4826 times the median of abs(e), the standard deviation of normal errors [1]_, of at most some
    thousand rows at even distances. Where most rows have next to no error, 1/1000 of the root mean
    square; 1 where no row has any.

    References
    ----------
    .. [1] F. R. Hampel. The influence curve and its role in robust estimation. Journal of the
       American Statistical Association 69, 1974.
    """
    n_rows = X.shape[0] if rows is None else rows.shape[0]
    n_seen = min(n_rows, max(1, _SPREAD_NUMBERS // X.shape[1]))
    at = np.arange(n_seen) * n_rows // n_seen
    sample = X[at if rows is None else rows[at]]
    e = np.abs(deviations(network, sample))
    missing = np.isnan(sample) if sample.dtype.kind == "f" else np.zeros(sample.shape, bool)
    seen = np.maximum((~missing).sum(axis=0), 1)
    root = np.sqrt(np.square(e).sum(axis=0) / seen)
    if missing.any():  # they come last, and the median is that of the others
        e[missing] = np.inf
        ordered = np.sort(e, axis=0)
        column = np.arange(e.shape[1])
        middle = (ordered[(seen - 1) // 2, column] + ordered[seen // 2, column]) / 2
        middle[missing.all(axis=0)] = 0.0
    else:
        middle = np.median(e, axis=0)
    found = np.maximum(_MEDIAN_TO_DEVIATION * middle, _SMALLEST_SPREAD * root)
    return np.where(found > 0.0, found, 1.0)


def _blocks(n_rows: int, width: int) -> Iterator[slice]:
    step = max(64, _BLOCK_NUMBERS // width)
    for start in range(0, n_rows, step):
        yield slice(start, min(n_rows, start + step))
