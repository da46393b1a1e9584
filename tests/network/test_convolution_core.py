"""Layers that convolve in the core against `aecore.reference`, in float64, and their bits."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import reference
from core_options import core_objective
from helpers import run_function
from terms import DROPOUT, chosen, together

THREADS = (1, 2, 3, 7)
# Image, channels of the code, kernel, stride, padding, rows of the batch.
GEOMETRIES: tuple[tuple[tuple[int, int, int], int, Any, Any, Any, int], ...] = (
    ((1, 1, 1), 1, 1, 1, "same", 1),
    ((5, 4, 1), 3, 3, 1, "same", 3),
    ((7, 9, 2), 16, 3, 2, "same", 17),
    ((6, 6, 16), 32, 3, 2, "same", 33),
    ((28, 28, 1), 16, 3, 2, "same", 5),
    ((8, 7, 3), 40, 5, 3, 1, 13),
    ((5, 6, 17), 20, 2, 2, "valid", 70),
    ((4, 5, 40), 8, (3, 2), (1, 2), "same", 14),
    ((9, 9, 5), 5, 4, 3, "same", 31),
    ((6, 7, 33), 33, 1, 3, "valid", 8),
    ((3, 40, 1), 1, (2, 5), (1, 3), "same", 15),
    ((11, 3, 7), 24, (5, 3), (3, 1), 2, 65),
    ((4, 4, 64), 48, 3, 1, "same", 29),
)


def networks(index: int) -> tuple[list[int], list[str], list[Any], int]:
    """A mirrored network around one convolution: layer sizes, activations, kinds, rows."""
    image, channels, kernel, stride, padding, n_rows = GEOMETRIES[index]
    conv = reference.convolution_of(image, channels, kernel=kernel, stride=stride, padding=padding)
    back = conv._replace(transposed=True)
    n_image, n_code = math.prod(conv.image), math.prod(conv.code)
    sizes = [n_image, n_code, 6, n_code, n_image]
    return sizes, ["tanh", "silu", "sigmoid", "identity"], [conv, None, None, back], n_rows


def evaluate(
    network: Any,
    parameters: NDArray[Any],
    X: NDArray[Any],
    options: dict[str, Any],
    n_threads: int,
    epoch: int = 0,
) -> tuple[float, NDArray[Any]]:
    """J and its gradient by the core."""
    from aecore import _core

    gradient = np.full(network.n_parameters + 64, np.nan, parameters.dtype)[:-64]
    parts = network.evaluate(
        parameters,
        _core.Data(X),
        core_objective(**options),
        gradient=gradient,
        n_threads=n_threads,
        epoch=epoch,
    )
    return sum(parts.values()), gradient


def block_difference(
    index: int, dtype: str = "float64", rows: int | None = None, **options: Any
) -> float:
    """Largest relative difference of J and of each block of its gradient to the reference."""
    from aecore import _core

    sizes, activations, kinds, n_rows = networks(index)
    n_rows = rows or n_rows
    network = _core.Network(sizes, activations, code_layer=1, convolutions=kinds)
    rng = np.random.default_rng(index)
    parameters = rng.uniform(-1, 1, network.n_parameters)
    for W, _ in reference.unpack(sizes, parameters, convolutions=kinds):
        W[:] = W * (1.5 / math.sqrt(math.prod(W.shape[:-1])))
    parameters = parameters.astype(dtype)
    X = rng.random((n_rows, sizes[0]))
    expected_j, expected = reference.objective_and_gradient(
        sizes, activations, parameters, X, convolutions=kinds, **options
    )
    options.pop("epoch", None)
    epoch = 2 if "dropout" in options else 0
    worst = 0.0
    first = None
    for n_threads in THREADS:
        j, gradient = evaluate(
            network, parameters, X, options | {"code_layer": 1}, n_threads, epoch
        )
        first = gradient if first is None else first
        assert np.array_equal(first, gradient), n_threads
        worst = max(worst, abs(j - expected_j) / abs(expected_j))
        pairs = zip(
            reference.unpack(sizes, expected, convolutions=kinds),
            reference.unpack(sizes, gradient, convolutions=kinds),
            strict=True,
        )
        for exact_pair, pair in pairs:
            for exact, block in zip(exact_pair, pair, strict=True):
                worst = max(worst, float(np.abs(block - exact).max() / np.abs(exact).max()))
    return worst


def every_geometry(dtype: str) -> float:
    """Worst difference over all geometries."""
    return max(block_difference(index, dtype) for index in range(len(GEOMETRIES)))


def every_option() -> float:
    """Worst difference with every term of J that convolutions allow."""
    options: dict[str, Any] = {
        **together(*chosen(convolves=True)),
        **DROPOUT,
        "epoch": 2,
        "sparsity_layers": [0, 2],
        "noise": "gaussian",
        "noise_level": 0.3,
        "noise_emphasis": 1.5,
    }
    return max(block_difference(index, **options) for index in (2, 5, 8))


def forward_of_parts() -> list[str]:
    """What goes wrong when rows run alone, by layers, or as float32 and uint8."""
    from aecore import _core

    wrong = []
    for index in range(len(GEOMETRIES)):
        sizes, activations, kinds, n_rows = networks(index)
        network = _core.Network(sizes, activations, code_layer=1, convolutions=kinds)
        for dtype in ("float32", "float64"):
            rng = np.random.default_rng(index)
            parameters = rng.normal(size=network.n_parameters).astype(dtype) * 0.3
            X = rng.integers(0, 256, (n_rows, sizes[0])).astype(np.uint8)
            entry = _core.Input(input_scale=1 / 255)
            together = np.empty((n_rows, sizes[4]), dtype)
            network.forward(
                parameters, X, together, first_layer=0, last_layer=4, entry=entry, n_threads=3
            )
            expected = reference.reconstruct(
                sizes, activations, parameters, X, input_scale=1 / 255, convolutions=kinds
            )
            if np.abs(together - expected).max() > (1e-12 if dtype == "float64" else 2e-5):
                wrong.append(f"{index} {dtype}: far from the reference")
            alone = np.empty((1, sizes[4]), dtype)
            for row in {0, n_rows // 2, n_rows - 1}:
                network.forward(
                    parameters,
                    X[row : row + 1],
                    alone,
                    first_layer=0,
                    last_layer=4,
                    entry=entry,
                    n_threads=1,
                )
                if not np.array_equal(alone[0], together[row]):
                    wrong.append(f"{index} {dtype}: row {row} alone")
            code, by_parts = np.empty((n_rows, 6), dtype), np.empty_like(together)
            network.forward(
                parameters, X, code, first_layer=0, last_layer=2, entry=entry, n_threads=2
            )
            network.forward(parameters, code, by_parts, first_layer=2, last_layer=4, n_threads=1)
            if not np.array_equal(by_parts, together):
                wrong.append(f"{index} {dtype}: by parts")
    return wrong


def test_core_equals_reference_for_every_geometry(isa: str) -> None:
    assert run_function(every_geometry, "float64", isa=isa) < 1e-10


def test_float32_stays_within_its_rounding(isa: str) -> None:
    assert run_function(every_geometry, "float32", isa=isa) < 2e-5


def test_core_equals_reference_with_every_option(isa: str) -> None:
    assert run_function(every_option, isa=isa) < 1e-10


def test_rows_in_several_chunks_give_the_same_objective() -> None:
    # 256 rows of the digits' network are in scratch together.
    assert run_function(block_difference, 4, "float64", 600) < 1e-10


def test_rows_have_the_same_bits_alone_and_together(isa: str) -> None:
    assert run_function(forward_of_parts, isa=isa) == []


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"kernel": (0, 3)}, "convolutions must have kernels of at least 1 x 1"),
        ({"stride": (0, 2)}, "windows that begin within the image"),
        ({"padding": (3, 0)}, "windows that begin within the image"),
        ({"code": (4, 4, 8)}, "images of the layer's sizes; got 4 x 4 x 8 for 72"),
        ({"image": (5, 5, 0)}, "images of the layer's sizes; got 5 x 5 x 0 for 25"),
    ],
)
def test_geometry_that_does_not_fit_is_refused(change: dict[str, Any], text: str) -> None:
    from aecore import _core

    conv = reference.convolution_of((5, 5, 1), 8, kernel=3, stride=2)._replace(**change)
    with pytest.raises(ValueError, match=text):
        _core.Network([25, 72], ["relu"], convolutions=[conv])


def test_what_convolutions_cannot_do_is_refused() -> None:
    from aecore import _core

    conv = reference.convolution_of((5, 5, 1), 8, kernel=3, stride=2)
    kinds = [conv, conv._replace(transposed=True)]
    with pytest.raises(ValueError, match="tied_weights must be False where a layer convolves"):
        _core.Network([25, 72, 25], ["relu", "relu"], tied_weights=True, convolutions=kinds)
    with pytest.raises(ValueError, match=r"one entry per layer \(2\); got 1"):
        _core.Network([25, 72, 25], ["relu", "relu"], convolutions=kinds[:1])
    network = _core.Network([25, 72, 25], ["relu", "relu"], code_layer=0, convolutions=kinds)
    options = {"contractive_weight": 0.1, "code_layer": 0}
    with pytest.raises(ValueError, match="contractive_weight must be 0 where a layer"):
        evaluate(network, np.zeros(network.n_parameters), np.zeros((2, 25)), options, 1)
