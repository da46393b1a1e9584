"""The oracle's convolutions: worked examples, adjoints, central differences."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from aecore import reference
from differences import central_differences

GEOMETRIES = [
    ((5, 7), kernel, stride, padding)
    for kernel, stride, padding in itertools.product(
        (1, 2, 3, (5, 2)), (1, 2, 3, (1, 2)), ("same", "valid", 1)
    )
    if padding != 1 or kernel not in (1, (5, 2))
]


def test_a_window_of_ones_adds_its_neighbours() -> None:
    image = np.arange(9.0).reshape(1, 3, 3, 1)
    summed = reference.conv2d(image, np.ones((3, 3, 1, 1)))
    assert summed[0, :, :, 0].tolist() == [[8, 15, 12], [21, 36, 27], [20, 33, 24]]
    strided = reference.conv2d(image, np.ones((2, 2, 1, 1)), stride=2, padding="valid")
    assert strided.ravel().tolist() == [0 + 1 + 3 + 4]


def test_channels_are_multiplied_by_the_matrix_of_their_tap() -> None:
    rng = np.random.default_rng(0)
    x, W = rng.normal(size=(2, 4, 4, 3)), rng.normal(size=(2, 2, 3, 5))
    y = reference.conv2d(x, W, padding="valid")
    expected = sum(x[:, 1 + u, 2 + v] @ W[u, v] for u in (0, 1) for v in (0, 1))
    np.testing.assert_allclose(y[:, 1, 2], expected, rtol=1e-14)


@pytest.mark.parametrize(("size", "kernel", "stride", "padding"), GEOMETRIES)
def test_the_transposed_convolution_is_the_adjoint(
    size: tuple[int, int], kernel: Any, stride: Any, padding: Any
) -> None:
    rng = np.random.default_rng(1)
    k = (kernel, kernel) if isinstance(kernel, int) else kernel
    W = rng.normal(size=(*k, 3, 4))
    x = rng.normal(size=(2, *size, 3))
    how = {"stride": stride, "padding": padding}
    y = rng.normal(size=reference.conv2d(x, W, **how).shape)
    back = reference.conv_transpose2d(y, W, output_size=size, **how)
    assert np.vdot(reference.conv2d(x, W, **how), y) == pytest.approx(np.vdot(x, back), rel=1e-12)


@pytest.mark.parametrize("transposed", [False, True])
@pytest.mark.parametrize(("kernel", "stride", "padding"), [(3, 2, "same"), (2, 3, 1), (2, 1, 0)])
def test_gradients_are_central_differences(
    transposed: bool, kernel: int, stride: int, padding: Any
) -> None:
    rng = np.random.default_rng(2)
    image, how = (2, 5, 4, 2), {"stride": stride, "padding": padding}
    W = rng.normal(size=(kernel, kernel, 2, 3))
    code = reference.conv2d(np.zeros(image), W, **how).shape
    x, delta = rng.normal(size=image), rng.normal(size=code)
    function, derivatives = reference.conv2d, reference.conv2d_gradient
    if transposed:
        x, delta = delta, x
        how["output_size"] = image[1:3]
        function, derivatives = reference.conv_transpose2d, reference.conv_transpose2d_gradient
    by_x, by_W = derivatives(x, W, delta, **how)
    numeric_x = central_differences(
        lambda v: float(np.vdot(function(v.reshape(x.shape), W, **how), delta)), x.ravel()
    )
    numeric_W = central_differences(
        lambda v: float(np.vdot(function(x, v.reshape(W.shape), **how), delta)), W.ravel()
    )
    np.testing.assert_allclose(by_x.ravel(), numeric_x, atol=1e-9)
    np.testing.assert_allclose(by_W.ravel(), numeric_W, atol=1e-9)


def test_a_network_that_convolves_has_the_gradient_of_its_objective() -> None:
    conv = reference.convolution_of((5, 4, 1), 2, kernel=3, stride=2)
    back = reference.transpose_of(conv.code, 1, kernel=3, stride=2, output_size=(5, 4))
    sizes, activations = [20, 12, 7, 12, 20], ["sigmoid", "tanh", "silu", "identity"]
    settings: dict[str, Any] = {"convolutions": [conv, None, None, back]}
    rng = np.random.default_rng(3)
    start = reference.initial_parameters(sizes, activations, seed=5, **settings)
    assert start.size == (9 * 2 + 2) + (12 * 7 + 7) + (7 * 12 + 12) + (9 * 2 + 1)
    parameters = start + rng.normal(size=start.size) * 0.2
    X = rng.normal(size=(3, 20))
    settings |= {"weight_decay": 0.1, "dropout": 0.25, "sparsity_weight": 0.2, "weight_l1": 0.01}
    _, gradient = reference.objective_and_gradient(sizes, activations, parameters, X, **settings)
    numeric = central_differences(
        lambda v: reference.objective(sizes, activations, v, X, **settings), parameters
    )
    np.testing.assert_allclose(gradient, numeric, atol=1e-8 * np.abs(numeric).max())


@pytest.mark.parametrize(
    ("n", "kernel", "stride", "padding", "expected"),
    [
        (28, 3, 2, "same", (14, 0)),
        (7, 3, 1, "same", (7, 1)),
        (7, 3, 2, "same", (4, 1)),
        (28, 3, 2, 1, (14, 1)),
        (28, 5, 3, "valid", (8, 0)),
        (5, 1, 3, "same", (2, 0)),
    ],
)
def test_lengths_and_zeros(
    n: int, kernel: int, stride: int, padding: Any, expected: tuple[int, int]
) -> None:
    c = reference.convolution_of((n, n, 1), 1, kernel=kernel, stride=stride, padding=padding)
    assert (c.code[0], c.padding[0]) == expected


def test_by_default_stride_two_comes_back_to_the_image() -> None:
    for n in (28, 14):
        c = reference.convolution_of((n, n, 3), 8, kernel=3, stride=2)
        assert reference.transpose_of(c.code, 3, kernel=3, stride=2).image == (n, n, 3)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (
            lambda: reference.convolution_of((4, 9, 1), 1, kernel=5, padding="valid"),
            "kernel_size must be at most the image's size, 4 x 9, with padding 'valid'; got 5 x 5",
        ),
        (
            lambda: reference.convolution_of((4, 9, 1), 1, kernel=3, padding=3),
            r"padding must be in \[0, 2\], below kernel_size; got 3",
        ),
        (
            lambda: reference.transpose_of(
                (14, 14, 1), 1, kernel=3, stride=2, output_size=(30, 28)
            ),
            "take to 14 x 14; got 30 x 28, which they take to 15 x 14",
        ),
    ],
)
def test_what_does_not_fit_is_an_error(build: Any, text: str) -> None:
    with pytest.raises(ValueError, match=text):
        build()
