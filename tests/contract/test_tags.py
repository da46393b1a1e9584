"""What the tags of an estimator say, for each setting, is what it does."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.utils import get_tags

import aecore
from aecore import (
    EASE,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    ConvAutoencoder,
    DeepClustering,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from aecore._names import ESTIMATORS

RNG = np.random.default_rng(0)
X = RNG.random((30, 6)) * (RNG.random((30, 6)) < 0.7)
LABELS = np.arange(30) % 2
CROSS: dict[str, Any] = {"loss": "binary_cross_entropy", "output_activation": "sigmoid"}
POISSON: dict[str, Any] = {"loss": "poisson", "output_activation": "softplus"}
SHARES: dict[str, Any] = {"loss": "multinomial", "output_activation": "softmax"}
MODELS: list[Any] = [
    *(Autoencoder(2, **each) for each in ({}, CROSS, POISSON, SHARES)),
    *(Autoencoder(2, scale=each) for each in ("standard", "minmax", "maxabs", "robust", "pooled")),
    Autoencoder(2, scale="standard", missing="mask"),
    Autoencoder(2, scale="minmax", **CROSS),
    Autoencoder(2, missing="mask"),
    Autoencoder(2, missing="mask", **POISSON),
    *(Autoencoder(2, noise=each) for each in ("masking", "gaussian")),
    Autoencoder(2, noise="masking", noise_emphasis=2.0),
    SparseAutoencoder(2),
    DenoisingAutoencoder(2),
    VariationalAutoencoder(2),
    *(VariationalAutoencoder(2, likelihood=each) for each in ("gaussian", "bernoulli")),
    VariationalAutoencoder(2, likelihood="multinomial"),
    ConvAutoencoder(2),
    ConvAutoencoder(2, missing="mask", scale="standard"),
    ConvAutoencoder(2, **CROSS),
    AutoencoderClassifier((2,)),
    AutoencoderClassifier((2,), scale="standard"),
    AutoencoderOutlierDetector(n_estimators=1),
    AutoencoderOutlierDetector(n_estimators=1, missing="mask"),
    DeepClustering(2, autoencoder=Autoencoder(2, n_epochs=1)),
    DeepClustering(2, autoencoder=Autoencoder(2, n_epochs=1, missing="mask")),
    DeepClustering(2, autoencoder=Autoencoder(2, n_epochs=1, **POISSON)),
    AutoencoderRecommender((2,)),
    AutoencoderRecommender((2,), feedback="explicit"),
    EASE(),
]


def fits(model: Any, rows: Any) -> bool:
    quick = {"n_epochs": 1, "random_state": 0}
    there = inspect.signature(type(model)).parameters
    model.set_params(**{name: value for name, value in quick.items() if name in there})
    try:
        model.fit(rows, LABELS) if isinstance(model, AutoencoderClassifier) else model.fit(rows)
    except (ValueError, TypeError):
        return False
    return True


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@pytest.mark.parametrize("model", MODELS, ids=str)
def test_tags_say_the_truth(model: Any) -> None:
    tags = get_tags(model).input_tags
    assert fits(model, X)
    assert tags.sparse == fits(model, csr_array(X))
    assert tags.allow_nan == fits(
        model, np.where(np.arange(180).reshape(X.shape) == 100, np.nan, X)
    )
    assert tags.positive_only == (not fits(model, X - 0.5))
    assert tags.three_d_array == fits(model, RNG.random((30, 8, 8)))


def test_every_estimator_is_tried() -> None:
    assert {type(model) for model in MODELS} == {getattr(aecore, name) for name in ESTIMATORS}
