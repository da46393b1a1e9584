"""Learning-rate schedules, for the parameter `learning_rate_schedule` of the estimators.

A schedule is a callable `schedule(epoch, n_epochs, history)`: it returns the factor >= 0 on the
learning rate during `epoch`, counted from 0. `n_epochs` is the estimator's, which `partial_fit` may
go beyond, and `history` is `history_` so far: a mapping of names to lists of `epoch` numbers. Any
function with these three arguments will do.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from aecore._checks.calls import check_calls
from aecore._checks.rules import check_params
from aecore._util.plateau import Plateau, monitored

__all__ = [
    "Constant",
    "Cosine",
    "Exponential",
    "Linear",
    "ReduceOnPlateau",
    "Schedule",
    "Step",
    "WarmUp",
]

History: TypeAlias = Mapping[str, list[float]]
Schedule: TypeAlias = Callable[[int, int, History], float]


class _Settings:
    """Checks every field; the error is `<name> must <rule>; got <value>`."""

    def __post_init__(self) -> None:
        check_params({field.name: getattr(self, field.name) for field in dataclasses.fields(self)})  # type: ignore[arg-type]


@check_calls
@dataclass(frozen=True)
class Constant(_Settings):
    """The factor is 1 in every epoch."""

    def __call__(self, epoch: int, n_epochs: int, history: History) -> float:
        """Return the factor of `epoch`."""
        del epoch, n_epochs, history
        return 1.0


@check_calls
@dataclass(frozen=True)
class Step(_Settings):
    """The factor is factor^floor(epoch / every).

    Parameters
    ----------
    every : int
        Epochs between two steps, >= 1.
    factor : float
        What each step multiplies by, in (0, 1).

    Raises
    ------
    ValueError
        If a setting breaks its rule.
    """

    every: int
    factor: float

    def __call__(self, epoch: int, n_epochs: int, history: History) -> float:
        """Return the factor of `epoch`."""
        del n_epochs, history
        return float(self.factor ** (epoch // self.every))


@check_calls
@dataclass(frozen=True)
class Exponential(_Settings):
    """The factor is rate^epoch.

    Parameters
    ----------
    rate : float
        In (0, 1).

    Raises
    ------
    ValueError
        If a setting breaks its rule.
    """

    rate: float

    def __call__(self, epoch: int, n_epochs: int, history: History) -> float:
        """Return the factor of `epoch`."""
        del n_epochs, history
        return float(self.rate**epoch)


@check_calls
@dataclass(frozen=True)
class Cosine(_Settings):
    """The factor is final + (1 - final) (1 + cos(pi epoch / n_epochs)) / 2 [1]_.

    It falls from 1 and would reach `final` in the epoch after the last; `partial_fit` stays there.

    Parameters
    ----------
    final : float, default=0.0
        In [0, 1].

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    .. [1] I. Loshchilov, F. Hutter. SGDR: stochastic gradient descent with warm restarts. ICLR
       2017, eq. 5, without restarts.
    """

    final: float = 0.0

    def __call__(self, epoch: int, n_epochs: int, history: History) -> float:
        """Return the factor of `epoch`."""
        del history
        share = 0.5 * (1.0 + math.cos(math.pi * min(epoch / n_epochs, 1.0)))
        return self.final + (1.0 - self.final) * share


@check_calls
@dataclass(frozen=True)
class Linear(_Settings):
    """The factor is min(1, epoch / k): it rises from 0 in the first epoch.

    For `beta_schedule` of a `VariationalAutoencoder`, where it is `beta_warmup_epochs`; a learning
    rate of 0 would waste an epoch: see `WarmUp`.

    Parameters
    ----------
    n_epochs : int
        k >= 1, the first epoch with factor 1.

    Raises
    ------
    ValueError
        If a setting breaks its rule.
    """

    n_epochs: int

    def __call__(self, epoch: int, n_epochs: int, history: History) -> float:
        """Return the factor of `epoch`."""
        del n_epochs, history
        return min(1.0, epoch / self.n_epochs)


@check_calls
@dataclass(frozen=True)
class WarmUp(_Settings):
    """Rises linearly, (epoch + 1) / (k + 1) in the first k epochs, then follows another schedule.

    Parameters
    ----------
    n_epochs : int
        k >= 1, the number of epochs below the full rate.
    then : callable, default=Constant()
        The schedule that follows. It counts epochs, and sees the history, from the end of the
        warm-up on.

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    References
    ----------
    P. Goyal et al. Accurate, large minibatch SGD: training ImageNet in 1 hour. arXiv:1706.02677,
    2017, section 2.2.
    """

    n_epochs: int
    then: Schedule = Constant()

    def __call__(self, epoch: int, n_epochs: int, history: History) -> float:
        """Return the factor of `epoch`."""
        k = self.n_epochs
        if epoch < k:
            return (epoch + 1) / (k + 1)
        later = {name: values[k:] for name, values in history.items()}
        return self.then(epoch - k, max(1, n_epochs - k), later)


@check_calls
@dataclass(frozen=True)
class ReduceOnPlateau(_Settings):
    """Multiplies by `factor` whenever the loss has not fallen for `patience` epochs in a row.

    It looks at the validation loss, or at the training loss if there is none. The loss has fallen
    when it is below the level of the last fall by more than `tolerance` times that level.

    Parameters
    ----------
    factor : float, default=0.5
        In (0, 1).
    patience : int, default=5
        Epochs, >= 1.
    tolerance : float, default=1e-4
        >= 0, relative.
    minimum : float, default=0.0
        The lowest factor on the learning rate, in [0, 1].

    Raises
    ------
    ValueError
        If a setting breaks its rule.
    """

    factor: float = 0.5
    patience: int = 5
    tolerance: float = 1e-4
    minimum: float = 0.0

    def __call__(self, epoch: int, n_epochs: int, history: History) -> float:
        """Return the factor of `epoch`."""
        del n_epochs
        plateau = Plateau(self.tolerance)
        result = 1.0
        # Replayed from the history, so that a frozen object resumes like one that never stopped.
        for loss in monitored(history)[:epoch]:
            plateau.add(loss)
            if plateau.n_epochs >= self.patience:
                result = max(self.minimum, self.factor * result)
                plateau.n_epochs = 0
        return result


_KINDS = (Constant, Step, Exponential, Cosine, Linear, WarmUp, ReduceOnPlateau)
_NAMED: Mapping[str, Schedule] = {
    "constant": Constant(),
    "cosine": Cosine(),
    "reduce_on_plateau": ReduceOnPlateau(),
}


def _as_schedule(schedule: str | Schedule | None) -> Schedule:
    """Return the object that a name (None: "constant") stands for, and an object as it is."""
    return _NAMED[schedule or "constant"] if not callable(schedule) else schedule
