"""The user's own rows: read a file, check it, scale it to what a sigmoid output can produce."""

from __future__ import annotations

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore.demo._errors import DemoError

# Training takes all rows at once, 400 times: enough rows to learn features, few enough to wait for.
MAX_ROWS = 10_000


def load(path: Path, seed: int) -> tuple[NDArray[np.float64], str]:
    """Read rows and scale them to [0.1, 0.9].

    Parameters
    ----------
    path : Path
        A .npy file with a 2-D array, an .npz file with one array or one named X, or a .csv file
        of numbers, with or without a line of column names.
    seed : int
        Draws the rows that are used if there are more than 10,000.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_features), float64
        Images (n_features a square number) are scaled together, other columns one by one.
    description : str

    Raises
    ------
    DemoError
        If the file cannot be read, or does not hold rows of finite numbers.
    """
    table = _read(path)
    if table.ndim != 2 or 0 in table.shape:
        msg = f"{path} must hold rows and columns, (n_rows, n_features); got shape {table.shape}"
        raise DemoError(msg)
    if table.dtype.kind not in "biuf":
        msg = f"{path} must hold real numbers; got dtype {table.dtype}"
        raise DemoError(msg)
    n_rows = table.shape[0]
    chosen = np.arange(n_rows)
    if n_rows > MAX_ROWS:
        chosen = np.sort(np.random.default_rng(seed).choice(n_rows, MAX_ROWS, replace=False))
    rows = table[chosen].astype(np.float64)
    bad = np.argwhere(~np.isfinite(rows))
    if bad.size:
        row, column = chosen[bad[0, 0]], bad[0, 1]
        value = rows[bad[0, 0], column]
        msg = f"{path} must hold finite numbers; got {value} at row {row}, column {column}"
        raise DemoError(msg)
    count = f"{n_rows:,} rows" if n_rows <= MAX_ROWS else f"{MAX_ROWS:,} of {n_rows:,} rows"
    return _scale(rows), f"{count} of {rows.shape[1]} features from {path.name}"


def image_side(n_features: int) -> int | None:
    """Side of the square image that a row may be, or None."""
    side = math.isqrt(n_features)
    return side if side > 1 and side * side == n_features else None


def _scale(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Map the range of the data to [0.1, 0.9]; a constant goes to the middle."""
    axis = None if image_side(rows.shape[1]) else 0
    # Halves: the difference of two large numbers of opposite sign must not overflow.
    low, high = rows.min(axis=axis) / 2, rows.max(axis=axis) / 2
    width = np.where(high > low, high - low, 1.0)
    return np.asarray(np.where(high > low, 0.1 + 0.8 * ((rows / 2 - low) / width), 0.5))


def _read(path: Path) -> NDArray[Any]:
    readers = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv}
    suffix = path.suffix.lower()
    if suffix not in readers:
        msg = f"data must be a .npy, .npz or .csv file; got {path}"
        raise DemoError(msg)
    try:
        return readers[suffix](path)
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise DemoError(msg) from error
    except (ValueError, EOFError, zipfile.BadZipFile) as error:
        msg = f"cannot read {path} as {suffix}: {error}"
        raise DemoError(msg) from error


def _read_npy(path: Path) -> NDArray[Any]:
    # Mapped, not read: of a large file only the drawn rows are touched.
    return np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))


def _read_npz(path: Path) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            msg = "it is not a zip archive"
            raise ValueError(msg)
        names = archive.files
        name = "X" if "X" in names else names[0] if len(names) == 1 else None
        if name is None:
            msg = f"it must hold one array, or one named X; got {', '.join(names) or 'none'}"
            raise ValueError(msg)
        return np.asarray(archive[name])


def _read_csv(path: Path) -> NDArray[Any]:
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
        if not first.strip():
            msg = "the first line is empty"
            raise ValueError(msg)
        try:
            [float(field) for field in first.split(",")]
            file.seek(0)
        except ValueError:
            pass  # a line of column names
        lines = file.readlines()
    if not lines:
        msg = "there are column names but no rows"
        raise ValueError(msg)
    return np.loadtxt(lines, delimiter=",", ndmin=2)
