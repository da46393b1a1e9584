"""Whatever a method is given for whichever argument: taken, or refused in words that name it."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import aecore
from aecore import Autoencoder
from aecore._names import ESTIMATORS

X = np.random.default_rng(0).random((12, 4))
LABELS = np.arange(12) % 2
GIVEN: dict[str, Any] = {
    "0-d": np.array(3),
    "number": 3.5,
    "word": "abc",
    "bytes": b"abc",
    "complex": X * 1j,
    "words": X.astype(str),
    "ragged": [[1, 2], [3]],
    "ragged objects": np.array([[1, 2], [3]], dtype=object),
    "empty list": [],
    "no rows": np.empty((0, 4)),
    "no columns": np.empty((3, 0)),
    "generator": (each for each in [1, 2]),
    "dict": {"a": 1},
    "set": {1, 2},
    "4-D": np.zeros((2, 8, 8, 1)),
    "5-D": np.zeros((2, 2, 2, 2, 2)),
    "objects": np.array([[object()] * 4] * 12),
    "dates": np.array([["2020-01-01"] * 4] * 12, "datetime64[D]"),
    "None in lists": [[None] * 4] * 12,
    "large integers": [[10**400] * 4] * 12,
    "records": np.zeros(12, [("a", float)]),
    "a class": Autoencoder,
}
# What Python and NumPy say for themselves.
ITS_OWN_WORDS = ("setting an array", "truth value", "not supported between", "unhashable")
ITS_OWN_WORDS += ("unsized", "object is not", "out of bounds", "could not be broadcast", "ufunc")
# X keeps scikit-learn's sentences, which say "array".
OF_SCIKIT_LEARN = ("Expected 2D array", "Found array with", "Complex data", "dtype='numeric'")
QUICK = {"n_epochs": 1, "random_state": 0, "n_estimators": 1, "channels": 2, "n_updates": 1}
DOORS = ("fit", "partial_fit", "transform", "reconstruct", "inverse_transform", "score")
DOORS += ("score_samples", "predict", "predict_proba", "feature_errors", "recommend", "rank")
DOORS += ("similar_items", "evaluate", "elbo", "interpolate")
RAW = {"X": X, "y": LABELS, "user_items": X, "held_out": X, "ids": [0], "a": X[0], "b": X[1]}


def new(name: str) -> Any:
    kind = getattr(aecore, name)
    there = inspect.signature(kind).parameters
    settings: dict[str, Any] = {key: value for key, value in QUICK.items() if key in there}
    if name == "DeepClustering":
        settings |= {"n_clusters": 2, "autoencoder": Autoencoder(2, n_epochs=1)}
    return kind(**settings)


def calls(name: str) -> Iterator[tuple[str, str, dict[str, Any], Any]]:
    """Method, argument, the other arguments, the model."""
    labeled = name == "AutoencoderClassifier"
    fitted = new(name).fit(X, LABELS) if labeled else new(name).fit(X)
    for door in DOORS:
        if not hasattr(fitted, door):
            continue
        parameters = inspect.signature(getattr(fitted, door)).parameters.values()
        needed = {
            each.name: RAW.get(each.name) for each in parameters if each.default is each.empty
        }
        if door == "inverse_transform":
            needed = {"Z": np.asarray(fitted.transform(X))}
        if labeled and door == "partial_fit":
            needed["classes"] = [0, 1]
        for each in parameters:
            if each.name not in {"checkpoint", "resume_from"} and (each.name != "y" or labeled):
                yield door, each.name, needed, new(name) if door.endswith("fit") else fitted


@pytest.mark.parametrize("name", ESTIMATORS)
def test_words_name_the_argument(name: str) -> None:
    for door, argument, needed, model in calls(name):
        for kind, value in GIVEN.items():
            where = f"{name}.{door}({argument}={kind})"
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")  # of labels in a column, and the like
                    getattr(model, door)(**{**needed, argument: value})
            except (ValueError, TypeError) as error:
                text = str(error)
                assert not any(words in text.partition(":")[0] for words in ITS_OWN_WORDS), where
                subject = text.removeprefix("Input ").startswith(argument)
                of_rows = argument in {"X", "Z"} and text.startswith(OF_SCIKIT_LEARN)
                assert subject or of_rows, f"{where}: {text}"
            except Exception as error:
                msg = f"{where}: {error!r}"
                raise AssertionError(msg) from error


SETTINGS: dict[str, Any] = {
    "0-d": np.array(3),
    "array": np.arange(3),
    "2-D": np.ones((2, 2)),
    "empty": np.array([]),
    "ragged": [[1], [2, 3]],
    "NaN": np.nan,
    "complex": 1j,
    "large": 10**400,
    "object": object(),
    "class": Autoencoder,
    "dict": {"a": 1},
    "set": {1},
    "tuple": (),
    "bytes": b"x",
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_parameters_name_themselves(name: str) -> None:
    for parameter in inspect.signature(getattr(aecore, name)).parameters:
        for kind, value in SETTINGS.items():
            model = new(name).set_params(**{parameter: value})
            try:
                model.fit(X, LABELS) if name == "AutoencoderClassifier" else model.fit(X)
            except Exception as error:
                if type(error) is not ValueError or not str(error).startswith(f"{parameter} must "):
                    msg = f"{name}({parameter}={kind}): {error!r}"
                    raise AssertionError(msg) from error
