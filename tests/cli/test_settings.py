"""Files of settings for `aecore fit --config`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import aecore
from aecore import optimizers
from commands import ROWS, refusal, run

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SETTINGS = """
[estimator]
name = "denoising"
hidden-layer-sizes = [4, 2]
n_epochs = 2
scale = "none"
random_state = 3
shuffle = false
optimizer = { name = "Adam", beta_1 = 0.8 }

[fit]
quiet = true
"""


def words_of(folder: Path, settings: str, *more: object) -> list[object]:
    (folder / "settings.toml").write_text(settings)
    np.save(folder / "rows.npy", ROWS)
    files = [folder / "rows.npy", "-o", folder / "model", "--config", folder / "settings.toml"]
    return ["fit", *files, *more]


def fit(folder: Path, settings: str, *more: object) -> int:
    return run(*words_of(folder, settings, *more))


def test_a_file_says_what_the_command_line_does_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(tmp_path, SETTINGS, "--n-epochs", "3") == 0
    assert capsys.readouterr().out == ""  # quiet
    learned = aecore.load(tmp_path / "model")
    expected = aecore.DenoisingAutoencoder(
        (4, 2), n_epochs=3, random_state=3, shuffle=False, optimizer=optimizers.Adam(beta_1=0.8)
    )
    assert learned.get_params() == expected.get_params()
    expected.fit(ROWS)
    np.testing.assert_array_equal(learned.network_.parameters, expected.network_.parameters)


def test_the_command_line_names_another_estimator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(tmp_path, SETTINGS, "--estimator", "sparse") == 0
    assert isinstance(aecore.load(tmp_path / "model"), aecore.SparseAutoencoder)
    assert fit(tmp_path, SETTINGS, "--estimator", "ease") == 2
    said = capsys.readouterr().err
    assert "has hidden_layer_sizes, which is no parameter of ease; autoencoder, sparse," in said


def test_how_tables_are_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "rows.csv").write_text("a;b\n" + "1,5;?\n2;3,25\n0,5;1\n" * 5)
    settings = tmp_path / "settings.toml"
    settings.write_text('[tables]\ndelimiter = ";"\ndecimal = ","\nna-value = ["?"]\n')
    words = ["fit", tmp_path / "rows.csv", "-o", tmp_path / "m", "--config", settings, "-q"]
    words += ["--missing", "mask", "--random-state", "0", "--activation", "tanh"]
    assert run(*words) == 0
    assert list(aecore.load(tmp_path / "m").feature_names_in_) == ["a", "b"]
    settings.write_text('[tables]\ndelimiters = ";"\n')
    assert run(*words) == 2
    assert "has delimiters, which is unknown: did you mean delimiter?" in capsys.readouterr().err


def test_help_is_that_of_the_named_estimator(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert fit(tmp_path, '[estimator]\nname = "outlier-detector"\n', "--help") == 0
    assert "--window" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("[estimater]\nn_epochs = 1", "must have the sections [estimator], [fit], [tables] alone"),
        ("[estimater]\nn_epochs = 1", "got estimater: did you mean [estimator]?"),
        ("n_epochs = 1", "got n_epochs"),
        ("[estimator]\nepochs = 1", "has epochs, which is unknown: did you mean n_epochs?"),
        ("[estimator]\nwindow = 1", "no parameter of autoencoder; outlier-detector has it"),
        ("[estimator]\nname = 'dnoising'", "did you mean denoising?"),
        ("[estimator]\nn_epochs = 0", "n_epochs of settings.toml must be an integer from 1"),
        ("[estimator]\nnoise = 'snow'", "noise of settings.toml must be one of"),
        ("[estimator]\nscale = 2026-12-01", "scale of settings.toml must be"),
        ("[estimator]\noptimizer = 'Adm()'", "did you mean Adam?"),
        ("[fit]\nvalidatin = 'x'", "has validatin, which is unknown: did you mean validation?"),
        ("[fit]\nn_epochs = 2", "[fit] of settings.toml has n_epochs, which is unknown"),
        ("[estimator", "cannot read settings.toml as TOML"),
        ("\ufffe".encode("utf-16").decode("latin-1"), "cannot read settings.toml as TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_sentence(
    settings: str,
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert message in refusal(capsys, *words_of(Path(), settings))
    assert not Path("model").exists()


def test_a_file_that_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit", "x.npy", "-o", tmp_path / "m", "--config", tmp_path / "none.toml") == 2
    assert "none.toml: No such file" in capsys.readouterr().err
