"""`ConvAutoencoder` and the layers it is made of: shapes in and out, files, bad input."""

from __future__ import annotations

import copy
import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

import aecore
from aecore import ConvAutoencoder, Network
from aecore.layers import Conv2D, ConvTranspose2D, Dense, Flatten, Gaussian, Reshape
from samples import same_bits

SETTINGS: dict[str, Any] = {"channels": (3, 4), "code_size": 5, "n_epochs": 2, "random_state": 0}


def images(*shape: int) -> NDArray[np.float32]:
    """Images with something to learn."""
    x, y = np.meshgrid(np.arange(shape[2]), np.arange(shape[1]))
    wave = np.sin(x + y)[np.newaxis] * np.linspace(-1, 1, shape[0])[:, np.newaxis, np.newaxis]
    rows = wave.reshape(*shape[:3], *[1] * (len(shape) - 3)) * np.ones(shape)
    return (0.5 + 0.4 * rows).astype(np.float32)


@pytest.mark.parametrize("shape", [(30, 9, 8), (30, 9, 8, 1), (20, 7, 6, 3), (20, 28, 28)])
@pytest.mark.parametrize("code_size", [5, None])
def test_what_comes_out_has_the_shape_of_what_went_in(
    shape: tuple[int, ...], code_size: int | None
) -> None:
    X = images(*shape)
    model = ConvAutoencoder(**{**SETTINGS, "code_size": code_size}).fit(X)
    flat = X.reshape(len(X), -1)
    codes = model.transform(X)
    assert codes.shape == (len(X), model.network_.layer_sizes[model.network_.code_layer + 1])
    assert model.image_shape_ == (*shape[1:], 1)[:3]
    assert model.sample_shape_ == shape[1:]
    assert model.reconstruct(X).shape == model.inverse_transform(codes).shape == X.shape
    assert model.reconstruct(flat).shape == flat.shape
    np.testing.assert_array_equal(model.transform(flat), codes)
    np.testing.assert_array_equal(model.reconstruct(X).reshape(flat.shape), model.reconstruct(flat))
    assert model.score_samples(X).shape == (len(X),)
    assert model.get_feature_names_out().shape == (codes.shape[1],)


def test_images_and_flat_rows_learn_the_same() -> None:
    X = images(40, 8, 6)
    flat = X.reshape(40, -1)
    model = ConvAutoencoder(**SETTINGS).fit(X)
    for rows in (flat, (flat * 255).astype(np.uint8)[:, ::1], np.asfortranarray(flat)):
        scale = 1 / 255 if rows.dtype == np.uint8 else 1.0
        other = ConvAutoencoder(image_shape=(8, 6), input_scale=scale, **SETTINGS).fit(rows)
        assert other.sample_shape_ == (48,)
        assert same_bits(model.network_, other.network_) == (rows.dtype != np.uint8)
        assert other.inverse_transform(other.transform(rows)).shape == rows.shape
    bits = [ConvAutoencoder(n_threads=n, **SETTINGS).fit(X).network_ for n in (1, 2, 3)]
    assert all(same_bits(model.network_, each) for each in bits)


def test_rows_without_a_shape_are_one_pixel_high() -> None:
    X = images(30, 1, 11).reshape(30, 11)
    model = ConvAutoencoder(**SETTINGS).fit(X)
    assert model.image_shape_ == (1, 11, 1)
    assert model.network_.layers[0].kernel_size == (1, 3)
    assert model.inverse_transform(model.transform(X)).shape == X.shape


def test_learning_goes_on_as_everywhere(tmp_path: Path) -> None:
    X = images(50, 9, 8)
    whole = ConvAutoencoder(**{**SETTINGS, "n_epochs": 3, "shuffle": False}).fit(X)
    parts = ConvAutoencoder(**SETTINGS)
    for _ in range(3):
        parts.partial_fit(X)
    assert same_bits(whole.network_, parts.network_)
    path = tmp_path / "conv.safetensors"
    parts.save(path)
    again = aecore.load(path)
    assert type(again) is ConvAutoencoder
    for other in (again, pickle.loads(pickle.dumps(parts)), copy.deepcopy(parts)):
        assert (other.sample_shape_, other.image_shape_) == ((9, 8), (9, 8, 1))
        np.testing.assert_array_equal(other.reconstruct(X), parts.reconstruct(X))
        other.partial_fit(X)
        expected = copy.deepcopy(parts).partial_fit(X)
        assert same_bits(other.network_, expected.network_)


def test_a_checkpoint_goes_on(tmp_path: Path) -> None:
    X = images(50, 9, 8)
    path = tmp_path / "checkpoint.safetensors"
    full = ConvAutoencoder(**{**SETTINGS, "n_epochs": 4}).fit(X)
    ConvAutoencoder(**SETTINGS).fit(X, checkpoint=aecore.Checkpoint(path, every_epochs=1))
    resumed = ConvAutoencoder(**{**SETTINGS, "n_epochs": 4}).fit(X, resume_from=path)
    assert same_bits(full.network_, resumed.network_)


def test_targets_validation_and_lbfgs() -> None:
    X = images(40, 9, 8)
    model = ConvAutoencoder(**{**SETTINGS, "optimizer": "lbfgs", "n_epochs": 4, "noise": "masking"})
    model.fit(X, target=X**2, validation_data=(X[:5], X[:5] ** 2))
    assert model.history_["loss"][-1] < model.history_["loss"][0]
    assert model.score(X, target=X**2) < 0
    assert len(model.history_["validation_loss"]) == len(model.history_["loss"])


@pytest.mark.parametrize(
    ("parameters", "shape", "text"),
    [
        (
            {"kernel_size": 9},
            (10, 8, 9),
            "kernel_size must be at most 8 x 9, the image that",
        ),
        (
            {"kernel_size": 5},
            (10, 8, 9),
            "at most 4 x 5, the image that layer 1 reads, whose channels come last; got",
        ),
        ({"stride": 4}, (10, 8, 9), r"stride must be at most kernel_size, \(3, 3\), or there are"),
        ({"image_shape": (9, 8)}, (10, 8, 9), r"images of shape \(9, 8, 1\); got \(8, 9, 1\)"),
        ({"image_shape": (9, 8)}, (10, 70), "X must have 72 numbers in a row, as image_shape"),
        ({"image_shape": (9,)}, (10, 9), "image_shape must be None, "),
        ({"channels": (3, 0)}, (10, 9, 8), "channels must be an integer >= 1 or a sequence"),
        ({"code_size": 0}, (10, 9, 8), "code_size must be "),
        (
            {"output_activation": "softmax", "loss": "multinomial"},
            (10, 9, 8),
            "output_activation must be another one than 'softmax' where the output is an image",
        ),
    ],
)
def test_bad_parameters_say_what_is_wrong(
    parameters: dict[str, Any], shape: tuple[int, ...], text: str
) -> None:
    model = ConvAutoencoder(**{**SETTINGS, **parameters})
    with pytest.raises(ValueError, match=text):
        model.fit(np.ones(shape))
    assert not hasattr(model, "network_")


def test_bad_images_say_what_is_wrong() -> None:
    X = images(20, 9, 8)
    model = ConvAutoencoder(**SETTINGS).fit(X)
    with pytest.raises(ValueError, match=r"X must have images of shape \(9, 8, 1\), as in fit"):
        model.transform(X[:, :8])
    with pytest.raises(ValueError, match=r"as in fit; got \(9, 8, 3\)"):
        model.reconstruct(np.ones((4, 9, 8, 3)))
    with pytest.raises(ValueError, match=r"target must have images of shape \(9, 8, 1\)"):
        model.fit(X, target=X[:, :, :4])
    broken = X.copy()
    broken[3, 8, 7] = np.inf
    with pytest.raises(ValueError, match="X contains infinity"):
        model.transform(broken)
    with pytest.raises(ValueError, match="X contains infinity"):
        ConvAutoencoder(**SETTINGS).fit(broken)
    with pytest.raises(ValueError, match="must be dense where the first layer convolves"):
        ConvAutoencoder(**SETTINGS).fit(csr_array(X.reshape(20, -1)))


def test_a_network_of_layers_infers_its_shapes() -> None:
    layers = [
        Conv2D(16, 3, stride=2, activation="relu"),
        Conv2D(32, 3, stride=2, activation="relu"),
        Flatten(),
        Dense(32),
        Dense(7 * 7 * 32, "relu"),
        Reshape((7, 7, 32)),
        ConvTranspose2D(16, 3, stride=2, activation="relu"),
        ConvTranspose2D(1, 3, stride=2, activation="sigmoid"),
    ]
    net = Network((28, 28, 1), layers, random_state=0)
    assert net.layer_sizes == [784, 3136, 1568, 32, 1568, 3136, 784]
    assert net.summary().splitlines() == [
        "layer                    output shape  parameters",
        "input                    (28, 28, 1)            0",
        "Conv2D relu              (14, 14, 16)         160",
        "Conv2D relu              (7, 7, 32)         4,640",
        "Dense identity           (32,)             50,208",
        "Dense relu               (1568,)           51,744",
        "ConvTranspose2D relu     (14, 14, 16)       4,624",
        "ConvTranspose2D sigmoid  (28, 28, 1)          145",
        "total                                     111,521",
    ]
    assert [W.shape for W in net.weights][:3] == [(3, 3, 1, 16), (3, 3, 16, 32), (1568, 32)]
    x = np.random.default_rng(0).random(784, dtype=np.float32)
    np.testing.assert_array_equal(net.decoder.encode(net.encoder.encode(x)), net.reconstruct(x))
    assert net.layers == Network(784, net.layers).layers


def test_images_may_have_a_gaussian_code() -> None:
    layers = [
        Conv2D(4, 3, stride=2, activation="relu"),
        Gaussian(3),
        Dense(5 * 4 * 4, "relu"),
        ConvTranspose2D(1, 3, stride=2, input_shape=(5, 4, 4), output_size=(9, 8)),
    ]
    net = Network((9, 8, 1), layers, dtype="float64", random_state=0)
    X = images(6, 9, 8).reshape(6, -1)
    value, gradient = net.objective_and_gradient(X, beta=0.5, seed=3)
    step = 1e-6 * gradient / np.linalg.norm(gradient)
    values = [
        net.with_parameters(net.parameters + sign * step).objective(X, beta=0.5, seed=3)
        for sign in (1, -1)
    ]
    assert (values[0] - values[1]) / 2e-6 == pytest.approx(np.linalg.norm(gradient), rel=1e-5)
    assert np.isfinite(value)


@pytest.mark.parametrize(
    ("shape", "layers", "text"),
    [
        ((6, 6), [Conv2D(2)], r"layer 0 must read an image \(height, width, channels\)"),
        ((6, 6, 1), [Dense(5), Conv2D(2)], r"layer 1 must read an image .* got \(5,\)"),
        ((6, 6, 1), [Reshape((5, 5, 1)), Dense(2)], r"layer 0 must read \(6, 6, 1\)"),
        (
            (6, 6, 1),
            [Conv2D(2, 7, padding="valid")],
            "kernel_size must be at most the image's",
        ),
        ((6, 6, 1), [Conv2D(2, 3, padding=3)], r"padding must be in \[0, 2\], below kernel_size"),
        (
            (14, 14, 2),
            [ConvTranspose2D(1, 3, 2, output_size=(30, 28))],
            "take to 14 x 14; got 30 x 28, which they take to 15 x 14",
        ),
        ((6, 6, 1), [Flatten()], "layers must have one that computes"),
    ],
)
def test_shapes_that_do_not_fit_are_named(shape: Any, layers: list[Any], text: str) -> None:
    with pytest.raises(ValueError, match=text):
        Network(shape, layers)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: Conv2D(0), "n_channels must be an integer from 1"),
        (lambda: Conv2D(2, (3, 3, 3)), "kernel_size must be an integer >= 1 or a pair"),
        (lambda: Conv2D(2, stride=0), "stride must be an integer >= 1 or a pair"),
        (lambda: Conv2D(2, padding="full"), "padding must be 'same', 'valid' or an integer"),
        (lambda: Conv2D(2, activation="softmax"), "activation must be another one than 'softmax'"),
        (lambda: Reshape((3, 3)), "input_shape must be None or"),
    ],
)
def test_fields_of_layers_are_checked(make: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        make()


def test_serving_refuses_what_it_cannot_serve() -> None:
    from aecore.serving import Model

    net = Network((6, 6, 1), [Conv2D(2), ConvTranspose2D(1)], random_state=0)
    with pytest.raises(ValueError, match="without layers that convolve to be served row by row"):
        Model(net)


VARIATIONAL: dict[str, Any] = {
    **SETTINGS,
    "variational": True,
    "loss": "binary_cross_entropy",
    "output_activation": "sigmoid",
}


def test_images_can_be_drawn(tmp_path: Path) -> None:
    X = images(40, 9, 8)
    model = ConvAutoencoder(**VARIATIONAL).fit(X)
    assert model.sample(3, random_state=0).shape == (3, 9, 8)
    assert model.interpolate(X[0], X[1], 4).shape == (4, 9, 8)
    mean, std = model.transform(X, return_std=True)
    np.testing.assert_array_equal(mean, model.transform(X))
    assert np.all(std > 0)
    ends = model.interpolate(X[0], X[1], 2)
    np.testing.assert_allclose(ends, model.reconstruct(X[:2]), rtol=1e-5)
    flat = X.reshape(40, -1)
    for one in (X, flat):
        np.testing.assert_array_equal(
            model.elbo(one, random_state=0), model.elbo(X, random_state=0)
        )
    likely = model.log_likelihood(X, n_samples=50, random_state=0)
    assert likely.mean() >= model.elbo(X, n_samples=50, random_state=0).mean()
    path = tmp_path / "conv.safetensors"
    model.save(path)
    loaded = aecore.load(path)
    assert loaded.variational
    np.testing.assert_array_equal(loaded.elbo(X, random_state=0), model.elbo(X, random_state=0))
    bits = [ConvAutoencoder(n_threads=n, **VARIATIONAL).fit(X).network_ for n in (1, 2, 3)]
    assert all(same_bits(bits[0], each) for each in bits)


def test_nothing_is_drawn_from_a_code_that_is_no_distribution() -> None:
    X = images(20, 9, 8)
    model = ConvAutoencoder(**SETTINGS).fit(X)
    for name in ("sample", "generate", "interpolate", "elbo", "log_likelihood"):
        assert not hasattr(model, name)
    with pytest.raises(AttributeError, match="variational=True only"):
        model.transform(X, return_std=True)


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"loss": "huber"}, "loss must be 'binary_cross_entropy' or 'squared_error' with"),
        ({"code_size": None}, "code_size must be a number of units with variational; got None"),
        ({"code_activation": "tanh"}, "code_activation must be 'identity' with variational"),
        ({"sparsity_weight": 1.0}, "sparsity_weight must be 0"),
        ({"code_top_k": 2}, "code_top_k must be"),
        ({"trim_fraction": 0.2}, "trim_fraction must be 0 with a Gaussian code"),
        ({"optimizer": "lbfgs"}, "optimizer must be one of"),
        ({"variational": "yes"}, "variational must be"),
        ({"beta": -1.0}, "beta must be"),
    ],
)
def test_what_a_drawn_code_has_not(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        ConvAutoencoder(**{**VARIATIONAL, **changed}).fit(images(20, 9, 8))
