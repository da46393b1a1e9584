"""Rows of counts, raw as they are: a variational autoencoder learns them, long rows or not."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from aecore import VariationalAutoencoder, reference
from aecore._training.data import TrainingData
from aecore._training.long_rows import long_row_factors
from samples import same_bits

SETTINGS: dict[str, Any] = {"likelihood": "multinomial", "random_state": 0}


def documents(longest: tuple[int, ...] = (), n: int = 300, n_words: int = 150) -> NDArray[Any]:
    """Short documents of five topics, then some of given lengths."""
    rng = np.random.default_rng(1)
    topics = rng.dirichlet(np.full(n_words, 0.1), 5)
    lengths = [*rng.integers(20, 80, n), *longest]
    return np.array([rng.multinomial(length, topics[rng.integers(5)]) for length in lengths])


def by_frequencies(counts: NDArray[Any], judged: NDArray[Any]) -> float:
    """Nats of a document for the model that knows how often each word occurs."""
    shares = (counts.sum(axis=0) + 0.01) / (counts.sum() + 0.01 * counts.shape[1])
    return float(-(judged @ np.log(shares)).mean())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("kind", ["float32", "int64", "uint16", "csr"])
def test_a_few_long_rows_do_not_ruin_the_rest(dtype: str, kind: str) -> None:
    counts = documents((20_000, 40_000, 60_000))
    X = sparse.csr_array(counts.astype(float)) if kind == "csr" else counts.astype(kind)
    vae = VariationalAutoencoder((32, 8), n_epochs=15, dtype=dtype, **SETTINGS).fit(X)
    nats = -vae.elbo(X[:300], random_state=0).mean()
    assert nats < 0.97 * by_frequencies(counts, counts[:300])


def test_one_row_may_be_longer_than_all_others() -> None:
    counts = documents((10**7,))
    vae = VariationalAutoencoder((32, 8), n_epochs=40, **SETTINGS).fit(counts)
    nats = -vae.elbo(counts, random_state=0)
    assert nats[:300].mean() < 0.97 * by_frequencies(counts[:300], counts[:300])
    assert np.isfinite(nats).all()
    assert np.isfinite(vae.transform(counts)).all()


def test_an_untrained_one_knows_the_frequencies() -> None:
    counts = documents()
    vae = VariationalAutoencoder((4,), n_epochs=1, learning_rate=1e-12, **SETTINGS).fit(counts)
    nats = -vae.score(counts)
    assert nats < 1.15 * by_frequencies(counts, counts)


def test_every_way_to_train_and_to_ask_agrees() -> None:
    counts = documents((5_000,))
    settings = {**SETTINGS, "shuffle": False, "n_epochs": 3}
    whole = VariationalAutoencoder((8, 3), **settings).fit(counts)
    parts = VariationalAutoencoder((8, 3), **settings)
    for _ in range(3):
        parts.partial_fit(counts)
    csr = VariationalAutoencoder((8, 3), **settings).fit(sparse.csr_array(counts))
    given = VariationalAutoencoder((8, 3), **settings).fit(counts, target=counts)
    for other in (parts, csr, given, pickle.loads(pickle.dumps(whole))):
        assert same_bits(whole.network_, other.network_)
        assert other.transform(counts).tobytes() == whole.transform(counts).tobytes()
    np.testing.assert_array_equal(
        whole.generate(whole.transform(counts)), whole.reconstruct(counts)
    )
    np.testing.assert_allclose(whole.reconstruct(counts).sum(axis=1), 1, rtol=1e-5)
    for method in ("elbo", "log_likelihood"):
        estimate = getattr(whole, method)(counts, n_samples=2, random_state=0)
        again = getattr(csr, method)(sparse.csr_array(counts), n_samples=2, random_state=0)
        np.testing.assert_allclose(estimate, again, rtol=1e-6)


def test_a_long_row_weighs_as_the_reference_says() -> None:
    counts = documents((600, 5_000, 80_000))
    counts[7] = 0
    given = np.random.default_rng(0).integers(0, 4, len(counts)).astype(float)
    given[-3:] = (1, 2, 1)
    repeated = np.repeat(counts, given.astype(int), axis=0)
    weighted = long_row_factors(TrainingData(counts, None, given).counting())
    plain = long_row_factors(TrainingData(repeated, None, None))
    assert weighted is not None
    assert plain is not None
    np.testing.assert_allclose(given * weighted, reference.long_row_weights(counts, given))
    np.testing.assert_allclose(plain, reference.long_row_weights(repeated))
    # Weights are repeated rows.
    np.testing.assert_allclose(np.repeat(weighted, given.astype(int)), plain)
    csr = long_row_factors(TrainingData(sparse.csr_array(counts), None, given))
    np.testing.assert_array_equal(weighted, csr)
    # The median is that of the rows to learn from; rows of one length have no long ones.
    rows = np.arange(300, len(counts))
    of_long = long_row_factors(TrainingData(counts, None, None, rows))
    assert of_long is not None
    np.testing.assert_allclose(of_long[rows], reference.long_row_weights(counts[rows]))
    assert long_row_factors(TrainingData(counts[:300], None, None)) is None
    assert long_row_factors(TrainingData(np.zeros((4, 3)), None, None)) is None


def test_what_is_no_count_is_refused_by_its_name() -> None:
    counts = documents().astype(float)
    for value in (-1.0, np.nan, np.inf):
        bad = counts.copy()
        bad[3, 2] = value
        with pytest.raises(ValueError, match=r"X .* at row 3, column 2"):
            VariationalAutoencoder((4,), n_epochs=1, **SETTINGS).fit(bad)
        with pytest.raises(ValueError, match=r"target .* at row 3, column 2"):
            VariationalAutoencoder((4,), n_epochs=1, **SETTINGS).fit(counts, target=bad)
