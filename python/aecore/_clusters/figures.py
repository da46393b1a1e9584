"""How good clusters are: scikit-learn's figures, and the accuracy of the best assignment."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import linear_sum_assignment
from sklearn.metrics import (
    adjusted_rand_score,
    calinski_harabasz_score,
    davies_bouldin_score,
    normalized_mutual_info_score,
)
from sklearn.metrics.cluster import contingency_matrix
from threadpoolctl import threadpool_limits

from aecore._checks.masked import as_array
from aecore._checks.rules import parameter_error
from aecore._clusters.clusterers import silhouette

_SEED = 0  # draws the rows of the silhouette: always the same, so that the figure is, too


def clustering_figures(
    codes: NDArray[Any], clusters: NDArray[np.int64], labels: ArrayLike | None
) -> dict[str, float]:
    """Compute what `DeepClustering.evaluate` returns."""
    clear = clusters >= 0
    inside, of_inside = codes[clear], clusters[clear]
    figures = {
        "silhouette": silhouette(codes, clusters, _SEED, undefined=np.nan),
        "calinski_harabasz": np.nan,
        "davies_bouldin": np.nan,
    }
    if 2 <= len(np.unique(of_inside)) < len(of_inside):
        with threadpool_limits(1):
            figures["calinski_harabasz"] = float(calinski_harabasz_score(inside, of_inside))
            figures["davies_bouldin"] = float(davies_bouldin_score(inside, of_inside))
    if labels is not None:
        classes = as_array(labels, "labels")
        if classes.shape != clusters.shape:
            raise parameter_error("labels", f"have shape {clusters.shape}", classes.shape)
        figures |= {
            "accuracy": accuracy(classes, clusters),
            "nmi": float(normalized_mutual_info_score(classes, clusters)),
            "ari": float(adjusted_rand_score(classes, clusters)),
        }
    return figures


def accuracy(classes: NDArray[Any], clusters: NDArray[np.int64]) -> float:
    """Share of rows whose cluster stands for their class, noise (-1) being wrong.

    Each cluster stands for one class at most and each class has one cluster at most, as they agree
    in most rows (W. Xu, X. Liu, Y. Gong, SIGIR 2003, by the Hungarian method).
    """
    clear = clusters >= 0
    if not clear.any():
        return 0.0
    table = contingency_matrix(classes[clear], clusters[clear])
    return float(table[linear_sum_assignment(table, maximize=True)].sum() / len(clusters))
