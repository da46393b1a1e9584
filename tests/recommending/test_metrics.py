"""Metrics of rankings against cases worked by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.sparse import coo_array, csr_array

from aecore import metrics

# Rows: all 3 relevant items; none of 1; nothing relevant; 1 of 1 at place 2, padded.
IDS = np.array([[4, 0, 2], [1, 2, 3], [0, 1, 2], [3, 1, -1]], np.int32)
RELEVANT = csr_array(
    np.array([[1, 0, 5, 0, 1, 0], [0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0], [0, 1, 0, 0, 0, 0]])
)
LOG2_3 = np.log2(3)
CASES: dict[str, tuple[Any, dict[int, list[float]]]] = {
    "recall": (metrics.recall_at_k, {3: [1, 0, 1], 2: [2 / 3, 0, 1], 1: [1 / 3, 0, 0]}),
    "truncated": (
        lambda *a, **b: metrics.recall_at_k(*a, truncate=True, **b),
        {2: [1, 0, 1], 1: [1, 0, 0]},
    ),
    "ndcg": (metrics.ndcg_at_k, {3: [1, 0, 1 / LOG2_3], 1: [1, 0, 0]}),
    "hit rate": (metrics.hit_rate_at_k, {3: [1, 0, 1], 1: [1, 0, 0]}),
    "map": (metrics.map_at_k, {3: [1, 0, 1 / 2], 1: [1, 0, 0]}),
}


@pytest.mark.parametrize(("metric", "cases"), CASES.values(), ids=CASES)
def test_cases_worked_by_hand(metric: Any, cases: dict[int, list[float]]) -> None:
    for k, expected in cases.items():
        rows = metric(IDS, RELEVANT, k, per_row=True)
        np.testing.assert_allclose(rows, [*expected[:2], np.nan, expected[2]], rtol=1e-15)
        assert metric(IDS, RELEVANT, k) == pytest.approx(np.mean(expected), rel=1e-15)
    assert metric(IDS, RELEVANT) == metric(IDS, RELEVANT, 3) or 3 not in cases


def test_hits_with_gaps() -> None:
    ids, relevant = [[7, 1, 8, 3]], np.zeros((1, 9))
    relevant[0, [1, 3, 5]] = 1
    dcg = 1 / LOG2_3 + 1 / np.log2(5)
    assert metrics.ndcg_at_k(ids, relevant) == pytest.approx(dcg / (1 + 1 / LOG2_3 + 1 / 2))
    assert metrics.ndcg_at_k(ids, relevant, 2) == pytest.approx((1 / LOG2_3) / (1 + 1 / LOG2_3))
    assert metrics.map_at_k(ids, relevant) == pytest.approx((1 / 2 + 2 / 4) / 3)
    assert metrics.map_at_k(ids, relevant, 2) == pytest.approx((1 / 2) / 2)


def test_coverage() -> None:
    assert metrics.coverage_at_k(IDS, 10) == 5 / 10
    assert metrics.coverage_at_k(IDS, 10, 1) == 4 / 10


@pytest.mark.parametrize("metric", [metrics.recall_at_k, metrics.ndcg_at_k, metrics.map_at_k])
def test_nothing_relevant_at_all(metric: Any) -> None:
    assert np.isnan(metric(IDS, csr_array((4, 6))))


def test_zeros_are_not_relevant_and_twice_is_once() -> None:
    relevant = coo_array(([1, 0, 1, 1], ([0, 0, 0, 0], [0, 1, 2, 2])), shape=(1, 3))
    assert metrics.recall_at_k([[0, 1]], relevant) == 1 / 2


@pytest.mark.parametrize("name", ["recall_at_k", "ndcg_at_k", "hit_rate_at_k", "map_at_k"])
@pytest.mark.parametrize("dtype", [np.int64, np.uint8])
def test_an_item_that_comes_again_counts_once(name: str, dtype: Any) -> None:
    metric, relevant = getattr(metrics, name), np.array([[0, 1, 1, 0]])
    again = np.array([[1, 1, 0, 1, 2]], dtype)
    assert metric(again, relevant) == metric([[1, -1, 0, -1, 2]], relevant)
    assert metric(again, relevant, 2) == metric([[1, -1]], relevant)


def test_relevance_that_would_wrap_around() -> None:
    ones, items = np.ones(256, np.uint8), np.ones(256, int)  # their sum is 0 in 8 bits
    for log in (
        coo_array((ones, (np.zeros(256, int), items)), shape=(1, 2)),
        csr_array((ones, items, [0, 256]), shape=(1, 2)),
    ):
        assert metrics.recall_at_k([[1]], log) == 1


BAD: dict[str, tuple[Any, Any, Any, type[Exception], str]] = {
    "k": (IDS, RELEVANT, 4, ValueError, "k must be None or an integer from 1 to 3"),
    "zero": (IDS, RELEVANT, 0, ValueError, "k must be None or an integer from 1 to 3"),
    "item": ([[6]] * 4, RELEVANT, 1, ValueError, r"ids must lie in \[-1, 6\); got 6"),
    "rows": (
        IDS[:3],
        RELEVANT,
        1,
        ValueError,
        r"ids must have as many rows as relevant \(4\); got 3",
    ),
    "kind": (IDS * 1.0, RELEVANT, 1, TypeError, "ids must hold integers; got dtype float64"),
    "shape": ([1, 2], RELEVANT, 1, ValueError, r"ids must be 2-D"),
    "nan": (IDS, RELEVANT * np.nan, 1, ValueError, "relevant must hold finite numbers"),
}


@pytest.mark.parametrize(("ids", "relevant", "k", "error", "message"), BAD.values(), ids=BAD)
def test_bad_input(ids: Any, relevant: Any, k: Any, error: Any, message: str) -> None:
    with pytest.raises(error, match=message):
        metrics.recall_at_k(ids, relevant, k)
