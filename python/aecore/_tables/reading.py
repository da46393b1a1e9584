"""The one way in: rows of numbers from a file, or columns as they are."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aecore._tables.arrays import ArrayRows, read_array
from aecore._tables.columnar import ColumnarRows, read_columns
from aecore._tables.sources import ARRAYS, COLUMNAR, check_can_read, kind_of, reading
from aecore._tables.table import Table, TableError, TableFormat, check_rows
from aecore._tables.text import TextRows, read_cells

# As files say nothing else.
AS_FOUND = TableFormat()


class _Rows(Protocol):
    """What a kind of file gives: rows in parts, all of one dtype."""

    @property
    def names(self) -> list[str] | None:
        """Of the columns."""

    @property
    def n_rows(self) -> int | None:
        """Of all parts, where that is known."""

    def __iter__(self) -> Iterator[NDArray[Any]]:
        """Give parts of some rows."""


class Blocks:
    """The rows of a file, some at a time, as often as they are asked for.

    Parameters
    ----------
    path : Path
    form : TableFormat
        Of files of text.
    n_rows : int, default=None
        The most rows of a block; None is what is handy.
    without : sequence of str, default=()
        Names of columns that are left out.

    Attributes
    ----------
    names : list of str or None
        Of the columns.
    n_rows : int or None
        Of all blocks, where that is known before they are read.
    """

    def __init__(
        self,
        path: Path,
        form: TableFormat = AS_FOUND,
        n_rows: int | None = None,
        without: Sequence[str] = (),
    ) -> None:
        check_can_read(path)
        kind = kind_of(path)
        self._path, self._most = path, n_rows
        self._rows: ArrayRows | _Rows
        with reading(path):
            if kind in ARRAYS:
                self._rows = ArrayRows(path, kind)
            elif kind in COLUMNAR:
                self._rows = ColumnarRows(path, kind, without)
            else:
                self._rows = TextRows(path, form, without)
        self.names, self.n_rows = self._rows.names, self._rows.n_rows

    @property
    def mapped(self) -> NDArray[Any] | None:
        """All rows, where a file of NumPy's has them as they are."""
        return self._rows.rows if isinstance(self._rows, ArrayRows) else None

    def __iter__(self) -> Iterator[Table]:
        parts = iter(self._rows)
        while True:
            with reading(self._path):  # not around what is done with the rows
                rows = next(parts, None)
            if rows is None:
                return
            step = self._most or len(rows)
            for first in range(0, len(rows), max(step, 1)):
                yield Table(rows[first : first + step], self.names)


def read_blocks(
    path: Path,
    form: TableFormat = AS_FOUND,
    n_rows: int | None = None,
    without: Sequence[str] = (),
) -> Blocks:
    """Read a table in blocks, as `read_table` would read it whole."""
    return Blocks(path, form, n_rows, without)


def read_table(path: Path, form: TableFormat = AS_FOUND, *, without: Sequence[str] = ()) -> Table:
    """Read a file of rows.

    Parameters
    ----------
    path : Path
        A .npy file with a 2-D array (mapped, not read), an .npz file with one array or one named
        X, text (.csv, .tsv, .txt, also compressed), .parquet, or .feather and .arrow.
    form : TableFormat
        Of a file of text.
    without : sequence of str, default=()
        Names of columns that are left out.

    Returns
    -------
    Table
        Of shape (n_rows, n_features): every row of the file is one. The dtype of an array is that
        of the file; text has float64, Parquet and Arrow float32 where all columns have.

    Raises
    ------
    TableError
        If the file cannot be read or does not hold rows of real numbers, or if it can be understood
        in two ways.
    """
    blocks = Blocks(path, form, without=without)
    if blocks.mapped is not None:
        return Table(blocks.mapped)
    parts = [block.rows for block in blocks]
    rows = np.concatenate(parts) if parts else np.empty((0, len(blocks.names or ())))
    check_rows(path, rows)
    return Table(rows, blocks.names)


def read_words(
    path: Path, columns: Sequence[int | str], form: TableFormat = AS_FOUND
) -> list[NDArray[Any]]:
    """Read columns, by place or name, as they are: text as it is written, numbers as such.

    Raises
    ------
    TableError
        If the file cannot be read or has no such column.
    """
    check_can_read(path)
    kind = kind_of(path)
    with reading(path):
        if kind in ARRAYS:
            return [_column(path, read_array(path, kind), column) for column in columns]
        if kind in COLUMNAR:
            return read_columns(path, kind, columns)
        return read_cells(path, form, columns)


def _column(path: Path, array: NDArray[Any], column: int | str) -> NDArray[Any]:
    table = array if array.ndim == 2 else array[:, np.newaxis]
    if isinstance(column, str) or table.ndim != 2 or column >= table.shape[1]:
        msg = f"{path} must have the column {column}; got an array of shape {array.shape}"
        raise TableError(msg)
    return np.asarray(table[:, column])
