"""Rows with many zeros, whose products are left out: the numbers are those of all products."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from aecore import Autoencoder, Network, _core, reference
from helpers import run_function

# Around the widths of panels and tiles, the block of the sum, and a hidden layer of one vector.
SHAPES = ((64, 17, 5), (65, 33, 14), (130, 40, 27), (300, 70, 128), (784, 33, 300))


def patterns(n_rows: int, n_columns: int) -> dict[str, NDArray[np.bool_]]:
    """Where numbers are, by name."""
    rng = np.random.default_rng(0)
    row, column = np.arange(n_rows)[:, np.newaxis], np.arange(n_columns)
    random = rng.random((n_rows, n_columns))
    return {
        "nothing": random < 0,
        "few": random < 0.02,
        "some": random < 0.3,
        "half of the columns": (random < 0.9) & (column % 64 < 32),
        "a band": np.abs(column - row * 37 % n_columns) < n_columns // 10,
        "one of each ten columns": column % 10 == rng.integers(0, 10, (n_rows, 1)),
        "dense rows, then zeros": np.broadcast_to(row < n_rows // 2, random.shape),
        "zeros, then dense rows": np.broadcast_to(row >= n_rows // 2, random.shape),
        "the last column": np.broadcast_to(column == n_columns - 1, random.shape),
    }


def rows_of(pattern: NDArray[np.bool_], dtype: str) -> NDArray[Any]:
    """Numbers where the pattern has them, zeros of both signs elsewhere."""
    rng = np.random.default_rng(1)
    x = rng.uniform(0.1, 1, pattern.shape) * pattern
    x[~pattern & (rng.random(pattern.shape) < 0.5)] = -0.0
    return np.ascontiguousarray(x, dtype)


def evaluate(
    X: Any, n_hidden: int, dtype: str, loss: str, n_threads: int
) -> tuple[float, NDArray[Any], NDArray[Any]]:
    """J, its gradient and the code of rows read where they lie (squared error) or gathered."""
    output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
    sizes = [X.shape[1], n_hidden, X.shape[1]]
    network = _core.Network(sizes, ["tanh", output], code_layer=0)
    parameters = np.random.default_rng(2).uniform(-0.3, 0.3, network.n_parameters).astype(dtype)
    gradient = np.full(network.n_parameters, np.nan, dtype)
    objective = _core.Objective(loss=loss, code_layer=0)
    parts = network.evaluate(
        parameters, _core.Data(X), objective, gradient=gradient, n_threads=n_threads, epoch=3
    )
    served = Network(sizes, ["tanh", output], dtype=dtype).with_parameters(parameters)
    return sum(parts.values()), gradient, served.encode(X)


def wrong_cases(dtype: str) -> list[str]:
    """Cases where an array and CSR differ in a bit, or the result is not the reference's."""
    wrong = []
    tolerance = 1e-10 if dtype == "float64" else 2e-5
    for n_columns, n_hidden, n_rows in SHAPES:
        for name, pattern in patterns(n_rows, n_columns).items():
            X = rows_of(pattern, dtype)
            for loss in ("squared_error", "binary_cross_entropy"):
                expected = evaluate(sparse.csr_array(X), n_hidden, dtype, loss, 1)
                for n_threads in (1, 3):
                    found = evaluate(X, n_hidden, dtype, loss, n_threads)
                    if not all(np.array_equal(a, b) for a, b in zip(found, expected, strict=True)):
                        wrong.append(f"{X.shape} {n_hidden} {name} {loss} {n_threads} threads")
                if n_columns > 300:
                    continue
                output = "sigmoid" if loss == "binary_cross_entropy" else "identity"
                sizes = [n_columns, n_hidden, n_columns]
                parameters = np.random.default_rng(2).uniform(-0.3, 0.3, expected[1].size)
                _, exact = reference.objective_and_gradient(
                    sizes, ["tanh", output], parameters.astype(dtype), X, loss=loss
                )
                if np.abs(found[1] - exact).max() > tolerance * np.abs(exact).max():
                    wrong.append(f"{X.shape} {n_hidden} {name} {loss}: not the reference")
    return wrong


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_are_those_of_the_rest_and_of_the_reference(isa: str, dtype: str) -> None:
    assert run_function(wrong_cases, dtype, isa=isa, timeout=300) == []


def test_a_sum_with_more_terms_than_are_kept() -> None:
    # Three rows of 140,000 columns: their terms would take more words than a product has for them.
    X = rows_of(np.random.default_rng(0).random((5, 140_000)) < 0.1, "float32")
    expected = evaluate(sparse.csr_array(X), 20, "float32", "squared_error", 1)
    found = evaluate(X, 20, "float32", "squared_error", 1)
    for a, b in zip(found, expected, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("n_rows", [5, 40, 300])
def test_a_number_that_is_not_finite_is_found_among_zeros(value: float, n_rows: int) -> None:
    X = np.zeros((n_rows, 100), np.float32)
    X[n_rows // 2, 77] = value
    network = Network([100, 20, 100], ["relu", "identity"], random_state=0)
    for use in (network.encode, network.objective, Autoencoder(20, random_state=0).fit):
        with pytest.raises(ValueError, match=r"NaN|infinity"):
            use(X)


def test_training_on_zeros_alone() -> None:
    fitted = Autoencoder(20, n_epochs=2, batch_size=10, random_state=0).fit(np.zeros((30, 100)))
    assert np.isfinite(fitted.network_.parameters).all()
    np.testing.assert_array_equal(
        fitted.transform(np.zeros((7, 100)))[0], fitted.transform(np.zeros((1, 100)))[0]
    )
