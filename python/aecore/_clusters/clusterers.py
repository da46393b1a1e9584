"""Make scikit-learn's clusterers, fit them to codes, and choose the number of clusters."""

from __future__ import annotations

from collections.abc import Callable
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.cluster import (
    DBSCAN,
    HDBSCAN,
    AgglomerativeClustering,
    KMeans,
    MiniBatchKMeans,
)
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import silhouette_score
from sklearn.mixture import GaussianMixture
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from aecore._checks.rules import parameter_error
from aecore._util.warn import warn

# How many rows a silhouette is computed from: it takes the distances between all pairs of them.
SILHOUETTE_ROWS = 10_000
# How many clusters a named clusterer makes if nobody says a number.
DEFAULT_N_CLUSTERS = 8
_N_INIT = 20
# Rows that eps is read from, and the share of them that are to be core samples.
_EPS_ROWS = 10_000
_CORE_SHARE = 0.9


class Clustered(NamedTuple):
    """What a clusterer found in codes.

    Attributes
    ----------
    clusterer : scikit-learn's object, fitted; not where all codes are the same
    labels : ndarray of shape (n_rows,), int64
        0 to n_clusters - 1, or -1 for noise.
    centers : ndarray of shape (n_clusters, n_code)
        The clusterer's own, or the mean code of each cluster, in the dtype of the codes.
    wanted : int or None
        The number of clusters asked for; None where nobody did.
    by_row : bool
        Whether the nearest code says which cluster a code is in, for want of anything better.
    """

    clusterer: Any
    labels: NDArray[np.int64]
    centers: NDArray[Any]
    wanted: int | None
    by_row: bool = False


def _kmeans(n_clusters: int, codes: NDArray[Any], seed: int) -> Any:
    del codes
    return KMeans(n_clusters, n_init=_N_INIT, random_state=seed)


def _minibatch_kmeans(n_clusters: int, codes: NDArray[Any], seed: int) -> Any:
    del codes
    return MiniBatchKMeans(n_clusters, n_init=_N_INIT, random_state=seed)


def _gaussian_mixture(n_clusters: int, codes: NDArray[Any], seed: int) -> Any:
    del codes
    return GaussianMixture(n_clusters, n_init=10, max_iter=300, random_state=seed)


def _agglomerative(n_clusters: int, codes: NDArray[Any], seed: int) -> Any:
    del codes, seed
    return AgglomerativeClustering(n_clusters)


def _dbscan(n_clusters: int, codes: NDArray[Any], seed: int) -> Any:
    """Make a DBSCAN whose eps makes core samples of _CORE_SHARE of the rows."""
    del n_clusters
    clusterer = DBSCAN()
    sample = drawn_rows(len(codes), _EPS_ROWS, seed)
    neighbors = NearestNeighbors(n_neighbors=min(clusterer.min_samples, len(codes)))
    distances = neighbors.fit(codes).kneighbors(codes[sample])[0][:, -1]
    eps = float(np.quantile(distances, _CORE_SHARE))
    return clusterer.set_params(eps=max(eps, float(np.finfo(codes.dtype).tiny)))


def _hdbscan(n_clusters: int, codes: NDArray[Any], seed: int) -> Any:
    del n_clusters, seed
    return HDBSCAN(min_samples=min(5, len(codes)), copy=True)


NAMED: dict[str, Callable[[int, NDArray[Any], int], Any]] = {
    "kmeans": _kmeans,
    "minibatch_kmeans": _minibatch_kmeans,
    "gaussian_mixture": _gaussian_mixture,
    "agglomerative": _agglomerative,
    "dbscan": _dbscan,
    "hdbscan": _hdbscan,
}
# What a refinement begins with if nobody says a clusterer.
START = "gaussian_mixture"
_FIND_THEIR_NUMBER = ("dbscan", "hdbscan")


def drawn_rows(n_rows: int, n_wanted: int, seed: int) -> NDArray[np.int64] | slice:
    """Draw `n_wanted` different rows, in ascending order; take all rows if there are no more."""
    if n_rows <= n_wanted:
        return slice(None)
    return np.sort(np.random.default_rng(seed).permutation(n_rows)[:n_wanted])


def number_parameter(clusterer: Any) -> str | None:
    """Name the parameter that says how many clusters there are to be, if there is one.

    That of a pipeline is its last step's.
    """
    if isinstance(clusterer, str):
        return None if clusterer in _FIND_THEIR_NUMBER else "n_clusters"
    if isinstance(clusterer, Pipeline):
        step, last = clusterer.steps[-1]
        name = number_parameter(last)
        return None if name is None else f"{step}__{name}"
    parameters = clusterer.get_params(deep=False)
    names = (name for name in ("n_clusters", "n_components") if name in parameters)
    return next(names, None)


def _made(clusterer: Any, n_clusters: int | None, codes: NDArray[Any], seed: int) -> Any:
    """Make a clusterer that is not fitted, with the number of clusters and a seed."""
    seed %= 2**32  # the largest that scikit-learn takes is one less
    if isinstance(clusterer, str):
        return NAMED[clusterer](n_clusters or DEFAULT_N_CLUSTERS, codes, seed)
    made = clone(clusterer)
    name = number_parameter(made)
    if name is not None and n_clusters is not None:
        made.set_params(**{name: n_clusters})
    seeds = (key for key in made.get_params() if key.split("__")[-1] == "random_state")
    return made.set_params(**{key: seed for key in seeds if made.get_params()[key] is None})


def cluster(clusterer: Any, n_clusters: int | None, codes: NDArray[Any], seed: int) -> Clustered:
    """Fit a clusterer to codes; None leaves it its own number of clusters.

    There are no more clusters than different codes, because the others would be empty. Codes that
    are all the same are one cluster, whatever the clusterer would make of them: some call all of
    them noise, or fail.

    Raises
    ------
    ValueError
        If there are to be more clusters than rows.
    """
    made = _made(clusterer, n_clusters, codes, seed)
    name = number_parameter(made)
    asked = n_clusters if name is None else made.get_params()[name]
    wanted = int(asked) if isinstance(asked, Integral) else None  # Birch's may be a clusterer
    if name is not None and wanted is not None:
        if wanted > len(codes):
            raise parameter_error("n_clusters", f"be at most n_samples={len(codes)}", wanted)
        made.set_params(**{name: _n_different(codes, wanted)})
    if bool((codes == codes[0]).all()):
        labels = np.zeros(len(codes), dtype=np.int64)
        return Clustered(made, labels, codes[:1].copy(), wanted)
    # On one thread: the order in which sums are added must not depend on the number of threads.
    with threadpool_limits(1):
        found = np.asarray(made.fit_predict(codes))
    centers = _own_centers(made, codes)
    if centers is not None:
        ruled = any(hasattr(made, name) for name in ("cluster_centers_", "precisions_cholesky_"))
        return Clustered(made, found.astype(np.int64), centers, wanted, by_row=not ruled)
    values, labels = np.unique(found, return_inverse=True)
    labels = (labels.reshape(-1) - int(values[0] < 0)).astype(np.int64)
    return Clustered(made, labels, mean_codes(codes, labels), wanted, by_row=True)


def warn_of_number(found: Clustered, codes: NDArray[Any]) -> None:
    """Warn where there are not as many clusters as were asked for, or none; say what helps."""
    n_found, wanted = len(found.centers), found.wanted
    if n_found == 0:
        reason = "the clusterer calls every row noise. Try other settings of it"
    elif wanted is None or wanted == n_found:
        return
    elif number_parameter(found.clusterer) is None:
        reason = (
            f"{type(found.clusterer).__name__} has no number of clusters to set and finds it by "
            "itself. Give n_clusters=None, or another clusterer"
        )
    else:
        n_dead = int((codes == codes[0]).all(axis=0).sum())
        reason = (
            f"there are no more different codes, and {n_dead} of the {codes.shape[1]} units of the "
            "code say the same of every row. If the rows themselves differ, try "
            "code_activation='identity', a scale, or another random_state"
        )
    asked = "" if wanted is None else f" where n_clusters is {wanted}"
    warn(f"{n_found} clusters{asked}: {reason}", ConvergenceWarning)


def _n_different(codes: NDArray[Any], at_most: int) -> int:
    """How many different codes there are, counted up to `at_most`."""
    for n_rows in (4 * at_most, len(codes)):
        n_found = len(np.unique(codes[:n_rows], axis=0))
        if n_found >= at_most:
            return at_most
    return n_found


def _own_centers(clusterer: Any, codes: NDArray[Any]) -> NDArray[Any] | None:
    for name in ("cluster_centers_", "means_"):
        own = getattr(clusterer, name, None)
        # One that did not converge may have an array of no centres.
        if own is not None and len(own) > 0 and np.shape(own)[1:] == codes.shape[1:]:
            return np.ascontiguousarray(own, dtype=codes.dtype)
    return None


def mean_codes(codes: NDArray[Any], labels: NDArray[np.int64]) -> NDArray[Any]:
    """Mean code of each cluster, noise left out."""
    clear = labels >= 0
    sums = np.zeros((int(labels.max(initial=-1)) + 1, codes.shape[1]))
    np.add.at(sums, labels[clear], codes[clear])
    counts = np.bincount(labels[clear], minlength=len(sums))
    return np.ascontiguousarray(sums / counts[:, np.newaxis], dtype=codes.dtype)


def choose_number(
    clusterer: Any, numbers: tuple[int, int], codes: NDArray[Any], seed: int
) -> tuple[Clustered, dict[int, float]]:
    """Cluster by each number in a range, both ends included; keep that of the best silhouette.

    Returns
    -------
    best : Clustered
        The fewest clusters in a tie.
    silhouettes : dict of int to float
        Of each number, over the same rows; -1 where there are not two clusters among them.

    Raises
    ------
    ValueError
        If the clusterer finds its number by itself, or the range reaches the number of rows.
    """
    if number_parameter(clusterer) is None:
        rule = "be None with a clusterer that finds the number of clusters by itself"
        raise parameter_error("n_clusters", rule, "auto")
    low, high = numbers
    if high >= len(codes):
        rule = f"end below the number of rows, n_samples={len(codes)}"
        raise parameter_error("n_clusters_range", rule, numbers)
    silhouettes: dict[int, float] = {}
    best: Clustered | None = None
    for n_clusters in range(low, high + 1):
        found = cluster(clusterer, n_clusters, codes, seed)
        silhouettes[n_clusters] = silhouette(codes, found.labels, seed, undefined=-1.0)
        if best is None or silhouettes[n_clusters] > max(
            value for number, value in silhouettes.items() if number < n_clusters
        ):
            best = found
    assert best is not None
    return best, silhouettes


def silhouette(codes: NDArray[Any], labels: NDArray[Any], seed: int, *, undefined: float) -> float:
    """Mean silhouette over SILHOUETTE_ROWS rows drawn, noise left out."""
    rows = drawn_rows(len(codes), SILHOUETTE_ROWS, seed)
    codes, labels = codes[rows], labels[rows]
    codes, labels = codes[labels >= 0], labels[labels >= 0]
    if not 2 <= len(np.unique(labels)) < len(labels):
        return undefined
    with threadpool_limits(1):
        return float(silhouette_score(codes, labels))
