"""Where training starts: weights drawn from a seed, and biases that fit the data.

Biases are zero; Glorot uniform weights, the usual ones, are drawn by the core, the others by
`aecore.reference`. Two groups of biases then move to where training would carry them anyway, which
saves L-BFGS many iterations: a sparse sigmoid layer starts at its target activation, and a sigmoid
or softmax output at the mean of what it has to produce.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._checks.sparse import is_sparse, sparse_sums
from aecore._network.state import NetworkState
from aecore._problem.layer_list import convolutions_of

# Rows looked at for the mean of the target: more would not move a bias, and cost time.
_MEAN_ROWS = 4096
_BLOCK_ROWS = 256
# A column that is constant 0 or 1 gets a bias of +-7, which the sigmoid can still leave.
_MEAN_RANGE = (1e-3, 1.0 - 1e-3)
# The same for a category that does not occur, beside equal shares of all.
_LEAST_SHARE = 1e-3


def initialize(network: NetworkState, name: str | None, seed: int) -> None:
    """Draw the weights that `name` stands for; biases become zero."""
    if name in (None, "glorot", "glorot_uniform"):
        network._core.initialize(network.parameters, seed)
        return
    from aecore.reference import initial_parameters

    network.parameters[:] = initial_parameters(
        network.layer_sizes,
        network.activations,
        name,
        seed=seed,
        tied_weights=network.tied_weights,
        gaussian_layer=network.gaussian_layer,
        convolutions=convolutions_of(network.layers),
    )


def set_sparse_biases(
    network: NetworkState, layers: Sequence[int], rho: float, mean: NDArray[np.float64]
) -> None:
    """Start the sigmoid layers among `layers` near rho_hat = rho, the first at the input `mean`."""
    for layer in layers:
        if network.activations[layer] == "sigmoid":
            network.biases[layer][:] = _logit(np.float64(rho))
    dense = network.weights[0].ndim == 2
    if dense and 0 in layers and network.activations[0] == "sigmoid":
        # Not mean @ W: BLAS adds up in an order that depends on its number of threads.
        network.biases[0][:] -= (mean[:, np.newaxis] * network.weights[0]).sum(axis=0)


def set_output_biases(network: NetworkState, mean: NDArray[np.float64]) -> None:
    """Start a sigmoid output at logit(mean of the target), a softmax at the log of the shares.

    Other outputs stay at zero.
    """
    bias = network.biases[-1]
    if network.activations[-1] == "sigmoid":
        by_unit = mean.reshape(-1, bias.size).mean(axis=0)  # over positions, where it convolves
        bias[:] = _logit(np.clip(by_unit, *_MEAN_RANGE))
    elif network.activations[-1] == "softmax" and mean.sum() > 0:
        bias[:] = np.log(np.maximum(mean / mean.mean(), _LEAST_SHARE))


def column_means(
    X: Any,
    rows: NDArray[np.int64] | None,
    sample_weight: NDArray[np.float64] | None,
    dtype: np.dtype[Any],
    *,
    skip_nan: bool = False,
) -> NDArray[np.float64]:
    """Average evenly spaced ones of the `rows` of X as the core sees them, rounded to `dtype`.

    Block by block: no copy of the data, and the same order of additions, hence the same bits, for
    every memory layout of the same numbers. `skip_nan` leaves NaN out; else its column gives 0.
    """
    n_rows = X.shape[0] if rows is None else rows.shape[0]
    step = -(-n_rows // _MEAN_ROWS)
    taken = np.arange(0, n_rows, step) if rows is None else rows[::step]
    weights = np.ones(taken.shape[0]) if sample_weight is None else sample_weight[taken]
    if not weights.any():  # all of these rows, but not all rows, have weight 0
        weights = np.ones(taken.shape[0])
    total, weight = np.zeros((2, X.shape[1]))
    if is_sparse(X):
        with np.errstate(invalid="ignore", over="ignore"):
            mean = sparse_sums(X, taken, weights, dtype) / weights.sum()
        return np.where(np.isfinite(mean), mean, 0.0)
    with np.errstate(invalid="ignore", over="ignore"):
        for start in range(0, taken.shape[0], _BLOCK_ROWS):
            stop = start + _BLOCK_ROWS
            block = X[taken[start:stop]].astype(dtype).astype(np.float64, order="C")
            weighted = block * weights[start:stop, np.newaxis]
            if skip_nan:
                observed = ~np.isnan(block)
                weighted = np.where(observed, weighted, 0.0)
                weight += (observed * weights[start:stop, np.newaxis]).sum(axis=0)
            total += weighted.sum(axis=0)
        mean = total / (weight if skip_nan else weights.sum())
    # With NaN in a bias, training would blame the loss before the core finds the NaN in the rows.
    return np.where(np.isfinite(mean), mean, 0.0)


def _logit(p: Any) -> Any:
    return np.log(p / (1.0 - p))
