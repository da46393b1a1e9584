"""A training that came to nothing says so, and one that may still come to something does not."""

from __future__ import annotations

import re
import warnings
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.exceptions import ConvergenceWarning

import aecore
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    ConvAutoencoder,
    DeepClustering,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
    reference,
)
from samples import three_factor_rows

X = three_factor_rows(300)
NO_BETTER = r"no better than the [-\d.]+ of the best constant output"
# Steps that are far too long, but bounded: the loss stays finite.
TOO_FAST: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 50.0, "clip_norm": 1.0}


def counts() -> NDArray[np.float64]:
    return np.random.default_rng(0).poisson(3.0, (300, 10)).astype(float)


def heard(fit: Any) -> list[str]:
    """Return what a training warns of."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        fit()
    assert all(issubclass(each.category, ConvergenceWarning) for each in found)
    # Each points at a line of the caller.
    assert all(each.filename == __file__ for each in found)
    return [str(each.message) for each in found]


FAILING: dict[str, Any] = {
    "autoencoder": lambda: Autoencoder((4,), n_epochs=5, random_state=0, **TOO_FAST).fit(X),
    "denoising": lambda: DenoisingAutoencoder((4,), n_epochs=5, random_state=0, **TOO_FAST).fit(X),
    "sparse": lambda: SparseAutoencoder((4,), n_epochs=100, weight_decay=1e3, random_state=0).fit(
        X
    ),
    "images": lambda: ConvAutoencoder(
        (3,), code_size=2, n_epochs=5, random_state=0, **TOO_FAST
    ).fit(X[:, :9].reshape(-1, 3, 3)),
    "drawn code": lambda: VariationalAutoencoder(
        (4, 2),
        likelihood="gaussian",
        beta=1e3,
        batch_size=20,
        learning_rate=0.01,
        n_epochs=100,
        random_state=0,
    ).fit(X),
    "classifier": lambda: AutoencoderClassifier(
        (4,), pretrain=False, n_epochs=5, learning_rate=20.0, random_state=0
    ).fit(X, np.random.default_rng(0).integers(0, 3, 300)),
    "clusters": lambda: DeepClustering(
        3, autoencoder=Autoencoder((4,), n_epochs=5, **TOO_FAST), refinement=None, random_state=0
    ).fit(X),
    "recommender": lambda: AutoencoderRecommender(
        (4,), n_epochs=5, learning_rate=10.0, random_state=0
    ).fit(csr_array(np.random.default_rng(0).random((300, 40)) < 0.1)),
    "counts": lambda: Autoencoder(
        (4,),
        loss="poisson",
        output_activation="softplus",
        n_epochs=30,
        batch_size=20,
        learning_rate=1e-7,
        random_state=0,
    ).fit(counts()),
}


@pytest.mark.parametrize("name", FAILING)
def test_every_estimator_warns_once(name: str) -> None:
    (said,) = (each for each in heard(FAILING[name]) if "best constant" in each)
    assert re.search(NO_BETTER, said)
    assert "Try a" in said


@pytest.mark.parametrize(
    "settings",
    [
        {"n_epochs": 1},
        {"n_epochs": 3},
        {"n_epochs": 30},
        {"n_epochs": 40, "batch_size": 20, "learning_rate": 0.01},
        {"n_epochs": 3, "optimizer": "lbfgs"},
        {"n_epochs": 2, "dropout": 0.5, "noise": "gaussian", "noise_level": 2.0},
        {"n_epochs": 40, "batch_size": 20, "trim_fraction": 0.2, "learning_rate": 0.01},
    ],
    ids=str,
)
def test_a_training_on_its_way_is_quiet(settings: dict[str, Any]) -> None:
    ae = Autoencoder((4,), activation="tanh", random_state=0, **settings)
    assert heard(lambda: ae.fit(X)) == []


def test_rows_that_are_all_the_same_are_quiet() -> None:
    ae = Autoencoder((4,), random_state=0, n_epochs=100)
    assert heard(lambda: ae.fit(np.full((50, 3), 0.5))) == []


def test_a_detector_is_quiet() -> None:
    assert heard(lambda: AutoencoderOutlierDetector(random_state=0, n_epochs=1).fit(X)) == []


@pytest.mark.parametrize("layer", [0, 1, 2])
@pytest.mark.parametrize("activation", ["relu", "sigmoid"])
def test_a_dead_layer_is_named(activation: str, layer: int) -> None:
    start = aecore.Network([10, 6, 4, 6, 10], [*[activation] * 3, "identity"], random_state=0)
    start.weights[layer][:] *= 0.01
    start.biases[layer][:] = -1e3
    ae = Autoencoder((6, 4), activation=activation, n_epochs=1)
    (said,) = heard(lambda: ae.fit(X, init=start))
    name = "the code" if layer == 1 else f"hidden layer {layer + 1}"
    assert f"{name} ({activation}) is dead" in said
    assert re.search(NO_BETTER, said)


@pytest.mark.parametrize(
    "how", ["array", "rows held back", "weights", "missing", "sparse", "target"]
)
@pytest.mark.parametrize("loss", reference.LOSSES)
def test_history_has_the_loss_of_the_constant(loss: str, how: str) -> None:
    rng = np.random.default_rng(1)
    rows = counts() if loss in ("poisson", "multinomial") else X
    output = {"multinomial": "softmax", "binary_cross_entropy": "sigmoid", "poisson": "softplus"}
    settings: dict[str, Any] = {"loss": loss, "output_activation": output.get(loss, "identity")}
    given: dict[str, Any] = {}
    expected, weight = rows, None
    if loss == "multinomial" and how == "missing":
        pytest.skip("a share of what is there says nothing of what is missing")
    if how == "rows held back":
        given["validation_data"] = rows[200:]
        rows = expected = rows[:200]
    elif how == "weights":
        weight = given["sample_weight"] = rng.integers(0, 3, 300).astype(float)
    elif how == "missing":
        settings["missing"] = "mask"
        rows = expected = np.where(rng.random(rows.shape) < 0.2, np.nan, rows)
    elif how == "sparse":
        expected = np.where(rng.random(rows.shape) < 0.5, 0.0, rows)
        rows = csr_array(expected)
    elif how == "target":
        expected = given["target"] = rows[:, ::-1]
    ae = Autoencoder((4,), n_epochs=2, dtype="float64", random_state=0, **settings)
    ae.fit(rows, **given)
    found = ae.history_["constant_loss"]
    least = reference.constant_loss(expected, loss, sample_weight=weight)
    np.testing.assert_allclose(found, [least, least], rtol=1e-9)


def test_scaled_columns_and_frequencies_of_classes() -> None:
    ae = Autoencoder((4,), scale="standard", n_epochs=1, random_state=0).fit(100 * X + 7)
    assert ae.history_["constant_loss"] == pytest.approx([5.0], rel=1e-6)  # ten variances of 1
    y, p = np.repeat([0, 1, 2], [50, 100, 150]), np.array([1, 2, 3]) / 6
    model = AutoencoderClassifier((4,), pretrain=False, n_epochs=1, random_state=0).fit(X, y)
    assert model.history_["constant_loss"] == pytest.approx([-(p * np.log(p)).sum()])


def test_ratings_have_the_constant_of_those_that_are_there() -> None:
    rng = np.random.default_rng(0)
    full = np.where(rng.random((60, 8)) < 0.4, rng.integers(1, 6, (60, 8)), 0.0)
    model = AutoencoderRecommender((3,), feedback="explicit", n_epochs=1, random_state=0)
    model.fit(csr_array(full))
    assert 0.0 < model.history_["constant_loss"][0] < 0.5 * full.size / 60 * 4


def test_many_rows_are_judged_by_some_thousand() -> None:
    rows = three_factor_rows(15_000)
    ae = Autoencoder((4,), n_epochs=1, random_state=0).fit(rows)
    (found,) = ae.history_["constant_loss"]
    assert found == pytest.approx(reference.constant_loss(rows), rel=0.02)
    assert found == pytest.approx(reference.constant_loss(rows[::4]), rel=1e-12)
