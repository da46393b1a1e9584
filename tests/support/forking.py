"""A Python that forks a child for each call: what it has imported is not imported again.

Read as a module, `exit_code` asks for a call; run as a program, it is the one that forks.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pickle
import selectors
import subprocess
import sys
import traceback
from pathlib import Path

import aecore


def module_path() -> list[str]:
    """Where pytest finds the modules of tests and helpers: tests/, and every folder in it."""
    tests = Path(__file__).resolve().parents[1]
    return [str(tests), *sorted(str(folder) for folder in tests.iterdir() if folder.is_dir())]


def call(folder: Path) -> None:
    """Call the function in `folder`/request with its arguments, and write `folder`/reply."""
    function, arguments = pickle.loads((folder / "request").read_bytes())
    (folder / "reply").write_bytes(pickle.dumps(function(*arguments)))


def call_and_exit(folder: Path) -> None:
    """Do it as a forked child, with all that is printed in `folder`/printed."""
    code = 1
    try:
        with (folder / "printed").open("w") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        call(folder)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def serve() -> None:
    """Take folders from standard input, a line each; answer with the exit code of a child."""
    sys.path[1:1] = [str(Path.cwd()), *module_path()]
    for name in aecore.__all__:
        getattr(aecore, name)  # what is imported when it is first asked for
    for line in sys.stdin:
        folder = Path(line.rstrip("\n"))
        # Imports the function's module for the children to come; a child tells what is wrong.
        with contextlib.suppress(Exception):
            pickle.loads((folder / "request").read_bytes())
        child = os.fork()
        if child == 0:
            call_and_exit(folder)
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


@functools.cache
def server(isa: str | None) -> subprocess.Popen[str]:
    """The program, with an instruction set; one thread of BLAS, or there would be two to fork."""
    environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1"}
    if isa is not None:
        environment["AECORE_ISA"] = isa
    file = Path(__file__).resolve()
    program = subprocess.Popen(
        [sys.executable, str(file)],
        env=environment,
        cwd=file.parents[2],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    atexit.register(end, program)
    return program


def end(program: subprocess.Popen[str]) -> None:
    """End it and a child that still runs."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(program.pid, 9)
    program.communicate()


def exit_code(folder: Path, isa: str | None, timeout: float) -> int:
    """Have the function in `folder` called with an instruction set; the child's exit code.

    Parameters
    ----------
    folder : Path
        Where ``request`` is and ``reply`` and ``printed`` will be.
    isa : str or None
        The instruction set; None for that of the environment.
    timeout : float
        Seconds until the child is killed.

    Raises
    ------
    subprocess.TimeoutExpired
        If it does not end in time.
    """
    program = server(isa)
    assert program.stdin is not None
    assert program.stdout is not None
    print(folder, file=program.stdin, flush=True)
    with selectors.DefaultSelector() as selector:
        selector.register(program.stdout, selectors.EVENT_READ)
        if not selector.select(timeout):
            end(program)
            server.cache_clear()
            raise subprocess.TimeoutExpired(program.args, timeout)
    answer = program.stdout.readline()
    assert answer, f"the program for {isa} ended"
    return int(answer)


if __name__ == "__main__":
    serve()
