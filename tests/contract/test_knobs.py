"""No parameter does nothing: each one is turned, changes the result, and does what it should.

`KNOBS` has an entry for every parameter of every estimator; a new parameter without one fails.
Whatever has a formula is compared with the same training by `aecore.reference`.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

import aecore
import reference_fit
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderOutlierDetector,
    ConvAutoencoder,
    DeepClustering,
)
from aecore._recommending import BaseRecommender
from samples import same_bits, three_factor_rows

ESTIMATORS = [
    value
    for value in (getattr(aecore, name) for name in aecore.__all__)
    if isinstance(value, type)
    and issubclass(value, BaseEstimator)
    # These have walks of their own, in test_recommender_, _detector_ and _clustering_knobs.py.
    and not issubclass(value, (BaseRecommender, AutoencoderOutlierDetector, DeepClustering))
]
COMMON: dict[str, Any] = {
    "hidden_layer_sizes": (6, 4),
    "pretrain": False,
    "activation": "sigmoid",
    "code_activation": "sigmoid",
    "output_activation": "identity",
    "likelihood": "gaussian",
    "channels": (3, 2),
    "kernel_size": (1, 3),
    "stride": (1, 2),
    "image_shape": (2, 5),
    "code_size": 4,
    "optimizer": "sgd",
    "learning_rate": 0.05,
    "batch_size": 16,
    "n_epochs": 3,
    "dtype": "float64",
    "random_state": 3,
    "n_threads": 1,
}
SPARSE = {"sparsity_weight": 0.3, "sparsity_target": 0.2}
DRAWN = {"variational": True, "code_activation": "identity"}
WATCHED = {"validation_fraction": 0.2, "n_epochs": 40, "learning_rate": 0.02}


class Stop:
    """A callback that ends the training after its first epoch."""

    def on_epoch_end(self, state: aecore.callbacks.EpochState) -> bool:
        return state.epoch == 0


Check = Callable[[Any, NDArray[np.float64]], None]


def labels_of(X: NDArray[np.float64]) -> NDArray[np.int64]:
    """Three classes of rows."""
    return np.digitize(X[:, 0], np.quantile(X[:, 0], [0.3, 0.6]))


def fit(model: Any, X: NDArray[np.float64], **given: Any) -> Any:
    if isinstance(model, AutoencoderClassifier):
        return model.fit(X, labels_of(X), **given)
    return model.fit(X, **given)


def reference_of(model: Any, X: NDArray[np.float64]) -> reference_fit.Fitted:
    """The same training by the reference, of a classifier with its softmax."""
    names = {**inspect.signature(Autoencoder).parameters}
    if isinstance(model, ConvAutoencoder):
        names = {**inspect.signature(ConvAutoencoder).parameters}
    params = {name: getattr(model, name) for name in names}
    if isinstance(model, ConvAutoencoder):
        params |= {"tied_weights": False, "contractive_weight": 0.0}
    if model._gaussian_code:
        params |= {"gaussian_code": True, "warm_up": model._beta_schedule()}
        params |= {name: getattr(model, name) for name in ("beta", "free_bits")}
    if not isinstance(model, AutoencoderClassifier):
        return reference_fit.fit(params, X)
    labels = labels_of(X)
    of_class = model.class_weight or {}
    weight = np.array([of_class.get(label, 1.0) for label in labels.tolist()])
    return reference_fit.fit(params, X, np.eye(3)[labels], weight)


def like_reference(model: Any, X: NDArray[np.float64]) -> None:
    expected = reference_of(model, X)
    scale = np.abs(expected.parameters).max()
    error = np.abs(model.network_.parameters - expected.parameters).max()
    assert error < (1e-10 if model.network_.dtype == np.float64 else 1e-4) * scale
    tolerance = {"rel": 1e-10 if model.network_.dtype == np.float64 else 1e-5}
    assert model.history_["loss"] == pytest.approx(expected.loss, **tolerance)
    if expected.validation_loss:
        assert model.history_["validation_loss"] == pytest.approx(
            expected.validation_loss, **tolerance
        )


def ends_early(model: Autoencoder, X: NDArray[np.float64]) -> None:
    like_reference(model, X)
    assert len(model.history_["loss"]) < model.n_epochs


def goes_on(model: Autoencoder, X: NDArray[np.float64]) -> None:
    first = model.network_
    again = fit(type(model)(**{**model.get_params(), "warm_start": False}), X, init=first)
    assert same_bits(fit(model, X).network_, again.network_)


def ends_after_one_epoch(model: Autoencoder, X: NDArray[np.float64]) -> None:
    assert len(model.history_["loss"]) == 1
    once = fit(type(model)(**{**model.get_params(), "callbacks": None, "n_epochs": 1}), X)
    assert same_bits(model.network_, once.network_)


def makes_csr(model: Autoencoder, X: NDArray[np.float64]) -> None:
    codes = model.transform(X)
    assert issparse(codes)
    np.testing.assert_array_equal(codes.toarray(), model.network_.encode(X))


def has_threads(model: Autoencoder, X: NDArray[np.float64]) -> None:
    assert model.network_.n_threads == model.n_threads
    like_reference(model, X)


def goes_on_from_its_layers(model: Any, X: NDArray[np.float64]) -> None:
    """The reference's layers, one after the other, and the rest from there."""
    assert [len(history["loss"]) for history in model.pretraining_history_] == [model.n_epochs] * 2
    params = {name: getattr(model, name) for name in inspect.signature(Autoencoder).parameters}
    seeds = np.random.SeedSequence(model.random_state).generate_state(2, np.uint64) >> np.uint64(1)
    layer = {
        **params,
        "hidden_layer_sizes": model.hidden_layer_sizes[0],
        "decoder_layer_sizes": None,
        "output_activation": "identity",
        "loss": "squared_error",
        "pretrain": False,
        "random_state": int(seeds[0]),
    }
    expected = reference_fit.fit(layer, X)
    assert model.pretraining_history_[0]["loss"] == pytest.approx(expected.loss, rel=1e-10)


class Knob(NamedTuple):
    """`value` for the parameter beside `base`; `check` gets the fitted estimator and X."""

    value: Any
    base: Mapping[str, Any] = MappingProxyType({})
    check: Check = like_reference
    changes: str = "weights"  # or the output that differs instead


KNOBS: dict[str, Knob] = {
    "hidden_layer_sizes": Knob((7, 3)),
    "decoder_layer_sizes": Knob((5, 3)),
    "channels": Knob((2, 4)),
    "kernel_size": Knob((2, 3)),
    "stride": Knob(1),
    "code_size": Knob(None),
    "image_shape": Knob((5, 2), {"channels": (3,), "kernel_size": (1, 2)}),
    "pretrain": Knob(True, {}, goes_on_from_its_layers),
    "activation": Knob("tanh"),
    "code_activation": Knob("tanh"),
    "output_activation": Knob("softplus"),
    "tied_weights": Knob(True),
    "initialization": Knob("he_normal"),
    "loss": Knob("huber", {"input_scale": 5.0}),
    "likelihood": Knob("multinomial"),
    "variational": Knob(True, {"code_activation": "identity"}),
    "beta": Knob(0.4, DRAWN),
    "beta_warmup_epochs": Knob(2, DRAWN),
    "beta_schedule": Knob(aecore.schedules.Exponential(0.5)),
    "free_bits": Knob(0.05),
    "weight_decay": Knob(0.1),
    "weight_l1": Knob(0.01),
    "sparsity_weight": Knob(0.5),
    "sparsity_target": Knob(0.3, SPARSE),
    "sparsity_layers": Knob("hidden", SPARSE),
    "sparsity_momentum": Knob(0.8, SPARSE),
    "activity_l1": Knob(0.1),
    "contractive_weight": Knob(0.2),
    "code_top_k": Knob(2),
    "dropout": Knob(0.3),
    "trim_fraction": Knob(0.4),
    "class_weight": Knob({0: 3.0}),
    "optimizer": Knob("adamw", {"weight_decay": 0.1}),
    "learning_rate": Knob(0.02),
    "learning_rate_schedule": Knob("cosine"),
    "clip_norm": Knob(0.05),
    "batch_size": Knob(7),
    "n_epochs": Knob(5),
    "shuffle": Knob(False),
    "validation_fraction": Knob(0.2),
    "early_stopping": Knob(True, {**WATCHED, "tolerance": 0.02, "patience": 2}, ends_early),
    "patience": Knob(3, {**WATCHED, "tolerance": 0.02, "early_stopping": True}, ends_early),
    "tolerance": Knob(0.05, {**WATCHED, "patience": 2, "early_stopping": True}, ends_early),
    "warm_start": Knob(True, {}, goes_on, "second fit"),
    "callbacks": Knob(Stop(), {}, ends_after_one_epoch),
    "input_scale": Knob(0.5),
    "scale": Knob("standard"),
    "missing": Knob("mask"),
    "noise": Knob("uniform"),
    "noise_level": Knob(0.6, {"noise": "masking"}),
    "noise_emphasis": Knob(3.0, {"noise": "masking"}),
    "sparse_output": Knob(True, {}, makes_csr, "codes"),
    "dtype": Knob("float32"),
    "n_threads": Knob(3, {}, has_threads, "threads"),
    "random_state": Knob(4),
    "verbose": Knob(1, {}, like_reference, "progress"),
}


def observed(
    model: Autoencoder, X: NDArray[np.float64], capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """Everything of a fit that a parameter may change."""
    try:
        fit(model, X)
    except ValueError as error:
        return {"weights": str(error)}
    err = capsys.readouterr().err
    return {
        "weights": (model.network_.parameters.tobytes(), model.history_["loss"]),
        "codes": type(model.transform(X)),
        "threads": model.network_.n_threads,
        "progress": err,
        "second fit": fit(copy.deepcopy(model), X).network_.parameters.tobytes(),
    }


PARAMETERS = [(cls, name) for cls in ESTIMATORS for name in inspect.signature(cls).parameters]


@pytest.mark.parametrize(
    ("cls", "name"), PARAMETERS, ids=[f"{cls.__name__}-{name}" for cls, name in PARAMETERS]
)
def test_turning_it(cls: type[Autoencoder], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert name in KNOBS, f"a new parameter needs an entry in KNOBS that turns it: {name}"
    knob = KNOBS[name]
    X = three_factor_rows(50)
    if name == "missing":
        X[::3, 4] = X[7] = np.nan
    known = inspect.signature(cls).parameters
    common = {key: value for key, value in {**COMMON, **knob.base}.items() if key in known}
    before, after = cls(**common), cls(**{**common, name: knob.value})
    assert before.get_params()[name] != knob.value
    one, other = observed(before, X, capsys), observed(after, X, capsys)
    assert one[knob.changes] != other[knob.changes]
    if knob.changes != "weights":
        assert one["weights"] == other["weights"]
    knob.check(after, X)


def test_every_entry_is_a_parameter() -> None:
    assert set(KNOBS) == {name for _, name in PARAMETERS}
