"""J and gradient of the core beside those of `aecore.reference`."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core, reference
from core_options import core_objective

CLIPPED = ("binary_cross_entropy", "poisson")


POSITIVE = {"binary_cross_entropy": ("sigmoid",), "poisson": ("sigmoid", "softplus")}


def guarded(values: NDArray[Any]) -> NDArray[Any]:
    """A copy of `values` with NaN planted behind it."""
    buffer = np.full(values.size + 64, np.nan, values.dtype)
    buffer[: values.size] = values.ravel()
    return buffer[: values.size].reshape(values.shape)


def difference(
    sizes: list[int],
    activations: list[str],
    n_rows: int,
    dtype: str = "float64",
    threads: tuple[int, ...] = (1,),
    **options: Any,
) -> float:
    """Largest relative difference of J and of each parameter block's gradient to the reference."""
    rng = np.random.default_rng(n_rows)
    code = (len(sizes) - 2) // 2
    tied, top_k = options.pop("tied_weights", False), options.pop("code_top_k", 0)
    epoch = options.pop("epoch", 0)
    network = _core.Network(
        sizes, activations, tied_weights=tied, code_layer=code, code_top_k=top_k
    )
    # Wide layers get smaller weights: a saturated unit's rho_hat makes KL' arbitrarily steep.
    values = rng.uniform(-1, 1, network.n_parameters) * min(1.0, 4.0 / max(sizes) ** 0.5)
    loss = options.get("loss", "squared_error")
    if loss in CLIPPED and activations[-1] not in POSITIVE[loss]:
        # 1 / (1 - x_hat) magnifies rounding without bound as x_hat nears 1, and so does 1 / x_hat
        # as it nears 0: keep away from both.
        n_last = sizes[-2] * sizes[-1]
        values[-n_last - sizes[-1] :] *= 0.02
        values[-sizes[-1] :] = rng.choice([0.5, 3.0], sizes[-1])  # inside, and clipped
    parameters = guarded(values.astype(dtype))
    X = guarded(rng.random((n_rows, sizes[0])))
    weight = rng.random(n_rows) if options.pop("weighted", False) else None
    expected_j, expected = reference.objective_and_gradient(
        sizes,
        activations,
        parameters,
        X,
        sample_weight=weight,
        tied_weights=tied,
        code_top_k=top_k or None,
        epoch=epoch,
        **options,
    )
    options["code_layer"] = code
    worst = 0.0
    for n_threads in threads:
        gradient = guarded(np.empty(network.n_parameters, dtype))
        parts = network.evaluate(
            parameters,
            _core.Data(X, sample_weight=weight),
            core_objective(**options),
            gradient=gradient,
            n_threads=n_threads,
            epoch=epoch,
        )
        worst = max(worst, abs(sum(parts.values()) - expected_j) / abs(expected_j))
        start = 0
        for layer, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            own = not tied or 2 * layer < len(activations)
            for length in (n_in * n_out, n_out) if own else (n_out,):
                block = expected[start : start + length]
                error = np.abs(gradient[start : start + length] - block).max()
                worst = max(worst, float(error / np.abs(block).max()))
                start += length
    return worst
