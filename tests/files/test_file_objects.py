"""Models go to and come from paths of every kind, binary file objects, and bytes."""

from __future__ import annotations

import bz2
import functools
import gzip
import io
import lzma
import os
import re
import socket
import stat
import sys
import tempfile
import threading
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aecore
from aecore import Autoencoder, Checkpoint, ModelFileError, Network
from helpers import run_python
from samples import three_factor_rows
from saved_models import MODELS, answers

posix = pytest.mark.skipif(sys.platform == "win32", reason="files as POSIX has them")


@functools.cache
def model(name: str) -> Any:
    return MODELS[name]()


def in_bytes(name: str) -> bytes:
    file = io.BytesIO()
    model(name).save(file)
    return file.getvalue()


def check_same(name: str, loaded: Any) -> None:
    assert type(loaded) is type(model(name))
    fresh, found = answers(MODELS[name]()), answers(loaded)
    for key, expected in fresh.items():
        np.testing.assert_equal(found[key], expected, err_msg=key)


class AsPath:
    """Path-like."""

    def __init__(self, path: str | bytes) -> None:
        self.path = path

    def __fspath__(self) -> Any:
        return self.path


class Slow(io.RawIOBase):
    """Takes and gives some bytes at a time, and cannot be sought in, as sockets."""

    def __init__(self, data: bytes = b"") -> None:
        self.data = bytearray(data)

    def readable(self) -> bool:
        return True

    def writable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        n = min(len(buffer), 7, len(self.data))
        buffer[:n] = self.data[:n]
        del self.data[:n]
        return n

    def write(self, data: Any) -> int:
        self.data += data[:1000]
        return min(len(data), 1000)


class Bare:
    """Has nothing but the method that is needed."""

    def __init__(self, data: bytes = b"") -> None:
        self.parts = [data]

    def write(self, data: Any) -> None:
        self.parts.append(bytes(data))

    def read(self, size: int = -1) -> bytes:
        data = b"".join(self.parts)
        size = len(data) if size < 0 else size
        self.parts = [data[size:]]
        return data[:size]


@pytest.mark.parametrize("name", MODELS)
def test_a_file_object_gets_the_bytes_of_a_file(name: str, tmp_path: Path) -> None:
    model(name).save(tmp_path / "model")
    data = (tmp_path / "model").read_bytes()
    assert in_bytes(name) == data
    slow, bare = Slow(), Bare()
    model(name).save(slow)
    model(name).save(bare)
    assert slow.data == data
    assert b"".join(bare.parts) == data


@pytest.mark.parametrize("make", [bytes, bytearray, memoryview, io.BytesIO, Slow, Bare])
@pytest.mark.parametrize("name", MODELS)
def test_every_class_loads_from(name: str, make: Callable[[bytes], Any]) -> None:
    check_same(name, aecore.load(make(in_bytes(name))))


def test_it_stands_where_it_stood_and_stays_open() -> None:
    network, other = (Network([3, n, 3], ["relu", "relu"], random_state=0) for n in (2, 5))
    file = io.BytesIO(b"before")
    file.seek(0, io.SEEK_END)
    network.save(file)
    data = file.getvalue()
    other.save(file)
    assert data.startswith(b"before")
    file.seek(len(data))
    assert aecore.load(file).layer_sizes == [3, 5, 3]
    assert file.tell() == len(file.getvalue())
    file.seek(6)
    with pytest.raises(ModelFileError, match="this BytesIO is "):  # what is left is more than one
        aecore.load(file)
    assert not file.closed


def test_files_of_every_kind(tmp_path: Path) -> None:
    network, path = Network([3, 2, 3], ["relu", "relu"], random_state=0), tmp_path / "model"
    opened: tuple[Callable[..., Any], ...] = (Path.open, gzip.open, bz2.open, lzma.open)
    for make in opened:
        with make(path, "wb") as file:
            network.save(file)
        with make(path, "rb") as file:
            loaded = aecore.load(file)
            np.testing.assert_array_equal(loaded.parameters, network.parameters)
    with zipfile.ZipFile(path, "w") as archive, archive.open("member", "w") as file:
        network.save(file)
    with zipfile.ZipFile(path) as archive, archive.open("member") as file:
        assert aecore.load(file).layer_sizes == [3, 2, 3]
    with tempfile.TemporaryFile() as file, tempfile.SpooledTemporaryFile() as spooled:
        for each in (file, spooled):
            network.save(each)
            each.seek(0)
            assert aecore.load(each).layer_sizes == [3, 2, 3]


@posix
@pytest.mark.parametrize("buffering", [0, -1])
def test_a_pipe_and_a_socket(buffering: int) -> None:
    network = Network([90, 80, 90], ["relu", "relu"], random_state=0)
    reading, writing = os.pipe()
    ours, theirs = socket.socketpair()
    pairs: list[tuple[Any, Any]] = [
        (os.fdopen(reading, "rb", buffering), os.fdopen(writing, "wb", buffering)),
        (ours.makefile("rb", buffering), theirs.makefile("wb", buffering)),
    ]
    for source, target in pairs:
        with source:

            def write(target: Any = target) -> None:
                with target:
                    network.save(target)
                theirs.close()

            writer = threading.Thread(target=write)
            writer.start()
            loaded = aecore.load(source)
            writer.join()
        np.testing.assert_array_equal(loaded.parameters, network.parameters)
    ours.close()


TARGETS = "path must be the path of a file, or a file object that is open for writing in binary"
SOURCES = (
    "path must be the path of a file, a file object that is open for reading in binary mode, or "
    "the bytes of a model; got "
)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize(
    "target", [None, 3, b"model", bytearray(), ["model"], io.StringIO(), sys.stdin, Path]
)
def test_what_nothing_can_be_saved_to(name: str, target: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{TARGETS} mode; got "):
        model(name).save(target)


@pytest.mark.parametrize("source", [None, 3, ["model"], io.StringIO(), np.zeros(3), object()])
def test_what_nothing_can_be_loaded_from(source: Any) -> None:
    with pytest.raises(TypeError, match=rf"^{SOURCES}"):
        aecore.load(source)


def test_text_mode(tmp_path: Path) -> None:
    with (tmp_path / "model").open("w+") as file:
        with pytest.raises(TypeError, match=TARGETS):
            model("Network").save(file)
        with pytest.raises(TypeError, match=SOURCES):
            aecore.load(file)
    assert (tmp_path / "model").read_bytes() == b""


def test_the_wrong_mode(tmp_path: Path) -> None:
    with (tmp_path / "model").open("wb") as file:
        with pytest.raises(OSError, match="read"):
            aecore.load(file)
        model("Network").save(file)
    with (tmp_path / "model").open("rb") as file, pytest.raises(OSError, match="write"):
        model("Network").save(file)
    closed = io.BytesIO()
    closed.close()
    for attempt in (aecore.load, model("Network").save):
        with pytest.raises(ValueError, match="closed file"):
            attempt(closed)


@pytest.mark.parametrize("data", [b"", b"x", bytes(1000), b"\xff" * 1000])
@pytest.mark.parametrize("make", [bytes, io.BytesIO, Slow, Bare])
def test_bytes_of_another_kind(data: bytes, make: Callable[[bytes], Any]) -> None:
    message = r"^this (model in bytes|\w+) is not an aecore model file, or it is cut off"
    with pytest.raises(ModelFileError, match=message):
        aecore.load(make(data))


def test_a_long_file_of_another_kind_is_not_read_to_its_end() -> None:
    file = io.BytesIO(bytes(10**6))
    with pytest.raises(ModelFileError, match="not an aecore model file"):
        aecore.load(file)
    assert file.tell() == 256


@pytest.mark.parametrize("make", [bytes, io.BytesIO, Slow])
def test_bytes_that_are_cut_off(make: Callable[[bytes], Any]) -> None:
    data = in_bytes("Autoencoder")
    for end in (7, 100, 255, 256, 257, len(data) - 1):
        with pytest.raises(ModelFileError):
            aecore.load(make(data[:end]))


def test_the_error_of_a_file_object_has_its_name(tmp_path: Path) -> None:
    (tmp_path / "model").write_bytes(b"nothing")
    name = re.escape(repr(str(tmp_path / "model")))
    with (tmp_path / "model").open("rb") as file, pytest.raises(ModelFileError, match=f"^{name}"):
        aecore.load(file)


# --- paths ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("make", [Path, str, AsPath, lambda path: AsPath(os.fsencode(path))])
def test_paths(name: str, make: Callable[[Any], Any], tmp_path: Path) -> None:
    path = make(str(tmp_path / "model"))
    model(name).save(path)
    check_same(name, aecore.load(path))


@posix
@pytest.mark.parametrize("name", MODELS)
def test_a_model_and_its_place(name: str, tmp_path: Path) -> None:
    pipe, path = tmp_path / "pipe", tmp_path / "model"
    os.mkfifo(pipe)
    with pytest.raises(OSError, match="Nobody reads from this pipe"):
        model(name).save(pipe)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)
    with pytest.raises(IsADirectoryError):
        model(name).save(tmp_path)
    path.write_bytes(b"old")
    path.chmod(0o600)
    model(name).save(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    model(name).save("/dev/null")
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(ModelFileError, match="it is a folder or a device"):
        aecore.load("/dev/null")


@posix
def test_a_model_on_standard_output(tmp_path: Path) -> None:
    code = f"""
import os, aecore
network = aecore.Network([3, 2, 3], ["relu", "relu"], random_state=0)
with open({str(tmp_path / "model")!r}, "wb") as file:
    os.dup2(file.fileno(), 1)
network.save("/dev/stdout")
"""
    assert run_python(code) == ""
    assert aecore.load(tmp_path / "model").layer_sizes == [3, 2, 3]


class Hears:
    """A callback."""

    def __init__(self) -> None:
        self.epochs = 0

    def on_epoch_end(self, state: Any) -> None:
        del state
        self.epochs += 1


@posix
@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "NUL", "nowhere", "long"])
def test_a_checkpoint_is_refused_before_the_training(kind: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    path: str | Path = {
        "pipe": tmp_path / "pipe",
        "device": "/dev/null",
        "folder": tmp_path,
        "NUL": "a\0b",
        "nowhere": tmp_path / "nothing" / "run",
        "long": tmp_path / ("x" * 300),
    }[kind]
    hears = Hears()
    ae = Autoencoder((2,), n_epochs=1, callbacks=hears, random_state=0)
    message = "checkpoint.path must name a file in a folder that exists and can be written to; got"
    with pytest.raises(ValueError, match=message):
        ae.fit(three_factor_rows(40, 6), checkpoint=Checkpoint(path))
    assert not hears.epochs
