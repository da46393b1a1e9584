"""What the objects in the parameter `callbacks` of the estimators are told, and may answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from aecore.network import Network

__all__ = ["Callback", "EpochState"]


@dataclass(frozen=True)
class EpochState:
    """An epoch (or an iteration of "lbfgs") that has just ended.

    Attributes
    ----------
    epoch : int
        Its index in the lists of `history`, from 0.
    n_epochs : int
        Epochs there will be at most, earlier ones of `partial_fit` included.
    loss : float
        J, as in `history_["loss"]`.
    validation_loss : float
        Mean loss of a validation row; NaN without validation.
    learning_rate : float
        Of this epoch; NaN for "lbfgs".
    seconds : float
        That it took.
    history : mapping of str to list of float
        `history_` up to this epoch, read-only; every access gives a copy.
    network : Network
        As of this epoch; it does not change afterwards.
    estimator : Autoencoder or AutoencoderClassifier
        In training: transform with it, but do not change it.
    """

    epoch: int
    n_epochs: int
    loss: float
    validation_loss: float
    learning_rate: float
    seconds: float
    history: Mapping[str, list[float]]
    network: Network
    estimator: Any


class Callback(Protocol):
    """What an object in `callbacks` has."""

    def on_epoch_end(self, state: EpochState) -> bool | None:
        """Take an epoch that has ended; True ends the training cleanly."""
