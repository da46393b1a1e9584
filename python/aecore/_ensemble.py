"""The networks of an ensemble, trained side by side on the cores."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

M = TypeVar("M")


def side_by_side(
    train: Callable[[M], object], members: Sequence[M], n_threads: int, done: Callable[[int], None]
) -> None:
    """Call `train(member)` for all of them, `n_threads` at a time; `done(n)` after the n-th.

    The core computes without the interpreter's lock, so each member with one thread of its own
    keeps a core busy. Nothing depends on the order in which they end. An error or Ctrl-C comes out
    once the members at work have ended; no other is begun.
    """
    if n_threads == 1 or len(members) == 1:
        for count, member in enumerate(members, start=1):
            train(member)
            done(count)
        return
    with ThreadPoolExecutor(min(n_threads, len(members))) as pool:
        futures = [pool.submit(train, member) for member in members]
        try:
            for count, future in enumerate(futures, start=1):
                future.result()
                done(count)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
