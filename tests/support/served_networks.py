"""Networks and rows for compiled callers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

import aecore

KINDS: dict[str, dict[str, Any]] = {
    "plain": {},
    "tied": {"tied_weights": True},
    "top-k": {"code_top_k": 2},
    "tied top-k": {"tied_weights": True, "code_top_k": 2},
    "softmax": {"output": "softmax"},
    "gelu": {"output": "gelu"},
    "logarithms": {"log1p": True},
}


def make_network(
    dtype: str = "float32",
    sizes: tuple[int, ...] = (300, 37, 5, 37, 300),
    *,
    output: str = "identity",
    log1p: bool = False,
    **settings: Any,
) -> aecore.Network:
    """A network whose widths are no multiples of anything, with biases that are not zero."""
    names = ["relu", "tanh", "sigmoid", output]
    network = aecore.Network(
        list(sizes),
        names[: len(sizes) - 1],
        dtype=dtype,
        input_scale=0.5,
        random_state=0,
        **settings,
    )
    for bias in network.biases:
        bias[:] = np.linspace(-1, 1, bias.size)
    network._input = replace(network._input, log1p=log1p)
    return network


def make_rows(n_rows: int, n_columns: int, dtype: str = "float32") -> np.ndarray[Any, Any]:
    """Rows of normal numbers, the same at every call."""
    rows = np.random.default_rng(1).standard_normal((n_rows, n_columns))
    return np.ascontiguousarray(rows, dtype=dtype)
