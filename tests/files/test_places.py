"""Where files are written: what is no file stays what it is, and modes, owners and links stay."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import select
import shutil
import signal
import socket
import stat
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from aecore._util.atomic import check_writable, replacing
from helpers import run_function, run_python

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="files as POSIX has them")
needs_root = pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may do that"
)


@contextlib.contextmanager
def read_in_a_thread(path: Path) -> Iterator[list[bytes]]:
    """Read a pipe to its end; the list gets what was read."""
    found: list[bytes] = []
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # from now on there is a reader
    os.set_blocking(number, True)

    def read() -> None:
        select.select([number], [], [])  # until somebody writes, or has closed
        with os.fdopen(number, "rb") as file:
            found.append(file.read())

    thread = threading.Thread(target=read)
    thread.start()
    yield found
    thread.join()


def write(path: Any, data: bytes = b"new") -> None:
    with replacing(path) as file:
        file.write(data)


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def hidden(folder: Path) -> list[str]:
    return [name for name in names_in(folder) if name.startswith(".")]


def test_a_new_file_has_the_mode_of_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o027)
    try:
        write(tmp_path / "new")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o640


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o666, 0o755])
@pytest.mark.parametrize("umask", [0o000, 0o077])
def test_the_mode_stays(mode: int, umask: int, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(mode)
    before = os.umask(umask)
    try:
        with replacing(path) as file:
            file.write(b"new")
            (temporary,) = tmp_path.glob(".file.*.tmp")
            assert stat.S_IMODE(temporary.stat().st_mode) == mode  # not first when it is whole
    finally:
        os.umask(before)
    assert path.read_bytes() == b"new"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@needs_root
def test_owner_and_group_stay(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    os.chown(path, 12345, 23456)
    path.chmod(0o640)
    write(path)
    found = path.stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12345, 23456, 0o640)


@contextlib.contextmanager
def another_user() -> Iterator[None]:
    """Be one of root's users, who is in a group more than his own; others stay what they are."""
    if os.geteuid() != 0:
        yield
        return
    groups = os.getgroups()
    os.setgroups([23456])
    os.setegid(54321)
    os.seteuid(54321)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)
        os.setgroups(groups)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that any user can get to."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    folder.chmod(0o777)
    yield folder
    shutil.rmtree(folder)


def written_by_another_user(path: str) -> tuple[bytes, int, int, int]:
    with another_user():
        write(path)
    found = Path(path).stat()
    return Path(path).read_bytes(), found.st_uid, found.st_gid, found.st_mode & 0o777


@needs_root
def test_where_the_owner_cannot_stay_the_group_does(open_folder: Path) -> None:
    path = open_folder / "file"
    for group, stays in ((23456, 23456), (34567, 54321)):
        path.write_bytes(b"old")
        os.chown(path, 12345, group)
        path.chmod(0o666)
        found = run_function(written_by_another_user, str(path))
        assert found == (b"new", 54321, stays, 0o666)


@pytest.mark.parametrize("there", [True, False])
def test_a_link_is_followed(there: bool, tmp_path: Path) -> None:
    target, link = tmp_path / "folder" / "file", tmp_path / "link"
    target.parent.mkdir()
    if there:
        target.write_bytes(b"old")
    link.symlink_to("folder/file")
    write(link)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"
    assert not hidden(tmp_path)


def test_other_hard_links_keep_the_old_file(tmp_path: Path) -> None:
    path, other = tmp_path / "file", tmp_path / "other"
    path.write_bytes(b"old")
    other.hardlink_to(path)
    write(path)
    assert (path.read_bytes(), other.read_bytes()) == (b"new", b"old")


@pytest.mark.parametrize("data", [b"new", bytes(300_000)], ids=["small", "beyond the pipe's room"])
def test_a_pipe_is_written_to(data: bytes, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with read_in_a_thread(path) as found:
        write(path, data)
    assert found == [data]
    assert stat.S_ISFIFO(path.lstat().st_mode)
    assert names_in(tmp_path) == ["pipe"]


def test_a_pipe_that_nobody_reads_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    check_writable(path)  # the reader may come later
    with pytest.raises(OSError, match=r"^\[Errno \d+\] Nobody reads from this pipe: '.*pipe'$"):
        write(path)
    assert stat.S_ISFIFO(path.lstat().st_mode)


def test_what_fails_puts_nothing_into_a_pipe(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    with (
        read_in_a_thread(path) as found,
        pytest.raises(TypeError, match="bytes-like"),
        replacing(path) as file,
    ):
        file.writelines([b"half", None])  # type: ignore[list-item]
    assert found == [b""]


@pytest.mark.parametrize("name", ["null", "link"])
def test_a_device_stays_one(name: str, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("/dev/null")
    path = tmp_path / "link" if name == "link" else Path("/dev/null")
    before = Path("/dev/null").stat()
    write(path)
    after = Path("/dev/null").stat()
    assert stat.S_ISCHR(after.st_mode)
    assert (after.st_ino, after.st_mode) == (before.st_ino, before.st_mode)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_device() -> None:
    with pytest.raises(OSError, match="No space left"):
        write("/dev/full", bytes(100_000))


STDOUT = """
from aecore._util.atomic import replacing
with replacing({path!r}) as file:
    file.write(b"no")
    file.seek(0)
    file.write(b"written")
"""


@pytest.mark.parametrize("path", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output(path: str, tmp_path: Path) -> None:
    if not Path(path).parent.is_dir():
        pytest.skip(f"there is no {path}")
    assert run_python(STDOUT.format(path=path)) == "written"
    run = f"import os; os.dup2(os.open({str(tmp_path / 'log')!r}, {os.O_WRONLY | os.O_APPEND}), 1)"
    (tmp_path / "log").write_bytes(b"before ")
    run_python(run + STDOUT.format(path=path))  # `>> log`
    assert (tmp_path / "log").read_bytes() == b"before written"


def test_a_descriptor_that_is_a_socket() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        write(f"/dev/fd/{ours.fileno()}")
        assert theirs.recv(10) == b"new"


def a_folder(path: Path) -> Path:
    path.mkdir()
    return path


def a_link_to_itself(path: Path) -> Path:
    path.symlink_to(path.name)
    return path


def a_socket(path: Path) -> Path:
    with socket.socket(socket.AF_UNIX) as bound:
        bound.bind(str(path))
    return path


def below_a_file(path: Path) -> Path:
    path.write_bytes(b"")
    return path / "file"


def a_file_with_a_slash(path: Path) -> str:
    path.write_bytes(b"")
    return f"{path}/"


REFUSED: dict[str, tuple[Callable[[Path], Any], int]] = {
    "folder": (a_folder, errno.EISDIR),
    "folder with a slash": (lambda path: f"{a_folder(path)}/", errno.EISDIR),
    "new name with a slash": (lambda path: f"{path}/", errno.EISDIR),
    "file with a slash": (a_file_with_a_slash, errno.ENOTDIR),
    "below a file": (below_a_file, errno.ENOTDIR),
    "in no folder": (lambda path: path / "nothing" / "file", errno.ENOENT),
    "no name": (lambda _: "", errno.ENOENT),
    "link to itself": (a_link_to_itself, errno.ELOOP),
    "socket": (a_socket, errno.ENXIO),
    "NUL": (lambda path: f"{path}\0", errno.EINVAL),
    "long name": (lambda path: path.with_name(300 * "x"), errno.ENAMETOOLONG),
    "closed descriptor": (lambda _: "/dev/fd/987654", errno.EBADF),
}


@pytest.mark.parametrize("kind", REFUSED)
@pytest.mark.parametrize("as_bytes", [False, True])
def test_what_is_no_place_for_a_file(kind: str, as_bytes: bool, tmp_path: Path) -> None:
    make, number = REFUSED[kind]
    path = make(tmp_path / "place")
    before = names_in(tmp_path)
    given = os.fsencode(path) if as_bytes else path
    if number != errno.EBADF:
        with pytest.raises(OSError, match=r"^\[Errno \d+\] [A-Z].*: '") as early:
            check_writable(given)
        assert early.value.errno == number
    with pytest.raises(OSError, match=r"^\[Errno \d+\] [A-Z].*: '") as late, replacing(given):
        pytest.fail("the work had begun")
    assert (late.value.errno, late.value.filename) == (number, os.fsdecode(path))
    assert names_in(tmp_path) == before


@pytest.mark.parametrize("name", ["x" * 255, "ä" * 127, "a b\n'\"", "\udcff", "-o", "~"])
def test_odd_names(name: str, tmp_path: Path) -> None:
    for given in (tmp_path / name, os.fsencode(tmp_path / name)):
        write(given)
        assert (tmp_path / name).read_bytes() == b"new"
    assert len(names_in(tmp_path)) == 1


def refused_to_others(path: str) -> list[int | None]:
    """What somebody who is not root is told of a place, early and late."""
    found = []
    for attempt in (check_writable, write):
        with another_user(), pytest.raises(OSError, match=re.escape(f": {path!r}")) as error:
            attempt(path)
        found.append(error.value.errno)
    return found


def test_a_read_only_file_is_refused_as_open_does(open_folder: Path) -> None:
    path = open_folder / "file"
    path.write_bytes(b"old")
    path.chmod(0o444)
    assert run_function(refused_to_others, str(path)) == [errno.EACCES] * 2
    assert path.read_bytes() == b"old"


@pytest.mark.parametrize("there", [False, True])
def test_a_folder_that_takes_no_file(there: bool, open_folder: Path) -> None:
    path = open_folder / "file"
    if there:
        path.write_bytes(b"old")
        path.chmod(0o666)
    open_folder.chmod(0o555)
    assert run_function(refused_to_others, str(path)) == [errno.EACCES] * 2
    open_folder.chmod(0o777)
    assert names_in(open_folder) == (["file"] if there else [])


def killed_while_it_writes(path: str) -> None:
    """A child is killed with half a file written."""
    child = os.fork()
    if child == 0:
        with replacing(path) as file:
            file.write(b"half")
            file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(child, 0)


@pytest.mark.parametrize("name", ["file", "a[*]?b", "ä" * 100])
def test_what_a_killed_call_left_is_removed_by_the_next(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    others = [tmp_path / ".file.old.tmp", tmp_path / ".other.0123456789abcdef.tmp"]
    for other in others:
        other.write_bytes(b"")
    for _ in range(3):
        run_function(killed_while_it_writes, str(path))
    assert len(hidden(tmp_path)) == 3  # they were not there to be removed: a killed call in between
    write(path)
    assert hidden(tmp_path) == sorted(other.name for other in others)


def test_what_others_are_writing_stays(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with replacing(path) as first:
        first.write(b"first")
        with replacing(path) as second:
            second.write(b"second")
            assert len(hidden(tmp_path)) == 2
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert not hidden(tmp_path)


def writers_in_a_race(folder: str, seconds: float) -> tuple[set[int], list[str]]:
    """Exit codes of children that write one file at once, and what is left beside it."""
    path = Path(folder) / "file"
    end = time.monotonic() + seconds
    children = []
    for number in range(4):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                while time.monotonic() < end:
                    write(path, bytes([number]) * 1000)
                    data = path.read_bytes()
                    assert len(data) == 1000
                    assert len(set(data)) == 1
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    codes = {os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children}
    return codes, hidden(Path(folder))


def test_nobody_removes_the_file_of_another_who_writes_at_the_same_time(tmp_path: Path) -> None:
    assert run_function(writers_in_a_race, str(tmp_path), 1.5) == ({0}, [])


def test_names_of_temporary_files(tmp_path: Path) -> None:
    with replacing(tmp_path / "file"):
        (name,) = hidden(tmp_path)
    assert re.fullmatch(r"\.file\.[0-9a-f]{16}\.tmp", name)
