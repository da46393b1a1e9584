"""Subnormal numbers: flushed while the core computes, untouched for everybody else."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from aecore import Autoencoder, Network
from aecore.callbacks import EpochState

TINY = np.array([1e-310])


def subnormals_survive() -> bool:
    return bool((TINY * 0.5)[0] != 0.0)


@pytest.mark.parametrize("n_threads", [1, 2])
def test_the_callers_mode_is_left_alone(n_threads: int) -> None:
    seen: list[bool] = []

    X = np.random.default_rng(0).random((300, 40))
    model = Autoencoder((8,), n_epochs=2, n_threads=n_threads, random_state=0).fit(X)
    seen.append(subnormals_survive())
    model.transform(X[0:1])
    seen.append(subnormals_survive())
    thread = threading.Thread(target=lambda: seen.append(subnormals_survive()))
    thread.start()
    thread.join()
    assert seen == [True, True, True]


def test_callbacks_run_in_the_callers_mode() -> None:
    seen: list[bool] = []

    class Watching:
        def on_epoch_end(self, state: EpochState) -> bool:
            del state
            seen.append(subnormals_survive())
            return False

    X = np.random.default_rng(0).random((300, 40))
    Autoencoder((8,), n_epochs=3, n_threads=2, random_state=0, callbacks=Watching()).fit(X)
    assert seen == [True, True, True]


def test_results_are_flushed_alone_and_in_company() -> None:
    network = Network([2, 2], ["identity"])
    network.parameters[:] = 0.0
    network.weights[0][:] = np.eye(2) * np.float32(1e-20)
    X = np.full((40, 2), 1e-20, dtype=np.float32)
    assert not network.encode(X).any()
    assert not network.encode(X[0]).any()
