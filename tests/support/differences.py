"""Gradients of the oracle by central differences, and parameters around which J is smooth."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import reference

Vector = NDArray[np.float64]

PIECEWISE = ("relu", "leaky_relu", "elu")  # kinks, or a jump of the second derivative, at z = 0


def central_differences(f: Callable[[Vector], float], at: Vector) -> Vector:
    """Central differences of fourth order.

    With h = 1e-3 the truncation, h^4 f'''''/30, and the rounding, 1e-16/h, are far below 1e-7.
    """
    h = 1e-3
    gradient = np.empty_like(at)
    for i in range(at.size):
        step = np.zeros_like(at)
        step[i] = h
        near = f(at + step) - f(at - step)
        far = f(at + 2 * step) - f(at - 2 * step)
        gradient[i] = (8 * near - far) / (12 * h)
    return gradient


def blocks(sizes: list[int], vector: Vector, *, tied_weights: bool = False) -> list[Vector]:
    """W1, b1, W2, b2, ... of a flat vector; with tied weights W1, b1, ... and the decoder's b."""
    pairs = reference.unpack(sizes, vector, tied_weights=tied_weights)
    n_own = len(pairs) // 2 if tied_weights else len(pairs)
    own = [block for pair in pairs[:n_own] for block in pair]
    return own + [b for _, b in pairs[n_own:]]


def n_parameters(sizes: list[int], *, tied_weights: bool = False) -> int:
    widths = [a * b for a, b in pairwise(sizes)]
    return sum(widths[: len(widths) // 2] if tied_weights else widths) + sum(sizes[1:])


def check_gradient(
    sizes: list[int],
    activations: list[str],
    parameters: Vector,
    X: Vector,
    **settings: Any,
) -> Vector:
    """Hold every block of the gradient against central differences of J, and return it."""

    def objective(vector: Vector) -> float:
        return reference.objective(sizes, activations, vector, X, **settings)

    value, gradient = reference.objective_and_gradient(
        sizes, activations, parameters, X, **settings
    )
    assert value == objective(parameters)
    assert gradient.shape == parameters.shape
    numeric = central_differences(objective, parameters)
    tied = settings.get("tied_weights", False)
    for exact, approximate in zip(
        blocks(sizes, gradient, tied_weights=tied),
        blocks(sizes, numeric, tied_weights=tied),
        strict=True,
    ):
        assert np.abs(exact).max() > 0.0
        assert np.abs(exact - approximate).max() <= 1e-7 * np.abs(exact).max()
    return gradient


def draw(sizes: list[int], rng: np.random.Generator, *, tied_weights: bool = False) -> Vector:
    """Parameters of size 0.05 to 1: none is near 0, where |W| has its kink."""
    n = n_parameters(sizes, tied_weights=tied_weights)
    return rng.uniform(0.05, 1.0, n) * rng.choice([-1.0, 1.0], n)


def is_clipped(loss: str, output: str) -> bool:
    """Whether the loss has a logarithm of an output that is clipped."""
    if loss == "poisson":
        return output not in ("sigmoid", "softplus")
    return loss == "binary_cross_entropy" and output != "sigmoid"


def place_outputs(
    sizes: list[int], output: str, parameters: Vector, rng: np.random.Generator
) -> None:
    """Move most outputs well inside (0, 1), where the logarithm is smooth.

    The first is clipped at 0 and the second at 1 where the activation reaches them.
    """
    W, b = reference.unpack(sizes, parameters)[-1]
    W *= 0.1
    grid = np.linspace(-0.5, 3.0, 100)  # every activation rises here
    values = reference.forward([1, 1], [output], [1.0, 0.0], grid[:, np.newaxis])[1][-1][:, 0]
    b[:] = np.interp(rng.uniform(0.4, 0.6, b.size), values, grid)
    b[0] = -1.0
    if output != "tanh":
        b[1] = 2.0


def is_smooth(
    sizes: list[int], activations: list[str], loss: str, parameters: Vector, X: Vector
) -> bool:
    """Whether J has all its derivatives around these parameters, some 0.01 wide."""
    z, h = reference.forward(sizes, activations, parameters, X)
    smooth = all(
        np.abs(z[i]).min() > 0.01 and h[i + 1].max() > 0.1
        for i, name in enumerate(activations)
        if name in PIECEWISE
    )
    hidden = all(np.abs(values).min() > 0.01 for values in h[1:-1])  # the kink of |h|
    if is_clipped(loss, activations[-1]):
        inside = (h[-1] > 0.2) & ((h[-1] < 0.8) | (h[-1] > 1.1))
        smooth = smooth and bool(np.all(inside | (h[-1] < -0.01) | (z[-1] < -0.1)))
    error = np.abs(h[-1] - X)
    if loss == "absolute_error":
        smooth = smooth and error.min() > 0.01
    if loss == "huber":
        smooth = smooth and np.abs(error - 1.0).min() > 0.01
    return smooth and (hidden or "relu" in activations[:-1])


def away_from_kinks(
    sizes: list[int], activations: list[str], loss: str, X: Vector, rng: np.random.Generator
) -> Vector:
    """Parameters around which J is smooth and every relu layer is alive."""
    for _ in range(10_000):
        parameters = draw(sizes, rng)
        if is_clipped(loss, activations[-1]):
            place_outputs(sizes, activations[-1], parameters, rng)
        if is_smooth(sizes, activations, loss, parameters, X):
            return parameters
    raise AssertionError("no parameters away from the kinks were found")
