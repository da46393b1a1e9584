"""The autoencoder that `DeepClustering` has by default: one recipe for rows of any kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, csr_matrix
from sklearn.cluster import KMeans
from sklearn.mixture import GaussianMixture

from aecore import DeepClustering, Network
from aecore._clusters import recipe
from aecore._clusters.recipe import default_autoencoder


@pytest.mark.parametrize(
    ("n_rows", "batch_size", "n_epochs"),
    [(2, 16, 50), (400, 20, 50), (9_298, 256, 50), (70_000, 256, 40), (10_000_000, 256, 1)],
)
def test_batches_and_epochs(n_rows: int, batch_size: int, n_epochs: int) -> None:
    chosen = default_autoencoder(np.broadcast_to(np.zeros(3), (n_rows, 3)))
    assert (chosen.batch_size, chosen.n_epochs) == (batch_size, n_epochs)
    assert (chosen.scale, chosen.input_scale) == ("pooled", 1.0)


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "bool"])
@pytest.mark.parametrize("kind", [csr_array, csr_matrix, coo_array])
def test_sparse_rows_get_the_factor_of_pooled(kind: Any, dtype: str) -> None:
    rng = np.random.default_rng(0)
    X = (rng.poisson(0.3, (200, 7)) * rng.uniform(1, 9, 7)).astype(dtype)
    chosen = default_autoencoder(kind(X))
    expected = 1.0 / np.sqrt(X.astype(np.float64).var(axis=0).mean())
    assert chosen.scale is None
    assert chosen.input_scale == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("fill", [0.0, 3.0, np.nan, 1e200])
def test_sparse_rows_without_a_variance(fill: float) -> None:
    assert default_autoencoder(csr_array(np.full((5, 3), fill))).input_scale == 1.0


def test_sparse_rows_begin_at_their_means() -> None:
    X = np.random.default_rng(0).poisson([0.1, 0.5, 3.0], (200, 3)).astype("float32")
    run: dict[str, Any] = {"dtype": "float32", "n_threads": 1, "seed": 5}
    network = recipe.start(csr_array(X), **run)
    assert network is not None
    own = Network(
        network.layer_sizes,
        network.activations,
        initialization="fan_in_uniform",
        random_state=5,
    )
    own.biases[-1][:] = default_autoencoder(csr_array(X)).input_scale * X.mean(
        axis=0, dtype=np.float64
    )
    np.testing.assert_allclose(network.parameters, own.parameters, rtol=1e-6)
    assert recipe.start(X, **run) is None


def test_sparse_means_are_no_plateau(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "HIDDEN_LAYER_SIZES", (20, 3))
    monkeypatch.setattr(recipe, "_N_UPDATES", 1)
    X = csr_array(np.random.default_rng(0).poisson(0.2, (300, 20)).astype(float))
    model = DeepClustering(2, random_state=0)
    model.fit(X)
    (history,) = model.pretraining_history_
    assert history["loss"][0] == pytest.approx(history["constant_loss"][0], rel=0.02)


def test_duplicates_of_sparse_rows_are_summed() -> None:
    twice = csr_array(([1.0, 2.0, 4.0], [0, 0, 1], [0, 2, 3]), shape=(2, 2))
    expected = 1.0 / np.sqrt(twice.toarray().var(axis=0).mean())
    assert default_autoencoder(twice).input_scale == pytest.approx(expected)
    assert twice.nnz == 3


def images(n_rows: int = 600) -> NDArray[np.float64]:
    """Bright images: a mean far from 0, and small differences of smooth shapes around it."""
    rng = np.random.default_rng(0)
    shapes = np.sin(np.linspace(0, 20, 144) * rng.uniform(0.2, 1.0, (8, 1)))
    noise = rng.normal(scale=0.01, size=(n_rows, 144))
    return 0.8 + 0.03 * rng.normal(size=(n_rows, 8)) @ shapes + noise


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("kind", ["x", "1 - x", "1000 x", "sparse"])
def test_no_start_dies(kind: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "HIDDEN_LAYER_SIZES", (50, 50, 100, 10))
    monkeypatch.setattr(recipe, "_N_UPDATES", 100)
    X = images()
    rows: Any = {"x": X, "1 - x": 1 - X, "1000 x": 1000 * X, "sparse": csr_array(X - 0.8)}[kind]
    network = DeepClustering(2, random_state=seed).fit(rows).network_
    dense = rows.toarray() if kind == "sparse" else rows
    seen = network._input.apply(dense)  # the network speaks of scaled rows
    rest = (
        np.square(network.reconstruct(rows) - seen).sum()
        / np.square(seen - seen.mean(axis=0)).sum()
    )
    assert rest < 0.7


def test_a_mixture_starts_a_refinement(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe, "HIDDEN_LAYER_SIZES", (20, 3))
    monkeypatch.setattr(recipe, "_N_UPDATES", 20)
    X = images(100)
    kinds = {None: KMeans, "dec": GaussianMixture, "idec": GaussianMixture}
    for refinement, kind in kinds.items():
        model = DeepClustering(2, refinement=refinement, n_updates=1, random_state=0).fit(X)
        assert type(model.clusterer_) is kind
