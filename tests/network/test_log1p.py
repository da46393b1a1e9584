"""Logarithms of counts that enter, while the counts stay the target: the core and the reference."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

import aecore
from aecore import Network, reference
from aecore._problem.input import InputSettings
from core_options import core_objective
from helpers import run_function
from sparse_problems import messy_rows

SETTINGS = InputSettings(log1p=True)


def counts(n_rows: int = 90, width: int = 12, largest: int = 10**6) -> NDArray[np.float64]:
    """Zeros, ones, and a few numbers of every size."""
    rng = np.random.default_rng(0)
    return np.floor(np.exp(rng.uniform(-3, np.log(largest), (n_rows, width))))


def network(width: int, dtype: str = "float64", entry: InputSettings = SETTINGS) -> Network:
    made = Network([width, 5, width], ["tanh", "softmax"], dtype=dtype, random_state=0)
    made._input = entry
    return made


def objective_differences() -> float:
    """Worst relative difference of J and its gradient, over widths, noises, containers, threads."""
    from aecore import _core

    worst = 0.0
    cases: list[dict[str, Any]] = [
        {},
        {"noise": "masking", "noise_level": 0.3},
        {"noise": "gaussian", "noise_level": 0.3},
        {"input_scale": 0.25},
    ]
    for width in (1, 7, 33, 300):
        X = messy_rows(90, width)
        X.data *= 64.0  # counts
        net = _core.Network([width, 5, width], ["tanh", "softmax"])
        parameters = np.random.default_rng(3).uniform(-1, 1, net.n_parameters)
        for case in cases:
            settings = {"loss": "multinomial", "log1p": True, **case}
            expected_j, expected = reference.objective_and_gradient(
                [width, 5, width], ["tanh", "softmax"], parameters, X.toarray(), **settings
            )
            containers = (X.toarray(), X) if case.get("noise") != "gaussian" else (X.toarray(),)
            for rows in containers:
                for n_threads in (1, 3):
                    gradient = np.empty_like(parameters)
                    terms = net.evaluate(
                        parameters,
                        _core.Data(rows),
                        core_objective(**settings),
                        gradient=gradient,
                        n_threads=n_threads,
                    )
                    away = abs(sum(terms.values()) - expected_j) / max(abs(expected_j), 1.0)
                    size = max(float(np.abs(expected).max()), 1.0)
                    worst = max(worst, away, float(np.abs(gradient - expected).max()) / size)
    return worst


def test_objective_equals_the_reference(isa: str) -> None:
    assert run_function(objective_differences, isa=isa) < 1e-10


def entering_differences(dtype: str) -> float:
    """Worst difference of log1p, by the code of a network that is one identity layer."""
    X = np.r_[0.0, np.exp(np.linspace(-30, 30, 2000))]
    X = np.r_[-X[1:], X][:, np.newaxis].astype(dtype)
    net = Network([1, 1], ["identity"], dtype=dtype)
    net.parameters[:] = [1.0, 0.0]
    net._input = SETTINGS
    expected = np.sign(X) * np.log1p(np.abs(X.astype(np.float64)))
    found = net.encode(X)
    alone = np.array([net.encode(row) for row in X])
    assert found.tobytes() == alone.tobytes()
    scale = np.maximum(np.abs(expected), np.finfo(dtype).tiny)
    return float((np.abs(found - expected) / scale).max() / np.finfo(dtype).eps)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_logarithms_are_exact_to_rounding(isa: str, dtype: str) -> None:
    assert run_function(entering_differences, dtype, isa=isa) < 8


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("of", ["float64", "float32", "float16", "uint8", "int64", ">u2"])
def test_methods_equal_the_reference(dtype: str, of: str) -> None:
    X = counts(largest=200).astype(of)
    net = network(12, dtype)
    arguments = (net.layer_sizes, net.activations, net.parameters)
    wanted = reference.reconstruct(*arguments, X, log1p=True)
    losses = reference.row_losses(*arguments, X, loss="multinomial", log1p=True)
    tolerance = {"rtol": 2e-5 if dtype == "float32" else 1e-10}
    for rows in (X, np.asfortranarray(X), sparse.csr_array(X.astype(np.float64))):
        np.testing.assert_allclose(net.reconstruct(rows), wanted, **tolerance)
        np.testing.assert_allclose(net.row_losses(rows, loss="multinomial"), losses, **tolerance)
        few = net.encode(rows[:2])
        assert few.tobytes() == net.encode(rows)[:2].tobytes()


def test_columns_may_be_scaled_and_numbers_missing() -> None:
    X = counts()
    X[::3, 4] = np.nan
    scaling = reference.fit_scaling(X, "maxabs")
    assert scaling is not None
    net = Network([12, 5, 12], ["tanh", "identity"], dtype="float64", random_state=0)
    net._input = InputSettings(1.0, scaling.offset, 20 * scaling.factor, True, log1p=True)
    settings: dict[str, Any] = {
        "missing": "mask",
        "log1p": True,
        "scaling": scaling._replace(factor=20 * scaling.factor),
    }
    arguments = (net.layer_sizes, net.activations, net.parameters, X)
    wanted = reference.objective(*arguments, **settings)
    np.testing.assert_allclose(net.reconstruct(X), reference.forward(*arguments, **settings)[1][-1])
    assert net.objective(X) == pytest.approx(wanted, rel=1e-12)


def test_they_travel_with_the_network(tmp_path: Path) -> None:
    X = counts()
    net = network(12)
    net.save(tmp_path / "net")
    codes = net.encode(X)
    for again in (
        aecore.load(tmp_path / "net"),
        pickle.loads(pickle.dumps(net)),
        net.with_parameters(net.parameters),
        net.encoder,
        net[:1],
    ):
        np.testing.assert_array_equal(again.encode(X), codes)
    np.testing.assert_array_equal(net.decoder.encode(codes), net.reconstruct(X))


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_not_finite_are_refused(bad: float) -> None:
    for rows in (counts(), counts(2)):
        rows[1, 3] = bad
        for X in (rows, sparse.csr_array(rows), rows[1]):
            with pytest.raises(ValueError, match=r"NaN|infinity"):
                network(12).encode(X)
