"""The blocks of docs/outliers.md and the example run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

from helpers import ROOT, python_blocks


def test_every_block_runs() -> None:
    names: dict[str, Any] = {}
    blocks = python_blocks(ROOT / "docs" / "outliers.md")
    assert len(blocks) == 4
    for block in blocks:
        exec(block, names)
    assert names["errors"].shape == (1000, 3)
    assert 500 <= names["errors"].sum(axis=1).argmax() < 520


def run_example(*arguments: str | Path) -> str:
    child = subprocess.run(
        [sys.executable, str(ROOT / "examples" / "detect.py"), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    return child.stdout


def test_the_example_draws_the_odd_rows(tmp_path: Path) -> None:
    said = run_example(tmp_path / "wines.png")
    assert "139 rows of 13 numbers" in said
    assert (tmp_path / "wines.png").stat().st_size > 10_000


def test_the_example_reads_a_table(tmp_path: Path) -> None:
    lines = [f"{i % 7},{2 * (i % 7)},x,{i % 3}" for i in range(60)]
    lines[17] = "3,-9,x,"
    (tmp_path / "table.csv").write_text("\n".join(["a,b,kind,c", *lines]) + "\n")
    said = run_example(tmp_path / "table.csv", tmp_path / "table.png")
    assert "60 rows of 3 numbers" in said
    assert "row 17:" in said
    assert "b = -9" in said
