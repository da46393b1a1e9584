"""When a loss has stopped falling: what early stopping and `ReduceOnPlateau` share."""

from __future__ import annotations

import math
from collections.abc import Mapping


class Plateau:
    """Counts the epochs since a loss last fell by more than `tolerance` times its size."""

    def __init__(self, tolerance: float) -> None:
        self._tolerance = tolerance
        self._level = math.inf
        self.n_epochs = 0

    def add(self, loss: float) -> None:
        """Take the next epoch; one without a number (NaN) does not count."""
        if math.isnan(loss):
            return
        # The level stays where it was until a fall that counts: many small ones add up to one.
        if math.isinf(self._level) or loss < self._level - self._tolerance * abs(self._level):
            self._level = loss
            self.n_epochs = 0
        else:
            self.n_epochs += 1


def monitored(history: Mapping[str, list[float]]) -> list[float]:
    """Return the validation losses if there are any, else the training losses."""
    return history["validation_loss" if "validation_loss" in history else "loss"]
