"""The estimators' parameters of shape, start and sparsity: each does what it says."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import issparse

from aecore import Autoencoder, Network, reference
from samples import same_bits, three_factor_rows
from terms import TERMS, together

SETTINGS: dict[str, Any] = {"n_epochs": 2, "random_state": 0, "dtype": "float64", "batch_size": 50}


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


def test_code_activation_and_decoder_sizes(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder(
        (8, 3), decoder_layer_sizes=(5, 6), code_activation="identity", **SETTINGS
    ).fit(rows)
    assert ae.network_.layer_sizes == [10, 8, 3, 5, 6, 10]
    assert ae.network_.activations == ["relu", "identity", "relu", "relu", "identity"]
    assert ae.network_.code_layer == 1
    assert Autoencoder((8, 3), decoder_layer_sizes=(), **SETTINGS).fit(
        rows
    ).network_.layer_sizes == [10, 8, 3, 10]


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("name", [None, "glorot", "he", "lecun", "orthogonal", "normal"])
def test_initialization(name: str | None, tied: bool) -> None:
    sizes, activations = [10, 7, 10], ["relu", "identity"]
    net = Network(
        sizes, activations, dtype="float64", initialization=name, tied_weights=tied, random_state=4
    )
    expected = reference.initial_parameters(sizes, activations, name, seed=4, tied_weights=tied)
    np.testing.assert_allclose(net.parameters, expected, rtol=1e-14)


def test_initialization_of_an_estimator(rows: NDArray[np.float64]) -> None:
    settings = {**SETTINGS, "learning_rate": 1e-300, "n_epochs": 1}
    ae = Autoencoder((4,), initialization="he_normal", **settings).fit(rows)
    expected = reference.initial_weights(10, 4, "he_normal", seed=0, layer=0)
    np.testing.assert_allclose(ae.network_.weights[0], expected)


def test_tied_weights(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((8, 3), tied_weights=True, **SETTINGS).fit(rows)
    net = ae.network_
    assert net.parameters.size == 10 * 8 + 8 * 3 + 8 + 3 + 8 + 10
    for encoder, decoder in zip(net.weights[:2], net.weights[:1:-1], strict=True):
        np.testing.assert_array_equal(decoder, encoder.T)
        assert np.shares_memory(decoder, encoder)
    with pytest.raises(ValueError, match=r"decoder_layer_sizes must be None or \[8\], the mirror"):
        ae.set_params(decoder_layer_sizes=(7,)).fit(rows)
    with pytest.raises(ValueError, match="tied_weights must be False as in init; got True"):
        Autoencoder((8, 3), tied_weights=True, **SETTINGS).fit(
            rows, init=Network(net.layer_sizes, net.activations)
        )
    with pytest.raises(ValueError, match="tied_weights must be False unless the decoder mirrors"):
        Network([4, 3, 5], ["relu", "relu"], tied_weights=True)


def test_top_k_codes_and_sparse_output(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((6,), code_top_k=2, activation="sigmoid", **SETTINGS).fit(rows)
    codes = ae.transform(rows)
    assert (np.count_nonzero(codes, axis=1) == 2).all()
    expected = reference.encode(
        ae.network_.layer_sizes, ae.network_.activations, ae.network_.parameters, rows, code_top_k=2
    )
    np.testing.assert_allclose(codes, expected, rtol=1e-12)
    sparse = ae.set_params(sparse_output=True).transform(rows)
    assert issparse(sparse)
    assert sparse.format == "csr"
    np.testing.assert_array_equal(sparse.toarray(), codes)


@pytest.mark.parametrize(
    "knob",
    [
        *(together(name) for name in TERMS if name != "sparsity"),
        {"dropout": 0.3},
        {"code_top_k": 2},
        {"sparsity_weight": 1.0},
        {"sparsity_weight": 1.0, "sparsity_momentum": 0.9},
    ],
    ids=lambda knob: list(knob)[-1],
)
def test_partial_fits_continue_a_fit(rows: NDArray[np.float64], knob: dict[str, Any]) -> None:
    settings = {**SETTINGS, "activation": "sigmoid", "shuffle": False, **knob}
    whole = Autoencoder((4,), **settings).fit(rows)
    pieces = Autoencoder((4,), **settings).partial_fit(rows).partial_fit(rows)
    assert same_bits(whole.network_, pieces.network_)
    name = list(knob)[-1]
    plain = {**settings, name: Autoencoder().get_params()[name]}
    without = Autoencoder((4,), **plain).fit(rows)
    assert not same_bits(whole.network_, without.network_)


@pytest.mark.parametrize("name", ["dropout", "sparsity_momentum"])
def test_lbfgs_refuses_what_changes_from_step_to_step(rows: NDArray[np.float64], name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} must be 0 with optimizer 'lbfgs'.*; got 0.5"):
        Autoencoder((4,), optimizer="lbfgs", **{name: 0.5}).fit(rows)


def test_objective_with_a_running_mean(rows: NDArray[np.float64]) -> None:
    net = Network([10, 4, 10], ["sigmoid", "sigmoid"], dtype="float64", random_state=0)
    settings: dict[str, Any] = {
        "sparsity_weight": 0.5,
        "sparsity_momentum": 0.7,
        "sparsity_running": {0: np.full(4, 0.2)},
    }
    arguments = (net.layer_sizes, net.activations, net.parameters, rows)
    expected, slope = reference.objective_and_gradient(*arguments, **settings)
    value, gradient = net.objective_and_gradient(rows, **settings)
    assert value == pytest.approx(expected, rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-12 * np.abs(slope).max())
    settings["sparsity_running"] = {0: np.full(3, 0.2)}
    with pytest.raises(ValueError, match=r"sparsity_running must have shape \(4,\) in layer 0"):
        net.objective(rows, **settings)
