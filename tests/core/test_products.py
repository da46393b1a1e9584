"""The packed matrix product: every form and tile edge, and nothing read or written past an end."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers import run_function

SIZES = (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 100, 127)
TERMS = (1, 17, 33, 127, 256, 300, 600)  # around the panel width and the block of the sum


def guarded(values: NDArray[Any]) -> NDArray[Any]:
    """A copy of `values` with NaN planted behind it: whoever reads on computes NaN."""
    buffer = np.full(values.size + 64, np.nan, values.dtype)
    buffer[: values.size] = values.ravel()
    return buffer[: values.size].reshape(values.shape)


def worst_errors(product: str, dtype: str) -> dict[str, float]:
    """Largest error, relative to the largest element, by outcome, over all sizes."""
    from aecore import _core

    rng = np.random.default_rng(0)
    worst = 0.0
    overwritten = 0
    for m in SIZES:
        for n in SIZES:
            for k in TERMS:
                a = rng.standard_normal((m, k)).astype(dtype)
                b = rng.standard_normal((k, n)).astype(dtype)
                expected = a.astype(np.float64) @ b.astype(np.float64)
                buffer = np.full(m * n + 64, np.nan, dtype)
                c = buffer[: m * n].reshape(m, n)
                left = a if product != "weights" else np.ascontiguousarray(a.T)
                right = b if product != "backward" else np.ascontiguousarray(b.T)
                _core.matmul(product, guarded(left), guarded(right), c)
                worst = max(worst, float(np.abs(c - expected).max() / np.abs(expected).max()))

                overwritten += int(np.isfinite(buffer[m * n :]).sum())
    return {"error": worst, "overwritten": overwritten}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("product", ["forward", "backward", "weights"])
def test_product_equals_numpy_around_every_tile_edge(isa: str, product: str, dtype: str) -> None:
    result = run_function(worst_errors, product, dtype, isa=isa)
    # Rounding of a sum of k terms in blocks of 256: a few units in the last place of the largest.
    assert result["error"] < 16 * np.finfo(dtype).eps
    assert result["overwritten"] == 0
