"""The rows of the workloads: MNIST where it is at hand, image patches, random numbers."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from examples.idx import read_idx
from numpy.typing import NDArray

_CHECKOUT = Path(__file__).resolve().parents[1]
_SEED = 0
# Of the pixels of MNIST 19 % are not zero.
_DENSITY = 0.19
_N_MNIST = 60_000
_N_MOVIES = 3_706  # those of MovieLens-1M that somebody has rated
# The share of the items that a row has: 150 of 20,000 products that a customer has bought, and what
# a user of MovieLens-1M has rated.
RATINGS_DENSITY = {"ratings": 0.0075, "ratings-ml": 0.0447}


def data_root() -> Path:
    """Where data sets lie: AECORE_DATA, or shared/data beside the checkout."""
    return Path(os.environ.get("AECORE_DATA", _CHECKOUT.parent / "shared" / "data"))


def mnist_is_here() -> bool:
    """Whether `make_rows` reads MNIST; otherwise it draws rows of its shape and sparsity."""
    return _mnist_file().is_file()


def make_rows(kind: str, n_rows: int, n_features: int) -> Any:
    """Make the rows of a workload, the same ones every time.

    Parameters
    ----------
    kind : {"mnist", "mnist-bytes", "patches", "uniform", "normal", "ratings", "ratings-ml"}
        Digits in [0, 1], digits as bytes, patches of photographs in [0.1, 0.9], numbers drawn
        from [0, 1) or from N(0, 1), ones at a few places of each row: drawn, or what each user of
        MovieLens-1M rated.
    n_rows, n_features : int
        Digits are repeated when there are more rows than digits.

    Returns
    -------
    ndarray or scipy.sparse.csr_array of shape (n_rows, n_features)
        float32, or uint8 for "mnist-bytes"; C-contiguous and writable. Both ratings are sparse.
    """
    if kind in ("mnist", "mnist-bytes"):
        digits = _digits()
        take = np.resize(np.arange(digits.shape[0]), n_rows)
        return digits[take] if kind == "mnist-bytes" else _in_blocks(digits, take)
    if kind == "patches":
        from aecore.demo._patches import natural_patches

        return natural_patches(_SEED)[:n_rows].astype(np.float32)
    rng = np.random.default_rng(_SEED)
    if kind == "ratings-ml" and n_features == _N_MOVIES and _movielens_file().is_file():
        return _movielens(n_rows)
    if kind in RATINGS_DENSITY:
        return _ratings(rng, n_rows, n_features, RATINGS_DENSITY[kind])
    if kind == "uniform":
        return rng.random((n_rows, n_features), dtype=np.float32)
    return rng.standard_normal((n_rows, n_features), dtype=np.float32)


def _movielens_file() -> Path:
    return data_root() / "movielens-1m" / "ml-1m.npz"


def _movielens(n_rows: int) -> Any:
    """The first users, and all items that somebody rated."""
    from scipy.sparse import csr_array

    with np.load(_movielens_file()) as archive:
        columns = [archive[name] for name in ("user", "item")]
    users, items = (np.unique(column, return_inverse=True)[1] for column in columns)
    return csr_array((np.ones(users.size, np.float32), (users, items)))[:n_rows]


def _ratings(rng: np.random.Generator, n_rows: int, n_features: int, density: float) -> Any:
    from scipy.sparse import csr_array

    n = max(1, round(density * n_features))
    columns = [np.sort(rng.choice(n_features, n, replace=False)) for _ in range(n_rows)]
    indptr = np.arange(0, n * n_rows + 1, n)
    ones = np.ones(n * n_rows, np.float32)
    return csr_array((ones, np.concatenate(columns), indptr), shape=(n_rows, n_features))


def _in_blocks(digits: NDArray[np.uint8], take: NDArray[np.int64]) -> NDArray[np.float32]:
    # A block at a time: a million rows need no second copy of themselves.
    rows = np.empty((take.size, digits.shape[1]), np.float32)
    for start in range(0, take.size, 4096):
        stop = start + 4096
        rows[start:stop] = digits[take[start:stop]]
        rows[start:stop] *= np.float32(1.0 / 255.0)
    return rows


def _mnist_file() -> Path:
    return data_root() / "mnist" / "train-images-idx3-ubyte.gz"


def _digits() -> NDArray[np.uint8]:
    if mnist_is_here():
        return read_idx(_mnist_file()).reshape(-1, 784)
    rng = np.random.default_rng(_SEED)
    values = rng.integers(1, 256, size=(_N_MNIST, 784), dtype=np.uint8)
    values[rng.random(values.shape, dtype=np.float32) >= _DENSITY] = 0
    return values
