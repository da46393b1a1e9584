"""Errors that name the argument at fault as its caller knows it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

# Python's own words, of what stands in arrays of objects.
_NO_NUMBER = ("float() argument", "setting an array element with a sequence", "int too large")
_SUBJECT = re.compile(r"^(Input )?(X|target)\b")


@contextmanager
def named(
    names: Mapping[str, str], *, first_row: int = 0, about: str | None = None
) -> Iterator[None]:
    """Within, the caller's names stand for X and target in errors of the core and of scikit-learn.

    Parameters
    ----------
    names : mapping of str to str
        What "X" and "target" are called outside.
    first_row : int, default=0
        The caller's number of row 0.
    about : str, default=None
        What an error is about that begins with none of them. None leaves it as it is.
    """
    try:
        yield
    except (ValueError, TypeError) as error:
        kind, text = type(error), str(error)
        found = _SUBJECT.match(text)
        if kind not in {ValueError, TypeError}:
            raise
        if found is not None and found[2] in names:
            text = f"{found[1] or ''}{names[found[2]]}{text[found.end() :]}"
            text = re.sub(r"at row (\d+)", lambda row: f"at row {int(row[1]) + first_row}", text)
        elif about is not None:
            text = f"{about}: {text}"
        else:
            raise
        raise kind(text) from None


@contextmanager
def objects_named(name: str) -> Iterator[None]:
    """Within, Python's own words of what is no number in an array of objects get their argument."""
    try:
        yield
    except (ValueError, TypeError, OverflowError) as error:
        if not str(error).startswith(_NO_NUMBER):
            raise
        msg = f"{name} must hold real numbers: {error}"
        raise TypeError(msg) from None
