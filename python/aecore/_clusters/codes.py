"""The codes that clusterers get: each unit of a linear code brought to mean 0 and variance 1."""

from __future__ import annotations

from typing import Any

import numpy as np

from aecore.network import Network

# Codes that are this close to it already stay as they are, to the last bit.
_CLOSE = 1e-3


def standardize_code(network: Network, rows: Any) -> Network:
    """Give a network whose code has mean 0 and variance 1 over `rows`, and the same outputs.

    With mean m and standard deviation s of each unit, z' = (z - m) / s is taken into the layer of
    the code, and z = s z' + m into the one behind it:

        W' = W / s,  b' = (b - m) / s;    V' = s V,  c' = c + m V

    A unit that is the same for all rows keeps s = 1. A code that is not linear, or a decoder that
    shares its weights, cannot take that in: such a network is returned as it is.
    """
    layer = network.code_layer
    linear = network.activations[layer] == "identity" and network.code_top_k is None
    if not linear or network.tied_weights or layer + 1 == len(network.activations):
        return network
    codes = network.encode(rows).astype(np.float64)
    mean, std = codes.mean(axis=0), codes.std(axis=0)
    # Beside the numbers it is made from, the deviation of a constant unit is rounding.
    std[std <= 1e-6 * np.abs(codes).max(axis=0)] = 1.0
    if max(np.abs(mean).max(), np.abs(std - 1.0).max()) < _CLOSE:
        return network
    standard = network.with_parameters(np.array(network.parameters))
    (W, V), (b, c) = (each[layer : layer + 2] for each in (standard.weights, standard.biases))
    c += (mean[:, np.newaxis] * V).sum(axis=0)
    V *= std[:, np.newaxis]
    W /= std
    b[:] = (b - mean) / std
    return standard
