"""Ctrl-C while the command `aecore` starts: one line and exit code 130, whatever is imported.

Loading NumPy and scikit-learn takes a second, and what a KeyboardInterrupt in the middle of that
looks like is up to whoever is being imported.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

_SCRIPTS = ("aecore", "aecore.exe")


def is_command() -> bool:
    """Whether this process is the command, by its script or by `python -m aecore`."""
    called = sys.argv[0] if getattr(sys, "argv", None) else ""
    if called == "-m":  # what Python calls it until the module is found
        return "aecore" in sys.orig_argv
    return os.path.basename(called) in _SCRIPTS  # noqa: PTH119  (pathlib takes 10 ms to load)


def end_on_ctrl_c() -> None:
    """Until `started`: end the process at Ctrl-C, where it would raise KeyboardInterrupt."""
    if is_command() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        try:
            signal.signal(signal.SIGINT, _end)
        except ValueError:  # this is not the main thread
            return


def started() -> None:
    """Let Ctrl-C raise KeyboardInterrupt again: there may be something to clean up."""
    if signal.getsignal(signal.SIGINT) is _end:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _end(*_: Any) -> None:
    os.write(2, b"aecore: interrupted\n")
    os._exit(130)
