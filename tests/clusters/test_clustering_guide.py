"""The blocks of docs/clustering.md run as they stand."""

from __future__ import annotations

from typing import Any

from helpers import ROOT, python_blocks


def test_every_block_runs() -> None:
    names: dict[str, Any] = {}
    blocks = python_blocks(ROOT / "docs" / "clustering.md")
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    assert names["codes"].shape == names["shares"].shape == (1797, 10)
    assert names["chosen"].n_clusters_ in range(7, 13)
    assert names["figures"]["accuracy"] > 0.7
