"""One training of an estimator at a time.

Who trains what is kept here and not in the estimators: so copies and pickles know nothing of it,
and a forked child begins with nobody in training, since its parent's threads are not there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple


class _Turn(NamedTuple):
    """A training: of this object, whose identity is its key, by a thread."""

    owner: Any
    thread: int


_turns: dict[int, _Turn] = {}
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_turns.clear)


@contextmanager
def turn(owner: Any) -> Iterator[None]:
    """Let one call train `owner`, an estimator; a second one gets RuntimeError, not a mixture."""
    mine = _Turn(owner, threading.get_ident())
    found = _turns.setdefault(id(owner), mine)  # atomic
    if found is not mine:
        name = type(owner).__name__
        if found.thread == mine.thread:
            msg = (
                f"this {name} is being trained by this very call: a callback must not fit it "
                "again; use a clone of it"
            )
        else:
            msg = f"this {name} is being trained by another thread; use a clone of it, or wait"
        raise RuntimeError(msg)
    try:
        yield
    finally:
        # In a child that was forked by a callback there is none, or that of a training of its own.
        if _turns.get(id(owner)) is mine:
            del _turns[id(owner)]
