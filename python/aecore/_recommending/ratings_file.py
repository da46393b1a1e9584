"""Who had what, from a file: for `aecore recommend`."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from aecore._util.tables import TableError
from aecore.interactions import Interactions

_DELIMITERS = ",\t;|"


def read_ratings(
    path: Path,
    columns: Sequence[str] = (),
    *,
    header: bool = True,
    at_least: float | None = None,
) -> Interactions:
    """Read a table of users and items.

    Parameters
    ----------
    path : Path
        A text file with a pair of user and item in each line, between commas, tabs, semicolons or
        bars, whatever the first line has. Ids are taken as text.
    columns : sequence of str, default=()
        Names of the columns of users, items and, with `at_least`, ratings. None given: the first
        ones, in that order.
    header : bool, default=True
        Whether the first line names the columns.
    at_least : float, default=None
        Only lines with a rating of at least this count. None takes all.

    Returns
    -------
    Interactions
        1 for each pair.

    Raises
    ------
    TableError
        If the file cannot be read or does not have what is asked of it.
    """
    n_columns = 2 if at_least is None else 3
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            first = file.readline()
            file.seek(0)
            delimiter = next((mark for mark in _DELIMITERS if mark in first), ",")
            lines = csv.reader(file, delimiter=delimiter)
            names = next(lines, []) if header else []
            places = _places(path, names, columns, n_columns)
            rows = [[line[place] for place in places] for line in lines if line]
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise TableError(msg) from error
    except (UnicodeDecodeError, csv.Error) as error:
        msg = f"cannot read {path}: {error}"
        raise TableError(msg) from error
    except IndexError:
        msg = f"{path} must have {max(places) + 1} columns in every line"
        raise TableError(msg) from None
    if at_least is not None:
        rows = _rated(path, rows, at_least)
    if not rows:
        msg = f"{path} must hold at least one pair of user and item that counts; got none"
        raise TableError(msg)
    table = np.array(rows)
    return Interactions.from_columns(table[:, 0], table[:, 1])


def _places(
    path: Path, names: Sequence[str], columns: Sequence[str], n_columns: int
) -> Sequence[int]:
    if not columns:
        return range(n_columns)
    if len(columns) < n_columns:
        msg = f"{n_columns} columns must be named; got {', '.join(columns)}"
        raise TableError(msg)
    missing = [name for name in columns if name not in names]
    if missing:
        msg = f"{path} must have the columns {', '.join(missing)}; got {', '.join(names)}"
        raise TableError(msg)
    return [names.index(name) for name in columns[:n_columns]]


def _rated(path: Path, rows: list[list[str]], at_least: float) -> list[list[str]]:
    try:
        return [row for row in rows if float(row[2]) >= at_least]
    except ValueError as error:
        msg = f"{path} must hold numbers as ratings; {error}"
        raise TableError(msg) from None
