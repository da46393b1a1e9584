"""The oracle's gradient for every activation and loss, against central differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import reference
from differences import away_from_kinks, check_gradient
from terms import CODE, WEIGHTS, together

OUTPUTS = [name for name in reference.ACTIVATIONS if name != "softmax"]
HIDDEN = {1: [4], 2: [5, 3], 3: [4, 2, 3]}
N_SAMPLES, N_FEATURES = 7, 5

PAIRS = [
    *((output, loss) for output in OUTPUTS for loss in reference.LOSSES if loss != "multinomial"),
    ("softmax", "multinomial"),
]


def penalties_for(hidden: str, n_hidden: int, rng: np.random.Generator) -> dict[str, Any]:
    options: dict[str, Any] = {
        **together(*WEIGHTS, *CODE),
        "sample_weight": rng.uniform(0.0, 2.0, N_SAMPLES),
    }
    if hidden in ("sigmoid", "tanh"):
        options |= {"sparsity_weight": 0.7, "sparsity_target": 0.1}
        options |= {"sparsity_layers": range(n_hidden)}
    return options


def check(hidden: str, output: str, loss: str, n_hidden: int, penalties: bool) -> None:
    sizes = [N_FEATURES, *HIDDEN[n_hidden], N_FEATURES]
    activations = [hidden] * n_hidden + [output]
    rng = np.random.default_rng([n_hidden, *hidden.encode(), *output.encode()])
    X = rng.uniform(0.05, 0.95, (N_SAMPLES, N_FEATURES))
    parameters = away_from_kinks(sizes, activations, loss, X, rng)
    options = penalties_for(hidden, n_hidden, rng) if penalties else {}
    check_gradient(sizes, activations, parameters, X, loss=loss, **options)


@pytest.mark.parametrize("penalties", [False, True], ids=["plain", "penalties"])
@pytest.mark.parametrize(("output", "loss"), PAIRS)
def test_every_output_and_loss(output: str, loss: str, penalties: bool) -> None:
    check("tanh", output, loss, 1, penalties)


@pytest.mark.parametrize("penalties", [False, True], ids=["plain", "penalties"])
@pytest.mark.parametrize("hidden", OUTPUTS)
@pytest.mark.parametrize("n_hidden", HIDDEN)
def test_every_hidden_activation_and_depth(n_hidden: int, hidden: str, penalties: bool) -> None:
    check(hidden, "sigmoid", "squared_error", n_hidden, penalties)


@pytest.mark.parametrize(
    ("name", "z", "expected"),
    [
        ("leaky_relu", [-2.0, 3.0], [-0.02, 3.0]),
        ("elu", [-math.log(4), 3.0], [-0.75, 3.0]),
        (
            "softplus",
            [0.0, math.log(3), -50.0, 800.0],
            [math.log(2), math.log(4), math.exp(-50), 800],
        ),
        ("silu", [math.log(3), 0.0, -800.0], [0.75 * math.log(3), 0.0, 0.0]),
        ("gelu", [1.0, -1.0], [0.5 * math.erfc(-(0.5**0.5)), -0.5 * math.erfc(0.5**0.5)]),
        ("softmax", [math.log(1), math.log(2), math.log(5)], [0.125, 0.25, 0.625]),
        ("softmax", [1000.0, 1000.0, -1000.0], [0.5, 0.5, 0.0]),
    ],
)
def test_values_of_activations(name: str, z: list[float], expected: list[float]) -> None:
    n = len(z)
    parameters = np.concatenate([np.eye(n).ravel(), np.zeros(n)])
    a = reference.forward([n, n], [name], parameters, [z])[1][-1]
    np.testing.assert_allclose(a, [expected], rtol=1e-14)


def loss_of(loss: str, output: str, z: list[float], x: list[float]) -> tuple[float, Any]:
    """One row's loss and its derivative by the output's biases, which are z."""
    sizes, activations = [1, 1, len(z)], ["identity", output]
    parameters = np.concatenate([np.zeros(2 + len(z)), z])
    value, gradient = reference.objective_and_gradient(
        sizes, activations, parameters, [[0.0]], target=[x], loss=loss
    )
    rows = reference.row_losses(sizes, activations, parameters, [[0.0]], target=[x], loss=loss)
    assert value == pytest.approx(rows[0])
    return value, gradient[-len(z) :]


LN2, LN3 = math.log(2), math.log(3)


@pytest.mark.parametrize(
    ("loss", "output", "z", "x", "value", "slope"),
    [
        ("absolute_error", "identity", [1.0, -3.0, 2.0], [2.0, -5.0, 2.0], 3.0, [-1, 1, 0]),
        ("huber", "identity", [1.5, 3.0, -1.0], [1.0, 0.0, 1.0], 0.125 + 2.5 + 1.5, [0.5, 1, -1]),
        ("poisson", "identity", [2.0], [3.0], 2 - 3 * LN2, [-0.5]),
        ("poisson", "identity", [-4.0], [2.0], 1e-7 - 2 * math.log(1e-7), [0.0]),
        ("poisson", "sigmoid", [LN3], [2.0], 0.75 - 2 * math.log(0.75), [-1.25 * 0.25]),
        ("poisson", "sigmoid", [-1000.0], [2.0], 2000.0, [-2.0]),
        ("poisson", "softplus", [LN3], [0.0], math.log(4), [0.75]),
        ("poisson", "softplus", [-1000.0], [2.0], 2000.0, [-2.0]),
        (
            "multinomial",
            "softmax",
            [0.0, LN2, math.log(5)],
            [4.0, 0.0, 1.0],
            4 * math.log(8) + math.log(8 / 5),
            [5 / 8 - 4, 5 / 4, 25 / 8 - 1],
        ),
        ("multinomial", "softmax", [1000.0, 0.0], [0.0, 1.0], 1000.0, [1.0, -1.0]),
    ],
)
def test_losses_worked_by_hand(
    loss: str,
    output: str,
    z: list[float],
    x: list[float],
    value: float,
    slope: list[float],
) -> None:
    found, gradient = loss_of(loss, output, z, x)
    assert found == pytest.approx(value, rel=1e-13)
    np.testing.assert_allclose(gradient, slope, rtol=1e-13, atol=1e-15)


@pytest.mark.parametrize(
    ("output", "loss", "target", "match"),
    [
        ("softmax", "squared_error", 0.5, "multinomial if and only if .*'squared_error' with 'sof"),
        ("sigmoid", "multinomial", 0.5, "if and only if .* got 'multinomial' with 'sigmoid'"),
        ("softmax", "multinomial", -1.0, "target must be non-negative for multinomial; got column"),
        ("softplus", "poisson", -1.0, "target must be non-negative for poisson; got column 0 with"),
    ],
)
def test_losses_say_what_they_need(output: str, loss: str, target: float, match: str) -> None:
    X: NDArray[np.float64] = np.zeros((2, 2))
    with pytest.raises(ValueError, match=match):
        reference.objective(
            [2, 1, 2], ["tanh", output], np.zeros(7), X, target=X + target, loss=loss
        )


def test_softmax_is_for_the_output() -> None:
    with pytest.raises(ValueError, match="activations must hold softmax as the output only; got"):
        reference.objective([2, 1, 2], ["softmax", "tanh"], np.zeros(7), np.zeros((1, 2)))
