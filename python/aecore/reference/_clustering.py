"""Clusters of a code: soft assignments to centres, the target that sharpens them, and the loss.

For codes z_i and centres mu_j, with Student's t with one degree of freedom as similarity,

    u_ij = 1 / (1 + ||z_i - mu_j||^2),   q_ij = u_ij / sum_j' u_ij'
    p_ij = (q_ij^2 / f_j) / sum_j' (q_ij'^2 / f_j'),   f_j = sum_i q_ij

where the square goes no further than 2^1020 (2^125 in float32): beyond that a row belongs to all
clusters alike. A row's loss is KL(p_i || q_i) = sum_j p_ij log(p_ij / q_ij), with p held constant.

References
----------
J. Xie, R. Girshick, A. Farhadi, "Unsupervised deep embedding for clustering analysis", ICML 2016,
eqs. 1 to 5 with alpha = 1.
X. Guo, L. Gao, X. Liu, J. Yin, "Improved deep embedded clustering with local structure
preservation", IJCAI 2017, where the reconstruction loss is kept beside it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._activations import Matrix


def _similarities(Z: Matrix, centers: Matrix) -> Matrix:
    differences = Z[:, np.newaxis, :] - centers[np.newaxis, :, :]
    with np.errstate(over="ignore"):
        squares = np.sum(differences**2, axis=2)
    return np.asarray(1.0 / (1.0 + np.minimum(squares, 2.0**1020)))


def soft_assignment(Z: ArrayLike, centers: ArrayLike) -> Matrix:
    """Give q of codes (n_rows, n_code) and centres (n_clusters, n_code): (n_rows, n_clusters)."""
    u = _similarities(np.asarray(Z, dtype=np.float64), np.asarray(centers, dtype=np.float64))
    return np.asarray(u / u.sum(axis=1, keepdims=True))


def target_distribution(q: ArrayLike) -> Matrix:
    """Give p of the soft assignments of all rows; a cluster that no row belongs to has none."""
    q = np.asarray(q, dtype=np.float64)
    frequency = q.sum(axis=0)
    share = np.divide(q**2, frequency, out=np.zeros_like(q), where=frequency > 0)
    return np.asarray(share / share.sum(axis=1, keepdims=True))


def clustering_losses(q: Matrix, p: Matrix) -> NDArray[np.float64]:
    """KL(p_i || q_i) of each row, where 0 log 0 is 0."""
    ratio = np.divide(p, q, out=np.ones_like(q), where=p > 0)
    return np.asarray(np.sum(p * np.log(ratio), axis=1))


def clustering_derivatives(
    Z: Matrix, centers: Matrix, p: Matrix, w: NDArray[np.float64]
) -> tuple[Matrix, Matrix]:
    """Derivatives of sum_i w_i KL(p_i || q_i) by the codes and by the centres."""
    q = soft_assignment(Z, centers)
    pull = 2.0 * w[:, np.newaxis] * (p - q) * _similarities(Z, centers)
    differences = Z[:, np.newaxis, :] - centers[np.newaxis, :, :]
    by_code = np.einsum("ij,ijk->ik", pull, differences)
    return by_code, -np.einsum("ij,ijk->jk", pull, differences)
