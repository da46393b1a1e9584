"""What scikit-learn's signatures let in and nobody reads: y of an estimator without labels."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from aecore._util.callers import caller_level

TAKE_TARGET = ". What the output should be is given by name, target="


def ignore_labels(y: Any, X: Any, advice: str = "") -> None:
    """Warn of a `y` that is no label: of the shape of X, and another array than X itself.

    Parameters
    ----------
    y : Any
        Labels, which may be anything: pipelines hand on what their last step wants.
    X : Any
        The rows.
    advice : str, default=""
        What the caller may have meant.
    """
    if y is None or y is X:
        return
    shape = _shape(y)
    if len(shape) > 1 and shape[1] > 1 and shape == _shape(X):
        rule = "y is ignored, and should hold labels or be None"
        msg = f"{rule}; got an array of the shape of X{advice}"
        warnings.warn(msg, stacklevel=caller_level())


def _shape(values: Any) -> tuple[int, ...]:
    """Shape without a copy; of lists by their first element."""
    shape = getattr(values, "shape", None)
    if shape is not None:
        return tuple(shape)
    if isinstance(values, list | tuple) and len(values) > 0:
        first = values[0]
        try:
            return (len(values), *np.shape(first))
        except ValueError:  # ragged: the estimator says so
            return ()
    return ()
