"""The user's own rows: read a file, check it, scale it to what a sigmoid output can produce."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aecore._tables.reading import AS_FOUND, read_table
from aecore._tables.table import TableError, TableFormat
from aecore.demo._errors import DemoError

# Training takes all rows at once, 400 times: enough rows to learn features, few enough to wait for.
MAX_ROWS = 10_000


def load(path: Path, seed: int, form: TableFormat = AS_FOUND) -> tuple[NDArray[np.float64], str]:
    """Read rows and scale them to [0.1, 0.9].

    Parameters
    ----------
    path : Path
        As `aecore._tables.reading.read_table` reads it.
    seed : int
        Draws the rows that are used if there are more than 10,000.
    form : TableFormat
        Of text.

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
    try:
        table = read_table(path, form).rows
    except TableError as error:
        raise DemoError(str(error)) from error
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
