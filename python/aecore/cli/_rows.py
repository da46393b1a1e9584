"""Rows of files: as a whole for a fit, in blocks for what is said of each row."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._util.atomic import replacing
from aecore._util.tables import Table, TableError, read_table, write_table
from aecore._util.tables import check_can_write as check_format
from aecore.cli._files import check_can_read, check_can_write
from aecore.cli._output import one_line, some

_BLOCK = 2**22  # numbers


def check_output(path: Path, inputs: Sequence[Path] = ()) -> None:
    """Raise TableError if a table could not be written there, or would replace an input."""
    check_format(path)
    check_can_write(path, inputs)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever the readers of other libraries say of a file into TableError.

    There is no end to what damaged, encrypted and foreign archives raise.
    """
    check_can_read(path)
    try:
        yield
    except (TableError, MemoryError, Warning):
        raise
    except Exception as error:
        msg = f"cannot read {path}: {one_line(str(error)) or type(error).__name__}"
        raise TableError(msg) from error


def read_rows(path: Path, *, without: str | None = None) -> Table:
    """Read a table; `without` the column of labels, if it has one of that name."""
    with reading(path):
        if without is None or not _has_names(path):
            return read_table(path)
        frame = _frame(path)
        return Table(*_split(frame.drop(columns=without, errors="ignore")))


def read_labels(path: Path, labels: str, *, column: bool = False) -> NDArray[Any]:
    """Read labels, words or numbers: a column of the table, or the only one of another file.

    `column`: of the table alone.
    """
    names: list[str] = []
    if _has_names(path):
        with reading(path):
            frame = _frame(path)
        names = list(map(str, frame.columns))
        if labels in names:
            return _checked(frame[labels].to_numpy(), path)
    other = Path(labels)
    if column or not other.exists():
        has = f"has {some(names)}" if names else "has no names"
        has += "" if column else ", or a file"
        msg = f"--labels must name a column of {path}, which {has}; got {labels}"
        raise TableError(msg)
    with reading(other):
        if _has_names(other):
            found = _frame(other).to_numpy()
        else:
            found = np.load(other, allow_pickle=False)
            found = found["X" if "X" in found else found.files[0]] if _is_archive(found) else found
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim != 1:
        msg = f"{other} must have one column, of labels; got shape {found.shape}"
        raise TableError(msg)
    return _checked(found, other)


def _checked(labels: NDArray[Any], path: Path) -> NDArray[Any]:
    """Refuse labels that are missing; words become text."""
    missing = labels != labels  # noqa: PLR0124
    if missing.any():
        msg = f"{path} must have a label for each row; got none at row {int(missing.argmax())}"
        raise TableError(msg)
    return labels.astype(str) if labels.dtype == object else labels


def _is_archive(found: Any) -> bool:
    return isinstance(found, np.lib.npyio.NpzFile)


def _has_names(path: Path) -> bool:
    return path.suffix.lower() in {".csv", ".parquet"}


def _frame(path: Path) -> Any:
    import pandas as pd

    return pd.read_parquet(path) if path.suffix.lower() == ".parquet" else pd.read_csv(path)


def _split(frame: Any) -> tuple[NDArray[Any], list[str]]:
    return frame.to_numpy(), list(map(str, frame.columns))


class Blocks:
    """The rows of a file, a block at a time.

    Parameters
    ----------
    path : Path
    whole : bool, default=False
        Whether all rows are one block.
    without : str, default=None
        As in `read_rows`.
    """

    def __init__(self, path: Path, *, whole: bool = False, without: str | None = None) -> None:
        self._table = read_rows(path, without=without)
        self.names = self._table.names
        self.n_rows, width = self._table.rows.shape
        self._step = self.n_rows if whole else max(1, _BLOCK // width)

    def __iter__(self) -> Iterator[Table]:
        for first in range(0, self.n_rows, self._step):
            yield Table(self._table.rows[first : first + self._step], self.names)


class _Parts:
    def __init__(self) -> None:
        self.parts: list[NDArray[Any]] = []

    def write(self, rows: NDArray[Any]) -> None:
        self.parts.append(rows)


@contextlib.contextmanager
def writing(path: Path | None, names: list[str] | None) -> Iterator[_Parts]:
    """Give what takes blocks of rows, and write them at the end."""
    out = _Parts()
    yield out
    if path is None:
        return
    rows = np.concatenate(out.parts)
    if rows.dtype.kind in "biuf" or path.suffix.lower() != ".csv":
        write_table(path, rows, names)
        return
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerows([names or [], *rows.reshape(len(rows), -1).tolist()])
    with replacing(path) as file:
        file.write(text.getvalue().encode())
