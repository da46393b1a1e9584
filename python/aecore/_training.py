"""One training, from checked arrays to finished epochs: the minibatch driver and what it shares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._history import History
from aecore._initialization import column_means
from aecore._parameters import _NOT_NEGATIVE, parameter_error
from aecore._progress import Progress
from aecore._recorder import Recorder
from aecore._sparse import stack_rows
from aecore.schedules import Constant, Schedule

if TYPE_CHECKING:
    from aecore.network import Network


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

    @property
    def core(self) -> _core.Data:
        """The rows to learn from, for the core."""
        return _core.Data(
            self.X, target=self.target, sample_weight=self.sample_weight, rows=self.rows
        )

    @property
    def core_validation(self) -> _core.Data | None:
        """The rows of `validation`, for the core."""
        if self.validation is None:
            return None
        X, target, rows = self.validation
        return _core.Data(X, target=target, rows=rows)


@dataclass(frozen=True)
class OptimizerState:
    """What `partial_fit` needs to go on as if training had never stopped."""

    optimizer: str
    slots: NDArray[Any]  # (n_slots, n_parameters)
    n_updates: int
    # rho_hat of the last batch, one layer after the other; NaN before the first, empty: unknown.
    running: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))


@dataclass(frozen=True)
class Scheduled:
    """A number that a schedule changes from epoch to epoch."""

    base: float
    schedule: Schedule
    n_epochs: int  # of the estimator
    name: str  # of the schedule

    @property
    def is_constant(self) -> bool:
        """Whether it never changes."""
        return isinstance(self.schedule, Constant)

    def at(self, epoch: int, history: History) -> float:
        """Return the number for the epoch that follows `history`."""
        factor = self.schedule(epoch, self.n_epochs, history)
        if not _NOT_NEGATIVE.holds(factor):
            rule = f"return a finite number >= 0 for epoch {epoch}"
            raise parameter_error(self.name, rule, factor)
        return self.base * float(factor)


def input_means(network: Network, data: TrainingData) -> NDArray[np.float64]:
    """Mean of each column of X as the network sees it, missing numbers left out."""
    mean = column_means(
        data.X,
        data.rows,
        data.sample_weight,
        network.dtype,
        skip_nan=network._input.mask_missing,
    )
    return network._input.apply(mean)


def with_unlabeled(data: TrainingData, unlabeled: Any) -> TrainingData:
    """Append rows to learn from, of weight 1, to rows whose target nobody asks for any more."""
    n_rows, n_more = data.X.shape[0], unlabeled.shape[0]
    X = stack_rows(data.X, unlabeled, "unlabeled")
    rows, sample_weight, validation = data.rows, data.sample_weight, data.validation
    if rows is not None:
        rows = np.concatenate([rows, np.arange(n_rows, n_rows + n_more)])
    if sample_weight is not None:
        sample_weight = np.concatenate([sample_weight, np.ones(n_more)])
    if validation is not None:
        X_held, _, rows_held = validation
        validation = (X if X_held is data.X else X_held, None, rows_held)
    return TrainingData(X, None, sample_weight, rows, validation)


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


def train_minibatches(  # noqa: PLR0917
    network: Network,
    data: TrainingData,
    objective: _core.Objective,
    optimizer: _core.Optimizer,
    schedule: Callable[[int], _core.Schedule],
    learning_rate: Scheduled,
    warm_up: Scheduled | None = None,
    *,
    state: OptimizerState,
    recorder: Recorder,
    progress: Progress,
    keep: Callable[[OptimizerState], None],
) -> None:
    """Train until the recorder has all epochs; `network` and `state` are updated in place.

    `warm_up` is the factor on beta, by default 1.

    The core runs through, but for checkpoints, which need its optimiser state: `schedule` gives the
    epochs to come after so many updates. `keep` is called with the state at the end, however that
    comes, if it belongs to the network published last: not after a divergence, nor when an earlier
    epoch was the best.

    Raises
    ------
    TrainingDivergedError
        If an epoch ends with a loss or weight that is not finite.
    """
    parameters = network.parameters
    first_update = state.n_updates

    def set_epoch() -> None:
        epoch, history = recorder.n_epochs, recorder.history
        optimizer.learning_rate = learning_rate.at(epoch, history)
        if warm_up is not None:
            objective.warm_up = warm_up.at(epoch, history)

    if not recorder.has_ended:
        set_epoch()
    n_rows = data.n_training_rows
    n_done = 0

    def on_epoch(epoch: int, loss: float, validation_loss: float, seconds: float) -> bool:  # noqa: ARG001
        nonlocal n_done
        *earlier, _ = ended()
        n_done += n_rows * (len(earlier) + 1)
        rate = optimizer.learning_rate
        stop = recorder.epoch(
            parameters, loss, validation_loss, seconds, learning_rate=rate, earlier=earlier
        )
        progress.move_to(n_done)
        if not (stop or recorder.is_complete):
            set_epoch()
        return stop or recorder.checkpoint_is_due

    def ended() -> list[dict[str, float]]:
        """Epochs that the recorder is still to hear of."""
        rate = optimizer.learning_rate
        return [
            {"loss": loss, "seconds": s, "learning_rate": rate, "validation_loss": held}
            for epoch, loss, held, s in steps.waiting
            if epoch >= recorder.n_epochs
        ]

    def on_progress(epoch: int, rows_done: int) -> None:  # noqa: ARG001
        progress.move_to(n_done + rows_done)

    steps = _core.Progress()
    try:
        while not recorder.has_ended:
            steps = _core.Progress()
            try:
                network._core.train(
                    parameters,
                    state.slots,
                    data.core,
                    validation=data.core_validation,
                    objective=objective,
                    optimizer=optimizer,
                    schedule=schedule(state.n_updates),
                    n_threads=network.n_threads or 0,
                    on_epoch=on_epoch,
                    on_progress=on_progress if progress.visible else None,
                    progress=steps,
                    running=state.running,
                )
            finally:
                state = replace(state, n_updates=state.n_updates + steps.steps)
            recorder.write_checkpoint(state)
        recorder.raise_if_diverged("a smaller learning_rate, or data scaled to numbers near 1")
        recorder.restore_best()
    except KeyboardInterrupt:
        if state.n_updates > first_update:
            recorder.interrupted(parameters, ended())
        raise
    finally:
        if recorder.has_published(parameters):
            keep(state)
