"""The progress bar of `fit(verbose=1)`, and nothing at all for `verbose=0`."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from typing_extensions import Self


class Progress:
    """A tqdm bar on stderr that counts work in any unit and shows the latest losses.

    Parameters
    ----------
    verbose : int
        0 shows nothing and does not load tqdm.
    total : int or None
        Units of work in the whole; None if nobody knows.
    unit : str
        What is counted: "row", "iteration" or the like.
    title : str, default=None
        Stands before the bar.
    """

    def __init__(
        self, verbose: int, total: int | None, unit: str, title: str | None = None
    ) -> None:
        self._bar: Any = None
        if verbose:
            from tqdm import tqdm

            self._bar = tqdm(desc=title, total=total, unit=f" {unit}s", unit_scale=unit == "row")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exception_type: type[BaseException] | None,
        exception: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def visible(self) -> bool:
        """Whether there is a bar that wants to be moved within an epoch."""
        return self._bar is not None

    def move_to(self, done: int) -> None:
        """Set the bar to `done` units, counted from the start of the fit."""
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def step(self) -> None:
        """Move the bar by one unit."""
        if self._bar is not None:
            self._bar.update()

    def show(self, **values: float) -> None:
        """Show numbers behind the bar, the next time it is drawn."""
        if self._bar is not None:
            text = {name: f"{value:.6g}" for name, value in values.items()}
            self._bar.set_postfix(text, refresh=False)
