"""The NumPy baseline of `benchmarks.numpy_baseline`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.numpy_baseline import NumpyNetwork, activate
from benchmarks.peers.session import FullObjective, Implementation, Problem, Training
from benchmarks.workloads import Workload

_SCORED_ROWS = 500


def make() -> Implementation:
    """Give the implementation."""
    return WithNumpy()


def blas_kernels() -> str:
    """Which kernels the BLAS of this process uses, if threadpoolctl can tell."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return "unknown"
    libraries = [each for each in threadpool_info() if each["user_api"] == "blas"]
    names = {
        f"{each['internal_api']} {each['version']} {each.get('architecture', '')}".strip()
        for each in libraries
    }
    return ", ".join(sorted(names)) or "unknown"


class WithNumpy(Implementation):
    """Float32, in place."""

    def settings(self) -> dict[str, str]:
        return {"numpy": np.__version__, "BLAS": blas_kernels(), "training": "in place, one buffer"}

    def can(self, workload: Workload) -> bool:
        return not workload.channels or workload.kind in ("train", "objective")

    def training(self, problem: Problem) -> Training:
        return _Training(problem)

    def objective(self, problem: Problem) -> FullObjective:
        return _Objective(problem)

    def encoder(self, problem: Problem) -> tuple[Callable[[], Any], Callable[[], Any]]:
        if problem.workload.kind == "latency":
            call = _encode_one(problem)
        else:
            network = NumpyNetwork(problem.workload, problem.parameters, 1)
            shape = (problem.X.shape[0], problem.workload.layer_sizes[-1])

            def call() -> NDArray[np.float32]:
                return network.encode(problem.X, np.empty(shape, np.float32))

        return call, call

    def recommender(self, problem: Problem) -> Callable[[], tuple[Any, Any]]:
        return partial(_recommend, problem, _SCORED_ROWS)


def _recommend(problem: Problem, n_rows: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """BLAS scores of a block of rows at a time; their best by argpartition, then in order."""
    names = (*problem.workload.activations[:-1], "identity")
    n = problem.workload.n_recommended
    found = []
    for start in range(0, problem.X.shape[0], n_rows):
        rows = problem.X[start : start + n_rows]
        scores = rows.multiply(1.0 / np.sqrt(rows.power(2).sum(1))[:, None]).tocsr()
        for (weight, bias), name in zip(problem.layers(), names, strict=True):
            scores = scores @ weight
            scores += bias
            activate(name, scores)
        scores[np.repeat(np.arange(len(scores)), np.diff(rows.indptr)), rows.indices] = -np.inf
        best = np.argpartition(scores, -n, axis=1)[:, -n:]
        kept = np.take_along_axis(scores, best, axis=1)
        order = np.argsort(-kept, axis=1)
        found.append([np.take_along_axis(each, order, axis=1) for each in (best, kept)])
    ids, scores = (np.concatenate(each) for each in zip(*found, strict=True))
    return ids, scores


def _encode_one(problem: Problem) -> Callable[[], NDArray[np.float32]]:
    """Write out a single layer by hand: that is what somebody in a hurry does."""
    ((weight, bias),) = problem.layers()
    x = problem.X[0]
    weight = np.ascontiguousarray(weight.T)  # each code's weights in one run
    if problem.workload.into:
        out = np.empty_like(bias)

        def call_into() -> NDArray[np.float32]:
            np.dot(weight, x, out)
            np.add(out, bias, out)
            return np.maximum(out, 0.0, out=out)

        return call_into

    def call() -> NDArray[np.float32]:
        code = np.dot(weight, x)
        code += bias
        return np.maximum(code, 0.0, out=code)

    return call


class _Training(Training):
    def __init__(self, problem: Problem) -> None:
        workload = problem.workload
        network = NumpyNetwork(workload, problem.parameters, workload.batch_size)
        self._epoch = partial(network.train_epoch, problem.X)

    def epoch(self, batches: NDArray[np.int64]) -> float:
        return self._epoch(batches)


class _Objective(FullObjective):
    def __init__(self, problem: Problem) -> None:
        self._X = problem.X
        self._network = NumpyNetwork(problem.workload, problem.parameters, problem.X.shape[0])

    def set(self, parameters: NDArray[np.float32]) -> None:
        self._network.parameters[:] = parameters

    def evaluate(self) -> float:
        return self._network.objective_and_gradient(self._X)

    def gradient(self) -> NDArray[np.float32]:
        return self._network.gradient
