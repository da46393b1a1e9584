"""Files that cannot be read or written: one sentence, before the work, and nothing left behind."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import aecore
from commands import ROWS, refusal, run


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def npz(compressed: bool = False) -> bytearray:
    file = io.BytesIO()
    (np.savez_compressed if compressed else np.savez)(file, X=ROWS)
    return bytearray(file.getvalue())


def header(text: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


def flagged(place: int, value: int) -> bytes:
    """An archive with a byte changed, in the header of its file and in the directory."""
    data = npz()
    data[6 + place] = data[data.index(b"PK\x01\x02") + 8 + place] = value
    return bytes(data)


def damaged(compressed: bool) -> bytes:
    data = npz(compressed)
    data[200] ^= 255
    return bytes(data)


def archive_of(name: str, content: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, content)
    return file.getvalue()


OBJECTS = np.array([[1, "a"], [None, 2]], dtype=object)
FILES: dict[str, bytes] = {
    "empty.npy": b"",
    "cut off in the header.npy": npy(ROWS)[:20],
    "cut off.npy": npy(ROWS)[:200],
    "objects.npy": npy(OBJECTS),
    "pickle.npy": pickle.dumps([1, 2]),
    "larger than the file.npy": header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000, 6), }"
    ),
    "larger than any file.npy": header(
        "{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999999999999, 6), }"
    ),
    "code.npy": header("{'descr': __import__('os').system('exit 1')}"),
    "header without end.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\xff{",
    "version 9.npy": b"\x93NUMPY\x09\x00" + npy(ROWS)[8:],
    "words.npy": npy(np.array([["a"]])),
    "complex.npy": npy(ROWS * 1j),
    "one axis.npy": npy(ROWS[0]),
    "no rows.npy": npy(ROWS[:0]),
    "empty.npz": b"",
    "cut off.npz": bytes(npz()[:-30]),
    "encrypted.npz": flagged(0, 1),
    "another compression.npz": flagged(2, 99),
    "damaged.npz": damaged(compressed=False),
    "damaged and compressed.npz": damaged(compressed=True),
    "no arrays.npz": archive_of("a.txt", b"hello"),
    "objects.npz": archive_of("X.npy", npy(OBJECTS)),
    "no archive.npz": b"no",
    "an array.npz": npy(ROWS),
    "empty.csv": b"",
    "bytes.csv": bytes(range(128, 256)),
    "words.csv": b"a,b\n1,x\n",
    "parquet.parquet": b"PAR1garbage",
    "excel.doc": b"1,2\n",
    "no suffix": b"1,2\n",
}


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of NumPy, for archives it gives up
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", FILES)
def test_rows_that_cannot_be_read(
    name: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(name).write_bytes(FILES[name])
    said = refusal(capsys, "fit", name, "-o", "model", "-q")
    assert name in said
    assert os.listdir() == [name]  # noqa: PTH208


PLACES: dict[str, Callable[[str], None]] = {
    "folder": os.mkdir,
    "pipe": os.mkfifo,
    "loop": lambda name: os.symlink(name, name),  # noqa: PTH211
    "nothing": lambda _: None,
}


@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file(
    place: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    PLACES[place]("x.npy")
    np.save("rows.npy", ROWS)
    aecore.Network([6, 2, 6], ["tanh", "identity"], random_state=0).save("model")
    for words in (
        ["fit", "x.npy", "-o", "m"],
        ["fit", "rows.npy", "-o", "m", "--target", "x.npy"],
        ["fit", "rows.npy", "-o", "m", "--config", "x.npy"],
        ["info", "x.npy"],
        ["encode", "x.npy", "rows.npy", "-o", "y.npy"],
        ["encode", "model", "x.npy", "-o", "y.npy"],
    ):
        said = refusal(capsys, *words)
        assert "cannot read x.npy: " in said


MODELS: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda _: b"",
    "cut off": lambda data: data[:-10],
    "cut off at once": lambda data: data[:50],
    "damaged": lambda data: data[:-10] + b"0123456789",
    "a pickle": lambda data: pickle.dumps({"file": data}),
    "an archive": lambda _: bytes(npz()),
    "rows": lambda _: npy(ROWS),
}


@pytest.mark.parametrize("kind", MODELS)
def test_models_that_cannot_be_read(
    kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model"
    aecore.Network([6, 2, 6], ["tanh", "identity"], random_state=0).save(path)
    path.write_bytes(MODELS[kind](path.read_bytes()))
    said = refusal(capsys, "info", path)
    assert str(path) in said


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fit", "x.npy", "-o", "folder"], "cannot write folder: Is a directory"),
        (["fit", "x.npy", "-o", "none/m"], "cannot write none/m: there is no folder none"),
        (["cluster", "x.npy", "-o", "none/l.csv"], "there is no folder none"),
        (["cluster", "x.npy", "-o", "l.csv", "--model", "folder"], "folder: Is a directory"),
        (["encode", "m", "x.npy", "-o", "folder.npy"], "cannot write folder.npy: Is a directory"),
        (["score", "m", "x.npy", "-o", "s.doc"], "must be .npy, .npz, .csv"),
        (["sample", "m", "-o", "none/s.npy"], "there is no folder none"),
    ],
)
def test_outputs_are_checked_before_the_work(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    Path("folder.npy").mkdir()
    said = refusal(capsys, *words)  # nor are there rows, or a model
    assert message in said


@pytest.mark.parametrize(
    "words",
    [
        ["fit", "x.npy", "-o", "x.npy"],
        ["cluster", "x.npy", "-o", "./x.npy"],
        ["encode", "m", "x.npy", "-o", "x.npy"],
        ["score", "m.npy", "x.npy", "-o", "m.npy"],
    ],
)
def test_inputs_are_not_replaced(
    words: list[str],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("x.npy", "m.npy"):
        np.save(name, ROWS)
    assert run(*words) == 2
    assert "it is what is to be read" in capsys.readouterr().err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to everything")
def test_a_folder_that_cannot_be_written_to(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o500)
    assert run("fit", "x.npy", "-o", folder / "m") == 2
    assert "Permission denied" in capsys.readouterr().err
