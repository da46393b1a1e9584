"""Who had what, from a file: for `aecore recommend`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._tables.reading import AS_FOUND, read_words
from aecore._tables.table import TableError, TableFormat
from aecore.interactions import Interactions


def read_ratings(
    path: Path,
    columns: Sequence[str] = (),
    form: TableFormat = AS_FOUND,
    *,
    at_least: float | None = None,
) -> Interactions:
    """Read a table of users and items.

    Parameters
    ----------
    path : Path
        A table with a pair of user and item in each row. Ids are taken as text.
    columns : sequence of str, default=()
        Names of the columns of users, items and, with `at_least`, ratings. None given: the first
        ones, in that order.
    form : TableFormat
        Of a file of text; the first line has names unless `header` is False: ids look like names.
    at_least : float, default=None
        Only rows with a rating of at least this count. None takes all.

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
    if columns and len(columns) < n_columns:
        msg = f"{n_columns} columns must be named; got {', '.join(columns)}"
        raise TableError(msg)
    chosen: Sequence[int | str] = columns[:n_columns] or range(n_columns)
    form = replace(form, header=form.header is not False)
    found = read_words(path, chosen, form)
    users, items = (_ids(path, ids) for ids in found[:2])
    if at_least is not None:
        counts = _numbers(path, found[2]) >= at_least
        users, items = users[counts], items[counts]
    if len(users) == 0:
        msg = f"{path} must hold at least one pair of user and item that counts; got none"
        raise TableError(msg)
    return Interactions.from_columns(users, items)


def _ids(path: Path, ids: NDArray[Any]) -> NDArray[np.str_]:
    text = np.array(["" if each is None else str(each) for each in ids.tolist()], dtype=np.str_)
    none = np.flatnonzero(text == "")
    if len(none):
        msg = f"{path} must have a user and an item in each row; got none in row {none[0]}"
        raise TableError(msg)
    return text


def _numbers(path: Path, ratings: NDArray[Any]) -> NDArray[np.float64]:
    try:
        return np.array([float(each) for each in ratings.tolist()])
    except (TypeError, ValueError) as error:
        msg = f"{path} must hold numbers as ratings; {error}"
        raise TableError(msg) from None
