"""Recommenders in files: fitted to ratings or a matrix, asked by the names of their items."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import aecore
from commands import refusal, run

USERS = np.repeat([f"u{i}" for i in range(12)], 5)
ITEMS = np.array([f"i{(7 * i + j * j) % 11}" for i in range(12) for j in range(5)])
STARS = np.arange(60) % 5 + 1


@pytest.fixture
def ratings(tmp_path: Path) -> Path:
    frame = pd.DataFrame({"who": USERS, "what": ITEMS, "stars": STARS})
    frame.to_csv(tmp_path / "ratings.csv", index=False)
    return tmp_path / "ratings.csv"


@pytest.mark.filterwarnings("default")
def test_a_model_of_ratings_knows_its_items(
    ratings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = ratings.with_name("model")
    words = ["fit", ratings, "-o", model, "--estimator", "ease", "--ratings", "-q"]
    assert run(*words, "--weight-decay", "2", "--at-least", "3") == 0
    counts = STARS >= 3
    known = aecore.Interactions.from_columns(USERS[counts], ITEMS[counts])
    expected = aecore.EASE(2.0).fit(known.matrix)
    learned = aecore.load(model)
    np.testing.assert_array_equal(learned.item_weights_, expected.item_weights_)
    assert list(learned.feature_names_in_) == list(known.items)

    # Other users, other columns, and an item that the model has never seen.
    new = pd.DataFrame({"item": ["i4", "i0", "i99"], "user": ["zoe", "zoe", "zoe"]})
    new.to_csv(ratings, index=False)
    words = ["recommend", "--model", model, "--ratings", ratings, "--columns", "user,item"]
    assert run(*words, "--user", "zoe", "-n", "3", "--json") == 0
    said = capsys.readouterr()
    assert said.err == f"aecore recommend: warning: {model} does not know 1 of the items\n"
    found = json.loads(said.out)["recommendations"]
    had = np.isin(known.items, ["i0", "i4"]).astype(float)[np.newaxis]
    ids, scores = expected.recommend(had, 3)
    assert [each["user"] for each in found] == ["zoe"]
    assert [each["item"] for each in found[0]["items"]] == list(known.items[ids[0]])
    assert [each["score"] for each in found[0]["items"]] == scores[0].tolist()


def test_a_refit_forgets_the_names(ratings: Path) -> None:
    model = ratings.with_name("model")
    assert run("fit", ratings, "-o", model, "--estimator", "ease", "--ratings", "-q") == 0
    learned = aecore.load(model)
    assert not hasattr(learned.fit(np.eye(3)), "feature_names_in_")


@pytest.mark.parametrize("named", [True, False])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_a_matrix(named: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    X = (np.random.default_rng(0).random((20, 5)) < 0.4) * 1.0
    rows, model = tmp_path / ("x.csv" if named else "x.npy"), tmp_path / "model"
    names = ["tea", "cup", "pot", "milk", "sugar"] if named else list("01234")
    if named:
        pd.DataFrame(X, columns=names).to_csv(rows, index=False)
    else:
        np.save(rows, X)
    words = ["--n-epochs", "2", "--random-state", "0", "-q"]
    assert run("fit", rows, "-o", model, "--estimator", "recommender", *words) == 0
    assert run("recommend", "--model", model, "--matrix", rows, "-n", "2", "--user", "3") == 0
    said = capsys.readouterr().out
    ids, scores = (
        aecore.AutoencoderRecommender(n_epochs=2, random_state=0).fit(X).recommend(X[3], 2)
    )
    lines = [f"{names[item]}\t{score:.4g}" for item, score in zip(ids[0], scores[0], strict=True)]
    assert said.splitlines() == lines


def test_everybody_without_a_name(ratings: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("recommend", "--ratings", ratings, "-n", "1", "--json") == 0
    found = json.loads(capsys.readouterr().out)["recommendations"]
    assert [each["user"] for each in found] == sorted(set(USERS))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "one of --ratings and --matrix must be given"),
        (["--ratings", "R", "--matrix", "R"], "one of --ratings and --matrix must be given"),
        (["--ratings", "R", "--model", "none"], "--model must be one of ease, autoencoder, or a"),
        (["--ratings", "R", "--model", "AE"], "must hold a recommender; got an Autoencoder"),
        (["--ratings", "R", "--model", "EASE"], "knows its 3 items by number alone"),
    ],
)
def test_what_cannot_be_recommended(
    words: list[str], message: str, ratings: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    files = {"R": ratings, "AE": ratings.with_name("ae"), "EASE": ratings.with_name("ease")}
    aecore.Autoencoder().save(files["AE"])
    aecore.EASE().fit(np.eye(3)).save(files["EASE"])
    said = refusal(capsys, "recommend", *[files.get(word, word) for word in words])
    assert message in said
