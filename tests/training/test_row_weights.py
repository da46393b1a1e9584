"""Weights of rows: integers are repeated rows, zeros rows left out; their scale is nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

import aecore
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    ConvAutoencoder,
    Network,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from samples import may_learn_nothing

pytestmark = may_learn_nothing

RNG = np.random.default_rng(0)
X = RNG.uniform(0.05, 0.95, (40, 6))
LABELS = np.array(["no", "yes", "maybe"])[np.arange(40) % 5 % 3]
TIMES = RNG.integers(0, 4, 40)
FULL: dict[str, Any] = {"optimizer": "lbfgs", "dtype": "float64", "n_epochs": 6, "random_state": 0}
ONE: dict[str, Any] = {"batch_size": 1000, "dtype": "float64", "n_epochs": 4, "random_state": 0}
MODELS: dict[str, Any] = {
    "Autoencoder": Autoencoder(3, **FULL),
    "one batch": Autoencoder(3, output_activation="sigmoid", **ONE),
    "mean of the output": Autoencoder(3, output_activation="sigmoid", **FULL),
    "sparse": SparseAutoencoder(3, **FULL),
    "penalties": Autoencoder(3, activity_l1=0.1, contractive_weight=0.1, weight_decay=0.1, **FULL),
    "pretrained": Autoencoder((4, 2), pretrain=True, **ONE),
    "convolutional": ConvAutoencoder(2, **FULL),
    "classifier": AutoencoderClassifier((4,), pretrain=False, **FULL),
    "balanced": AutoencoderClassifier((4,), pretrain=False, class_weight="balanced", **FULL),
    "by class": AutoencoderClassifier((4,), class_weight={"no": 3.0, "maybe": 0.5}, **ONE),
}


def fit(model: Any, rows: Any, labels: Any, **given: Any) -> Any:
    model = clone(model)
    if isinstance(model, AutoencoderClassifier):
        return model.fit(rows, labels, **given)
    return model.fit(rows, **given)


def figures(model: Any) -> NDArray[Any]:
    return np.concatenate([model.network_.parameters, model.history_["loss"]])


@pytest.mark.parametrize("name", MODELS)
def test_integers_are_repeated_rows(name: str) -> None:
    weighted = fit(MODELS[name], X, LABELS, sample_weight=TIMES)
    repeated = fit(MODELS[name], np.repeat(X, TIMES, axis=0), np.repeat(LABELS, TIMES))
    np.testing.assert_allclose(figures(weighted), figures(repeated), rtol=1e-6, atol=1e-8)
    plain = fit(MODELS[name], X, LABELS)
    assert np.abs(figures(plain) - figures(weighted)).max() > 1e-4


@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("name", ["one batch", "pretrained", "by class"])
def test_rows_without_weight_are_not_there(name: str, batch_size: int) -> None:
    model = clone(MODELS[name]).set_params(batch_size=batch_size)
    if isinstance(model, AutoencoderClassifier):
        model.set_params(pretrain=True)
    weights, there = TIMES.astype(float), TIMES > 0
    rows = np.where(there[:, np.newaxis], X, 1e9)  # so that one of them would be seen
    weighted = fit(model, rows, LABELS, sample_weight=weights)
    without = fit(model, X[there], LABELS[there], sample_weight=weights[there])
    np.testing.assert_allclose(figures(weighted), figures(without), rtol=1e-9, atol=1e-12)


SCALES = [1e307, 1e-308, 5e-324, 3.7, 2.0**-400]


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", MODELS)
def test_their_own_scale_is_nothing(name: str, scale: float) -> None:
    weights = np.where(TIMES == 3, 2, TIMES).astype(float)
    expected = fit(MODELS[name], X, LABELS, sample_weight=weights)
    found = fit(MODELS[name], X, LABELS, sample_weight=weights * scale)
    np.testing.assert_allclose(figures(found), figures(expected), rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("scale", SCALES)
def test_their_own_scale_is_nothing_elsewhere(scale: float) -> None:
    weights = np.arange(40) % 9.0
    model = fit(MODELS["one batch"], X, LABELS)
    expected = model.score(X, sample_weight=weights)
    assert model.score(X, sample_weight=weights * scale) == pytest.approx(expected, rel=1e-12)
    net = Network([6, 3, 6], ["tanh", "sigmoid"], dtype="float64", random_state=0)
    expected = net.objective(X, sample_weight=weights)
    assert net.objective(X, sample_weight=weights * scale) == pytest.approx(expected, rel=1e-12)
    stream = Autoencoder(3, **ONE)
    a, b = (
        clone(stream).partial_fit(X, sample_weight=weights * each).partial_fit(X).network_
        for each in (1.0, scale)
    )
    np.testing.assert_allclose(a.parameters, b.parameters, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "longdouble", "uint8", "int64"])
def test_any_type(dtype: str) -> None:
    found = fit(MODELS["Autoencoder"], X, LABELS, sample_weight=TIMES.astype(dtype))
    expected = fit(MODELS["Autoencoder"], X, LABELS, sample_weight=TIMES.tolist())
    np.testing.assert_array_equal(figures(found), figures(expected))
    flags = fit(MODELS["Autoencoder"], X, LABELS, sample_weight=TIMES > 1)
    assert np.isfinite(figures(flags)).all()


BAD: dict[str, tuple[Any, str]] = {
    "negative": (np.where(TIMES == 3, -1.0, 1.0), r"must be finite and >= 0; got -1.0 at row \d+$"),
    "NaN": (np.where(TIMES == 3, np.nan, 1.0), r"must be finite and >= 0; got nan at row \d+$"),
    "infinite": (np.full(40, np.inf), "must be finite and >= 0; got inf at row 0$"),
    "too large": (np.full(40, np.longdouble("1e4000")), "must be finite and >= 0; got inf"),
    "zero": (np.zeros(40), "must hold at least one number > 0"),
    "short": (np.ones(3), r"must have shape \(40,\); got \(3,\)"),
    "2-D": (np.ones((40, 1)), r"must have shape \(40,\); got \(40, 1\)"),
    "a number": (1.0, r"must have shape \(40,\); got \(\)"),
    "words": (["a"] * 40, "must hold real numbers; got dtype <U1"),
    "complex": (np.ones(40) * 1j, "must hold real numbers; got dtype complex128"),
}


@pytest.mark.parametrize(("weights", "message"), BAD.values(), ids=BAD)
def test_bad_ones_are_refused_by_name(weights: Any, message: str) -> None:
    error = TypeError if "real numbers" in message else ValueError
    for name in ("Autoencoder", "convolutional", "classifier", "balanced"):
        with pytest.raises(error, match=f"^sample_weight {message}"):
            fit(MODELS[name], X, LABELS, sample_weight=weights)
    model = Autoencoder(3, **ONE).fit(X)
    for call in (model.partial_fit, model.score, VariationalAutoencoder((3, 2), **ONE).fit):
        with pytest.raises(error, match=f"^sample_weight {message}"):
            call(X, sample_weight=weights)


def test_scores_are_means_with_weights() -> None:
    for name in ("Autoencoder", "convolutional"):
        model = fit(MODELS[name], X, LABELS)
        repeated = model.score(np.repeat(X, TIMES, axis=0))
        assert model.score(X, sample_weight=TIMES) == pytest.approx(repeated, rel=1e-12)
    model = fit(MODELS["classifier"], X, LABELS)
    repeated = model.score(np.repeat(X, TIMES, axis=0), np.repeat(LABELS, TIMES))
    assert model.score(X, LABELS, sample_weight=TIMES) == pytest.approx(repeated, rel=1e-12)


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
def test_rows_held_back_count_by_their_weights(optimizer: str) -> None:
    settings = {**ONE, "optimizer": optimizer, "n_epochs": 2, "validation_fraction": 0.4}
    seen: list[NDArray[Any]] = []
    weights = np.where(np.arange(40) < 20, 1.0, 0.0) * np.arange(1, 41)

    class Spy:
        def on_epoch_end(self, state: Any) -> None:
            seen.append(-state.network.row_losses(X))

    model = Autoencoder(3, callbacks=Spy(), **settings).fit(X, sample_weight=weights)
    # Drawn among the rows that have weight, as if the others were not there.
    again = Autoencoder(3, **settings).fit(X[:20], sample_weight=weights[:20])
    expected = again.history_["validation_loss"]
    assert model.history_["validation_loss"] == pytest.approx(expected, rel=1e-9)
    held = np.sort(np.random.default_rng(0).permutation(20)[:8])
    by_hand = [-np.average(scores[held], weights=weights[held]) for scores in seen]
    assert model.history_["validation_loss"] == pytest.approx(by_hand, rel=1e-9)


def test_a_score_of_rows_held_back_counts_by_their_weights_but_not_by_their_classes() -> None:
    settings = {**ONE, "validation_fraction": 0.4, "pretrain": False, "n_epochs": 1}
    weights = np.arange(1.0, 41.0)
    model = AutoencoderClassifier((4,), class_weight={"no": 5.0}, **settings)
    model.fit(X, LABELS, sample_weight=weights)
    held = np.sort(np.random.default_rng(0).permutation(40)[:16])
    right = model.score(X[held], LABELS[held], sample_weight=weights[held])
    assert model.history_["validation_score"] == pytest.approx([right], rel=1e-12)
    proba = model.predict_proba(X[held])
    loss = -np.log(proba[np.arange(16), np.searchsorted(model.classes_, LABELS[held])])
    expected = np.average(loss, weights=weights[held])
    assert model.history_["validation_loss"] == pytest.approx([expected], rel=1e-9)


def test_unlabeled_rows_weigh_one() -> None:
    more = RNG.random((9, 6))
    model = AutoencoderClassifier((4,), **ONE)
    weighted = clone(model).fit(X, LABELS, sample_weight=TIMES, unlabeled=more)
    rows, labels = np.repeat(X, TIMES, axis=0), np.repeat(LABELS, TIMES)
    repeated = clone(model).fit(rows, labels, unlabeled=more)
    np.testing.assert_allclose(figures(weighted), figures(repeated), rtol=1e-6, atol=1e-8)


CLASS_WEIGHTS: dict[str, tuple[Any, str]] = {
    "negative": ({"no": -1}, "must be a finite number >= 0 for class 'no'; got -1"),
    "NaN": ({"no": np.nan}, "must be a finite number >= 0 for class 'no'; got nan"),
    "unknown": ({"No": 2.0}, r"must name classes of \['maybe', 'no', 'yes'\]; got 'No'"),
    "nothing left": ({"no": 0, "yes": 0, "maybe": 0}, "must be > 0 for a class that has weight"),
    "a list": ([1.0, 2.0], "must be None, 'balanced' or a dict .*; got"),
    "an array": (np.ones(3), "must be None, 'balanced' or a dict .*; got"),
    "a word": ("balance", "must be None, 'balanced' or .*: did you mean 'balanced'"),
}


@pytest.mark.parametrize(("given", "message"), CLASS_WEIGHTS.values(), ids=CLASS_WEIGHTS)
def test_bad_weights_of_classes(given: Any, message: str) -> None:
    for method in ("fit", "partial_fit"):
        model = AutoencoderClassifier((4,), class_weight=given, n_epochs=1)
        classes = {"classes": ["maybe", "no", "yes"]} if method == "partial_fit" else {}
        with pytest.raises(ValueError, match=f"^class_weight {message}"):
            getattr(model, method)(X, LABELS, **classes)


def test_a_class_that_is_named_may_be_missing() -> None:
    named = {"no": 2.0, "yes": 1.0, "maybe": 1.0, "never": 5.0}
    assert (
        aecore.AutoencoderClassifier((4,), class_weight=named, **ONE).fit(X, LABELS).classes_.size
    )


@pytest.mark.parametrize("scale", SCALES)
def test_weights_of_classes_of_any_size(scale: float) -> None:
    base = {"no": 2.0, "yes": 1.0, "maybe": 1.0}
    large = {name: value * scale for name, value in base.items()}
    weights = TIMES * scale
    a = AutoencoderClassifier((4,), class_weight=base, **ONE).fit(X, LABELS, sample_weight=TIMES)
    b = AutoencoderClassifier((4,), class_weight=large, **ONE).fit(X, LABELS, sample_weight=weights)
    np.testing.assert_allclose(figures(a), figures(b), rtol=1e-6, atol=1e-8)
