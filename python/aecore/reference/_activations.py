"""The activations f, their derivatives and, for the contractive penalty, their second derivatives.

Most derivatives are written in the value a = f(z) alone, which is all that a forward pass has to
keep; silu and gelu need z as well. At a kink the derivative is that of the left side.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

# Slope of leaky_relu below 0: A. L. Maas, A. Y. Hannun, A. Y. Ng, "Rectifier nonlinearities improve
# neural network acoustic models", ICML 2013 workshop on deep learning, section 3.
LEAKY_SLOPE = 0.01

# The output is positive whatever z is: log(x_hat) exists.
POSITIVE = ("sigmoid", "softplus")


def _sigmoid(z: Matrix) -> Matrix:
    # exp of a negative number only: 1/(1 + e^-z) for z >= 0 and e^z/(1 + e^z) below.
    e = np.exp(-np.abs(z))
    return np.asarray(np.where(z >= 0, 1.0, e) / (1.0 + e))


def _leaky_relu(z: Matrix) -> Matrix:
    return np.asarray(np.where(z > 0.0, z, LEAKY_SLOPE * z))


def _elu(z: Matrix) -> Matrix:
    """Z above 0 and alpha (e^z - 1) below, alpha = 1.

    D.-A. Clevert, T. Unterthiner, S. Hochreiter, "Fast and accurate deep network learning by
    exponential linear units (ELUs)", ICLR 2016, eq. 16.
    """
    return np.asarray(np.where(z > 0.0, z, np.expm1(np.minimum(z, 0.0))))


def _softplus(z: Matrix) -> Matrix:
    """log(1 + e^z).

    C. Dugas, Y. Bengio, F. Belisle, C. Nadeau, R. Garcia, "Incorporating second-order functional
    knowledge for better option pricing", NIPS 2000.
    """
    return np.asarray(np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z))))


def _silu(z: Matrix) -> Matrix:
    """Z sigma(z): D. Hendrycks, K. Gimpel, "Gaussian error linear units (GELUs)", 2016, sec. 2."""
    return z * _sigmoid(z)


def _normal_cdf(z: Matrix) -> Matrix:
    """Phi(z) = 1/2 (1 + erf(z / sqrt 2)), accurate in the lower tail too."""
    from scipy.special import ndtr

    return np.asarray(ndtr(z))


def _gelu(z: Matrix) -> Matrix:
    """Z Phi(z), the exact form with erf: Hendrycks & Gimpel 2016, sec. 2."""
    return z * _normal_cdf(z)


def _gelu_derivative(z: Matrix, _a: Matrix) -> Matrix:
    density = np.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)
    return _normal_cdf(z) + z * density


def _silu_derivative(z: Matrix, a: Matrix) -> Matrix:
    return _sigmoid(z) + a * _sigmoid(-z)  # sigma + z sigma (1 - sigma)


def _softmax(z: Matrix) -> Matrix:
    """e^z_j / sum_k e^z_k of each row; the row's maximum is taken off first."""
    e = np.exp(z - z.max(axis=1, keepdims=True))
    return np.asarray(e / e.sum(axis=1, keepdims=True))


_VALUES: dict[str, Callable[[Matrix], Matrix]] = {
    "identity": lambda z: z,
    "sigmoid": _sigmoid,
    "tanh": np.tanh,
    "relu": lambda z: np.maximum(z, 0.0),
    "leaky_relu": _leaky_relu,
    "elu": _elu,
    "softplus": _softplus,
    "silu": _silu,
    "gelu": _gelu,
    "softmax": _softmax,
}

ACTIVATIONS = tuple(_VALUES)

# f'(z) as a function of z and a = f(z). softmax has none: its Jacobian is not diagonal, and only
# the multinomial loss, whose derivative by z is written directly, may follow it.
_DERIVATIVES: dict[str, Callable[[Matrix, Matrix], Matrix]] = {
    "identity": lambda _z, a: np.ones_like(a),
    "sigmoid": lambda _z, a: a * (1.0 - a),
    "tanh": lambda _z, a: 1.0 - a * a,
    "relu": lambda _z, a: (a > 0.0).astype(np.float64),
    "leaky_relu": lambda _z, a: np.where(a > 0.0, 1.0, LEAKY_SLOPE),
    "elu": lambda _z, a: np.where(a > 0.0, 1.0, a + 1.0),
    "softplus": lambda _z, a: -np.expm1(-a),  # sigma(z) = 1 - e^-a
    "silu": _silu_derivative,
    "gelu": _gelu_derivative,
}

_SECOND_DERIVATIVES: dict[str, Callable[[Matrix], Matrix]] = {
    "identity": np.zeros_like,
    "sigmoid": lambda a: a * (1.0 - a) * (1.0 - 2.0 * a),
    "tanh": lambda a: -2.0 * a * (1.0 - a * a),
    "relu": np.zeros_like,
}

TWICE_DIFFERENTIABLE = tuple(_SECOND_DERIVATIVES)


def activate(name: str, z: Matrix) -> Matrix:
    """f(z), element by element; softmax row by row."""
    return _VALUES[name](z)


def activation_derivative(name: str, z: Matrix, a: Matrix) -> Matrix:
    """f'(z) where a = f(z); relu'(0) is 0 and leaky_relu'(0) is 0.01."""
    return _DERIVATIVES[name](z, a)


def second_derivative(name: str, a: Matrix) -> Matrix:
    """f''(z), written in a = f(z), of the activations in `TWICE_DIFFERENTIABLE`; relu'' is 0."""
    return _SECOND_DERIVATIVES[name](a)
