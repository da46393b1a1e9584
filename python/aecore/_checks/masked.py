"""Masked arrays of NumPy: their masks are missing numbers, and are never dropped."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def without_mask(values: Any, name: str, *, missing: bool | None = None) -> Any:
    """See a masked array as a plain one; all else stays as it is.

    Parameters
    ----------
    values : Any
        What the caller was given.
    name : str
        What the caller calls it, for the messages.
    missing : bool, default=None
        Whether numbers may be missing: masked ones become NaN, in a copy. None says that they may
        not whatever the settings are.

    Raises
    ------
    ValueError
        If a number is masked that may not be missing.
    """
    if isinstance(values, list | tuple) and any(isinstance(v, np.ma.MaskedArray) for v in values):
        values = np.ma.stack(values)
    if not isinstance(values, np.ma.MaskedArray):
        return values
    mask = np.ma.getmaskarray(values)
    if not mask.any():
        return np.asarray(values)
    if not missing:
        place = tuple(int(i) for i in np.argwhere(mask)[0])
        words = ("row", "column") if len(place) == 2 else ("row",)
        where = ", ".join(f"{word} {i}" for word, i in zip(words, place, strict=False))
        unless = "" if missing is None else ' without missing="mask"'
        msg = f"{name} must have no masked numbers{unless}; got one at {where or 'its only place'}"
        raise ValueError(msg)
    numbers = np.asarray(values)
    if numbers.dtype.kind in "iub":
        numbers = numbers.astype(np.float64)
    elif numbers.dtype.kind == "f":
        numbers = numbers.copy()
    else:
        return numbers  # whose kind is refused for what it is
    numbers[mask] = np.nan
    return numbers


def from_lists(values: Any, name: str) -> Any:
    """Make an array of rows in lists; all else stays as it is."""
    return as_array(values, name) if isinstance(values, list | tuple) else values


def as_array(values: Any, name: str, *, missing: bool | None = None) -> NDArray[Any]:
    """Make an array of what the caller was given, as `np.asarray` does, but for masks.

    Parameters and errors are those of `without_mask`; ragged rows are a ValueError as well.
    """
    plain = without_mask(values, name, missing=missing)
    try:
        return np.asarray(plain)
    except ValueError:
        kind = type(values).__name__
        msg = f"{name} must have rows of one length; got a {kind} of inhomogeneous shape"
        raise ValueError(msg) from None
