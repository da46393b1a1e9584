"""What every parameter may be, as one table: the words mean the same in all classes.

`Network` and the estimators call `check_params` before they use a value; the message is always
`<name> must <rule>; got <value>`.
"""

from __future__ import annotations

import math
import os
import reprlib
from collections.abc import Callable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np

from aecore import _core
from aecore._checks.near_misses import proposal

# The largest integer that both a signed and an unsigned 64-bit seed can hold.
MAX_SEED = 2**63 - 1
# The largest layer, batch and number of epochs: what a 32-bit integer holds.
MAX_COUNT = 2**31 - 1
# More threads than any machine has; each needs a stack and buffers of its own.
MAX_THREADS = 1024
# Starts of the weights, as `aecore.reference.initial_weights` has them.
INITIALIZATIONS = (
    "glorot",
    "glorot_uniform",
    "glorot_normal",
    "he",
    "he_uniform",
    "he_normal",
    "lecun",
    "lecun_normal",
    "fan_in_uniform",
    "orthogonal",
    "uniform",
    "normal",
)


class Rule(NamedTuple):
    """One constraint: the sentence after "must", and the test behind it."""

    text: str
    holds: Callable[[Any], bool]


# Python's own types first: to ask the abstract ones takes ten times as long.
def _is_integer(value: Any) -> bool:
    return type(value) is int or (not isinstance(value, bool) and isinstance(value, Integral))


def _is_finite(value: Any) -> bool:
    try:
        if type(value) is float or type(value) is int:
            return math.isfinite(value)
        # bool is a Real for Python, but `weight_decay=True` is a slip, not a number.
        return not isinstance(value, bool) and isinstance(value, Real) and math.isfinite(value)
    except OverflowError:  # an integer that is no float
        return False


def _is_count(value: Any) -> bool:
    return _is_integer(value) and bool(1 <= value <= MAX_COUNT)


def _is_sizes(value: Any) -> bool:
    return (
        isinstance(value, Sequence | np.ndarray)
        and not isinstance(value, str)
        and getattr(value, "ndim", 1) == 1
        and len(value) > 0
        and all(_is_count(size) for size in value)
    )


def _has_length(value: Any, *lengths: int) -> bool:
    return _is_sizes(value) and len(value) in lengths


def _is_count_or_pair(value: Any) -> bool:
    return _is_count(value) or _has_length(value, 2)


def _is_padding(value: Any) -> bool:
    if isinstance(value, str):
        return value in ("same", "valid")
    return _is_integer(value) and bool(0 <= value <= MAX_COUNT)


def _is_dtype(value: Any) -> bool:
    try:
        # NumPy reads None as float64.
        return value is not None and np.dtype(value) in (np.float32, np.float64)
    except TypeError:
        return False


def _is_random_state(value: Any) -> bool:
    if _is_integer(value):
        return bool(0 <= value <= MAX_SEED)
    kinds = (np.random.RandomState, np.random.Generator, np.random.SeedSequence)
    return value is None or isinstance(value, kinds)


def _is_optimizer(value: Any) -> bool:
    names = (*_core.OPTIMIZERS, "lbfgs")
    if isinstance(value, str):
        return value in names
    return not isinstance(value, type) and getattr(value, "name", None) in names


def _is_schedule(value: Any) -> bool:
    if isinstance(value, str):
        return value in _SCHEDULES
    return value is None or (callable(value) and not isinstance(value, type))


def _is_plain_autoencoder(value: Any) -> bool:
    # Convolutional and variational estimators set it to False: others cannot train with them.
    return not isinstance(value, type) and getattr(value, "_lends_training", False) is True


def _is_pretrain(value: Any) -> bool:
    if isinstance(value, bool | np.bool_) or _is_plain_autoencoder(value):
        return True
    return isinstance(value, Sequence) and all(map(_is_plain_autoencoder, value))


def _is_clusterer(value: Any) -> bool:
    if value is None or isinstance(value, str):
        return value is None or value in _CLUSTERERS
    return not isinstance(value, type) and all(
        callable(getattr(value, name, None)) for name in ("fit_predict", "get_params")
    )


def _is_range(value: Any) -> bool:
    return _has_length(value, 2) and bool(2 <= value[0] <= value[1])


def _is_callback(value: Any) -> bool:
    return not isinstance(value, type) and callable(getattr(value, "on_epoch_end", None))


def _are_callbacks(value: Any) -> bool:
    if value is None or _is_callback(value):
        return True
    return isinstance(value, Sequence) and all(map(_is_callback, value))


def _one_of(*names: str | None) -> Rule:
    return Rule(
        f"be one of {', '.join(map(repr, names))}",
        lambda value: (value is None or isinstance(value, str)) and value in names,
    )


_COUNT = Rule("be an integer from 1 to 2**31 - 1", _is_count)
_NONE_OR_COUNT = Rule(
    "be None or an integer from 1 to 2**31 - 1", lambda value: value is None or _is_count(value)
)
NOT_NEGATIVE = Rule("be a finite number >= 0", lambda value: _is_finite(value) and value >= 0)
_POSITIVE = Rule("be a finite number > 0", lambda value: _is_finite(value) and value > 0)
_NONE_OR_POSITIVE = Rule(
    "be None or a finite number > 0", lambda value: value is None or _POSITIVE.holds(value)
)
_DECAY = Rule("be a number in [0, 1)", lambda value: _is_finite(value) and 0 <= value < 1)
_OPEN_UNIT = Rule("be a number in (0, 1)", lambda value: _is_finite(value) and 0 < value < 1)
_UNIT = Rule("be a number in [0, 1]", lambda value: _is_finite(value) and 0 <= value <= 1)
_CLUSTERERS = (
    "kmeans",
    "minibatch_kmeans",
    "gaussian_mixture",
    "agglomerative",
    "dbscan",
    "hdbscan",
)
_SCHEDULES = ("constant", "cosine", "reduce_on_plateau")
# softmax is for outputs: it takes whole rows, with a loss of its own.
_HIDDEN = tuple(name for name in _core.ACTIVATIONS if name != "softmax")
_BOOL = Rule("be True or False", lambda value: isinstance(value, bool | np.bool_))

_BY_TEXT = {rule.text: rule for rule in (NOT_NEGATIVE, _DECAY, _OPEN_UNIT)}

_RULES: Mapping[str, Rule] = {
    # Numbers of J: what the core says that they must be.
    **{name: _BY_TEXT[text] for name, text in _core.Objective.__rules__.items()},
    "activation": _one_of(*_HIDDEN),
    "autoencoder": Rule(
        "be None or an Autoencoder of plain rows, not a convolutional or variational one",
        lambda value: value is None or _is_plain_autoencoder(value),
    ),
    "batch_size": _COUNT,
    "beta_schedule": Rule(
        "be None or a callable (epoch, n_epochs, history) -> factor as in aecore.schedules",
        lambda value: value is None or (callable(value) and not isinstance(value, type)),
    ),
    "beta_warmup_epochs": Rule(
        "be an integer from 0 to 2**31 - 1",
        lambda value: _is_integer(value) and bool(0 <= value <= MAX_COUNT),
    ),
    "beta_1": _DECAY,
    "beta_2": _DECAY,
    "calibration_fraction": _OPEN_UNIT,
    "callbacks": Rule(
        "be None, an object with on_epoch_end(state), or a sequence of them", _are_callbacks
    ),
    "class_weight": Rule(
        "be None, 'balanced' or a dict of a weight for each class",
        lambda value: (
            value is None
            or isinstance(value, Mapping)
            or (isinstance(value, str) and value == "balanced")
        ),
    ),
    "clip_norm": _NONE_OR_POSITIVE,
    "clusterer": Rule(
        f"be None, one of {', '.join(map(repr, _CLUSTERERS))}, or a clusterer of scikit-learn's "
        "kind, with fit_predict and get_params",
        _is_clusterer,
    ),
    "clustering_weight": Rule(
        "be None or a finite number >= 0",
        lambda value: value is None or NOT_NEGATIVE.holds(value),
    ),
    "code_activation": _one_of(None, *_HIDDEN),
    "channels": Rule(
        "be an integer >= 1 or a sequence of them, one for each layer of the encoder",
        lambda value: _is_count(value) or _is_sizes(value),
    ),
    "code_size": _NONE_OR_COUNT,
    "code_top_k": _NONE_OR_COUNT,
    "image_shape": Rule(
        "be None, (height, width) or (height, width, channels), integers >= 1",
        lambda value: value is None or _has_length(value, 2, 3),
    ),
    "input_shape": Rule(
        "be None or (height, width, channels), integers >= 1",
        lambda value: value is None or _has_length(value, 3),
    ),
    "kernel_size": Rule("be an integer >= 1 or a pair of them", _is_count_or_pair),
    "n_channels": _COUNT,
    "n_clusters": Rule(
        "be None, 'auto' or an integer from 1 to 2**31 - 1",
        lambda value: (
            value is None or _is_count(value) or (isinstance(value, str) and value == "auto")
        ),
    ),
    "n_clusters_range": Rule("be two integers, 2 <= first <= last", _is_range),
    "output_size": Rule(
        "be None or (height, width), integers >= 1",
        lambda value: value is None or _has_length(value, 2),
    ),
    "padding": Rule("be 'same', 'valid' or an integer >= 0", _is_padding),
    "shape": Rule(
        "be an integer or one to three of them, >= 1", lambda value: _has_length(value, 1, 2, 3)
    ),
    "stride": Rule("be an integer >= 1 or a pair of them", _is_count_or_pair),
    "code_layer": Rule(
        "be None or an integer >= 0", lambda value: value is None or _is_integer(value)
    ),
    "contamination": Rule(
        "be 'auto' or a number in (0, 0.5]",
        lambda value: (
            value == "auto"
            if isinstance(value, str)
            else _is_finite(value) and bool(0 < value <= 0.5)
        ),
    ),
    "decoder_layer_sizes": Rule(
        "be None, an integer from 1 to 2**31 - 1 or a sequence of them",
        lambda value: (
            value is None
            or _is_count(value)
            or _is_sizes(value)
            or (isinstance(value, Sequence) and not isinstance(value, str) and len(value) == 0)
        ),
    ),
    "dtype": Rule("be 'float32' or 'float64'", _is_dtype),
    "early_stopping": _BOOL,
    "epsilon": _POSITIVE,
    "error": _one_of("cauchy", "standardized", "absolute", "squared"),
    "every": _COUNT,
    "every_epochs": Rule(
        "be None or an integer from 1 to 2**31 - 1", lambda value: value is None or _is_count(value)
    ),
    "every_minutes": _NONE_OR_POSITIVE,
    "factor": _OPEN_UNIT,
    "false_alarm_rate": _OPEN_UNIT,
    "feedback": _one_of("implicit", "explicit"),
    "filter_seen": _BOOL,
    "final": _UNIT,
    "hidden_layer_sizes": Rule(
        "be an integer from 1 to 2**31 - 1 or a non-empty sequence of them",
        lambda value: _is_sizes(value) or _is_count(value),
    ),
    "history_size": _COUNT,
    "initialization": _one_of(None, *INITIALIZATIONS),
    "input_dropout": _DECAY,
    "input_scale": _POSITIVE,
    "layer_sizes": Rule(
        "be a sequence of at least two integers from 1 to 2**31 - 1",
        lambda value: _is_sizes(value) and len(value) >= 2,
    ),
    "learning_rate": _NONE_OR_POSITIVE,
    "learning_rate_schedule": Rule(
        f"be None, one of {', '.join(map(repr, _SCHEDULES))}, or a callable "
        "(epoch, n_epochs, history) -> factor as in aecore.schedules",
        _is_schedule,
    ),
    "likelihood": _one_of(None, "bernoulli", "gaussian", "multinomial"),
    "loss": _one_of(*_core.LOSSES),
    "minimum": _UNIT,
    "missing": _one_of(None, "mask"),
    "momentum": _DECAY,
    "n": _COUNT,
    "n_epochs": _COUNT,
    "n_estimators": _COUNT,
    "n_in": _COUNT,
    "n_items": _COUNT,
    "n_samples": _COUNT,
    "n_threads": Rule(
        f"be None or an integer from 1 to {MAX_THREADS}",
        lambda value: value is None or (_is_count(value) and value <= MAX_THREADS),
    ),
    "n_units": _COUNT,
    "n_updates": _COUNT,
    "noise": _one_of(None, *_core.NOISES),
    "noise_emphasis": NOT_NEGATIVE,
    "noise_level": NOT_NEGATIVE,
    "optimizer": Rule(
        f"be one of {', '.join(map(repr, (*_core.OPTIMIZERS, 'lbfgs')))}, or an object of "
        "aecore.optimizers",
        _is_optimizer,
    ),
    "orientation": _one_of("user", "item"),
    "output_activation": _one_of(*_core.ACTIVATIONS),
    "path": Rule(
        "be the path of a file, as str or path-like",
        lambda value: isinstance(value, str | os.PathLike) and os.fspath(value) != "",
    ),
    "patience": _COUNT,
    "pretrain": Rule(
        "be True, False, an Autoencoder, or a sequence of one for each hidden layer", _is_pretrain
    ),
    "random_state": Rule(
        "be None, an integer from 0 to 2**63 - 1, or a NumPy RandomState, Generator or "
        "SeedSequence",
        _is_random_state,
    ),
    "rate": _OPEN_UNIT,
    "rho": _DECAY,
    "refinement": _one_of(None, "dec", "idec"),
    "return_std": _BOOL,
    "scale": _one_of(None, "minmax", "standard", "robust", "pooled", "maxabs"),
    "seed": Rule(
        "be an integer from 0 to 2**64 - 1",
        lambda value: _is_integer(value) and 0 <= value < 2**64,
    ),
    "epoch": Rule(
        "be an integer from 0 to 2**32 - 1",
        lambda value: _is_integer(value) and 0 <= value < 2**32,
    ),
    "shuffle": _BOOL,
    "sparsity_layers": _one_of("code", "hidden"),
    "sparse_output": _BOOL,
    "observed_only": _BOOL,
    "steps": _COUNT,
    "then": Rule(
        "be a callable (epoch, n_epochs, history) -> factor",
        lambda value: callable(value) and not isinstance(value, type),
    ),
    "threshold": _one_of("quantile", "tail", "conformal"),
    "tied_weights": _BOOL,
    "tolerance": NOT_NEGATIVE,
    "update_interval": _NONE_OR_COUNT,
    "validation_fraction": _DECAY,
    "verbose": Rule("be 0 or 1", lambda value: isinstance(value, Integral) and value in (0, 1)),
    "variational": _BOOL,
    "warm_start": _BOOL,
    "window": _COUNT,
}


def check_params(values: Mapping[str, Any], *, may_be_none: Sequence[str] = ()) -> None:
    """Raise ValueError for the first value that breaks the rule of its name.

    Those of `may_be_none` may be None as well.
    """
    for name, value in values.items():
        rule = _RULES[name]
        if name in may_be_none:
            if value is None:
                continue
            rule = rule._replace(text=f"be None or {rule.text.removeprefix('be ')}")
        if not rule.holds(value):
            raise parameter_error(name, rule.text, value)


def check_activations(activations: Any, n_layers: int) -> None:
    """Raise ValueError unless `activations` names one known activation for each layer."""
    rule = f"be a sequence of {n_layers} names, one for each layer"
    if isinstance(activations, str) or not isinstance(activations, Sequence):
        raise parameter_error("activations", rule, activations)
    if len(activations) != n_layers:
        raise parameter_error("activations", rule, activations)
    for name in activations[:-1]:
        if not _RULES["activation"].holds(name):
            raise parameter_error("activations", f"each {_RULES['activation'].text}", name)
    if not _RULES["output_activation"].holds(activations[-1]):
        rule = f"each {_RULES['output_activation'].text}"
        raise parameter_error("activations", rule, activations[-1])


def parameter_error(name: str, rule: str, value: Any) -> ValueError:
    """Build the error `<name> must <rule>; got <value>`, with a long value shortened.

    A name that is almost one of those in the rule has the right one proposed.
    """
    shortener = reprlib.Repr()
    shortener.maxstring = shortener.maxother = 80
    return ValueError(f"{name} must {rule}; got {shortener.repr(value)}{proposal(value, rule)}")
