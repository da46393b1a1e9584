"""`stack` joins networks, slices take them apart again and share their weights."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Autoencoder, Network, stack
from samples import three_factor_rows


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


def two_models(**first: Any) -> tuple[Network, Network]:
    return (
        Network(
            [10, 8, 6, 9, 10],
            ["relu", "tanh", "elu", "sigmoid"],
            random_state=0,
            **{"input_scale": 0.5, **first},
        ),
        Network([6, 4, 6], ["gelu", "softplus"], random_state=1),
    )


def test_stack_is_one_after_the_other(rows: NDArray[np.float64]) -> None:
    first, second = two_models()
    both = stack(first, second)
    assert both.layer_sizes == [10, 8, 6, 4, 6, 9, 10]
    assert both.activations == ["relu", "tanh", "gelu", "softplus", "elu", "sigmoid"]
    codes = second.encode(first.encode(rows))
    np.testing.assert_array_equal(both.encode(rows), codes)
    np.testing.assert_array_equal(both.decode(codes), first.decode(second.decode(codes)))
    both.parameters[:] = 0.0
    assert first.parameters.any()


def test_stack_of_estimators(rows: NDArray[np.float64]) -> None:
    first = Autoencoder((7,), scale="minmax", n_epochs=1, n_threads=2, random_state=0).fit(rows)
    second = Autoencoder((4,), code_top_k=2, n_epochs=1, random_state=0).fit(first.transform(rows))
    both = stack(first, second)
    np.testing.assert_array_equal(both.encode(rows), second.transform(first.transform(rows)))
    assert (both.n_threads, both.code_top_k) == (2, 2)


def test_a_last_layer_without_decoder(rows: NDArray[np.float64]) -> None:
    first, second = two_models()
    softmax = Network([4, 3], ["softmax"], random_state=2)
    whole = stack(first, second, softmax)
    assert whole.layer_sizes == [10, 8, 6, 4, 3]
    expected = softmax.encode(second.encode(first.encode(rows)))
    np.testing.assert_array_equal(whole.reconstruct(rows), expected)


@pytest.mark.parametrize("tied", [False, True])
def test_stack_of_tied_weights(rows: NDArray[np.float64], tied: bool) -> None:
    first = Network([10, 6, 10], ["tanh", "identity"], tied_weights=True, random_state=0)
    second = Network([6, 3, 6], ["tanh", "identity"], tied_weights=tied, random_state=1)
    both = stack(first, second)
    assert both.tied_weights == tied
    expected = first.decode(second.reconstruct(first.encode(rows)))
    np.testing.assert_allclose(both.reconstruct(rows), expected, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layer_sizes": [5, 4, 5]}, "model 2 must have 6 inputs, the code of model 1; got 5"),
        ({"layer_sizes": [6, 4, 5]}, "model 2 must have 6 outputs, the code of model 1; got 5"),
        ({"dtype": "float64"}, "model 2 must have dtype float32, like the one before; got float64"),
        (
            {"input_scale": 2.0},
            "model 2 must take the code of model 1 as it is, with input_scale 1",
        ),
        ({"activations": ["relu", "softmax"]}, "model 2 must not have a softmax output"),
    ],
)
def test_models_that_do_not_fit(change: dict[str, Any], message: str) -> None:
    first, _ = two_models()
    settings = {"layer_sizes": [6, 4, 6], "activations": ["relu", "relu"], **change}
    with pytest.raises(ValueError, match=message):
        stack(first, Network(**settings))


def test_what_cannot_be_stacked() -> None:
    first, second = two_models(code_top_k=2)
    with pytest.raises(ValueError, match="model 2 must be the first, for only the last"):
        stack(first, second)
    with pytest.raises(ValueError, match="model 1 must have a decoder"):
        stack(first.encoder, second)
    with pytest.raises(ValueError, match="models must be one or more; got none"):
        stack()
    with pytest.raises(TypeError, match="model 2 must be an estimator or a Network; got str"):
        stack(first, "second")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="not fitted yet"):
        stack(Autoencoder())


# --- slices ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_encoder_and_decoder_share_weights(rows: NDArray[np.float64], dtype: str) -> None:
    net = Network(
        [10, 7, 3, 5, 10],
        ["tanh", "relu", "tanh", "sigmoid"],
        input_scale=0.5,
        dtype=dtype,
        random_state=0,
    )
    encoder, decoder = net.encoder, net.decoder
    for _ in range(2):
        codes = net.encode(rows)
        np.testing.assert_array_equal(encoder.encode(rows), codes)
        np.testing.assert_array_equal(encoder.reconstruct(rows[0]), codes[0])
        np.testing.assert_array_equal(decoder.reconstruct(codes), net.reconstruct(rows))
        net.parameters[:] *= 2.0
    decoder.weights[0][:] = 0.0
    assert not net.weights[2].any()
    assert encoder.weights[1].all()
    assert np.shares_memory(encoder.parameters, net.parameters)
    assert encoder.parameters.size + decoder.parameters.size == net.parameters.size
    # A copy is on its own again.
    copied = pickle.loads(pickle.dumps(decoder))
    copied.parameters[:] = 1.0
    assert not decoder.weights[0].any()


@pytest.mark.parametrize(
    ("part", "sizes", "code"),
    [
        (slice(None), [10, 7, 3, 5, 10], 1),
        (slice(1), [10, 7], 0),
        (slice(1, 3), [7, 3, 5], 0),
        (slice(-1, None), [5, 10], 0),
        (slice(2, 99), [3, 5, 10], 1),
    ],
)
def test_slices(part: slice, sizes: list[int], code: int) -> None:
    net = Network([10, 7, 3, 5, 10], ["tanh", "relu", "tanh", "sigmoid"], code_top_k=2)
    piece = net[part]
    assert piece.layer_sizes == sizes
    assert piece.activations == net.activations[part]
    assert piece.code_layer == code
    assert piece.code_top_k == (2 if 3 in sizes[1:] else None)
    for own, whole in [(piece.weights, net.weights), (piece.biases, net.biases)]:
        for a, b in zip(own, whole[part], strict=True):
            assert np.shares_memory(a, b)
            np.testing.assert_array_equal(a, b)


def test_slices_of_tied_weights() -> None:
    net = Network([6, 4, 2, 4, 6], ["tanh"] * 4, tied_weights=True, random_state=0)
    rows = np.eye(6)
    np.testing.assert_array_equal(net.encoder.encode(rows), net.encode(rows))
    np.testing.assert_array_equal(net[:].reconstruct(rows), net.reconstruct(rows))
    assert not net[1:2].tied_weights
    for part in (slice(2, 4), slice(1, 3), slice(3)):
        with pytest.raises(ValueError, match=r"layers must end with the encoder, by 2, .* tied"):
            net[part]
    with pytest.raises(ValueError, match="layers must end with the encoder"):
        net.decoder  # noqa: B018


def test_what_is_no_slice() -> None:
    net = Network([4, 2, 4], ["tanh", "tanh"])
    with pytest.raises(TypeError, match=r"layers must be a slice, as in net\[:2\]; got int"):
        net[0]
    for part in (slice(1, 1), slice(None, None, -1), slice(5, None)):
        with pytest.raises(ValueError, match="layers must be a slice with step 1 that takes at"):
            net[part]
    with pytest.raises(ValueError, match="decoder needs layers after the code"):
        net.encoder.decoder  # noqa: B018
