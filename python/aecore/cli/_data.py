"""What an estimator is fitted to: rows, and what belongs to them, from files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore._recommending.ratings_file import read_ratings
from aecore._tables.reading import read_words
from aecore._tables.table import TableError, TableFormat
from aecore.checkpoint import Checkpoint
from aecore.cli._estimators import takes
from aecore.cli._rows import read_labels, read_rows


class Data(NamedTuple):
    """The arguments of `fit`."""

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    n_rows: int
    item_names: NDArray[Any] | None = None  # of a recommender's items


def read(word: str, rows: Path, form: TableFormat, given: dict[str, Any]) -> Data:
    """Read what the options of a command name, for the estimator with this word."""
    arguments = takes(word)
    if "user_items" in arguments:
        return _interactions(rows, form, given)
    labels = given.get("labels")
    if "labels" in given and labels is None:
        msg = "--labels must name a column of ROWS, or a file of one column; got none"
        raise TableError(msg)
    if given["without"]:  # a slip of the keyboard would be learned from
        read_words(rows, given["without"], form)
    without = (*given["without"], *(() if labels is None else (labels,)))
    table = read_rows(rows, form, without=without)
    more: dict[str, Any] = {}
    if given.get("target") is not None:
        more["target"] = read_rows(given["target"], form, without=given["without"]).rows
    if given.get("unlabeled") is not None:
        more["unlabeled"] = read_rows(given["unlabeled"], form, without=without).frame()
    if given.get("validation") is not None:
        more["validation_data"] = _validation(given["validation"], form, without, labels)
    if given.get("checkpoint") is not None:
        more["checkpoint"] = Checkpoint(given["checkpoint"])
    if given.get("resume_from") is not None:
        more["resume_from"] = given["resume_from"]
    args = () if labels is None else (read_labels(rows, labels, form),)
    return Data((table.frame(), *args), more, table.rows.shape[0])


def _validation(path: Path, form: TableFormat, without: Sequence[str], labels: str | None) -> Any:
    table = read_rows(path, form, without=without)
    if labels is None:
        return table.rows
    return table.frame(), read_labels(path, labels, form, column=True)


def _interactions(rows: Path, form: TableFormat, given: dict[str, Any]) -> Data:
    if not given["ratings"]:
        table = read_rows(rows, form, without=given["without"])
        names = None if table.names is None else np.array(table.names, dtype=object)
        return Data((table.rows,), {}, table.rows.shape[0], names)
    columns = [name.strip() for name in given["columns"].split(",") if name.strip()]
    known = read_ratings(rows, columns, form, at_least=given["at_least"])
    names = np.array([str(name) for name in known.items], dtype=object)
    return Data((known.matrix,), {}, known.matrix.shape[0], names)
