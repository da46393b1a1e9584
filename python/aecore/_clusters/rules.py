"""Which cluster a code belongs to, from arrays that a model file can hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from threadpoolctl import threadpool_limits

from aecore import _core

_FAR = 1e15


def soft_assignment(
    codes: NDArray[Any], centers: NDArray[Any], n_threads: int | None
) -> NDArray[Any]:
    """Give q of rows and clusters in the dtype of the centres; see `aecore.reference`."""
    q = np.empty((len(codes), len(centers)), dtype=centers.dtype)
    if q.size:
        _core.soft_assignment(codes, np.ascontiguousarray(centers), q, n_threads or 0)
    return q


def of_nearest_center(codes: NDArray[Any], centers: NDArray[Any]) -> NDArray[np.int64]:
    """The nearest centre, the first in a tie.

    By distances in float64 and not by q: far from all centres its shares round to the same number.
    """
    n_rows, labels = len(codes), np.zeros(len(codes), dtype=np.int64)
    least = np.full(n_rows, np.inf)
    with np.errstate(over="ignore"):
        for k, center in enumerate(centers.astype(np.float64)):
            squares = ((codes - center) ** 2).sum(axis=1)
            labels[squares < least] = k
            np.minimum(least, squares, out=least)
    return labels


def of_nearest_row(
    codes: NDArray[Any], clustered: NDArray[Any], labels: NDArray[np.int64]
) -> NDArray[np.int64]:
    """The label of the nearest code that was clustered, noise included."""
    with threadpool_limits(1):
        nearest = NearestNeighbors(n_neighbors=1).fit(clustered)
        return np.asarray(labels[nearest.kneighbors(codes, return_distance=False)[:, 0]])


def full_precisions(mixture: GaussianMixture) -> NDArray[Any]:
    """Cholesky factors of the precision matrices of all components, (n_components, n, n)."""
    factors = mixture.precisions_cholesky_
    n_components, n = mixture.means_.shape
    if mixture.covariance_type == "tied":
        return np.repeat(factors[np.newaxis], n_components, axis=0)
    if mixture.covariance_type == "diag":
        return np.asarray(factors[:, :, np.newaxis] * np.eye(n))
    if mixture.covariance_type == "spherical":
        return np.asarray(factors[:, np.newaxis, np.newaxis] * np.eye(n))
    return np.asarray(factors)


def of_mixture(
    codes: NDArray[Any], weights: NDArray[Any], means: NDArray[Any], precisions: NDArray[Any]
) -> NDArray[np.int64]:
    """The most probable component of a Gaussian mixture."""
    mixture = GaussianMixture(len(means))
    mixture.weights_, mixture.means_ = weights, means
    mixture.precisions_cholesky_ = precisions
    labels = np.empty(len(codes), dtype=np.int64)
    # The squares of far codes are no numbers of float32.
    far = np.abs(codes).max(axis=1) > _FAR
    with threadpool_limits(1), np.errstate(over="ignore", invalid="ignore"):
        for rows, dtype in ((~far, codes.dtype), (far, np.float64)):
            if rows.any():
                labels[rows] = mixture.predict(codes[rows].astype(dtype))
    return labels
