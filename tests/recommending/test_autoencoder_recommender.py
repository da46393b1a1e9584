"""AutoencoderRecommender: what it trains, against an Autoencoder on dense rows; what it says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_matrix, csr_array
from sklearn.base import clone

from aecore import Autoencoder, AutoencoderRecommender, metrics
from samples import may_learn_nothing

FAST: dict[str, Any] = {"n_epochs": 4, "batch_size": 16, "random_state": 0}
RNG = np.random.default_rng(0)
COUNTS = (RNG.random((50, 20)) < 0.25) * RNG.integers(1, 4, (50, 20)).astype(np.float32)
COUNTS[7] = 0
STARS = (RNG.random((50, 20)) < 0.4) * RNG.integers(1, 6, (50, 20)).astype(np.float32)
STARS[9], STARS[:, 3] = 0, 0


def blocks_of_tastes(n_users: int = 300, n_items: int = 40) -> csr_array:
    """User i likes the items of kind i % 4, and takes half of them."""
    rng = np.random.default_rng(1)
    same = np.arange(n_users)[:, None] % 4 == np.arange(n_items) % 4
    return csr_array((same & (rng.random((n_users, n_items)) < 0.5)).astype(np.float32))


def unit(X: NDArray[Any]) -> NDArray[Any]:
    lengths = np.linalg.norm(X, axis=1, keepdims=True)
    return X / np.where(lengths > 0, lengths, 1)


@pytest.mark.parametrize("dropout", [0.0, 0.4])
def test_counts_are_learned_as_by_an_autoencoder(dropout: float) -> None:
    model = AutoencoderRecommender((6, 3), input_dropout=dropout, dtype="float64", **FAST)
    model.fit(csr_array(COUNTS))
    X = unit(COUNTS.astype(np.float64))
    dense = Autoencoder(
        (6, 3),
        activation="tanh",
        output_activation="softmax",
        loss="multinomial",
        noise="masking",
        noise_level=dropout,
        dtype="float64",
        **FAST,
    ).fit(X / (1 - dropout), target=COUNTS)
    np.testing.assert_allclose(model.network_.parameters, dense.network_.parameters, atol=1e-9)
    assert model.history_["loss"] == pytest.approx(dense.history_["loss"], rel=1e-9)
    probabilities = dense.network_.reconstruct(X)
    ids, scores = model.recommend(COUNTS, 20, filter_seen=False)
    given = COUNTS.any(axis=1)
    logs = np.log(np.take_along_axis(probabilities, ids.astype(int), axis=1))[given]
    differences = (scores[given] - scores[given][:, :1]) - (logs - logs[:, :1])
    np.testing.assert_allclose(differences, 0, atol=1e-5)


def means(rows: NDArray[Any], mean: float) -> NDArray[Any]:
    return ((rows.sum(axis=1) + 5 * mean) / ((rows != 0).sum(axis=1) + 5))[:, None]


@pytest.mark.parametrize("orientation", ["user", "item"])
def test_ratings_are_learned_as_by_an_autoencoder(orientation: str) -> None:
    model = AutoencoderRecommender(
        (5,),
        feedback="explicit",
        orientation=orientation,
        activation="sigmoid",
        input_dropout=0.0,
        weight_decay=0.01,
        dtype="float64",
        **FAST,
    ).fit(csr_array(STARS))
    rows = (STARS if orientation == "user" else STARS.T).astype(np.float64)
    middle = means(rows, rows[rows != 0].mean())
    X = np.where(rows != 0, rows - middle, 0.0)
    dense = Autoencoder(
        (5,), activation="sigmoid", weight_decay=0.01, missing="mask", dtype="float64", **FAST
    ).fit(X, target=np.where(rows != 0, X, np.nan))
    np.testing.assert_allclose(model.network_.parameters, dense.network_.parameters, atol=1e-9)
    expected = dense.network_.reconstruct(X) + middle
    expected = expected if orientation == "user" else expected.T
    at = csr_array(RNG.random(STARS.shape) < 0.3)
    predicted = model.predict(csr_array(STARS), at)
    shown = np.repeat(STARS.any(axis=1), np.diff(at.indptr))
    wanted = np.clip(expected, 1, 5)[at.nonzero()]
    np.testing.assert_allclose(predicted.data[shown], wanted[shown], atol=1e-9)
    ids, scores = model.recommend(STARS, 20, filter_seen=False)
    np.testing.assert_allclose(
        scores[0], np.take_along_axis(expected, ids.astype(int), axis=1)[0], atol=1e-5
    )


def test_tastes_are_found() -> None:
    rows = blocks_of_tastes()
    model = AutoencoderRecommender((8,), n_epochs=60, batch_size=50, random_state=0)
    model.fit(rows[:200])
    dense = rows[200:].toarray()
    fed = csr_array(np.where(np.arange(40) < 20, dense, 0))
    relevant = csr_array(np.where(np.arange(40) >= 20, dense, 0))
    ids, _ = model.recommend(fed, 5)
    assert (ids[:, :2] % 4 == np.arange(100)[:, None] % 4).mean() > 0.95
    places = model.rank(fed, relevant)
    first = metrics.recall_at_k(ids, relevant, per_row=True)
    hits = np.array(
        [((row > 0) & (row <= 5)).sum() for row in np.split(places.data, places.indptr[1:-1])]
    )
    known = np.diff(relevant.indptr) > 0
    np.testing.assert_allclose(
        first[known], (hits / np.maximum(np.diff(relevant.indptr), 1))[known]
    )
    neighbours, cosines = model.similar_items([0, 5], 5)
    assert (neighbours % 4 == [[0], [1]]).mean() > 0.8
    assert (np.abs(cosines) <= 1 + 1e-6).all()
    users, _ = model.similar_users(rows[:3], rows[:200], 1)
    np.testing.assert_array_equal(users[:, 0], [0, 1, 2])


def test_known_and_new_users_alone_and_together(n_threads: int) -> None:
    model = AutoencoderRecommender((4,), n_threads=n_threads, **FAST).fit(csr_array(COUNTS))
    ids, scores = model.recommend(csr_array(COUNTS), 6)
    one = AutoencoderRecommender((4,), n_threads=1, **FAST).fit(COUNTS)
    for row in (0, 20, 49):
        for got, wanted in zip(one.recommend(COUNTS[row], 6), (ids[row], scores[row]), strict=True):
            np.testing.assert_array_equal(got[0], wanted)


@pytest.mark.parametrize(
    "form", [np.asarray, coo_array, csc_matrix, lambda X: csr_array(X).astype("i8")]
)
@pytest.mark.parametrize("orientation", ["user", "item"])
def test_forms_of_the_matrix(form: Callable[[Any], Any], orientation: str) -> None:
    settings = {"feedback": "explicit", "orientation": orientation, **FAST}
    expected = AutoencoderRecommender((4,), **settings).fit(csr_array(STARS))
    given = form(STARS)
    model = AutoencoderRecommender((4,), **settings).fit(given)
    np.testing.assert_array_equal(model.network_.parameters, expected.network_.parameters)
    for got, wanted in zip(
        model.recommend(given), expected.recommend(csr_array(STARS)), strict=True
    ):
        np.testing.assert_array_equal(got, wanted)


@may_learn_nothing
def test_duplicates_are_summed_and_the_matrix_stays() -> None:
    indptr, indices = np.array([0, 3, 4]), np.array([2, 0, 2, 1])
    twice = csr_array((np.ones(4), indices, indptr), shape=(2, 3))
    once = csr_array(twice.toarray())
    one = AutoencoderRecommender((2,), **FAST).fit(once)
    other = AutoencoderRecommender((2,), **FAST).fit(twice)
    np.testing.assert_array_equal(one.network_.parameters, other.network_.parameters)
    np.testing.assert_array_equal(one.recommend(once)[0], other.recommend(twice)[0])
    np.testing.assert_array_equal(twice.indices, [2, 0, 2, 1])
    np.testing.assert_array_equal(twice.data, 1)


def test_a_user_without_history_gets_what_is_popular() -> None:
    model = AutoencoderRecommender((4,), **FAST).fit(COUNTS)
    ids, scores = model.recommend(COUNTS[7], 3)
    users = (COUNTS != 0).sum(axis=0)
    np.testing.assert_array_equal(ids[0], np.argsort(-users, kind="stable")[:3])
    np.testing.assert_array_equal(scores[0], users[ids[0]])


BAD: dict[str, tuple[dict[str, Any], Any, str]] = {
    "negative": ({}, -COUNTS, "must be"),
    "orientation": ({"orientation": "item"}, COUNTS, "orientation must be 'user' with feedback"),
    "feedback": ({"feedback": "none"}, COUNTS, "feedback must be one of 'implicit', 'explicit'"),
    "dropout": ({"input_dropout": 1.0}, COUNTS, "input_dropout must be a number in"),
    "no ratings": ({"feedback": "explicit"}, 0 * COUNTS, "at least one rating"),
    "nan": ({}, csr_array(COUNTS * np.nan), "user_items must hold finite numbers"),
}


@pytest.mark.parametrize(("settings", "rows", "message"), BAD.values(), ids=BAD)
def test_bad_values(settings: dict[str, Any], rows: Any, message: str) -> None:
    model = AutoencoderRecommender((4,), **settings, **FAST)
    with pytest.raises(ValueError, match=message):
        model.fit(rows)
    assert not hasattr(model, "network_")


def test_strangers_of_a_model_of_columns() -> None:
    model = AutoencoderRecommender((4,), feedback="explicit", orientation="item", **FAST)
    model.fit(STARS)
    with pytest.raises(ValueError, match="must have the 50 users of fit with orientation 'item'"):
        model.recommend(STARS[:3])
    with pytest.raises(ValueError, match="orientation must be 'user' for similar_users"):
        model.similar_users(STARS, STARS)
    assert model.item_factors_.shape == (20, 4)


def test_clone() -> None:
    model = AutoencoderRecommender((3, 2), weight_decay=0.1).fit(COUNTS)
    again = clone(model)
    assert again.get_params() == model.get_params()
    assert not hasattr(again, "network_")


@pytest.mark.parametrize("orientation", [None, "user", "item"])
def test_answers_are_of_what_was_learned(orientation: str | None) -> None:
    ratings: dict[str, Any] = {"feedback": "explicit", "orientation": orientation}
    rows = csr_array((np.random.default_rng(0).random((12, 8)) < 0.5) * 3.0)
    model = AutoencoderRecommender((3,), **FAST, **(ratings if orientation else {})).fit(rows)
    expected = model.recommend(rows, 3), model.predict(rows, rows), model.similar_items([0, 5])
    for feedback in ("implicit", "explicit"):
        model.set_params(feedback=feedback, orientation="user")  # for the next fit
        found = model.recommend(rows, 3), model.predict(rows, rows), model.similar_items([0, 5])
        np.testing.assert_equal(found[0], expected[0])
        np.testing.assert_equal(found[1].toarray(), expected[1].toarray())
        np.testing.assert_equal(found[2], expected[2])
