"""Helpers are kept on cores of their own during a call, and nothing of it is left afterwards."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aecore import Autoencoder, show_config
from aecore._training import minibatches

TASKS = Path("/proc/self/task")

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not TASKS.exists(), reason="helpers are placed on Linux only"),
    pytest.mark.skipif(
        "OMP_PROC_BIND" in os.environ or "OMP_PLACES" in os.environ,
        reason="OpenMP was told to place its threads",
    ),
]


def masks() -> list[str]:
    """Return the allowed processors of every thread of this process."""
    found = []
    for task in TASKS.iterdir():
        try:
            status = (task / "status").read_text()
        except OSError:  # the thread has ended
            continue
        found += [line.split()[1] for line in status.splitlines() if "Cpus_allowed_list" in line]
    return found


def single(found: list[str]) -> list[int]:
    """Return the processors of threads that may run on one only."""
    return [int(mask) for mask in found if mask.isdecimal()]


@pytest.fixture
def two_cores() -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("there is one core, and nowhere to place a helper")


def fit(n_threads: int, n_epochs: int = 40) -> Autoencoder:
    X = np.random.default_rng(0).random((512, 60))
    return Autoencoder((32,), n_epochs=n_epochs, n_threads=n_threads, random_state=0).fit(X)


def each_epoch(monkeypatch: pytest.MonkeyPatch, action: Callable[[], None]) -> None:
    """Have `action` run on the calling thread after each epoch."""
    original = minibatches.Recorder.epoch

    def acting(self: Any, *arguments: Any, **named: Any) -> Any:
        action()
        return original(self, *arguments, **named)

    monkeypatch.setattr(minibatches.Recorder, "epoch", acting)


@pytest.mark.usefixtures("two_cores")
def test_a_helper_has_a_core_during_fit_only(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(masks())
    seen: list[list[int]] = []
    callers: set[frozenset[int]] = set()
    each_epoch(monkeypatch, lambda: seen.append(single(masks())))
    each_epoch(monkeypatch, lambda: callers.add(frozenset(os.sched_getaffinity(0))))
    allowed = os.sched_getaffinity(0)
    end = time.monotonic() + 30
    while not any(seen) and time.monotonic() < end:
        fit(2)  # beside a busy process helpers rest, and the next fit tries again
    assert max(map(len, seen)) == 1
    assert {core for cores in seen for core in cores} <= allowed
    assert callers == {frozenset(allowed)}
    assert set(masks()) == before


@pytest.mark.usefixtures("two_cores")
def test_helpers_have_different_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    n = min(4, len(os.sched_getaffinity(0)))
    seen: list[list[int]] = []
    each_epoch(monkeypatch, lambda: seen.append(single(masks())))
    fit(n)
    assert all(len(set(cores)) == len(cores) <= n - 1 for cores in seen)


def never_placed(monkeypatch: pytest.MonkeyPatch, n_threads: int) -> bool:
    before = set(masks())
    seen: set[str] = set()
    each_epoch(monkeypatch, lambda: seen.update(masks()))
    fit(n_threads)
    return seen == before == set(masks())


def test_the_variable_is_read_at_each_call(monkeypatch: pytest.MonkeyPatch) -> None:
    fit(2, n_epochs=1)
    monkeypatch.setenv("AECORE_PLACEMENT", "0")
    config = show_config("dict")
    assert config is not None
    assert config["environment"]["AECORE_PLACEMENT"] == "0"
    assert never_placed(monkeypatch, 2)


def test_more_workers_than_cores_are_left_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    assert never_placed(monkeypatch, len(os.sched_getaffinity(0)) + 1)


def test_one_thread_is_not_placed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert never_placed(monkeypatch, 1)


def test_threads_created_meanwhile_may_run_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    inherited: set[frozenset[int]] = set()

    def create() -> None:
        thread = threading.Thread(target=lambda: inherited.add(frozenset(os.sched_getaffinity(0))))
        thread.start()
        thread.join()

    each_epoch(monkeypatch, create)
    fit(2, n_epochs=5)
    assert inherited == {frozenset(os.sched_getaffinity(0))}


def test_an_exception_of_a_callback_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    before = set(masks())

    def fail() -> None:
        raise RuntimeError("no more")

    each_epoch(monkeypatch, fail)
    with pytest.raises(RuntimeError, match="no more"):
        fit(2)
    assert set(masks()) == before


def test_an_exception_of_a_worker_leaves_nothing(n_threads: int) -> None:
    before = set(masks())
    X = np.zeros((4000, 30))
    X[3999, 7] = np.nan
    model = Autoencoder((8,), n_epochs=1, batch_size=4000, n_threads=n_threads, shuffle=False)
    with pytest.raises(ValueError, match="NaN"):
        model.fit(X)
    assert set(masks()) == before


def test_an_interruption_leaves_nothing() -> None:
    before = set(masks())

    def stop(*_: object) -> None:
        raise InterruptedError

    handler = signal.signal(signal.SIGUSR1, stop)
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        with pytest.raises(InterruptedError):
            fit(2, n_epochs=1_000_000)
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, handler)
    assert set(masks()) == before
