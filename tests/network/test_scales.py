"""Scales: withstanding arbitrary numbers, one for the table, with weights, within limits."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.model_selection import cross_val_score

import aecore
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    ConvAutoencoder,
    DeepClustering,
    VariationalAutoencoder,
    reference,
)
from aecore._problem.scaling import fit_scaling

SCALES = reference.SCALES


def table(dtype: Any = np.float64, n: int = 400) -> NDArray[Any]:
    """Normal, log-normal, counts, a flag that is rare, and a column that is mostly zero."""
    rng = np.random.default_rng(2)
    columns = (
        rng.normal(5.0, 2.0, n),
        rng.lognormal(0.0, 1.0, n),
        rng.poisson(3.0, n),
        rng.random(n) < 0.02,
        np.where(rng.random(n) < 0.1, rng.normal(20.0, 1.0, n), 0.0),
    )
    X: NDArray[Any] = np.stack(columns, axis=1).astype(dtype)
    return X


def spread(X: NDArray[Any], scale: str, weights: Any = None) -> tuple[Any, Any]:
    offset, factor = fit_scaling(X, None, scale, weights)
    return offset, 1.0 / factor


@pytest.mark.parametrize("code", [1e6, -9999.0, 1e30])
@pytest.mark.parametrize(("share", "within"), [(0.01, 0.35), (0.05, 1.0)])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32])
def test_robust_withstands_arbitrary_numbers(
    dtype: Any, share: float, within: float, code: float
) -> None:
    if dtype is np.int32 and code > 1e9:
        code = 2e9
    X = table(dtype)
    offset, width = spread(X, "robust")
    bad = np.random.default_rng(0).random(X.shape) < share
    offset_of_bad, width_of_bad = spread(np.where(bad, np.asarray(code, dtype), X), "robust")
    numbers = [0, 1, 2]
    assert (np.abs(offset_of_bad - offset) < within * width)[numbers].all()
    np.testing.assert_allclose(width_of_bad[numbers], width[numbers], rtol=within)
    assert (np.abs(spread(np.where(bad, np.asarray(code, dtype), X), "standard")[1]) > 10 * width)[
        numbers
    ].all()


def test_robust_is_standard_where_nothing_is_far() -> None:
    X = np.random.default_rng(0).uniform(-3.0, 5.0, (300, 4))
    for found, expected in zip(spread(X, "robust"), spread(X, "standard"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-12)


def test_robust_of_many_rows_takes_quantiles_of_some() -> None:
    X = np.repeat(table(n=500), 80, axis=0)  # 40,000 rows
    for found, expected in zip(spread(X, "robust"), spread(X[::80], "robust"), strict=True):
        np.testing.assert_allclose(found, expected, rtol=0.05, atol=0.01)


def test_pooled_has_one_factor_and_mean_variance_1() -> None:
    X = table()
    offset, factor = fit_scaling(X, None, "pooled")
    assert len(set(factor)) == 1
    np.testing.assert_allclose(offset, X.mean(axis=0))
    assert ((X - offset) * factor).var(axis=0).mean() == pytest.approx(1.0)


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("gaps", [False, True])
def test_weights_count_like_repeated_rows(scale: str, gaps: bool) -> None:
    X = table()
    if gaps:
        X[np.random.default_rng(3).random(X.shape) < 0.2] = np.nan
    weights = np.random.default_rng(1).integers(0, 4, len(X))
    expected = spread(np.repeat(X, weights, axis=0), scale)
    for unit in (1.0, 1e307, 1e-308, 1 / 3):
        for found, wanted in zip(spread(X, scale, weights * unit), expected, strict=True):
            np.testing.assert_allclose(found, wanted, rtol=1e-9)
    whole = spread(X, scale)
    assert not all(np.allclose(a, b, rtol=1e-6) for a, b in zip(expected, whole, strict=True))


@pytest.mark.parametrize("scale", ["minmax", "standard", "robust", "pooled", "maxabs"])
@pytest.mark.parametrize("name", ["Autoencoder", "AutoencoderClassifier"])
def test_estimators_hand_their_weights_to_the_scale(name: str, scale: str) -> None:
    X, weights = table(), np.random.default_rng(1).integers(0, 4, 400)
    labels = [X[:, 0] > 5] if name == "AutoencoderClassifier" else []
    model = getattr(aecore, name)((2,), scale=scale, n_epochs=1, random_state=0)
    model.fit(X, *labels, sample_weight=weights)
    offset, width = spread(np.repeat(X, weights, axis=0), scale)
    np.testing.assert_allclose(model.offset_, offset, rtol=1e-9)
    np.testing.assert_allclose(1 / model.factor_, width, rtol=1e-9)


def test_weights_of_classes_are_for_the_loss() -> None:
    X = table()
    model = AutoencoderClassifier((2,), scale="standard", class_weight="balanced", n_epochs=1)
    np.testing.assert_allclose(model.fit(X, X[:, 0] > 7).offset_, X.mean(axis=0))
    fresh = AutoencoderClassifier((2,), scale="standard", class_weight={True: 5.0})
    fresh.partial_fit(X, X[:, 0] > 7, classes=[False, True])
    np.testing.assert_allclose(fresh.offset_, X.mean(axis=0))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_number_of_any_size_is_limited(dtype: str, tmp_path: Path) -> None:
    X = table()
    model = Autoencoder((3,), scale="robust", dtype=dtype, n_epochs=2, random_state=0).fit(X)
    far = np.tile(X[:6], (2, 1))
    far[0, 0], far[1, 1], far[2, 2], far[3, 0] = 1e37, -1e39, np.finfo(float).max, -1e300
    scaling = reference.fit_scaling(X, "robust")
    network = model.network_
    arguments = (network.layer_sizes, network.activations, network.parameters)
    expected = reference.encode(*arguments, far, scaling=scaling)
    path = tmp_path / "model.aecore"
    model.save(path)
    for each in (model, pickle.loads(pickle.dumps(model)), aecore.load(path)):
        np.testing.assert_allclose(each.transform(far), expected, rtol=1e-5, atol=1e-6)
        one_by_one = np.concatenate([each.transform(row[np.newaxis]) for row in far])
        np.testing.assert_array_equal(one_by_one, each.transform(far))
        assert np.isfinite(each.score_samples(far)).all()
    for bad in (np.inf, -np.inf, np.nan):
        far[5, 1] = bad
        with pytest.raises(ValueError, match="row 5, column 1"):
            model.transform(far)


MODELS = [
    (VariationalAutoencoder((2,), likelihood="bernoulli"), "minmax"),
    (Autoencoder((2,), loss="binary_cross_entropy", output_activation="sigmoid"), "minmax"),
    (Autoencoder((2,), loss="binary_cross_entropy", output_activation="sigmoid"), "maxabs"),
    (Autoencoder((2,), loss="poisson", output_activation="softplus"), "minmax"),
    (Autoencoder((2,), loss="multinomial", output_activation="softmax"), "minmax"),
]


@pytest.mark.parametrize(("model", "scale"), MODELS)
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_rows_outside_the_range_of_training_are_limited_to_it(
    model: Any, scale: str, dtype: Any
) -> None:
    X = table(dtype)[:, :3]
    X -= 0 if scale == "maxabs" else X.min(axis=0)
    X = np.abs(X) if scale == "maxabs" else X
    model.set_params(scale=scale, validation_fraction=0.3, n_epochs=2, random_state=0).fit(X)
    far = X[:4].copy()
    far[0] *= 50
    if scale == "minmax":
        far[1] = -far[0]
    inside = np.clip(far, X.min(axis=0) if scale == "minmax" else None, None)
    assert np.isfinite(model.score_samples(far)).all()
    assert np.isfinite(model.history_["validation_loss"]).all()
    model.validation_fraction = 0.0
    model.fit(X, validation_data=far)
    model.partial_fit(far)
    np.testing.assert_array_equal(model.transform(inside)[1], model.transform(far)[1])


def test_scores_of_held_out_folds_are_numbers() -> None:
    X = np.random.default_rng(0).normal(size=(200, 5))
    model = VariationalAutoencoder((3,), likelihood="bernoulli", scale="minmax", n_epochs=1)
    assert np.isfinite(cross_val_score(model, X, cv=4)).all()


@pytest.mark.parametrize("scale", ["minmax", "standard"])
def test_other_losses_see_how_far_a_row_is(scale: str) -> None:
    X = table()
    model = Autoencoder((2,), scale=scale, n_epochs=1, random_state=0).fit(X)
    errors = [-model.score_samples(X[:1] + far)[0] for far in (100.0, 200.0)]
    assert errors[1] > 2 * errors[0]


def test_a_wrong_first_range_stays_an_error() -> None:
    X = np.random.default_rng(0).normal(size=(60, 3))
    for scale in ("standard", "maxabs", "robust"):
        model = Autoencoder((2,), loss="binary_cross_entropy", output_activation="sigmoid")
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            model.set_params(scale=scale, n_epochs=1).fit(X)


@pytest.mark.parametrize("scale", ["robust", "pooled"])
def test_every_estimator_takes_them(scale: str) -> None:
    X = table()[:, :4]
    own: dict[str, Any] = {"scale": scale, "n_epochs": 1, "random_state": 0}
    for model in (
        Autoencoder((2,), **own),
        VariationalAutoencoder((2,), likelihood="gaussian", **own),
        DeepClustering(2, autoencoder=Autoencoder((2,), **own), random_state=0),
        ConvAutoencoder(2, image_shape=(2, 2), kernel_size=2, **own),
    ):
        offset, width = spread(X, scale)
        fitted = model.fit(X)
        np.testing.assert_allclose(fitted.offset_, offset)
        np.testing.assert_allclose(1 / fitted.factor_, width)
    labels = X[:, 0] > 5
    assert len(AutoencoderClassifier((2,), **own).fit(X, labels).predict(X)) == len(X)
