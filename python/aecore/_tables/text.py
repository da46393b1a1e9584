"""Files of text, read in blocks by Arrow; what is no number is named by its line and column."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._tables.cells import FALSE, FLAGS, TRUE, fault, is_number
from aecore._tables.dialect import Dialect, find_dialect, parsed, skipped
from aecore._tables.sources import open_text
from aecore._tables.table import EXACT, TableError, TableFormat, place_of, refuse_rounded

_BLOCK = 1 << 20  # bytes of text that are parsed at a time
_CELL = 64  # bytes of a cell, at most, where there are many
_SHOWN = 60  # characters of a cell that is no number
_LINE_ENDS = "\r\n"


class TextRows:
    """Rows of numbers in a file of text, all read in one way.

    Parameters
    ----------
    path : Path
    form : TableFormat
    without : sequence of str, default=()
        Names of columns that are left out.
    """

    def __init__(self, path: Path, form: TableFormat, without: Sequence[str] = ()) -> None:
        self._path = path
        self._dialect = find_dialect(path, form)
        names = self._dialect.names
        self._columns = [
            column
            for column in range(self._dialect.width)
            if names is None or names[column] not in without
        ]
        self.names = None if names is None else [names[column] for column in self._columns]
        self.n_rows: int | None = None

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        import pyarrow as pa

        dialect, columns = self._dialect, self._columns
        flags = {str(column): pa.bool_() for column in columns if column in dialect.flags}
        types = {str(column): pa.float64() for column in columns} | flags
        n_rows, checked = 0, False
        try:
            for batch in _batches(self._path, dialect, types):
                rows = np.empty((batch.num_rows, len(columns)))
                for place, column in enumerate(batch.columns):
                    rows[:, place] = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
                n_rows += len(rows)
                # NaN compares as false.
                if not checked and bool((np.abs(rows) >= EXACT).any()):
                    _refuse_rounded(self._path, dialect, columns)
                    checked = True
                yield rows
        except pa.ArrowInvalid as error:
            raise _explained(self._path, dialect, columns, error) from error
        if n_rows == 0:
            msg = f"cannot read {self._path}: there are column names but no rows"
            raise TableError(msg)


def read_cells(path: Path, form: TableFormat, columns: Sequence[int | str]) -> list[Any]:
    """Read columns, by place or name, as they are written: arrays of str."""
    import pyarrow as pa

    dialect = find_dialect(path, form)
    places = [place_of(path, dialect.names, dialect.width, column) for column in columns]
    types = {str(place): pa.string() for place in places}
    try:
        batches = list(_batches(path, dialect, types))
    except pa.ArrowInvalid as error:
        raise _explained(path, dialect, [], error) from error
    table = pa.Table.from_batches(batches)
    return [table.column(str(place)).to_numpy() for place in places]


def _batches(path: Path, dialect: Dialect, types: dict[str, Any]) -> Iterator[Any]:
    import pyarrow as pa
    from pyarrow import csv

    with open_text(path, dialect.encoding) as text:
        lines = skipped(text, dialect.n_skipped)
        if dialect.names is not None:
            next(parsed(lines, dialect.delimiter))
        body = io.BufferedReader(_Body(text, keeps_empty=dialect.width == 1), _BLOCK)
        if not body.peek(1):
            return
        words = all(kind == pa.string() for kind in types.values())
        yield from csv.open_csv(
            body,
            csv.ReadOptions(
                use_threads=False,
                block_size=max(_BLOCK, _CELL * dialect.width),  # a row has to fit
                column_names=[str(column) for column in range(dialect.width)],
            ),
            csv.ParseOptions(
                delimiter=dialect.delimiter, ignore_empty_lines=False, newlines_in_values=words
            ),
            csv.ConvertOptions(
                column_types=types,
                include_columns=list(types),
                null_values=_with_spaces(dialect.missing),
                strings_can_be_null=False,
                true_values=TRUE,
                false_values=FALSE,
                decimal_point=dialect.decimal,
            ),
        )


def _with_spaces(missing: frozenset[str]) -> list[str]:
    """The same with up to three spaces around, which Arrow takes away from numbers alone."""
    few = [" " * n for n in range(4)]
    return sorted({before + each + after for each in missing for before in few for after in few})


class _Body(io.RawIOBase):
    """The characters that a file has left, in UTF-8, without empty lines at its end.

    Where there is one column, an empty line is a missing number and stays.
    """

    def __init__(self, text: io.TextIOWrapper, *, keeps_empty: bool) -> None:
        self._text, self._keeps_empty = text, keeps_empty
        self._ready, self._line_ends = memoryview(b""), ""

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; 0 at the end."""
        while not self._ready:
            characters = self._text.read(_BLOCK)
            if not characters:
                return 0
            if not self._keeps_empty:
                kept = characters.rstrip(_LINE_ENDS)
                behind = characters[len(kept) :]
                characters = self._line_ends + kept if kept else ""
                self._line_ends = behind if kept else self._line_ends + behind
            self._ready = memoryview(characters.encode())
        n = min(len(buffer), len(self._ready))
        buffer[:n] = self._ready[:n]
        self._ready = self._ready[n:]
        return n


def _refuse_rounded(path: Path, dialect: Dialect, columns: Sequence[int]) -> None:
    """Look in a file of such large numbers for whole ones that float64 does not have."""
    for line, cells in dialect.records(path):
        for column in columns if len(cells) == dialect.width else ():
            cell = cells[column].strip()
            if len(cell) > 15 and cell.lstrip("+-").isdecimal() and cell not in dialect.missing:
                refuse_rounded(path, int(cell), f"{_where(dialect, column)}, line {line}")


def _where(dialect: Dialect, column: int) -> str:
    return f"column {column + 1}" if dialect.names is None else f"column {dialect.names[column]!r}"


def _explained(
    path: Path, dialect: Dialect, columns: Sequence[int], error: Exception
) -> TableError:
    """Find the first row that Arrow could not read."""
    for line, cells in dialect.records(path):
        if cells and len(cells) != dialect.width:
            n = len(cells)
            return TableError(f"cannot read {path}: line {line} has {n} cells, not {dialect.width}")
        for column in columns if cells else ():
            cell = cells[column]
            if cell.strip() in dialect.missing or is_number(cell, dialect.decimal):
                continue
            if column in dialect.flags and cell.strip() in FLAGS:
                continue
            where = _where(dialect, column)
            shown = cell if len(cell) <= _SHOWN else cell[:_SHOWN] + "..."
            said = fault(cell, dialect.decimal)
            return TableError(
                f"{path} must hold numbers; got {shown!r} in {where}, line {line}: {said}"
            )
    return TableError(f"cannot read {path}: {error}")
