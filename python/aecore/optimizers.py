"""Optimisers with their settings, for the parameter `optimizer` of the estimators.

A name ("adam") stands for the object with its defaults (`Adam()`). In the formulas theta are the
parameters, g is the gradient of J, alpha the learning rate, and moments start at zero. The
parameter `learning_rate` of the estimator, where it is not None, wins over the object's.

Losses are sums over features: a rate published for a mean over d features is multiplied by 2/d here
for the squared error and by 1/d for cross entropy with "sgd", "momentum" and "nesterov"; those of
the others carry over, because their steps do not change with the scale of the gradient.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, ClassVar

from aecore._checks.calls import check_calls
from aecore._checks.rules import check_params, parameter_error

__all__ = [
    "LBFGS",
    "SGD",
    "Adagrad",
    "Adam",
    "AdamW",
    "Momentum",
    "Nesterov",
    "Optimizer",
    "RMSprop",
]


class Optimizer:
    """The base of all optimisers: `name` is what `optimizer` may say instead."""

    name: ClassVar[str]

    def __post_init__(self) -> None:
        """Check every setting; the error is `<name> must <rule>; got <value>`."""
        check_params(self.settings())

    def settings(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}  # type: ignore[arg-type]


class _ScaleFree(Optimizer):
    """Optimisers whose steps do not grow with the gradient: their rate has a default."""

    learning_rate: float

    def __post_init__(self) -> None:
        if self.learning_rate is None:
            raise parameter_error("learning_rate", "be a finite number > 0", None)
        super().__post_init__()


@check_calls
@dataclass(frozen=True)
class SGD(Optimizer):
    """Plain gradient descent: theta = theta - alpha g.

    Parameters
    ----------
    learning_rate : float, default=None
        alpha > 0; None means 1/n_features.

    Raises
    ------
    ValueError
        If a setting breaks its rule.
    """

    name: ClassVar[str] = "sgd"
    learning_rate: float | None = None


@check_calls
@dataclass(frozen=True)
class Momentum(Optimizer):
    """Gradient descent with momentum: v = mu v + g, theta = theta - alpha v [1]_.

    Parameters
    ----------
    learning_rate : float, default=None
        alpha > 0; None means 1/n_features.
    momentum : float, default=0.9
        mu in [0, 1).

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    .. [1] B. T. Polyak. Some methods of speeding up the convergence of iteration methods. USSR
       Computational Mathematics and Mathematical Physics 4(5), 1964; alpha stands outside v, as in
       PyTorch.
    """

    name: ClassVar[str] = "momentum"
    learning_rate: float | None = None
    momentum: float = 0.9


@check_calls
@dataclass(frozen=True)
class Nesterov(Optimizer):
    """Nesterov's momentum: v = mu v + g, theta = theta - alpha (g + mu v) [1]_.

    Parameters
    ----------
    learning_rate : float, default=None
        alpha > 0; None means 1/n_features.
    momentum : float, default=0.9
        mu in [0, 1).

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    .. [1] I. Sutskever, J. Martens, G. Dahl, G. Hinton. On the importance of initialization and
       momentum in deep learning. ICML 2013; alpha stands outside v, as in PyTorch.
    """

    name: ClassVar[str] = "nesterov"
    learning_rate: float | None = None
    momentum: float = 0.9


@check_calls
@dataclass(frozen=True)
class Adagrad(_ScaleFree):
    """Adagrad: s = s + g^2, theta = theta - alpha g / (sqrt(s) + epsilon) [1]_.

    Parameters
    ----------
    learning_rate : float, default=0.01
        alpha > 0.
    epsilon : float, default=1e-10
        > 0.

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    .. [1] J. Duchi, E. Hazan, Y. Singer. Adaptive subgradient methods for online learning and
       stochastic optimization. JMLR 12, 2011.
    """

    name: ClassVar[str] = "adagrad"
    learning_rate: float = 0.01
    epsilon: float = 1e-10


@check_calls
@dataclass(frozen=True)
class RMSprop(_ScaleFree):
    """RMSprop: v = rho v + (1 - rho) g^2, theta = theta - alpha g / (sqrt(v) + epsilon) [1]_.

    Parameters
    ----------
    learning_rate : float, default=0.01
        alpha > 0.
    rho : float, default=0.99
        Decay of the mean of squared gradients, in [0, 1).
    epsilon : float, default=1e-8
        > 0.

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    .. [1] T. Tieleman, G. Hinton. Lecture 6.5 - rmsprop: divide the gradient by a running average
       of its recent magnitude. Coursera, 2012.
    """

    name: ClassVar[str] = "rmsprop"
    learning_rate: float = 0.01
    rho: float = 0.99
    epsilon: float = 1e-8


@check_calls
@dataclass(frozen=True)
class Adam(_ScaleFree):
    """Adam [1]_: a running mean of the gradient over the root of that of its square.

    At step t = 1, 2, ...:

        m = beta_1 m + (1 - beta_1) g,    v = beta_2 v + (1 - beta_2) g^2
        theta = theta - alpha m / (1 - beta_1^t) / (sqrt(v / (1 - beta_2^t)) + epsilon)

    Parameters
    ----------
    learning_rate : float, default=1e-3
        alpha > 0.
    beta_1, beta_2 : float, default=0.9, 0.999
        Decay of the first and the second moment, in [0, 1).
    epsilon : float, default=1e-8
        > 0.

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    .. [1] D. P. Kingma, J. Ba. Adam: a method for stochastic optimization. ICLR 2015, Algorithm 1.
    """

    name: ClassVar[str] = "adam"
    learning_rate: float = 1e-3
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8


@check_calls
@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay [1]_: weights first shrink by 1 - alpha lambda.

    lambda is the parameter `weight_decay` of the estimator, which is not in J then; biases do not
    shrink.

    Parameters
    ----------
    learning_rate, beta_1, beta_2, epsilon : float
        As in `Adam`.

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter. Decoupled weight decay regularization. ICLR 2019, Algorithm 2
       with the decay multiplied by the learning rate, as in PyTorch.
    """

    name: ClassVar[str] = "adamw"


@check_calls
@dataclass(frozen=True)
class LBFGS(Optimizer):
    """L-BFGS-B [1]_ on all rows at once, SciPy's on the core's exact gradient.

    Parameters
    ----------
    history_size : int, default=20
        Pairs of steps and gradients, >= 1, that approximate the inverse of the Hessian.

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    .. [1] R. H. Byrd, P. Lu, J. Nocedal, C. Zhu. A limited memory algorithm for bound constrained
       optimization. SIAM Journal on Scientific Computing 16(5), 1995.
    """

    name: ClassVar[str] = "lbfgs"
    history_size: int = 20


_KINDS = (SGD, Momentum, Nesterov, Adagrad, RMSprop, Adam, AdamW, LBFGS)
_NAMED: dict[str, Optimizer] = {kind.name: kind() for kind in _KINDS}


def _as_optimizer(optimizer: str | Optimizer) -> Optimizer:
    """Return the object that a name stands for, and an object as it is."""
    if isinstance(optimizer, Optimizer):
        return optimizer
    return _NAMED[optimizer]
