"""Where the bytes of a model go to and come from: paths, binary file objects, or the bytes."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from aecore._checks.rules import parameter_error
from aecore._util.atomic import replacing
from aecore.exceptions import ModelFileError

# So many bytes say whether a file is a model; the rest is read if it is.
BEGINNING = 256


class Readable(Protocol):
    """A file object that is open for reading, in binary mode."""

    def read(self, size: int = -1, /) -> bytes:
        """Return at most `size` bytes, or all there are."""


class Writable(Protocol):
    """A file object that is open for writing, in binary mode."""

    def write(self, data: bytes, /) -> Any:
        """Take all bytes, or some and return how many."""


Source = str | os.PathLike[str] | Readable | bytes | bytearray | memoryview
Target = str | os.PathLike[str] | Writable


def write_bytes(target: Target, parts: Sequence[Any]) -> None:
    """Write bytes: a path is the old file or the new one, whole, whatever happens.

    Raises
    ------
    OSError
        If they cannot be written.
    TypeError
        If the target is none.
    """
    if isinstance(target, str | os.PathLike):
        with replacing(target) as file:
            file.writelines(parts)
    elif hasattr(target, "write") and not _is_text(target):
        for part in parts:
            _write_all(target, memoryview(part))
    else:
        rule = "be the path of a file, or a file object that is open for writing in binary mode"
        raise TypeError(str(parameter_error("path", rule, target)))


def _write_all(file: Writable, data: memoryview) -> None:
    """Write to a file that may take some of the bytes at a time, as unbuffered ones do."""
    while data:
        taken = file.write(data)  # type: ignore[arg-type]
        if not isinstance(taken, int) or taken >= len(data):
            return
        data = data[taken:]


def name_of(source: Source) -> str:
    """Return what errors call it.

    Raises
    ------
    TypeError
        If it is nothing to read from.
    """
    if isinstance(source, str | os.PathLike):
        return repr(os.fspath(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return "this model in bytes"
    if hasattr(source, "read") and not _is_text(source):
        name = getattr(source, "name", None)
        return repr(name) if isinstance(name, str) else f"this {type(source).__name__}"
    rule = (
        "be the path of a file, a file object that is open for reading in binary mode, or the "
        "bytes of a model"
    )
    raise TypeError(str(parameter_error("path", rule, source)))


def _is_text(file: Any) -> bool:
    return hasattr(file, "encoding")


def read_bytes(source: Source, check_beginning: Callable[[bytes, int | None], object]) -> bytes:
    """Read bytes: all of a file, of a file object what it has left.

    Parameters
    ----------
    source : path, file object or bytes
    check_beginning : callable
        Is given the first bytes, at most BEGINNING, and the number of all where it is known; it
        raises an error for those of another kind, and a large file is not read as a whole.

    Raises
    ------
    OSError
        If a file is not there or cannot be read.
    """
    if isinstance(source, bytes | bytearray | memoryview):
        return bytes(source)
    if not isinstance(source, str | os.PathLike):
        beginning = _first(source)
        check_beginning(beginning, None)
        return b"".join((beginning, source.read()))
    path = Path(os.fsdecode(source))
    if not stat.S_ISREG(path.stat().st_mode):  # opening a pipe would wait
        msg = f"{name_of(source)} is not an aecore model file: it is a folder or a device"
        raise ModelFileError(msg)
    with path.open("rb", buffering=0) as file:
        check_beginning(file.read(BEGINNING), os.fstat(file.fileno()).st_size)
        file.seek(0)
        return file.readall()


def _first(file: Readable) -> bytes:
    """Read the beginning of a file object, of which one call may return less."""
    found = b""
    while len(found) < BEGINNING:
        more = file.read(BEGINNING - len(found))
        if not more:
            break
        found += more
    return found
