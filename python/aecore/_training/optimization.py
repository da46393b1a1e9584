"""From a network and checked rows to a trained one, by the parameters of an estimator."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.rules import MAX_COUNT
from aecore._history import History
from aecore._problem.objective import make_objective, running_vector
from aecore._training.checkpointing import CheckpointWriter, Run
from aecore._training.lbfgs import train_lbfgs
from aecore._training.minibatches import OptimizerState, Scheduled, TrainingData, train_minibatches
from aecore._training.recorder import Audience, EarlyStopping, Recorder
from aecore._util.progress import Progress
from aecore.network import Network
from aecore.optimizers import LBFGS, AdamW, Optimizer, _as_optimizer
from aecore.schedules import _as_schedule

if TYPE_CHECKING:
    from aecore._training.fitting import Estimator
    from aecore.callbacks import Callback

# Learned attributes that a training may have or not.
_OPTIONAL = (
    "feature_names_in_",
    "best_epoch_",
    "offset_",
    "factor_",
    "classes_",
    "pretraining_history_",
    "sample_shape_",
)


def train(
    estimator: Estimator,
    probe: Estimator,
    network: Network,
    data: TrainingData,
    *,
    n_epochs: int | None,
    seed: int,
    state: OptimizerState | None = None,
    history: History | None = None,
    run: Run | None = None,
    checkpoints: CheckpointWriter | None = None,
    title: str | None = None,
) -> None:
    """Run the optimiser; `n_epochs` None means one unshuffled epoch that goes on from `state`.

    `title` stands before the progress bar.
    """
    optimizer = _as_optimizer(estimator.optimizer)
    objective = _objective(estimator, optimizer, network, seed)

    def publish(published: Network, learned: History, best_epoch: int | None) -> None:
        attributes = {"network_": published, "_history": learned, "_optimizer_state": None}
        extra: dict[str, Any] = {} if best_epoch is None else {"best_epoch_": best_epoch}
        extra |= scaling(published)
        publish_learned(estimator, probe, **attributes, **extra, _seed=seed)

    full_batch = isinstance(optimizer, LBFGS)
    if run is not None:
        state, history = run.optimizer_state, run.history
    history = history or History.empty()
    last_epoch = history.n_epochs + (1 if n_epochs is None else n_epochs)
    total = (last_epoch - history.n_epochs) * (1 if full_batch else data.n_training_rows)
    unit = "iteration" if full_batch else "row"
    with Progress(estimator.verbose, total, unit, title) as progress:
        stopping = estimator.early_stopping and n_epochs is not None
        audience = _audience(
            estimator, last_epoch, data, stopping=stopping, checkpoints=checkpoints
        )
        recorder = Recorder(network, history, publish, progress, audience)
        if run is not None:
            recorder.resume(run)
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
        rate = _learning_rate(estimator, optimizer, network)
        beta_schedule = estimator._beta_schedule()
        warm_up = None
        if beta_schedule is not None:
            warm_up = Scheduled(1.0, beta_schedule, estimator.n_epochs, "beta_schedule")
        rule = core_optimizer(estimator, optimizer, rate.base)
        running = _no_running(estimator, network)
        state = _next_state(state, optimizer.name, rule, network, running)

        changes = recorder.wants_each_epoch or not rate.is_constant or warm_up is not None

        def schedule(n_updates: int) -> _core.Schedule:
            return _core.Schedule(
                batch_size=min(estimator.batch_size, data.n_training_rows),
                n_epochs=last_epoch - recorder.n_epochs,
                shuffle=n_epochs is not None and bool(estimator.shuffle),
                seed=seed,
                first_epoch=recorder.n_epochs,
                first_step=n_updates,
                epochs_per_report=1 if changes else MAX_COUNT,
            )

        def keep(kept: OptimizerState) -> None:
            estimator._optimizer_state = kept

        train_minibatches(
            network,
            data,
            objective,
            rule,
            schedule,
            rate,
            warm_up,
            state=state,
            recorder=recorder,
            progress=progress,
            keep=keep,
        )


def _objective(
    estimator: Estimator, optimizer: Optimizer, network: Network, seed: int
) -> _core.Objective:
    return make_objective(
        network.activations,
        network.code_layer,
        network._input,
        loss=estimator.loss,
        weight_decay=0.0 if isinstance(optimizer, AdamW) else estimator.weight_decay,
        sparsity_weight=estimator.sparsity_weight,
        sparsity_target=estimator.sparsity_target,
        sparsity_layers=estimator.sparsity_layers,
        noise=estimator.noise,
        noise_level=estimator.noise_level,
        noise_emphasis=estimator.noise_emphasis,
        sparsity_momentum=estimator.sparsity_momentum,
        weight_l1=estimator.weight_l1,
        activity_l1=estimator.activity_l1,
        contractive_weight=estimator.contractive_weight,
        dropout=estimator.dropout,
        trim_fraction=estimator.trim_fraction,
        observed_only=estimator._observed_only,
        seed=seed,
        **estimator._divergence_settings(),
    )


def _audience(
    estimator: Estimator,
    n_epochs: int,
    data: TrainingData,
    *,
    stopping: bool,
    checkpoints: CheckpointWriter | None,
) -> Audience:
    early = EarlyStopping(estimator.patience, estimator.tolerance) if stopping else None
    callbacks = as_callbacks(estimator.callbacks)
    measure = estimator._measure(data)
    return Audience(estimator, n_epochs, callbacks, early, checkpoints, measure)


def as_callbacks(callbacks: Any) -> tuple[Callback, ...]:
    """See what the parameter `callbacks` may be as a tuple."""
    if callbacks is None:
        return ()
    return (callbacks,) if hasattr(callbacks, "on_epoch_end") else tuple(callbacks)


def core_optimizer(
    estimator: Estimator, optimizer: Optimizer, learning_rate: float
) -> _core.Optimizer:
    """Build the core's update rule, with the estimator's `weight_decay` and `clip_norm`."""
    settings = {**optimizer.settings(), "learning_rate": learning_rate}
    if isinstance(optimizer, AdamW):
        settings["weight_decay"] = float(estimator.weight_decay)
    if estimator.clip_norm is not None:
        settings["clip_norm"] = float(estimator.clip_norm)
    return _core.Optimizer(name=optimizer.name, **settings)


def _no_running(estimator: Estimator, network: Network) -> NDArray[np.float64]:
    """rho_hat before the first batch: there is none."""
    if estimator.sparsity_weight == 0:
        return np.empty(0)
    return running_vector(None, *network._sparse_widths(estimator.sparsity_layers))


def _next_state(
    state: OptimizerState | None,
    name: str,
    optimizer: _core.Optimizer,
    network: Network,
    running: NDArray[np.float64],
) -> OptimizerState:
    """Copy `state` to go on from, or begin anew when there is none or it is another optimiser's."""
    if state is None or state.optimizer != name:
        slots = np.zeros((optimizer.n_slots, network.parameters.size), network.dtype)
        return OptimizerState(name, slots, 0, running)
    if state.running.shape == running.shape:
        running = state.running.copy()
    return OptimizerState(name, state.slots.astype(network.dtype), state.n_updates, running)


def _learning_rate(estimator: Estimator, optimizer: Optimizer, network: Network) -> Scheduled:
    base = estimator.learning_rate
    if base is None:
        base = optimizer.settings()["learning_rate"]
    if base is None:
        base = 1.0 / network.layer_sizes[-1]
    schedule = _as_schedule(estimator.learning_rate_schedule)
    return Scheduled(float(base), schedule, estimator.n_epochs, "learning_rate_schedule")


def publish_learned(estimator: Estimator, probe: Estimator, **learned: Any) -> None:
    """Write all learned attributes in one step, so that no thread sees half of a model."""
    learned["n_features_in_"] = probe.n_features_in_
    for name in ("feature_names_in_", "classes_", "pretraining_history_", "sample_shape_"):
        if hasattr(probe, name):
            learned[name] = getattr(probe, name)
    for name in _OPTIONAL:
        if name not in learned:
            estimator.__dict__.pop(name, None)
    estimator.__dict__.update(learned)


def scaling(network: Network) -> dict[str, Any]:
    """What an estimator says of the columns' scales, if they have any."""
    if network._input.offset is None:
        return {}
    return {"offset_": network._input.offset, "factor_": network._input.factor}
