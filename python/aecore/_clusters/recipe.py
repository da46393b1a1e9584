"""The autoencoder that `DeepClustering` trains when it is given none, for rows of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np

from aecore import _core
from aecore._checks.sparse import before_conversion, is_sparse
from aecore.autoencoder import Autoencoder

# The encoder of DEC's authors.
HIDDEN_LAYER_SIZES = (500, 500, 2000, 10)
_N_EPOCHS, _N_UPDATES = 50, 11_000
_BATCHES = 20  # at least, of an epoch
_BATCH_SIZES = (16, 256)


def default_autoencoder(X: Any = None) -> Autoencoder:
    """Make the autoencoder for X; None: what holds for every X.

    The mean of a column is a plateau that training may never leave, so it is taken off, and one
    factor brings the mean variance of the columns to 1. Sparse rows would be filled by that: they
    get the factor alone.
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
        autoencoder.set_params(input_scale=_factor_of_sparse(X))
    else:
        autoencoder.set_params(scale="pooled")
    return autoencoder


def _factor_of_sparse(X: Any) -> float:
    """1 / the root of the mean variance of the columns; 1 where there is none to speak of."""
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
    return float(1.0 / np.sqrt(variance)) if usable else 1.0
