"""`VariationalAutoencoder`: what it draws, its bounds against exact likelihoods, and going on."""

from __future__ import annotations

import math
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse, stats

import aecore
from aecore import Autoencoder, Checkpoint, Network, VariationalAutoencoder, reference
from aecore.layers import Gaussian
from aecore.schedules import Cosine
from samples import same_bits, three_factor_rows

SETTINGS: dict[str, Any] = {"n_epochs": 4, "batch_size": 32, "random_state": 0}


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


@pytest.fixture
def vae(rows: NDArray[np.float64]) -> VariationalAutoencoder:
    return VariationalAutoencoder((8, 3), **SETTINGS).fit(rows)


def test_codes_and_rows(vae: VariationalAutoencoder, rows: NDArray[np.float64]) -> None:
    net = vae.network_
    assert net.layers[1] == Gaussian(3)
    mean, std = vae.transform(rows, return_std=True)
    np.testing.assert_array_equal(mean, vae.transform(rows))
    np.testing.assert_array_equal(mean, net.encode(rows))
    np.testing.assert_array_equal(std, np.exp(net.code_distribution(rows)[1] / 2))
    np.testing.assert_array_equal(vae.generate(mean), vae.inverse_transform(mean))
    np.testing.assert_array_equal(vae.generate(mean), vae.reconstruct(rows))
    np.testing.assert_array_equal(
        vae.score_samples(rows), -net.row_losses(rows, loss="binary_cross_entropy")
    )
    assert list(vae.get_feature_names_out()) == [f"variationalautoencoder{i}" for i in range(3)]


def test_samples(vae: VariationalAutoencoder) -> None:
    drawn = vae.sample(5000, random_state=1)
    assert drawn.shape == (5000, 10)
    assert 0 <= drawn.min() <= drawn.max() <= 1
    np.testing.assert_array_equal(drawn, vae.sample(5000, random_state=1))
    assert np.abs(drawn - vae.sample(5000, random_state=2)).max() > 0
    # Their mean is that of the decoder over N(0, I).
    codes = np.random.default_rng(0).standard_normal((20_000, 3))
    np.testing.assert_allclose(drawn.mean(0), vae.generate(codes).mean(0), atol=0.02)
    np.random.seed(3)  # noqa: NPY002
    first = vae.sample()
    np.random.seed(3)  # noqa: NPY002
    np.testing.assert_array_equal(first, vae.sample())


def test_interpolation(vae: VariationalAutoencoder, rows: NDArray[np.float64]) -> None:
    way = vae.interpolate(rows[0], rows[1], 5)
    ends = vae.reconstruct(rows[:2])
    np.testing.assert_allclose(way[[0, 4]], ends, rtol=1e-6)
    np.testing.assert_allclose(
        way[2:3], vae.generate(vae.transform(rows[:2]).mean(0, keepdims=True)), rtol=1e-5
    )
    with pytest.raises(ValueError, match=r"b must be one row, .*; got \(2, 10\)"):
        vae.interpolate(rows[0], rows[:2])
    with pytest.raises(ValueError, match="steps must be an integer from 1"):
        vae.interpolate(rows[0], rows[1], 0)


def linear_gaussian() -> tuple[VariationalAutoencoder, Any]:
    """A decoder z V + c with orthogonal rows, the posterior as its q, and the exact log p(x)."""
    vae = VariationalAutoencoder(2, likelihood="gaussian", dtype="float64", **SETTINGS)
    vae.fit(np.zeros((20, 4)))
    net = vae.network_
    V = np.array([[0.8, 0.8, 0.0, 0.0], [0.0, 0.0, 2.0, -1.0]])
    c = np.array([1.0, 0.0, -1.0, 0.5])
    variance = 1 / (1 + (V**2).sum(axis=1))
    net.weights[0][:], net.biases[0][:] = V.T * variance, -(V @ c) * variance
    net.parameters[10:18], net.parameters[18:20] = 0.0, np.log(variance)
    net.weights[1][:], net.biases[1][:] = V, c
    return vae, stats.multivariate_normal(c, V.T @ V + np.eye(4))


def test_likelihood_of_a_linear_model_is_the_exact_one() -> None:
    vae, exact = linear_gaussian()
    X = exact.rvs(30, random_state=0)
    expected = exact.logpdf(X)
    # With the posterior itself every draw has the same weight.
    for n_samples in (1, 7):
        estimate = vae.log_likelihood(X, n_samples=n_samples, random_state=1)
        np.testing.assert_allclose(estimate, expected, rtol=1e-10)
    bound = vae.elbo(np.repeat(X, 400, axis=0), n_samples=2, random_state=1)
    np.testing.assert_allclose(bound.reshape(30, 400).mean(axis=1), expected, atol=0.3)
    vae.network_.parameters[18:20] += 1.0  # a wider q
    divergence = 0.5 * 2 * (math.e - 2)  # of the wider q from the posterior
    bound = vae.elbo(X, n_samples=3000, random_state=1)
    np.testing.assert_allclose(bound, expected - divergence, atol=0.25)
    near = vae.log_likelihood(X, n_samples=3000, random_state=1)
    np.testing.assert_allclose(near, expected, atol=0.1)


@pytest.mark.parametrize(
    ("likelihood", "constant"),
    [("bernoulli", 0.0), ("gaussian", 5 * math.log(2 * math.pi)), ("multinomial", 0.0)],
)
def test_the_bound_is_minus_j(likelihood: str, constant: float, rows: NDArray[np.float64]) -> None:
    vae = VariationalAutoencoder(3, likelihood=likelihood, beta=0.3, **SETTINGS).fit(rows)
    bound = vae.elbo(rows, n_samples=300, random_state=0)
    losses = [
        vae.network_.objective(rows, loss=vae.loss, epoch=epoch) + constant for epoch in range(300)
    ]
    assert -bound.mean() == pytest.approx(np.mean(losses), abs=0.06)
    np.testing.assert_array_equal(bound, vae.elbo(rows, n_samples=300, random_state=0))


def test_bounds_of_scaled_missing_and_sparse_rows(rows: NDArray[np.float64]) -> None:
    settings: dict[str, Any] = {"likelihood": "gaussian", **SETTINGS}
    scaled = VariationalAutoencoder(3, scale="standard", **settings).fit(rows)
    plain = VariationalAutoencoder(3, **settings).fit(rows)
    plain.network_ = scaled.network_.with_parameters(scaled.network_.parameters)
    plain.network_._input = type(scaled.network_._input)()
    by_hand = (rows - scaled.offset_) * scaled.factor_
    for method in ("elbo", "log_likelihood"):
        np.testing.assert_allclose(
            getattr(scaled, method)(rows, random_state=0, n_samples=3),
            getattr(plain, method)(by_hand, random_state=0, n_samples=3),
            rtol=1e-4,
        )
    holes = rows.copy()
    holes[::2, 3] = np.nan
    masked = VariationalAutoencoder(3, missing="mask", **settings).fit(holes)
    # What is missing has no likelihood: rows without gaps are what they are without the mask.
    found = masked.elbo(holes, random_state=0)
    np.testing.assert_array_equal(found, masked.elbo(holes, random_state=0))
    assert np.isfinite(found).all()
    whole = masked.elbo(rows, random_state=0)
    np.testing.assert_array_equal(found[1::2], whole[1::2])
    assert (found[::2] != whole[::2]).all()
    counts = sparse.csr_array(np.floor(4 * rows) * (rows > 0.5))
    model = VariationalAutoencoder(
        3, likelihood="multinomial", noise="masking", input_scale=0.5, **SETTINGS
    ).fit(counts)
    dense = VariationalAutoencoder(
        3, likelihood="multinomial", noise="masking", input_scale=0.5, **SETTINGS
    ).fit(counts.toarray())
    assert same_bits(model.network_, dense.network_)
    np.testing.assert_allclose(
        model.log_likelihood(counts, n_samples=5, random_state=0),
        dense.log_likelihood(counts.toarray(), n_samples=5, random_state=0),
        rtol=1e-6,
    )


@pytest.mark.parametrize("likelihood", ["bernoulli", "multinomial"])
def test_fit_does_not_depend_on_the_number_of_threads(
    likelihood: str, rows: NDArray[np.float64]
) -> None:
    fitted = [
        VariationalAutoencoder(
            (33, 5),
            likelihood=likelihood,
            n_threads=n,
            dropout=0.1,
            validation_fraction=0.2,
            **SETTINGS,
        ).fit(rows)
        for n in (1, 2, 3, 7)
    ]
    assert len({model.network_.parameters.tobytes() for model in fitted}) == 1
    assert len({tuple(model.history_["validation_loss"]) for model in fitted}) == 1


def test_warm_up_ends_at_beta(rows: NDArray[np.float64]) -> None:
    # The first epoch knows no divergence, a warm-up of one epoch changes nothing else.
    none = VariationalAutoencoder(3, beta=0.0, **{**SETTINGS, "n_epochs": 1}).fit(rows)
    warm = VariationalAutoencoder(3, beta_warmup_epochs=5, **{**SETTINGS, "n_epochs": 1}).fit(rows)
    assert same_bits(none.network_, warm.network_)
    held = {"validation_data": rows[:20]}
    full = VariationalAutoencoder(3, **SETTINGS).fit(rows, **held)
    scheduled = VariationalAutoencoder(3, beta_schedule=lambda *_: 1.0, **SETTINGS)
    assert same_bits(full.network_, scheduled.fit(rows, **held).network_)
    assert full.history_["validation_loss"] == scheduled.history_["validation_loss"]


def test_partial_fit_equals_fit(rows: NDArray[np.float64]) -> None:
    settings: dict[str, Any] = {"beta_warmup_epochs": 2, "shuffle": False, **SETTINGS}
    whole = VariationalAutoencoder(3, **settings).fit(rows)
    parts = VariationalAutoencoder(3, **settings)
    for _ in range(4):
        parts.partial_fit(rows)
    assert same_bits(whole.network_, parts.network_)


def test_checkpoints_resume_to_the_same_bits(tmp_path: Path, rows: NDArray[np.float64]) -> None:
    settings: dict[str, Any] = {
        **SETTINGS,
        "beta_warmup_epochs": 3,
        "early_stopping": True,
        "validation_fraction": 0.2,
    }
    whole = VariationalAutoencoder(3, **settings).fit(rows)
    checkpoint = Checkpoint(tmp_path / "run")
    VariationalAutoencoder(3, **{**settings, "n_epochs": 2}).fit(rows, checkpoint=checkpoint)
    resumed = VariationalAutoencoder(3, **settings).fit(rows, resume_from=checkpoint.path)
    assert same_bits(whole.network_, resumed.network_)
    for name in ("loss", "validation_loss"):
        assert whole.history_[name] == resumed.history_[name]


def test_files_and_pickles(
    tmp_path: Path, vae: VariationalAutoencoder, rows: NDArray[np.float64]
) -> None:
    vae.set_params(beta_schedule=Cosine(0.5))
    vae.save(tmp_path / "model")
    for again in (aecore.load(tmp_path / "model"), pickle.loads(pickle.dumps(vae))):
        assert again.get_params() == vae.get_params()
        np.testing.assert_array_equal(again.transform(rows), vae.transform(rows))
        np.testing.assert_array_equal(
            again.log_likelihood(rows, random_state=0), vae.log_likelihood(rows, random_state=0)
        )
        assert same_bits(
            again.partial_fit(rows).network_,
            pickle.loads(pickle.dumps(vae)).partial_fit(rows).network_,
        )
    vae.set_params(beta_schedule=lambda *_: 1.0)
    vae.save(tmp_path / "function")
    assert aecore.load(tmp_path / "function").beta_schedule is None


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"likelihood": "nope"},
            "likelihood must be one of None, 'bernoulli', 'gaussian'",
        ),
        ({"optimizer": "lbfgs"}, "optimizer must be one of .* with a Gaussian code, drawn anew"),
        ({"beta": -1.0}, "beta must be a finite number >= 0"),
        ({"free_bits": float("nan")}, "free_bits must be a finite number >= 0"),
        ({"beta_warmup_epochs": -1}, "beta_warmup_epochs must be an integer from 0"),
        ({"beta_schedule": "cosine"}, "beta_schedule must be None or a callable"),
        (
            {"beta_schedule": Cosine(), "beta_warmup_epochs": 3},
            "beta_warmup_epochs must be 0 with a beta_schedule; got 3",
        ),
        (
            {"beta_schedule": lambda *_: -1.0},
            "beta_schedule must return a finite number >= 0 for epoch 0; got -1",
        ),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str, rows: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match=message):
        VariationalAutoencoder(3, **{**SETTINGS, **settings}).fit(rows)


def test_bad_rows(rows: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match=r"X must lie in \[0, 1\]|\[0, 1\]"):
        VariationalAutoencoder(3, likelihood="bernoulli", **SETTINGS).fit(3 * rows)
    constant = VariationalAutoencoder(3, scale="standard", likelihood="gaussian", **SETTINGS)
    assert np.isfinite(constant.fit(np.ones((20, 4))).elbo(np.ones((5, 4)))).all()
    huge = VariationalAutoencoder(
        3, likelihood="gaussian", learning_rate=1e3, n_epochs=50, random_state=0
    )
    with pytest.raises(aecore.TrainingDivergedError, match="smaller learning_rate"):
        huge.set_params(optimizer="sgd").fit(1e3 * rows)


def test_starts(vae: VariationalAutoencoder, rows: NDArray[np.float64]) -> None:
    again = VariationalAutoencoder((8, 3), **SETTINGS).fit(rows, init=vae.network_)
    assert not same_bits(again.network_, vae.network_)
    plain = Network([10, 8, 3, 8, 10], ["relu", "identity", "relu", "sigmoid"], random_state=0)
    with pytest.raises(ValueError, match="with a Gaussian code, as the parameters and X ask for"):
        VariationalAutoencoder((8, 3), **SETTINGS).fit(rows, init=plain)
    with pytest.raises(ValueError, match="pretrain must be True, False, an Autoencoder"):
        Autoencoder((8, 3), pretrain=vae).fit(rows)


@pytest.mark.parametrize("method", ["elbo", "log_likelihood"])
def test_bounds_of_a_target(method: str, rows: NDArray[np.float64]) -> None:
    noisy = np.clip(rows + np.random.default_rng(0).normal(0, 0.1, rows.shape), 0, 1)
    vae = VariationalAutoencoder((8, 3), **SETTINGS).fit(noisy, target=rows)
    estimate: Any = getattr(vae, method)
    own = estimate(noisy, random_state=0, n_samples=3)
    np.testing.assert_array_equal(
        own, estimate(noisy, target=noisy.astype(np.float32), random_state=0, n_samples=3)
    )
    of_target = estimate(noisy, target=rows, random_state=0, n_samples=3)
    assert (of_target != own).all()
    # Codes are those of X: the divergence is, and the draws are.
    mean, std = vae.transform(noisy, return_std=True)
    assert mean.shape == std.shape
    again = estimate(noisy, target=sparse.csr_array(rows), random_state=0, n_samples=3)
    np.testing.assert_allclose(of_target, again, rtol=1e-6)
    with pytest.raises(ValueError, match=r"target must have as many rows as X \(200\); got 3"):
        estimate(noisy, target=rows[:3])
    with pytest.raises(ValueError, match="target must have 10 columns; got 4"):
        estimate(noisy, target=rows[:, :4])
    with pytest.raises(ValueError, match=r"target must lie in \[0, 1\] .* at row 0, column 0"):
        estimate(noisy, target=1 + rows)
    holes = rows.copy()
    holes[150, 2] = np.nan
    with pytest.raises(ValueError, match="target contains NaN at row 150, column 2"):
        estimate(noisy, target=holes)
    scaled = VariationalAutoencoder(2, scale="standard", **SETTINGS).fit(rows)
    with pytest.raises(ValueError, match="target must be None with scale"):
        getattr(scaled, method)(rows, target=rows)


def test_bound_of_a_target_is_that_of_the_reference(rows: NDArray[np.float64]) -> None:
    holes = rows.copy()
    holes[::3, 2] = np.nan
    vae = VariationalAutoencoder(
        3, likelihood="gaussian", missing="mask", dtype="float64", **SETTINGS
    ).fit(rows, target=holes)
    masked = np.ma.masked_invalid(holes)
    vae.network_.weights[1][:] *= 0.1  # draws matter less
    bound = vae.elbo(rows, target=masked, n_samples=4000, random_state=0)
    net = vae.network_
    losses = [
        reference.objective(
            net.layer_sizes,
            net.activations,
            net.parameters,
            rows[:2],
            target=holes[:2],
            missing="mask",
            gaussian_code=True,
            epoch=epoch,
        )
        for epoch in range(4000)
    ]
    constant = 0.5 * math.log(2 * math.pi) * np.array([9, 10])  # of the numbers that are there
    assert -bound[:2].mean() == pytest.approx(np.mean(losses) + constant.mean(), abs=0.05)


def test_both_parts_of_the_loss_are_in_the_history(rows: NDArray[np.float64]) -> None:
    settings: dict[str, Any] = {**SETTINGS, "beta": 0.5, "weight_decay": 0.01, "n_epochs": 3}
    vae = VariationalAutoencoder(3, beta_warmup_epochs=2, **settings)
    history = vae.fit(rows[50:], validation_data=rows[:50]).history_
    parts = np.add(history["reconstruction"], history["divergence"])
    decay = np.subtract(history["loss"], parts)
    assert history["divergence"][0] == 0 < min(history["divergence"][1:])
    assert (decay > 0).all()
    held = np.add(history["validation_reconstruction"], history["validation_divergence"])
    np.testing.assert_allclose(held, history["validation_loss"], rtol=1e-12)
    terms = vae.network_.objective_terms(
        rows[:50], loss="binary_cross_entropy", beta=0.5, seed=vae._seed
    )
    assert history["validation_reconstruction"][-1] == pytest.approx(terms.data, rel=1e-5)
    assert history["validation_divergence"][-1] == pytest.approx(terms.divergence, rel=1e-5)
    plain = VariationalAutoencoder(3, **SETTINGS).partial_fit(rows).partial_fit(rows).history_
    np.testing.assert_allclose(
        np.add(plain["reconstruction"], plain["divergence"]), plain["loss"], rtol=1e-12
    )
    assert "validation_divergence" not in plain
    assert "divergence" not in Autoencoder(3, n_epochs=1, random_state=0).fit(rows).history_
