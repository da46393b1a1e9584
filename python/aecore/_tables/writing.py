"""The one way out: a table that appears whole or not at all, written in blocks."""

from __future__ import annotations

import bz2
import contextlib
import csv
import gzip
import io
import lzma
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from aecore._tables.cells import is_plain
from aecore._tables.dialect import kind_is_tabs
from aecore._tables.sources import TEXT, kind_of
from aecore._tables.table import TableError, TableFormat
from aecore._util.atomic import replacing

_COMPRESSORS: dict[str, Callable[[Any], Any]] = {
    ".gz": lambda file: gzip.GzipFile("", "wb", fileobj=file, mtime=0),
    ".bz2": lambda file: bz2.BZ2File(file, "wb"),
    ".xz": lambda file: lzma.LZMAFile(file, "wb"),  # noqa: SIM115
}
_MISSING = TableFormat().all_missing
_NOT_WRITTEN = (".zip", ".zst")


class Writer(Protocol):
    """What takes blocks of rows: arrays (n_rows, n_columns), or of one number or word per row."""

    def write(self, rows: NDArray[Any]) -> None:
        """Take some rows."""

    def close(self) -> None:
        """Write what is left."""


def write_table(path: Path, rows: NDArray[Any], names: Sequence[str] | None = None) -> None:
    """Write rows, or one number per row, in the format that the suffix asks for.

    The file appears whole or not at all.

    Parameters
    ----------
    path : Path
        .npy, .npz (the array is named X), .csv, .tsv, .txt, .parquet, .feather or .arrow; text is
        also compressed, by .gz, .bz2 or .xz.
    rows : ndarray of shape (n_rows, n_columns) or (n_rows,)
    names : sequence of str, default=None
        Names of the columns, in UTF-8; text has no line of them without, and NumPy's files have
        none at all.

    Raises
    ------
    TableError
        If the file cannot be written.
    """
    with writing(path, names) as out:
        out.write(rows)


@contextlib.contextmanager
def writing(path: Path, names: Sequence[str] | None = None) -> Iterator[Writer]:
    """Give what takes blocks of rows; the file appears at the end, or not at all.

    Raises
    ------
    TableError
        If the file cannot be written.
    """
    kind = _kind(path)
    with _errors(path), replacing(path) as file:
        compressor = _COMPRESSORS.get(path.suffix.lower())
        with contextlib.nullcontext(file) if compressor is None else compressor(file) as out:
            writer = _writer(path, kind, cast("BinaryIO", out), names)
            yield writer
            writer.close()


def check_can_write(path: Path) -> None:
    """Raise TableError if `writing` could not succeed: before minutes of work, not after."""
    _kind(path)
    if not path.parent.is_dir():
        msg = f"cannot write {path}: there is no folder {path.parent}"
        raise TableError(msg)


def _kind(path: Path) -> str:
    kind = kind_of(path)
    if path.suffix.lower() in _NOT_WRITTEN:
        msg = f"cannot write {path}: text is compressed as .gz, .bz2 or .xz"
        raise TableError(msg)
    return kind


def _writer(path: Path, kind: str, file: BinaryIO, names: Sequence[str] | None) -> Writer:
    if kind in TEXT:
        return _Text(file, names, delimiter="\t" if kind_is_tabs(path) else ",")
    if kind == ".npy":
        return _Npy(file)
    if kind == ".npz":  # a compressed array has no other way
        return _Whole(file, lambda file, rows: np.savez_compressed(file, X=rows))
    return _Columnar(file, names, _open_parquet if kind == ".parquet" else _open_arrow)


@contextlib.contextmanager
def _errors(path: Path) -> Iterator[None]:
    """Turn errors of the system into TableError."""
    try:
        yield
    except OSError as error:
        msg = f"cannot write {path}: {error.strerror or error}"
        raise TableError(msg) from error


class _Whole:
    """All rows, saved at the end."""

    def __init__(self, file: BinaryIO, save: Callable[[BinaryIO, NDArray[Any]], None]) -> None:
        self._file, self._save = file, save
        self._parts: list[NDArray[Any]] = []

    def write(self, rows: NDArray[Any]) -> None:
        """Take some rows."""
        self._parts.append(rows)

    def close(self) -> None:
        """Save them."""
        self._save(self._file, np.concatenate(self._parts or [np.empty((0, 0))]))


class _Npy:
    """Blocks one behind the other, and the number of rows in the room that its header leaves."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._whole = _Whole(file, np.save)  # on a pipe, whose header comes first, and of words
        self._first: NDArray[Any] | None = None
        self._n_rows = 0

    def write(self, rows: NDArray[Any]) -> None:
        """Take some rows."""
        # Words have no width that holds for the next block, too.
        if not self._file.seekable() or rows.dtype.kind not in "biufc":
            self._whole.write(rows)
            return
        if self._first is None:
            self._first = rows[:0]
            self._header(self._first, 0)
        self._n_rows += len(rows)
        rows = rows.astype(self._first.dtype, order="C", casting="safe", copy=False)
        self._file.write(rows.data)

    def close(self) -> None:
        """Write how many rows there are."""
        if self._first is None:
            self._whole.close()
            return
        self._file.seek(0)
        self._header(self._first, self._n_rows)
        self._file.seek(0, io.SEEK_END)

    def _header(self, first: NDArray[Any], n_rows: int) -> None:
        described = np.lib.format.header_data_from_array_1_0(first)
        described.update(shape=(n_rows, *first.shape[1:]), fortran_order=False)
        np.lib.format.write_array_header_1_0(self._file, described)


class _Text:
    """The shortest digits that bring back every bit; quotes where a cell needs them."""

    def __init__(self, file: BinaryIO, names: Sequence[str] | None, *, delimiter: str) -> None:
        self._file, self._delimiter = file, delimiter
        if names is not None:
            line = io.StringIO(newline="")
            # In quotes, spaces are part of a name, and what looks like a cell is one.
            plain = all(
                name == name.strip() and not is_plain(name, ".", _MISSING) for name in names
            )
            csv.writer(
                line,
                delimiter=delimiter,
                lineterminator="\n",
                quoting=csv.QUOTE_MINIMAL if plain else csv.QUOTE_ALL,
            ).writerow(names)
            file.write(line.getvalue().encode())

    def write(self, rows: NDArray[Any]) -> None:
        """Take some rows."""
        from pyarrow import csv as arrow

        options = arrow.WriteOptions(
            include_header=False, delimiter=self._delimiter, quoting_style="needed"
        )
        arrow.write_csv(_batch(rows, None), self._file, options)

    def close(self) -> None:
        """Do nothing: all is written."""


class _Columnar:
    """Batches; what is opened by their schema takes them."""

    def __init__(
        self,
        file: BinaryIO,
        names: Sequence[str] | None,
        open_file: Callable[[BinaryIO, Any], Any],
    ) -> None:
        self._file, self._names, self._open = file, names, open_file
        self._out: Any = None

    def write(self, rows: NDArray[Any]) -> None:
        """Take some rows."""
        batch = _batch(rows, self._names)
        if self._out is None:
            self._out = self._open(self._file, batch.schema)
        self._out.write_batch(batch)

    def close(self) -> None:
        """Write the end of the file."""
        if self._out is not None:
            self._out.close()


def _open_parquet(file: BinaryIO, schema: Any) -> Any:
    from pyarrow import parquet

    return parquet.ParquetWriter(file, schema)


def _open_arrow(file: BinaryIO, schema: Any) -> Any:
    import pyarrow as pa

    return pa.ipc.new_file(file, schema)


def _batch(rows: NDArray[Any], names: Sequence[str] | None) -> Any:
    import pyarrow as pa

    columns = rows.reshape(len(rows), -1)
    if names is None:
        names = [f"x{column}" for column in range(columns.shape[1])]
    return pa.record_batch([pa.array(column) for column in columns.T], names=list(names))
