"""The oracle of clusters: its formulas on small numbers, its gradient by central differences."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from aecore import reference
from differences import Vector, central_differences


def test_soft_assignment_by_hand() -> None:
    q = reference.soft_assignment([[0.0, 0.0], [1.0, 2.0]], [[0.0, 1.0], [2.0, 2.0]])
    np.testing.assert_allclose(q, [[9 / 11, 2 / 11], [2 / 5, 3 / 5]], rtol=1e-14)


def test_target_distribution_by_hand() -> None:
    q = np.array([[0.5, 0.5], [0.25, 0.75]])
    # f = (3/4, 5/4): rows (1/3, 1/5) and (1/12, 9/20) before they are made to sum to 1
    expected = [[5 / 8, 3 / 8], [5 / 32, 27 / 32]]
    np.testing.assert_allclose(reference.target_distribution(q), expected, rtol=1e-14)
    np.testing.assert_array_equal(reference.target_distribution([[1.0, 0.0]]), [[1.0, 0.0]])


def test_loss_by_hand() -> None:
    # One row z = 0 with centres 1 and 2: q = (1/2, 1/5) / (7/10)
    settings: dict[str, Any] = {"code_layer": 0, "n_clusters": 2, "clustering_weight": 3.0}
    parameters = [1.0, 0.0, 1.0, 2.0]  # z = x
    terms = reference.objective_terms(
        [1, 1], ["identity"], parameters, [[0.0]], target_distribution=[[1.0, 0.0]], **settings
    )
    assert terms.clustering == pytest.approx(3.0 * math.log(7 / 5))
    assert sum(terms) == terms.clustering


@pytest.mark.parametrize("penalties", [False, True], ids=["plain", "penalties"])
@pytest.mark.parametrize(
    ("sizes", "activations", "code"),
    [
        ([5, 4, 3], ["tanh", "identity"], 1),
        ([5, 3], ["sigmoid"], 0),
        ([5, 4, 2, 4, 5], ["tanh", "identity", "silu", "sigmoid"], 1),
    ],
    ids=["encoder", "one layer", "with decoder"],
)
def test_gradient(sizes: list[int], activations: list[str], code: int, penalties: bool) -> None:
    rng = np.random.default_rng(len(sizes))
    n_clusters, n_rows = 3, 7
    shapes = [(n_in + 1) * n_out for n_in, n_out in pairwise(sizes)]
    n_parameters = sum(shapes) + n_clusters * sizes[code + 1]
    settings: dict[str, Any] = {
        "code_layer": code,
        "n_clusters": n_clusters,
        "clustering_weight": 0.7,
        "target_distribution": rng.dirichlet([0.3] * n_clusters, n_rows),
    }
    if penalties:
        settings |= {"weight_decay": 0.3, "sample_weight": rng.uniform(0.0, 2.0, n_rows)}
    X = rng.uniform(0.05, 0.95, (n_rows, 5))
    parameters = rng.normal(size=n_parameters)
    value, gradient = reference.objective_and_gradient(
        sizes, activations, parameters, X, **settings
    )
    assert value > 0

    def objective(at: Vector) -> float:
        return reference.objective(sizes, activations, at, X, **settings)

    np.testing.assert_allclose(gradient, central_differences(objective, parameters), atol=1e-8)


def test_shape_of_the_target() -> None:
    with pytest.raises(ValueError, match=r"target_distribution must have shape \(1, 2\); got"):
        reference.objective(
            [1, 1],
            ["identity"],
            [1.0, 0.0, 1.0, 2.0],
            [[0.0]],
            code_layer=0,
            n_clusters=2,
            target_distribution=[[1.0]],
        )
