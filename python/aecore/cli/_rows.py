"""Rows of files: as a whole for a fit, in blocks for what is said of each row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
import contextlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._util.tables import Table, TableError, read_table, check_can_write as check_output, write_table


class blocks:
    n_rows = None
    def __init__(self, path, *, whole=False, without=None):
        self._t = read_rows(path, without=without)
        self.names = self._t.names
    def __iter__(self):
        yield self._t

class _Out:
    def __init__(self): self.parts=[]
    def write(self, a): self.parts.append(a)

@contextlib.contextmanager
def writing(path, names):
    o = _Out()
    yield o
    if path is not None:
        write_table(path, np.concatenate(o.parts), names)

def read_rows(path: Path, *, without: str | None = None) -> Table:
    """Read a table; `without` the column of labels, if it has one of that name."""
    table = read_table(path)
    if without is None or without not in (table.names or []):
        return table
    assert table.names is not None
    place = table.names.index(without)
    names = [name for name in table.names if name != without]
    return Table(np.delete(table.rows, place, axis=1), names)


def read_labels(path: Path, labels: str) -> NDArray[Any]:
    table = read_table(path)
    if labels in (table.names or []):
        return table.rows[:, table.names.index(labels)]
    return read_table(Path(labels)).rows[:, 0]
