"""The start of the weights, by name. Biases start at 0."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from aecore.reference._convolution import Convolution
from aecore.reference._layers import Convolutions, check_network, count_parameters, unpack
from aecore.reference._random import INITIALIZATION, box_muller, stream_words, uniform53
from aecore.reference._training import glorot_bound

Vector = NDArray[np.float64]

INITIALIZATIONS = (
    "glorot_uniform",
    "glorot_normal",
    "he_uniform",
    "he_normal",
    "lecun_normal",
    "fan_in_uniform",
    "orthogonal",
    "uniform",
    "normal",
)

# Glorot for every activation, relu too: on MNIST (60,000 images, Adam, batch 256, cross entropy per
# pixel of the test images, mean of 4 seeds) 784-32-784 with relu ends at 0.0920 after 20 epochs
# from glorot_uniform, 0.0920 from he_normal and 0.0921 from he_uniform; 784-256-64-16-64-256-784
# after 10 epochs at 0.1003, 0.1049 and 0.1052.
DEFAULT = "glorot_uniform"

_SHORT = {"glorot": "glorot_uniform", "he": "he_normal", "lecun": "lecun_normal"}


def _uniform(words: NDArray[np.uint64], bound: float) -> Vector:
    return bound * (2.0 * uniform53(words) - 1.0)


def _normal(words: NDArray[np.uint64], n: int) -> Vector:
    """N(0, 1), the first n: pairs (cos, sin) by Box and Muller from pairs of 53-bit uniforms."""
    u = uniform53(words)
    return np.asarray(box_muller(u[0::2], u[1::2]).reshape(-1)[:n])


def _orthogonal(gaussian: Vector) -> Vector:
    """Orthonormal columns (rows, if there are more columns than rows) that span the same space.

    The Q of the QR decomposition whose R has a positive diagonal, which makes it unique and the
    result uniform over the orthogonal matrices: A. M. Saxe, J. L. McClelland, S. Ganguli, "Exact
    solutions to the nonlinear dynamics of learning in deep linear neural networks", ICLR 2014;
    F. Mezzadri, "How to generate random matrices from the classical compact groups", 2007.
    """
    wide = gaussian.shape[0] < gaussian.shape[1]
    Q, R = np.linalg.qr(gaussian.T if wide else gaussian)
    Q = Q * np.where(np.diag(R) < 0.0, -1.0, 1.0)
    return np.asarray(Q.T if wide else Q)


def initial_weights(
    n_in: int,
    n_out: int,
    initialization: str | None = None,
    *,
    seed: int,
    layer: int,
    fans: tuple[int, int] | None = None,
) -> Vector:
    """The weights of one layer before training.

    The numbers are drawn for the elements of W in C order from the stream (seed, initialization,
    layer) of `aecore.reference._random`: uniforms in [0, 1) with 53 bits take two words each, low
    word first; two uniforms u1, u2 make two normal numbers sqrt(-2 ln(1 - u1)) cos(2 pi u2) and
    the same with sin, for neighbouring elements.

    Parameters
    ----------
    n_in, n_out : int
        Shape of W.
    initialization : str or None, default None
        With U(r) uniform in [-r, r] and N(s) normal with standard deviation s:

        - "glorot_uniform", short "glorot", and None: U(sqrt(6 / (n_in + n_out)));
        - "glorot_normal": N(sqrt(2 / (n_in + n_out)));
        - "he_uniform": U(sqrt(6 / n_in));
        - "he_normal", short "he", as in the paper: N(sqrt(2 / n_in)), not truncated;
        - "lecun_normal", short "lecun": N(sqrt(1 / n_in)), not truncated;
        - "fan_in_uniform", as common before Glorot: U(sqrt(1 / n_in));
        - "orthogonal": orthonormal columns, or rows where n_in < n_out, from a matrix of N(1);
        - "uniform": U(0.05);
        - "normal": N(0.05).
    seed : int
        In [0, 2**64).
    layer : int
        Index of the layer, from 0.
    fans : pair of int, optional
        What stands for n_in and n_out in the formulas, where it is not the shape of W: the inputs
        that an output is made of, and the outputs that an input has a part in (`fans_of`).

    Returns
    -------
    ndarray of shape (n_in, n_out), float64

    Raises
    ------
    ValueError
        For an unknown name.

    References
    ----------
    X. Glorot, Y. Bengio, AISTATS 2010, eq. 1, 12 and 16. K. He, X. Zhang, S. Ren, J. Sun, "Delving
    deep into rectifiers", ICCV 2015, eq. 10. Y. LeCun, L. Bottou, G. Orr, K.-R. Mueller, "Efficient
    backprop", 1998, eq. 16.
    """
    name = DEFAULT if initialization is None else _SHORT.get(initialization, initialization)
    if name not in INITIALIZATIONS:
        raise ValueError(
            f"initialization must be None or among {', '.join([*INITIALIZATIONS, *_SHORT])}; "
            f"got {initialization!r}"
        )
    n = n_in * n_out
    fan_in, fan_out = (n_in, n_out) if fans is None else fans
    bounds = {
        "glorot_uniform": glorot_bound(fan_in, fan_out),
        "he_uniform": math.sqrt(6.0 / fan_in),
        "fan_in_uniform": math.sqrt(1.0 / fan_in),
        "uniform": 0.05,
    }
    if name in bounds:
        words = stream_words(seed, INITIALIZATION, layer, 2 * n)
        return _uniform(words, bounds[name]).reshape(n_in, n_out)
    words = stream_words(seed, INITIALIZATION, layer, 4 * (n + n % 2) // 2)
    gaussian = _normal(words, n).reshape(n_in, n_out)
    if name == "orthogonal":
        return _orthogonal(gaussian)
    deviations = {
        "glorot_normal": math.sqrt(2.0 / (fan_in + fan_out)),
        "he_normal": math.sqrt(2.0 / fan_in),
        "lecun_normal": math.sqrt(1.0 / fan_in),
        "normal": 0.05,
    }
    return deviations[name] * gaussian


def fans_of(convolution: Convolution) -> tuple[int, int]:
    """Inputs of an output, and outputs of an input: taps times channels, strides left aside."""
    taps = math.prod(convolution.kernel)
    read, written = convolution.shapes
    return taps * read[2], taps * written[2]


def initial_parameters(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    initialization: str | None = None,
    *,
    seed: int,
    tied_weights: bool = False,
    convolutions: Convolutions | None = None,
    gaussian_layer: int | None = None,
) -> Vector:
    """The flat vector of `unpack` before training: `initial_weights` of each layer, biases 0.

    Tied weights are those of the encoder. Weights that convolve are drawn for the matrix of
    (kernel height x kernel width x image channels) rows that they lie in, with the fans of
    `fans_of`; W' of a Gaussian layer has the stream of a layer behind the last. Returns float64 of
    shape (n_parameters,).
    """
    check_network(layer_sizes, activations)
    kinds: list[Convolution | None] = [None] * len(activations)
    if convolutions is not None:
        kinds = list(convolutions)
    parameters = np.zeros(count_parameters(layer_sizes, tied_weights, convolutions, gaussian_layer))
    layers = unpack(
        layer_sizes,
        parameters,
        tied_weights=tied_weights,
        convolutions=convolutions,
        gaussian_layer=gaussian_layer,
    )
    own = layers[: len(layers) // 2] if tied_weights else layers
    for layer, ((W, _), kind) in enumerate(zip(own, [*kinds, None], strict=False)):
        n_in, n_out = math.prod(W.shape[:-1]), W.shape[-1]
        fans = None if kind is None else fans_of(kind)
        drawn = initial_weights(n_in, n_out, initialization, seed=seed, layer=layer, fans=fans)
        W[:] = drawn.reshape(W.shape)
    return parameters
