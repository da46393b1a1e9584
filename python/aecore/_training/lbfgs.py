"""Full-batch training: SciPy's L-BFGS-B on the core's exact objective and gradient."""

from __future__ import annotations

import math
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._training.data import TrainingData, input_means
from aecore._training.recorder import Recorder
from aecore._util.progress import Progress
from aecore.network import Network

# SciPy's defaults (ftol 2.2e-9, gtol 1e-5) stop far above the optimum of a sparse autoencoder. Here
# only `n_epochs`, or a line search that finds nothing lower, ends the training.
_OPTIONS = {"ftol": 0.0, "gtol": 1e-12, "maxls": 50, "maxfun": sys.maxsize}


def train_lbfgs(
    network: Network,
    data: TrainingData,
    objective: _core.Objective,
    n_iterations: int,
    *,
    history_size: int,
    recorder: Recorder,
    progress: Progress,
) -> None:
    """Minimise the objective over all rows for at most `n_iterations` >= 1, from `network`.

    An iteration is an epoch of the history. Fewer are made when the line search cannot lower the
    objective any more in the network's precision.

    Raises
    ------
    TrainingDivergedError
        If the objective or a weight stops being finite.
    """
    from scipy.optimize import minimize

    if recorder.has_ended:  # before this process began
        recorder.restore_best()
        return
    problem = _Problem(network, data, objective)
    n_done = 0
    started = time.perf_counter()

    def on_iteration(x: NDArray[np.float64]) -> None:
        nonlocal n_done, started
        problem.accept(x)
        n_done += 1
        validation_loss = problem.validation_loss()
        now = time.perf_counter()
        stop = recorder.epoch(problem.accepted, problem.value, validation_loss, now - started)
        progress.move_to(n_done)
        if stop:
            raise StopIteration
        if recorder.checkpoint_is_due:
            recorder.write_checkpoint(None)
        started = now

    # Ctrl-C needs nothing here: each iteration has published its weights with their history.
    with _one_blas_thread():
        minimize(
            problem.evaluate,
            problem.coordinates(network.parameters),
            jac=True,
            method="L-BFGS-B",
            callback=on_iteration,
            options={**_OPTIONS, "maxcor": history_size, "maxiter": n_iterations},
        )
    if n_done == 0 or not math.isfinite(problem.value):
        # The start is a minimum already, or the very first step left the range of numbers.
        seconds = time.perf_counter() - started
        recorder.epoch(problem.accepted, problem.value, problem.validation_loss(), seconds)
    recorder.raise_if_diverged("data scaled to numbers near 1, or optimizer='adam'")
    recorder.stopped = not recorder.is_complete  # nothing lower was found
    recorder.write_checkpoint(None)
    recorder.restore_best()


class _Problem:
    """J and its gradient for SciPy, which works in float64 whatever the network's dtype."""

    def __init__(self, network: Network, data: TrainingData, objective: _core.Objective) -> None:
        self._network = network
        self._data = data
        self._rows, self._held = data.core(), data.core_validation()
        self._objective = objective
        self._trial = network.with_parameters(network.parameters).parameters
        self._gradient = np.empty_like(self._trial)
        # The last accepted iterate: a line search may be interrupted anywhere after it.
        self.accepted = network.with_parameters(network.parameters).parameters
        self.value = math.nan
        self._mean = input_means(network, data)

    def coordinates(self, parameters: NDArray[Any]) -> NDArray[np.float64]:
        """What SciPy moves: the parameters, with b1 replaced by c = b1 + mean W1.

        The first layer is then z = (x - mean) W1 + c. With inputs that are all positive a step in
        W1 would otherwise shift every z, and L-BFGS spends most of its iterations on undoing that
        through b1: 200 of them now reach what took 600.
        """
        x = parameters.astype(np.float64)
        W, b = self._first_layer(x)
        b += self._mean @ W
        return x

    def _parameters(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Invert `coordinates`."""
        parameters = np.array(x)
        W, b = self._first_layer(parameters)
        b -= self._mean @ W
        return parameters

    def _first_layer(self, vector: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
        """Views of W1 and b1, or of the derivatives by them; empty ones where it convolves.

        There one bias serves positions with different means of z, and cannot centre them all.
        """
        n_in, n_out = self._network.layer_sizes[:2]
        if self._network.weights[0].ndim > 2:
            n_out = 0
        end = n_in * n_out
        return vector[:end].reshape(n_in, n_out), vector[end : end + n_out]

    def evaluate(self, x: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        self._trial[:] = self._parameters(x)
        terms = self._network._core.evaluate(
            self._trial,
            self._rows,
            self._objective,
            gradient=self._gradient,
            n_threads=self._network.n_threads or 0,
        )
        self.value = sum(terms.values())
        gradient = self._gradient.astype(np.float64)
        dW, db = self._first_layer(gradient)
        dW -= np.outer(self._mean, db)
        return self.value, gradient

    def accept(self, x: NDArray[np.float64]) -> None:
        # L-BFGS-B ends an iteration on the point it evaluated last, so `value` belongs to x.
        self.accepted[:] = self._parameters(x)

    def validation_loss(self) -> float:
        """Mean loss of the validation rows at the accepted iterate; NaN without validation."""
        if self._data.validation is None or self._held is None:
            return math.nan
        X, _, rows = self._data.validation
        losses = np.empty(X.shape[0] if rows is None else rows.shape[0])
        self._network._core.row_losses(
            self.accepted,
            self._held,
            losses,
            objective=self._objective,
            n_threads=self._network.n_threads or 0,
        )
        return self._data.mean_of_held(losses)


_blas_lock = threading.Lock()
_blas_users = 0
_blas_limit: Any = None


@contextmanager
def _one_blas_thread() -> Iterator[None]:
    """Limit BLAS to one thread, so that SciPy's dot products have the same bits on any machine.

    The limit holds for the whole process. Trainings that overlap share one: the last to end
    restores what the first found.
    """
    global _blas_users, _blas_limit  # noqa: PLW0603
    from threadpoolctl import threadpool_limits

    with _blas_lock:
        if _blas_users == 0:
            _blas_limit = threadpool_limits(limits=1, user_api="blas")
        _blas_users += 1
    try:
        yield
    finally:
        with _blas_lock:
            if _blas_users > 0:  # not in a child that a callback has forked
                _blas_users -= 1
                if _blas_users == 0:
                    _blas_limit.restore_original_limits()


def _forget_trainings() -> None:
    """Undo, in a forked child, what trainings of the parent's other threads hold."""
    global _blas_lock, _blas_users  # noqa: PLW0603
    _blas_lock = threading.Lock()
    if _blas_users > 0:
        _blas_users = 0
        _blas_limit.restore_original_limits()


os.register_at_fork(after_in_child=_forget_trainings)
