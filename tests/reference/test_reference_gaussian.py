"""The oracle's Gaussian code: worked by hand, against central differences, and its numbers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats

from aecore import reference
from aecore.reference import Draw
from differences import central_differences
from terms import chosen, together

Vector = NDArray[np.float64]

SIZES, ACTIVATIONS = [5, 4, 3, 4, 5], ["tanh", "identity", "tanh", "sigmoid"]


def start(seed: int = 0) -> Vector:
    parameters = reference.initial_parameters(SIZES, ACTIVATIONS, seed=seed, gaussian_layer=1)
    return parameters + np.random.default_rng(seed).normal(0, 0.3, parameters.size)


def log_variance_block(parameters: Vector) -> slice:
    del parameters
    first = (5 * 4 + 4) + (4 * 3 + 3)
    return slice(first, first + 4 * 3 + 3)


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"beta": 0.3, "seed": 9, "epoch": 4, "rows": [7, 2, 2**33, 4, 5, 6]},
        {"free_bits": 0.3},
        {"weight_decay": 0.2, "weight_l1": 0.1, "dropout": 0.3, "sample_weight": range(1, 7)},
        {"noise": "masking", "noise_level": 0.3, "loss": "squared_error"},
        {"beta": 0.0},
    ],
)
def test_gradient(settings: dict[str, Any]) -> None:
    X = np.random.default_rng(1).random((6, 5))
    options = {"loss": "binary_cross_entropy", "gaussian_code": True, **settings}

    def objective(vector: Vector) -> float:
        return reference.objective(SIZES, ACTIVATIONS, vector, X, **options)

    parameters = start()
    value, gradient = reference.objective_and_gradient(SIZES, ACTIVATIONS, parameters, X, **options)
    assert value == objective(parameters)
    numeric = central_differences(objective, parameters)
    # A unit's free bits are a kink: none of these rows is near it.
    np.testing.assert_allclose(gradient, numeric, rtol=1e-6, atol=1e-8)
    assert np.abs(gradient[log_variance_block(parameters)]).max() > 1e-3


def test_terms_worked_by_hand() -> None:
    sizes, activations = [1, 1, 1], ["identity", "identity"]
    # mean = 2x + 1, log variance = ln 4, z = mean + 2 epsilon, x_hat = z
    parameters = [2.0, 1.0, 0.0, math.log(4), 1.0, 0.0]
    epsilon = float(reference.code_noise(1, Draw(3, 2, [8]), layer=0)[0, 0])
    settings: dict[str, Any] = {"gaussian_code": True, "seed": 3, "epoch": 2, "rows": [8]}
    terms = reference.objective_terms(sizes, activations, parameters, [[0.5]], **settings)
    assert terms.data == pytest.approx(0.5 * (2 + 2 * epsilon - 0.5) ** 2)
    assert terms.divergence == pytest.approx(0.5 * (4 + 4 - 1 - math.log(4)))
    low, high = (
        reference.objective_terms(
            sizes, activations, parameters, [[0.5]], **settings, beta=2.0, free_bits=free
        ).divergence
        for free in (0.1, 9.0)
    )
    assert low == pytest.approx(2 * terms.divergence)
    assert high == 18.0
    assert reference.encode(sizes, activations, parameters, [[0.5]], gaussian_code=True) == 2.0
    losses = reference.row_losses(sizes, activations, parameters, [[0.5]], gaussian_code=True)
    assert losses[0] == pytest.approx(0.5 * 1.5**2)  # at the mean
    mean, log_variance = reference.code_distribution(sizes, activations, parameters, [[0.5]])
    assert (mean, log_variance) == (2.0, math.log(4))


@pytest.mark.parametrize("v", [30.0, -30.0])
def test_log_variance_is_cut(v: float) -> None:
    parameters = [2.0, 1.0, 0.0, v, 1.0, 0.0]
    sizes, activations = [1, 1, 1], ["identity", "identity"]
    terms = reference.objective_terms(sizes, activations, parameters, [[0.0]], gaussian_code=True)
    cut = math.copysign(20, v)
    assert terms.divergence == pytest.approx(0.5 * (1 + math.exp(cut) - 1 - cut))
    _, gradient = reference.objective_and_gradient(
        sizes, activations, parameters, [[0.0]], gaussian_code=True
    )
    assert not gradient[2:4].any()


def test_noise_is_normal_and_depends_on_the_row_alone() -> None:
    rows = np.arange(4000)
    epsilon = reference.code_noise(5, Draw(1, 2, rows), layer=1)
    assert stats.kstest(epsilon.ravel(), "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(epsilon.T) - np.eye(5)).max() < 0.06
    part = reference.code_noise(5, Draw(1, 2, rows[[70, 3]]), layer=1)
    np.testing.assert_array_equal(part, epsilon[[70, 3]])
    wider = reference.code_noise(8, Draw(1, 2, rows), layer=1)
    np.testing.assert_array_equal(wider[:, :4], epsilon[:, :4])
    for other in (Draw(2, 2, rows), Draw(1, 3, rows)):
        assert np.abs(reference.code_noise(5, other, layer=1) - epsilon).max() > 1
    assert np.abs(reference.code_noise(5, Draw(1, 2, rows), layer=0) - epsilon).max() > 1


@pytest.mark.parametrize(
    "settings", [*(together(name) for name in chosen(on="code")), {"code_top_k": 1}], ids=str
)
def test_penalties_on_a_code_that_is_not_drawn(settings: dict[str, Any]) -> None:
    name = next(iter(settings))
    with pytest.raises(ValueError, match=f"{name} must be of no effect .* with a Gaussian code"):
        reference.objective(
            SIZES, ACTIVATIONS, start(), np.zeros((1, 5)), gaussian_code=True, **settings
        )


def test_tied_weights() -> None:
    with pytest.raises(ValueError, match="tied_weights must be False with a Gaussian layer"):
        reference.unpack(SIZES, start(), tied_weights=True, gaussian_layer=1)
