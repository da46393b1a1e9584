"""Layers: a = f(x W + b), the four activations f and their derivatives, the flat weight vector."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

Matrix = NDArray[np.float64]

ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu")


def activate(name: str, z: Matrix) -> Matrix:
    """f(z), element by element."""
    if name == "identity":
        return z
    if name == "sigmoid":
        # exp of a negative number only: 1/(1 + e^-z) for z >= 0 and e^z/(1 + e^z) below.
        e = np.exp(-np.abs(z))
        return np.asarray(np.where(z >= 0, 1.0, e) / (1.0 + e))
    if name == "tanh":
        return np.tanh(z)
    return np.maximum(z, 0.0)


def activation_derivative(name: str, a: Matrix) -> Matrix:
    """f'(z), written in a = f(z); relu'(0) is 0."""
    if name == "identity":
        return np.ones_like(a)
    if name == "sigmoid":
        return a * (1.0 - a)
    if name == "tanh":
        return 1.0 - a * a
    return (a > 0.0).astype(np.float64)


def check_network(layer_sizes: Sequence[int], activations: Sequence[str]) -> None:
    """Raise ValueError unless there is one known activation per weight matrix."""
    if len(layer_sizes) < 2 or min(layer_sizes) < 1:
        raise ValueError(
            f"layer_sizes must hold two or more positive integers; got {list(layer_sizes)}"
        )
    if len(activations) != len(layer_sizes) - 1:
        raise ValueError(
            f"activations must name one activation for each of the {len(layer_sizes) - 1} layers; "
            f"got {list(activations)}"
        )
    for name in activations:
        if name not in ACTIVATIONS:
            raise ValueError(f"activations must be among {', '.join(ACTIVATIONS)}; got {name!r}")


def unpack(layer_sizes: Sequence[int], parameters: ArrayLike) -> list[tuple[Matrix, Matrix]]:
    """The pairs (W, b) of each layer, as views of the flat vector where it is float64.

    Parameters
    ----------
    layer_sizes : sequence of int
        n_in, n_1, ..., n_out.
    parameters : array_like of shape (n_parameters,)
        W1 (n_in x n_1, C order), b1, W2, b2, ...

    Returns
    -------
    list of (W, b)
        W float64 of shape (n_{l-1}, n_l), b of shape (n_l,).

    Raises
    ------
    ValueError
        If `parameters` does not have the length that `layer_sizes` asks for.
    """
    vector = np.asarray(parameters, dtype=np.float64)
    pairs = list(pairwise(layer_sizes))
    n_parameters = sum(n_in * n_out + n_out for n_in, n_out in pairs)
    if vector.shape != (n_parameters,):
        raise ValueError(f"parameters must have shape ({n_parameters},); got {vector.shape}")
    layers = []
    at = 0
    for n_in, n_out in pairs:
        W = vector[at : at + n_in * n_out].reshape(n_in, n_out)
        b = vector[at + n_in * n_out : at + n_in * n_out + n_out]
        layers.append((W, b))
        at += n_in * n_out + n_out
    return layers


def forward(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    input_scale: float = 1.0,
) -> tuple[list[Matrix], list[Matrix]]:
    """All layers applied to the rows of X.

    Parameters
    ----------
    layer_sizes : sequence of int
        n_in, n_1, ..., n_out.
    activations : sequence of {"identity", "sigmoid", "tanh", "relu"}
        One per layer.
    parameters : array_like of shape (n_parameters,)
        See `unpack`.
    X : array_like of shape (n_samples, n_in)
        Rows, of any real dtype.
    input_scale : float, default 1.0
        Factor on X.

    Returns
    -------
    z : list of ndarray
        Pre-activations z_l = a_{l-1} W_l + b_l, float64 of shape (n_samples, n_l).
    a : list of ndarray
        The scaled input, then a_l = f_l(z_l): one longer than `z`; the last one is x_hat.

    Raises
    ------
    ValueError
        For an unknown activation, a wrong number of parameters, or X of the wrong shape.
    """
    check_network(layer_sizes, activations)
    rows = np.asarray(X, dtype=np.float64)
    if rows.ndim != 2 or rows.shape[1] != layer_sizes[0]:
        raise ValueError(f"X must have shape (n_samples, {layer_sizes[0]}); got {rows.shape}")
    a = [rows * input_scale]
    z = []
    for name, (W, b) in zip(activations, unpack(layer_sizes, parameters), strict=True):
        z.append(a[-1] @ W + b)
        a.append(activate(name, z[-1]))
    return z, a


def middle_layer(layer_sizes: Sequence[int]) -> int:
    """Index among the layer outputs of the code of a mirrored network."""
    return max(len(layer_sizes) // 2 - 1, 0)


def _split(
    layer_sizes: Sequence[int], parameters: ArrayLike, code_layer: int | None
) -> tuple[int, int]:
    """Where the decoder begins: (index into the layers, index into the flat vector)."""
    n_encoder = (middle_layer(layer_sizes) if code_layer is None else code_layer) + 1
    layers = unpack(layer_sizes, parameters)
    if not 1 <= n_encoder < len(layers):
        raise ValueError(
            f"code_layer must be a hidden layer, 0 to {len(layers) - 2}; got {n_encoder - 1}"
        )
    return n_encoder, sum(W.size + b.size for W, b in layers[:n_encoder])


def encode(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    code_layer: int | None = None,
    input_scale: float = 1.0,
) -> Matrix:
    """The code of each row: output of `code_layer`, by default the middle layer.

    Parameters are those of `forward`; returns float64 of shape (n_samples, n_code).
    """
    n_encoder, n_weights = _split(layer_sizes, parameters, code_layer)
    vector = np.asarray(parameters)[:n_weights]
    sizes, names = layer_sizes[: n_encoder + 1], activations[:n_encoder]
    return forward(sizes, names, vector, X, input_scale=input_scale)[1][-1]


def decode(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    Z: ArrayLike,
    *,
    code_layer: int | None = None,
) -> Matrix:
    """The reconstruction that each code of shape (n_samples, n_code) stands for.

    Parameters are those of `forward`; returns float64 of shape (n_samples, n_out).
    """
    n_encoder, n_weights = _split(layer_sizes, parameters, code_layer)
    vector = np.asarray(parameters)[n_weights:]
    return forward(layer_sizes[n_encoder:], activations[n_encoder:], vector, Z)[1][-1]


def reconstruct(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    input_scale: float = 1.0,
) -> Matrix:
    """x_hat of each row, float64 of shape (n_samples, n_out). Parameters are those of `forward`."""
    return forward(layer_sizes, activations, parameters, X, input_scale=input_scale)[1][-1]
