"""The oracle's scaling of columns and its missing numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.preprocessing import MaxAbsScaler, MinMaxScaler, StandardScaler

from aecore import reference
from aecore.reference._inputs import enter_rows
from differences import check_gradient, draw

SIZES, ACTIVATIONS = [5, 4, 5], ["tanh", "sigmoid"]
Vector = NDArray[np.float64]


def with_gaps(rng: np.random.Generator, n_rows: int = 8) -> Vector:
    X = rng.uniform(0.05, 0.95, (n_rows, 5))
    X[rng.uniform(size=X.shape) < 0.3] = np.nan
    X[1] = np.nan
    X[2] = 0.5
    return X


@pytest.mark.parametrize(
    ("scale", "scaler"),
    [("minmax", MinMaxScaler()), ("standard", StandardScaler()), ("maxabs", MaxAbsScaler())],
)
@pytest.mark.parametrize("gaps", [False, True])
def test_scaling_equals_scikit_learn(scale: str, scaler: Any, gaps: bool) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 6)) * 10.0 ** np.arange(-3, 3) + [0, 1e3, -5, 0, 1e6, 2]
    X[:, 3] = -7.25  # constant
    if gaps:
        X[rng.uniform(size=X.shape) < 0.2] = np.nan
    scaling = reference.fit_scaling(X, scale)
    assert scaling is not None
    expected = scaler.fit_transform(X)
    np.testing.assert_allclose(scaling.apply(X), expected, rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(scaling.undo(scaling.apply(X)), X, rtol=1e-12)


@pytest.mark.parametrize("scale", reference.SCALES)
def test_constant_columns_get_factor_1(scale: str) -> None:
    X = np.array([[0.1, 0.0, np.nan, 1e-310], [0.1, 0.0, np.nan, 0.0], [0.1, 0.0, np.nan, 0.0]])
    scaling = reference.fit_scaling(X, scale)
    assert scaling is not None
    assert scaling.factor[1:].tolist() == [1.0, 1.0, 1.0]
    assert scaling.factor[0] == pytest.approx(10.0 if scale == "maxabs" else 1.0)
    assert scaling.offset[2] == 0.0


def test_standard_keeps_its_digits_far_from_zero() -> None:
    X = np.array([[1e9 + 1], [1e9 + 2], [1e9 + 3]])
    scaling = reference.fit_scaling(X, "standard")
    assert scaling is not None
    assert scaling.offset[0] == 1e9 + 2
    assert scaling.factor[0] == pytest.approx(1.5**0.5, rel=1e-12)


@pytest.mark.parametrize("scale", reference.SCALES)
def test_objective_on_the_scale_of_the_columns(scale: str) -> None:
    rng = np.random.default_rng(1)
    X, parameters = rng.normal(3.0, 10.0, (8, 5)), draw(SIZES, rng)
    scaling = reference.fit_scaling(X, scale)
    assert scaling is not None
    arguments = (SIZES, ACTIVATIONS, parameters)
    scaled = scaling.apply(X)
    value, gradient = reference.objective_and_gradient(*arguments, X, scaling=scaling)
    expected = reference.objective_and_gradient(*arguments, scaled)
    assert value == expected[0]
    np.testing.assert_array_equal(gradient, expected[1])
    codes = reference.encode(*arguments, X, scaling=scaling)
    np.testing.assert_array_equal(codes, reference.encode(*arguments, scaled))
    reconstructed = scaling.undo(reference.reconstruct(*arguments, scaled))
    for found in (
        reference.reconstruct(*arguments, X, scaling=scaling),
        reference.decode(*arguments, codes, scaling=scaling),
    ):
        np.testing.assert_allclose(found, reconstructed, rtol=1e-12)


def test_no_scaling() -> None:
    assert reference.fit_scaling([[1.0]], None) is None


def test_missing_numbers_enter_as_zero_and_the_others_grow() -> None:
    X = [[4.0, np.nan, 2.0], [np.nan, np.nan, np.nan], [1.0, 2.0, 3.0], [np.nan, np.nan, 5.0]]
    z, h = reference.forward([3, 1], ["identity"], [1.0, 10.0, 100.0, 0.5], X, missing="mask")
    np.testing.assert_allclose(h[0], [[6, 0, 3], [0, 0, 0], [1, 2, 3], [0, 0, 15]])
    np.testing.assert_allclose(z[0][:, 0], [306.5, 0.5, 321.5, 1500.5])


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_missing_numbers_are_left_out_of_the_loss(loss: str) -> None:
    rng = np.random.default_rng(2)
    X, parameters = with_gaps(rng), draw(SIZES, rng)
    activations = ["tanh", "softmax" if loss == "multinomial" else "sigmoid"]
    arguments = (SIZES, activations, parameters)
    seen = np.where(np.isnan(X), 0.0, X)
    factor = 5 / np.maximum((~np.isnan(X)).sum(axis=1, keepdims=True), 1)
    x_hat = reference.reconstruct(*arguments, seen * factor)
    assert np.isfinite(x_hat).all()
    np.testing.assert_array_equal(reference.reconstruct(*arguments, X, missing="mask"), x_hat)
    terms = {
        "squared_error": (x_hat - X) ** 2 / 2,
        "absolute_error": np.abs(x_hat - X),
        "huber": (x_hat - X) ** 2 / 2,  # no error exceeds 1 here
        "binary_cross_entropy": -X * np.log(x_hat) - (1 - X) * np.log(1 - x_hat),
        "poisson": x_hat - X * np.log(x_hat),
        "multinomial": -X * np.log(x_hat),
    }[loss]
    expected = np.nansum(terms, axis=1)
    rows = reference.row_losses(*arguments, X, loss=loss, missing="mask")
    np.testing.assert_allclose(rows, expected, rtol=1e-12)
    assert rows[1] == 0.0
    value = reference.objective(*arguments, X, loss=loss, missing="mask")
    assert value == pytest.approx(expected.mean(), rel=1e-12)


@pytest.mark.parametrize("noise", [None, *reference.NOISES])
@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize(
    "loss", ["squared_error", "binary_cross_entropy", "poisson", "multinomial"]
)
def test_gradient_with_missing_numbers(loss: str, weighted: bool, noise: str | None) -> None:
    rng = np.random.default_rng(3)
    X, parameters = with_gaps(rng), draw(SIZES, rng)
    activations = ["tanh", "softmax" if loss == "multinomial" else "sigmoid"]
    settings: dict[str, Any] = {"loss": loss, "missing": "mask", "sparsity_weight": 0.3}
    settings |= {"noise": noise, "noise_level": 0.3, "noise_emphasis": 2.0}
    if weighted:
        settings["sample_weight"] = rng.uniform(0.0, 2.0, 8)
    check_gradient(SIZES, activations, parameters, X, **settings)


def test_gradient_with_a_target_that_has_gaps_of_its_own() -> None:
    rng = np.random.default_rng(4)
    X, parameters, target = with_gaps(rng), draw(SIZES, rng), with_gaps(rng)
    settings: dict[str, Any] = {"missing": "mask", "target": target}
    check_gradient(SIZES, ACTIVATIONS, parameters, X, **settings)
    filled = {**settings, "target": np.where(np.isnan(target), 9.0, target)}
    arguments = (SIZES, ACTIVATIONS, parameters, X)
    assert reference.objective(*arguments, **settings) < reference.objective(*arguments, **filled)


def test_missing_after_scaling_is_the_offset() -> None:
    """A gap enters as 0 on the new scale: the mean of a standardised column."""
    X = np.array([[1.0, np.nan], [3.0, 5.0], [np.nan, 7.0]])
    scaling = reference.fit_scaling(X, "standard")
    _, h = reference.forward(
        [2, 1], ["identity"], [1.0, 1.0, 0.0], X, scaling=scaling, missing="mask"
    )
    np.testing.assert_allclose(h[0], [[-2, 0], [1, -1], [0, 2]])


@pytest.mark.parametrize("noise", reference.NOISES)
def test_noise_on_observed_numbers_only(noise: str) -> None:
    rng = np.random.default_rng(5)
    X, parameters = with_gaps(rng), draw(SIZES, rng)
    arguments = (SIZES, ACTIVATIONS, parameters)
    noisy, corrupted = reference.corrupt(X, noise, 0.4, reference.Draw(0, 0, range(8)))
    entering = np.where(np.isnan(X), np.nan, noisy)
    settings: dict[str, Any] = {"missing": "mask", "noise": noise, "noise_level": 0.4}
    value = reference.objective(*arguments, X, **settings)
    expected = reference.objective(*arguments, entering, missing="mask", target=X)
    assert value == pytest.approx(expected, rel=1e-13)
    x_hat = reference.reconstruct(*arguments, entering, missing="mask")
    weight = np.where(corrupted, 3.0, 1.0)
    emphasised = reference.objective(*arguments, X, **settings, noise_emphasis=3.0)
    assert emphasised == pytest.approx(np.nansum(weight * (x_hat - X) ** 2) / 16, rel=1e-13)


@pytest.mark.parametrize(
    ("call", "match"),
    [
        (lambda: reference.fit_scaling([[1.0]], "median"), "scale must be None or .* 'median'"),
        (
            lambda: reference.forward([1, 1], ["tanh"], [1, 0], [[1.0]], missing="drop"),
            "missing must be None or 'mask'; got 'drop'",
        ),
        (
            lambda: reference.forward(
                [1, 1],
                ["tanh"],
                [1, 0],
                [[1.0]],
                input_scale=0.5,
                scaling=reference.fit_scaling([[1.0]], "minmax"),
            ),
            "input_scale must be 1 where columns are scaled; got 0.5",
        ),
    ],
)
def test_errors_say_the_rule_and_the_value(call: Any, match: str) -> None:
    with pytest.raises(ValueError, match=match):
        call()


def test_logarithms_of_counts_enter_and_long_rows_count_for_less() -> None:
    clean = np.array([[0.0, 1.0, -1.0, np.e - 1.0]])
    entering, _ = enter_rows(clean, log1p=True)
    np.testing.assert_allclose(entering, [[0.0, np.log(2.0), -np.log(2.0), 1.0]])
    # Totals 0, 1, 2, 3, 80: the median of those above 0 is 2, so a row counts in full up to 20.
    counts = np.array([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 3.0], [40.0, 40.0]])
    np.testing.assert_array_equal(reference.long_row_weights(counts), [1, 1, 1, 1, 0.25])
    np.testing.assert_array_equal(  # the median is 3
        reference.long_row_weights(counts, [1, 1, 0, 4, 2]), [1, 1, 0, 4, 2 * 30 / 80]
    )
    biases = reference.start_biases(counts[1:4], [1, 1, 1])  # sums 2 and 4
    np.testing.assert_allclose(biases, np.log([2 / 3, 4 / 3]))
    assert reference.start_biases([[5.0, 0.0]], [1.0])[1] == np.log(1e-3)
