"""The blocks of docs/tables.md run as they stand."""

from __future__ import annotations

from typing import Any

from helpers import ROOT, python_blocks


def test_every_block_runs() -> None:
    names: dict[str, Any] = {}
    blocks = python_blocks(ROOT / "docs" / "tables.md")
    assert len(blocks) == 1
    for block in blocks:
        exec(block, names)
