"""Missing numbers and scaled columns: the core and the estimators against `aecore.reference`."""

from __future__ import annotations

import itertools
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Autoencoder, DenoisingAutoencoder, Network, SparseAutoencoder, reference
from aecore._problem.input import InputSettings
from aecore._problem.scaling import fit_scaling
from core_options import core_objective
from helpers import run_function
from samples import same_bits, three_factor_rows

SCALES = reference.SCALES


def holes(X: NDArray[np.float64]) -> NDArray[np.float64]:
    """X with a fifth of its numbers, and its second row, missing."""
    missing = np.random.default_rng(9).random(X.shape) < 0.2
    missing[1] = True
    return np.where(missing, np.nan, X)


def spread_rows(width: int = 12, n_rows: int = 90) -> NDArray[np.float64]:
    """Columns of very different size and offset, one of them constant."""
    rng = np.random.default_rng(4)
    X = rng.random((n_rows, width)) * 10.0 ** rng.integers(-2, 3, width)
    X += 10.0 ** rng.integers(0, 3, width)
    X[:, width // 2] = 0.1
    return X


def objective_differences() -> float:
    """Worst relative difference of J and its gradient, over widths, losses and threads."""
    from aecore import _core

    worst = 0.0
    for width, loss, scale, with_target in itertools.product(
        (1, 7, 33, 70),
        ("squared_error", "binary_cross_entropy"),
        (None, "minmax", "robust"),
        (False, True),
    ):
        X = holes(spread_rows(width) if scale else np.random.default_rng(0).random((90, width)))
        rows = np.random.default_rng(1).permutation(90)[:50]
        target = holes(np.random.default_rng(2).random((90, width))[::-1]) if with_target else None
        if scale == "robust":
            X[7::11] *= 1e5
            if loss == "binary_cross_entropy" and target is None:
                continue
        scaling = reference.fit_scaling(X, scale)
        noisy: dict[str, Any] = {"noise": "uniform", "noise_level": 0.2, "noise_emphasis": 2.0}
        network = _core.Network([width, 5, width], ["tanh", "sigmoid"])
        parameters = np.random.default_rng(3).uniform(-1, 1, network.n_parameters)
        expected_j, expected = reference.objective_and_gradient(
            [width, 5, width],
            ["tanh", "sigmoid"],
            parameters,
            X[rows],
            target=None if target is None else target[rows],
            rows=rows,
            loss=loss,
            missing="mask",
            scaling=scaling,
            **noisy,
        )
        columns = {} if scaling is None else scaling._asdict()
        objective = core_objective(loss=loss, mask_missing=True, **columns, **noisy)
        data = _core.Data(X, target=target, rows=rows)
        for n_threads in (1, 2, 3, 7):
            gradient = np.empty_like(parameters)
            terms = network.evaluate(
                parameters, data, objective, gradient=gradient, n_threads=n_threads
            )
            worst = max(worst, abs(sum(terms.values()) - expected_j) / abs(expected_j))
            worst = max(worst, float(np.abs(gradient - expected).max() / np.abs(expected).max()))
    return worst


def test_objective_equals_the_reference(isa: str) -> None:
    assert run_function(objective_differences, isa=isa) < 1e-10


def differences_with_other_features() -> float:
    """The same where the target has more or fewer features than X, noise or none."""
    from aecore import _core

    worst = 0.0
    for (n_in, n_out), noise in itertools.product(
        ((70, 3), (3, 70), (33, 32), (8, 100)), (None, "masking")
    ):
        X, target = (holes(np.random.default_rng(n).random((90, n))) for n in (n_in, n_out))
        noisy: dict[str, Any] = {} if noise is None else {"noise": noise, "noise_level": 0.2}
        sizes, names = [n_in, 5, n_out], ["tanh", "identity"]
        network = _core.Network(sizes, names)
        parameters = np.random.default_rng(3).uniform(-1, 1, network.n_parameters)
        expected_j, expected = reference.objective_and_gradient(
            sizes, names, parameters, X, target=target, missing="mask", **noisy
        )
        gradient = np.empty_like(parameters)
        terms = network.evaluate(
            parameters,
            _core.Data(X, target=target),
            core_objective(mask_missing=True, **noisy),
            gradient=gradient,
        )
        worst = max(worst, abs(sum(terms.values()) - expected_j) / abs(expected_j))
        worst = max(worst, float(np.abs(gradient - expected).max() / np.abs(expected).max()))
    return worst


def test_a_target_of_other_features_has_its_own_gaps(isa: str) -> None:
    assert run_function(differences_with_other_features, isa=isa) < 1e-10


@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("dtype", ["float64", "float32", "uint8"])
def test_scaling_equals_the_reference(scale: str, gaps: bool, weighted: bool, dtype: str) -> None:
    X = spread_rows(n_rows=700)
    X = (X % 256 if dtype == "uint8" else holes(X) if gaps else X).astype(dtype)
    rows = np.arange(0, 700, 3)
    weights = np.random.default_rng(8).integers(0, 4, 700) / 3.0 if weighted else None
    for selected in (None, rows):
        its_own = weights if weights is None or selected is None else weights[selected]
        expected = reference.fit_scaling(X if selected is None else X[selected], scale, its_own)
        assert expected is not None
        offset, factor = fit_scaling(X, selected, scale, weights)
        np.testing.assert_allclose(offset, expected.offset, rtol=1e-10)
        np.testing.assert_allclose(factor, expected.factor, rtol=1e-9 if weighted else 1e-10)
        assert dtype == "uint8" or scale in {"maxabs", "pooled"} or factor[6] == 1.0


@pytest.mark.parametrize("strided", [False, True])
@pytest.mark.parametrize("missing", [None, "mask"])
@pytest.mark.parametrize("scale", [None, *SCALES])
def test_methods_equal_the_reference(scale: str | None, missing: str | None, strided: bool) -> None:
    X = spread_rows() if scale else three_factor_rows(90, 12)
    X = X if missing is None else holes(X)
    if strided:
        X = np.asfortranarray(np.repeat(X, 2, axis=0)[::2])
    model = Autoencoder(
        (5,), activation="tanh", scale=scale, missing=missing, dtype="float64", random_state=0
    )
    model.set_params(n_epochs=3, batch_size=16).fit(X)
    network = model.network_
    arguments = (network.layer_sizes, network.activations, network.parameters)
    settings: dict[str, Any] = {"missing": missing, "scaling": reference.fit_scaling(X, scale)}
    for rows in (X, X[3:5]):  # in blocks, and few rows by themselves
        codes = reference.encode(*arguments, rows, **settings)
        np.testing.assert_allclose(model.transform(rows), codes, rtol=1e-9, atol=1e-12)
        output = reference.reconstruct(*arguments, rows, **settings)
        np.testing.assert_allclose(model.reconstruct(rows), output, rtol=1e-9, atol=1e-12)
        again = model.inverse_transform(model.transform(rows))
        np.testing.assert_allclose(again, output, rtol=1e-9, atol=1e-12)
        losses = reference.row_losses(*arguments, rows, **settings)
        np.testing.assert_allclose(-model.score_samples(rows), losses, rtol=1e-9, atol=1e-12)
    assert np.isfinite(model.reconstruct(X)).all()


def test_a_trained_network_imputes() -> None:
    X = three_factor_rows(600)
    gaps = np.random.default_rng(0).random(X.shape) < 0.2
    model = Autoencoder((8,), missing="mask", scale="standard", n_epochs=150, batch_size=32)
    imputed = (
        model.set_params(activation="tanh", random_state=0)
        .fit(np.where(gaps, np.nan, X))
        .reconstruct(np.where(gaps, np.nan, X))
    )
    means = np.broadcast_to(np.nanmean(np.where(gaps, np.nan, X), axis=0), X.shape)
    assert np.square(imputed - X)[gaps].mean() < 0.5 * np.square(means - X)[gaps].mean()


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "lbfgs"])
@pytest.mark.parametrize("batch_size", [1, 50])
def test_bits_do_not_depend_on_threads(optimizer: str, batch_size: int) -> None:
    X = holes(three_factor_rows())
    model = SparseAutoencoder((4,), optimizer=optimizer, missing="mask", scale="minmax")
    model.set_params(n_epochs=3, batch_size=batch_size, noise="masking", random_state=0)
    results = {
        model.set_params(n_threads=n).fit(X).network_.parameters.tobytes() for n in (1, 2, 3, 7)
    }
    assert len(results) == 1


def test_training_rows_alone_are_fitted_and_partial_fit_keeps_the_scale() -> None:
    X = spread_rows()
    model = Autoencoder((4,), scale="standard", n_epochs=1, random_state=0).partial_fit(X[:50])
    expected = reference.fit_scaling(X[:50], "standard")
    assert expected is not None
    for _ in range(2):
        np.testing.assert_allclose(model.offset_, expected.offset, rtol=1e-10)
        np.testing.assert_allclose(model.factor_, expected.factor, rtol=1e-10)
        model.partial_fit(X[50:])
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.reconstruct(X), model.reconstruct(X))
    model.set_params(validation_fraction=0.5).fit(X)
    whole = reference.fit_scaling(X, "standard")
    assert whole is not None
    assert not np.allclose(model.offset_, whole.offset, rtol=1e-6)
    model.set_params(scale=None).fit(three_factor_rows(90, 12))
    assert not hasattr(model, "offset_")


def test_every_setting_counts() -> None:
    X = three_factor_rows()
    X[5] *= 50  # "robust" is "standard" where nothing is far
    start = Network([10, 4, 10], ["relu", "identity"], random_state=1)
    fitted = [
        Autoencoder((4,), scale=scale, n_epochs=1, random_state=0).fit(X, init=start)
        for scale in (None, *SCALES)
    ]
    assert len({model.network_.parameters.tobytes() for model in fitted}) == 1 + len(SCALES)
    plain = Autoencoder((4,), missing="mask", n_epochs=1, random_state=0).fit(X, init=start)
    assert same_bits(plain.network_, fitted[0].network_)  # nothing is missing
    plain.fit(holes(X), init=start)
    assert not same_bits(plain.network_, fitted[0].network_)


@pytest.mark.parametrize(
    ("settings", "fit", "message"),
    [
        ({"scale": "l2"}, {}, "scale must be one of None, 'minmax', 'standard', 'robust'"),
        ({"missing": "drop"}, {}, "missing must be one of None, 'mask'; got 'drop'"),
        ({"scale": "minmax", "input_scale": 0.5}, {}, "input_scale must be 1 with scale 'minmax'"),
        ({"scale": "minmax"}, {"target": three_factor_rows()}, "target must be None with scale"),
    ],
)
def test_bad_settings(settings: dict[str, Any], fit: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Autoencoder((4,), **settings).fit(three_factor_rows(), **fit)


@pytest.mark.parametrize("scale", [None, "standard"])
@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
@pytest.mark.parametrize("missing", [None, "mask"])
def test_infinity_is_an_error_and_nan_without_mask(
    value: float, missing: str | None, scale: str | None
) -> None:
    X = three_factor_rows()
    model = DenoisingAutoencoder((4,), missing=missing, scale=scale, n_epochs=1, random_state=0)
    model.fit(X)
    bad = X.copy()
    bad[7, 3] = value
    calls = (model.transform, model.reconstruct, model.score_samples, model.fit)
    for call in (*calls, lambda rows: model.transform(rows[7:8])):
        if missing == "mask" and np.isnan(value):
            call(bad)
        else:
            with pytest.raises(ValueError, match=r"NaN|infinity.* at row \d, column 3"):
                call(bad)


def test_serving_refuses_what_it_cannot_do() -> None:
    from aecore.serving import Model

    network = Autoencoder((4,), scale="minmax", n_epochs=1).fit(three_factor_rows()).network_
    with pytest.raises(ValueError, match="network must neither scale columns nor mask"):
        Model(network)


def test_undo_inverts_apply() -> None:
    settings = InputSettings(1.0, np.array([3.0, 0.0]), np.array([0.25, 1.0]))
    output = settings.apply(np.array([7.0, 5.0]))[np.newaxis]
    np.testing.assert_array_equal(settings.undo(output), [[7.0, 5.0]])
