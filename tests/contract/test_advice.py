"""Errors say what helps: the column by its name, and the parameter or the estimator to take."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

import aecore
from aecore import Autoencoder, AutoencoderClassifier, AutoencoderOutlierDetector, DeepClustering
from aecore._names import ESTIMATORS

RNG = np.random.default_rng(0)
X = RNG.random((12, 4))
LABELS = np.arange(12) % 2
BYTES = RNG.integers(0, 256, (12, 4)).astype(np.uint8)
GAP = np.where(np.arange(48).reshape(12, 4) == 22, np.nan, X)
TABLE = pd.DataFrame(GAP, columns=["age", "size", "weight", "pulse"])
RECOMMENDERS = {"AutoencoderRecommender", "EASE"}
CODERS = [name for name in ESTIMATORS if name not in RECOMMENDERS]
CROSS: dict[str, Any] = {"loss": "binary_cross_entropy", "output_activation": "sigmoid"}


def fit(name: str, rows: Any, **settings: Any) -> Any:
    kind = getattr(aecore, name)
    quick = {"n_epochs": 1, "random_state": 0, "n_estimators": 1, "channels": 2}
    there = inspect.signature(kind).parameters
    model = kind(**{key: value for key, value in quick.items() if key in there}, **settings)
    return model.fit(rows, LABELS) if name == "AutoencoderClassifier" else model.fit(rows)


def said(call: Callable[[], Any]) -> str:
    with pytest.raises((ValueError, TypeError)) as raised:
        call()
    return str(raised.value)


@pytest.mark.parametrize("name", CODERS)
def test_nan_names_missing_where_there_is_one(name: str) -> None:
    text = said(lambda: fit(name, GAP))
    assert re.search("NaN.* row 5, column 2", text)
    if "missing" in inspect.signature(getattr(aecore, name)).parameters:
        assert 'missing="mask" leaves them out' in text
        fit(name, GAP, missing="mask")
    else:
        takes = name == "DeepClustering"
        expected = 'autoencoder may have missing="mask"' if takes else "takes no missing numbers"
        assert expected in text
    assert text.count("SimpleImputer") == 1


@pytest.mark.parametrize("name", CODERS)
def test_a_column_has_its_name(name: str) -> None:
    assert "column 2 ('weight')" in said(lambda: fit(name, TABLE))
    model = fit(name, TABLE.fillna(0.0))
    method = model.score_samples if hasattr(model, "score_samples") else model.predict
    assert "column 2 ('weight')" in said(lambda: method(TABLE))
    with pytest.warns(UserWarning, match="does not have valid feature names"):
        text = said(lambda: method(GAP))
    assert "column 2 ('weight')" in text


def test_columns_of_other_arguments() -> None:
    model = Autoencoder(2, n_epochs=1)
    full = TABLE.fillna(0.0)
    named = "row 5, column 2 ('weight')"
    assert named in said(lambda: model.fit(full, target=TABLE))
    text = said(lambda: model.fit(full, validation_data=TABLE))
    assert text.startswith("Input validation_data contains NaN at ")
    assert named in text
    pair = (full, TABLE.rename(columns=str.upper))
    text = said(lambda: model.fit(full, target=full, validation_data=pair))
    assert text.startswith("Input target of validation_data contains NaN at ")
    assert "column 2 ('WEIGHT')" in text


def test_where_missing_is_of_no_use() -> None:
    masked = Autoencoder(2, missing="mask", n_epochs=1, random_state=0).fit(X)
    gap = np.full((1, 2), np.nan)
    assert "missing=" not in said(lambda: masked.inverse_transform(gap))
    assert "missing=" not in said(lambda: Autoencoder(2).fit(X, sample_weight=GAP[:, 2]))
    labels = np.where(np.arange(12) == 3, np.nan, LABELS)
    assert "missing=" not in said(lambda: AutoencoderClassifier((2,)).fit(X, labels))
    text = said(lambda: Autoencoder(2, n_epochs=1).fit(csr_array(GAP)))
    assert "sparse rows cannot be told from zeros" in text
    assert "missing=" not in text


@pytest.mark.parametrize("name", ["Autoencoder", "ConvAutoencoder"])
def test_bytes_name_input_scale(name: str) -> None:
    text = said(lambda: fit(name, BYTES, **CROSS))
    assert text.endswith("input_scale=1/255 makes numbers from 0 to 1 of bytes")
    fit(name, BYTES, input_scale=1 / 255, **CROSS)
    text = said(lambda: fit(name, 9 * X, **CROSS))
    assert text.endswith("scale='minmax' makes numbers from 0 to 1 of every column")
    fit(name, 9 * X, scale="minmax", **CROSS)
    assert said(lambda: fit(name, BYTES, input_scale=0.1, **CROSS)).rstrip(".").endswith("column 0")


@pytest.mark.parametrize("shape", [(12, 8, 8, 3), (12, 8, 8)])
@pytest.mark.parametrize("name", sorted(set(CODERS) - {"ConvAutoencoder"}))
def test_images_name_the_convolutional_one(name: str, shape: tuple[int, ...]) -> None:
    images = RNG.random(shape)
    text = said(lambda: fit(name, images))
    assert "Images go to ConvAutoencoder, as (n, height, width, channels), or are flattened" in text
    fit(name, images.reshape(12, -1))


def test_an_error_keeps_its_place_and_its_kind() -> None:
    with pytest.raises(ValueError, match="NaN") as raised:
        DeepClustering(2, autoencoder=Autoencoder(2)).fit(GAP)
    assert raised.type is ValueError
    assert str(raised.value).count("SimpleImputer") == 1
    assert raised.traceback[-1].path != raised.traceback[0].path


def test_a_stream_says_it_too() -> None:
    for model in (Autoencoder(2), AutoencoderOutlierDetector(n_estimators=1)):
        assert 'missing="mask"' in said(lambda model=model: model.partial_fit(TABLE))
