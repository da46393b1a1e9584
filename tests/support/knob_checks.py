"""What a fit with a turned parameter is held against: mostly the same training by the reference."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import issparse

import reference_fit
from aecore import Autoencoder, AutoencoderClassifier, ConvAutoencoder
from aecore._estimators.generative import GenerativeAutoencoder
from samples import same_bits


def labels_of(X: NDArray[np.float64]) -> NDArray[np.int64]:
    """Three classes of rows."""
    return np.digitize(X[:, 0], np.quantile(X[:, 0], [0.3, 0.6]))


def fit(model: Any, X: NDArray[np.float64], **given: Any) -> Any:
    if isinstance(model, AutoencoderClassifier):
        return model.fit(X, labels_of(X), **given)
    return model.fit(X, **given)


def params_of(model: Any) -> dict[str, Any]:
    """What the reference asks for; the defaults of an `Autoencoder` where the model has none."""
    kind = ConvAutoencoder if isinstance(model, ConvAutoencoder) else Autoencoder
    values = {"free_bits": 0.0, "tied_weights": False, "contractive_weight": 0.0}
    values |= {
        name: parameter.default for name, parameter in inspect.signature(kind).parameters.items()
    }
    if isinstance(model, AutoencoderClassifier):
        output = {"output_activation": "softmax", "loss": "multinomial"}
        values |= {"decoder_layer_sizes": (), **output}
    return {name: getattr(model, name, value) for name, value in values.items()}


def reference_of(model: Any, X: NDArray[np.float64]) -> reference_fit.Fitted:
    """The same training by the reference, of a classifier with its softmax."""
    params = params_of(model)
    if isinstance(model, GenerativeAutoencoder) and model._gaussian_code:
        drawn = {"gaussian_code": True, "warm_up": model._beta_schedule(), "beta": model.beta}
        params |= drawn
        params["log1p"] = getattr(model, "likelihood_", None) == "multinomial"
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
    params = params_of(model)
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
