"""`import aecore` in a sub-interpreter is refused at once, and the main one goes on."""

from __future__ import annotations

import importlib.util

import pytest

from helpers import run_python

CODE = """
import importlib, sys

def run(first):
    name = "_interpreters" if sys.version_info >= (3, 13) else "_xxsubinterpreters"
    interpreters = importlib.import_module(name)
    if first == "main":
        import aecore
    for isolated in (True, False):
        if sys.version_info >= (3, 13):
            made = interpreters.create("isolated" if isolated else "legacy")
        else:
            made = interpreters.create(isolated=isolated)
        code = "import sys; sys.path[:] = " + repr(sys.path) + '''
try:
    import aecore
except ImportError as error:
    print(type(error).__name__, error)
else:
    print("imported")
'''
        try:
            error = interpreters.run_string(made, code)
            if error is not None:
                print(error.formatted)
        except Exception as error:  # raised so before Python 3.13
            print(error)
        sys.stdout.flush()

run({first!r})
import aecore
print(aecore.Network([2, 1, 2], ["relu", "relu"], random_state=0).layer_sizes)
"""


@pytest.mark.parametrize("first", ["main", "other"])
def test_a_sub_interpreter_is_refused_at_once(first: str) -> None:
    names = ("_interpreters", "_xxsubinterpreters")
    if not any(importlib.util.find_spec(name) for name in names):
        pytest.skip("this Python has no sub-interpreters to try")
    *told, last = run_python(CODE.replace("{first!r}", repr(first)), timeout=30).splitlines()
    assert last == "[2, 1, 2]"
    assert len(told) == 2
    for line in told:
        assert line.startswith("ImportError ")
        assert "sub" in line  # Python's own sentence, or aecore's
