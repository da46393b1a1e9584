"""What a fitted detector is asked besides scores: probabilities, groups, PyOD's names, streams."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

import aecore
from aecore import AutoencoderOutlierDetector
from aecore._outliers.fitting import N_KEPT
from files_of_0_1_0 import FOLDER

Rows = NDArray[np.float64]
FAST: dict[str, Any] = {"n_estimators": 2, "n_epochs": 4, "random_state": 0}


def rows(n_rows: int, seed: int = 0) -> Rows:
    rng = np.random.default_rng(seed)
    mix = np.random.default_rng(9).normal(size=(2, 4))
    return np.asarray(rng.normal(size=(n_rows, 2)) @ mix + 0.1 * rng.normal(size=(n_rows, 4)))


def fitted(**settings: Any) -> AutoencoderOutlierDetector:
    return AutoencoderOutlierDetector(**{**FAST, **settings}).fit(rows(300))


@pytest.mark.parametrize("threshold", ["quantile", "tail", "conformal"])
@pytest.mark.parametrize("window", [1, 3])
def test_training_scores_are_those_of_the_rows(threshold: str, window: int) -> None:
    detector = fitted(threshold=threshold, window=window, false_alarm_rate=0.1)
    np.testing.assert_array_equal(detector.train_scores_, detector.score_samples(rows(300)))


@pytest.mark.parametrize("error", ["cauchy", "standardized", "absolute", "squared"])
@pytest.mark.parametrize("contamination", ["auto", 0.1])
def test_probabilities_rise_with_the_error(error: str, contamination: str | float) -> None:
    detector = fitted(error=error, contamination=contamination)
    X = np.concatenate([rows(200, 1), rows(100, 2) * np.geomspace(1, 1e6, 100)[:, None]])
    odd, scores = detector.odd_probability(X), detector.score_samples(X)
    assert ((odd >= 0) & (odd <= 1)).all()
    assert (np.diff(odd[np.argsort(-scores)]) >= 0).all()
    np.testing.assert_array_equal(odd > 0.5, detector.predict(X) == -1)
    assert odd[-1] == 1.0
    detector.offset_ = float(scores[0])
    assert detector.odd_probability(X[:1]) == 0.5


def test_probabilities_where_all_rows_are_alike() -> None:
    X = np.ones((30, 3))
    detector = AutoencoderOutlierDetector(**FAST).fit(X)
    np.testing.assert_array_equal(detector.odd_probability([[1, 1, 1], [1, 1, 9]]), [0.5, 1.0])


@pytest.mark.parametrize("threshold", ["quantile", "tail", "conformal"])
@pytest.mark.parametrize("contamination", ["auto", 0.03, 0.3])
def test_another_contamination_needs_no_training(
    contamination: str | float, threshold: str
) -> None:
    detector = fitted(threshold=threshold, false_alarm_rate=0.1)
    before = [each.network_.parameters.copy() for each in detector.estimators_]
    assert detector.set_contamination(contamination) is detector
    assert detector.get_params()["contamination"] == contamination
    assert detector.threshold == "quantile"
    for old, each in zip(before, detector.estimators_, strict=True):
        np.testing.assert_array_equal(old, each.network_.parameters)
    if threshold != "conformal":
        assert detector.offset_ == fitted(contamination=contamination).offset_
    if contamination != "auto":
        assert (detector.predict(rows(300)) == -1).mean() == pytest.approx(contamination, abs=0.004)
    offset = detector.offset_
    with pytest.raises(ValueError, match="contamination must be 'auto' or a number"):
        detector.set_contamination(0.9)
    assert detector.offset_ == offset


@pytest.mark.parametrize("window", [1, 4])
@pytest.mark.parametrize("missing", [None, "mask"])
@pytest.mark.parametrize("error", ["cauchy", "standardized", "absolute", "squared"])
def test_errors_by_group(error: str, missing: str | None, window: int) -> None:
    X = rows(300)
    if missing:
        X[::7, 1] = X[::5, 3] = X[20] = np.nan
    frame = pd.DataFrame(X, columns=list("abcd"))
    detector = AutoencoderOutlierDetector(error=error, missing=missing, window=window, **FAST)
    detector.fit(frame)
    features, scores = detector.feature_errors(frame), detector.score_samples(frame)
    for groups in ([[0, 2], [1], [3]], {"x": ["a", "c"], "y": np.array([1]), "z": ("d",)}):
        found = detector.feature_errors(frame, groups=groups)
        np.testing.assert_allclose(found[:, 0], features[:, [0, 2]].sum(axis=1), rtol=1e-12)
        np.testing.assert_allclose(found.sum(axis=1), -scores, atol=1e-6)
    assert detector.feature_errors(frame, groups=[["b"]]).shape == (300, 1)


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([[0, 4]], "groups must name columns of X, from 0 to 3 or by their names in fit; got 4"),
        ([["a"]], "groups must name columns of X, .*; got 'a'"),
        ([[True]], "groups must name columns of X, .*; got True"),
        ([[0], [0, 1]], "groups must name a column once at most"),
        ([0, 1], "groups must be lists of columns, or a dict of names and such lists"),
        ({"x": "ab"}, "groups must be lists of columns"),
        ([], "groups must be lists of columns"),
    ],
)
def test_groups_that_are_none(groups: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fitted().feature_errors(rows(3), groups=groups)


def test_the_names_of_pyod() -> None:
    X, detector = rows(100, 3), fitted(contamination=0.1)
    view = detector.as_pyod()
    np.testing.assert_array_equal(view.decision_scores_, -detector.train_scores_)
    np.testing.assert_array_equal(view.labels_, (detector.predict(rows(300)) == -1).astype(int))
    np.testing.assert_array_equal(view.decision_function(X), -detector.score_samples(X))
    np.testing.assert_array_equal(view.predict(X), view.decision_function(X) > view.threshold_)
    np.testing.assert_array_equal(view.predict_proba(X)[:, 1], detector.odd_probability(X))
    np.testing.assert_allclose(view.predict_proba(X).sum(axis=1), 1.0)
    assert view.contamination == 0.1
    assert view.labels_.sum() == 30
    detector.set_contamination("auto")
    assert view.contamination == view.labels_.mean()
    assert view.fit(X).decision_scores_.shape == (100,)


@pytest.mark.parametrize("settings", [{}, {"missing": "mask"}, {"window": 3}])
def test_files_and_pickles_have_all_of_it(settings: dict[str, Any], tmp_path: Path) -> None:
    X = rows(300)
    if settings.get("missing"):
        X[::9, 2] = np.nan
    weights = np.random.default_rng(0).random(300)
    detector = AutoencoderOutlierDetector(**FAST, **settings).fit(X, sample_weight=weights)
    detector.save(tmp_path / "model")
    for again in (aecore.load(tmp_path / "model"), pickle.loads(pickle.dumps(detector))):
        np.testing.assert_array_equal(again.train_scores_, detector.train_scores_)
        np.testing.assert_array_equal(again.odd_probability(X), detector.odd_probability(X))
        expected = pickle.loads(pickle.dumps(detector)).set_contamination(0.2).offset_
        assert again.set_contamination(0.2).offset_ == expected
        again.partial_fit(X[:50])
        more = pickle.loads(pickle.dumps(detector)).set_contamination(0.2).partial_fit(X[:50])
        np.testing.assert_array_equal(again.score_samples(X), more.score_samples(X))
        assert again.offset_ == more.offset_


@pytest.mark.parametrize("name", ["detector", "detector-tail", "detector-conformal"])
def test_a_file_of_0_1_0_says_what_it_lacks(name: str) -> None:
    detector = aecore.load(FOLDER / f"{name}.safetensors")
    X = np.full((5, 5), 0.5)
    assert not hasattr(detector, "train_scores_")
    calls = (lambda: detector.odd_probability(X), lambda: detector.set_contamination(0.1))
    for call in (*calls, detector.as_pyod):
        with pytest.raises(AttributeError, match=r"aecore 0\.1\.0, which kept no train_scores_"):
            call()
    assert detector.feature_errors(X, groups=[[0, 1]]).shape == (5, 1)


@pytest.mark.parametrize("settings", [{"contamination": 0.05}, {"threshold": "tail"}])
def test_a_rate_does_not_depend_on_the_cut_of_a_stream(settings: dict[str, Any]) -> None:
    rates = []
    test = rows(3000, 77)
    for chunk in (500, 60, 1):
        detector = AutoencoderOutlierDetector(
            n_estimators=2, random_state=0, **{"false_alarm_rate": 0.05, **settings}
        )
        detector.partial_fit(rows(400, 1))
        stream = rows(500, 2)
        for first in range(0, len(stream), chunk):
            detector.partial_fit(stream[first : first + chunk])
        assert 450 <= len(detector.train_scores_) <= 500
        rates.append((detector.predict(test) == -1).mean())
    assert 0.02 < min(rates) <= max(rates) < 0.1


def test_a_stream_keeps_the_newest_scores() -> None:
    detector = AutoencoderOutlierDetector((4, 2), n_estimators=1, random_state=0)
    detector.partial_fit(rows(200)).partial_fit(rows(30, 1))
    assert detector.train_scores_.shape == (230,)
    np.testing.assert_array_equal(detector.train_scores_[-30:], detector.score_samples(rows(30, 1)))
    detector.partial_fit(rows(N_KEPT + 5, 2))
    assert detector.train_scores_.shape == (N_KEPT + 5,)
    detector.partial_fit(rows(1, 3)).partial_fit(rows(N_KEPT - 9, 3))
    assert detector.train_scores_.shape == (N_KEPT,)
