"""Small data and comparisons that several tests share."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Network

# For tests of something else, whose few rows and epochs need not come to anything.
may_learn_nothing = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
THREADS = (1, 2, 3, 7)  # below, at and above the number of cores, and odd ones


def three_factor_rows(n_rows: int = 200, n_features: int = 10) -> NDArray[np.float64]:
    """Return rows in [0.1, 0.9] that three numbers each describe."""
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(n_rows, 3)) @ rng.normal(size=(3, n_features))
    return 0.1 + 0.8 / (1 + np.exp(-logits))


def same_bits(one: Network, other: Network) -> bool:
    """Compare parameters byte by byte."""
    return one.parameters.tobytes() == other.parameters.tobytes()
