"""What happens when an epoch ends: history, the published network, callbacks, early stopping.

Training works on private copies. What an epoch has learned goes through `Recorder` to the
estimator in one step, so another thread, Ctrl-C or an error always finds a whole model.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aecore._history import History
from aecore._training.passes import by_epoch
from aecore._util.optimizer_state import OptimizerState
from aecore._util.plateau import Plateau, monitored
from aecore._util.progress import Progress
from aecore.callbacks import Callback, EpochState
from aecore.exceptions import TrainingDivergedError
from aecore.network import Network

Measure: TypeAlias = Callable[[Network], Mapping[str, float]]
Publish: TypeAlias = Callable[[Network, History, int | None], None]


class EarlyStopping:
    """Says when a loss has stopped falling, and remembers the network where it was lowest."""

    def __init__(self, patience: int, tolerance: float) -> None:
        self._patience = patience
        self._plateau = Plateau(tolerance)
        self._lowest = math.inf
        self.best: tuple[int, Network] | None = None  # epoch, network

    def epoch(self, epoch: int, network: Network, loss: float) -> bool:
        """Take an epoch; return True to stop."""
        if loss < self._lowest or self.best is None:  # the first, where none is finite
            self._lowest = min(loss, self._lowest)
            self.best = (epoch, network)
        self._plateau.add(loss)
        return self._plateau.n_epochs >= self._patience


class Checkpoints(Protocol):
    """What writes checkpoints."""

    def is_due(self, n_epochs: int) -> bool:
        """Return whether to write at the end of epoch `n_epochs`, counted from 1."""

    def write(
        self, state: OptimizerState | None, n_epochs: int, *, stopped: bool, best: Network | None
    ) -> None:
        """Write the model published last with the optimiser's `state`."""


def _nobody(*learned: Any) -> None:
    """Take what nobody wants."""


@dataclass(frozen=True)
class Audience:
    """Who hears of a training, and what else is measured at the end of an epoch.

    Attributes
    ----------
    publish : callable
        Called with a network, the history, and the best epoch once that is known (else None).
    keep : callable
        Called with the optimiser's state that belongs to the network published last.
    owner : object
        What callbacks see as `estimator`.
    checkpoints : Checkpoints, optional
    measure : callable, optional
        From a network to figures for `history_`.
    """

    publish: Publish = _nobody
    keep: Callable[[OptimizerState], None] = _nobody
    owner: Any = None
    checkpoints: Checkpoints | None = None
    measure: Measure | None = None


@dataclass(frozen=True)
class Position:
    """Where a training goes on from."""

    history: History = field(default_factory=History.empty)
    state: OptimizerState | None = None
    is_resumed: bool = False  # from a checkpoint: the history is this training's own
    stopped: bool = False  # by early stopping, by a callback, or L-BFGS found nothing lower
    best: Network | None = None  # of early stopping


class Recorder:
    """Takes finished epochs, keeps their history and publishes each network that is finite.

    Parameters
    ----------
    network : Network
        Its shape and settings, and where a resumed training begins.
    history : History
        Epochs of earlier trainings; not changed.
    n_epochs : int
        How many there will be at most, earlier ones included.
    audience : Audience
    progress : Progress
    callbacks : sequence of Callback
    early_stopping : EarlyStopping, optional
    validates : bool, default=False
        Whether there are validation rows. A loss of theirs that is NaN is recorded as infinite: NaN
        stands for none.
    constant_loss : float, default=NaN
        For the history: what the losses have to be better than; NaN where nothing is compared.
    epoch : int, optional
        Of a call of `partial_fit`: which pass it belongs to.
    """

    def __init__(
        self,
        network: Network,
        history: History,
        n_epochs: int,
        audience: Audience,
        progress: Progress,
        *,
        callbacks: Sequence[Callback] = (),
        early_stopping: EarlyStopping | None = None,
        validates: bool = False,
        constant_loss: float = math.nan,
        epoch: int | None = None,
    ) -> None:
        self._process = os.getpid()
        self._start = network
        self.history = history.own()
        self._n_all = n_epochs
        self._progress = progress
        self._audience = audience
        self._callbacks = callbacks
        self._early_stopping = early_stopping
        self._always = {"constant_loss": constant_loss}
        self._pass = epoch
        if epoch is not None:
            self._always["epoch"] = float(epoch)
        self._validates = validates
        self._n_earlier = self.n_epochs
        self._published: Network | None = None
        self.diverged = False
        self.stopped = False  # before the last epoch, by a callback or by early stopping
        # Whether somebody has to see the network of every epoch.
        others = (early_stopping, audience.checkpoints, audience.measure)
        self.wants_each_epoch = len(callbacks) > 0 or any(each is not None for each in others)

    def resume(self, at: Position) -> None:
        """Take the history for this training's own, and publish where it stands."""
        self._n_earlier = 0
        self.stopped = at.stopped
        self._hand_over(self._start.with_parameters(self._start.parameters))
        if self._early_stopping is not None and at.best is not None:
            # The losses are replayed with the best network for every epoch: it is the right one for
            # the epoch of the lowest loss, and the others do not matter.
            for epoch, loss in enumerate(monitored(self.history)):
                self._early_stopping.epoch(epoch, at.best, loss)

    @property
    def n_epochs(self) -> int:
        """Epochs in the history."""
        return self.history.n_epochs

    def scheduled(self) -> tuple[int, Mapping[str, list[float]]]:
        """Return the epoch that follows, for schedules, and a number for each before it."""
        if self._pass is None:
            return self.n_epochs, self.history
        return self._pass, by_epoch(self.history, self._pass)

    @property
    def is_complete(self) -> bool:
        """Whether no epoch will follow."""
        return self.n_left <= 0

    @property
    def n_left(self) -> int:
        """Epochs that may follow."""
        return self._n_all - self.n_epochs

    @property
    def has_ended(self) -> bool:
        """Whether no epoch will follow, for whatever reason."""
        return self.is_complete or self.stopped or self.diverged

    @property
    def checkpoint_is_due(self) -> bool:
        """Whether training has to pause for `write_checkpoint`."""
        writer = self._audience.checkpoints
        return writer is not None and writer.is_due(self.n_epochs)

    def write_checkpoint(self, state: OptimizerState | None) -> None:
        """Write what was published last, and the optimiser's state that belongs to it."""
        writer = self._audience.checkpoints
        if writer is not None and not self.diverged:
            best = self._early_stopping.best if self._early_stopping is not None else None
            writer.write(state, self.n_epochs, stopped=self.stopped, best=best and best[1])

    def epoch(
        self,
        parameters: NDArray[Any],
        loss: float,
        validation_loss: float,
        seconds: float,
        *,
        learning_rate: float = math.nan,
        parts: Mapping[str, float] = MappingProxyType({}),
        earlier: Sequence[Mapping[str, float]] = (),
    ) -> bool:
        """Record an epoch and tell everybody; return True to stop.

        `parts` are what its losses are made of, where that is kept.
        `earlier` are epochs that ended well before it, when nobody wants to see each.
        """
        if not (math.isfinite(loss) and _is_finite(parameters)):
            self.diverged = True
            return True
        network = self._start.with_parameters(parameters)
        values = {
            "loss": loss,
            "seconds": seconds,
            "learning_rate": learning_rate,
            "validation_loss": self._held(validation_loss),
        }
        measure = self._audience.measure
        measured = {} if measure is None else measure(network)
        self._extend(*earlier, {**values, **parts, **measured})
        shown = {"epoch": self.n_epochs, "loss": loss, "validation_loss": validation_loss}
        shown.update(measured)
        self._progress.show(**{name: x for name, x in shown.items() if not math.isnan(x)})
        self._hand_over(network)
        if not self.wants_each_epoch:
            return False
        state = EpochState(
            epoch=self.n_epochs - 1,
            n_epochs=self._n_all,
            history=self.history,
            network=network,
            estimator=self._audience.owner,
            **values,
        )
        self.stopped = self._tell(state)
        if os.getpid() != self._process:
            msg = (
                "a forked child came back from a callback into fit, which goes on in its parent "
                "alone: end the child in the callback, or train anew in it"
            )
            raise RuntimeError(msg)
        return self.stopped

    def _extend(self, *epochs: Mapping[str, float]) -> None:
        self.history = self.history.extended(
            *(
                {**each, "validation_loss": self._held(each["validation_loss"]), **self._always}
                for each in epochs
            )
        )

    def _held(self, loss: float) -> float:
        """The loss of validation rows, if there are any: NaN is no better than infinity."""
        return math.inf if self._validates and math.isnan(loss) else loss

    def _tell(self, state: EpochState) -> bool:
        """Ask every callback and early stopping, in this order, whether to stop."""
        answers = [callback.on_epoch_end(state) for callback in self._callbacks]
        stop = any(answers)
        if self._early_stopping is not None:
            validated = "validation_loss" in state.history
            loss = state.validation_loss if validated else state.loss
            stop = self._early_stopping.epoch(state.epoch, state.network, loss) or stop
        return stop

    def _hand_over(self, network: Network, best_epoch: int | None = None) -> None:
        self._audience.publish(network, self.history, best_epoch)
        self._published = network

    @property
    def published(self) -> Network | None:
        """The network published last, if any was."""
        return self._published

    def has_published(self, parameters: NDArray[Any]) -> bool:
        """Return whether the network published last has these parameters."""
        network = self._published
        return network is not None and bool((network.parameters == parameters).all())

    def interrupted(self, parameters: NDArray[Any], earlier: Sequence[Mapping[str, float]]) -> None:
        """Publish the last finished batch, if it is finite, and the epochs that ended before it."""
        if _is_finite(parameters):
            self._extend(*earlier)
            self._hand_over(self._start.with_parameters(parameters))

    def restore_best(self) -> None:
        """At the end of a training with early stopping: publish its best network once more."""
        if self._early_stopping is not None and self._early_stopping.best is not None:
            epoch, network = self._early_stopping.best
            self._hand_over(network, epoch)

    def raise_if_diverged(self, advice: str) -> None:
        """Raise TrainingDivergedError with the epoch, what the estimator holds and what to try."""
        if not self.diverged:
            return
        n_finite = self.n_epochs - self._n_earlier
        kept = (
            f"the estimator holds the weights of epoch {n_finite}"
            if n_finite
            else "the estimator is as it was before"
        )
        msg = (
            f"training stopped: the loss or a weight was not finite in epoch {n_finite + 1}; "
            f"{kept}. Try {advice}."
        )
        raise TrainingDivergedError(msg)


def _is_finite(parameters: NDArray[Any]) -> bool:
    # A sum meets every NaN and infinity in one pass and, unlike isfinite().all(), makes no array.
    with np.errstate(all="ignore"):
        return bool(np.isfinite(parameters.sum(dtype=np.float64)))
