"""`predict`, `score --explain`, `cluster`, `sample`: what the library says, with names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import aecore
from commands import FAST, NAMES, NUMBERS, ROWS, estimator, fit, fitted, options, run

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def read(path: Path) -> pd.DataFrame:
    """Read a table with every bit: the default of pandas 2 is one off now and then."""
    words = pd.read_csv(path, dtype=str)
    return words.apply(lambda column: column.map(float))


@pytest.fixture
def table(tmp_path: Path) -> Path:
    frame = pd.DataFrame(ROWS, columns=NAMES)
    frame.to_csv(tmp_path / "rows.csv", index=False)
    return tmp_path / "rows.csv"


def fit_table(word: str, table: Path) -> Path:
    model = table.with_name(word)
    assert run("fit", table, "-o", model, "--estimator", word, "-q", *options(FAST[word])) == 0
    return model


def test_reasons_of_odd_rows(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = fit_table("outlier-detector", table), table.with_name("out.csv")
    assert run("score", model, table, "-o", out, "--explain", "--json") == 0
    found, detector = read(out), aecore.load(model)
    assert list(found) == ["score", *NAMES]
    rows = read(table)
    np.testing.assert_array_equal(found["score"], detector.score_samples(rows))
    np.testing.assert_array_equal(found[NAMES], detector.feature_errors(rows))
    said = json.loads(capsys.readouterr().out)
    scores = detector.score_samples(rows)
    assert said["rows"] == 40
    assert said["odd"] == np.count_nonzero(detector.predict(rows) == -1)
    assert said["mean_score"] == pytest.approx(scores.mean())
    assert (said["lowest"], said["highest"]) == (scores.min(), scores.max())


def test_only_detectors_explain(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = fit("autoencoder", tmp_path)
    assert run("score", model, tmp_path / "rows.npy", "--explain") == 2
    assert "--explain is for an outlier detector; got an Autoencoder" in capsys.readouterr().err
    assert run("score", model, tmp_path / "rows.npy", "--labels", "kind") == 2
    assert "--labels is for a classifier or clusters" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("word", "names", "probabilities"),
    [
        ("outlier-detector", ["label"], ["odd_probability"]),
        ("clustering", ["cluster"], ["cluster0", "cluster1", "cluster2"]),
    ],
)
def test_names_of_labels(
    word: str, names: list[str], probabilities: list[str], table: Path
) -> None:
    model, out = fit_table(word, table), table.with_name("out.csv")
    for more, expected in (([], names), (["--proba"], probabilities)):
        assert run("predict", model, table, "-o", out, "-q", *more) == 0
        assert list(pd.read_csv(out)) == expected


def test_clusters_in_one_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    np.save(tmp_path / "rows.npy", ROWS)
    labels, model = tmp_path / "labels.csv", tmp_path / "model"
    words = ["cluster", tmp_path / "rows.npy", "-o", labels, "--model", model]
    assert run(*words, *options(FAST["clustering"])) == 0
    expected = fitted("clustering").labels_
    np.testing.assert_array_equal(pd.read_csv(labels)["cluster"], expected)
    np.testing.assert_array_equal(aecore.load(model).labels_, expected)
    assert "3 clusters, of " in capsys.readouterr().out
    assert run(*words, "--estimator", "ease") == 2
    assert "no option of cluster" in capsys.readouterr().err


def test_rows_that_are_drawn(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model, out = fit_table("variational", table), table.with_name("out.csv")
    assert run("sample", model, "-n", "7", "--seed", "3", "-o", out) == 0
    found = read(out)
    assert list(found) == NAMES
    expected = aecore.load(model).sample(7, random_state=3)
    np.testing.assert_array_equal(found.to_numpy(np.float32), expected)
    assert "7 rows written to" in capsys.readouterr().out
    assert run("sample", model, "-n", "0", "-o", out) == 2
    assert "n must be an integer from 1" in capsys.readouterr().err


@pytest.mark.parametrize("word", ["autoencoder", "conv", "ease"])
def test_others_draw_nothing(word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    model = fit(word, tmp_path)
    assert run("sample", model, "-o", tmp_path / "out.npy") == 2
    assert "must hold an estimator with a distribution as its code" in capsys.readouterr().err


def test_images_are_drawn_as_rows(tmp_path: Path) -> None:
    model, out = fit("conv", tmp_path, "--variational", "true"), tmp_path / "out.npy"
    assert run("sample", model, "-n", "2", "-o", out) == 0
    assert np.load(out).shape == (2, 6)


@pytest.mark.parametrize("kind", ["column", "file"])
@pytest.mark.parametrize("words", [True, False])
def test_labels(kind: str, words: bool, table: Path) -> None:
    frame = pd.read_csv(table)
    values: Any = np.array(["no", "yes"])[NUMBERS] if words else NUMBERS
    labels: object = "kind"
    if kind == "column":
        frame.insert(2, "kind", values)
        frame.to_csv(table, index=False)
    else:
        labels = table.with_name("labels.csv")
        pd.DataFrame({"kind": values}).to_csv(labels, index=False)
    model, out = table.with_name("m"), table.with_name("out.csv")
    settings = options(FAST["classifier"])
    base = ["fit", table, "-o", model, "--estimator", "classifier", "-q", "--labels", labels]
    validation = ["--validation", table] if kind == "column" else []
    assert run(*base, *settings, *validation) == 0
    expected = estimator("classifier").fit(frame[NAMES], values)
    learned = aecore.load(model)
    np.testing.assert_array_equal(learned.network_.parameters, expected.network_.parameters)
    assert list(learned.classes_) == list(np.unique(values))
    assert list(learned.feature_names_in_) == NAMES
    frame[NAMES].to_csv(table, index=False)
    assert run("predict", model, table, "-o", out, "-q") == 0
    np.testing.assert_array_equal(pd.read_csv(out)["label"], expected.predict(frame[NAMES]))


def test_columns_that_are_left_out(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    frame = pd.read_csv(table)
    frame.insert(0, "day", "2026-12-01")
    frame.insert(3, "city", "Rome")
    wide, model, out = (table.with_name(name) for name in ("wide.csv", "m", "out.npy"))
    frame.to_csv(wide, index=False)
    words = ["--estimator", "outlier-detector", "-q", *options(FAST["outlier-detector"])]
    left_out = ["--without", "day", "--without", "city"]
    assert run("fit", wide, "-o", model, *words) == 2
    assert "column 'day'" in capsys.readouterr().err
    assert run("fit", wide, "-o", model, *words, *left_out) == 0
    assert list(aecore.load(model).feature_names_in_) == NAMES
    for command in (["predict"], ["score"], ["score", "--explain"]):
        assert run(*command, model, wide, "-o", out, "-q", *left_out) == 0
        found = np.load(out)
        assert run(*command, model, table, "-o", out, "-q") == 0
        np.testing.assert_array_equal(np.load(out), found)
    assert run("fit", table, "-o", model, *words, "--without", "aa") == 2
    assert "must have the column aa; got a, b, c, d, e, f" in capsys.readouterr().err


def test_labels_that_are_not_there(table: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["fit", table, "-o", table.with_name("m"), "--estimator", "classifier"]
    assert run(*words, "--labels", "kind") == 2
    said = capsys.readouterr().err
    assert f"--labels must name a column of {table}, or a file of one column: " in said
    assert "must have the column kind; got a, b, c, d, e, f" in said
    np.save(table.with_name("y.npy"), NUMBERS)
    words += ["--labels", table.with_name("y.npy")]
    assert run(*words, "--validation", table) == 2  # labels of ROWS say nothing of other rows
    assert f"--labels must name a column of {table}: " in capsys.readouterr().err
    pd.DataFrame({"y": ["no", None] * 20}).to_csv(table.with_name("y.csv"), index=False)
    assert run(*words[:-2], "--labels", table.with_name("y.csv")) == 2
    assert "y.csv must have a label for each row; got '' in row 1" in capsys.readouterr().err
