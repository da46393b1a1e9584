"""One training, from checked arrays to finished epochs: the minibatch driver and what it shares.

Training works on private copies. What an epoch has learned goes through `Recorder` to the
estimator in one step, so another thread, Ctrl-C or an error always finds a whole model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._progress import Progress
from aecore.exceptions import TrainingDivergedError

if TYPE_CHECKING:
    from aecore.network import Network

History = dict[str, list[float]]


@dataclass(frozen=True)
class TrainingData:
    """The rows of one fit, as the caller gave them: nothing copied or cast.

    X is (n_rows, n_features), target None or (n_rows, n_features), sample_weight None or
    (n_rows,); `rows` are the indices to learn from (None: all); `validation` is (X, target, rows)
    in the same sense.
    """

    X: NDArray[Any]
    target: NDArray[Any] | None
    sample_weight: NDArray[np.float64] | None
    rows: NDArray[np.int64] | None = None
    validation: tuple[NDArray[Any], NDArray[Any] | None, NDArray[np.int64] | None] | None = None

    @property
    def n_training_rows(self) -> int:
        """How many rows an epoch visits."""
        return int(self.X.shape[0] if self.rows is None else self.rows.shape[0])


@dataclass(frozen=True)
class OptimizerState:
    """What `partial_fit` needs to go on as if training had never stopped."""

    optimizer: str
    slots: NDArray[Any]  # (n_slots, n_parameters)
    n_epochs: int
    n_updates: int


def split_rows(
    n_rows: int, fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw round(fraction * n_rows) rows, at least one, for validation; both parts sorted.

    Raises
    ------
    ValueError
        If no row would be left to learn from.
    """
    n_validation = max(1, round(fraction * n_rows))
    if n_validation >= n_rows:
        msg = (
            f"validation_fraction must leave at least one row to learn from; got {fraction} "
            f"of {n_rows}"
        )
        raise ValueError(msg)
    order = np.random.default_rng(seed).permutation(n_rows)
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])


@contextmanager
def exclusive(estimator: Any) -> Iterator[None]:
    """Let one thread train `estimator`; a second one gets RuntimeError, not a mixture."""
    token = object()
    # setdefault is atomic, and unlike a lock a token does not stand in the way of pickle.
    if estimator.__dict__.setdefault("_training_token", token) is not token:
        msg = (
            f"this {type(estimator).__name__} is being trained by another thread; "
            "use a clone of it, or wait"
        )
        raise RuntimeError(msg)
    try:
        yield
    finally:
        del estimator.__dict__["_training_token"]


class Recorder:
    """Takes finished epochs, keeps their history and publishes each network that is finite.

    Parameters
    ----------
    network : Network
        The start: its shape and settings; not changed.
    history : mapping of str to list of float
        Epochs of earlier trainings, copied.
    publish : callable
        Called with the network and a copy of the history after every epoch.
    progress : Progress
    """

    def __init__(
        self,
        network: Network,
        history: Mapping[str, list[float]],
        publish: Callable[[Network, History], None],
        progress: Progress,
    ) -> None:
        self._start = network
        copied = {name: list(values) for name, values in history.items()}
        self._history: History = {"loss": [], "seconds": [], **copied}
        self._publish = publish
        self._progress = progress
        self._n_earlier = self.n_epochs
        self.diverged = False

    @property
    def n_epochs(self) -> int:
        """Epochs in the history."""
        return len(self._history["loss"])

    def epoch(
        self, parameters: NDArray[Any], loss: float, validation_loss: float, seconds: float
    ) -> bool:
        """Record an epoch; return True to stop because it was not finite."""
        if not (math.isfinite(loss) and _is_finite(parameters)):
            self.diverged = True
            return True
        self._append(loss=loss, seconds=seconds, validation_loss=validation_loss)
        shown = {name: values[-1] for name, values in self._history.items() if name != "seconds"}
        self._progress.show(**shown)
        self.publish(parameters)
        return False

    def _append(self, **values: float) -> None:
        """Append one number to each list; a list that begins late is filled up with NaN."""
        n_epochs = self.n_epochs
        if math.isnan(values["validation_loss"]) and "validation_loss" not in self._history:
            del values["validation_loss"]
        for name, value in values.items():
            self._history.setdefault(name, [math.nan] * n_epochs).append(value)

    def publish(self, parameters: NDArray[Any]) -> None:
        """Hand over a network with a copy of `parameters`, and a copy of the history."""
        history = {name: list(values) for name, values in self._history.items()}
        self._publish(self._start.with_parameters(parameters), history)

    def interrupted(self, parameters: NDArray[Any]) -> None:
        """Publish the last finished batch, if one was finished and is finite."""
        changed = not np.array_equal(parameters, self._start.parameters)
        if changed and _is_finite(parameters):
            self.publish(parameters)

    def raise_if_diverged(self, advice: str) -> None:
        """Raise TrainingDivergedError with the epoch, what the estimator holds and what to try."""
        if not self.diverged:
            return
        n_finite = self.n_epochs - self._n_earlier
        kept = (
            f"the estimator holds the weights of epoch {n_finite}"
            if n_finite
            else "the estimator is as it was before"
        )
        msg = (
            f"training stopped: the loss or a weight was not finite in epoch {n_finite + 1}; "
            f"{kept}. Try {advice}."
        )
        raise TrainingDivergedError(msg)


def _is_finite(parameters: NDArray[Any]) -> bool:
    # A sum meets every NaN and infinity in one pass and, unlike isfinite().all(), makes no array.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(parameters.sum(dtype=np.float64)))


def train_minibatches(
    network: Network,
    data: TrainingData,
    objective: _core.Objective,
    optimizer: _core.Optimizer,
    schedule: _core.Schedule,
    *,
    slots: NDArray[Any],
    recorder: Recorder,
    progress: Progress,
) -> int:
    """Train a copy of `network` over a schedule; `slots` is updated in place.

    Returns
    -------
    int
        Number of updates made.

    Raises
    ------
    TrainingDivergedError
        If an epoch ends with a loss or weight that is not finite.
    """
    parameters = network.with_parameters(network.parameters).parameters
    n_rows = data.n_training_rows
    n_done = 0

    def on_epoch(epoch: int, loss: float, validation_loss: float, seconds: float) -> bool:  # noqa: ARG001
        nonlocal n_done
        n_done += n_rows
        stop = recorder.epoch(parameters, loss, validation_loss, seconds)
        progress.move_to(n_done)
        return stop

    def on_progress(epoch: int, rows_done: int) -> None:  # noqa: ARG001
        progress.move_to(n_done + rows_done)

    try:
        n_updates = network._core.train(
            parameters,
            slots,
            data.X,
            data.target,
            data.sample_weight,
            data.rows,
            data.validation,
            objective,
            optimizer,
            schedule,
            network.n_threads or 0,
            on_epoch,
            on_progress if progress.visible else None,
        )
    except KeyboardInterrupt:
        recorder.interrupted(parameters)
        raise
    recorder.raise_if_diverged("a smaller learning_rate, or data scaled to numbers near 1")
    return n_updates
