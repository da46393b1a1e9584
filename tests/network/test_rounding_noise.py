"""A column that is constant but for rounding is not scaled by its rounding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

import aecore
from aecore import reference
from aecore._problem.scaling import fit_scaling

SCALERS: dict[str, tuple[Any, str]] = {
    "minmax": (MinMaxScaler(), "data_range_"),
    "standard": (StandardScaler(), "scale_"),
    "maxabs": (MaxAbsScaler(), "scale_"),
}


def shares(level: float, dtype: Any = np.float64, n: int = 400) -> NDArray[Any]:
    """Numbers in columns 0 to 2; in the last the sum of seven shares of `level`."""
    rng = np.random.default_rng(1)
    parts = rng.dirichlet(np.ones(7), size=n).astype(dtype) * np.asarray(level, dtype)
    X: NDArray[Any] = np.c_[rng.normal(size=(n, 3)).astype(dtype), parts.sum(axis=1)]
    assert len(np.unique(X[:, 3])) > 1
    return X


def factors(X: Any, scale: str, rows: NDArray[np.int64] | None = None) -> NDArray[np.float64]:
    """The factors of the core's side, which are the reference's."""
    factor = fit_scaling(X, rows, scale)[1]
    if isinstance(X, np.ndarray):
        expected = reference.fit_scaling(X if rows is None else X[rows], scale)
        assert expected is not None
        np.testing.assert_allclose(factor, expected.factor, rtol=1e-3)
    return factor


@pytest.mark.parametrize("level", [1.0, -1.0, 3e-3, 1e6])
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
@pytest.mark.parametrize("scale", ["minmax", "standard", "robust"])
def test_a_sum_of_shares(scale: str, dtype: Any, level: float) -> None:
    if dtype is np.float16 and abs(level) > 1e4:
        level = 1e3
    X = shares(level, dtype)
    for rows in (None, np.arange(0, 400, 3)):
        found = factors(X, scale, rows)
        assert found[3] == 1.0
        assert (found[:3] != 1.0).all()
    gaps = X.copy()
    gaps[::5, 3] = np.nan
    assert factors(gaps, scale)[3] == 1.0


@pytest.mark.parametrize("scale", SCALERS)
def test_residuals_around_zero(scale: str) -> None:
    X = shares(1.0)
    X[:, 3] -= 1.0
    if scale != "standard":  # scikit-learn's bound is relative to the mean there
        assert factors(X, scale)[3] == 1.0
    if scale == "maxabs":
        assert factors(csr_array(X), scale)[3] == 1.0


@pytest.mark.parametrize("scale", SCALERS)
@pytest.mark.parametrize("spread", [1e-12, 1e-9, 1e-3])
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_what_scikit_learn_scales_is_scaled(scale: str, spread: float, level: float) -> None:
    X = level + spread * np.random.default_rng(0).normal(size=(300, 2))
    scaler, name = SCALERS[scale]
    by_sklearn = getattr(scaler.fit(X), name)
    np.testing.assert_allclose(factors(X, scale), 1 / by_sklearn, rtol=1e-3)


def test_a_narrow_column_of_integers_is_no_rounding() -> None:
    X = 2**40 + np.arange(12).reshape(6, 2)
    assert (factors(X, "minmax") == 1 / 10).all()


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("name", "settings"),
    [
        ("Autoencoder", {"scale": "standard"}),
        ("VariationalAutoencoder", {"scale": "minmax"}),
        ("ConvAutoencoder", {"scale": "minmax", "channels": 2}),
        ("AutoencoderClassifier", {"scale": "standard"}),
        ("AutoencoderOutlierDetector", {"n_estimators": 1}),
    ],
)
def test_the_last_digit_moves_nothing(name: str, settings: dict[str, Any], dtype: Any) -> None:
    X = shares(1.0, dtype)
    moved = X.copy()
    moved[:, 3] += 8 * np.finfo(dtype).eps
    model = getattr(aecore, name)(n_epochs=2, random_state=0, **settings)
    model.fit(X, *([X[:, 0] > 0] if name == "AutoencoderClassifier" else []))
    method = next(m for m in ("score_samples", "predict_proba") if hasattr(model, m))
    before, after = getattr(model, method)(X), getattr(model, method)(moved)
    np.testing.assert_allclose(after, before, rtol=1e-4, atol=1e-4)
