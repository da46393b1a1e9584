"""Weights of rows: as if rows came as often as they weigh, whatever the unit of weight."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import AutoencoderOutlierDetector
from aecore._outliers.detection import by_weight
from aecore._outliers.deviations import sample_of
from aecore._outliers.shares import rows_at_even_shares, windows_by_rows

Rows = NDArray[np.float64]
FAST: dict[str, Any] = {"n_estimators": 2, "n_epochs": 4, "random_state": 0}


def rows(n_rows: int, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(9).normal(size=(2, 4))
    return np.asarray(rng.normal(size=(n_rows, 2)) @ mix + 0.1 * rng.normal(size=(n_rows, 4)))


def numbers(model: AutoencoderOutlierDetector) -> list[Any]:
    X = rows(40, 5)
    networks = [each.network_.parameters.tobytes() for each in model.estimators_]
    return [networks, model.score_samples(X).tobytes(), model.offset_]


@pytest.mark.parametrize("n", [1, 2, 7, 100])
def test_even_shares(n: int) -> None:
    np.testing.assert_array_equal(rows_at_even_shares(np.ones(n), n), np.arange(n))
    np.testing.assert_array_equal(rows_at_even_shares(np.full(n, 1e-308), n), np.arange(n))
    doubled = rows_at_even_shares(np.repeat([2.0, 1.0], n), 3 * n)
    np.testing.assert_array_equal(np.bincount(doubled), np.repeat([2, 1], n))


def test_errors_and_samples_by_weight() -> None:
    errors = np.array([5.0, 1.0, 3.0, 9.0])
    np.testing.assert_array_equal(by_weight(errors, None), errors)
    np.testing.assert_array_equal(by_weight(errors, np.array([0, 3.0, 0, 3.0])), [1, 9])
    sample = sample_of(np.arange(8.0).reshape(4, 2), None, np.array([0.0, 0.0, 1.0, 0.0]))
    np.testing.assert_array_equal(sample, [[4.0, 5.0]] * 4)
    np.testing.assert_allclose(windows_by_rows(np.array([1.0, 2, 6]), 2), [1.5, 4])


@pytest.mark.parametrize("window", [1, 3])
@pytest.mark.parametrize("threshold", ["quantile", "tail", "conformal"])
def test_the_unit_of_weight_says_nothing(threshold: str, window: int) -> None:
    settings = {**FAST, "threshold": threshold, "false_alarm_rate": 0.1, "window": window}
    X, weights = rows(300), np.random.default_rng(1).integers(1, 5, 300) / 4
    one, *others = (
        AutoencoderOutlierDetector(**settings).fit(X, sample_weight=unit * weights)
        for unit in (1.0, 2.0**1000, 2.0**-1000)
    )
    for other in others:
        assert numbers(one) == numbers(other)
    plain = AutoencoderOutlierDetector(**settings).fit(X)
    assert numbers(plain)[2] == pytest.approx(
        AutoencoderOutlierDetector(**settings).fit(X, sample_weight=np.full(300, 7.0)).offset_,
        rel=0.05,
    )


@pytest.mark.parametrize("scale", ["robust", "standard", None])
def test_rows_without_weight_say_nothing(scale: str | None) -> None:
    X = np.concatenate([rows(300), 50 + 9 * rows(200, 1)])
    weights = np.repeat([1.0, 0.0], [300, 200])
    settings = {"scale": scale, "random_state": 0, "contamination": 0.1}
    detector = AutoencoderOutlierDetector(**settings).fit(X, sample_weight=weights)
    found = detector.predict(X) == -1
    assert found[:300].mean() == pytest.approx(0.1, abs=0.01)
    assert found[300:].all()
    assert detector.train_scores_.shape == (500,)
    offset = detector.offset_
    assert detector.set_contamination(0.2).offset_ > offset
    assert (detector.predict(X[:300]) == -1).mean() == pytest.approx(0.2, abs=0.01)


def test_weights_count_as_repeated_rows_would() -> None:
    """Half of the rows, three times as heavy, or three times there: the same threshold, about."""
    X = rows(600)
    X[300:] *= 2
    weights = np.repeat([3.0, 1.0], 300)
    weighted = AutoencoderOutlierDetector(contamination=0.1, random_state=0)
    weighted.fit(X, sample_weight=weights)
    repeated = AutoencoderOutlierDetector(contamination=0.1, random_state=0)
    repeated.fit(np.repeat(X, weights.astype(int), axis=0))
    share = [(model.predict(X[:300]) == -1).mean() for model in (weighted, repeated)]
    assert share[0] == pytest.approx(share[1], abs=0.03)
    scales = [model.estimators_[0].network_._input.factor for model in (weighted, repeated)]
    np.testing.assert_allclose(*scales, rtol=1e-12)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        (np.ones(7), r"sample_weight must have shape \(50,\)"),
        (-np.ones(50), "sample_weight must be finite and >= 0"),
        (np.zeros(50), "sample_weight must hold at least one number > 0"),
    ],
)
def test_bad_weights(weights: Rows, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        AutoencoderOutlierDetector(**FAST).fit(rows(50), sample_weight=weights)
