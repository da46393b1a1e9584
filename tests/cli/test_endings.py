"""How commands end: exit codes, closed pipes, warnings in one line, Ctrl-C at any moment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import aecore
from aecore.cli import main
from commands import ROWS, command, fit, run
from helpers import run_python

# Ends the process at the import of a module as Ctrl-C would: Python loads it before anything else.
SITE = """
import os, signal, sys

class Interrupts:
    def find_spec(self, name, path=None, target=None):
        if name == os.environ["AT"]:
            os.environ["AT"] = ""
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupts())
"""
MOMENTS = [
    "aecore._core",
    "numpy",
    "numpy._core.multiarray",
    "aecore.cli",
    "aecore.cli._main",
    "click",
    "aecore.cli._fit",
    "sklearn",
    "scipy.sparse._csr",
    "aecore.autoencoder",
    "aecore.outlier_detector",
]


@pytest.fixture(autouse=True)
def _interrupts_arrive() -> Iterator[None]:
    """What a shell runs in its background ignores SIGINT, and so would its children."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def interrupted(folder: Path, at: str, program: list[str]) -> subprocess.CompletedProcess[str]:
    (folder / "sitecustomize.py").write_text(SITE)
    np.save(folder / "x.npy", ROWS)
    paths = [str(folder), str(Path(aecore.__file__).parents[1]), os.environ.get("PYTHONPATH", "")]
    words = ["fit", str(folder / "x.npy"), "-o", str(folder / "m"), "--estimator"]
    return subprocess.run(
        [sys.executable, *program, *words, "outlier-detector"],
        env={**os.environ, "AT": at, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("at", MOMENTS)
def test_ctrl_c_while_the_module_starts(at: str, tmp_path: Path) -> None:
    done = interrupted(tmp_path, at, ["-m", "aecore"])
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() in {"aecore: interrupted", "aecore fit: interrupted"}
    assert not (tmp_path / "m").exists()


@pytest.mark.parametrize("at", MOMENTS[::4])
def test_ctrl_c_while_the_script_starts(at: str, tmp_path: Path) -> None:
    # What pip writes.
    script = tmp_path / "aecore"
    script.write_text("import sys\nfrom aecore.cli import main\nsys.exit(main())\n")
    done = interrupted(tmp_path, at, [str(script)])
    assert done.returncode == 130, done.stderr
    assert done.stderr.strip() in {"aecore: interrupted", "aecore fit: interrupted"}


def test_ctrl_c_that_comes_through_exec(tmp_path: Path) -> None:
    # Python notes such an interrupt, and ends itself by the signal though it was caught.
    (tmp_path / "program.py").write_text(
        "import sys\n"
        "from aecore.cli import _main, main\n"
        "_main.commands.main = lambda *_, **__: exec('raise KeyboardInterrupt')\n"
        "sys.argv = ['aecore', 'fit']\n"
        "sys.exit(main())\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "program"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(aecore.__file__).parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (130, "aecore fit: interrupted\n")


def test_ctrl_c_of_others_stays_theirs(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import aecore\nprint(aecore.Autoencoder)\n")
    done = interrupted(tmp_path, "sklearn", [str(tmp_path / "program.py")])
    assert "KeyboardInterrupt" in done.stderr


def test_an_ignored_ctrl_c_stays_ignored() -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN)\n"
        "sys.argv[0] = 'aecore'\n"
        "import aecore\n"
        "print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)"
    )
    assert run_python(code).strip() == "True"


@pytest.mark.parametrize("words", [["--help"], ["fit", "--help"], ["info", "MODEL", "--json"]])
def test_a_closed_pipe_is_no_error(words: list[str], tmp_path: Path) -> None:
    model = tmp_path / "model"
    aecore.Autoencoder((2,)).save(model)
    words = [str(model) if word == "MODEL" else word for word in words]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "aecore", *words],
            stdout=pipe,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.stderr == ""
    assert done.returncode == 0


def test_closed_pipes_for_everything(tmp_path: Path) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as pipe:
        words = [sys.executable, "-m", "aecore", "info", str(tmp_path / "none")]
        done = subprocess.run(words, stdout=pipe, stderr=pipe, check=False)
    assert done.returncode == 2


@pytest.mark.filterwarnings("default")
def test_warnings_are_lines_of_the_program(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fit("autoencoder", tmp_path)
    said = capsys.readouterr().err
    assert said.startswith("aecore fit: warning: training ended with a loss of")
    assert said.count("\n") == 1
    assert "ConvergenceWarning" not in said


@pytest.mark.parametrize("words", [["fitt"], ["--nothing"], ["fit"], ["info"], ["score", "m"]])
def test_wrong_words_are_one_sentence(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("aecore")
    assert ": error: " in said.err
    assert said.err.count("\n") == 1


def test_a_program_of_its_own_calls_main(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(sys, "argv", ["aecore", "--version"])
    assert main() == 0
    assert signal.getsignal(signal.SIGINT) is before


def test_python_m_is_the_command() -> None:
    done = command("--version")
    assert done.stdout == f"aecore {aecore.__version__}\n"
    assert done.stderr == ""
