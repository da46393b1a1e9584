"""Losses and gradients far out, where exp, log and their quotients leave the range of a type."""

from __future__ import annotations

import numpy as np
import pytest

from aecore import Autoencoder, Network, reference
from helpers import run_function

HIDDEN = tuple(name for name in reference.ACTIVATIONS if name != "softmax")
SIZES = (0.0, 17.0, 30.0, 37.0, 88.0, 104.0, 300.0, 707.0, 709.0, 745.0, 800.0, 1e3, 1e4)
Z = np.array([sign * size for size in SIZES for sign in (1, -1)])
TARGETS = {"binary_cross_entropy": (0.0, 1e-30, 0.5, 1.0)}
COUNTS = (0.0, 1e-30, 1.0, 2e3, 1e6)
# Of the largest number at hand: some units in the last place. Where x_hat is clipped at 1 - 1e-7, a
# unit below 1 in float32, log(1 - x_hat) has two digits.
TOLERANCE = {"float32": 1e-6, "float64": 1e-14}
LOGARITHM = {"float32": 2e-2, "float64": 1e-9}


def differences(dtype: str) -> list[str]:
    """Each pair of loss and output whose J or gradient is not that of the reference."""
    n = len(Z)
    found = []
    for loss in reference.LOSSES:
        outputs = ("softmax",) if loss == "multinomial" else HIDDEN
        counts = loss in ("poisson", "multinomial")
        others = COUNTS if counts else (-1e6, 0.0, 1.0, 1e6)
        for output, x in [(o, x) for o in outputs for x in TARGETS.get(loss, others)]:
            network = Network([1, n], [output], dtype=dtype, random_state=0)
            network.weights[0][:], network.biases[0][:] = 0.0, Z
            rows, target = np.ones((3, 1)), np.full((3, n), x, dtype)
            j, gradient = network.objective_and_gradient(rows, target=target, loss=loss)
            expected_j, expected = reference.objective_and_gradient(
                [1, n], [output], network.parameters, rows, target=target, loss=loss
            )
            clipped = loss == "binary_cross_entropy" and output != "sigmoid"
            close = abs(j - expected_j) <= expected_j * (
                LOGARITHM[dtype] if clipped else 20 * TOLERANCE[dtype]
            )
            size = 1.0 + np.abs(Z).max() + abs(x) * (n if loss == "multinomial" else 1)
            error = np.abs(gradient - expected) / np.maximum(size, np.abs(expected))
            if not (close and (error <= TOLERANCE[dtype]).all()):
                found.append(f"{loss} of {output} at {x}: {j} for {expected_j}, {error.max()}")
    return found


def hidden_differences(dtype: str) -> list[str]:
    """Each activation of a hidden layer whose gradient is not that of the reference."""
    n = len(Z)
    found = []
    for name in HIDDEN:
        network = Network([1, n, n], [name, "identity"], dtype=dtype, random_state=0)
        first, last = network.weights
        first[:], network.biases[0][:], last[:] = 0.0, Z, np.eye(n)
        rows, target = np.ones((3, 1)), np.full((3, n), 0.5, dtype)
        _, gradient = network.objective_and_gradient(rows, target=target)
        _, expected = reference.objective_and_gradient(
            [1, n, n], [name, "identity"], network.parameters, rows, target=target
        )
        # a - a^2, 1 - a^2 and a + 1 are known to the rounding of a.
        error = np.abs(gradient - expected) / np.maximum(1.0, np.abs(expected))
        if not (error <= TOLERANCE[dtype]).all():
            found.append(f"{name}: {error.max()}")
    return found


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_loss_of_every_output_is_that_of_the_reference(isa: str, dtype: str) -> None:
    assert run_function(differences, dtype, isa=isa) == []


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_hidden_slope_is_that_of_the_reference(isa: str, dtype: str) -> None:
    assert run_function(hidden_differences, dtype, isa=isa) == []


@pytest.mark.parametrize("output", ["softplus", "relu"])
def test_large_counts_train_in_float64_as_in_float32(output: str) -> None:
    X = np.random.default_rng(0).poisson(2000, (64, 8)).astype(float)
    losses = [
        Autoencoder(
            (3,),
            loss="poisson",
            output_activation=output,
            learning_rate=0.05,
            n_epochs=3,
            dtype=dtype,
            random_state=0,
        )
        .fit(X)
        .history_["loss"]
        for dtype in ("float32", "float64")
    ]
    np.testing.assert_allclose(*losses, rtol=1e-4)
