"""The core's rankings of rows of scores against NumPy's sort."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array, random_array

from aecore import _core


def oracle(scores: NDArray[Any], n: int, closed: NDArray[np.bool_]) -> tuple[Any, Any]:
    """Sort every row whole, by score and then by column."""
    ids = np.full((len(scores), n), -1, np.int32)
    values = np.full((len(scores), n), -np.inf, np.float32)
    for row, (given, shut) in enumerate(zip(scores, closed, strict=True)):
        there = np.flatnonzero(~shut & (given > -np.inf))
        best = there[np.lexsort((there, -given[there]))][:n]
        ids[row, : len(best)] = best
        values[row, : len(best)] = given[best]
    return ids, values


def top_n(scores: NDArray[Any], n: int, **excluded: Any) -> tuple[Any, Any]:
    ids = np.empty((len(scores), n), np.int32)
    values = np.empty((len(scores), n), np.float32)
    _core.top_n(scores, ids, values, **excluded)
    return ids, values


def random_scores(kind: str, shape: tuple[int, int], dtype: Any) -> NDArray[Any]:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=shape).astype(dtype)
    if kind == "ties":
        return np.round(scores)
    if kind == "rising":  # every score passes the threshold
        return np.sort(scores, axis=1)
    if kind == "not finite":
        scores[rng.random(shape) < 0.3] = np.nan
        scores[rng.random(shape) < 0.3] = -np.inf
        scores[rng.random(shape) < 0.1] = np.inf
    return scores


def random_rows(shape: tuple[int, int], density: float, index: Any) -> csr_array:
    rows = csr_array(random_array(shape, density=density, rng=np.random.default_rng(1)))
    # Each index comes twice, and unsorted: neither matters for what is excluded.
    indices = np.concatenate(
        [np.tile(part[::-1], 2) for part in np.split(rows.indices, rows.indptr[1:-1])]
    )
    return csr_array(
        (np.ones(len(indices)), indices.astype(index), 2 * rows.indptr.astype(index)), shape
    )


@pytest.mark.parametrize("kind", ["plain", "ties", "rising", "not finite"])
@pytest.mark.parametrize(("dtype", "index"), [(np.float32, np.int32), (np.float64, np.int64)])
@pytest.mark.parametrize("shape", [(1, 1), (3, 31), (50, 32), (37, 1000)])
@pytest.mark.parametrize("n", [1, 10, 100])
def test_the_best_columns(
    kind: str, dtype: Any, index: Any, shape: tuple[int, int], n: int
) -> None:
    scores = random_scores(kind, shape, dtype)
    seen = random_rows(shape, 0.2, index)
    allowed = (np.random.default_rng(2).random(shape[1]) < 0.7).astype(np.uint8)
    row_closed = seen.toarray() != 0
    cases = [
        ({}, np.zeros(shape, bool)),
        ({"indptr": seen.indptr, "indices": seen.indices}, row_closed),
        (
            {"indptr": seen.indptr, "indices": seen.indices, "allowed": allowed},
            row_closed | (allowed == 0),
        ),
        ({"allowed": np.zeros_like(allowed)}, np.ones(shape, bool)),
    ]
    for excluded, closed in cases:
        for got, expected in zip(
            top_n(scores, n, **excluded), oracle(scores, n, closed), strict=True
        ):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.parametrize("kind", ["plain", "ties", "not finite"])
def test_places(kind: str, n_threads: int) -> None:
    shape = (40, 200)
    scores = random_scores(kind, shape, np.float32)
    seen, asked = random_rows(shape, 0.2, np.int32), random_rows(shape, 0.1, np.int64)
    out = np.empty(asked.nnz, np.int32)
    _core.places(
        scores,
        asked.indptr,
        asked.indices,
        out,
        indptr=seen.indptr,
        indices=seen.indices,
        n_threads=n_threads,
    )
    order, _ = oracle(scores, shape[1], seen.toarray() != 0)
    rows = np.repeat(np.arange(shape[0]), np.diff(asked.indptr))
    expected = [
        next((place for place, j in enumerate(order[i], 1) if j == column), 0)
        for i, column in zip(rows, asked.indices, strict=True)
    ]
    np.testing.assert_array_equal(out, expected)


def test_any_number_of_threads(n_threads: int) -> None:
    scores = random_scores("ties", (100, 500), np.float32)
    for got, expected in zip(
        top_n(scores, 20, n_threads=n_threads), top_n(scores, 20), strict=True
    ):
        np.testing.assert_array_equal(got, expected)


SCORES = np.zeros((2, 3), np.float32)
BAD: dict[str, tuple[dict[str, Any], str]] = {
    "negative": (
        {"indptr": [0, 1, 2], "indices": [0, -1]},
        r"indices must lie in \[0, 3\); got -1 in row 1",
    ),
    "too large": (
        {"indptr": [0, 1, 1], "indices": [3]},
        r"indices must lie in \[0, 3\); got 3 in row 0",
    ),
    "falling": ({"indptr": [0, 1, 0], "indices": [0]}, "indptr must rise from 0"),
    "too long": ({"indptr": [0, 1, 2], "indices": [0]}, "indptr must rise from 0"),
    "before": ({"indptr": [-1, 0, 0], "indices": [0]}, "indptr must rise from 0"),
    "short": ({"indptr": [0, 1], "indices": [0]}, "indptr must have 3 elements"),
    "alone": ({"indptr": [0, 0, 0]}, "must be given together"),
    "mask": ({"allowed": [1, 1]}, "allowed must have 3 elements"),
}


@pytest.mark.parametrize(("given", "message"), BAD.values(), ids=BAD)
def test_what_cannot_be_excluded(given: dict[str, Any], message: str) -> None:
    dtypes = {"indptr": np.int64, "indices": np.int32, "allowed": np.uint8}
    arrays = {name: np.asarray(value, dtypes[name]) for name, value in given.items()}
    with pytest.raises(ValueError, match=message):
        top_n(SCORES, 2, **arrays)


@pytest.mark.parametrize("column", [-1, 3])
def test_no_place_outside(column: int) -> None:
    indptr, indices = np.array([0, 1, 1]), np.array([column])
    with pytest.raises(ValueError, match=rf"indices must lie in \[0, 3\); got {column}"):
        _core.places(SCORES, indptr, indices, np.empty(1, np.int32))


def test_nothing_is_cast() -> None:
    with pytest.raises(ValueError, match="scores must be float32 or float64; got dtype int64"):
        top_n(np.zeros((2, 3), int), 2)
    with pytest.raises(ValueError, match="scores must be a C-contiguous array"):
        top_n(np.zeros((3, 2), np.float32).T, 2)
