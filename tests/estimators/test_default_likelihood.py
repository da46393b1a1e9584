"""What `VariationalAutoencoder` takes p(x|z) for where nobody says it."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

import aecore
from aecore import Checkpoint, VariationalAutoencoder
from samples import same_bits, three_factor_rows

SETTINGS: dict[str, Any] = {"n_epochs": 3, "random_state": 0}
RNG = np.random.default_rng(0)
NORMAL = RNG.normal(size=(40, 6))

TABLES: dict[str, tuple[Any, str]] = {
    "bits": (NORMAL > 0, "bernoulli"),
    "shares": (three_factor_rows(), "bernoulli"),
    "zeros": (np.zeros((9, 3)), "bernoulli"),
    "sparse bits": (sparse.csr_array((NORMAL > 0).astype(np.float32)), "bernoulli"),
    "normal": (NORMAL, "gaussian"),
    "huge": (1e6 * NORMAL + 1e9, "gaussian"),
    "next to overflow": (1e30 * NORMAL, "gaussian"),
    "tiny": (-1e-200 * np.abs(NORMAL), "gaussian"),
    "float16": (NORMAL.astype(np.float16), "gaussian"),
    "integers": (RNG.integers(-5, 1000, (40, 6)), "gaussian"),
    "bytes": (RNG.integers(0, 256, (40, 6), dtype=np.uint8), "gaussian"),
    "constant": (np.full((20, 4), 7.0), "gaussian"),
    "mixed": (np.c_[NORMAL[:, :2], 1e8 * NORMAL[:, 2:4], np.ones(40)], "gaussian"),
    "heavy": (np.exp(6 * NORMAL), "gaussian"),
    "one row": (NORMAL[:1], "gaussian"),
    "one column": (NORMAL[:, :1], "gaussian"),
    "sparse": (sparse.csr_array(np.where(NORMAL > 1, 1e5 * NORMAL, 0)), "gaussian"),
    "sums of duplicates": (
        sparse.csr_array((np.full(4, 0.7), ([0, 0, 1, 2], [1, 1, 0, 2])), shape=(3, 3)),
        "gaussian",
    ),
}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", list(TABLES))
def test_any_finite_table(name: str, dtype: str) -> None:
    X, expected = TABLES[name]
    vae = VariationalAutoencoder(dtype=dtype, **SETTINGS).fit(X)
    assert vae.likelihood is None
    assert vae.likelihood_ == expected
    assert np.isfinite(vae.history_["loss"]).all()
    for found in (vae.transform(X), vae.reconstruct(X), vae.sample(3), vae.elbo(X)):
        assert np.isfinite(found).all()
    assert np.isfinite(vae.score(X))


def test_wide_columns_are_learned() -> None:
    X = 1e6 * three_factor_rows(400) + 1e7
    vae = VariationalAutoencoder((32, 3), batch_size=32, random_state=0).fit(X)
    left = np.square(vae.reconstruct(X).astype(float) - X).sum(axis=0)
    assert (left < 0.6 * np.square(X - X.mean(axis=0)).sum(axis=0)).all()


def chosen(X: Any, fit: dict[str, Any] | None = None, **parameters: Any) -> tuple[str, bool]:
    """The likelihood, and whether columns have scales."""
    vae = VariationalAutoencoder((4,), **parameters, **SETTINGS).fit(X, **(fit or {}))
    return vae.likelihood_, hasattr(vae, "offset_")


def test_what_is_reconstructed_decides() -> None:
    unit = three_factor_rows()
    outside = 3 * unit
    holes = unit.copy()
    holes[::3, 1] = np.nan
    assert chosen(unit) == ("bernoulli", False)
    assert chosen(holes, missing="mask") == ("bernoulli", False)
    assert chosen(3 * holes, missing="mask") == ("gaussian", True)
    assert chosen(outside) == ("gaussian", True)
    assert chosen(16 * unit, input_scale=1 / 16) == ("bernoulli", False)
    assert chosen(outside, input_scale=0.5) == ("gaussian", False)
    assert chosen(outside, scale="minmax") == ("bernoulli", True)
    assert chosen(outside, scale="maxabs") == ("bernoulli", True)
    assert chosen(-outside, scale="maxabs") == ("gaussian", True)
    assert chosen(unit, scale="standard") == ("gaussian", True)
    assert chosen(outside, {"target": unit}) == ("bernoulli", False)
    assert chosen(unit, {"target": outside}) == ("gaussian", False)
    assert chosen(unit, {"validation_data": outside}) == ("gaussian", True)
    rows = unit.copy()
    rows[3] = 2.0  # maybe one that is held back
    assert chosen(rows, validation_fraction=0.5) == ("gaussian", True)
    assert chosen(unit, likelihood="gaussian") == ("gaussian", False)  # as it was asked for


def test_who_goes_on_has_the_likelihood_of_the_network() -> None:
    unit = three_factor_rows()
    first = VariationalAutoencoder((4,), **SETTINGS)
    first.partial_fit(5 * unit).partial_fit(unit)
    assert first.likelihood_ == "gaussian"
    offset = first.offset_
    np.testing.assert_array_equal(first.partial_fit(unit + 9).offset_, offset)
    bits = VariationalAutoencoder((4,), **SETTINGS).partial_fit(unit)
    with pytest.raises(ValueError, match=r"X must lie in \[0, 1\]"):
        bits.partial_fit(5 * unit)
    assert bits.likelihood_ == "bernoulli"
    again = VariationalAutoencoder((4,), **SETTINGS).fit(5 * unit).set_params(warm_start=True)
    assert again.fit(unit).likelihood_ == "gaussian"
    started = VariationalAutoencoder((4,), **SETTINGS).fit(unit, init=first.network_)
    assert started.likelihood_ == "gaussian"


@pytest.mark.parametrize("factor", [1, 5])
def test_a_checkpoint_knows_what_was_left_to_the_rows(tmp_path: Path, factor: float) -> None:
    X = factor * three_factor_rows()
    whole = VariationalAutoencoder((4,), **SETTINGS).fit(X)
    path = tmp_path / "run"
    short = VariationalAutoencoder((4,), **{**SETTINGS, "n_epochs": 1})
    short.fit(X, checkpoint=Checkpoint(path))
    said = {"likelihood": whole.likelihood_, "scale": "standard" if factor > 1 else None}
    for settings in ({}, said):
        again = VariationalAutoencoder((4,), **SETTINGS, **settings).fit(X, resume_from=path)
        assert same_bits(again.network_, whole.network_)
    other = "gaussian" if factor == 1 else "multinomial"
    with pytest.raises(ValueError, match=r"resume_from must .* differs in .*likelihood"):
        VariationalAutoencoder((4,), likelihood=other, **SETTINGS).fit(X, resume_from=path)


def test_it_is_that_of_the_network_whatever_the_parameter_has_become(tmp_path: Path) -> None:
    X: NDArray[np.float64] = 4 * three_factor_rows()
    vae = VariationalAutoencoder((4,), **SETTINGS)
    with pytest.raises(AttributeError, match="not fitted: it has no attribute 'likelihood_'"):
        _ = vae.likelihood_
    score = vae.fit(X).score(X)
    vae.save(tmp_path / "model")
    for again in (aecore.load(tmp_path / "model"), pickle.loads(pickle.dumps(vae))):
        assert again.likelihood_ == "gaussian"
        assert again.likelihood is None
        assert again.score(X) == score
        twin = pickle.loads(pickle.dumps(vae))
        assert same_bits(again.partial_fit(X).network_, twin.partial_fit(X).network_)
    assert vae.set_params(likelihood="bernoulli").score(X) == score
    assert vae.likelihood_ == "gaussian"
    vae.set_params(likelihood="nope")
    for call in (vae.score, vae.elbo, vae.log_likelihood, vae.fit):
        with pytest.raises(ValueError, match=r"likelihood must be one of None, .*; got 'nope'"):
            call(X)
