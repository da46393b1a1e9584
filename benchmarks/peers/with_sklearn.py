"""scikit-learn's MLPRegressor, for squared error with an identity output.

It averages losses over features where aecore sums: SGD's rate is multiplied by the number of
features, Adam's epsilon divided by it, which makes the same steps.
"""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.peers.session import Implementation, Problem, Training
from benchmarks.peers.with_numpy import blas_kernels
from benchmarks.workloads import Workload


def make() -> Implementation:
    """Give the implementation."""
    return WithSklearn()


class WithSklearn(Implementation):
    """`partial_fit`, one epoch a call."""

    def settings(self) -> dict[str, str]:
        import sklearn

        return {
            "scikit-learn": sklearn.__version__,
            "BLAS": blas_kernels(),
            "training": "MLPRegressor.partial_fit on float32 rows, its checks of X not timed",
        }

    def can(self, workload: Workload) -> bool:
        return (
            workload.kind == "train"
            and workload.loss == "squared_error"
            and workload.activations[-1] == "identity"
            and not workload.sparsity_weight
            and workload.density == 1
            and not workload.channels
        )

    def training(self, problem: Problem) -> Training:
        return _Training(problem)


class _Training(Training):
    def __init__(self, problem: Problem) -> None:
        from sklearn.neural_network import MLPRegressor, _multilayer_perceptron

        self._X = problem.X
        workload = problem.workload
        self._n_features = n_features = workload.layer_sizes[-1]
        activation = {"sigmoid": "logistic"}.get(workload.activations[0], workload.activations[0])
        sgd = workload.optimizer == "sgd"
        self._model: Any = MLPRegressor(
            hidden_layer_sizes=workload.layer_sizes[1:-1],
            activation=activation,
            solver=workload.optimizer,
            alpha=workload.weight_decay * workload.batch_size / n_features,
            batch_size=workload.batch_size,
            learning_rate_init=workload.learning_rate * (n_features if sgd else 1),
            momentum=0.0,
            nesterovs_momentum=False,
            epsilon=1e-8 / n_features,
            tol=0.0,
            n_iter_no_change=10**9,
            random_state=0,
        )
        self._order: NDArray[np.int64] = np.zeros(1, np.int64)
        self._start = 0.0
        _multilayer_perceptron.shuffle = self._shuffle
        # A step on one row has scikit-learn make all it needs. Then it gets our parameters, and
        # makes Adam's state anew.
        self._model.set_params(batch_size=1).partial_fit(self._X[:1], self._X[:1])
        self._model.set_params(batch_size=workload.batch_size)
        self._model.coefs_ = [weight.copy() for weight, _ in problem.layers()]
        self._model.intercepts_ = [bias.copy() for _, bias in problem.layers()]
        del self._model._optimizer
        self._model.t_ = 0

    def _shuffle(self, sample_idx: Any, random_state: Any) -> NDArray[np.int64]:
        # scikit-learn asks for an order when an epoch begins: the clock starts, and it gets ours.
        del sample_idx, random_state
        self._start = time.perf_counter()
        return self._order

    def epoch(self, batches: NDArray[np.int64]) -> float:
        self._order = batches.reshape(-1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._model.partial_fit(self._X, self._X)
        return float(self._model.loss_) * self._n_features

    def epochs(self, problem: Problem, first: int, n: int) -> tuple[float, float]:
        seconds = 0.0
        loss = np.nan
        for i in range(n):
            loss = self.epoch(problem.batches(first + i))
            seconds += time.perf_counter() - self._start
        return seconds, loss
