"""From a plan and checked rows to a trained network."""

from __future__ import annotations

from dataclasses import dataclass, field

from aecore._history import History
from aecore._problem.input import InputSettings
from aecore._problem.plan import Plan
from aecore._training.data import TrainingData
from aecore._training.lbfgs import train_lbfgs
from aecore._training.minibatches import train_minibatches
from aecore._training.recorder import Audience, EarlyStopping, Position, Recorder
from aecore._training.start import new_network
from aecore._training.steps import Steps
from aecore._util.optimizer_state import OptimizerState
from aecore._util.progress import Progress
from aecore.network import Network
from aecore.optimizers import LBFGS


def train(
    plan: Plan,
    network: Network,
    data: TrainingData,
    audience: Audience,
    *,
    at: Position | None = None,
    is_pass: bool = False,
    title: str | None = None,
) -> None:
    """Train `network` in place, which nobody else may use, and tell the audience of every epoch.

    Parameters
    ----------
    plan : Plan
    network : Network
        The start, of the plan's layers.
    data : TrainingData
    audience : Audience
    at : Position, optional
        Where the training goes on from; None begins anew.
    is_pass : bool, default=False
        Whether to make one unshuffled epoch after those before, whatever the plan says.
    title : str, optional
        What stands before the progress bar.

    Raises
    ------
    TrainingDivergedError
        If the loss or a weight stops being finite.
    """
    at = Position() if at is None else at
    optimization, run = plan.optimization, plan.run
    n_before = at.history.n_epochs
    n_epochs = n_before + 1 if is_pass else optimization.n_epochs
    optimizer = optimization.optimizer
    total = (n_epochs - n_before) * (1 if optimization.full_batch else data.n_training_rows)
    early = None
    if optimization.early_stopping and not is_pass:
        early = EarlyStopping(optimization.patience, optimization.tolerance)
    objective = plan.objective.core(plan.layers, network._input, noise=plan.input, seed=run.seed)
    with Progress(
        run.verbose, total, "iteration" if optimization.full_batch else "row", title
    ) as progress:
        recorder = Recorder(
            network,
            at.history,
            n_epochs,
            audience,
            progress,
            callbacks=run.callbacks,
            early_stopping=early,
        )
        if at.is_resumed:
            recorder.resume(at)
        if isinstance(optimizer, LBFGS):
            train_lbfgs(
                network,
                data,
                objective,
                total,
                history_size=optimizer.history_size,
                recorder=recorder,
                progress=progress,
            )
            return
        train_minibatches(
            plan,
            data,
            Steps(plan, network._core, network.parameters, objective, state=at.state),
            recorder=recorder,
            progress=progress,
            shuffle=bool(optimization.shuffle) and not is_pass,
            keep=audience.keep,
        )


@dataclass
class Trained:
    """What a training has learned, for whoever wants it at its end alone."""

    network: Network
    history: History = field(default_factory=History.empty)
    best_epoch: int | None = None
    optimizer_state: OptimizerState | None = None

    def publish(self, network: Network, history: History, best_epoch: int | None) -> None:
        """Take what a training has learned so far."""
        self.network, self.history, self.best_epoch = network, history, best_epoch
        self.optimizer_state = None

    def keep(self, state: OptimizerState) -> None:
        """Take the optimiser's state that belongs to it."""
        self.optimizer_state = state


def fit_rows(
    plan: Plan,
    data: TrainingData,
    entry: InputSettings | None = None,
    *,
    owner: object = None,
    title: str | None = None,
) -> Trained:
    """Train a new network on checked rows, as an estimator's `fit` does.

    `entry` is what happens to rows before the first layer (None: what the plan asks for), `owner`
    what callbacks see as the estimator. The plan's share of the rows is held back, unless the data
    has some already.
    """
    if data.validation is None:
        data = data.held_back(plan.optimization.validation_fraction, plan.run.seed)
    if entry is None:
        entry = plan.entry(data.X, data.rows, data.sample_weight)
    trained = Trained(new_network(plan, data, entry))
    audience = Audience(trained.publish, trained.keep, owner)
    train(plan, trained.network, data, audience, title=title)
    return trained


def pass_over(
    plan: Plan, data: TrainingData, entry: InputSettings, before: Trained | None
) -> Trained:
    """Pass over checked rows once, as an estimator's `partial_fit` does, after what was before."""
    start = None if before is None else before.network
    trained = Trained(new_network(plan, data, entry, start, "network_"))
    at = None if before is None else Position(before.history, before.optimizer_state)
    audience = Audience(trained.publish, trained.keep)
    train(plan, trained.network, data, audience, at=at, is_pass=True)
    return trained
