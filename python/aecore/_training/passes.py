"""Passes over data that come in chunks: schedules count them, not calls of `partial_fit`.

`history_["epoch"]` says of each call which pass it belongs to. Who does not say where a pass begins
has it found: where the rows of its first call come again.
"""

from __future__ import annotations

import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np

from aecore._checks.sparse import is_sparse
from aecore._history import History

# Rows, or entries, that stand for a call's; calls of fewer rows say nothing about convergence.
_ROWS, _ENTRIES, _FEWEST = 8, 256, 32
# Passes after which a training in chunks is looked at, again and again.
_EVERY = 10


@dataclass(frozen=True)
class Call:
    """Which pass a call of `partial_fit` belongs to.

    Attributes
    ----------
    epoch : int
        From 0, the epochs of `fit` included.
    first_rows : int
        A check sum of the rows of the pass's first call.
    is_judged : bool
        Whether its loss is compared with a constant's: in every tenth pass, if it has rows enough.
    """

    epoch: int
    first_rows: int
    is_judged: bool


def call_after(history: History, first_rows: int | None, X: Any, epoch: int | None) -> Call:
    """Find the pass of a call with the rows X; `epoch` is what the caller says, if anything.

    Parameters
    ----------
    history : History
        Of the calls and epochs before.
    first_rows : int or None
        Of the call before; None after `fit` and at the very beginning.
    """
    rows = _check_sum(X)
    epochs = history.get("epoch", [])
    if first_rows is None or not epochs or math.isnan(epochs[-1]):
        now = n_epochs(history) if epoch is None else epoch
    else:
        before = int(epochs[-1])
        now = before + (rows == first_rows) if epoch is None else epoch
        rows = first_rows if now == before else rows
    return Call(now, rows, X.shape[0] >= _FEWEST and _is_tenth(epochs, now))


def n_epochs(history: History) -> int:
    """Count the epochs and passes of a history, the one that may not be over included."""
    epochs = history.get("epoch", [])
    if not epochs or math.isnan(epochs[-1]):
        return len(by_epoch(history)["loss"])
    return int(epochs[-1]) + 1


def by_epoch(history: History, before: int | None = None) -> dict[str, list[float]]:
    """Return a history with a number for each pass: the mean over its calls, or all seconds.

    `before` leaves out the passes from that one on.
    """
    lists = dict(history)
    epochs = lists.pop("epoch", None)
    if epochs is None:
        return lists
    # An epoch of fit is one of its own.
    keys = [
        place - len(epochs) if math.isnan(each) else int(each) for place, each in enumerate(epochs)
    ]
    groups: dict[int, list[int]] = {}
    for place, key in enumerate(keys):
        if before is None or key < before:
            groups.setdefault(key, []).append(place)
    joined = {}
    for name, numbers in lists.items():
        join = sum if name == "seconds" else lambda values: sum(values) / len(values)
        joined[name] = [float(join([numbers[p] for p in places])) for places in groups.values()]
    return joined


def _is_tenth(epochs: list[float], now: int) -> bool:
    """Whether a pass is the tenth of `partial_fit`, the twentieth, ..., after calls of `epochs`."""
    first = next((epoch for epoch in epochs if not math.isnan(epoch)), now)
    return (now - first + 1) % _EVERY == 0


def ends_pass(history: History) -> bool:
    """Whether the last call has ended its pass, by the number of calls of the pass before."""
    epochs = history["epoch"]
    now = epochs[-1]
    n_calls, n_before = 0, 0
    for epoch in reversed(epochs):
        if epoch < now - 1 or math.isnan(epoch):
            break
        n_calls, n_before = n_calls + (epoch == now), n_before + (epoch == now - 1)
    return n_calls == n_before


def _check_sum(X: Any) -> int:
    """Of the shape, and of the numbers of some rows, or of some entries, evenly spaced."""
    # Not rows of a sparse X: nobody has looked at its indices yet, and SciPy trusts them.
    parts = (X.indptr, X.indices, X.data) if is_sparse(X) else (X,)
    most = _ENTRIES if is_sparse(X) else _ROWS
    found = zlib.crc32(repr(X.shape).encode())
    for part in parts:
        some = part[:: max(1, len(part) // most)][:most]
        found = zlib.crc32(np.ascontiguousarray(some).tobytes(), found)
    return found
