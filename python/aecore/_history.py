"""`history_` while it grows: epochs are appended to lists that nobody copies until asked."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any


class History(Mapping[str, list[float]]):
    """The first `n_epochs` numbers of lists of equal length, which may go on growing elsewhere.

    Read-only: an element is a copy. So an epoch can be published at the cost of one small object,
    however many there were before it, and other threads never see half of it.
    """

    def __init__(self, lists: Mapping[str, list[float]], n_epochs: int) -> None:
        self._lists = dict(lists)
        self.n_epochs = n_epochs

    @classmethod
    def empty(cls) -> History:
        """Return the history of no epoch."""
        return cls({"loss": [], "seconds": []}, 0)

    def __getitem__(self, name: str) -> list[float]:
        return self._lists[name][: self.n_epochs]

    def __iter__(self) -> Iterator[str]:
        return iter(self._lists)

    def __len__(self) -> int:
        return len(self._lists)

    def __reduce__(self) -> tuple[Any, ...]:
        return History, (dict(self), self.n_epochs)

    def own(self) -> History:
        """Return a copy whose lists nobody else appends to."""
        return History(dict(self), self.n_epochs)

    def extended(self, *epochs: Mapping[str, float]) -> History:
        """Append epochs to the lists, which must be our `own`, and return the history with them.

        A list that begins late is filled up with NaN; a number that is NaN begins none. What a call
        has left that Ctrl-C ended is not of this history.
        """
        lists = dict(self._lists)
        for numbers in lists.values():
            del numbers[self.n_epochs :]
        for epoch, values in enumerate(epochs, self.n_epochs):
            for name, value in values.items():
                if name not in lists and not math.isnan(value):
                    lists[name] = [math.nan] * epoch
            for name, numbers in lists.items():
                numbers.append(values.get(name, math.nan))
        return History(lists, self.n_epochs + len(epochs))
