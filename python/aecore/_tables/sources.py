"""The bytes of a file, without its compression, and its characters."""

from __future__ import annotations

import bz2
import contextlib
import csv
import gzip
import io
import lzma
import stat
import zipfile
import zlib
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any, cast

from aecore._tables.table import TableError

COMPRESSIONS = (".gz", ".bz2", ".xz", ".zst", ".zip")
ARRAYS, TEXT, COLUMNAR = (
    (".npy", ".npz"),
    (".csv", ".tsv", ".txt"),
    (".parquet", ".feather", ".arrow"),
)
# Marks of encodings; that of UTF-32 begins with that of UTF-16.
_MARKS = {
    b"\xef\xbb\xbf": "utf-8-sig",
    b"\xff\xfe\x00\x00": "utf-32",
    b"\x00\x00\xfe\xff": "utf-32",
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
}
# How files of other kinds begin that are named as if they were text.
_OTHERS = {
    b"PK\x03\x04": "a workbook of Excel, or an archive: save the sheet as CSV UTF-8",
    b"\xd0\xcf\x11\xe0": "an old workbook of Excel: save the sheet as CSV UTF-8",
    b"PAR1": "a Parquet file: name it .parquet",
    b"ARROW1": "an Arrow file: name it .arrow",
    b"\x93NUMPY": "an array of NumPy: name it .npy",
    b"\x1f\x8b": "compressed: name it .gz",
    b"BZh": "compressed: name it .bz2",
    b"\xfd7zXZ": "compressed: name it .xz",
    b"\x28\xb5\x2f\xfd": "compressed: name it .zst",
    b"<!DOCTYPE": "a page of HTML, not a table",
    b"<html": "a page of HTML, not a table",
    b"%PDF": "a PDF, not a table",
}
# What damaged, encrypted and truncated files raise; errors of Arrow are OSError or ValueError.
DAMAGED = (
    *(ValueError, EOFError, LookupError, NotImplementedError, RuntimeError, TypeError),
    OverflowError,
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, csv.Error),
)


def kind_of(path: Path) -> str:
    """Return the suffix that says what a file holds, in small letters, without compression.

    Raises
    ------
    TableError
        If it is none of those that can be read and written, or the extra `tables` is missing.
    """
    suffixes = [suffix.lower() for suffix in path.suffixes[-2:]]
    kind = suffixes[-1] if suffixes else ""
    if kind in COMPRESSIONS and len(suffixes) == 2 and suffixes[0] in TEXT:
        kind = suffixes[0]
    if kind in {".xlsx", ".xls", ".ods"}:
        msg = f"{path} is a workbook: save the sheet as CSV UTF-8"
        raise TableError(msg)
    if kind not in (*ARRAYS, *TEXT, *COLUMNAR):
        msg = (
            "the file must be .npy, .npz, .csv, .tsv, .txt, .parquet, .feather or .arrow, text "
            f"also {', '.join(COMPRESSIONS)}; got {path}"
        )
        raise TableError(msg)
    if kind not in ARRAYS and (find_spec("pyarrow") is None or find_spec("pandas") is None):
        msg = f'{path} needs pandas and pyarrow; install them with: pip install "aecore[tables]"'
        raise TableError(msg)
    return kind


def check_can_read(path: Path) -> None:
    """Raise TableError for what is no file: to open a pipe would wait for its other end."""
    try:
        mode = path.stat().st_mode
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or error}"
        raise TableError(msg) from error
    except ValueError as error:  # a path with a zero byte
        msg = f"cannot read {str(path)!r}: {error}"
        raise TableError(msg) from error
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
        msg = f"cannot read {path}: it is a {kinds.get(stat.S_IFMT(mode), 'device')}, not a file"
        raise TableError(msg)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what libraries raise about a file into TableError."""
    try:
        yield
    except TableError:
        raise
    except UnicodeDecodeError as error:
        byte = error.object[error.start : error.start + 1].hex()
        msg = (
            f"cannot read {path}: it is not {error.encoding.upper()} (byte 0x{byte}); give its "
            "--encoding, cp1252 for Excel's CSV in western Europe"
        )
        raise TableError(msg) from error
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror or _line(error)}"
        raise TableError(msg) from error
    except DAMAGED as error:
        msg = f"cannot read {path}: {_line(error)}"
        raise TableError(msg) from error


def _line(error: Exception) -> str:
    """The first line of what an error says, or its kind."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


def open_bytes(path: Path) -> IO[bytes]:
    """Open a file, to read it without its compression."""
    compression = path.suffix.lower()
    if compression == ".gz":
        return cast("IO[bytes]", gzip.open(path))
    if compression == ".bz2":
        return cast("IO[bytes]", bz2.open(path))
    if compression == ".xz":
        return cast("IO[bytes]", lzma.open(path))
    if compression == ".zst":
        import pyarrow as pa

        stream: Any = pa.input_stream(str(path), compression="zstd")
        return io.BufferedReader(stream)
    if compression == ".zip":
        return _only_member(path)
    return path.open("rb")


def _only_member(path: Path) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    names = [
        name
        for name in archive.namelist()
        if not name.endswith("/") and not name.startswith("__MACOSX/")
    ]
    if len(names) != 1:
        msg = f"{path} must hold one file; got {len(names)}"
        raise TableError(msg)
    return archive.open(names[0])


def open_text(path: Path, encoding: str | None) -> io.TextIOWrapper:
    """Open a file of text; line ends stay as they are.

    Raises
    ------
    TableError
        If it begins as files of another kind do.
    """
    data = io.BufferedReader(cast("io.RawIOBase", open_bytes(path)), 1 << 16)
    beginning = data.peek(16)[:16]
    for mark, what in _OTHERS.items():
        if beginning.lstrip()[: len(mark)].lower() == mark.lower():
            data.close()
            msg = f"cannot read {path}: it is {what}"
            raise TableError(msg)
    if encoding is None:
        marks = (name for mark, name in _MARKS.items() if beginning.startswith(mark))
        encoding = next(marks, "utf-8")
    return io.TextIOWrapper(data, encoding, newline="")
