"""Seeds from what `random_state` may be."""

from __future__ import annotations

from typing import Any

import numpy as np

from aecore._checks.rules import MAX_SEED


def seed_from(random_state: Any) -> int:
    """Make one seed in [0, 2**63) of what the caller gave.

    An integer is the seed. A RandomState or Generator is drawn from, so that two fits differ; a
    SeedSequence is not changed. None draws from NumPy's global state, as scikit-learn does.
    """
    if random_state is None:
        return int(np.random.randint(0, MAX_SEED, dtype=np.int64))  # noqa: NPY002
    if isinstance(random_state, np.random.RandomState):
        return int(random_state.randint(0, MAX_SEED, dtype=np.int64))
    if isinstance(random_state, np.random.Generator):
        return int(random_state.integers(0, MAX_SEED, dtype=np.int64))
    if isinstance(random_state, np.random.SeedSequence):
        return int(random_state.generate_state(1, np.uint64)[0] >> np.uint64(1))
    return int(random_state)


def seeds_from(seed: int, n: int) -> list[int]:
    """Make n seeds of one, in [0, 2**63), for parts of a training that draw by themselves."""
    words = np.random.SeedSequence(seed).generate_state(n, np.uint64)
    return [int(word) for word in words >> np.uint64(1)]
