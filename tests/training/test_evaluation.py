"""Evaluations that meet others: in a signal handler, after an interruption, over selected rows."""

from __future__ import annotations

import signal
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Network, _core
from helpers import run_function

OBJECTIVE = {"weight_decay": 1e-3, "sparsity_weight": 0.3, "sparsity_target": 0.2}


def large() -> tuple[Network, NDArray[np.float32]]:
    """Rows whose evaluation lasts for many looks at signals."""
    network = Network([500, 400, 500], ["sigmoid", "sigmoid"], random_state=0, n_threads=1)
    return network, np.random.default_rng(0).random((30_000, 500), dtype=np.float32)


def evaluation_in_a_signal_handler() -> tuple[float, float, list[float], float]:
    """J alone, J while a handler evaluates something else, what the handler got, and should get."""
    network, X = large()
    small = Network([500, 20, 500], ["sigmoid", "sigmoid"], random_state=1, n_threads=1)
    expected = small.objective(X[:50])
    alone = network.objective_and_gradient(X, **OBJECTIVE)[0]
    inside: list[float] = []
    signal.signal(signal.SIGALRM, lambda *_: inside.append(small.objective(X[:50])))
    signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
    disturbed = network.objective_and_gradient(X, **OBJECTIVE)[0]
    signal.setitimer(signal.ITIMER_REAL, 0)
    return alone, disturbed, inside, expected


def evaluation_after_an_interruption() -> tuple[float, float, bool]:
    """J of a fresh process's first evaluation and of one after a weighted one was interrupted."""
    network, X = large()
    expected = network.objective(X)

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    interrupted = False
    try:
        network.objective(X, sample_weight=np.linspace(0.0, 1.0, len(X)))
    except KeyboardInterrupt:
        interrupted = True
    return expected, network.objective(X), interrupted


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_a_signal_handler_may_evaluate_too() -> None:
    alone, disturbed, inside, expected = run_function(evaluation_in_a_signal_handler)
    assert inside, "the evaluation was too short for its handler to run"
    assert set(inside) == {expected}
    assert disturbed == alone


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timer")
def test_an_interrupted_evaluation_leaves_nothing_behind() -> None:
    expected, after, interrupted = run_function(evaluation_after_an_interruption)
    assert interrupted
    assert after == expected


@pytest.mark.parametrize("weighted", [False, True])
def test_selected_rows_are_those_rows_alone(weighted: bool) -> None:
    rng = np.random.default_rng(3)
    X, target = rng.random((90, 12)), rng.random((90, 12))
    weight = rng.random(90) if weighted else None
    rows = rng.permutation(90)[:41].astype(np.int64)
    network = Network([12, 5, 12], ["sigmoid", "sigmoid"], dtype="float64", random_state=0)
    objective = _core.Objective(**OBJECTIVE, sparsity_layers=[0])
    results = []
    of_rows = None if weight is None else weight[rows]
    for data in (
        _core.Data(X, target=target, sample_weight=weight, rows=rows),
        _core.Data(X[rows], target=target[rows], sample_weight=of_rows),
    ):
        gradient = np.empty_like(network.parameters)
        terms = network._core.evaluate(
            network.parameters, data, objective, gradient=gradient, n_threads=2
        )
        results.append((terms, gradient.tobytes()))
    assert results[0] == results[1]
    losses = np.empty(41), np.empty(90)
    for out, selection in zip(losses, (rows, None), strict=True):
        data = _core.Data(X, target=target, rows=selection)
        network._core.row_losses(network.parameters, data, out, objective=objective)
    np.testing.assert_array_equal(losses[0], losses[1][rows])
