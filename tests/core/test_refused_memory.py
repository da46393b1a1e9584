"""Every request of the core for memory is refused in turn: an error, and the model is whole."""

from __future__ import annotations

import contextlib
import ctypes
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import aecore
from aecore import _core
from helpers import run_function

X = np.random.default_rng(0).random((20, 6))
CALLS: dict[str, Callable[[Any, Path], Any]] = {
    "fit": lambda model, _: model.fit(X),
    "fit to sparse rows": lambda model, _: model.fit(csr_array(X * (X > 0.5))),
    "fit by lbfgs": lambda model, _: model.set_params(optimizer="lbfgs").fit(X),
    "partial_fit": lambda model, _: model.partial_fit(X),
    "encode": lambda model, _: model.transform(X),
    "score": lambda model, _: model.score_samples(X),
    "load": lambda _, path: aecore.load(path).transform(X),
}
# pybind11 notes each new object in so many bytes, outside of all that catches errors.
NOTE = 24
NEVER = 2**60


class Refusals:
    """Refuse requests of the core, and of its C++ library, by number."""

    def __init__(self, smallest: int = 0) -> None:
        self._library = ctypes.CDLL(None)
        self._library.watched_allocations.restype = ctypes.c_long
        self._names = (ctypes.c_char_p * 3)(b"/_core.", b"/libstdc++.", None)
        self._smallest = ctypes.c_size_t(smallest)

    def during(self, call: Callable[[], Any], first: int = NEVER, last: int = NEVER) -> int:
        """Call with the requests from `first` to `last` refused; how many there were."""
        numbers = (ctypes.c_long(first), ctypes.c_long(last))
        self._library.watch_allocations(self._names, self._smallest, *numbers)
        try:
            call()
        finally:
            n_requests: int = self._library.watched_allocations()
        return n_requests


# --- estimators -----------------------------------------------------------------------------------


def new_model(name: str, n_threads: int) -> Any:
    """Four layers: lists of their sizes are longer than a note."""
    return aecore.Autoencoder(
        (7, 5, 4),
        activation="tanh",
        optimizer="lbfgs" if "lbfgs" in name else "adam",
        n_epochs=2,
        batch_size=8,
        n_threads=n_threads,
        random_state=0,
    )


def refuse_each(name: str, n_threads: int, lasting: bool) -> int:
    """How many of the requests of a call end in an error."""
    refusals = Refusals(NOTE + 1)
    fitted = pickle.dumps(new_model(name, n_threads).fit(X))
    n_errors = 0
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        pickle.loads(fitted).save(path)

        def call(model: Any) -> Any:
            return CALLS[name](model, path)

        finished = [after_epochs(call, fitted, n) for n in (1, 2)]
        for first in range(refusals.during(lambda: call(pickle.loads(fitted)))):
            model = pickle.loads(fitted)
            last = NEVER if lasting else first
            try:
                refusals.during(lambda model=model: call(model), first, last)
            except MemoryError:
                n_errors += 1
                # What it was, or what the last finished epoch of the new training has made of it.
                whole = pickle.dumps(model) == fitted or parameters(model) in finished
                assert whole, (name, first)
        call(model)
    return n_errors


def after_epochs(call: Callable[[Any], Any], fitted: bytes, n_epochs: int) -> bytes:
    model = pickle.loads(fitted).set_params(n_epochs=n_epochs)
    call(model)
    return parameters(model)


def parameters(model: Any) -> bytes:
    numbers: bytes = model.network_.parameters.tobytes()
    return numbers


def refuse_all(n_threads: int, lasting: bool) -> dict[str, int]:
    return {name: refuse_each(name, n_threads, lasting) for name in CALLS}


@pytest.mark.parametrize(
    ("n_threads", "lasting"),
    [(1, False), (3, True)],
    ids=["one request", "all from one on, with threads"],
)
def test_an_estimator_is_whole(n_threads: int, lasting: bool, allocator: dict[str, str]) -> None:
    env = {**allocator, "PYTHONFAULTHANDLER": "1"}
    found = run_function(refuse_all, n_threads, lasting, env=env, timeout=110)
    assert min(found.values()) > 3


# --- the core alone -------------------------------------------------------------------------------


def core_calls(n_threads: int) -> dict[str, Callable[[], bytes]]:
    """Calls that make no object of pybind11's, and what they compute."""
    network = _core.Network([6, 7, 5, 6], ["tanh", "relu", "identity"])
    start = np.random.default_rng(1).random(network.n_parameters)
    rows = np.random.default_rng(2).random((100, 6))  # several blocks: work for threads
    data = _core.Data(rows)
    sparse = _core.Data(csr_array(rows * (rows > 0.5)))
    objective = _core.Objective()
    optimizer = _core.Optimizer(name="adam")
    schedule = _core.Schedule(batch_size=70, n_epochs=2)
    threads = {"n_threads": n_threads}

    def forward() -> bytes:
        out = np.empty((100, 6))
        network.forward(start, rows, out, first_layer=0, last_layer=3, **threads)
        return out.tobytes()

    def evaluate(given: Any = data) -> bytes:
        gradient = np.empty_like(start)
        network.evaluate(start, given, objective, gradient=gradient, **threads)
        return gradient.tobytes()

    def train(given: Any = data) -> bytes:
        trained, state = start.copy(), np.zeros((2, start.size))
        network.train(
            trained,
            state,
            given,
            objective=objective,
            optimizer=optimizer,
            schedule=schedule,
            on_epoch=lambda *_: False,
            **threads,
        )
        return trained.tobytes()

    return {
        "forward": forward,
        "evaluate": evaluate,
        "evaluate sparse": lambda: evaluate(sparse),
        "train": train,
        "train sparse": lambda: train(sparse),
    }


def outcome(refusals: Refusals, call: Callable[[], bytes], first: int, last: int) -> bytes | None:
    """What a call computes where requests are refused; None for an error."""
    results: list[bytes] = []
    with contextlib.suppress(MemoryError):
        refusals.during(lambda: results.append(call()), first, last)
    return results[0] if results else None


def refuse_of_core(n_threads: int) -> dict[str, int]:
    """How many of the requests of each call end in an error; others end in the same result."""
    found = {}
    for name, call in core_calls(n_threads).items():
        refusals, expected = Refusals(), call()
        outcomes = [
            outcome(refusals, call, first, last)
            for first in range(refusals.during(call))
            for last in (first, NEVER)
        ]
        assert {call(), *outcomes} <= {expected, None}, name
        found[name] = outcomes.count(None)
    return found


@pytest.mark.parametrize("bound", ["false", "true"], ids=["own threads", "threads of OpenMP"])
@pytest.mark.parametrize("n_threads", [1, 3])
def test_the_core_comes_back(n_threads: int, bound: str, allocator: dict[str, str]) -> None:
    env = {**allocator, "OMP_PROC_BIND": bound, "PYTHONFAULTHANDLER": "1"}
    found = run_function(refuse_of_core, n_threads, env=env)
    assert min(found.values()) > 3
