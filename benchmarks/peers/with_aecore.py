"""aecore by its public interface: `Autoencoder.fit`, `Network.encode`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

import aecore
from benchmarks.peers.problems import make_network
from benchmarks.peers.session import FullObjective, Implementation, Problem, Training
from benchmarks.workloads import Workload


def make() -> Implementation:
    """Give the implementation."""
    return WithAecore()


class WithAecore(Implementation):
    """The library as installed."""

    def settings(self) -> dict[str, str]:
        build = aecore._core.show_build()
        return {
            "aecore": aecore.__version__,
            "instruction set": str(build["isa"]),
            "compiler": str(build["compiler"]),
            "threading": str(build["threading"]),
            "training": "Autoencoder.fit(X, init=network), seconds from history_",
        }

    def can(self, workload: Workload) -> bool:
        del workload
        return True

    def training(self, problem: Problem) -> Training:
        return _Training(problem)

    def objective(self, problem: Problem) -> FullObjective:
        return _Objective(problem)

    def encoder(self, problem: Problem) -> tuple[Callable[[], Any], Callable[[], Any]]:
        network = _network(problem)
        X = problem.X[0] if problem.workload.kind == "latency" else problem.X
        if problem.workload.into:
            out = np.empty((*X.shape[:-1], problem.workload.layer_sizes[-1]), np.float32)
            call = partial(network.encode, X, out=out)
        else:
            call = partial(network.encode, X)
        return call, call

    def recommender(self, problem: Problem) -> Callable[[], tuple[Any, Any]]:
        work = problem.workload
        model = aecore.AutoencoderRecommender(
            work.hidden_layer_sizes, n_epochs=1, n_threads=problem.n_threads, random_state=0
        ).fit(problem.X[: work.batch_size])
        model.network_ = model.network_.with_parameters(problem.parameters)
        return lambda: model.recommend(problem.X, work.n_recommended)


def _network(problem: Problem) -> aecore.Network:
    network = make_network(
        problem.workload,
        input_scale=problem.workload.input_scale,
        n_threads=problem.n_threads,
        random_state=problem.seed,
    )
    return network.with_parameters(problem.parameters)


class _Training(Training):
    """`fit` from the parameters of the last one; the optimiser starts anew in each."""

    def __init__(self, problem: Problem) -> None:
        workload = problem.workload
        self._network = _network(problem)
        kind: Any = aecore.VariationalAutoencoder
        of_kind: dict[str, Any] = {"likelihood": "bernoulli"}
        sizes = workload.hidden_layer_sizes
        if not workload.gaussian:
            kind = aecore.Autoencoder
            of_kind = {
                "output_activation": workload.activations[-1],
                "loss": workload.loss,
                "sparsity_weight": workload.sparsity_weight,
                "sparsity_target": workload.sparsity_target,
            }
        if workload.channels:
            kind, sizes = aecore.ConvAutoencoder, workload.channels
            code_size = workload.layer_sizes[workload.code_layer + 1]
            of_kind |= {"code_size": code_size, "image_shape": workload.image}
        self._estimator = kind(
            sizes,
            **of_kind,
            activation=workload.activations[0],
            weight_decay=workload.weight_decay,
            optimizer=workload.optimizer,
            learning_rate=workload.learning_rate,
            batch_size=workload.batch_size,
            n_threads=problem.n_threads,
            random_state=problem.seed,
        )

    def epoch(self, batches: NDArray[np.int64]) -> float:
        msg = "fit shuffles the rows itself"
        raise NotImplementedError(msg)

    def epochs(self, problem: Problem, first: int, n: int) -> tuple[float, float]:
        del first
        estimator = clone(self._estimator).set_params(n_epochs=n)
        self._network = estimator.fit(problem.X, init=self._network).network_
        history = estimator.history_
        return sum(history["seconds"]), history["loss"][-1]


class _Objective(FullObjective):
    def __init__(self, problem: Problem) -> None:
        self._X = problem.X
        self._network = _network(problem)
        self._terms: dict[str, Any] = {
            name: getattr(problem.workload, name)
            for name in ("loss", "weight_decay", "sparsity_weight", "sparsity_target")
        }

    def set(self, parameters: NDArray[np.float32]) -> None:
        self._network.parameters[:] = parameters

    def evaluate(self) -> float:
        value, self._gradient = self._network.objective_and_gradient(self._X, **self._terms)
        return value

    def gradient(self) -> NDArray[np.float32]:
        return self._gradient
