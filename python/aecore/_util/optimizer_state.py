"""What an optimiser remembers from one call to the next."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class OptimizerState:
    """What `partial_fit` needs to go on as if training had never stopped."""

    optimizer: str
    slots: NDArray[Any]  # (n_slots, n_parameters)
    n_updates: int
    # rho_hat of the last batch, one layer after the other; NaN before the first, empty: unknown.
    running: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
