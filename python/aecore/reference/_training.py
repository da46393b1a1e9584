"""The start of the weights and one step of each minibatch optimiser."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


def glorot_bound(n_in: int, n_out: int) -> float:
    """Weights start uniform in [-r, r], r = sqrt(6 / (n_in + n_out)); biases at 0.

    References
    ----------
    X. Glorot, Y. Bengio, "Understanding the difficulty of training deep feedforward neural
    networks", AISTATS 2010, eq. 16.
    """
    return math.sqrt(6.0 / (n_in + n_out))


def sgd_step(parameters: Vector, gradient: Vector, *, learning_rate: float) -> Vector:
    """Theta - alpha g: the parameters after one step of gradient descent."""
    return parameters - learning_rate * gradient


def adam_step(
    parameters: Vector,
    gradient: Vector,
    m: Vector,
    v: Vector,
    t: int,
    *,
    learning_rate: float = 1e-3,
    beta_1: float = 0.9,
    beta_2: float = 0.999,
    epsilon: float = 1e-8,
) -> tuple[Vector, Vector, Vector]:
    """One step of Adam.

    Parameters
    ----------
    parameters, gradient : ndarray of shape (n_parameters,)
        theta_{t-1} and g_t.
    m, v : ndarray of shape (n_parameters,)
        First and second moment after step t - 1; zeros before the first step.
    t : int
        Number of this step, from 1.
    learning_rate, beta_1, beta_2, epsilon : float
        alpha and the paper's other constants. epsilon stands outside the square root.

    Returns
    -------
    parameters, m, v : ndarray of shape (n_parameters,)
        After step t; the arguments are not changed.

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, Algorithm 1.
    """
    m = beta_1 * m + (1.0 - beta_1) * gradient
    v = beta_2 * v + (1.0 - beta_2) * gradient**2
    m_hat = m / (1.0 - beta_1**t)
    v_hat = v / (1.0 - beta_2**t)
    return parameters - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v
