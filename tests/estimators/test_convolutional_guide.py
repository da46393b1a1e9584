"""The blocks of docs/convolutional.md run as they stand."""

from __future__ import annotations

from typing import Any

import numpy as np

from helpers import ROOT, python_blocks


def test_every_block_runs() -> None:
    names: dict[str, Any] = {}
    blocks = python_blocks(ROOT / "docs" / "convolutional.md")
    assert len(blocks) == 3
    for block in blocks:
        exec(block, names)
    assert names["again"].shape == names["images"].shape == (297, 8, 8)
    assert names["codes"].shape == (297, 10)
    error = np.mean((names["again"] - names["X"][1500:]) ** 2)
    assert error < 0.6 * np.var(names["X"][1500:])
    assert names["drawn"].shape == (16, 8, 8)
    assert names["between"].shape == (5, 8, 8)
    assert np.isfinite(names["gradient"]).all()
    assert names["net"].layer_sizes[-1] == 784
