"""EASE against a plain NumPy solve, and what every recommender does with its scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array, csc_matrix, csr_array, csr_matrix, lil_array

from aecore import EASE, ease
from aecore._recommending import base
from aecore._util import memory

DENSE = (np.random.default_rng(0).random((60, 25)) < 0.2).astype(np.float64)
DENSE[5] = 0  # a user without history
DENSE[:, 24] = 0  # an item that nobody had


def plain_solve(X: NDArray[np.float64], weight_decay: float) -> NDArray[np.float64]:
    """The formula of the paper."""
    P = np.linalg.inv(X.T @ X + weight_decay * np.eye(X.shape[1]))
    B = -P / np.diag(P)
    np.fill_diagonal(B, 0)
    return B


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 2e-5), ("float64", 1e-12)])
@pytest.mark.parametrize("block", [7, 1024])
def test_the_plain_solve(
    dtype: str, tolerance: float, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ease, "_BLOCK", block)
    model = EASE(3.0, dtype=dtype).fit(csr_array(DENSE))
    assert model.item_weights_.dtype == dtype
    np.testing.assert_allclose(model.item_weights_, plain_solve(DENSE, 3.0), atol=tolerance)


@pytest.mark.parametrize(
    "form",
    [np.asarray, csr_matrix, csc_matrix, coo_array, lil_array, lambda X: csr_array(X.astype(bool))],
)
def test_forms_of_the_matrix(form: Callable[[Any], Any]) -> None:
    expected = EASE(3.0).fit(csr_array(DENSE)).recommend(csr_array(DENSE))
    model = EASE(3.0).fit(form(DENSE))
    for got, wanted in zip(model.recommend(form(DENSE)), expected, strict=True):
        np.testing.assert_array_equal(got, wanted)


def recommended(model: EASE, n: int, closed: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Rank all items of all users by a sort."""
    scores = DENSE.astype(np.float32) @ model.item_weights_
    scores[~DENSE.any(axis=1)] = DENSE.sum(axis=0)
    ids = np.full((len(DENSE), n), -1, np.int32)
    for row, given in enumerate(scores):
        there = np.flatnonzero(~closed[row])
        best = there[np.lexsort((there, -given[there]))][:n]
        ids[row, : len(best)] = best
    return ids


SEEN = DENSE != 0
NO = np.zeros(25, bool)
FILTERS: dict[str, tuple[dict[str, Any], NDArray[np.bool_]]] = {
    "seen": ({}, SEEN),
    "nothing": ({"filter_seen": False}, SEEN & False),
    "items": ({"items": [1, 3, 3, 20]}, SEEN | ~np.isin(np.arange(25), [1, 3, 20])),
    "exclude": ({"exclude": np.arange(9)}, SEEN | (np.arange(25) < 9)),
    "by row": ({"exclude": csr_array(1 - DENSE[:, ::-1])}, SEEN | ~SEEN[:, ::-1]),
    "all": ({"items": [2, 4], "exclude": [4, 2]}, SEEN | True),
    "no items": ({"items": []}, SEEN | True),
}


@pytest.mark.parametrize(("given", "closed"), FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("n", [1, 40])
@pytest.mark.parametrize("block_scores", [1, 130, 2**24])
def test_recommend(
    given: dict[str, Any],
    closed: NDArray[np.bool_],
    n: int,
    block_scores: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(base, "_BLOCK_SCORES", block_scores)
    rows = csr_array(DENSE)
    before = rows.copy()
    model = EASE(3.0, n_threads=2).fit(rows)
    ids, scores = model.recommend(rows, n, **given)
    expected = recommended(model, n, closed)
    assert (ids.dtype, scores.dtype) == (np.int32, np.float32)
    np.testing.assert_array_equal(ids == -1, expected == -1)
    np.testing.assert_array_equal(ids == -1, np.isneginf(scores))
    assert (scores[:, 1:] <= scores[:, :-1]).all()
    # Sums in another order may swap items whose scores differ in the last bit.
    assert (ids == expected).mean() > 0.99
    places = model.rank(rows, csr_array(np.ones_like(DENSE)), **given).toarray()
    for row, column in zip(*np.nonzero(ids >= 0), strict=True):
        assert places[row, ids[row, column]] == column + 1
    assert (places == 0).sum() == closed.sum()
    for name in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(rows, name), getattr(before, name))


def test_a_user_without_history_gets_what_is_popular() -> None:
    model = EASE(3.0).fit(DENSE)
    ids, scores = model.recommend(np.zeros(25), n=3)
    np.testing.assert_array_equal(ids[0], np.argsort(-DENSE.sum(axis=0), kind="stable")[:3])
    np.testing.assert_array_equal(scores[0], np.sort(DENSE.sum(axis=0))[::-1][:3])


def test_zeros_that_are_stored_are_nothing() -> None:
    full = np.ones((60, 25))
    stored = csr_array(full)
    stored.data[:] = DENSE.ravel()
    model, other = EASE(3.0).fit(stored), EASE(3.0).fit(DENSE)
    np.testing.assert_array_equal(model.popularity_, DENSE.sum(axis=0))
    for got, wanted in zip(model.recommend(stored), other.recommend(DENSE), strict=True):
        np.testing.assert_array_equal(got, wanted)
    kept, _ = model.recommend(stored, exclude=csr_array(stored * 0))
    np.testing.assert_array_equal(kept, other.recommend(DENSE)[0])


def test_similar_items() -> None:
    model = EASE(3.0).fit(DENSE)
    ids, scores = model.similar_items([4, 7], n=30)
    for row, item in enumerate([4, 7]):
        assert ids[row, :24].tolist() == sorted(
            set(range(25)) - {item}, key=lambda j: (-model.item_weights_[item, j], j)
        )
        np.testing.assert_array_equal(scores[row, :24], model.item_weights_[item, ids[row, :24]])
    assert (ids[:, 24:] == -1).all()
    np.testing.assert_array_equal(model.similar_items(4, n=30)[0], ids[:1])


def test_what_does_not_fit_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ease, "available_memory", lambda: 2_000)
    message = r"EASE needs 2\.5 kB \(2500 bytes\) for 25 x 25 .* float32; 2\.0 kB are available"
    with pytest.raises(MemoryError, match=message):
        EASE().fit(DENSE)


def test_this_machine_has_memory() -> None:
    available = memory.available_memory()
    assert available is None or available > 10_000_000


BAD: dict[str, tuple[Callable[[EASE], Any], str]] = {
    "columns": (lambda m: m.recommend(DENSE[:, :3]), "user_items must have 25 columns"),
    "n": (lambda m: m.recommend(DENSE, 0), "n must be an integer"),
    "items": (lambda m: m.recommend(DENSE, items=[25]), r"items must lie in \[0, 25\); got 25"),
    "exclude": (lambda m: m.recommend(DENSE, exclude=[-1]), r"exclude must lie in \[0, 25\)"),
    "rows": (
        lambda m: m.recommend(DENSE, exclude=csr_array(DENSE[:3])),
        "exclude must have as many rows as user_items",
    ),
    "nan": (
        lambda m: m.recommend(csr_array(np.full((2, 25), np.nan))),
        "user_items must hold finite numbers; got nan at row 0, column 0",
    ),
    "held out": (lambda m: m.rank(DENSE, DENSE[:2]), "held_out must have as many rows"),
    "similar": (lambda m: m.similar_items([0, 25]), r"ids must lie in \[0, 25\); got 25"),
    "lambda": (lambda _: EASE(-1.0).fit(DENSE), "weight_decay must be a finite number >= 0"),
    "singular": (lambda _: EASE(0.0).fit(DENSE), "weight_decay must be larger: .* singular in"),
}


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_values(call: Callable[[EASE], Any], message: str) -> None:
    model = EASE(3.0).fit(DENSE)
    with pytest.raises(ValueError, match=message):
        call(model)


@pytest.mark.parametrize("kind", [csr_array, coo_array, csc_matrix])
@pytest.mark.parametrize("index", [-1, 25])
def test_indices_out_of_range(kind: Any, index: int) -> None:
    given = kind(DENSE)
    indices = given.coords[1] if kind is coo_array else given.indices
    limit = 60 if kind is csc_matrix else 25
    indices[3] = index if index < 0 else limit
    with pytest.raises(ValueError, match=rf"indices in \[0, {limit}\)"):
        EASE(3.0).fit(given)


def test_indptr_that_falls() -> None:
    given = csr_array(DENSE)
    given.indptr[3] = given.indptr[5] + 1
    with pytest.raises(ValueError, match="user_items must have an indptr that rises"):
        EASE(3.0).fit(given)


@pytest.mark.parametrize("values", [DENSE.astype(complex), DENSE.astype(str)])
def test_no_numbers(values: Any) -> None:
    with pytest.raises(TypeError, match="user_items must hold real numbers"):
        EASE().fit(values)
