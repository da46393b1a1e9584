"""The start of the weights, one step of each minibatch optimiser, and clipping.

Every step takes theta_{t-1}, the gradient g_t and the optimiser's moments after step t - 1 (zeros
before the first), and returns what they are after step t; the arguments are not changed.
"""

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


def momentum_step(
    parameters: Vector,
    gradient: Vector,
    v: Vector,
    *,
    learning_rate: float,
    momentum: float = 0.9,
    nesterov: bool = False,
) -> tuple[Vector, Vector]:
    """One step of gradient descent with momentum: v = mu v + g, theta - alpha v.

    Parameters
    ----------
    parameters, gradient, v : ndarray of shape (n_parameters,)
        theta_{t-1}, g_t, and the velocity after step t - 1.
    learning_rate, momentum : float
        alpha and mu.
    nesterov : bool
        Whether to step by g + mu v, the velocity as it will be with this gradient again.

    Returns
    -------
    parameters, v : ndarray of shape (n_parameters,)

    References
    ----------
    I. Sutskever, J. Martens, G. Dahl, G. Hinton, "On the importance of initialization and momentum
    in deep learning", ICML 2013; alpha stands outside v, as in PyTorch.
    """
    v = momentum * v + gradient
    step = gradient + momentum * v if nesterov else v
    return parameters - learning_rate * step, v


def adagrad_step(
    parameters: Vector,
    gradient: Vector,
    s: Vector,
    *,
    learning_rate: float = 0.01,
    epsilon: float = 1e-10,
) -> tuple[Vector, Vector]:
    """One step of Adagrad: s = s + g^2, theta - alpha g / (sqrt(s) + epsilon).

    Parameters
    ----------
    parameters, gradient, s : ndarray of shape (n_parameters,)
        theta_{t-1}, g_t, and the sum of squared gradients up to step t - 1.
    learning_rate, epsilon : float
        alpha, and what keeps the quotient finite.

    Returns
    -------
    parameters, s : ndarray of shape (n_parameters,)

    References
    ----------
    J. Duchi, E. Hazan, Y. Singer, "Adaptive subgradient methods for online learning and stochastic
    optimization", JMLR 12, 2011, diagonal matrices.
    """
    s = s + gradient**2
    return parameters - learning_rate * gradient / (np.sqrt(s) + epsilon), s


def rmsprop_step(
    parameters: Vector,
    gradient: Vector,
    v: Vector,
    *,
    learning_rate: float = 0.01,
    rho: float = 0.99,
    epsilon: float = 1e-8,
) -> tuple[Vector, Vector]:
    """One step of RMSprop: v = rho v + (1 - rho) g^2, theta - alpha g / (sqrt(v) + epsilon).

    Parameters
    ----------
    parameters, gradient, v : ndarray of shape (n_parameters,)
        theta_{t-1}, g_t, and the running mean of squared gradients after step t - 1.
    learning_rate, rho, epsilon : float
        alpha, the decay of the mean, and what keeps the quotient finite.

    Returns
    -------
    parameters, v : ndarray of shape (n_parameters,)

    References
    ----------
    T. Tieleman, G. Hinton, "Lecture 6.5 - rmsprop: divide the gradient by a running average of its
    recent magnitude", Coursera, 2012.
    """
    v = rho * v + (1.0 - rho) * gradient**2
    return parameters - learning_rate * gradient / (np.sqrt(v) + epsilon), v


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
    weight_decay: float | Vector = 0.0,
) -> tuple[Vector, Vector, Vector]:
    """One step of Adam, or of AdamW with a `weight_decay`.

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
    weight_decay : float or ndarray of shape (n_parameters,)
        AdamW's lambda: parameters shrink by the factor 1 - alpha lambda beside the step, and the
        gradient knows nothing of it. An array gives each parameter its own, 0 for biases.

    Returns
    -------
    parameters, m, v : ndarray of shape (n_parameters,)

    References
    ----------
    D. P. Kingma, J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, Algorithm 1.
    I. Loshchilov, F. Hutter, "Decoupled weight decay regularization", ICLR 2019, Algorithm 2.
    """
    m = beta_1 * m + (1.0 - beta_1) * gradient
    v = beta_2 * v + (1.0 - beta_2) * gradient**2
    m_hat = m / (1.0 - beta_1**t)
    v_hat = v / (1.0 - beta_2**t)
    shrunk = (1.0 - learning_rate * weight_decay) * parameters
    return shrunk - learning_rate * m_hat / (np.sqrt(v_hat) + epsilon), m, v


def clip_by_norm(gradient: Vector, clip_norm: float) -> Vector:
    """Scale a gradient of all parameters, biases included, down to the norm `clip_norm`.

    References
    ----------
    R. Pascanu, T. Mikolov, Y. Bengio, "On the difficulty of training recurrent neural networks",
    ICML 2013, Algorithm 1; the 1e-6 is that of torch.nn.utils.clip_grad_norm_.
    """
    return gradient * min(1.0, clip_norm / (float(np.linalg.norm(gradient)) + 1e-6))
