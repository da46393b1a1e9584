"""The networks of an ensemble, trained side by side on the cores."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TypeVar

from aecore._parallel.side_by_side import run_side_by_side

M = TypeVar("M")


def side_by_side(
    train: Callable[[M], object], members: Sequence[M], n_threads: int, done: Callable[[int], None]
) -> None:
    """Call `train(member)` for all of them, `n_threads` at a time; `done(n)` after the n-th.

    Each member is trained on one thread, but for a single one, which may have a team. Nothing
    depends on the order in which they end. The first error comes out once all have ended, Ctrl-C at
    once.
    """
    if len(members) == 1:
        train(members[0])
        done(1)
        return
    count = itertools.count(1)
    run_side_by_side(
        lambda _, member: train(member),
        members,
        n_items=len(members),
        n_threads=n_threads,
        on_done=lambda: done(next(count)),
    ).check()
