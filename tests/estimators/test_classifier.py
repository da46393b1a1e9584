"""`AutoencoderClassifier`: scikit-learn's contract, exact training, labels, weights, bad input."""

from __future__ import annotations

import inspect
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    DenoisingAutoencoder,
    Network,
    reference,
    stack,
)
from samples import may_learn_nothing, same_bits, three_factor_rows

NAMES = np.array(["ash", "beech", "cedar"])


def _expected_failures(estimator: AutoencoderClassifier) -> dict[str, str]:
    if estimator.optimizer == "lbfgs":
        return {}
    reason = "rows repeated or left out make other minibatches"
    return {
        f"check_sample_weight_equivalence_on_{kind}_data": reason for kind in ("dense", "sparse")
    }


@may_learn_nothing
@parametrize_with_checks(
    [
        AutoencoderClassifier(),
        AutoencoderClassifier(pretrain=False, scale="standard"),
        AutoencoderClassifier((8, 5), optimizer="lbfgs", dtype="float64", n_epochs=20),
        AutoencoderClassifier((50, 50), pretrain=[DenoisingAutoencoder(n_epochs=5)] * 2),
    ],
    expected_failed_checks=_expected_failures,
)
def test_scikit_learn_contract(
    estimator: AutoencoderClassifier, check: Callable[[Any], None]
) -> None:
    check(estimator)


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


@pytest.fixture
def labels(rows: NDArray[np.float64]) -> NDArray[Any]:
    """Names by the place of the largest of the first three numbers."""
    return NAMES[rows[:, :3].argmax(axis=1)]


def test_defaults_are_those_of_the_autoencoder() -> None:
    own, other = AutoencoderClassifier().get_params(), Autoencoder().get_params()
    changed = {"hidden_layer_sizes": (128,), "pretrain": True, "batch_size": 64}
    assert own == {"class_weight": None, **{k: other[k] for k in own if k in other}, **changed}
    kinds = [each.kind for each in inspect.signature(AutoencoderClassifier).parameters.values()]
    assert set(kinds[1:]) == {inspect.Parameter.KEYWORD_ONLY}


def test_shapes_and_types(rows: NDArray[np.float64], labels: NDArray[Any]) -> None:
    clf = AutoencoderClassifier((8, 5), n_epochs=2, random_state=0).fit(rows, labels)
    assert clf.network_.layer_sizes == [10, 8, 5, 3]
    assert clf.network_.activations == ["relu", "relu", "softmax"]
    assert list(clf.classes_) == list(NAMES)
    proba = clf.predict_proba(rows)
    assert (proba.shape, proba.dtype) == ((200, 3), np.float32)
    np.testing.assert_allclose(proba.sum(axis=1), 1.0, rtol=1e-6)
    np.testing.assert_array_equal(clf.predict(rows), NAMES[proba.argmax(axis=1)])
    np.testing.assert_array_equal(clf.transform(rows), clf.network_.encoder.encode(rows))
    assert list(clf.get_feature_names_out()) == [f"autoencoderclassifier{i}" for i in range(5)]
    assert clf.score(rows, labels) == np.mean(clf.predict(rows) == labels)
    for absent in ("inverse_transform", "reconstruct", "score_samples"):
        assert not hasattr(clf, absent)


@pytest.mark.parametrize("classes", [[0, 1], [-3, 5, 70], ["b", "a"], [True, False], [4]])
def test_any_labels(rows: NDArray[np.float64], classes: list[Any]) -> None:
    y = np.array(classes)[np.arange(len(rows)) % len(classes)]
    clf = AutoencoderClassifier((4,), n_epochs=1, random_state=0).fit(rows, y)
    np.testing.assert_array_equal(clf.classes_, np.sort(classes))
    assert clf.predict(rows).dtype == y.dtype
    assert clf.predict_proba(rows).shape == (200, len(classes))


def test_it_learns(rows: NDArray[np.float64], labels: NDArray[Any]) -> None:
    clf = AutoencoderClassifier((30, 20), learning_rate=1e-2, random_state=0).fit(rows, labels)
    assert clf.score(rows, labels) > 0.95


@pytest.mark.parametrize("weighted", [False, True])
def test_steps_are_those_of_the_reference(
    rows: NDArray[np.float64], labels: NDArray[Any], weighted: bool
) -> None:
    start = Network([10, 6, 4, 3], ["tanh", "tanh", "softmax"], dtype="float64", random_state=0)
    weights = np.linspace(0.5, 2.0, 200) if weighted else None
    of_class = {"ash": 3.0, "cedar": 0.5}
    clf = AutoencoderClassifier(
        (6, 4),
        activation="tanh",
        weight_decay=1e-2,
        class_weight=of_class if weighted else None,
        scale="standard",
        batch_size=80,
        n_epochs=2,
        shuffle=False,
        dtype="float64",
    )
    clf.fit(rows, labels, sample_weight=weights, init=start)

    scaling = reference.fit_scaling(rows, "standard", weights)
    assert scaling is not None
    X = scaling.apply(rows)
    y = (labels[:, np.newaxis] == NAMES).astype(float)
    w = np.ones(200)
    if weights is not None:
        w = weights * np.array([of_class.get(label, 1.0) for label in labels])
    theta, moments = start.parameters, [np.zeros(start.parameters.size)] * 2
    for step in range(6):
        batch = slice(80 * (step % 3), 80 * (step % 3) + 80)
        _, gradient = reference.objective_and_gradient(
            start.layer_sizes,
            start.activations,
            theta,
            X[batch],
            target=y[batch],
            sample_weight=w[batch],
            loss="multinomial",
            weight_decay=1e-2,
        )
        theta, *moments = reference.adam_step(
            theta, gradient, *moments, t=step + 1, learning_rate=1e-3
        )
    np.testing.assert_allclose(clf.network_.parameters, theta, rtol=1e-9, atol=1e-12)


def test_stacked_layers_are_a_start(rows: NDArray[np.float64], labels: NDArray[Any]) -> None:
    first = Autoencoder((7,), n_epochs=2, random_state=1)
    second = DenoisingAutoencoder((4,), n_epochs=2, random_state=2)
    clf = AutoencoderClassifier((7, 4), pretrain=[first, second], n_epochs=3, random_state=0)
    clf.fit(rows, labels)
    second.fit(first.fit(rows).transform(rows))
    seed_only = AutoencoderClassifier((7, 4), pretrain=False, n_epochs=1, random_state=0)
    seed_only.set_params(optimizer="sgd", learning_rate=1e-30).fit(rows, labels)
    start = stack(first, second, seed_only.network_.decoder)
    other = clone(clf).set_params(pretrain=False).fit(rows, labels, init=start)
    assert same_bits(clf.network_, other.network_)
    assert clf.history_["loss"] == other.history_["loss"]
    assert len(clf.pretraining_history_) == 2
    assert not hasattr(other, "pretraining_history_")


@pytest.mark.parametrize("held", ["none", "fraction", "given"])
def test_unlabeled_rows_take_part_in_pretraining_alone(
    rows: NDArray[np.float64], labels: NDArray[Any], held: str
) -> None:
    X, y, unlabeled = rows[:60], labels[:60], rows[60:160]
    layer = Autoencoder((6,), n_epochs=3, shuffle=False, random_state=1)
    clf = AutoencoderClassifier(6, pretrain=layer, n_epochs=1, random_state=0, scale="minmax")
    clf.set_params(optimizer="sgd", learning_rate=1e-30)
    given = (rows[160:], labels[160:]) if held == "given" else None
    clf.set_params(validation_fraction=0.25 if held == "fraction" else 0.0)
    clf.fit(X, y, sample_weight=np.full(60, 2.0), validation_data=given, unlabeled=unlabeled)
    kept = np.arange(60)
    if held == "fraction":
        from aecore._training.data import split_rows

        kept, _ = split_rows(60, 0.25, 0)
    joined = np.concatenate([X[kept], unlabeled])
    weights = np.r_[np.full(len(kept), 2.0), np.ones(100)]
    layer.set_params(scale="minmax").fit(joined, sample_weight=weights)
    np.testing.assert_array_equal(clf.network_.weights[0], layer.network_.weights[0])
    np.testing.assert_array_equal(clf.factor_, layer.factor_)
    np.testing.assert_array_equal(clf.pretraining_history_[0]["loss"], layer.history_["loss"])
    assert ("validation_loss" in clf.pretraining_history_[0]) is (held != "none")


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_validation_score_and_early_stopping(
    rows: NDArray[np.float64], labels: NDArray[Any], optimizer: str
) -> None:
    held = (rows[150:], labels[150:])
    clf = AutoencoderClassifier(
        (20,), optimizer=optimizer, n_epochs=300, early_stopping=True, patience=3, random_state=0
    )
    clf.set_params(tolerance=0.05).fit(rows[:150], labels[:150], validation_data=held)
    history = clf.history_
    assert len(history["validation_score"]) == len(history["loss"]) < 300
    assert history["validation_score"][clf.best_epoch_] == clf.score(*held)
    assert clf.best_epoch_ == np.argmin(history["validation_loss"])
    clf.set_params(validation_fraction=0.1).fit(rows, labels)
    assert all(0 <= score <= 1 for score in clf.history_["validation_score"])


def test_class_weights(rows: NDArray[np.float64], labels: NDArray[Any]) -> None:
    settings: dict[str, Any] = {"n_epochs": 3, "random_state": 0, "pretrain": False}
    _, places, counts = np.unique(labels, return_inverse=True, return_counts=True)
    balanced = AutoencoderClassifier((5,), class_weight="balanced", **settings).fit(rows, labels)
    weights = (200 / (3 * counts))[places]
    by_hand = AutoencoderClassifier((5,), **settings).fit(rows, labels, sample_weight=weights)
    assert same_bits(balanced.network_, by_hand.network_)
    plain = AutoencoderClassifier((5,), **settings).fit(rows, labels)
    assert not same_bits(plain.network_, balanced.network_)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_bits_do_not_depend_on_threads(
    rows: NDArray[np.float64], labels: NDArray[Any], dropout: float
) -> None:
    X, y = np.tile(rows, (5, 1)), np.tile(labels, 5)
    settings: dict[str, Any] = {"n_epochs": 3, "random_state": 0, "dropout": dropout}
    one, three = (
        AutoencoderClassifier((9, 5), noise="masking", n_threads=n, **settings).fit(X, y)
        for n in (1, 3)
    )
    assert same_bits(one.network_, three.network_)


def test_partial_fit_goes_on(rows: NDArray[np.float64], labels: NDArray[Any]) -> None:
    settings: dict[str, Any] = {"pretrain": False, "random_state": 0, "batch_size": 30}
    clf = AutoencoderClassifier((5,), **settings)
    for _ in range(3):
        clf.partial_fit(rows, labels, classes=NAMES)
    whole = AutoencoderClassifier((5,), n_epochs=3, shuffle=False, **settings).fit(rows, labels)
    assert same_bits(clf.network_, whole.network_)
    ash = labels == "ash"
    assert list(clf.partial_fit(rows[ash], labels[ash]).classes_) == list(NAMES)
    assert not hasattr(clf.set_params(optimizer="lbfgs"), "partial_fit")


def test_warm_start(rows: NDArray[np.float64], labels: NDArray[Any]) -> None:
    clf = AutoencoderClassifier((5,), n_epochs=2, warm_start=True, random_state=0)
    network = clf.fit(rows, labels).network_
    other = AutoencoderClassifier((5,), n_epochs=2, random_state=0).fit(rows, labels, init=network)
    assert same_bits(clf.fit(rows, labels).network_, other.network_)
    two = labels != "ash"
    with pytest.raises(ValueError, match=r"network_ must have layer sizes \[10, 5, 2\]"):
        clf.fit(rows[two], labels[two])
    assert list(clf.classes_) == list(NAMES)


def test_pickle_and_search(rows: NDArray[np.float64], labels: NDArray[Any]) -> None:
    frame = pd.DataFrame(rows, columns=[f"f{i}" for i in range(10)])
    clf = AutoencoderClassifier((5,), pretrain=DenoisingAutoencoder(n_epochs=2), n_epochs=2)
    grid = {"pretrain__noise_level": [0.1, 0.4]}
    search = GridSearchCV(clf.set_params(random_state=0), grid, cv=2).fit(frame, labels)
    best = search.best_estimator_
    other = pickle.loads(pickle.dumps(best))
    np.testing.assert_array_equal(other.predict_proba(frame), best.predict_proba(frame))
    assert list(best.feature_names_in_) == list(frame.columns)


@pytest.mark.parametrize(
    ("settings", "arguments", "message"),
    [
        ({}, {"y": None}, "y should be a 1d array"),
        ({}, {"y": np.zeros((200, 3))}, "y should be a 1d array"),
        ({}, {"y": np.arange(199)}, "inconsistent numbers of samples"),
        ({}, {"y": np.linspace(0, 1, 200)}, "Unknown label type: continuous"),
        ({}, {"y": np.full(200, np.nan)}, "y contains NaN"),
        ({}, {"validation_data": np.eye(10)}, r"validation_data must be a tuple \(X, y\); got nd"),
        ({}, {"validation_data": (np.eye(10), ["oak"] * 10)}, "must hold labels of .*; got .*oak"),
        ({}, {"validation_data": (np.eye(10), ["ash"])}, "inconsistent numbers of samples"),
        (
            {},
            {"unlabeled": np.eye(9)},
            "unlabeled has 9 features, but AutoencoderClassifier is expecting",
        ),
        ({"pretrain": False}, {"unlabeled": np.eye(10)}, "unlabeled must be None where nothing is"),
        (
            {},
            {"init": Network([10, 5, 10], ["relu"] * 2)},
            r"init must have layer sizes \[10, 5, 3",
        ),
        ({"class_weight": "even"}, {}, "class_weight must be None, 'balanced' or a dict"),
        (
            {"class_weight": {"ash": -1.0}},
            {},
            "class_weight must be a finite number >= 0 for class 'ash'; got -1.0",
        ),
        ({"hidden_layer_sizes": ()}, {}, "hidden_layer_sizes must be an integer from 1"),
        ({"pretrain": [Autoencoder()] * 2}, {}, "pretrain must hold one estimator for each of the"),
    ],
)
def test_bad_input(
    rows: NDArray[np.float64],
    labels: NDArray[Any],
    settings: dict[str, Any],
    arguments: dict[str, Any],
    message: str,
) -> None:
    clf = AutoencoderClassifier((5,), n_epochs=1).set_params(**settings)
    with pytest.raises(ValueError, match=message):
        clf.fit(rows, **{"y": labels, **arguments})
    assert not hasattr(clf, "network_")
    assert not hasattr(clf, "n_features_in_")


def test_bad_partial_fit(rows: NDArray[np.float64], labels: NDArray[Any]) -> None:
    clf = AutoencoderClassifier((5,))
    with pytest.raises(ValueError, match="classes must be given in the first call"):
        clf.partial_fit(rows, labels)
    with pytest.raises(ValueError, match=r"y must hold labels of .*; got 'ash'"):
        clf.partial_fit(rows, labels, classes=["beech", "cedar"])
    clf.partial_fit(rows, labels, classes=NAMES)
    with pytest.raises(ValueError, match="classes must be those of the calls before"):
        clf.partial_fit(rows, labels, classes=["ash"])
    clf.set_params(class_weight="balanced")
    with pytest.raises(ValueError, match="class_weight must be None or a dict in partial_fit"):
        clf.partial_fit(rows, labels)
