"""The blocks of docs/command-line.md run as they stand."""

from __future__ import annotations

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from aecore.cli._main import _COMMANDS
from commands import run

PAGE = (Path(__file__).parents[2] / "docs" / "command-line.md").read_text()
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def commands(block: str) -> list[str]:
    return block.replace("\\\n", "").splitlines()


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for language, block in BLOCKS:
        if language == "python":
            exec(block, {})
        elif language == "sh":
            for line in commands(block):
                run_line(line)
    for name in ("codes.csv", "again.csv", "labels.csv", "odd.csv", "why.csv", "clusters.csv"):
        assert len(Path(name).read_text().splitlines()) == 301
    assert Path("why.csv").read_text().splitlines()[0] == "score,a,b,c,d,e"


def run_line(line: str) -> None:
    if "|" in line:
        program = f'set -o pipefail; aecore() {{ {shlex.quote(sys.executable)} -m aecore "$@"; }}'
        done = subprocess.run(["bash", "-c", f"{program}; {line}"], check=False)
        assert done.returncode == 0, line
        return
    line, _, target = line.partition(" > ")
    program, *words = shlex.split(line)
    assert program == "aecore"
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        assert run(*words) == 0, line
    if target:
        Path(target).write_text(said.getvalue())


def test_every_command_is_there() -> None:
    for command in _COMMANDS:
        assert f"| `aecore {command}" in PAGE


def test_the_settings_of_the_page(tmp_path: Path) -> None:
    block = next(block for language, block in BLOCKS if language == "toml")
    (tmp_path / "settings.toml").write_text(block)
    assert run("fit", "--config", tmp_path / "settings.toml", "--help") == 0


def test_exit_codes_are_those_of_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    said = capsys.readouterr().out
    codes = re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)
    assert codes == ["0", "1", "2", "130"]
    assert re.findall(r"^    (\d+) ", said, re.MULTILINE) == codes
