"""Rows in files: read and written for the command line and the demonstration."""

from __future__ import annotations

import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from aecore._util.atomic import replacing


class TableError(Exception):
    """A file that cannot be read or written: one sentence for the user."""


@dataclass(frozen=True)
class Table:
    """Rows of a file, and the names of their columns where it has them."""

    rows: NDArray[Any]
    names: list[str] | None = None

    def frame(self) -> Any:
        """Give a DataFrame where there are names and pandas, so that names are checked."""
        if self.names is None or find_spec("pandas") is None:
            return self.rows
        import pandas as pd

        return pd.DataFrame(self.rows, columns=self.names)


def read_table(path: Path) -> Table:
    """Read a .npy, .npz, .csv or .parquet file.

    Parameters
    ----------
    path : Path
        A .npy file with a 2-D array (mapped, not read), an .npz file with one array or one named
        X, a .csv file of numbers, with or without a line of column names, where an empty field is
        NaN, or a .parquet file, which needs pandas.

    Returns
    -------
    Table
        Of shape (n_rows, n_features), any real dtype.

    Raises
    ------
    TableError
        If the file cannot be read or does not hold rows of real numbers.
    """
    table: Table = _run(path, _READERS, "read")
    shape, dtype = table.rows.shape, table.rows.dtype
    if len(shape) != 2 or 0 in shape:
        msg = f"{path} must hold rows and columns, (n_rows, n_features); got shape {shape}"
        raise TableError(msg)
    if dtype.kind not in "biuf":
        msg = f"{path} must hold real numbers; got dtype {dtype}"
        raise TableError(msg)
    return table


def write_table(path: Path, rows: NDArray[Any], names: Sequence[str] | None = None) -> None:
    """Write rows, or one number per row, in the format that the suffix asks for.

    The file appears whole or not at all.

    Parameters
    ----------
    path : Path
        .npy, .npz (the array is named X), .csv or .parquet, which needs pandas.
    rows : ndarray of shape (n_rows, n_columns) or (n_rows,)
    names : sequence of str, default=None
        Names of the columns for .csv, which has none without, and .parquet.

    Raises
    ------
    TableError
        If the file cannot be written.
    """

    def write(target: Path) -> None:
        with replacing(target) as file:
            _WRITERS[target.suffix.lower()](file, rows, names)

    _run(path, dict.fromkeys(_WRITERS, write), "write")


def check_can_write(path: Path) -> None:
    """Raise TableError if `write_table` could not succeed: before minutes of work, not after."""
    if path.suffix.lower() not in _WRITERS:
        _run(path, _WRITERS, "write")
    if path.suffix.lower() == ".parquet":
        _need_pandas(path)
    if not path.parent.is_dir():
        msg = f"cannot write {path}: there is no folder {path.parent}"
        raise TableError(msg)


def _run(path: Path, actions: dict[str, Any], verb: str) -> Any:
    suffix = path.suffix.lower()
    if suffix not in actions:
        msg = f"the file must be .npy, .npz, .csv or .parquet; got {path}"
        raise TableError(msg)
    if suffix == ".parquet":
        _need_pandas(path)
    try:
        return actions[suffix](path)
    except OSError as error:
        msg = f"cannot {verb} {path}: {error.strerror or error}"
        raise TableError(msg) from error
    except (ValueError, EOFError, ImportError, zipfile.BadZipFile) as error:
        msg = f"cannot {verb} {path} as {suffix}: {error}"
        raise TableError(msg) from error


def _need_pandas(path: Path) -> None:
    if find_spec("pandas") is None:
        msg = f"{path} needs pandas and pyarrow; install them with: pip install pandas pyarrow"
        raise TableError(msg)


def _read_npy(path: Path) -> Table:
    return Table(np.asarray(np.load(path, mmap_mode="r", allow_pickle=False)))


def _read_npz(path: Path) -> Table:
    with np.load(path, allow_pickle=False) as archive:
        if not isinstance(archive, np.lib.npyio.NpzFile):
            msg = "it is not a zip archive"
            raise ValueError(msg)
        names = archive.files
        name = "X" if "X" in names else names[0] if len(names) == 1 else None
        if name is None:
            msg = f"it must hold one array, or one named X; got {', '.join(names) or 'none'}"
            raise ValueError(msg)
        return Table(np.asarray(archive[name]))


def _read_csv(path: Path) -> Table:
    with path.open(encoding="utf-8-sig") as file:
        first = file.readline()
        if not first.strip():
            msg = "the first line is empty"
            raise ValueError(msg)
        names = None
        try:
            [_number(field) for field in first.split(",")]
            file.seek(0)
        except ValueError:
            names = [field.strip().strip('"') for field in first.split(",")]
        lines = file.readlines()
    if not lines:
        msg = "there are column names but no rows"
        raise ValueError(msg)
    try:
        rows = np.loadtxt(lines, delimiter=",", ndmin=2)
    except ValueError:  # there are empty fields: reading them is 20 times slower
        rows = np.loadtxt(lines, delimiter=",", ndmin=2, converters=_number)
    if names is not None and len(names) != rows.shape[1]:
        msg = f"it has {len(names)} column names for {rows.shape[1]} columns"
        raise ValueError(msg)
    return Table(rows, names)


def _number(field: str) -> float:
    return float(field) if field.strip() else np.nan


def _read_parquet(path: Path) -> Table:
    import pandas as pd

    frame = pd.read_parquet(path)
    return Table(frame.to_numpy(), [str(name) for name in frame.columns])


def _write_npy(file: BinaryIO, rows: NDArray[Any], names: Sequence[str] | None) -> None:
    del names
    np.save(file, rows)


def _write_npz(file: BinaryIO, rows: NDArray[Any], names: Sequence[str] | None) -> None:
    del names
    np.savez_compressed(file, X=rows)


def _write_csv(file: BinaryIO, rows: NDArray[Any], names: Sequence[str] | None) -> None:
    # 9 and 17 digits bring back every bit of float32 and float64.
    digits = 9 if rows.dtype == np.float32 else 17
    header = "" if names is None else ",".join(names)
    np.savetxt(file, rows, fmt=f"%.{digits}g", delimiter=",", header=header, comments="")


def _write_parquet(file: BinaryIO, rows: NDArray[Any], names: Sequence[str] | None) -> None:
    import pandas as pd

    columns = rows.reshape(len(rows), -1)
    if names is None:
        names = [f"x{column}" for column in range(columns.shape[1])]
    pd.DataFrame(columns, columns=list(names)).to_parquet(file)


_READERS = {".npy": _read_npy, ".npz": _read_npz, ".csv": _read_csv, ".parquet": _read_parquet}
_WRITERS = {".npy": _write_npy, ".npz": _write_npz, ".csv": _write_csv, ".parquet": _write_parquet}
