"""The blocks of docs/variational.md run as they stand."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import ROOT, python_blocks


def test_every_block_runs() -> None:
    names: dict[str, Any] = {}
    blocks = python_blocks(ROOT / "docs" / "variational.md")
    assert len(blocks) == 2
    for block in blocks:
        exec(block, names)
    assert names["new"].shape == (10, 64)
    assert names["way"].shape == (8, 64)
    assert np.isfinite(names["terms"]).all()
