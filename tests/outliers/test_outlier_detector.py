"""The outlier detector: what it finds, what it says of it, and what it refuses."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aecore import AutoencoderOutlierDetector
from aecore._outliers import thresholds
from aecore._outliers.windows import windows_of

Rows = NDArray[np.float64]
FAST: dict[str, Any] = {"n_estimators": 2, "n_epochs": 3, "random_state": 0}


def series(n_rows: int = 400, seed: int = 0) -> Rows:
    """Two waves seen by six sensors."""
    rng = np.random.default_rng(seed)
    t = np.arange(n_rows)
    waves = np.stack([np.sin(t / 7), np.cos(t / 11)], axis=1)
    mix = np.random.default_rng(99).normal(size=(2, 6))
    return np.asarray(waves @ mix + 0.05 * rng.normal(size=(n_rows, 6)))


def contaminated(seed: int = 0) -> tuple[Rows, NDArray[np.bool_]]:
    """A tenth of the rows has the columns of others."""
    X = series(600, seed)
    odd = np.arange(len(X)) % 10 == 3
    rng = np.random.default_rng(seed)
    X[odd] = np.stack([rng.permutation(column) for column in X[odd].T], axis=1)
    return X, odd


def same_scores(one: AutoencoderOutlierDetector, other: AutoencoderOutlierDetector) -> bool:
    X = series(50)
    scores = one.score_samples(X).tobytes(), other.score_samples(X).tobytes()
    return scores[0] == scores[1] and one.offset_ == other.offset_


def test_it_finds_the_odd_among_the_rows_it_learned_from() -> None:
    X, odd = contaminated()
    detector = AutoencoderOutlierDetector(contamination=0.1, random_state=0)
    found = detector.fit_predict(X)
    assert roc_auc_score(odd, -detector.score_samples(X)) > 0.95
    assert (found == -1).sum() == 60
    assert np.array_equal(found, detector.predict(X))


def test_feature_errors_name_the_feature() -> None:
    X = series()
    detector = AutoencoderOutlierDetector((32, 4), trim_fraction=0.0, n_epochs=60, random_state=0)
    detector.fit(X)
    test = series(40, seed=1)
    wrong = np.arange(40) % 6
    test[np.arange(40), wrong] += 4.0
    errors = detector.feature_errors(test)
    assert (errors.argmax(axis=1) == wrong).mean() > 0.8
    np.testing.assert_array_equal(errors.sum(axis=1), -detector.score_samples(test))


@pytest.mark.parametrize("missing", [None, "mask"])
@pytest.mark.parametrize("n_estimators", [1, 3])
def test_a_score_does_not_depend_on_company_or_call(missing: str | None, n_estimators: int) -> None:
    X = series(1000).astype(np.float32)
    if missing:
        X[::5, 2] = np.nan
    detector = AutoencoderOutlierDetector(
        missing=missing, n_epochs=1, n_estimators=n_estimators, random_state=0
    ).fit(X)
    scores = detector.score_samples(X)
    assert scores.dtype == np.float64
    assert np.isfinite(scores).all()
    assert (scores <= 0).all()
    np.testing.assert_array_equal(detector.score_samples(X), scores)
    alone = np.concatenate([detector.score_samples(X[i : i + 1]) for i in range(0, 1000, 37)])
    np.testing.assert_array_equal(alone, scores[::37])
    np.testing.assert_array_equal(detector.score_samples(X[::-1][:333])[::-1], scores[-333:])


@pytest.mark.parametrize("window", [2, 5, 16])
def test_a_score_of_a_series_depends_on_the_windows_with_its_row(window: int) -> None:
    X = series(3000)
    detector = AutoencoderOutlierDetector(window=window, **FAST).fit(X)
    scores = detector.score_samples(X)
    assert scores.shape == (3000,)
    for first in (0, 1111, 2500):
        part = detector.score_samples(X[first : first + 500])
        inner = slice(0 if first == 0 else window - 1, 500 if first == 2500 else 501 - window)
        np.testing.assert_array_equal(part[inner], scores[first : first + 500][inner])
    errors = detector.feature_errors(X)
    assert errors.shape == X.shape
    np.testing.assert_array_equal(errors.sum(axis=1), -scores)


def test_windows_are_views() -> None:
    X = series(50)
    view = windows_of(X, 7)
    assert np.shares_memory(view, X)
    assert not view.flags.writeable
    np.testing.assert_array_equal(view[11], X[11:18].ravel())
    assert view.shape == (44, 42)
    assert windows_of(X, 1) is X
    np.testing.assert_array_equal(windows_of(np.asfortranarray(X), 7), view)


def test_a_window_sees_what_single_rows_do_not_show() -> None:
    X, test = series(1500), series(600, seed=1)
    order = np.random.default_rng(0).permutation(np.arange(300, 600))
    test[300:] = test[order]  # each row is usual, their order is not
    odd = np.arange(600) >= 300
    figures = [
        roc_auc_score(
            odd,
            -AutoencoderOutlierDetector(
                window=window, trim_fraction=0.0, n_epochs=40, random_state=0
            )
            .fit(X)
            .score_samples(test),
        )
        for window in (1, 10)
    ]
    assert figures[0] < 0.6
    assert figures[1] > 0.9


@pytest.mark.parametrize("window", [1, 4])
def test_threads_do_not_change_bits(window: int) -> None:
    X, _ = contaminated()
    one, *others = (
        AutoencoderOutlierDetector(window=window, n_epochs=3, random_state=0, n_threads=n).fit(X)
        for n in (1, 2, 3, 7)
    )
    large = np.tile(X, (40, 1))
    expected = one.score_samples(large)
    for other in others:
        assert same_scores(one, other)
        np.testing.assert_array_equal(other.score_samples(large), expected)


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3])
def test_conformal_keeps_its_rate(rate: float) -> None:
    """Over many draws of 100 calibration rows, at most `rate` of normal rows are called odd."""
    rng = np.random.default_rng(0)
    alarms = [
        (rng.gamma(2.0, size=200) > thresholds.by_conformal(rng.gamma(2.0, size=100), rate)).mean()
        for _ in range(500)
    ]
    assert rate - 0.02 < np.mean(alarms) < rate + 0.002


@pytest.mark.parametrize("unit", [1.0, 1e-200, 1e200])
def test_a_tail_reaches_beyond_the_rows(unit: float) -> None:
    errors = np.random.default_rng(0).exponential(size=2000)
    for rate in (0.2, 0.02, 1e-3, 1e-5):
        found = thresholds.by_tail(unit * errors, rate)
        assert found == pytest.approx(-unit * np.log(rate), rel=0.2)


@pytest.mark.parametrize("rate", [0.2, 0.05, 1e-4])
@pytest.mark.parametrize("high", [0, 1, 20])
def test_tails_of_errors_that_are_all_alike(high: int, rate: float) -> None:
    errors = np.repeat([1.0, 2.0], [200 - high, high])
    assert 1.0 <= thresholds.by_tail(errors, rate) <= 2.0


@pytest.mark.parametrize("threshold", ["tail", "conformal"])
def test_thresholds_by_a_rate_of_false_alarms(threshold: str) -> None:
    detector = AutoencoderOutlierDetector(
        threshold=threshold, false_alarm_rate=0.05, trim_fraction=0.0, random_state=0
    ).fit(series(2000))
    assert (detector.predict(series(2000, seed=1)) == -1).mean() < 0.1
    odd = series(2000, seed=2) + np.array([0, 0, 5, 0, 0, 0])
    assert (detector.predict(odd) == -1).mean() > 0.9


def test_partial_fit_goes_on() -> None:
    X = series(600)
    detector = AutoencoderOutlierDetector(contamination=0.05, **FAST)
    for first in range(0, 600, 100):
        detector.partial_fit(X[first : first + 100])
    assert [len(each.history_["loss"]) for each in detector.estimators_] == [6, 6]
    assert all(np.isfinite(detector.score_samples(X)))
    before = [each.network_.parameters.copy() for each in detector.estimators_]
    again = pickle.loads(pickle.dumps(detector))
    detector.partial_fit(X[:100])
    assert same_scores(detector, again.partial_fit(X[:100]))
    assert not np.array_equal(before[0], detector.estimators_[0].network_.parameters)
    detector.set_params(n_estimators=3)
    with pytest.raises(ValueError, match="n_estimators must be 2, as in the first call; got 3"):
        detector.partial_fit(X)
    with pytest.raises(AttributeError, match="partial_fit"):
        AutoencoderOutlierDetector(threshold="conformal").partial_fit(X)


def test_streams_learn_what_they_see() -> None:
    rng = np.random.default_rng(0)
    X, _ = contaminated()
    detector = AutoencoderOutlierDetector(random_state=0)
    for _ in range(40):
        detector.partial_fit(X[rng.permutation(600)])
    test, odd = contaminated(seed=5)
    assert roc_auc_score(odd, -detector.score_samples(test)) > 0.95


@pytest.mark.parametrize("missing", [None, "mask"])
def test_constant_columns_are_scored(missing: str | None) -> None:
    X = series()
    X[:, 3] = 7.0
    X[:, 4] = 0.0
    detector = AutoencoderOutlierDetector(missing=missing, n_epochs=20, random_state=0).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()
    changed = X[:50].copy()
    changed[:, 3] = 9.0
    assert (detector.score_samples(changed) < detector.score_samples(X[:50])).all()
    assert (detector.feature_errors(changed).argmax(axis=1) == 3).mean() > 0.9


@pytest.mark.parametrize("settings", [{}, {"window": 3}, {"error": "squared"}, {"scale": None}])
@pytest.mark.parametrize("value", [0.0, 1e6, 3.5])
def test_rows_that_are_all_alike_are_normal(settings: dict[str, Any], value: float) -> None:
    X = np.full((60, 4), value)
    if settings.get("scale", "") is None and value > 1e3:
        X /= 1e6
    for contamination in ("auto", 0.1):
        detector = AutoencoderOutlierDetector(**FAST, **settings, contamination=contamination)
        if "window" not in settings:
            assert (detector.fit_predict(X) == 1).all()
        assert np.isfinite(detector.fit(X).decision_function(X)).all()


@pytest.mark.parametrize("n_rows", [2, 3, 7])
def test_few_rows(n_rows: int) -> None:
    X = series()[:n_rows]
    detector = AutoencoderOutlierDetector(random_state=0, window=2).fit(X)
    assert np.isfinite(detector.score_samples(X)).all()


def test_missing_numbers() -> None:
    X = series()
    X[::4, 1] = np.nan
    X[5] = np.nan
    detector = AutoencoderOutlierDetector(missing="mask", **FAST).fit(X)
    errors, scores = detector.feature_errors(X), detector.score_samples(X)
    some = np.isnan(X) & ~np.isnan(X).all(axis=1, keepdims=True)
    assert (errors[some] == 0.0).all()
    np.testing.assert_array_equal(errors.sum(axis=1), -scores)
    assert detector.predict(X[5:6]) == [1]
    for bad in (X, np.where(np.isnan(X), np.inf, X)):
        for window in (1, 3):
            refusing = AutoencoderOutlierDetector(window=window, **FAST)
            with pytest.raises(ValueError, match=r"NaN|infinity"):
                refusing.fit(bad)
            with pytest.raises(ValueError, match=r"NaN|infinity"):
                refusing.fit(series()).predict(bad)
    later = series(40_000).astype(np.float32)
    later[39_000, 3] = np.nan
    with pytest.raises(ValueError, match="got nan in row 39000, column 3"):
        AutoencoderOutlierDetector(**FAST).fit(series()).predict(later)
    X[7, 2] = -np.inf
    with pytest.raises(ValueError, match="infinity"):
        AutoencoderOutlierDetector(missing="mask", **FAST).fit(X)


BAD: list[tuple[dict[str, Any], str]] = [
    ({"contamination": 0.0}, r"contamination must be 'auto' or a number in \(0, 0.5\]; got 0.0"),
    ({"contamination": 0.51}, r"contamination must be 'auto' or a number in .*; got 0.51"),
    ({"contamination": "much"}, "contamination must be 'auto' or .*; got 'much'"),
    ({"contamination": True}, "contamination must be 'auto' or .*; got True"),
    ({"threshold": "otsu"}, "threshold must be one of 'quantile', 'tail', 'conformal'; got 'otsu'"),
    ({"error": "cubed"}, "error must be one of 'cauchy', 'standardized', .*; got 'cubed'"),
    ({"false_alarm_rate": 0.0}, r"false_alarm_rate must be a number in \(0, 1\); got 0.0"),
    ({"calibration_fraction": 1.0}, r"calibration_fraction must be a number in \(0, 1\); got 1.0"),
    ({"n_estimators": 0}, "n_estimators must be an integer from 1 to 2"),
    ({"window": 0}, "window must be an integer from 1 to 2"),
    ({"window": 401}, "window must be at most 400, the number of rows; got 401"),
    ({"hidden_layer_sizes": ()}, "hidden_layer_sizes must be None or an integer from 1 to"),
    ({"n_epochs": 0}, "n_epochs must be None or an integer from 1 to"),
    ({"trim_fraction": 1.0}, r"trim_fraction must be a number in \[0, 1\); got 1.0"),
    ({"batch_size": 2}, "batch_size must be at least 1 / trim_fraction, for a row to leave out"),
    ({"optimizer": "lbfgs"}, "learning_rate must be None with optimizer 'lbfgs'"),
    (
        {"threshold": "conformal", "false_alarm_rate": 0.001},
        "false_alarm_rate must be at least 1 / 101 with 100 rows for calibration; got 0.001",
    ),
    (
        {"threshold": "conformal", "window": 150},
        "window must be at most 100, the rows for calibration; got 150",
    ),
    (
        {"threshold": "conformal", "window": 150, "calibration_fraction": 0.7},
        "window must be at most 120, the rows to learn from; got 150",
    ),
]


@pytest.mark.parametrize(("settings", "message"), BAD, ids=[str(each[0]) for each in BAD])
def test_bad_parameters(settings: dict[str, Any], message: str) -> None:
    detector = AutoencoderOutlierDetector(**{**FAST, **settings})
    with pytest.raises(ValueError, match=message):
        detector.fit(series())
    assert not hasattr(detector, "estimators_")
    assert not hasattr(detector, "n_features_in_")


def test_bad_rows() -> None:
    with pytest.raises(ValueError, match="minimum of 2 is required"):
        AutoencoderOutlierDetector().fit(series()[:1])
    tail = AutoencoderOutlierDetector(threshold="tail", **FAST)
    with pytest.raises(ValueError, match="X must have at least 100 rows with threshold 'tail'"):
        tail.fit(series()[:99])
    windowed = AutoencoderOutlierDetector(window=5, **FAST).fit(series())
    with pytest.raises(ValueError, match="window must be at most 4, the number of rows; got 5"):
        windowed.score_samples(series()[:4])
    with pytest.raises(ValueError, match="6 features"):
        windowed.score_samples(series()[:, :4])


def test_a_failed_fit_changes_nothing() -> None:
    frame = pd.DataFrame(series(), columns=list("abcdef"))
    detector = AutoencoderOutlierDetector(**FAST).fit(frame)
    expected = detector.score_samples(frame)
    before = {**vars(detector)}
    bad = series()[:, :4]
    bad[7, 2] = np.inf
    with pytest.raises(ValueError, match="infinity"):
        detector.fit(bad)
    assert vars(detector) == before
    assert list(detector.feature_names_in_) == list("abcdef")
    np.testing.assert_array_equal(detector.score_samples(frame), expected)
    detector.fit(series())
    assert not hasattr(detector, "feature_names_in_")


def test_lbfgs_and_other_types_of_rows() -> None:
    X = (100 * series()).astype(np.int16)
    detector = AutoencoderOutlierDetector(optimizer="lbfgs", learning_rate=None, **FAST).fit(X)
    scores = detector.score_samples(X)
    np.testing.assert_array_equal(detector.score_samples(X.astype(np.float64)), scores)
    np.testing.assert_array_equal(detector.score_samples(np.asfortranarray(X)), scores)
    assert not hasattr(detector, "partial_fit")
