"""Children of `helpers.run_function`: forked with the instruction set asked for, and fresh."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from aecore import _core
from helpers import run_function

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")


def who_am_i() -> tuple[str, int, int, bool]:
    """Instruction set, process, its parent, and whether a call before this one left something."""
    left = hasattr(sys, "left_by_a_call")
    sys.left_by_a_call = True  # type: ignore[attr-defined]
    return _core.show_build()["isa"], os.getpid(), os.getppid(), left


def test_children_of_one_instruction_set(isa: str) -> None:
    first, second = (run_function(who_am_i, isa=isa) for _ in range(2))
    assert first[0] == second[0] == isa
    assert len({os.getpid(), first[1], second[1], first[2]}) == 4
    assert first[2] == second[2]
    assert not first[3]
    assert not second[3]


def fail() -> None:
    print("said before", flush=True)
    msg = "something went wrong"
    raise ValueError(msg)


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def sleep() -> None:
    time.sleep(60.0)


def test_failures_are_told() -> None:
    with pytest.raises(AssertionError, match=r"(?s)ended with 1:.said before.*ValueError: someth"):
        run_function(fail)
    with pytest.raises(AssertionError, match="ended with -9"):
        run_function(die)
    start = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        run_function(sleep, timeout=0.2)
    assert time.monotonic() - start < 50.0
    assert run_function(who_am_i)[0] == _core.show_build()["isa"]
