"""Parts of a scaled estimator keep its scale: a start for another, an encoder, a decoder."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

import aecore
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    ConvAutoencoder,
    DeepClustering,
    DenoisingAutoencoder,
    Network,
    SparseAutoencoder,
    VariationalAutoencoder,
    serving,
    stack,
)
from samples import may_learn_nothing, same_bits, three_factor_rows

X = 40.0 * three_factor_rows(120, 12) * np.arange(1, 13) + 5.0
SCALES = ("standard", "minmax", "maxabs", "robust", "pooled")
ESTIMATORS: dict[str, Any] = {
    "autoencoder": Autoencoder((6, 3)),
    "denoising": DenoisingAutoencoder((6,)),
    "sparse": SparseAutoencoder((6,)),
    "drawn code": VariationalAutoencoder((6, 3), likelihood="gaussian"),
    "images": ConvAutoencoder((3,), code_size=2),
    "top k": Autoencoder((6, 4), code_top_k=2),
}
Carry = Callable[[Network, Path], Network]


def through_file(network: Network, folder: Path) -> Network:
    network.save(folder / "network")
    return aecore.load(folder / "network")


CARRIERS: dict[str, Carry] = {
    "as it is": lambda network, _: network,
    "file": through_file,
    "pickle": lambda network, _: pickle.loads(pickle.dumps(network)),
    "copy": lambda network, _: copy.deepcopy(network),
}


def fitted(name: str, **settings: Any) -> tuple[Any, NDArray[np.float64]]:
    rows = X.reshape(-1, 3, 4) if name == "images" else X
    model = clone(ESTIMATORS[name]).set_params(n_epochs=2, random_state=0, **settings)
    return model.fit(rows), rows


@may_learn_nothing
@pytest.mark.parametrize("carrier", CARRIERS)
@pytest.mark.parametrize("scale", SCALES)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_halves_are_transform_and_inverse_transform(
    name: str, scale: str, carrier: str, tmp_path: Path
) -> None:
    model, rows = fitted(name, scale=scale)
    encoder, decoder = (
        CARRIERS[carrier](half, tmp_path)
        for half in (model.network_.encoder, model.network_.decoder)
    )
    Z = model.transform(rows)
    np.testing.assert_array_equal(encoder.encode(rows.reshape(120, 12)), Z)
    expected = model.inverse_transform(Z).reshape(120, 12)
    np.testing.assert_array_equal(decoder.reconstruct(Z), expected)
    np.testing.assert_array_equal(decoder.reconstruct(Z[3]), expected[3])
    out = np.empty_like(expected)
    assert decoder.reconstruct(Z, out=out) is out
    np.testing.assert_array_equal(out, expected)
    # The whole network, and J of the half, are about scaled numbers.
    whole = CARRIERS[carrier](model.network_, tmp_path)
    scaled = whole.decode(Z)
    assert np.abs(scaled - expected).max() > 1.0
    np.testing.assert_array_equal(whole.decoder.reconstruct(Z), expected)
    losses = decoder.row_losses(Z, target=scaled)
    np.testing.assert_allclose(losses, 0.0, atol=1e-9)


def test_parts_of_parts() -> None:
    model, _ = fitted("autoencoder", scale="standard")
    network, Z = model.network_, model.transform(X)
    expected = model.inverse_transform(Z)
    first, last = network[2:3], network[2:][1:]
    np.testing.assert_array_equal(last.reconstruct(first.reconstruct(Z)), expected)
    np.testing.assert_array_equal(network[:].reconstruct(X), network.reconstruct(X))
    moved = network.decoder.with_parameters(network.decoder.parameters)
    np.testing.assert_array_equal(moved.reconstruct(Z), expected)
    with pytest.raises(ValueError, match="A decoder gives the outputs of codes by reconstruct"):
        network.decoder.decode(Z)
    with pytest.raises(ValueError, match="network must neither scale columns"):
        serving.Model(network.decoder)


def test_a_tied_decoder_is_in_the_whole_alone() -> None:
    model, _ = fitted("autoencoder", scale="standard", tied_weights=True)
    with pytest.raises(ValueError, match="has none of its own: `decode` of the whole has them"):
        model.network_.decoder  # noqa: B018


def test_a_stack_has_the_scale_of_the_first() -> None:
    first = Autoencoder((6,), scale="minmax", n_epochs=1, random_state=0).fit(X)
    second = Autoencoder((3,), n_epochs=1, random_state=0).fit(first.transform(X))
    both, Z = stack(first, second), second.transform(first.transform(X))
    expected = first.inverse_transform(second.inverse_transform(Z))
    np.testing.assert_array_equal(both.decoder.reconstruct(Z), expected)


@may_learn_nothing
@pytest.mark.parametrize("asked", [None, "standard", "minmax"])
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_start_brings_its_scale(name: str, asked: str | None) -> None:
    first, rows = fitted(name, scale="standard")
    # Rows of another place: a scale of their own would undo what was learned.
    moved = 3.0 * rows + 100.0
    again = clone(first).set_params(scale=asked, learning_rate=None, n_epochs=1)
    again.fit(moved, init=first.network_)
    np.testing.assert_array_equal(again.offset_, first.offset_)
    np.testing.assert_array_equal(again.factor_, first.factor_)
    same = clone(first).set_params(n_epochs=1).fit(rows, init=first.network_)
    assert same_bits(
        same.network_,
        clone(first).set_params(scale=None, n_epochs=1).fit(rows, init=first.network_).network_,
    )


@may_learn_nothing
def test_classes_and_clusters_begin_with_a_scaled_network() -> None:
    first = Autoencoder((6,), scale="standard", n_epochs=2, random_state=0).fit(X)
    y = np.arange(120) % 3
    start = stack(first, Network([6, 3], ["softmax"], random_state=0))
    model = AutoencoderClassifier((6,), n_epochs=1, random_state=0).fit(X, y, init=start)
    np.testing.assert_array_equal(model.factor_, first.factor_)
    # Its output is no row.
    square = AutoencoderClassifier((6,), scale="standard", n_epochs=1, random_state=0)
    square.fit(X, np.arange(120) % 12)
    head = square.network_[1:].reconstruct(square.network_.encode(X))
    np.testing.assert_allclose(head.sum(axis=1), 1.0, rtol=1e-5)
    clusters = DeepClustering(2, autoencoder=Autoencoder((6,)), refinement=None, random_state=0)
    clusters.fit(X, init=first.network_)
    np.testing.assert_array_equal(clusters.transform(X), first.transform(X))


def test_a_factor_comes_along_where_none_is_asked_for() -> None:
    first = Autoencoder((6,), input_scale=0.01, n_epochs=1, random_state=0).fit(X)
    assert Autoencoder((6,), n_epochs=1).fit(X, init=first.network_).network_.input_scale == 0.01
    other = Autoencoder((6,), n_epochs=1, input_scale=0.02).fit(X, init=first.network_)
    assert other.network_.input_scale == 0.02


def test_what_does_not_go_with_a_scaled_start() -> None:
    start = Autoencoder((6,), scale="standard", n_epochs=1, random_state=0).fit(X).network_
    with pytest.raises(ValueError, match="target must be None with scale"):
        Autoencoder((6,)).fit(X, target=X, init=start)
    with pytest.raises(ValueError, match="input_scale must be 1 with a network that scales its"):
        Autoencoder((6,), input_scale=0.5).fit(X, init=start)
