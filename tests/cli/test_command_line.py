"""The commands `aecore fit`, `encode`, `reconstruct`, `score`, `info`: files in, files out."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import aecore
from aecore import Autoencoder, DenoisingAutoencoder
from aecore.cli import main
from samples import three_factor_rows

ROWS = three_factor_rows(40, 6).astype(np.float32)
NAMES = [f"sensor {i}" for i in range(6)]
SETTINGS: dict[str, Any] = {"n_epochs": 3, "batch_size": 16, "random_state": 0}
WORDS = ["--n-epochs", "3", "--batch-size", "16", "--random-state", "0", "--quiet"]


@pytest.fixture
def rows_file(tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", ROWS)
    return tmp_path / "rows.npy"


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    Autoencoder((3,), **SETTINGS).fit(ROWS).save(tmp_path / "model.aecore")
    return tmp_path / "model.aecore"


def run(*arguments: object) -> int:
    return main([str(argument) for argument in arguments])


@pytest.mark.parametrize(
    ("estimator", "cls"), [("autoencoder", Autoencoder), ("denoising", DenoisingAutoencoder)]
)
def test_fit_is_fit(rows_file: Path, estimator: str, cls: Any) -> None:
    model = rows_file.with_name("model.aecore")
    given = ["--hidden-layer-sizes", "4,2", "--activation", "tanh", "--shuffle", "false"]
    assert run("fit", rows_file, "-o", model, "--estimator", estimator, *WORDS, *given) == 0
    learned = aecore.load(model)
    expected = cls((4, 2), activation="tanh", shuffle=False, **SETTINGS).fit(ROWS)
    assert type(learned) is cls
    np.testing.assert_array_equal(learned.network_.parameters, expected.network_.parameters)


def test_fit_says_what_it_did(rows_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = rows_file.with_name("model.aecore")
    target = rows_file.with_name("target.npy")
    np.save(target, ROWS / 2)
    words = [word for word in WORDS if word != "--quiet"]
    assert run("fit", rows_file, "-o", model, *words, "--validation-fraction", "0.2") == 0
    said = capsys.readouterr()
    history = aecore.load(model).history_
    assert "6-32-6 on 40 rows" in said.out
    assert f"validation_loss {history['validation_loss'][-1]:.6g}" in said.out
    assert not said.err  # a progress bar is for a terminal
    assert run("fit", rows_file, "-o", model, "--target", target, *WORDS) == 0
    expected = Autoencoder(**SETTINGS).fit(ROWS, target=ROWS / 2)
    np.testing.assert_array_equal(
        aecore.load(model).network_.parameters, expected.network_.parameters
    )


CALLS: dict[str, Callable[[Autoencoder], NDArray[Any]]] = {
    "encode": lambda ae: ae.transform(ROWS),
    "reconstruct": lambda ae: ae.reconstruct(ROWS),
    "score": lambda ae: ae.score_samples(ROWS),
}


@pytest.mark.parametrize("command", CALLS)
def test_a_models_answers(command: str, model_file: Path, rows_file: Path) -> None:
    output = rows_file.with_name("out.npy")
    assert run(command, model_file, rows_file, "-o", output) == 0
    np.testing.assert_array_equal(np.load(output), CALLS[command](aecore.load(model_file)))


def test_names_travel_through_csv(tmp_path: Path) -> None:
    rows, model = tmp_path / "rows.csv", tmp_path / "model.aecore"
    out = tmp_path / "out.csv"
    pd.DataFrame(ROWS, columns=NAMES).to_csv(rows, index=False)
    assert run("fit", rows, "-o", model, "--hidden-layer-sizes", "2", *WORDS) == 0
    assert list(aecore.load(model).feature_names_in_) == NAMES
    headers = {
        "encode": ["autoencoder0", "autoencoder1"],
        "reconstruct": NAMES,
        "score": ["score"],
    }
    for command, header in headers.items():
        assert run(command, model, rows, "-o", out) == 0
        assert out.read_text().splitlines()[0].split(",") == header
    pd.DataFrame(ROWS, columns=NAMES[::-1]).to_csv(rows, index=False)
    assert run("encode", model, rows, "-o", out) == 2  # columns in another order


def test_info(model_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("info", model_file) == 0
    said = capsys.readouterr().out
    for words in ("Autoencoder", "6-3-6", "n_epochs = 3", "3 epochs", "45 of float32"):
        assert words in said
    aecore.load(model_file).network_.save(model_file)
    assert run("info", model_file) == 0
    assert "Network" in capsys.readouterr().out


BAD = {
    "missing rows": (["fit", "none.npy", "-o", "m"], "cannot read none.npy: No such file"),
    "bad value": (["fit", "ROWS", "-o", "m", "--n-epochs", "0"], "--n-epochs must be"),
    "bad name": (["fit", "ROWS", "-o", "m", "--noise", "snow"], "--noise must be"),
    "no folder": (["fit", "ROWS", "-o", "none/m"], "there is no folder none"),
    "no model": (["encode", "none", "ROWS", "-o", "x.npy"], "No such file"),
    "not a model": (["encode", "ROWS", "ROWS", "-o", "x.npy"], "rows.npy"),
    "output format": (["encode", "MODEL", "ROWS", "-o", "x.doc"], "must be .npy, .npz, .csv"),
    "other width": (["encode", "MODEL", "WIDE", "-o", "x.npy"], "7 features"),
}


@pytest.mark.parametrize(("words", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(
    words: list[str],
    message: str,
    rows_file: Path,
    model_file: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(rows_file.parent)
    np.save("wide.npy", np.zeros((4, 7)))
    before = sorted(path.name for path in rows_file.parent.iterdir())
    files = {"ROWS": "rows.npy", "MODEL": model_file.name, "WIDE": "wide.npy"}
    assert run(*[files.get(word, word) for word in words]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"aecore {words[0]}: error: ")
    assert message in said.err
    assert sorted(path.name for path in rows_file.parent.iterdir()) == before


def test_ctrl_c(rows_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Autoencoder, "fit", interrupted)
    assert run("fit", rows_file, "-o", rows_file.with_name("m"), *WORDS) == 130
    assert not rows_file.with_name("m").exists()


def test_a_classifier_reconstructs_nothing(
    tmp_path: Path, rows_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clf = aecore.AutoencoderClassifier((3,), **SETTINGS).fit(ROWS, np.arange(40) % 2)
    clf.save(tmp_path / "model")
    assert run("encode", tmp_path / "model", rows_file, "-o", tmp_path / "codes.npy") == 0
    np.testing.assert_array_equal(np.load(tmp_path / "codes.npy"), clf.transform(ROWS))
    assert run("reconstruct", tmp_path / "model", rows_file, "-o", tmp_path / "out.npy") == 2
    assert "must hold an autoencoder; got an AutoencoderClassifier" in capsys.readouterr().err


def test_a_detector_scores_rows(
    tmp_path: Path, rows_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "detector"
    detector = aecore.AutoencoderOutlierDetector((4, 2), **SETTINGS).fit(ROWS)
    detector.save(path)
    assert run("score", path, rows_file, "-o", tmp_path / "scores.npy") == 0
    scores = np.load(tmp_path / "scores.npy").ravel()
    np.testing.assert_array_equal(scores, detector.score_samples(ROWS))
    assert run("info", path) == 0
    said = capsys.readouterr().out
    assert "networks    4, each of them\nlayers      6-4-2-4-6\n" in said
    for command in ("encode", "reconstruct"):
        assert run(command, path, rows_file, "-o", tmp_path / "x.npy") != 0
        message = "must hold an autoencoder; got an AutoencoderOutlierDetector"
        assert message in capsys.readouterr().err


def test_an_error_without_a_command() -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "aecore", "--version"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode != 0
    assert done.stderr.startswith("aecore: error: ")
    assert "No space left" in done.stderr
