"""What `fit` and `partial_fit` do: check everything, train a copy, publish what it learned."""

from __future__ import annotations

import copy
import functools
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from aecore import _core
from aecore._arrays import as_rows, as_sample_weight, as_target
from aecore._checkpointing import CheckpointWriter, Run
from aecore._history import History
from aecore._initialization import (
    column_means,
    seed_from,
    set_output_biases,
    set_sparse_biases,
)
from aecore._input import InputSettings, fit_scaling
from aecore._layer_list import activation_of, gaussian_layer, resolve_layers
from aecore._lbfgs import train_lbfgs
from aecore._objective import make_objective, running_vector, sparse_layers
from aecore._parameters import MAX_COUNT, check_params, parameter_error
from aecore._progress import Progress
from aecore._recorder import Audience, EarlyStopping, Recorder
from aecore._sparse import check_before_conversion
from aecore._training import (
    OptimizerState,
    Scheduled,
    TrainingData,
    input_means,
    split_rows,
    train_minibatches,
    with_unlabeled,
)
from aecore.layers import AnyLayer, Dense, Gaussian
from aecore.network import Network
from aecore.optimizers import LBFGS, AdamW, Optimizer, _as_optimizer
from aecore.schedules import _as_schedule

if TYPE_CHECKING:
    from typing import TypeAlias

    from aecore.autoencoder import Autoencoder
    from aecore.checkpoint import Checkpoint
    from aecore.classifier import AutoencoderClassifier

    Estimator: TypeAlias = Autoencoder | AutoencoderClassifier

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
    """Train `estimator` from the start, or from a checkpoint; it changes only by `_publish`.

    `unlabeled` rows take part in pretraining alone; `learned` are attributes to publish with the
    network.
    """
    check_settings(estimator)
    # scikit-learn's validation writes n_features_in_ and feature_names_in_: not on the original.
    probe = copy.copy(estimator)
    probe.__dict__.pop("pretraining_history_", None)
    probe.__dict__.update(learned or {})
    data = _as_data(probe, X, target, sample_weight, reset=True)
    run = None if resume_from is None else Run.read(resume_from)
    seed = seed_from(estimator.random_state) if run is None else run.seed
    data = _hold_back(probe, data, validation_data, seed)
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
        seen = with_unlabeled(data, _as_x(probe, unlabeled, reset=False))
    entry = _input_settings(estimator, seen, None if run is None else start)
    network = _new_network(probe, data, seed, start, name, entry)
    title = None
    if pretrains:
        from aecore._pretraining import pretrain

        probe.pretraining_history_ = pretrain(estimator, network, seen, seed)
        title = "fine-tuning"
    elif run is not None and hasattr(run.model, "pretraining_history_"):
        probe.pretraining_history_ = run.model.pretraining_history_
    del seen  # with unlabeled rows, a copy of all
    _train(
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


def fit_layer(
    layer: Autoencoder, data: TrainingData, entry: InputSettings, seed: int, title: str
) -> Network:
    """Train an autoencoder on checked rows, as `fit` would; `entry` is what happens to them."""
    layer.n_features_in_ = data.X.shape[1]
    if data.validation is None:
        data = _hold_back(layer, data, None, seed)
    network = _new_network(layer, data, seed, None, "init", entry)
    _train(layer, layer, network, data, n_epochs=layer.n_epochs, seed=seed, title=title)
    return layer.network_


def pass_over(layer: Autoencoder, data: TrainingData, entry: InputSettings, seed: int) -> None:
    """Train an autoencoder on checked rows, as `partial_fit` would."""
    layer.n_features_in_ = data.X.shape[1]
    previous: Network | None = getattr(layer, "network_", None)
    network = _new_network(layer, data, seed, previous, "network_", entry)
    state: OptimizerState | None = getattr(layer, "_optimizer_state", None)
    history: History | None = getattr(layer, "_history", None)
    _train(layer, layer, network, data, n_epochs=None, seed=seed, state=state, history=history)


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
    data = _as_data(probe, X, target, sample_weight, reset=previous is None)
    seed = getattr(estimator, "_seed", 0)  # of noise and dropout: that of the first call
    if previous is None:
        seed = seed_from(estimator.random_state)
    entry = _input_settings(estimator, data, previous)
    network = _new_network(probe, data, seed, previous, "network_", entry)
    state: OptimizerState | None = getattr(estimator, "_optimizer_state", None)
    history: History | None = getattr(estimator, "_history", None)
    _train(estimator, probe, network, data, n_epochs=None, seed=seed, state=state, history=history)


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


def _as_data(
    probe: Estimator, X: Any, target: Any, sample_weight: Any, *, reset: bool
) -> TrainingData:
    rows = _as_x(probe, X, reset=reset)
    return TrainingData(
        X=rows,
        target=_as_target(probe, target, rows),
        sample_weight=as_sample_weight(sample_weight, rows.shape[0]),
    )


def _as_x(probe: Estimator, X: Any, *, reset: bool) -> Any:
    check_before_conversion(X, "X")
    X = probe._flat_rows(X, reset=reset)
    rows = validated(probe, X, reset=reset)
    # scikit-learn lets a list with None, or dates, through as they are.
    return as_rows(rows, rows.shape[1], "X")


def validated(estimator: Any, X: Any, *, reset: bool) -> Any:
    """See X as scikit-learn does, with its errors: rows whose numbers nobody has looked at yet.

    `reset`: write `n_features_in_` and `feature_names_in_`, else compare.
    """
    named = hasattr(estimator, "feature_names_in_")
    if _is_plain(X) and not named and (reset or X.shape[1] == estimator.n_features_in_):
        if reset:
            estimator.n_features_in_ = X.shape[1]
        return X  # as from validate_data, which takes 100 us to see that
    return validate_data(
        estimator, X, reset=reset, accept_sparse="csr", dtype="numeric", ensure_all_finite=False
    )


def _is_plain(X: Any) -> bool:
    """Whether X is an array that scikit-learn would take as it is."""
    return type(X) is np.ndarray and X.dtype.kind in "fiub" and X.ndim == 2 and X.size > 0


def _as_target(probe: Estimator, target: Any, rows: Any) -> Any:
    """See what the output should be: of the width of X, or of its own for a classifier."""
    width = rows.shape[1] if probe._reproduces_input else target.shape[1]
    if target is not None:
        target = probe._flat_rows(target, reset=False, name="target")
    return as_target(target, rows.shape[0], width)


def _hold_back(
    probe: Estimator, data: TrainingData, validation_data: Any, seed: int
) -> TrainingData:
    """Add the validation rows: the caller's, a drawn share of X, or none."""
    fraction = probe.validation_fraction
    if validation_data is None:
        if fraction == 0:
            return data
        training, validation = split_rows(data.X.shape[0], fraction, seed)
        return TrainingData(
            data.X,
            data.target,
            data.sample_weight,
            rows=training,
            validation=(data.X, data.target, validation),
        )
    if fraction != 0:
        raise parameter_error("validation_fraction", "be 0 when validation_data is given", fraction)
    pair = validation_data if isinstance(validation_data, tuple) else (validation_data, None)
    if len(pair) != 2:
        msg = f"validation_data must be X or a tuple (X, target); got a tuple of {len(pair)}"
        raise ValueError(msg)
    X, target = pair
    if (target is None) != (data.target is None):
        msg = (
            "validation_data must be a tuple (X, target) exactly when target is given; got "
            f"target {'given' if data.target is not None else 'None'}"
        )
        raise ValueError(msg)
    rows = _as_x(probe, X, reset=False)
    return TrainingData(
        data.X,
        data.target,
        data.sample_weight,
        validation=(rows, _as_target(probe, target, rows), None),
    )


def _new_network(  # noqa: PLR0917
    estimator: Estimator,
    data: TrainingData,
    seed: int,
    start: Network | None,
    name: str,
    entry: InputSettings,
) -> Network:
    """Build a private network by the estimator's parameters that begins like `start`, or anew."""
    n_features = data.X.shape[1]
    n_outputs = n_features if data.target is None else data.target.shape[1]
    made, code_layer = estimator._make_layers(n_features, n_outputs)
    layers = list(resolve_layers(n_features, made)[1])
    settings: dict[str, Any] = {
        "dtype": estimator.dtype,
        "code_layer": code_layer,
        "n_threads": estimator.n_threads,
        "code_top_k": estimator.code_top_k,
    }
    if start is None:
        network = Network(
            n_features,
            layers,
            **settings,
            initialization=estimator.initialization,
            tied_weights=estimator.tied_weights,
            random_state=seed,
        )
        network._input = entry
        _set_start_biases(estimator, network, data)
        return network
    if not isinstance(start, Network):
        raise parameter_error(name, "be None or a Network", start)
    if (start.layer_sizes[0], start.layers) != (n_features, layers):
        msg = (
            f"{name} must have {_shape_text(n_features, layers)}, as the parameters and X ask "
            f"for; got {_shape_text(start.layer_sizes[0], start.layers)}"
        )
        raise ValueError(msg)
    if start.tied_weights != estimator.tied_weights:
        rule = f"be {start.tied_weights} as in {name}"
        raise parameter_error("tied_weights", rule, estimator.tied_weights)
    return start._copy(start.parameters, **settings, input_settings=entry)


def dense_layers(estimator: Estimator, n_outputs: int) -> tuple[list[AnyLayer], int]:
    """Layers by the widths of the hidden ones, and the index of the code."""
    hidden = _as_sizes(estimator.hidden_layer_sizes)
    decoder = hidden[-2::-1]
    if estimator.decoder_layer_sizes is not None:
        decoder = _as_sizes(estimator.decoder_layer_sizes)
    if estimator.tied_weights and decoder != hidden[-2::-1]:
        rule = f"be None or {hidden[-2::-1]}, the mirror of the encoder, with tied_weights"
        raise parameter_error("decoder_layer_sizes", rule, decoder)
    layers: list[AnyLayer] = [Dense(width, estimator.activation) for width in (*hidden, *decoder)]
    layers.append(Dense(n_outputs, estimator.output_activation))
    code = len(hidden) - 1
    if estimator._gaussian_code:
        layers[code] = Gaussian(hidden[-1])
    elif estimator.code_activation is not None:
        layers[code] = Dense(hidden[-1], estimator.code_activation)
    return layers, code


def _shape_text(n_in: int, layers: Sequence[AnyLayer]) -> str:
    sizes = [n_in, *(layer.n_units for layer in layers)]
    text = f"layer sizes {sizes} and activations {[activation_of(layer) for layer in layers]}"
    return text if gaussian_layer(layers) is None else f"{text} with a Gaussian code"


def _input_settings(
    estimator: Estimator, data: TrainingData, previous: Network | None = None
) -> InputSettings:
    """What happens to rows before the first layer; scales of `previous` are kept."""
    mask = estimator.missing == "mask"
    if estimator.scale is None:
        return InputSettings(float(estimator.input_scale), mask_missing=mask)
    if estimator._reproduces_input:
        refuse_target_of_scaled(data.target)
    if previous is not None and previous._input.offset is not None:
        offset, factor = previous._input.offset, previous._input.factor
    else:
        offset, factor = fit_scaling(data.X, data.rows, estimator.scale)
    return InputSettings(1.0, offset, factor, mask)


def refuse_target_of_scaled(target: Any) -> None:
    """Raise ValueError for a target where `scale` says what the target is: X, scaled."""
    if target is not None:
        msg = (
            "target must be None with scale, which makes it X on the new scale; got an array of "
            f"shape {np.shape(target)}"
        )
        raise ValueError(msg)


def _as_sizes(sizes: Any) -> list[int]:
    return [int(size) for size in (sizes if np.iterable(sizes) else [sizes])]


def _set_start_biases(estimator: Estimator, network: Network, data: TrainingData) -> None:
    sparse, sigmoid = estimator.sparsity_weight > 0, network.activations[-1] == "sigmoid"
    if not (sparse or sigmoid):
        return
    mean = input_means(network, data)
    if sparse:
        layers = sparse_layers(
            estimator.sparsity_layers, network.code_layer, len(network.activations)
        )
        set_sparse_biases(network, layers, estimator.sparsity_target, mean)
    if not sigmoid:
        return
    if data.target is not None:
        mean = column_means(
            data.target,
            data.rows,
            data.sample_weight,
            network.dtype,
            skip_nan=network._input.mask_missing,
        )
    set_output_biases(network, mean)


def _train(
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
        if published._input.offset is not None:
            extra |= {"offset_": published._input.offset, "factor_": published._input.factor}
        _publish(estimator, probe, **attributes, **extra, _seed=seed)

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
        rule = _core_optimizer(estimator, optimizer, rate.base)
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
    callbacks = estimator.callbacks
    if callbacks is None:
        callbacks = ()
    elif hasattr(callbacks, "on_epoch_end"):
        callbacks = (callbacks,)
    early = EarlyStopping(estimator.patience, estimator.tolerance) if stopping else None
    measure = estimator._measure(data)
    return Audience(estimator, n_epochs, tuple(callbacks), early, checkpoints, measure)


def _core_optimizer(
    estimator: Estimator, optimizer: Optimizer, learning_rate: float
) -> _core.Optimizer:
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


def _publish(estimator: Estimator, probe: Estimator, **learned: Any) -> None:
    """Write all learned attributes in one step, so that no thread sees half of a model."""
    learned["n_features_in_"] = probe.n_features_in_
    for name in ("feature_names_in_", "classes_", "pretraining_history_", "sample_shape_"):
        if hasattr(probe, name):
            learned[name] = getattr(probe, name)
    for name in _OPTIONAL:
        if name not in learned:
            estimator.__dict__.pop(name, None)
    estimator.__dict__.update(learned)
