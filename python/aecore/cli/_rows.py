"""Rows of files: as a whole for a fit, in blocks for what is said of each row."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

from aecore._tables import writing as tables
from aecore._tables.reading import read_blocks, read_table, read_words
from aecore._tables.table import Table, TableError, TableFormat
from aecore.cli._files import check_can_write

# Rows of a block; None is what is handy.
N_ROWS: int | None = None
without_option = click.option(
    "--without", multiple=True, metavar="COLUMN", help="A column of ROWS to leave out; repeatable."
)


class Rows(NamedTuple):
    """Rows in blocks."""

    blocks: Iterable[Table]
    names: list[str] | None
    n_rows: int | None


def check_output(path: Path, inputs: Sequence[Path] = ()) -> None:
    """Raise TableError if a table could not be written there, or would replace an input."""
    tables.check_can_write(path)
    check_can_write(path, inputs)


def read_rows(path: Path, form: TableFormat, *, without: Sequence[str] = ()) -> Table:
    """Read a table; `without` the columns of these names, where it has them."""
    return read_table(path, form, without=without)


def blocks(
    path: Path, form: TableFormat, *, whole: bool = False, without: Sequence[str] = ()
) -> Rows:
    """Read a table in blocks, or `whole` in one."""
    if whole:
        table = read_rows(path, form, without=without)
        return Rows((table,), table.names, len(table.rows))
    found = read_blocks(path, form, N_ROWS, without=without)
    return Rows(found, found.names, found.n_rows)


def read_labels(
    path: Path, labels: str, form: TableFormat, *, column: bool = False
) -> NDArray[Any]:
    """Read labels, words or integers: a column of the table, or the only one of another file.

    `column`: of the table alone.
    """
    try:
        source, found = path, read_words(path, [labels], form)[0]
    except TableError as error:
        source = Path(labels)
        if column or not source.is_file():
            also = "" if column else ", or a file of one column"
            msg = f"--labels must name a column of {path}{also}: {error}"
            raise TableError(msg) from error
        found = _only_column(source, form)
    words = ["" if _is_missing(label) else str(label) for label in found.tolist()]
    row = next((row for row, word in enumerate(words) if word in form.all_missing), None)
    if row is not None:
        msg = f"{source} must have a label for each row; got {words[row]!r} in row {row}"
        raise TableError(msg)
    if found.dtype.kind in "biuf":
        return found
    numbers = [int(word) for word in words if word.removeprefix("-").isdecimal()]
    if list(map(str, numbers)) == words:
        return np.array(numbers)
    return np.array(words)


def _is_missing(label: Any) -> bool:
    return label is None or (isinstance(label, float) and math.isnan(label))


def _only_column(path: Path, form: TableFormat) -> NDArray[Any]:
    found = read_words(path, [0], form)[0]
    try:
        read_words(path, [1], form)
    except TableError:
        return found
    msg = f"{path} must have one column, of labels; got more"
    raise TableError(msg)


class _Nowhere:
    def write(self, rows: NDArray[Any]) -> None:
        """Take rows, and forget them."""


@contextlib.contextmanager
def writing(path: Path | None, names: list[str] | None) -> Iterator[Any]:
    """Give what takes blocks of rows; the file appears at the end, or not at all."""
    if path is None:
        yield _Nowhere()
        return
    with tables.writing(path, names) as out:
        yield out
