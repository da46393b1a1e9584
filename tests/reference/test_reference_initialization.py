"""The oracle's initial weights: their distribution, their draws, and the core's."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aecore import Network, reference

DEVIATIONS = {
    "glorot_uniform": math.sqrt(2 / 500),
    "glorot_normal": math.sqrt(2 / 500),
    "he_uniform": math.sqrt(2 / 300),
    "he_normal": math.sqrt(2 / 300),
    "lecun_normal": math.sqrt(1 / 300),
    "fan_in_uniform": math.sqrt(1 / 900),
    "uniform": 0.05 / math.sqrt(3),
    "normal": 0.05,
    "orthogonal": math.sqrt(1 / 300),
}


def test_every_name_is_tried() -> None:
    assert set(DEVIATIONS) == set(reference.INITIALIZATIONS)


@pytest.mark.parametrize("name", reference.INITIALIZATIONS)
def test_moments(name: str) -> None:
    W = reference.initial_weights(300, 200, name, seed=3, layer=1)
    assert W.shape == (300, 200)
    assert abs(W.mean()) < 5 * DEVIATIONS[name] / math.sqrt(W.size)
    assert W.std() == pytest.approx(DEVIATIONS[name], rel=0.01)
    uniform = name.endswith("uniform")
    # Kurtosis 9/5 of the uniform distribution, 3 of the normal one.
    kurtosis = np.mean(W**4) / np.mean(W**2) ** 2
    assert kurtosis == pytest.approx(1.8 if uniform else 3.0, abs=0.1)
    assert not uniform or np.abs(W).max() <= math.sqrt(3) * DEVIATIONS[name]
    other = reference.initial_weights(300, 200, name, seed=3, layer=2)
    assert not np.array_equal(W, other)


@pytest.mark.parametrize(("n_in", "n_out"), [(7, 4), (4, 7), (5, 5), (3, 1)])
def test_orthogonal(n_in: int, n_out: int) -> None:
    W = reference.initial_weights(n_in, n_out, "orthogonal", seed=1, layer=0)
    gram = W.T @ W if n_in >= n_out else W @ W.T
    np.testing.assert_allclose(gram, np.eye(min(n_in, n_out)), atol=1e-14)
    # R = Q' G has a positive diagonal and nothing below it.
    G = reference.initial_weights(n_in, n_out, "normal", seed=1, layer=0) / 0.05
    R = W.T @ G if n_in >= n_out else W @ G.T
    assert np.diag(R).min() > 0.0
    np.testing.assert_allclose(np.tril(R, -1), 0.0, atol=1e-14)


def test_draws_in_order() -> None:
    words = [int(word) for word in reference.stream_words(9, 1, 2, 12)]
    u = [
        (low + 2**32 * high) // 2**11 / 2**53
        for low, high in zip(words[::2], words[1::2], strict=True)
    ]
    W = reference.initial_weights(3, 2, "uniform", seed=9, layer=2)
    np.testing.assert_allclose(W.ravel(), [0.05 * (2 * value - 1) for value in u], rtol=1e-14)
    W = reference.initial_weights(5, 1, "normal", seed=9, layer=2)
    radius = [math.sqrt(-2 * math.log(1 - u1)) for u1 in u[::2]]
    expected = [
        r * f(2 * math.pi * u2)
        for r, u2 in zip(radius, u[1::2], strict=True)
        for f in (math.cos, math.sin)
    ]
    np.testing.assert_allclose(W.ravel(), 0.05 * np.array(expected[:5]), rtol=1e-12)


@pytest.mark.parametrize(
    ("short", "name"),
    [
        ("glorot", "glorot_uniform"),
        ("he", "he_normal"),
        ("lecun", "lecun_normal"),
        (None, "glorot_uniform"),
    ],
)
def test_short_names(short: str | None, name: str) -> None:
    np.testing.assert_array_equal(
        reference.initial_weights(4, 3, short, seed=0, layer=0),
        reference.initial_weights(4, 3, name, seed=0, layer=0),
    )


@pytest.mark.parametrize("seed", [0, 2**40 + 17])
def test_glorot_equals_the_core(seed: int) -> None:
    sizes, activations = [6, 5, 3, 5, 6], ["relu", "tanh", "sigmoid", "identity"]
    network = Network(sizes, activations, dtype="float64", random_state=seed)
    parameters = reference.initial_parameters(sizes, activations, seed=seed)
    np.testing.assert_allclose(network.parameters, parameters, rtol=1e-15)


def test_tied_weights_are_those_of_the_encoder() -> None:
    sizes, activations = [6, 5, 3, 5, 6], ["relu"] * 4
    tied = reference.initial_parameters(sizes, activations, "he", seed=4, tied_weights=True)
    free = reference.initial_parameters(sizes, activations, "he", seed=4)
    encoder = 6 * 5 + 5 + 5 * 3 + 3
    np.testing.assert_array_equal(tied[:encoder], free[:encoder])
    assert tied.shape == (encoder + 5 + 6,)
    assert not tied[encoder:].any()


def test_unknown_name() -> None:
    with pytest.raises(ValueError, match=r"initialization must be None or among .*; got 'xavier'"):
        reference.initial_weights(2, 2, "xavier", seed=0, layer=0)
