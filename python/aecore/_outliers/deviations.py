"""What networks make of rows, and how far each feature is off."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecore._outliers.shares import rows_at_even_shares

if TYPE_CHECKING:
    from aecore._problem.input import InputSettings
    from aecore.network import Network

# Networks see scaled numbers up to this size: layers of them stay finite in their type.
_MOST = {np.dtype(np.float32): 1e15, np.dtype(np.float64): 1e150}
# Where scaled numbers end: errors relative to a spread stay finite.
_FURTHEST = 1e300
# Times that gaps are filled by what the network made of the row so far.
_FILLS = 8
# Numbers of the rows whose errors say how far a feature spreads: more would not move a median.
_SAMPLE_NUMBERS = 1 << 21
# The standard deviation of normal errors e, divided by the median of abs(e).
_MEDIAN_TO_DEVIATION = 1.4826
# The smallest spread of a feature, divided by the root mean square of its errors.
_SMALLEST_SPREAD = 1e-3


def deviations(
    network: Network, X: NDArray[Any], *, limited: bool = False, fill: bool = True
) -> NDArray[np.float64]:
    """Take x_hat - x' on the network's scale, of shape (n_rows, n_features); 0 where missing.

    With `fill` a missing number enters as what the network makes of it, which is what the others
    say; otherwise as 0, and the others n_features / n_observed larger.

    A network sees x' within limits that keep it finite, and those of its scale. The x' that it is
    compared with has none, unless it is `limited` to those of the scale: what is far off is far
    off, but one such number should not say how far a feature spreads.
    """
    rows = X.astype(np.float64)
    settings = network._input
    with np.errstate(over="ignore"):
        target = replace(settings, low=-np.inf, high=np.inf).apply(rows)
    most = _MOST[network.dtype]
    if (np.abs(target) > most).any():
        X = _within(rows, settings, most)
        np.clip(target, -_FURTHEST, _FURTHEST, out=target)
    if limited:
        np.clip(target, settings.low, settings.high, out=target)
    output = network.reconstruct(X)
    if fill and settings.mask_missing:
        _fill(network, X, output)
    e: NDArray[np.float64] = np.subtract(output, target, out=target)
    if settings.mask_missing:
        e[np.isnan(e)] = 0.0
    return e


def _fill(network: Network, X: NDArray[Any], output: NDArray[Any]) -> None:
    """Put into `output` what the network makes of rows whose gaps it has filled."""
    missing = gaps(X)
    if missing is None:
        return
    at = np.flatnonzero(missing.any(axis=1))
    for _ in range(_FILLS):
        guess = network._input.undo(output[at].astype(np.float64))
        output[at] = network.reconstruct(np.where(missing[at], guess, X[at]))


def _within(rows: NDArray[np.float64], settings: InputSettings, most: float) -> Any:
    """Limit rows, so that no number is larger than `most` on the scale of the network."""
    if settings.offset is None or settings.factor is None:
        reach = most / abs(settings.input_scale)
        return np.clip(rows, -reach, reach)
    with np.errstate(over="ignore"):
        reach_by_column = most / settings.factor
        low, high = settings.offset - reach_by_column, settings.offset + reach_by_column
    largest = np.finfo(np.float64).max
    return np.clip(rows, np.maximum(low, -largest), np.minimum(high, largest))


def sample_of(
    X: NDArray[Any], rows: NDArray[np.int64] | None, sample_weight: NDArray[np.float64] | None
) -> NDArray[Any]:
    """Take at most some thousand of the `rows` of X (None: all), at even distances.

    With weights the distances are even in weight: each row is taken about as often as it counts.
    """
    n_rows = X.shape[0] if rows is None else rows.shape[0]
    n_seen = min(n_rows, max(1, _SAMPLE_NUMBERS // X.shape[1]))
    if sample_weight is None:
        at = np.arange(n_seen) * n_rows // n_seen
    else:
        weights = sample_weight if rows is None else sample_weight[rows]
        at = rows_at_even_shares(weights, n_seen)
    sample: NDArray[Any] = X[at if rows is None else rows[at]]
    return sample


def spread(
    network: Network, sample: NDArray[Any], least: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Robust spread of the errors of each feature in rows of the training, > 0.

    1.4826 times the median of abs(e), the standard deviation of normal errors [1]_, but not below
    `least`. None is 1/1000 of the root mean square of e, or 1 where no row has an error.

    References
    ----------
    .. [1] F. R. Hampel. The influence curve and its role in robust estimation. Journal of the
       American Statistical Association 69, 1974.
    """
    e = np.abs(deviations(network, sample, limited=True))
    missing = gaps(sample)
    if least is None:
        seen = e.shape[0] if missing is None else np.maximum((~missing).sum(axis=0), 1)
        least = _SMALLEST_SPREAD * np.sqrt(np.square(e).sum(axis=0) / seen)
    found = np.maximum(_MEDIAN_TO_DEVIATION * medians(e, missing), least)
    return np.where(found > 0.0, found, 1.0)


def medians(values: NDArray[np.float64], missing: NDArray[np.bool_] | None) -> NDArray[np.float64]:
    """Median of each column without what is missing; 0 for a column without a number."""
    if missing is None:
        middle: NDArray[np.float64] = np.median(values, axis=0)
        return middle
    seen = np.maximum((~missing).sum(axis=0), 1)
    ordered = np.sort(np.where(missing, np.inf, values), axis=0)  # what is missing comes last
    column = np.arange(values.shape[1])
    middle = (ordered[(seen - 1) // 2, column] + ordered[seen // 2, column]) / 2
    middle[missing.all(axis=0)] = 0.0
    return middle


def gaps(X: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Where numbers are missing; None where none is."""
    if X.dtype.kind != "f":
        return None
    missing: NDArray[np.bool_] = np.isnan(X)
    return missing if missing.any() else None
