"""y is ignored, as scikit-learn wants it, but an array of the shape of X is no label."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline

import aecore

NOISY = np.random.default_rng(0).random((20, 16))
CLEAN = NOISY.round(1)
FAST: dict[str, Any] = {"n_epochs": 1, "random_state": 0}
MODELS: dict[str, Callable[[], Any]] = {
    "Autoencoder": lambda: aecore.Autoencoder((2,), **FAST),
    "SparseAutoencoder": lambda: aecore.SparseAutoencoder((2,), **FAST),
    "DenoisingAutoencoder": lambda: aecore.DenoisingAutoencoder((2,), **FAST),
    "VariationalAutoencoder": lambda: aecore.VariationalAutoencoder((2,), **FAST),
    "ConvAutoencoder": lambda: aecore.ConvAutoencoder(2, image_shape=(4, 4), **FAST),
    "AutoencoderOutlierDetector": lambda: aecore.AutoencoderOutlierDetector(n_estimators=1, **FAST),
    "DeepClustering": lambda: aecore.DeepClustering(
        2, autoencoder=aecore.Autoencoder((2,), n_epochs=1), refinement=None, random_state=0
    ),
    "AutoencoderRecommender": lambda: aecore.AutoencoderRecommender((2,), **FAST),
    "EASE": aecore.EASE,
}
WITH_TARGET = [*MODELS][:5]
WARNING = "y is ignored, and should hold labels or be None; got an array of the shape of X"


METHODS = [
    (name, method)
    for name, make in MODELS.items()
    for method in ("fit", "partial_fit", "score", "fit_transform")
    if hasattr(make(), method)
]


@pytest.mark.parametrize(("name", "method"), METHODS)
def test_clean_rows_as_y(name: str, method: str) -> None:
    model = MODELS[name]()
    if method == "score":
        model.fit(NOISY)
    advice = (
        r"\. What the output should be is given by name, target=" if name in WITH_TARGET else ""
    )
    with pytest.warns(UserWarning, match=f"^{WARNING}{advice}$"):
        getattr(model, method)(NOISY, CLEAN)


@pytest.mark.parametrize(
    ("X", "y"),
    [
        (pd.DataFrame(NOISY), CLEAN),
        (NOISY.tolist(), CLEAN.tolist()),
        (NOISY.astype(np.float32), CLEAN > 0.5),
        (NOISY, CLEAN.copy()),
    ],
    ids=["frame", "lists", "booleans", "arrays"],
)
def test_containers(X: Any, y: Any) -> None:
    with pytest.warns(UserWarning, match=WARNING):
        MODELS["Autoencoder"]().fit(X, y)


def test_images() -> None:
    model = aecore.ConvAutoencoder(2, **FAST)
    with pytest.warns(UserWarning, match=WARNING):
        model.fit(NOISY.reshape(20, 4, 4), CLEAN.reshape(20, 4, 4))


@pytest.mark.parametrize(
    "y",
    [None, np.arange(20) % 2, ["a", "b"] * 10, np.ones((20, 1)), CLEAN[:, :3], [[1], [2, 3]]],
    ids=["none", "labels", "strings", "column", "regression", "ragged"],
)
@pytest.mark.parametrize("name", MODELS)
def test_labels_are_ignored(name: str, y: Any) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MODELS[name]().fit(NOISY, y)
        if name == "Autoencoder":
            MODELS[name]().fit(NOISY[:, :1], y)


def test_rows_as_their_own_target_are_what_is_learned_anyway() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MODELS["Autoencoder"]().fit(NOISY, NOISY)


def test_a_pipeline_to_as_many_outputs_as_columns_still_works() -> None:
    pipeline = make_pipeline(MODELS["Autoencoder"](), LinearRegression())
    with pytest.warns(UserWarning, match=WARNING):
        pipeline.fit(NOISY, CLEAN)
    assert pipeline.predict(NOISY).shape == CLEAN.shape
