"""Tables of named columns, of pandas or polars: what is no number is refused by that name."""

from __future__ import annotations

from typing import Any

import numpy as np

# How the types of columns begin, in small letters, in pandas, polars and Arrow.
_TIMES = ("date", "time", "period", "duration")
_WORDS = ("categor", "enum", "dictionary", "str", "utf8", "large_str", "interval", "list", "binary")
ENCODE = "encode it first, as sklearn.preprocessing.OneHotEncoder does"
COUNT = "make a number of it first, such as the seconds since a date"


def column_names(values: Any) -> list[Any] | None:
    """Names of the columns of a table; None of what is none."""
    columns = getattr(values, "columns", None)
    return None if columns is None or not hasattr(values, "dtypes") else list(columns)


def refuse_categories(values: Any, name: str) -> None:
    """Raise TypeError for a table with a column of categories, words or times.

    Integers that are categories have an order and distances that mean nothing.

    Parameters
    ----------
    values : Any
        What the caller was given; arrays, and all else without named columns, pass.
    name : str
        What the caller calls it, for the message.
    """
    columns = column_names(values)
    if columns is None:
        return
    for place, (column, dtype) in enumerate(zip(columns, values.dtypes, strict=True)):
        kind = str(dtype)
        low = kind.lower()
        advice = None
        if low.startswith(_TIMES):
            advice = COUNT
        elif low.startswith(_WORDS) or (low == "object" and _has_words(values, place)):
            advice = ENCODE
        if advice is not None:
            msg = f"{name} must hold real numbers; got {kind} in column {column!r}: {advice}"
            raise TypeError(msg)


def refuse_other_order(values: Any, names: Any, name: str) -> None:
    """Raise ValueError for a table whose columns have these `names` in another order.

    scikit-learn does the same for X; other names altogether are the caller's business.
    """
    columns = column_names(values)
    if columns is None or names is None:
        return
    expected = list(names)
    if columns != expected and len(columns) == len(expected) and set(columns) == set(expected):
        at = next(
            i for i, pair in enumerate(zip(columns, expected, strict=True)) if pair[0] != pair[1]
        )
        msg = (
            f"{name} must have its columns in the order of X's; got {columns[at]!r} where X has "
            f"{expected[at]!r}"
        )
        raise ValueError(msg)


def _has_words(values: Any, place: int) -> bool:
    """Whether a column of objects holds anything but numbers and what is missing."""
    column = values.iloc[:, place] if hasattr(values, "iloc") else values[:, place]
    return not all(
        each is None or hasattr(each, "__float__") or type(each).__name__ == "NAType"
        for each in np.asarray(column, dtype=object)
    )
