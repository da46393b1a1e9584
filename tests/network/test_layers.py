"""Networks made of layers: shapes, parameters, slices, files, and what is refused."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aecore
from aecore import Network
from aecore.layers import Dense, Gaussian

VAE = [Dense(6, "relu"), Gaussian(3), Dense(5, "tanh"), Dense(8, "sigmoid")]


def vae(**settings: Any) -> Network:
    return Network(8, VAE, random_state=0, **settings)


def test_dense_layers_are_what_sizes_and_activations_say() -> None:
    layers = [Dense(3, "relu"), Dense(4, "sigmoid")]
    by_layers = Network(4, layers, random_state=0)
    by_sizes = Network([4, 3, 4], ["relu", "sigmoid"], random_state=0)
    assert by_sizes.layers == by_layers.layers == layers
    assert repr(by_layers) == repr(by_sizes)
    np.testing.assert_array_equal(by_layers.parameters, by_sizes.parameters)


def test_shapes_of_a_gaussian_code() -> None:
    net = vae()
    assert net.layer_sizes == [8, 6, 3, 5, 8]
    assert net.activations == ["relu", "identity", "tanh", "sigmoid"]
    assert net.code_layer == 1
    assert net.parameters.size == (8 * 6 + 6) + 2 * (6 * 3 + 3) + (3 * 5 + 5) + (5 * 8 + 8)
    start = 8 * 6 + 6
    assert np.shares_memory(net.weights[1], net.parameters[start : start + 18])
    start += 2 * (6 * 3 + 3)
    assert np.shares_memory(net.weights[2], net.parameters[start : start + 15])
    assert all(np.ptp(weight) > 0 for weight in net.weights)


def test_the_code_is_the_mean() -> None:
    net = vae(dtype="float64")
    rows = np.random.default_rng(0).random((20, 8))
    hidden = np.maximum(rows @ net.weights[0] + net.biases[0], 0)
    mean = hidden @ net.weights[1] + net.biases[1]
    np.testing.assert_allclose(net.encode(rows), mean, rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(net.encode(rows)[3], net.encode(rows[3]))
    np.testing.assert_array_equal(net.reconstruct(rows), net.decode(net.encode(rows)))
    np.testing.assert_array_equal(net.encode(rows), net.encoder.encode(rows))
    np.testing.assert_array_equal(net.reconstruct(rows), net.decoder.reconstruct(net.encode(rows)))


def test_summary() -> None:
    lines = vae().summary().splitlines()
    assert [line.split() for line in lines] == [
        ["layer", "output", "shape", "parameters"],
        ["input", "(8,)", "0"],
        ["Dense", "relu", "(6,)", "54"],
        ["Gaussian", "(3,)", "42"],
        ["Dense", "tanh", "(5,)", "20"],
        ["Dense", "sigmoid", "(8,)", "48"],
        ["total", "164"],
    ]
    assert len({len(line) for line in lines}) == 1
    tied = Network([8, 3, 8], ["relu", "sigmoid"], tied_weights=True, random_state=0)
    assert tied.summary().split()[-1] == str(tied.parameters.size)


def test_files_and_pickles(tmp_path: Path) -> None:
    net = vae(dtype="float64", n_threads=2)
    net.save(tmp_path / "net")
    for again in (aecore.load(tmp_path / "net"), pickle.loads(pickle.dumps(net))):
        assert again.layers == net.layers
        assert repr(again) == repr(net)
        np.testing.assert_array_equal(again.parameters, net.parameters)
    assert eval(repr(net), {**vars(aecore.layers), "Network": Network}).layers == net.layers


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"code_layer": 0}, r"code_layer must be 1, the Gaussian layer; got 0"),
        ({"tied_weights": True}, r"tied_weights must be False with a Gaussian layer|mirrors"),
        ({"code_top_k": 2}, r"code_top_k must be None with a Gaussian layer"),
        ({"code_layer": 4}, r"code_layer must be None or an integer from 0 to 3"),
    ],
)
def test_what_does_not_go_with_a_gaussian(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        vae(**settings)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Dense(0), r"n_units must be an integer from 1 to 2\*\*31 - 1; got 0"),
        (lambda: Dense(3, "nope"), r"activations must each be one of .*; got 'nope'"),
        (lambda: Gaussian(-1), r"n_units must be an integer"),
        (lambda: Network([4, 0], [Dense(2)]), r"shape must be an integer or one to three of them"),
        (lambda: Network(4, ["relu"]), r"layer_sizes must be a sequence"),
        (lambda: Network(4, [Gaussian(2), Gaussian(2)]), r"layers must have one Gaussian at most"),
        (lambda: Network(4, [Dense(2, "softmax"), Dense(4)]), r"activations must each be one of"),
        (lambda: Network([4, 2], [Dense(2), "relu"]), r"activations must be a sequence of 1 names"),
    ],
)
def test_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
