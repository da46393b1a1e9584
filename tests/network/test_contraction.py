"""The contractive penalty: by its definition, by differences, in pieces, and refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aecore import Autoencoder, Network
from core_gradients import difference
from differences import central_differences
from samples import THREADS

ENCODERS = {
    "one layer": ([7, 4, 7], ["sigmoid", "identity"]),
    "deep": ([7, 6, 5, 3, 7], ["tanh", "sigmoid", "tanh", "identity"]),
    "relu": ([7, 9, 4, 7], ["relu", "sigmoid", "sigmoid"]),
    "tied": ([7, 6, 3, 6, 7], ["sigmoid", "tanh", "sigmoid", "identity"]),
}


def encoder(name: str) -> tuple[Network, dict[str, Any]]:
    sizes, activations = ENCODERS[name]
    code = {"deep": 2}.get(name, 1 if len(sizes) > 3 else 0)
    net = Network(
        sizes,
        activations,
        dtype="float64",
        code_layer=code,
        tied_weights=name == "tied",
        random_state=3,
    )
    net.parameters[:] += np.random.default_rng(0).uniform(-0.3, 0.3, net.parameters.size)
    if name == "relu":  # units that stay on, or off, however the parameters are moved a little
        net.weights[0][:] *= 0.2
        net.biases[0][:] = np.resize([1.5, -1.5], net.biases[0].size)
    return net, {"contractive_weight": 0.7, "loss": "squared_error"}


@pytest.mark.parametrize("name", ENCODERS)
def test_penalty_is_the_squared_jacobian(name: str) -> None:
    net, settings = encoder(name)
    X = np.random.default_rng(1).random((5, 7))
    expected = 0.0
    for row in X:
        jacobian = [
            (net.encode(row + step) - net.encode(row - step)) / 2e-5 for step in 1e-5 * np.eye(7)
        ]
        expected += 0.7 * float(np.square(jacobian).sum()) / len(X)
    assert net.objective_terms(X, **settings).contractive == pytest.approx(expected, rel=1e-7)


@pytest.mark.parametrize("name", ENCODERS)
def test_gradient_by_central_differences(name: str) -> None:
    net, settings = encoder(name)
    X = np.random.default_rng(1).random((5, 7))
    _, gradient = net.objective_and_gradient(X, **settings)
    expected = central_differences(
        lambda values: net.with_parameters(values).objective(X, **settings), net.parameters
    )
    np.testing.assert_allclose(gradient, expected, rtol=0, atol=1e-8 * np.abs(gradient).max())


@pytest.mark.parametrize(
    "sizes", [[20, 9, 20], [20, 33, 9, 33, 20], [40, 60, 50, 60, 40]], ids=["one", "deep", "parts"]
)
def test_rows_in_several_chunks_and_parts(sizes: list[int]) -> None:
    # 1 MB of scratch and 8 MB for a part's matrices: three chunks, the last net's in four parts.
    activations = ["tanh", "sigmoid", "tanh", "identity"][-len(sizes) + 1 :]
    n_rows = {40: 600}.get(sizes[0], 3_000)
    options = {"contractive_weight": 0.2, "weight_decay": 0.1}
    assert difference(sizes, activations, n_rows, threads=THREADS, weighted=True, **options) < 1e-10


@pytest.mark.parametrize("activation", ["leaky_relu", "gelu", "softplus"])
def test_encoder_without_second_derivative(activation: str) -> None:
    X = np.random.default_rng(1).random((5, 7))
    ae = Autoencoder((4, 3), activation="tanh", code_activation=activation, contractive_weight=0.1)
    rule = "be 0 unless the encoder's activations are among sigmoid, tanh, relu, identity"
    message = f"contractive_weight must {rule}; got '{activation}' in layer 1"
    with pytest.raises(ValueError, match=message):
        ae.fit(X)
    with pytest.raises(ValueError, match="unless the code is a hidden layer, 0 to 0; got code_la"):
        Network([7, 3, 7], ["tanh", "tanh"], code_layer=1).objective(X, contractive_weight=0.1)
