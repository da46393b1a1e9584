"""The autoencoder that `DeepClustering` trains when it is given none, for rows of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.sparse import before_conversion, is_sparse
from aecore._network.initialization import initialize
from aecore._problem.input import InputSettings
from aecore._problem.plan import Plan
from aecore.autoencoder import Autoencoder
from aecore.network import Network

# The encoder of DEC's authors.
HIDDEN_LAYER_SIZES = (500, 500, 2000, 10)
_N_EPOCHS, _N_UPDATES = 50, 11_000
_BATCHES = 20  # at least, of an epoch
_BATCH_SIZES = (16, 256)


def default_autoencoder(X: Any = None) -> Autoencoder:
    """Make the autoencoder for X; None: what holds for every X.

    The mean of a column is a plateau that training may never leave, so it is taken off, and one
    factor brings the mean variance of the columns to 1. Sparse rows would be filled by that: they
    get the factor alone, and a `start`. Small weights let the network find one direction of the
    rows after the other.
    """
    autoencoder = Autoencoder(
        HIDDEN_LAYER_SIZES, code_activation="identity", initialization="fan_in_uniform"
    )
    if X is None:
        return autoencoder
    shape = getattr(X, "shape", None) or np.shape(X)
    n_rows = shape[0] if shape else 1  # of what is no table: the fit refuses it
    smallest, largest = _BATCH_SIZES
    batch_size = min(max(n_rows // _BATCHES, smallest), largest)
    n_batches = -(-n_rows // batch_size)
    autoencoder.set_params(
        batch_size=batch_size, n_epochs=max(min(_N_EPOCHS, _N_UPDATES // max(n_batches, 1)), 1)
    )
    if is_sparse(X):
        autoencoder.set_params(input_scale=_look_at_sparse(X)[0])
    else:
        autoencoder.set_params(scale="pooled")
    return autoencoder


def start(X: Any, *, dtype: Any, n_threads: int | None, seed: int) -> Network | None:
    """What `default_autoencoder(X)` begins with: the means of sparse X as biases of its output.

    None is its own start: the means of other rows are taken off.
    """
    if not is_sparse(X) or X.ndim != 2 or 0 in X.shape:
        return None
    factor, means = _look_at_sparse(X)
    autoencoder = default_autoencoder(X).set_params(dtype=dtype, n_threads=n_threads)
    plan = Plan.of(autoencoder, X.shape[1], X.shape[1], seed)
    run = plan.run
    network = Network._blank(plan.layers, run.dtype, InputSettings(), run.n_threads)
    initialize(network, plan.optimization.initialization, run.seed)
    network.biases[-1][:] = factor * means
    return network


def _look_at_sparse(X: Any) -> tuple[float, NDArray[np.float64]]:
    """A factor and the column means, all usable numbers.

    The factor is 1 / the root of the mean variance of the columns; 1 where there is none to speak
    of, and then the means are 0.
    """
    rows = before_conversion(X, "X").tocsr()
    _core.check_sparse(rows, "X")
    if not rows.has_canonical_format:
        rows = rows.copy()
        rows.sum_duplicates()
    with np.errstate(all="ignore"):
        values = rows.data.astype(np.float64)
        means = np.bincount(rows.indices, values, rows.shape[1]) / rows.shape[0]
        power = np.square(values).sum() / rows.shape[0]
        variance = (power - np.square(means).sum()) / rows.shape[1]
        usable = np.isfinite(variance) and variance > 1e-9 * power / rows.shape[1]
    return (float(1.0 / np.sqrt(variance)), means) if usable else (1.0, np.zeros_like(means))
