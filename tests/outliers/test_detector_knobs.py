"""Every parameter of the outlier detector is turned, changes the result, and does what it says.

Networks are those that `aecore.reference` trains by the same settings, and scores, spreads and
thresholds are computed here a second time, from their definitions.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import reference_fit
from aecore import Autoencoder, AutoencoderOutlierDetector, reference
from aecore._training.data import split_rows

Rows = NDArray[np.float64]
COMMON: dict[str, Any] = {
    "hidden_layer_sizes": (6, 2),
    "n_estimators": 2,
    "optimizer": "sgd",
    "learning_rate": 0.01,
    "batch_size": 16,
    "n_epochs": 3,
    "dtype": "float64",
    "random_state": 3,
    "n_threads": 1,
}


def some_rows(n_rows: int = 130) -> Rows:
    rng = np.random.default_rng(0)
    X = (
        3
        + rng.normal(size=(n_rows, 2)) @ rng.normal(size=(2, 5))
        + 0.2 * rng.normal(size=(n_rows, 5))
    )
    X[::17] += 3 * rng.normal(size=(8, 5))
    return np.asarray(X)


def windows(X: Rows, window: int) -> Rows:
    return np.array([X[i : i + window].ravel() for i in range(len(X) - window + 1)])


def parts(model: AutoencoderOutlierDetector, X: Rows) -> tuple[Rows, Rows]:
    """Rows to learn from, as the networks see them, and rows for the threshold."""
    if model.threshold != "conformal":
        return windows(X, model.window), X
    rows, held = split_rows(len(X), model.calibration_fraction, model.random_state)
    return X[rows], X[held]


def member_params(model: AutoencoderOutlierDetector, index: int, n_rows: int) -> dict[str, Any]:
    """What an Autoencoder gets to be trained like a network of the detector."""
    defaults = Autoencoder().get_params(deep=False)
    params = {name: getattr(model, name, default) for name, default in defaults.items()}
    if model.hidden_layer_sizes is None:
        params["hidden_layer_sizes"] = (32, 2)
    if model.n_epochs is None:
        params["n_epochs"] = round(400 / np.ceil(n_rows / model.batch_size))
    words = np.random.SeedSequence(model.random_state).generate_state(
        model.n_estimators, np.uint64
    ) >> np.uint64(1)
    params["random_state"] = int(words[index])
    return params


def errors_of_rows(model: AutoencoderOutlierDetector, X: Rows, learned_from: Rows) -> Rows:
    """The errors of the rows of X by the networks of `model`, feature by feature."""
    of_columns = learned_from if model.window == 1 else X
    scaling = reference.fit_scaling(of_columns, model.scale)
    width = X.shape[1]
    if scaling is None:
        scaling = reference.Scaling(np.zeros(width), np.ones(width))
    robust = reference.fit_scaling(of_columns, "robust")
    assert robust is not None
    share = {"cauchy": 0.05, "standardized": 0.2}.get(model.error, 0.0)
    least = np.tile(share * scaling.factor / robust.factor, model.window)

    def deviation(network: Any, rows: Rows, *, limited: bool) -> Rows:
        scaled = scaling.apply(rows.reshape(-1, width)).reshape(rows.shape)
        free = scaling._replace(low=-np.inf, high=np.inf).apply(rows.reshape(-1, width))
        observed = ~np.isnan(scaled)
        filled = np.where(observed, scaled, 0.0)
        filled *= rows.shape[1] / np.maximum(observed.sum(axis=1, keepdims=True), 1)
        for _ in range(9 if not observed.all() else 1):
            output = reference.reconstruct(
                network.layer_sizes, network.activations, network.parameters, filled
            )
            filled = np.where(observed, scaled, output)  # a gap enters as what was made of it
        return np.asarray(output - (scaled if limited else free.reshape(rows.shape)))

    def costs(rows: Rows) -> Rows:
        total = np.zeros(rows.shape)
        for member in model.estimators_:
            e = np.abs(deviation(member.network_, rows, limited=False))
            learned = np.abs(deviation(member.network_, learned_from, limited=True))
            t = e / np.maximum(1.4826 * np.nanmedian(learned, axis=0), least)
            kinds = {"cauchy": np.log(1 + t**2), "standardized": t, "absolute": e, "squared": e**2}
            total += kinds[model.error]
        return np.asarray(total / len(model.estimators_))

    total = costs(windows(X, model.window))
    total = np.where(np.isnan(total), np.nanmedian(costs(learned_from), axis=0), total)
    by_row = [[] for _ in X]  # type: ignore[var-annotated]
    for i, errors in enumerate(total.reshape(len(total), model.window, width)):
        for place in range(model.window):
            by_row[i + place].append(errors[place])
    found = np.array([np.mean(each, axis=0) for each in by_row])
    for errors, missing in zip(found, np.isnan(X), strict=True):
        if missing.any() and not missing.all():
            errors[~missing] *= errors.sum() / errors[~missing].sum()
            errors[missing] = 0.0
    return found


def check(model: AutoencoderOutlierDetector, X: Rows) -> None:
    """Networks, errors, scores and the threshold of a fitted detector."""
    learned_from, held = parts(model, X)
    tolerance = 1e-9 if model.dtype == "float64" else 1e-3
    # Otherwise the reference would fit other scales to the windows, or number the rows differently.
    if model.window == 1 and model.threshold != "conformal":
        for index, member in enumerate(model.estimators_):
            params = member_params(model, index, len(learned_from))
            fitted = reference_fit.fit(params, learned_from)
            scale = np.abs(fitted.parameters).max()
            error = np.abs(member.network_.parameters - fitted.parameters).max()
            assert error < tolerance * scale
    expected = errors_of_rows(model, X, learned_from)
    found = model.feature_errors(X)
    np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
    np.testing.assert_array_equal(model.score_samples(X), -found.sum(axis=1))
    np.testing.assert_array_equal(model.train_scores_, model.score_samples(X))
    if held is not X:
        expected = errors_of_rows(model, held, learned_from)
    errors = expected.sum(axis=1)
    if model.threshold == "conformal":
        place = int(np.ceil((len(errors) + 1) * (1 - model.false_alarm_rate)))
        assert -model.offset_ == pytest.approx(np.sort(errors)[place - 1], rel=tolerance)
    elif model.contamination == "auto" and model.threshold == "quantile":
        middle, q75, q85 = np.quantile(errors, [0.5, 0.75, 0.85])
        scale = max((q75 - middle) / np.log(2), (q85 - middle) / np.log(10 / 3))
        assert -model.offset_ == pytest.approx(middle + 4 * scale, rel=tolerance)
    elif model.threshold == "quantile":
        share = float(model.contamination)
        assert (model.predict(X) == -1).sum() == round(share * len(X))
    assert model.predict(X).tolist() == np.where(model.decision_function(X) < 0, -1, 1).tolist()


class Knob(NamedTuple):
    """`value` for the parameter beside `base`; `changes` is the attribute that differs."""

    value: Any
    base: Mapping[str, Any] = MappingProxyType({})
    changes: str = "networks"


KNOBS = {
    "hidden_layer_sizes": Knob(None),
    "contamination": Knob(0.1, changes="offset"),
    "threshold": Knob("tail", {"contamination": 0.1}, "offset"),
    "false_alarm_rate": Knob(0.05, {"threshold": "conformal", "false_alarm_rate": 0.2}, "offset"),
    "calibration_fraction": Knob(0.4, {"threshold": "conformal", "false_alarm_rate": 0.1}),
    "error": Knob("squared", changes="errors"),
    "n_estimators": Knob(3),
    "window": Knob(4),
    "trim_fraction": Knob(0.2),
    "activation": Knob("relu"),
    "noise": Knob("gaussian"),
    "noise_level": Knob(0.5),
    "weight_decay": Knob(0.1),
    "scale": Knob("minmax"),
    "missing": Knob("mask"),
    "optimizer": Knob("adam"),
    "learning_rate": Knob(None),
    "batch_size": Knob(7),
    "n_epochs": Knob(None),
    "dtype": Knob("float32"),
    "n_threads": Knob(2, changes="threads"),
    "random_state": Knob(4),
    "verbose": Knob(1, changes="progress"),
}


def observed(model: AutoencoderOutlierDetector, X: Rows, capsys: Any) -> dict[str, Any]:
    """What a parameter may change."""
    try:
        model.fit(X)
    except ValueError as error:
        return {"networks": str(error)}
    return {
        "networks": [each.network_.parameters.tobytes() for each in model.estimators_],
        "errors": model.feature_errors(X).tobytes(),
        "offset": model.offset_,
        "threads": model.n_threads,
        "progress": capsys.readouterr().err,
    }


@pytest.mark.parametrize("name", inspect.signature(AutoencoderOutlierDetector).parameters)
def test_turning_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    knob = KNOBS[name]
    X = some_rows()
    if name == "missing":
        X[::3, 4] = X[7] = np.nan
    common = {**COMMON, **knob.base}
    before = AutoencoderOutlierDetector(**common)
    after = AutoencoderOutlierDetector(**{**common, name: knob.value})
    one, other = observed(before, X, capsys), observed(after, X, capsys)
    assert one[knob.changes] != other[knob.changes]
    if knob.changes != "networks":
        assert one["networks"] == other["networks"]
    check(after, X)


def test_every_entry_is_a_parameter() -> None:
    assert set(KNOBS) == set(inspect.signature(AutoencoderOutlierDetector).parameters)
