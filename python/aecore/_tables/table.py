"""Rows with the names of their columns, and what a file of text does not say of itself."""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

# What stands for a missing number in text: pandas' list.
MISSING = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null"),
)


class TableError(Exception):
    """A file that cannot be read or written: one sentence for the user."""


@dataclass(frozen=True)
class TableFormat:
    """How a file of text is written; None is found out from the file, or asked for.

    Attributes
    ----------
    delimiter : str, default=None
        One character between cells.
    decimal : {".", ","}, default=None
        What stands before the digits behind one.
    encoding : str, default=None
        Of Python's names; None is UTF-8, or UTF-16 and UTF-32 where the file begins with its mark.
    header : bool, default=None
        Whether the first line has the names of the columns.
    missing : tuple of str, default=()
        What stands for a missing number, beside `MISSING`.
    """

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    header: bool | None = None
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        mark = self.delimiter
        if mark is not None and (len(mark) != 1 or mark in '"\r\n' or not mark.isascii()):
            msg = f"delimiter must be one ASCII character between cells; got {mark!r}"
            raise TableError(msg)
        if self.decimal not in {None, ".", ","}:
            msg = f"decimal must be '.' or ','; got {self.decimal!r}"
            raise TableError(msg)
        if self.encoding is not None:
            try:
                codecs.lookup(self.encoding)
            except (LookupError, ValueError):
                msg = f"encoding must be one that Python knows; got {self.encoding!r}"
                raise TableError(msg) from None

    @property
    def all_missing(self) -> frozenset[str]:
        """All cells that stand for a missing number."""
        return frozenset((*MISSING, *self.missing))


# Whole numbers up to here are all in float64.
EXACT = 2**53


@dataclass(frozen=True)
class Table:
    """Rows of a file, and the names of their columns where it has them."""

    rows: NDArray[Any]
    names: list[str] | None = None

    def frame(self) -> Any:
        """Give a DataFrame where there are names and pandas, so that names are checked."""
        if self.names is None or find_spec("pandas") is None:
            return self.rows
        import pandas as pd

        return pd.DataFrame(self.rows, columns=self.names)


def refuse_rounded(path: Any, value: int, where: str) -> None:
    """Raise TableError for a whole number that float64 does not have."""
    if int(float(value)) != value:
        msg = (
            f"{path} must hold numbers that float64 has; got {value} in {where}: an id is no "
            "number, leave its column out"
        )
        raise TableError(msg)


def check_rows(path: Any, rows: NDArray[Any]) -> None:
    """Raise TableError unless these are rows and columns of real numbers."""
    if rows.ndim != 2 or 0 in rows.shape:
        msg = f"{path} must hold rows and columns, (n_rows, n_features); got shape {rows.shape}"
        raise TableError(msg)
    if rows.dtype.kind not in "biuf":
        msg = f"{path} must hold real numbers; got dtype {rows.dtype}"
        raise TableError(msg)


def check_names(path: Any, names: list[str]) -> None:
    """Raise TableError unless every column has a name of its own."""
    if "" in names:
        where = names.index("") + 1
        msg = (
            f"{path} must have a name for each column; got none for column {where}: pandas and R "
            "write row numbers so, unless told index=False or row.names=FALSE; name it or leave it "
            "out"
        )
        raise TableError(msg)
    _, first, counts = np.unique(np.array(names), return_index=True, return_counts=True)
    if (counts > 1).any():
        name = names[int(first[counts > 1].min())]
        msg = f"{path} must have a name of its own for each column; got {name!r} more than once"
        raise TableError(msg)


def place_of(path: Any, names: Sequence[str] | None, width: int, column: int | str) -> int:
    """Find a column by its place or its name."""
    if isinstance(column, int):
        if column < width:
            return column
        msg = f"{path} must have {column + 1} columns; got {width}"
        raise TableError(msg)
    known = [] if names is None else list(names)
    if column not in known:
        has = ", ".join(known) if known else "none with a name"
        msg = f"{path} must have the column {column}; got {has}"
        raise TableError(msg)
    return known.index(column)
