"""What every implementation offers, and how one of them runs a workload, timed.

The same problem goes to all: rows, order of rows, initial parameters. The clock runs inside the
implementation's own process and sees neither setting up nor compiling.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import Layer, Workload

# Epochs from the initial parameters until losses are compared.
CHECK_EPOCHS = 2
# Gradient steps of "objective" before J is compared, and their length.
_CHECK_STEPS = 5
_CHECK_RATE = 0.1


@dataclass(frozen=True)
class Problem:
    """A workload with its numbers.

    Attributes
    ----------
    workload : Workload
    X : ndarray of shape (n_rows, n_features), float32 or uint8, or scipy.sparse.csr_array
    orders : ndarray of shape (n_epochs, n_rows), int64
        The order of the rows in each epoch, as aecore shuffles them with `seed`.
    parameters : ndarray of shape (n_parameters,), float32
        Initial W1 (n_in, n_out), b1, W2, b2, ..., in the shapes of the workload
    seed : int
    n_threads : int
    """

    workload: Workload
    X: Any
    orders: NDArray[np.int64]
    parameters: NDArray[np.float32]
    seed: int
    n_threads: int

    def batches(self, epoch: int) -> NDArray[np.int64]:
        """Rows of each step, (n_steps, batch_size); the orders given repeat."""
        order: NDArray[np.int64] = self.orders[epoch % len(self.orders)]
        return order.reshape(-1, self.workload.batch_size)

    def layers(self) -> list[Layer]:
        """Views (weight, bias) of the initial parameters, as `Workload.views` has them."""
        return self.workload.views(self.parameters)

    @property
    def sparse_layer(self) -> int:
        """Index of the layer output that carries the KL term, -1 for none."""
        return (len(self.workload.sizes) - 1) // 2 if self.workload.sparsity_weight else -1


class Training(ABC):
    """Minibatch training from the initial parameters on."""

    @abstractmethod
    def epoch(self, batches: NDArray[np.int64]) -> float:
        """Take a step for each row of `batches`; return the mean of J over the steps."""

    def epochs(self, problem: Problem, first: int, n: int) -> tuple[float, float]:
        """Run epochs; return seconds and the mean of J in the last one."""
        start = time.perf_counter()
        loss = [self.epoch(problem.batches(first + i)) for i in range(n)][-1]
        return time.perf_counter() - start, loss


class FullObjective(ABC):
    """J and its gradient over all rows, computed again and again for the same parameters."""

    @abstractmethod
    def set(self, parameters: NDArray[np.float32]) -> None:
        """Change the parameters; not timed."""

    @abstractmethod
    def evaluate(self) -> float:
        """Compute J and the gradient; return J."""

    @abstractmethod
    def gradient(self) -> NDArray[np.float32]:
        """Gradient of the last evaluation, flat; not timed."""


class Implementation(ABC):
    """One way to do the work."""

    @abstractmethod
    def settings(self) -> dict[str, str]:
        """Versions and settings, for people."""

    @abstractmethod
    def can(self, workload: Workload) -> bool:
        """Whether the workload can be expressed."""

    def training(self, problem: Problem) -> Training:
        """Prepare for "train"."""
        raise NotImplementedError

    def objective(self, problem: Problem) -> FullObjective:
        """Prepare for "objective"."""
        raise NotImplementedError

    def encoder(self, problem: Problem) -> tuple[Callable[[], Any], Callable[[], Any]]:
        """Prepare for "encode" and "latency": a call, and how to get its codes as an array."""
        raise NotImplementedError

    def recommender(self, problem: Problem) -> Callable[[], tuple[Any, Any]]:
        """Prepare for "recommend": a call that gives the best items of each row, and their scores.

        Rows are divided by their length first; what a row has is not recommended to it.
        """
        raise NotImplementedError


class Session:
    """One implementation at one problem."""

    def __init__(self, implementation: Implementation, problem: Problem) -> None:
        self._implementation = implementation
        self._problem = problem
        self._kind = problem.workload.kind
        self._epoch = 0
        if self._kind == "train":
            self._training = implementation.training(problem)
        elif self._kind == "objective":
            self._objective = implementation.objective(problem)
        elif self._kind == "recommend":
            self._call = recommend = implementation.recommender(problem)
            self._codes = lambda: recommend()[1]
        else:
            self._call, self._codes = implementation.encoder(problem)

    def check(self) -> float:
        """Run the first steps; return the number that all implementations must agree on.

        For training the mean of J over the last of `CHECK_EPOCHS` epochs, for an objective J
        after gradient steps, for the others the root of the mean square of codes or scores.
        """
        if self._kind == "train":
            self._epoch = CHECK_EPOCHS
            return self._training.epochs(self._problem, 0, CHECK_EPOCHS)[1]
        if self._kind == "objective":
            return self._check_objective()
        codes = np.asarray(self._codes(), np.float64)
        return float(np.sqrt(np.mean(codes**2)))

    def _check_objective(self) -> float:
        parameters = self._problem.parameters.copy()
        for _ in range(_CHECK_STEPS):
            self._objective.set(parameters)
            self._objective.evaluate()
            parameters -= np.float32(_CHECK_RATE) * self._objective.gradient()
        self._objective.set(parameters)
        value = self._objective.evaluate()
        self._objective.set(self._problem.parameters)
        return value

    def run(self, n: int) -> dict[str, float]:
        """Do the work n times: epochs, evaluations, calls or passes.

        Returns
        -------
        dict of str to float
            `seconds` of all of it, `units` done, `cpu_seconds` of the process; for "latency" also
            `p50` and `p99`, seconds of a call.
        """
        cpu = time.process_time()
        if self._kind == "latency":
            result = self._latency(n)
        else:
            seconds, units = self._repeat(n)
            result = {"seconds": seconds, "units": float(units)}
        return {**result, "cpu_seconds": time.process_time() - cpu}

    def _repeat(self, n: int) -> tuple[float, int]:
        if self._kind == "train":
            seconds, _ = self._training.epochs(self._problem, self._epoch, n)
            self._epoch += n
            return seconds, n * self._problem.workload.n_steps
        work = self._objective.evaluate if self._kind == "objective" else self._call
        start = time.perf_counter()
        for _ in range(n):
            work()
        return time.perf_counter() - start, n

    def _latency(self, n: int) -> dict[str, float]:
        call, clock = self._call, time.perf_counter_ns
        times = np.empty(n, np.int64)
        begin = clock()
        for i in range(n):
            start = clock()
            call()
            times[i] = clock() - start
        seconds = (clock() - begin) * 1e-9
        p50, p99 = np.percentile(times, [50, 99]) * 1e-9
        return {"seconds": seconds, "units": float(n), "p50": float(p50), "p99": float(p99)}
