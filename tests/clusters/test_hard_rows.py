"""`DeepClustering` where clusters are hard to come by: dead codes, equal rows, far rows."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
import sklearn
from numpy.typing import NDArray
from sklearn.cluster import (
    DBSCAN,
    HDBSCAN,
    OPTICS,
    AffinityPropagation,
    AgglomerativeClustering,
    Birch,
    KMeans,
    MeanShift,
    SpectralClustering,
)
from sklearn.datasets import make_blobs
from sklearn.exceptions import ConvergenceWarning
from sklearn.metrics import pairwise_distances_argmin
from sklearn.mixture import BayesianGaussianMixture, GaussianMixture
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aecore import Autoencoder, DeepClustering, Network, reference
from aecore._checks.rules import _CLUSTERERS
from aecore._clusters.codes import standardize_code
from aecore._clusters.rules import soft_assignment

LINEAR = Autoencoder((8, 2), code_activation="identity", scale="standard", n_epochs=20)
OBJECTS = [
    KMeans(3),
    BayesianGaussianMixture(n_components=3),
    AgglomerativeClustering(3),
    SpectralClustering(3),
    Birch(n_clusters=3),
    MeanShift(),
    AffinityPropagation(),
    OPTICS(),
    make_pipeline(StandardScaler(), KMeans(3)),
]


def blobs(n_rows: int = 120) -> tuple[NDArray[Any], NDArray[Any]]:
    X, y = make_blobs(n_rows, 6, centers=4, random_state=0)
    return X, y


def model(clusterer: Any = "kmeans", n_clusters: Any = None, **settings: Any) -> DeepClustering:
    settings = {"autoencoder": LINEAR, "random_state": 0, **settings}
    return DeepClustering(n_clusters, clusterer=clusterer, **settings)


def dead(n_features: int) -> Network:
    """A network whose relu code is 0 for every row."""
    network = Network([n_features, 3, 2, 3, n_features], ["relu"] * 3 + ["identity"])
    network.biases[1][:] = -1e9
    return network


@pytest.mark.parametrize("refinement", [None, "dec"])
@pytest.mark.parametrize("n_clusters", [3, None, "auto"])
def test_dead_codes_are_named(n_clusters: Any, refinement: str | None) -> None:
    X, _ = blobs()
    autoencoder = Autoencoder((3, 2))
    fitted = model(n_clusters=n_clusters, autoencoder=autoencoder, refinement=refinement)
    with pytest.warns(
        ConvergenceWarning, match="1 clusters where n_clusters is . *: .* 2 of the 2"
    ):
        fitted.fit(X, init=dead(6))
    assert fitted.n_clusters_ == 1
    assert set(fitted.labels_) == set(fitted.predict(X)) == {0}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("clusterer", [*_CLUSTERERS, *OBJECTS], ids=str)
def test_equal_rows_are_one_cluster(clusterer: Any, dtype: str) -> None:
    X = np.full((30, 6), 0.1, dtype=dtype)
    fitted = model(clusterer, autoencoder=Autoencoder((3,), n_epochs=2), dtype=dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fitted.fit(X)
    assert fitted.n_clusters_ == len(fitted.cluster_centers_) == 1
    assert set(fitted.labels_) == set(fitted.predict(X)) == {0}
    np.testing.assert_array_equal(fitted.cluster_centers_[0], fitted.transform(X)[0])
    np.testing.assert_array_equal(fitted.soft_assignment(X), 1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("refinement", [None, "dec", "idec"])
def test_rows_far_from_all_centres(refinement: str | None, dtype: str) -> None:
    X, _ = blobs()
    fitted = model(n_clusters=4, refinement=refinement, n_updates=2, dtype=dtype).fit(X)
    for far in (1e3, 1e8, 1e12, 1e15, 1e20, 1e30):
        rows = np.stack([np.full(6, far), np.full(6, -far)])
        q = fitted.soft_assignment(rows)
        np.testing.assert_allclose(q.sum(axis=1), 1.0, rtol=1e-5)
        codes, centers = (
            np.asarray(each, dtype=np.float64)
            for each in (fitted.transform(rows), fitted.cluster_centers_)
        )
        np.testing.assert_allclose(q, reference.soft_assignment(codes, centers), atol=1e-6)
        nearest = pairwise_distances_argmin(codes, centers)
        np.testing.assert_array_equal(fitted.predict(rows), nearest)


@pytest.mark.parametrize("clusterer", [*_CLUSTERERS, *OBJECTS], ids=str)
def test_far_rows_with_every_clusterer(clusterer: Any) -> None:
    X, _ = blobs()
    fitted = model(clusterer).fit(X)
    rows = np.stack([np.full(6, 1e25), np.full(6, -1e25)])
    assert np.isfinite(fitted.soft_assignment(rows)).all()
    assert set(fitted.predict(rows)) <= set(range(-1, fitted.n_clusters_))


def test_codes_that_are_no_numbers_are_refused() -> None:
    fitted = model(n_clusters=4, dtype="float32").fit(blobs()[0])
    fitted.network_.weights[0][:] *= 1e3
    rows = np.array([[0.0] * 6, [3e38] * 6])
    for method in (fitted.predict, fitted.soft_assignment, fitted.evaluate):
        with pytest.raises(ValueError, match=r"X must have codes that are finite in .* of row 1"):
            method(rows)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_soft_assignment_at_any_distance(dtype: str) -> None:
    centers = np.array([[0, 0], [1, 0], [0, 3]], dtype=dtype)
    largest = float(np.finfo(dtype).max)
    far = np.array([10.0, 1e10, 1e18, 1e19, 1e30, largest / 2])
    codes = np.stack([far, -far], axis=1).astype(dtype)
    q = soft_assignment(codes, centers, None)
    np.testing.assert_allclose(q, reference.soft_assignment(codes, centers), rtol=1e-5)


@pytest.mark.parametrize(
    ("clusterer", "found"),
    [
        (make_pipeline(StandardScaler(), KMeans()), 5),
        (make_pipeline(StandardScaler(), make_pipeline(GaussianMixture())), 5),
        (Birch(n_clusters=AgglomerativeClustering()), 5),
        (MeanShift(bandwidth=100.0), 1),
        (make_pipeline(StandardScaler(), DBSCAN(eps=100.0)), 1),
        (HDBSCAN(min_cluster_size=2, allow_single_cluster=True, copy=True), None),
        ("dbscan", None),
    ],
    ids=str,
)
def test_the_number_is_taken_or_missed_aloud(clusterer: Any, found: int | None) -> None:
    X, _ = blobs()
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        fitted = model(clusterer, 5).fit(X)
    assert found is None or fitted.n_clusters_ == found
    texts = [str(each.message) for each in seen]
    missed = "finds it by itself. Give n_clusters=None"
    assert any(missed in text for text in texts) == (fitted.n_clusters_ != 5), texts


def test_all_steps_of_a_pipeline_have_the_seed() -> None:
    X, _ = blobs()
    clusterer = make_pipeline(StandardScaler(), KMeans(init="random", n_init=1))
    fits = [model(clusterer, 7).fit(X) for _ in range(2)]
    np.testing.assert_array_equal(*[fit.labels_ for fit in fits])
    assert fits[0].clusterer_[-1].random_state == 0


@pytest.mark.parametrize("refinement", [None, "dec"])
@pytest.mark.parametrize(
    "clusterer",
    [DBSCAN(eps=1e-9), AffinityPropagation(max_iter=15, convergence_iter=15, damping=0.95)],
    ids=str,
)
def test_a_clusterer_that_finds_nothing(clusterer: Any, refinement: str | None) -> None:
    X, y = blobs()
    fitted = model(clusterer, refinement=refinement)
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        fitted.fit(X)
    message = "0 clusters: the clusterer calls every row noise"
    assert any(str(each.message).startswith(message) for each in seen)
    assert fitted.n_clusters_ == 0
    assert set(fitted.labels_) == set(fitted.predict(X + 1.0)) == {-1}
    assert fitted.soft_assignment(X).shape == (120, 0)
    assert fitted.evaluate(X, y)["accuracy"] == 0.0


@pytest.mark.parametrize("how", ["set_output", "set_config"])
@pytest.mark.parametrize("sparse_output", [False, True])
def test_containers_of_outputs_leave_figures_alone(how: str, sparse_output: bool) -> None:
    pytest.importorskip("pandas")
    X, y = blobs()
    autoencoder = Autoencoder((8, 2), n_epochs=5, sparse_output=sparse_output)
    make = model(n_clusters=2, autoencoder=autoencoder, refinement="dec", n_updates=2)
    expected = make.fit(X).evaluate(X, y)
    if how == "set_output":
        wrapped = make.set_output(transform="default" if sparse_output else "pandas").fit(X)
        assert wrapped.evaluate(X, y) == expected
        return
    with sklearn.config_context(transform_output="pandas"):
        assert make.fit(X).evaluate(X, y) == expected
        assert make.predict(X).dtype == np.int64
        assert make.soft_assignment(X).shape == (120, 2)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_standardized_codes_leave_outputs(dtype: str) -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(3.0, 5.0, size=(200, 6))
    network = Network([6, 8, 3, 8, 6], ["relu", "identity", "relu", "identity"], dtype=dtype)
    network.weights[1][:, 2] = 0.0  # a unit that is the same for all rows
    standard = standardize_code(network, X)
    codes = standard.encode(X)
    tolerance = 1e-4 if dtype == "float32" else 1e-10
    np.testing.assert_allclose(codes.mean(axis=0), 0.0, atol=tolerance)
    np.testing.assert_allclose(codes.std(axis=0), [1, 1, 0], atol=tolerance)
    np.testing.assert_allclose(
        standard.reconstruct(X), network.reconstruct(X), atol=100 * tolerance
    )
    again = standardize_code(standard, X)
    np.testing.assert_array_equal(again.parameters, standard.parameters)


@pytest.mark.parametrize(
    "network",
    [
        Network([6, 3, 6], ["relu", "identity"]),
        Network([6, 3, 6], ["identity", "identity"], tied_weights=True),
        Network([6, 3, 6], ["identity", "identity"], code_top_k=2),
        Network([6, 3], ["identity"]),
    ],
    ids=["relu", "tied", "top k", "no decoder"],
)
def test_codes_that_stay_as_they_are(network: Network) -> None:
    assert standardize_code(network, blobs()[0]) is network
