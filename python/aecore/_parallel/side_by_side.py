"""Calls side by side: each on one thread, and as many at a time as there are threads for them."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from sklearn import config_context, get_config

from aecore import _core
from aecore._util.warn import warn

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass
class Outcome(Generic[Result]):
    """What came of the items, by index: a result, an error, or neither where all ended early."""

    results: dict[int, Result] = field(default_factory=dict)
    errors: dict[int, Exception] = field(default_factory=dict)
    # What ended all early: Ctrl-C, or an error of the iterable or of `on_done`.
    interruption: BaseException | None = None

    def check(self) -> None:
        """Raise what ended all early, or the error of the first item that has one."""
        if self.interruption is not None:
            raise self.interruption
        if self.errors:
            raise self.errors[min(self.errors)]


def run_side_by_side(
    function: Callable[[int, Item], Result],
    items: Iterable[Item],
    *,
    n_items: int | None = None,
    n_threads: int | None = None,
    on_done: Callable[[], None] | None = None,
) -> Outcome[Result]:
    """Call `function(index, item)` for all items; the calling thread and new ones share them.

    Calls begin in the order of the items, and each computes on one thread. An error in one is kept,
    and the others go on. A call that runs beside others already runs its own items one by one.

    Parameters
    ----------
    function : callable
        What it returns must depend on its arguments alone: then so does the outcome.
    items : iterable
        Iterated, and `on_done` called, by one thread at a time.
    n_items : int, default=None
        How many there are, if known: there will be no more threads.
    n_threads : int, default=None
        >= 1; None takes what OpenMP, the CPU affinity and the control group allow.
    on_done : callable, default=None
        Called after each item.

    Returns
    -------
    Outcome
        After Ctrl-C as well, as its `interruption`: at once where the calls compute in aecore, or
        else when each has come to its end.
    """
    calls = _Calls(function, items, on_done)
    if _core.runs_alone():
        calls.work()
        return calls.outcome
    n_threads = n_threads or _core.default_n_threads()
    helpers: list[threading.Thread] = []
    try:
        _start(calls, (n_threads if n_items is None else min(n_threads, n_items)) - 1, helpers)
        _core.run_alone(calls.stop, calls.work)
        for helper in helpers:
            helper.join()
    except BaseException as error:
        calls.interrupt(error)
        for helper in helpers:
            helper.join()
    return calls.outcome


class _Calls(Generic[Item, Result]):
    """The items that are left, and the outcome of the others; shared by all threads."""

    def __init__(
        self,
        function: Callable[[int, Item], Result],
        items: Iterable[Item],
        on_done: Callable[[], None] | None,
    ) -> None:
        self.outcome: Outcome[Result] = Outcome()
        self.stop = _core.StopFlag()
        self._function = function
        self._items = enumerate(items)
        self._on_done = on_done
        self._lock = threading.Lock()  # of the iterator, `on_done` and `interruption`

    def work(self) -> None:
        """Take item after item until none is left, or something has ended all."""
        outcome = self.outcome
        while True:
            try:
                with self._lock:
                    if outcome.interruption is not None:
                        return
                    index, item = next(self._items)
            except StopIteration:
                return
            except BaseException as error:
                self.interrupt(error)
                return
            try:
                outcome.results[index] = self._function(index, item)
            except Exception as error:
                outcome.errors[index] = error
            except BaseException as error:
                self.interrupt(error)
                return
            del item  # while waiting for the next one
            self._tell()

    def _tell(self) -> None:
        if self._on_done is None:
            return
        try:
            with self._lock:
                self._on_done()
        except BaseException as error:
            self.interrupt(error)

    def interrupt(self, error: BaseException) -> None:
        """Begin no more; after Ctrl-C and the like stop what has begun.

        What a helper raises because of that comes second, and is dropped.
        """
        with self._lock:
            if self.outcome.interruption is None:
                self.outcome.interruption = error
        if not isinstance(error, Exception):
            self.stop.set()


def _start(calls: _Calls[Item, Result], n: int, helpers: list[threading.Thread]) -> None:
    """Start up to n threads that work as this one would: with its context and configuration."""
    config = get_config()

    def work() -> None:
        with config_context(**config):
            _core.run_alone(calls.stop, calls.work)

    for _ in range(n):
        context = contextvars.copy_context()  # numpy.errstate is in it
        helper = threading.Thread(target=context.run, args=(work,), daemon=True)
        try:
            helper.start()
        except RuntimeError:
            text = "aecore could not create threads (limit of the system); running on fewer"
            warn(text, RuntimeWarning)
            return
        helpers.append(helper)
