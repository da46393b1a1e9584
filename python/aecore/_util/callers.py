"""Who called: for warnings, which name the line of the caller outside."""

from __future__ import annotations

import itertools
import sys


def caller_level() -> int:
    """Return the `stacklevel` at which the function that warns was called from outside aecore."""
    for level in itertools.count(1):
        try:
            frame = sys._getframe(level)
        except ValueError:  # nobody outside: a thread of ours
            return level
        if frame.f_globals.get("__name__", "").partition(".")[0] != "aecore":
            return level
    raise AssertionError
