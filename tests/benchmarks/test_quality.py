"""The quality benchmarks: each `--quick` meets its expectation, and a missed one is a failure."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from helpers import ROOT

if not (ROOT / "benchmarks").is_dir():
    pytest.skip("benchmarks are not beside the tests", allow_module_level=True)

from benchmarks.quality import common
from benchmarks.quality.common import Benchmark, Goal

COMMANDS = sorted(
    path.stem
    for path in (ROOT / "benchmarks" / "quality").glob("*.py")
    if "def main()" in path.read_text()
)


def test_there_are_commands() -> None:
    assert {"denoising", "golden", "hinton", "keras_tutorial", "same_steps"} <= set(COMMANDS)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("command", COMMANDS)
def test_quick_run_meets_its_expectation(command: str, shared_data: Callable[[str], Path]) -> None:
    root = shared_data("mnist").parent
    assert shared_data("natural-patches-10x10").parent == root
    before = common.RESULTS.read_bytes() if common.RESULTS.exists() else None
    child = subprocess.run(
        [sys.executable, "-m", f"benchmarks.quality.{command}", "--quick"],
        cwd=ROOT,
        env={**os.environ, "AECORE_DATA": str(root)},
        capture_output=True,
        text=True,
        timeout=390,
        check=False,
    )
    assert child.returncode == 0, child.stdout + child.stderr
    assert ": met (" in child.stdout
    # Only full runs are recorded.
    assert (common.RESULTS.read_bytes() if common.RESULTS.exists() else None) == before


@pytest.mark.parametrize(
    ("reached", "met"),
    [(1.0, True), (2.0, True), (2.1, False), (0.9, False), (float("nan"), False)],
)
def test_a_missed_goal_is_a_failure(
    reached: float, met: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["name", "--quick"])
    goals = [Goal("always", 0.0, 0.0, 0.0), Goal("figure", reached, 1.0, 2.0)]
    assert Benchmark("name", None).finish({}, goals) == (0 if met else 1)
    assert ("MISSED" in capsys.readouterr().out) is not met


def test_full_runs_are_recorded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["name"])
    monkeypatch.setattr(common, "RESULTS", tmp_path / "quality.json")
    for figure in (1.0, 2.0):
        Benchmark("name", None).finish({"figure": figure}, [])
    entries = json.loads((tmp_path / "quality.json").read_text())
    assert [entry["figures"] for entry in entries] == [{"figure": 1.0}, {"figure": 2.0}]
    assert all(entry["commit"] is not None and entry["date"] for entry in entries)


def test_without_data_a_command_says_what_to_do(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.quality.precision", "--quick"],
        cwd=ROOT,
        env={**os.environ, "AECORE_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 1
    assert "set AECORE_DATA to the folder that holds the data" in child.stderr
