"""The oracle's tied weights: the decoder uses the encoder's weights, transposed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import reference
from differences import check_gradient, draw

NETWORKS = [
    ([5, 3, 5], ["tanh", "sigmoid"]),
    ([4, 6, 2, 6, 4], ["sigmoid", "tanh", "gelu", "identity"]),
]
PENALTIES: dict[str, Any] = {
    "weight_decay": 0.3,
    "weight_l1": 0.2,
    "sparsity_weight": 0.5,
    "contractive_weight": 0.2,
    "dropout": 0.2,
    "noise": "gaussian",
    "noise_level": 0.1,
}


def untie(sizes: list[int], parameters: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same network with a copy of the weights in the decoder."""
    pairs = reference.unpack(sizes, parameters, tied_weights=True)
    return np.concatenate([part.ravel() for pair in pairs for part in pair])


@pytest.mark.parametrize("settings", [{}, PENALTIES], ids=["plain", "penalties"])
@pytest.mark.parametrize(("sizes", "activations"), NETWORKS)
def test_gradient(sizes: list[int], activations: list[str], settings: dict[str, Any]) -> None:
    rng = np.random.default_rng(len(sizes))
    X = rng.uniform(size=(8, sizes[0]))
    parameters = draw(sizes, rng, tied_weights=True)
    check_gradient(sizes, activations, parameters, X, tied_weights=True, **settings)
    weights = rng.uniform(0, 2, 8)
    check_gradient(
        sizes, activations, parameters, X, tied_weights=True, sample_weight=weights, **settings
    )


@pytest.mark.parametrize(("sizes", "activations"), NETWORKS)
def test_equals_the_untied_network_with_the_same_weights(
    sizes: list[int], activations: list[str]
) -> None:
    rng = np.random.default_rng(1)
    X = rng.uniform(size=(8, sizes[0]))
    parameters = draw(sizes, rng, tied_weights=True)
    copied = untie(sizes, parameters)
    value, gradient = reference.objective_and_gradient(
        sizes, activations, parameters, X, tied_weights=True
    )
    other, both = reference.objective_and_gradient(sizes, activations, copied, X)
    assert value == pytest.approx(other, rel=1e-14)
    pairs = reference.unpack(sizes, both)
    n_encoder = len(pairs) // 2
    for layer, (W, b) in enumerate(reference.unpack(sizes, gradient, tied_weights=True)):
        np.testing.assert_allclose(b, pairs[layer][1], rtol=1e-12)
        if layer < n_encoder:
            total = pairs[layer][0] + pairs[-1 - layer][0].T
            np.testing.assert_allclose(W, total, rtol=1e-10, atol=1e-14)
    arguments = (sizes, activations, parameters)
    codes = reference.encode(*arguments, X, tied_weights=True)
    np.testing.assert_array_equal(codes, reference.encode(sizes, activations, copied, X))
    np.testing.assert_allclose(
        reference.decode(*arguments, codes, tied_weights=True),
        reference.reconstruct(sizes, activations, copied, X),
        rtol=1e-13,
    )


def test_decay_counts_each_weight_once() -> None:
    parameters = np.array([2.0, 1.0, 0.0, 0.0, 0.0])  # W (2 x 1), then three biases
    terms = reference.objective_terms(
        [2, 1, 2],
        ["tanh", "identity"],
        parameters,
        [[0.0, 0.0]],
        tied_weights=True,
        weight_decay=2.0,
        weight_l1=10.0,
    )
    assert (terms.weight_decay, terms.weight_l1) == (5.0, 30.0)


def test_layout() -> None:
    parameters = np.arange(16.0)
    (W, b), (V, c) = reference.unpack([4, 2, 4], parameters[:14], tied_weights=True)
    np.testing.assert_array_equal(W, parameters[:8].reshape(4, 2))
    np.testing.assert_array_equal(b, [8, 9])
    np.testing.assert_array_equal(V, W.T)
    np.testing.assert_array_equal(c, [10, 11, 12, 13])


@pytest.mark.parametrize("sizes", [[4, 2, 5], [4, 3, 3, 4], [4, 2, 3, 4]])
def test_needs_a_mirror(sizes: list[int]) -> None:
    with pytest.raises(ValueError, match=r"tied_weights must be False unless the decoder mirrors"):
        reference.unpack(sizes, np.zeros(9), tied_weights=True)
