"""Training by minibatches: epochs in the core, schedules and the recorder between them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aecore import _core
from aecore._checks.rules import MAX_COUNT, NOT_NEGATIVE, parameter_error
from aecore._problem.plan import Plan
from aecore._training.data import TrainingData
from aecore._training.recorder import Recorder
from aecore._training.steps import PARTS, Steps
from aecore._util.optimizer_state import OptimizerState
from aecore._util.progress import Progress
from aecore.schedules import Constant, Schedule


@dataclass(frozen=True)
class Scheduled:
    """A number that a schedule changes from epoch to epoch."""

    base: float
    schedule: Schedule
    n_epochs: int  # of the plan
    name: str  # of the parameter that holds the schedule, for errors

    @property
    def is_constant(self) -> bool:
        """Whether it never changes."""
        return type(self.schedule) is Constant

    def at(self, epoch: int, history: Mapping[str, list[float]]) -> float:
        """Return the number for the epoch that follows `history`."""
        factor = self.schedule(epoch, self.n_epochs, history)
        if not NOT_NEGATIVE.holds(factor):
            rule = f"return a finite number >= 0 for epoch {epoch}"
            raise parameter_error(self.name, rule, factor)
        return self.base * float(factor)


def train_minibatches(
    plan: Plan,
    data: TrainingData,
    steps: Steps,
    *,
    recorder: Recorder,
    progress: Progress,
    shuffle: bool,
    keep: Callable[[OptimizerState], None],
) -> None:
    """Train until the recorder has all epochs; the parameters of `steps` are updated in place.

    One call of the core makes all epochs; it only returns early for checkpoints, which need its
    optimiser state. `keep` is called with that at the end, however it comes, if it belongs to the
    network published last: not after a divergence, nor when an earlier epoch was the best.

    Raises
    ------
    TrainingDivergedError
        If an epoch ends with a loss or weight that is not finite.
    """
    optimization, n_epochs = plan.optimization, plan.optimization.n_epochs
    rate = Scheduled(
        steps.rule.learning_rate,
        optimization.learning_rate_schedule or Constant(),
        n_epochs,
        "learning_rate_schedule",
    )
    warm_up = None
    if optimization.beta_schedule is not None:
        warm_up = Scheduled(1.0, optimization.beta_schedule, n_epochs, "beta_schedule")
    changes = recorder.wants_each_epoch or not rate.is_constant or warm_up is not None
    parameters = steps.parameters
    first_update = steps.state.n_updates

    def set_epoch() -> None:
        if rate.is_constant and warm_up is None:
            steps.rule.learning_rate = rate.base
            return
        epoch, history = recorder.scheduled()
        steps.rule.learning_rate = rate.at(epoch, history)
        if warm_up is not None:
            steps.objective.warm_up = warm_up.at(epoch, history)

    if not recorder.has_ended:
        set_epoch()
    n_rows = data.n_training_rows
    n_done = 0

    def on_epoch(epoch: int, loss: float, validation_loss: float, seconds: float) -> bool:  # noqa: ARG001
        nonlocal n_done
        *earlier, last = steps.ended(recorder.n_epochs)
        n_done += n_rows * (len(earlier) + 1)
        stop = recorder.epoch(
            parameters,
            loss,
            validation_loss,
            seconds,
            learning_rate=steps.rule.learning_rate,
            parts={name: last[name] for name in PARTS if name in last},
            earlier=earlier,
        )
        progress.move_to(n_done)
        if not (stop or recorder.is_complete):
            set_epoch()
        return stop or recorder.checkpoint_is_due

    def on_progress(epoch: int, rows_done: int) -> None:  # noqa: ARG001
        progress.move_to(n_done + rows_done)

    rows, validation = data.core(), data.core_validation()
    try:
        while not recorder.has_ended:
            schedule = _core.Schedule(
                batch_size=min(optimization.batch_size, n_rows),
                n_epochs=recorder.n_left,
                shuffle=shuffle,
                seed=plan.run.seed,
                first_epoch=recorder.n_epochs,
                first_step=steps.state.n_updates,
                epochs_per_report=1 if changes else MAX_COUNT,
            )
            steps.run(
                rows,
                schedule,
                on_epoch,
                validation=validation,
                on_progress=on_progress if progress.visible else None,
            )
            recorder.write_checkpoint(steps.state)
        recorder.raise_if_diverged("a smaller learning_rate, or data scaled to numbers near 1")
        recorder.restore_best()
    except KeyboardInterrupt:
        if steps.state.n_updates > first_update:
            recorder.interrupted(parameters, steps.ended(recorder.n_epochs))
        raise
    finally:
        if recorder.has_published(parameters):
            keep(steps.state)
