"""Tables of named columns, of pandas, polars or Arrow: what is no number is refused by that name.

By hand, not by a library for all tables: scikit-learn takes any of them, but for what is done here.
"""

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
    if _is_arrow(values):
        return list(values.schema.names)
    columns = getattr(values, "columns", None)
    return None if columns is None or not hasattr(values, "dtypes") else list(columns)


def plain_columns(values: Any, name: str) -> Any:
    """Give a table whose columns are all numbers, with NaN for what is missing.

    Integers that are categories have an order and distances that mean nothing.

    Parameters
    ----------
    values : Any
        What the caller was given; arrays, and all else without named columns, stay as they are.
    name : str
        What the caller calls it, for the message.

    Raises
    ------
    TypeError
        For a column of categories, words or times, and for a plan that is no table yet.
    """
    if hasattr(values, "collect_schema") and not hasattr(values, "to_numpy"):
        msg = f"{name} must be a table; got a {type(values).__name__}: collect it first"
        raise TypeError(msg)
    if _is_arrow(values):
        return _plain_arrow(values, name)
    columns = column_names(values)
    if columns is None:
        return values
    plain = values
    for place, (column, dtype) in enumerate(zip(columns, values.dtypes, strict=True)):
        kind = str(dtype)
        _refuse_kind(kind, column, name, is_words=_of_words(values, place, kind))
        if kind == "object" and hasattr(values, "isetitem"):
            numbers = _without_na(values.iloc[:, place])
            if numbers is not None:
                plain = values.copy(deep=False) if plain is values else plain
                plain.isetitem(place, numbers)
    return plain


def _refuse_kind(kind: str, column: Any, name: str, *, is_words: bool = False) -> None:
    low = kind.lower()
    advice = COUNT if low.startswith(_TIMES) else None
    if advice is None and (low.startswith(_WORDS) or is_words):
        advice = ENCODE
    if advice is not None:
        msg = f"{name} must hold real numbers; got {kind} in column {column!r}: {advice}"
        raise TypeError(msg)


def _is_arrow(values: Any) -> bool:
    """Whether this is a table or a batch of Arrow's, whose columns are no dtypes of NumPy."""
    return type(values).__module__.partition(".")[0] == "pyarrow" and hasattr(values, "schema")


def _plain_arrow(values: Any, name: str) -> Any:
    """Flags, decimals and empty columns as numbers; NumPy would make objects of them all."""
    import pyarrow as pa

    columns = []
    for field, column in zip(values.schema, values.columns, strict=True):
        kind = field.type
        if pa.types.is_decimal(kind):
            columns.append(column.cast(pa.string()).cast(pa.float64()))  # rounded once
        elif pa.types.is_boolean(kind) or pa.types.is_null(kind):
            columns.append(column.cast(pa.float64()))
        else:
            is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind)
            _refuse_kind(str(kind), field.name, name, is_words=not is_number)
            columns.append(column)
    return pa.table(columns, names=values.schema.names)


def _without_na(column: Any) -> Any:
    """Objects as numbers where pandas' NA, which is no number for NumPy, is among them."""
    cells = column.to_numpy()
    if not any(type(cell).__name__ == "NAType" for cell in cells):
        return None
    none = [cell is None or type(cell).__name__ == "NAType" for cell in cells]
    return np.array([np.nan if no else float(cell) for cell, no in zip(cells, none, strict=True)])


def _of_words(values: Any, place: int, kind: str) -> bool:
    return kind.lower() == "object" and _has_words(values, place)


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
