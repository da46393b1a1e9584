"""Where odd begins: thresholds on the errors of rows."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from aecore._checks.rules import parameter_error

# Share of the errors that a tail is fitted to.
_TAIL = 0.1
# The fewest that it can be fitted to.
_FEWEST = 10
# Scales of the tail from the median to where odd begins.
_REACH = 4.0
# Shares of errors by which the scale is told.
_UPPER = (0.25, 0.15)
# Errors are the same that differ by less, relative to their median.
_TIE = 1e-9

Vector = NDArray[np.float64]


def by_share(errors: Vector, contamination: float) -> float:
    """The error that a share `contamination` of these rows exceeds."""
    return float(-np.quantile(-errors, contamination))


def by_deviation(errors: Vector) -> float:
    """The error that rows like most of these exceed at a rate of at most about 2 %.

    The median + 4 times the scale of an exponential tail that begins there (`tail_scale`): what
    lies further above the median has a probability of exp(-4) / 2 = 0.9 %, and less where the tail
    is lighter.
    """
    return float(np.median(errors)) + _REACH * tail_scale(errors)


def tail_scale(errors: Vector) -> float:
    """Scale of an exponential tail above the median of errors, most of them of usual rows.

    If half of the errors lie above the median, and exponentially, a share p of all lies above the
    median - ln(2 p) times the scale. The larger of the scales for p = 0.25 and 0.15, which odd rows
    do not move while they are fewer; where both are 0, as nearly all errors are the same, the same
    for half of those above the median. 0 if there are none.
    """
    middle, *upper = (float(x) for x in np.quantile(errors, (0.5, *(1.0 - p for p in _UPPER))))
    scale = max((x - middle) / -math.log(2.0 * p) for x, p in zip(upper, _UPPER, strict=True))
    tie = _TIE * abs(middle)
    if not scale > tie:
        above = errors[errors - middle > tie]
        scale = (float(np.median(above)) - middle) / math.log(2.0) if above.size else 0.0
    return scale


def by_tail(errors: Vector, false_alarm_rate: float) -> float:
    """Error that normal rows exceed with the rate, by a generalised Pareto tail.

    Peaks over threshold: the excesses over the 90 % quantile u of n errors, N of them, follow a
    generalised Pareto distribution of shape xi and scale sigma, fitted by maximum likelihood; the
    threshold is u + sigma/xi ((rate n/N)^-xi - 1). A rate above N/n is a quantile of the errors.

    References
    ----------
    A. Siffer, P.-A. Fouque, A. Termier, C. Largouet, "Anomaly detection in streams with extreme
    value theory", KDD 2017, section 3.

    Raises
    ------
    ValueError
        If there are too few rows to have a tail.
    """
    from scipy.stats import genpareto

    start = float(np.quantile(errors, 1.0 - _TAIL))
    excess = errors[errors > start] - start
    if len(errors) * _TAIL < _FEWEST:
        msg = (
            f"X must have at least {math.ceil(_FEWEST / _TAIL)} rows with threshold 'tail'; got "
            f"{len(errors)}"
        )
        raise ValueError(msg)
    if false_alarm_rate >= len(excess) / len(errors):
        return float(np.quantile(errors, 1.0 - false_alarm_rate))
    unit = float(excess.mean())  # the fit looks for its maximum among numbers near 1
    with np.errstate(all="ignore"):
        shape, _, scale = genpareto.fit(excess / unit, floc=0.0)
        part = false_alarm_rate * len(errors) / len(excess)
        beyond = unit * float(genpareto.isf(part, shape, 0.0, scale))
    # A fit that ends nowhere says less than the errors themselves.
    return start + beyond if math.isfinite(beyond) else float(errors.max())


def by_conformal(errors: Vector, false_alarm_rate: float) -> float:
    """Error that the next row exceeds with at most this probability, if it is like these rows.

    For m calibration rows that the networks have not learned from, and a row exchangeable with
    them: the ceil((m + 1) (1 - rate))-th smallest error.

    References
    ----------
    R. Laxhammar, G. Falkman, "Conformal prediction for distribution-independent anomaly detection
    in streaming vessel data", StreamKDD 2010; V. Vovk, A. Gammerman, G. Shafer, "Algorithmic
    learning in a random world", Springer, 2005.

    Raises
    ------
    ValueError
        If there are too few rows for the rate.
    """
    # 1e-9: (m + 1) (1 - rate) may be an integer but for rounding.
    place = math.ceil((len(errors) + 1) * (1.0 - false_alarm_rate) - 1e-9)
    if place > len(errors):
        rule = f"be at least 1 / {len(errors) + 1} with {len(errors)} rows for calibration"
        raise parameter_error("false_alarm_rate", rule, false_alarm_rate)
    return float(np.sort(errors)[max(place, 1) - 1])
