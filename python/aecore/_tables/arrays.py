"""NumPy's own files: arrays without names."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._tables.sources import reading
from aecore._tables.table import TableError, check_rows

_NUMBERS = 1 << 20  # that are given at a time


class ArrayRows:
    """The rows of a .npy file, which is mapped, or of the array of an .npz file."""

    names: list[str] | None = None

    def __init__(self, path: Path, kind: str) -> None:
        self.rows = read_array(path, kind)
        check_rows(path, self.rows)
        self.n_rows: int | None = len(self.rows)

    def __iter__(self) -> Iterator[NDArray[Any]]:
        step = max(1, _NUMBERS // self.rows.shape[1])
        for first in range(0, len(self.rows), step):
            yield self.rows[first : first + step]


def read_array(path: Path, kind: str) -> NDArray[Any]:
    """Read or map an array of any shape; of several in an .npz file that of the name X."""
    with reading(path):
        if kind == ".npy":
            return np.asarray(np.lib.format.open_memmap(path, mode="r"))
        if not zipfile.is_zipfile(path):  # NumPy would think of pickles
            msg = "it is not a zip archive"
            raise ValueError(msg)
        with np.load(path, allow_pickle=False) as archive:
            names = archive.files
            name = "X" if "X" in names else names[0] if len(names) == 1 else None
            if name is None:
                found = ", ".join(names) or "none"
                msg = f"{path} must hold one array, or one named X; got {found}"
                raise TableError(msg)
            return np.asarray(archive[name])
