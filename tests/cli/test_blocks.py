"""Rows go through a model in blocks: the bits of one call, whatever the blocks are."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
from pathlib import Path

import numpy as np
import pytest

import aecore
from aecore._tables.reading import read_table
from aecore._tables.writing import write_table
from aecore.cli import _rows
from commands import ROWS, estimator, fit, run

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
COMMANDS = {
    "autoencoder": ["encode", "reconstruct", "score"],
    "variational": ["encode", "reconstruct", "score"],
    "conv": ["encode", "reconstruct", "score"],
    "classifier": ["encode", "predict", "predict --proba", "score --labels LABELS"],
    "outlier-detector": ["predict", "predict --proba", "score", "score --explain"],
    "clustering": ["encode", "predict", "predict --proba"],
}


@pytest.mark.parametrize(
    ("word", "command"), [(word, each) for word, those in COMMANDS.items() for each in those]
)
def test_blocks_change_no_bit(
    word: str, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, out = fit(word, tmp_path), tmp_path / "out.npy"
    words = command.replace("LABELS", str(tmp_path / "labels.npy")).split()
    found = []
    for n_rows in (1000, 7, 1):
        monkeypatch.setattr(_rows, "N_ROWS", n_rows)
        assert run(*words, model, tmp_path / "rows.npy", "-o", out, "-q") == 0
        found.append(np.load(out))
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


@pytest.mark.parametrize("suffix", [".csv", ".csv.gz", ".parquet", ".feather"])
def test_files_in_blocks_give_the_bits_of_the_call(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, out, model = tmp_path / f"rows{suffix}", tmp_path / f"codes{suffix}", tmp_path / "model"
    names = ["größe", "a, b", 'the "c"', "d\ne", "5", "温度"]
    write_table(rows, ROWS.astype(np.float64), names)
    words = ["--hidden-layer-sizes", "3", "--n-epochs", "2", "--random-state", "0", "-q"]
    assert run("fit", rows, "-o", model, *words, "--activation", "tanh") == 0
    monkeypatch.setattr(_rows, "N_ROWS", 7)
    learned = aecore.load(model)
    assert list(learned.feature_names_in_) == names
    frame = read_table(rows).frame()
    calls = {"encode": "transform", "reconstruct": "reconstruct", "score": "score_samples"}
    for command, method in calls.items():
        assert run(command, model, rows, "-o", out, "-q") == 0
        expected = getattr(learned, method)(frame).reshape(40, -1)
        np.testing.assert_array_equal(read_table(out).rows.astype(expected.dtype), expected)
    assert run("reconstruct", model, rows, "-o", out, "-q") == 0
    assert read_table(out).names == names
    assert run("encode", model, out, "-o", rows, "-q") == 0  # what it has written is read


def test_a_series_is_never_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_rows, "N_ROWS", 1)
    model, out = fit("outlier-detector", tmp_path, "--window", "4"), tmp_path / "out.npy"
    assert run("score", model, tmp_path / "rows.npy", "-o", out, "-q") == 0
    detector = estimator("outlier-detector").set_params(window=4).fit(ROWS)
    np.testing.assert_array_equal(np.load(out).ravel(), detector.score_samples(ROWS))


def test_errors_name_the_row_of_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_rows, "N_ROWS", 7)
    model, out = fit("autoencoder", tmp_path), tmp_path / "out.npy"
    rows = ROWS.copy()
    rows[30, 2] = np.nan
    np.save(tmp_path / "rows.npy", rows)
    assert run("encode", model, tmp_path / "rows.npy", "-o", out) == 2
    assert "row 30, column 2" in capsys.readouterr().err
    assert not out.exists()


@pytest.mark.parametrize("more", [[], ["-q"]])
def test_progress_is_for_terminals(more: list[str], tmp_path: Path) -> None:
    aecore.Autoencoder((2,), n_epochs=1, activation="tanh", random_state=0).fit(ROWS).save(
        tmp_path / "model"
    )
    np.save(tmp_path / "rows.npy", ROWS)
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("4H", 24, 80, 0, 0))
    words = ["encode", "model", "rows.npy", "-o", "codes.npy", *more]
    path = os.pathsep.join(
        [str(Path(aecore.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    )
    done = subprocess.run(
        [sys.executable, "-m", "aecore", *words],
        stdout=subprocess.PIPE,
        stderr=theirs,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": path},
        text=True,
        check=True,
    )
    os.write(theirs, b".")
    said = os.read(ours, 10_000).decode()
    os.close(ours)
    os.close(theirs)
    assert ("rows" in said) == (not more)
    assert done.stdout == ("" if more else "40 rows written to codes.npy\n")
