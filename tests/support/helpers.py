"""Run something in a Python of its own: the instruction set, for one, is chosen at import."""

from __future__ import annotations

import os
import pickle
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from forking import exit_code, module_path

SUPPORT = Path(__file__).resolve().parent
TESTS = SUPPORT.parent
ROOT = TESTS.parent
R = TypeVar("R")

_CHILD = """\
import pathlib, sys
sys.path[:0] = {path!r}
from forking import call
call(pathlib.Path({folder!r}))
"""


def python_blocks(path: Path) -> list[str]:
    """The blocks of Python code in a Markdown file."""
    return re.findall(r"^```python\n(.*?)^```", path.read_text(), re.DOTALL | re.MULTILINE)


def run_python(
    code: str,
    *,
    isa: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> str:
    """Run `code` in a fresh interpreter and return what it prints.

    Parameters
    ----------
    code : str
        Python source.
    isa : str, optional
        Instruction set forced on aecore with ``AECORE_ISA``; by default that of the environment.
    env : mapping, optional
        Further environment variables.
    timeout : float, default=60
        Seconds until the interpreter is killed.

    Raises
    ------
    AssertionError
        If the interpreter ends with another code than 0; the message holds what it wrote to stderr.
    subprocess.TimeoutExpired
        If it does not end in time.
    """
    forced = {} if isa is None else {"AECORE_ISA": isa}
    child = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **forced, **(env or {})},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert child.returncode == 0, f"child ended with {child.returncode}:\n{child.stderr}"
    return child.stdout


def run_function(
    function: Callable[..., R],
    *arguments: Any,
    isa: str | None = None,
    env: Mapping[str, str] | None = None,
    timeout: float = 60,
) -> R:
    """Call a module-level `function` in a Python of its own and return its result.

    Arguments and result travel as pickles: arrays keep their bits. Without `env` the child is
    forked by a Python that has imported the modules and computed nothing, one for each instruction
    set; with it, it is a fresh interpreter. The rest is as in `run_python`.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "request").write_bytes(pickle.dumps((function, arguments)))
        if env is None and hasattr(os, "fork"):
            code = exit_code(folder, isa, timeout)
            printed = (folder / "printed").read_text()
            assert code == 0, f"child ended with {code}:\n{printed}"
        else:
            program = _CHILD.format(path=module_path(), folder=name)
            run_python(program, isa=isa, env=env, timeout=timeout)
        result: R = pickle.loads((folder / "reply").read_bytes())
    return result
