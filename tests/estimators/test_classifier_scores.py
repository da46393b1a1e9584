"""Logarithms of probabilities and decisions of a classifier: consistent, and finite far out."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.special import expit, log_softmax, softmax
from sklearn.calibration import CalibratedClassifierCV
from sklearn.exceptions import NotFittedError
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import cross_val_predict, cross_val_score

from aecore import AutoencoderClassifier
from samples import three_factor_rows

X = three_factor_rows()


def labels(n_classes: int) -> NDArray[np.int64]:
    return X[:, :n_classes].argmax(axis=1)


def fitted(n_classes: int = 3, **settings: Any) -> AutoencoderClassifier:
    settings = {"n_epochs": 3, "random_state": 0, "pretrain": False, **settings}
    return AutoencoderClassifier((6,), **settings).fit(X, labels(n_classes))


def logits(model: AutoencoderClassifier, rows: NDArray[Any]) -> NDArray[np.float64]:
    """What enters the softmax, in NumPy."""
    net = model.network_
    weights, biases = (
        [part.astype(np.float64) for part in parts] for parts in (net.weights, net.biases)
    )
    hidden = np.maximum(rows @ weights[0] + biases[0], 0.0)
    return np.asarray(hidden @ weights[1] + biases[1])


TOLERANCE = {"float32": 1e-5, "float64": 1e-12}


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("n_classes", [2, 3])
def test_values(n_classes: int, dtype: str) -> None:
    model = fitted(n_classes, dtype=dtype)
    z, tolerance = logits(model, X), TOLERANCE[dtype]
    decision, log_proba = model.decision_function(X), model.predict_log_proba(X)
    assert decision.dtype == log_proba.dtype == np.dtype(dtype)
    np.testing.assert_allclose(log_proba, log_softmax(z, axis=1), rtol=0, atol=tolerance)
    expected = z[:, 1] - z[:, 0] if n_classes == 2 else z
    np.testing.assert_allclose(decision, expected, rtol=0, atol=tolerance)
    proba = model.predict_proba(X)
    np.testing.assert_allclose(np.exp(log_proba), proba, rtol=0, atol=tolerance)
    if n_classes == 2:
        np.testing.assert_allclose(expit(decision), proba[:, 1], rtol=0, atol=tolerance)
        np.testing.assert_array_equal(model.predict(X), decision > 0)
    else:
        np.testing.assert_allclose(softmax(decision, axis=1), proba, rtol=0, atol=tolerance)
        np.testing.assert_array_equal(model.predict(X), decision.argmax(axis=1))


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_finite_where_probabilities_are_not_numbers_any_more(dtype: str) -> None:
    model = fitted(dtype=dtype)
    far = 1e6 * X
    assert model.predict_proba(far).min() <= 1.0001 * np.finfo(dtype).tiny
    log_proba = model.predict_log_proba(far)
    assert np.isfinite(log_proba).all()
    assert log_proba.max() <= 0
    assert log_proba.min() < np.log(np.finfo(dtype).tiny) - 100
    np.testing.assert_allclose(log_proba, log_softmax(logits(model, far), axis=1), rtol=1e-5)


def test_sparse_rows_and_scaled_ones() -> None:
    model = fitted()
    thin = np.where(X > 0, X, 0.0)
    found = model.decision_function(csr_array(thin))
    np.testing.assert_allclose(found, model.decision_function(thin), rtol=0, atol=1e-5)
    scaled = fitted(scale="standard")
    np.testing.assert_allclose(
        np.exp(scaled.predict_log_proba(X)), scaled.predict_proba(X), rtol=0, atol=1e-5
    )


def test_calling_them_changes_nothing() -> None:
    model = fitted()
    before = model.network_.parameters.copy()
    model.decision_function(X)
    assert model.network_.activations[-1] == "softmax"
    np.testing.assert_array_equal(model.network_.parameters, before)


def test_what_scikit_learn_does_with_them() -> None:
    model = AutoencoderClassifier((6,), n_epochs=2, random_state=0)
    for method in ("decision_function", "predict_log_proba"):
        found = cross_val_predict(model, X, labels(3), cv=2, method=method)
        assert found.shape == (200, 3)
    assert cross_val_score(model, X, labels(2), cv=2, scoring="roc_auc").shape == (2,)
    score = roc_auc_score(labels(2), fitted(2).decision_function(X))
    assert score == roc_auc_score(labels(2), fitted(2).predict_log_proba(X)[:, 1])
    calibrated = CalibratedClassifierCV(model, cv=2, method="sigmoid").fit(X, labels(3))
    assert calibrated.predict_proba(X).shape == (200, 3)


@pytest.mark.parametrize("method", ["decision_function", "predict_log_proba"])
def test_errors(method: str) -> None:
    with pytest.raises(NotFittedError):
        getattr(AutoencoderClassifier(), method)(X)
    with pytest.raises(ValueError, match="X has 3 features"):
        getattr(fitted(), method)(X[:, :3])
