"""Tables as people have them: error codes, flags, gaps, ties, heavy tails, few rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aecore import AutoencoderOutlierDetector

Rows = NDArray[np.float64]
MIX = np.random.default_rng(7).normal(size=(2, 5))
AUTO_RATE = 0.02  # of clean rows, as documented


def readings(n_rows: int, seed: int) -> Rows:
    """Five sensors that see two factors."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(size=(n_rows, 2)) @ MIX + 0.1 * rng.normal(size=(n_rows, 5)))


def area(detector: AutoencoderOutlierDetector, usual: Rows, odd: Rows) -> float:
    """Area under the ROC curve."""
    scores = detector.score_samples(np.concatenate([usual, odd]))
    return float(roc_auc_score(np.arange(len(scores)) >= len(usual), -scores))


def beside(kind: str, n_rows: int, seed: int) -> Rows:
    """Columns that are not numbers like others."""
    rng = np.random.default_rng([seed, 5])
    if kind.startswith("one-hot"):
        levels = int(kind.split()[1])
        return np.eye(levels)[rng.integers(0, levels, n_rows)]
    made: dict[str, Rows] = {
        "flags": (rng.random((n_rows, 8)) < [0.5, 0.3, 0.2, 0.1, 0.05, 0.02, 0.01, 0.9]) * 1.0,
        "mostly zero": (rng.random((n_rows, 6)) < 0.05) * rng.lognormal(1, 1, (n_rows, 6)),
        "counts": rng.poisson(0.5, (n_rows, 4)) * 1.0,
        "heavy tails": rng.lognormal(0, 2, (n_rows, 3)),
        "constant": np.full((n_rows, 2), 3.7) + 1e-15 * rng.normal(size=(n_rows, 2)),
    }
    return made[kind]


KINDS = ["one-hot 3", "one-hot 30", "flags", "mostly zero", "counts", "heavy tails", "constant"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("settings", [{}, {"scale": "standard"}, {"dtype": "float64", "window": 2}])
def test_nothing_beside_a_reading_drowns_it(kind: str, settings: dict[str, Any]) -> None:
    def rows(n_rows: int, seed: int) -> Rows:
        return np.concatenate([readings(n_rows, seed), beside(kind, n_rows, seed)], axis=1)

    odd = rows(200, 3)
    odd[:, 1] += 15 * readings(800, 0)[:, 1].std()
    detector = AutoencoderOutlierDetector(random_state=0, **settings).fit(rows(800, 0))
    usual = rows(200, 2)
    assert area(detector, usual, odd) > 0.92  # of standard scales and spreads some have .6
    assert (detector.feature_errors(odd).argmax(axis=1) == 1).mean() > 0.4
    assert (detector.predict(usual) == -1).mean() < 0.08


def test_a_rare_category_does_not_vanish() -> None:
    """Two levels at once is what no row of a one-hot block has."""
    X = np.concatenate([readings(1000, 0), beside("one-hot 4", 1000, 0)], axis=1)
    odd = np.concatenate([readings(200, 1), np.ones((200, 4))], axis=1)
    detector = AutoencoderOutlierDetector(random_state=0).fit(X)
    assert area(detector, X[:200], odd) > 0.95


@pytest.mark.parametrize("share", [0.01, 0.04])
@pytest.mark.parametrize("dtype", ["float32", "float64", "int32"])
@pytest.mark.parametrize("code", [-9999, 999999])
def test_error_codes_in_training_blind_no_column(code: float, dtype: str, share: float) -> None:
    rng = np.random.default_rng(0)
    X = np.asarray(1000 * readings(1000, 0)).astype(dtype)
    for column in (0, 2, 3):
        X[rng.random(len(X)) < share, column] = code
    usual, odd = 1000 * readings(200, 1), 1000 * readings(200, 2)
    odd[:, 2] += 15_000 * readings(1000, 0)[:, 2].std()
    detector = AutoencoderOutlierDetector(random_state=0).fit(X)
    assert area(detector, usual.astype(dtype), odd.astype(dtype)) > 0.95
    # In three columns 4 % are one odd row in eight: "auto" grows careful.
    assert (detector.predict(odd.astype(dtype)) == -1).mean() > (0.9 if share < 0.02 else 0.4)


def shapes() -> dict[str, Rows]:
    rng = np.random.default_rng(1)
    line = np.arange(1, 102.0)
    equal = readings(800, 0)
    equal[:410] = equal[0]
    mostly_equal = readings(800, 0)
    mostly_equal[:640] = mostly_equal[0]
    return {
        "line": np.stack([line, line], axis=1),
        "normal": rng.normal(size=(1000, 1)),
        "normals": rng.normal(size=(1000, 5)),
        "log-normal": rng.lognormal(0, 2, size=(1000, 5)),
        "one-hot": np.eye(6)[rng.integers(0, 6, 1000)],
        "counts": rng.poisson(2.0, size=(1000, 4)) * 1.0,
        "mostly zero": (rng.random((1000, 4)) < 0.1) * rng.lognormal(0, 1, (1000, 4)),
        "half equal": equal,
        "mostly equal": mostly_equal,
        "factors": readings(1000, 0),
    }


@pytest.mark.parametrize("name", shapes())
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_few_alarms_where_there_is_nothing_to_find(name: str, dtype: str) -> None:
    X = shapes()[name]
    rates = [
        (AutoencoderOutlierDetector(random_state=seed, dtype=dtype).fit_predict(X) == -1).mean()
        for seed in range(3)
    ]
    assert np.mean(rates) <= 2 * AUTO_RATE


@pytest.mark.parametrize("n_rows", [2, 3, 5, 12, 20])
@pytest.mark.parametrize("scale", ["robust", "standard", "minmax", None])
def test_few_rows_are_usual(n_rows: int, scale: str | None) -> None:
    X = readings(n_rows, 4)
    detector = AutoencoderOutlierDetector(scale=scale, random_state=0).fit(X)
    assert (detector.predict(X) == -1).mean() <= 0.1
    assert np.isfinite(detector.score_samples(X)).all()
    assert detector.predict(X[:1] + 1e5).tolist() == [-1]


@pytest.mark.parametrize("error", ["cauchy", "standardized", "absolute", "squared"])
@pytest.mark.parametrize("scale", ["robust", "standard", "minmax", None])
def test_a_gap_is_no_reason(scale: str | None, error: str) -> None:
    X = readings(1500, 0)
    rng = np.random.default_rng(3)
    gap = rng.random(len(X)) < 0.1
    X[gap, rng.integers(0, 5, gap.sum())] = np.nan
    detector = AutoencoderOutlierDetector(
        missing="mask", scale=scale, error=error, contamination=0.05, random_state=0
    ).fit(X)
    odd = detector.predict(X) == -1
    assert odd[gap].mean() < 2 * odd[~gap].mean() + 0.05
    errors = detector.feature_errors(X)
    assert not np.isnan(X[np.arange(len(X)), errors.argmax(axis=1)]).any()
    np.testing.assert_allclose(errors.sum(axis=1), -detector.score_samples(X), rtol=1e-12)


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("scale", ["robust", "standard", "minmax", "maxabs", "pooled", None])
@pytest.mark.parametrize("value", [1e30, -1e37, 1e39, np.finfo(np.float64).max])
def test_one_number_too_large(scale: str | None, dtype: str, window: int, value: float) -> None:
    """Its row is odd, and rows in no window with it keep their bits."""
    X = readings(300, 0)
    detector = AutoencoderOutlierDetector(
        scale=scale, dtype=dtype, window=window, n_epochs=5, random_state=0
    ).fit(X)
    rows = X[:40].copy()
    before = detector.score_samples(rows)
    rows[20, 2] = value
    after = detector.score_samples(rows)
    far = np.abs(np.arange(40) - 20) >= window
    np.testing.assert_array_equal(after[far], before[far])
    assert detector.predict(rows)[20] == -1
    assert after.argmin() == 20 or after[20] == after.min()
    assert detector.odd_probability(rows)[20] == 1.0


@pytest.mark.parametrize("error", ["cauchy", "standardized", "absolute", "squared"])
def test_infinity_is_refused_with_its_place(error: str) -> None:
    X = readings(100, 0)
    detector = AutoencoderOutlierDetector(error=error, n_epochs=1, random_state=0).fit(X)
    X[7, 3] = np.inf
    with pytest.raises(ValueError, match="got inf in row 7, column 3"):
        detector.predict(X)
