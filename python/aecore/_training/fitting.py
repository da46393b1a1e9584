"""From a plan and checked rows to a trained network."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from sklearn.exceptions import ConvergenceWarning

from aecore._history import History
from aecore._problem.input import InputSettings
from aecore._problem.plan import Plan
from aecore._training.convergence import Rival, complaint, not_finite
from aecore._training.data import TrainingData
from aecore._training.lbfgs import train_lbfgs
from aecore._training.minibatches import train_minibatches
from aecore._training.passes import Call, call_after, ends_pass
from aecore._training.recorder import Audience, EarlyStopping, Position, Recorder
from aecore._training.start import new_network
from aecore._training.steps import Steps
from aecore._util.optimizer_state import OptimizerState
from aecore._util.progress import Progress
from aecore._util.warn import warn
from aecore.network import Network
from aecore.optimizers import LBFGS


def train(
    plan: Plan,
    network: Network,
    data: TrainingData,
    audience: Audience,
    *,
    at: Position | None = None,
    call: Call | None = None,
    title: str | None = None,
    compares: bool = True,
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
    call : Call, optional
        Of `partial_fit`: one unshuffled epoch after those before, whatever the plan says.
    title : str, optional
        What stands before the progress bar.
    compares : bool, default=True
        Whether the loss of the best constant goes into the history, and a training that is no
        better at its end warns.

    Raises
    ------
    TrainingDivergedError
        If the loss or a weight stops being finite.

    Warns
    -----
    ConvergenceWarning
        If it learned nothing.
    """
    at = Position() if at is None else at
    optimization, run = plan.optimization, plan.run
    n_before = at.history.n_epochs
    n_epochs = optimization.n_epochs if call is None else n_before + 1
    optimizer = optimization.optimizer
    total = (n_epochs - n_before) * (1 if optimization.full_batch else data.n_training_rows)
    early = None
    if optimization.early_stopping and call is None:
        early = EarlyStopping(optimization.patience, optimization.tolerance)
    objective = plan.objective.core(plan.layers, network._input, noise=plan.input, seed=run.seed)
    rival = Rival(plan, data, network._input) if compares else None
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
            constant_loss=math.nan if rival is None else rival.loss,
            validates=data.validation is not None,
            epoch=None if call is None else call.epoch,
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
            n_updates = recorder.n_epochs
        else:
            steps = Steps(plan, network._core, network.parameters, objective, state=at.state)
            train_minibatches(
                plan,
                data,
                steps,
                recorder=recorder,
                progress=progress,
                shuffle=bool(optimization.shuffle) and call is None,
                keep=audience.keep,
            )
            n_updates = steps.state.n_updates
    learned, history = recorder.published, recorder.history
    complaints: list[str | None] = []
    if rival is not None and learned is not None and (call is None or ends_pass(history)):
        complaints.append(complaint(rival, learned, history, n_updates))
    if data.validation is not None and learned is not None:
        complaints.append(not_finite(plan, data, learned, history["validation_loss"]))
    for said in complaints:
        if said is not None:
            warn(said, ConvergenceWarning)


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
    compares: bool = True,
) -> Trained:
    """Train a new network on checked rows, as an estimator's `fit` does.

    `entry` is what happens to rows before the first layer (None: what the plan asks for), `owner`
    what callbacks see as the estimator. The plan's share of the rows is held back, unless the data
    has some already. `compares` is as in `train`.
    """
    if data.validation is None:
        data = data.held_back(plan.optimization.validation_fraction, plan.run.seed)
    if entry is None:
        entry = plan.entry(data.X, data.rows, data.sample_weight)
    trained = Trained(new_network(plan, data, entry))
    audience = Audience(trained.publish, trained.keep, owner)
    train(plan, trained.network, data, audience, title=title, compares=compares)
    return trained


def pass_over(
    plan: Plan, data: TrainingData, entry: InputSettings, before: Trained | None
) -> Trained:
    """Pass over checked rows once, as an estimator's `partial_fit` does, after what was before.

    Nothing is compared with a constant.
    """
    start = None if before is None else before.network
    trained = Trained(new_network(plan, data, entry, start, "network_"))
    at = Position() if before is None else Position(before.history, before.optimizer_state)
    audience = Audience(trained.publish, trained.keep)
    call = call_after(at.history, None, data.X, at.history.n_epochs)
    train(plan, trained.network, data, audience, at=at, call=call, compares=False)
    return trained
