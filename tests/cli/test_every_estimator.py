"""Every public estimator: fitted, saved, described, asked by commands, with the library's bits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import aecore
from aecore._names import ESTIMATORS, ON_COMMAND_LINE
from commands import FAST, NUMBERS, ROWS, fit, fitted, refusal, run

WORDS = list(FAST)
# Two epochs make no good model.
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def numbers(model: Any) -> NDArray[Any]:
    """All that was learned, in one array."""
    found = [member.network_.parameters for member in getattr(model, "estimators_", ())]
    if hasattr(model, "network_"):
        found.append(model.network_.parameters)
    names = ("item_weights_", "labels_", "offset_")
    found += [getattr(model, name) for name in names if hasattr(model, name)]
    return np.concatenate([np.ravel(each) for each in found])


def test_all_of_them_have_a_word() -> None:
    assert sorted(ON_COMMAND_LINE.values()) == sorted(ESTIMATORS)


@pytest.mark.parametrize("word", WORDS)
def test_fit_is_fit(word: str, tmp_path: Path) -> None:
    learned, expected = aecore.load(fit(word, tmp_path)), fitted(word)
    assert type(learned) is type(expected)
    np.testing.assert_array_equal(numbers(learned), numbers(expected))


@pytest.mark.parametrize("name", ["AutoencoderOutlierDetector", "Outlier_Detector"])
def test_the_name_of_a_class_will_do(name: str, tmp_path: Path) -> None:
    model = fit("outlier-detector", tmp_path, "--estimator", name)
    assert isinstance(aecore.load(model), aecore.AutoencoderOutlierDetector)


@pytest.mark.parametrize("word", WORDS)
def test_info_describes_it(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = fit(word, tmp_path)
    assert run("info", model) == 0
    said = capsys.readouterr().out
    assert ON_COMMAND_LINE[word] in said
    assert run("info", model, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["holds"] == ON_COMMAND_LINE[word]
    assert found["fitted"]
    assert found["n_features"] == 6
    assert found["parameters"].keys() == aecore.load(model).get_params(deep=False).keys()
    for name in FAST[word]:
        assert f"{name} = " in said
        assert name in found["changed"]


@pytest.mark.parametrize("word", WORDS)
def test_an_estimator_that_is_not_fitted(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    getattr(aecore, ON_COMMAND_LINE[word])().save(tmp_path / "m")
    assert run("info", tmp_path / "m") == 0
    assert "not fitted" in capsys.readouterr().out
    assert run("info", tmp_path / "m", "--json") == 0
    assert json.loads(capsys.readouterr().out)["fitted"] is False
    np.save(tmp_path / "rows.npy", ROWS)
    for command in ("encode", "predict", "score"):
        assert run(command, tmp_path / "m", tmp_path / "rows.npy", "-o", tmp_path / "x.npy") == 2
        assert not (tmp_path / "x.npy").exists()


@pytest.mark.parametrize("word", WORDS)
def test_settings_bring_it_back(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fit(word, tmp_path)
    assert run("info", model, "--config") == 0
    settings, again = tmp_path / "settings.toml", tmp_path / "again"
    settings.write_text(capsys.readouterr().out)
    labels = ["--labels", tmp_path / "labels.npy"] if word == "classifier" else []
    words = ["fit", tmp_path / "rows.npy", "-o", again, "--config", settings, "-q", *labels]
    assert run(*words) == 0
    np.testing.assert_array_equal(numbers(aecore.load(again)), numbers(aecore.load(model)))


@pytest.mark.parametrize("word", WORDS)
def test_the_summary_of_a_fit(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = fit(word, tmp_path, "--json")
    found = json.loads(capsys.readouterr().out)
    assert found["estimator"] == word
    assert found["n_rows"] == len(ROWS)
    assert found["output"] == str(model)


# What each command says, as the library says it; the others say in one sentence that they do not.
OF_AUTOENCODERS = {
    "encode": "transform",
    "reconstruct": "reconstruct",
    "score": "score_samples",
}
ANSWERS: dict[str, dict[str, str]] = {
    "autoencoder": OF_AUTOENCODERS,
    "sparse": OF_AUTOENCODERS,
    "denoising": OF_AUTOENCODERS,
    "conv": OF_AUTOENCODERS,
    "variational": OF_AUTOENCODERS,
    "classifier": {"encode": "transform", "predict": "predict", "predict --proba": "predict_proba"},
    "outlier-detector": {
        "predict": "predict",
        "predict --proba": "odd_probability",
        "score": "score_samples",
    },
    "clustering": {
        "encode": "transform",
        "predict": "predict",
        "predict --proba": "soft_assignment",
    },
    "recommender": {},
    "ease": {},
}


@pytest.mark.parametrize("word", WORDS)
def test_answers_are_the_librarys(word: str, tmp_path: Path) -> None:
    model, out = fit(word, tmp_path), tmp_path / "out.npy"
    for command, method in ANSWERS[word].items():
        assert run(*command.split(), model, tmp_path / "rows.npy", "-o", out, "-q") == 0
        expected = getattr(fitted(word), method)(ROWS)
        found = np.load(out)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.reshape(expected.shape), expected)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("command", ["encode", "reconstruct", "predict", "score"])
def test_commands_that_mean_nothing_say_which_do(
    word: str, command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if command in ANSWERS[word] or (command == "score" and "predict" in ANSWERS[word]):
        return
    model, out = fit(word, tmp_path), tmp_path / "out.npy"
    said = refusal(capsys, command, model, tmp_path / "rows.npy", "-o", out)
    assert f"{ON_COMMAND_LINE[word]}, which is for aecore" in said
    assert not out.exists()


def test_scores_of_a_classifier_and_clusters(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, labels = tmp_path / "rows.npy", tmp_path / "labels.npy"
    clf, out = fit("classifier", tmp_path), tmp_path / "out.npy"
    assert run("score", clf, rows, "--labels", labels, "-o", out, "--json") == 0
    expected = fitted("classifier")
    log_p = expected.predict_log_proba(ROWS)[np.arange(40), NUMBERS]
    np.testing.assert_array_equal(np.load(out).ravel(), log_p)
    found = json.loads(capsys.readouterr().out)
    assert found["accuracy"] == expected.score(ROWS, NUMBERS)
    assert found["mean_score"] == pytest.approx(log_p.mean(dtype=np.float64))
    assert run("score", clf, rows) == 2
    assert "--labels must be given" in capsys.readouterr().err
    for n_labels in (39, 41):
        np.save(tmp_path / "others.npy", np.resize(NUMBERS, n_labels))
        other = tmp_path / f"{n_labels}.npy"
        said = refusal(capsys, "score", clf, rows, "--labels", tmp_path / "others.npy", "-o", other)
        assert "--labels must give a label for each row" in said
        assert not other.exists()
    np.save(tmp_path / "others.npy", NUMBERS + 1)
    assert run("score", clf, rows, "--labels", tmp_path / "others.npy") == 2
    assert "--labels must hold classes of the model" in capsys.readouterr().err

    clusters = fit("clustering", tmp_path)
    assert run("score", clusters, rows, "--labels", labels, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found == {"rows": 40, **fitted("clustering").evaluate(ROWS, NUMBERS)}
    assert run("score", clusters, rows, "-o", out) == 2
