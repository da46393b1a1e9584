"""Training steps against the reference's gradient and update, step by step in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aecore import _core, reference
from helpers import run_function

SIZES, ACTIVATIONS = [19, 9, 19], ["tanh", "sigmoid"]


def trained_and_expected(
    optimizer: str, batch_size: int, options: dict[str, Any], separate_target: bool
) -> tuple[float, float]:
    """Largest relative difference of the parameters, and of the epochs' losses."""
    rng = np.random.default_rng(1)
    X = rng.random((40, 19)) * (rng.random((40, 19)) < 0.4)  # many zeros, as in images
    target = rng.random((40, 19)) if separate_target else None
    weight = rng.random(40)
    network = _core.Network(SIZES, ACTIVATIONS)
    parameters = rng.uniform(-0.5, 0.5, network.n_parameters)
    expected = parameters.copy()
    rule = _core.Optimizer(name=optimizer, learning_rate=0.01)
    state = np.zeros((rule.n_slots, network.n_parameters))
    losses: list[float] = []

    def on_epoch(_epoch: int, loss: float, _validation: float, _seconds: float) -> bool:
        losses.append(loss)
        return False

    network.train(
        parameters,
        state,
        X,
        target,
        weight,
        None,
        None,
        _core.Objective(loss="binary_cross_entropy", **options),
        rule,
        _core.Schedule(batch_size=batch_size, n_epochs=2, seed=5),
        1,
        on_epoch,
        None,
    )
    moments = (np.zeros_like(expected), np.zeros_like(expected))
    step = 0
    expected_losses = []
    for epoch in range(2):
        order = _core.permutation(40, 5, epoch)
        total = 0.0
        for first in range(0, 40, batch_size):
            rows = order[first : first + batch_size]
            loss, gradient = reference.objective_and_gradient(
                SIZES,
                ACTIVATIONS,
                expected,
                X[rows],
                target=None if target is None else target[rows],
                sample_weight=weight[rows],
                loss="binary_cross_entropy",
                **options,
            )
            total += loss * len(rows)
            step += 1
            if optimizer == "sgd":
                expected = reference.sgd_step(expected, gradient, learning_rate=0.01)
            else:
                expected, *moments = reference.adam_step(
                    expected, gradient, *moments, step, learning_rate=0.01
                )
        expected_losses.append(total / 40)
    difference = np.abs(parameters - expected).max() / np.abs(expected).max()
    return float(difference), float(np.abs(np.subtract(losses, expected_losses)).max())


@pytest.mark.parametrize("separate_target", [False, True], ids=["itself", "target"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"weight_decay": 0.01},
        {"sparsity_weight": 0.2, "sparsity_target": 0.3, "sparsity_layers": [0]},
    ],
    ids=["plain", "decay", "sparse"],
)
@pytest.mark.parametrize("batch_size", [1, 7, 40])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_steps_equal_the_reference(
    optimizer: str, batch_size: int, options: dict[str, Any], separate_target: bool
) -> None:
    parameters, losses = trained_and_expected(optimizer, batch_size, options, separate_target)
    assert parameters < 1e-10
    assert losses < 1e-10


@pytest.mark.parametrize("batch_size", [1, 7])
def test_steps_on_every_instruction_set(isa: str, batch_size: int) -> None:
    parameters, losses = run_function(
        trained_and_expected, "sgd", batch_size, {"weight_decay": 0.01}, False, isa=isa
    )
    assert parameters < 1e-10
    assert losses < 1e-10
