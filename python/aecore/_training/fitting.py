"""What `fit` and `partial_fit` do: check everything, train a copy, publish what it learned."""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from aecore import _core
from aecore._checks.rules import check_params, parameter_error
from aecore._estimators.intake import as_data, as_x, hold_back, input_settings
from aecore._history import History
from aecore._network.initialization import seed_from
from aecore._problem.input import InputSettings
from aecore._training.checkpointing import CheckpointWriter, Run
from aecore._training.minibatches import OptimizerState, TrainingData, with_unlabeled
from aecore._training.optimization import publish_learned, scaling, train
from aecore._training.start import new_network
from aecore.network import Network
from aecore.optimizers import LBFGS, _as_optimizer

if TYPE_CHECKING:
    from typing import TypeAlias

    from aecore.autoencoder import Autoencoder
    from aecore.checkpoint import Checkpoint
    from aecore.classifier import AutoencoderClassifier

    Estimator: TypeAlias = Autoencoder | AutoencoderClassifier


def fit(  # noqa: PLR0917
    estimator: Estimator,
    X: Any,
    target: Any,
    sample_weight: Any,
    validation_data: Any,
    init: Network | None,
    checkpoint: Checkpoint | None = None,
    resume_from: str | os.PathLike[str] | None = None,
    *,
    unlabeled: Any = None,
    learned: Mapping[str, Any] | None = None,
) -> None:
    """Train `estimator` from the start, or from a checkpoint; it changes only by `publish_learned`.

    `unlabeled` rows take part in pretraining alone; `learned` are attributes to publish with the
    network.
    """
    check_settings(estimator)
    # scikit-learn's validation writes n_features_in_ and feature_names_in_: not on the original.
    probe = copy.copy(estimator)
    probe.__dict__.pop("pretraining_history_", None)
    probe.__dict__.update(learned or {})
    data = as_data(probe, X, target, sample_weight, reset=True)
    run = None if resume_from is None else Run.read(resume_from)
    seed = seed_from(estimator.random_state) if run is None else run.seed
    data = hold_back(probe, data, validation_data, seed)
    start, name = init, "init"
    if start is None and estimator.warm_start:
        start, name = getattr(estimator, "network_", None), "network_"
    if run is not None:
        run.check(estimator, probe, data)
        start, name = run.model.network_, "resume_from"
    writer = None if checkpoint is None else CheckpointWriter(checkpoint, estimator, data)
    wanted = estimator.pretrain
    pretrains = start is None and not (isinstance(wanted, bool | np.bool_) and not wanted)
    seen = data
    if unlabeled is not None and run is None:
        if not pretrains:
            rule = "be None where nothing is pretrained (pretrain=False, init, warm_start)"
            raise parameter_error("unlabeled", rule, unlabeled)
        seen = with_unlabeled(data, as_x(probe, unlabeled, reset=False))
    entry = input_settings(estimator, seen, None if run is None else start)
    network = new_network(probe, data, seed, start, name, entry)
    title = None
    if pretrains:
        from aecore._training.pretraining import pretrain

        probe.pretraining_history_ = pretrain(estimator, network, seen, seed)
        title = "fine-tuning"
    elif run is not None and hasattr(run.model, "pretraining_history_"):
        probe.pretraining_history_ = run.model.pretraining_history_
    del seen  # with unlabeled rows, a copy of all
    train(
        estimator,
        probe,
        network,
        data,
        n_epochs=estimator.n_epochs - (0 if run is None else run.n_epochs),
        seed=seed,
        run=run,
        checkpoints=writer,
        title=title,
    )


def adopt(estimator: Estimator, X: Any, network: Network) -> None:
    """Make `estimator` one that has learned `network`, which reads rows as it always did."""
    check_settings(estimator)
    probe = copy.copy(estimator)
    data = as_data(probe, X, None, None, reset=True)
    if not isinstance(network, Network):
        raise parameter_error("init", "be None or a Network", network)
    adopted = new_network(probe, data, 0, network, "init", network._input)
    publish_learned(
        estimator, probe, network_=adopted, _history=History.empty(), **scaling(adopted)
    )


def fit_layer(
    layer: Autoencoder, data: TrainingData, entry: InputSettings, seed: int, title: str
) -> Network:
    """Train an autoencoder on checked rows, as `fit` would; `entry` is what happens to them."""
    layer.n_features_in_ = data.X.shape[1]
    if data.validation is None:
        data = hold_back(layer, data, None, seed)
    network = new_network(layer, data, seed, None, "init", entry)
    train(layer, layer, network, data, n_epochs=layer.n_epochs, seed=seed, title=title)
    return layer.network_


def pass_over(layer: Autoencoder, data: TrainingData, entry: InputSettings, seed: int) -> None:
    """Train an autoencoder on checked rows, as `partial_fit` would."""
    layer.n_features_in_ = data.X.shape[1]
    previous: Network | None = getattr(layer, "network_", None)
    network = new_network(layer, data, seed, previous, "network_", entry)
    state: OptimizerState | None = getattr(layer, "_optimizer_state", None)
    history: History | None = getattr(layer, "_history", None)
    train(layer, layer, network, data, n_epochs=None, seed=seed, state=state, history=history)


def partial_fit(
    estimator: Estimator,
    X: Any,
    target: Any,
    sample_weight: Any,
    learned: Mapping[str, Any] | None = None,
) -> None:
    """Train `estimator` for one unshuffled epoch from where it is."""
    check_settings(estimator)
    probe = copy.copy(estimator)
    probe.__dict__.update(learned or {})
    previous: Network | None = getattr(estimator, "network_", None)
    data = as_data(probe, X, target, sample_weight, reset=previous is None)
    seed = getattr(estimator, "_seed", 0)  # of noise and dropout: that of the first call
    if previous is None:
        seed = seed_from(estimator.random_state)
    entry = input_settings(estimator, data, previous)
    network = new_network(probe, data, seed, previous, "network_", entry)
    state: OptimizerState | None = getattr(estimator, "_optimizer_state", None)
    history: History | None = getattr(estimator, "_history", None)
    train(estimator, probe, network, data, n_epochs=None, seed=seed, state=state, history=history)


@functools.cache
def _parameter_names(kind: type[Any]) -> tuple[str, ...]:
    # What get_params does, which reads the signature anew each time: 60 us.
    return tuple(kind._get_param_names())


def check_settings(estimator: Estimator) -> None:
    """Raise ValueError for a parameter that breaks its rule or does not go with the others."""
    kind: Any = type(estimator)
    check_params({name: getattr(estimator, name) for name in _parameter_names(kind)})
    if isinstance(_as_optimizer(estimator.optimizer), LBFGS):
        for name in ("learning_rate", "learning_rate_schedule", "clip_norm"):
            if getattr(estimator, name) is not None:
                rule = "be None with optimizer 'lbfgs', which finds its own steps"
                raise parameter_error(name, rule, getattr(estimator, name))
        for name in ("dropout", "sparsity_momentum"):
            if getattr(estimator, name) != 0:
                rule = "be 0 with optimizer 'lbfgs', which wants the same J at every step"
                raise parameter_error(name, rule, getattr(estimator, name))
        if estimator._gaussian_code:
            rule = f"be one of {_core.OPTIMIZERS} with a Gaussian code, drawn anew in each epoch"
            raise parameter_error("optimizer", rule, "lbfgs")
    elif estimator.trim_fraction > 0 and estimator.trim_fraction * estimator.batch_size < 1:
        rule = f"be at least 1 / trim_fraction, for a row to leave out ({estimator.trim_fraction})"
        raise parameter_error("batch_size", rule, estimator.batch_size)
    estimator._beta_schedule()
    if estimator.scale is not None and estimator.input_scale != 1:
        rule = f"be 1 with scale {estimator.scale!r}"
        raise parameter_error("input_scale", rule, estimator.input_scale)
    if estimator.loss == "binary_cross_entropy" and estimator.output_activation != "sigmoid":
        rule = "be 'sigmoid', whose range is (0, 1), with loss 'binary_cross_entropy'"
        raise parameter_error("output_activation", rule, estimator.output_activation)
    if (estimator.loss == "multinomial") != (estimator.output_activation == "softmax"):
        rule = f"be 'softmax' exactly with loss 'multinomial', not with {estimator.loss!r}"
        raise parameter_error("output_activation", rule, estimator.output_activation)
