"""Files that appear whole or not at all; what is no file, such as a pipe, is written to."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

if sys.platform != "win32":
    import fcntl

AnyPath = str | bytes | os.PathLike[str] | os.PathLike[bytes]
# Hops from link to link before the system gives up.
_MAX_LINKS = 40


@contextlib.contextmanager
def replacing(path: AnyPath) -> Iterator[BinaryIO]:
    """Give a file to write to, in which one can seek; `path` gets its bytes when all is written.

    A regular file is replaced by a new one, with its mode and, where the system allows it, its
    owner and group. Symbolic links go on pointing where they do; other hard links keep the old
    file. A pipe, a device or a descriptor (/dev/stdout) stays what it is, and the bytes go into it.

    What killed calls for the same name have left in the folder is removed first.

    Raises
    ------
    OSError
        If this is no place for a file, as `check_writable` says, nobody reads from the pipe, or the
        disk is full; what was at `path` is still there.
    """
    name = os.fsdecode(path)
    check_writable(name)
    number = _descriptor(name)
    old = None if number is not None else _status(name)
    if number is not None or (old is not None and not stat.S_ISREG(old.st_mode)):
        with _into(name, number) as file:
            yield file
    else:
        with _beside(name, Path(os.path.realpath(name)), old) as file:
            yield file


def check_writable(path: AnyPath) -> None:
    """Raise OSError unless `path` is a place to write a file to: before the work, not after it.

    That is a file that may be written to, in a folder that may be; a new name in such a folder; a
    pipe, a device, or a descriptor such as /dev/stdout. Nothing is opened: whether somebody reads
    from the pipe, and whether the disk has room, is found out by `replacing`.
    """
    name = os.fsdecode(path)
    if "\0" in name:
        raise OSError(errno.EINVAL, "A path cannot hold the character NUL", name)
    if _descriptor(name) is not None:
        return
    old = _status(name)
    kind = 0 if old is None else stat.S_IFMT(old.st_mode)
    folder = Path(os.path.realpath(name)).parent
    if kind == stat.S_IFSOCK:
        raise OSError(errno.ENXIO, "Is a socket, which cannot be opened as a file", name)
    if old is None and (not name or not folder.is_dir()):
        raise _error(errno.ENOENT, name)
    # "results/" is a folder, whether it is there or not.
    if kind == stat.S_IFDIR or name.endswith((os.sep, os.altsep or os.sep)):
        raise _error(errno.EISDIR, name)
    if old is not None and not _may(name, os.W_OK):
        raise _error(errno.EACCES, name)
    if kind in (0, stat.S_IFREG) and not _may(folder, os.W_OK | os.X_OK):
        raise _error(errno.EACCES, name)


def _error(number: int | None, name: str) -> OSError:
    number = number or errno.EIO
    return OSError(number, os.strerror(number), name)


def _may(path: str | Path, mode: int) -> bool:
    """Whether `open` would find that this process may: root may write to what is read-only."""
    return os.access(path, mode, effective_ids=os.access in os.supports_effective_ids)


def _status(name: str) -> os.stat_result | None:
    """What is at the end of the links; None for a name that is free."""
    try:
        return os.stat(name)  # noqa: PTH116 - "" is not the folder
    except FileNotFoundError:
        return None


def _descriptor(name: str) -> int | None:
    """Return the number of this process's own descriptor that a path such as /dev/stdout is.

    To open it once more is not the same: a socket has no name, and a file that the shell appends to
    would be cut off.
    """
    here, path = Path(os.path.realpath("/dev/fd")), Path(name)
    for _ in range(_MAX_LINKS):
        if path.name.isdecimal() and Path(os.path.realpath(path.parent)) == here:
            return int(path.name)
        if not path.is_symlink():
            return None
        path = path.parent / path.readlink()
    return None


@contextlib.contextmanager
def _into(name: str, number: int | None) -> Iterator[BinaryIO]:
    """Give a temporary file, whose bytes go into a pipe, a device or a descriptor at the end."""
    with os.fdopen(_opened(name, number), "wb") as target, tempfile.TemporaryFile() as file:
        yield file
        file.seek(0)
        shutil.copyfileobj(file, target)


def _opened(name: str, number: int | None) -> int:
    """Open what is there, for writing; what is gone by now is not made anew."""
    try:
        if number is not None:
            return os.dup(number)
        # Waiting for a reader could take for ever.
        flags = os.O_WRONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0)
        opened = os.open(name, flags)
    except OSError as error:
        if error.errno == errno.ENXIO:
            raise OSError(errno.ENXIO, "Nobody reads from this pipe", name) from error
        raise _error(error.errno, name) from error
    os.set_blocking(opened, True)
    return opened


@contextlib.contextmanager
def _beside(name: str, target: Path, old: os.stat_result | None) -> Iterator[BinaryIO]:
    """Give a file beside `target`, which takes its place at the end."""
    _remove_abandoned(target)
    temporary, file = _temporary(name, target, old)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            if sys.platform != "win32":  # while the lock holds, so that nobody removes it
                _rename(temporary, target, name)
        if sys.platform == "win32":  # where an open file cannot be renamed
            _rename(temporary, target, name)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    # The new file is in place; that its folder cannot be opened or synced does not undo it.
    with contextlib.suppress(OSError):
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _rename(temporary: Path, target: Path, name: str) -> None:
    try:
        temporary.replace(target)
    except OSError as error:  # a file that is mounted by itself, or another user's in /tmp
        raise _error(error.errno, name) from error


def _temporary(name: str, target: Path, old: os.stat_result | None) -> tuple[Path, BinaryIO]:
    """Make a new file beside `target`, locked, with the owner, group and mode of the old one."""
    # Nobody may read in the new file, even for a moment, what was kept from him in the old one.
    mode = 0o666 if old is None else old.st_mode & 0o777
    flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    while True:
        temporary = target.with_name(f".{target.name[:40]}.{secrets.token_hex(8)}.tmp")
        try:
            file = os.fdopen(os.open(temporary, flags, mode), "w+b")
        except OSError as error:
            raise _error(error.errno, name) from error
        if not _lock(file, wait=True) or os.fstat(file.fileno()).st_nlink > 0:
            break
        file.close()  # between its making and its lock somebody has taken it for abandoned
    if old is not None:
        _take_after(file, old)
    return temporary, file


def _take_after(file: BinaryIO, old: os.stat_result) -> None:
    """Give a file the owner, the group and the mode of another, as far as that is allowed."""
    if sys.platform == "win32":
        return
    number = file.fileno()
    new = os.fstat(number)
    if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
        for owner in (old.st_uid, -1):
            with contextlib.suppress(OSError):
                os.fchown(number, owner, old.st_gid)
                break
    with contextlib.suppress(OSError):
        os.fchmod(number, old.st_mode & 0o777)


def _lock(file: BinaryIO, *, wait: bool) -> bool:
    """Lock an open file until it is closed, as all do who write one; False if that did not work."""
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:  # somebody holds it, or the file system has no locks
        return False
    return True


def _remove_abandoned(target: Path) -> None:
    """Remove the temporary files for `target` that nobody holds a lock on: he was killed."""
    pattern = re.compile(re.escape(f".{target.name[:40]}.") + r"[0-9a-f]{16}\.tmp")
    with contextlib.suppress(OSError), os.scandir(target.parent) as entries:
        for entry in entries:
            if pattern.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                with contextlib.suppress(OSError), Path(entry.path).open("r+b") as file:
                    if _lock(file, wait=False):
                        Path(entry.path).unlink()
