"""Rows with the largest losses are left out of J: by hand, by differences, and in the core."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aecore import Autoencoder, DenoisingAutoencoder, Network, VariationalAutoencoder, reference
from aecore.reference._trimming import trim
from core_gradients import difference
from core_steps import trained_and_expected
from differences import check_gradient, draw
from helpers import run_function
from samples import THREADS, may_learn_nothing
from terms import CODE, DROPOUT, TERMS, WEIGHTS, chosen, together

Vector = NDArray[np.float64]
SIZES, ACTIVATIONS = [4, 3, 4], ["tanh", "identity"]


@pytest.mark.parametrize(
    ("losses", "fraction", "kept"),
    [
        ([3.0, 1.0, 2.0, 0.0], 0.25, [1, 2, 3]),
        ([3.0, 1.0, 2.0, 0.0], 0.75, [3]),
        ([3.0, 1.0, 2.0, 0.0], 0.49, [1, 2, 3]),
        ([1.0, 1.0, 1.0, 1.0], 0.5, [0, 1]),
        ([2.0, 1.0, 2.0, 2.0], 0.5, [0, 1]),
        ([5.0], 0.9, [0]),
        ([5.0, 4.0], 0.0, [0, 1]),
    ],
    ids=str,
)
def test_which_rows_are_kept(losses: list[float], fraction: float, kept: list[int]) -> None:
    expected = np.zeros(len(losses))
    expected[kept] = 1 / len(kept)
    w = np.full(len(losses), 1 / len(losses))
    np.testing.assert_allclose(trim(w, np.array(losses), fraction), expected, rtol=1e-15)


@pytest.mark.parametrize(
    ("losses", "weights", "fraction", "kept"),
    [
        ([5.0, 4.0, 3.0], [1, 1, 2], 0.5, [2]),
        ([5.0, 4.0, 3.0], [2, 1, 1], 0.5, [1, 2]),
        ([5.0, 4.0, 3.0], [3, 1, 1], 0.5, [0, 1, 2]),  # no part of a row
        ([5.0, 4.0, 3.0], [0, 1, 1], 0.5, [2]),
        ([5.0, 4.0, 3.0, 2.0], [0.1] * 4, 0.75, [3]),
        (np.arange(10.0), [0.1] * 10, 0.3, range(7)),
        (np.arange(100.0), [1.0] * 100, 0.29, range(71)),
        ([5.0, 4.0], [1, 1], 1 - 1e-15, [1]),
    ],
    ids=str,
)
@pytest.mark.parametrize("scale", [1.0, 3.7, 1e-12])
def test_the_share_is_one_of_the_weight(
    losses: Any, weights: Any, fraction: float, kept: Any, scale: float
) -> None:
    w = scale * np.asarray(weights, float)
    expected = np.zeros(len(w))
    expected[list(kept)] = w[list(kept)]
    found = trim(w / w.sum(), np.array(losses), fraction)
    np.testing.assert_allclose(found, expected / expected.sum(), rtol=1e-13)
    # The same by the core: the code is the row itself, and the target makes the losses.
    net = Network([1, 1], ["identity"], dtype="float64", random_state=0)
    net.parameters[:] = 0.0
    target = np.sqrt(np.asarray(losses, float))[:, np.newaxis]
    value = net.objective(
        np.ones_like(target), target=target, sample_weight=w, trim_fraction=fraction
    )
    assert value == pytest.approx(net.row_losses(np.ones_like(target), target=target) @ found)


def test_weights_are_repeated_rows() -> None:
    rng = np.random.default_rng(1)
    X, times = rng.random((30, 4)), rng.integers(0, 4, 30)
    net = Network(SIZES, ACTIVATIONS, dtype="float64", random_state=0)
    by_loss = np.argsort(net.row_losses(X))
    # Fractions that end between two rows, so that no row would be left out in part.
    for n_kept in (10, 17, 25):
        fraction = 1 - times[by_loss[:n_kept]].sum() / times.sum()
        weighted = net.objective_and_gradient(X, sample_weight=times, trim_fraction=fraction)
        repeated = net.objective_and_gradient(np.repeat(X, times, axis=0), trim_fraction=fraction)
        assert weighted[0] == pytest.approx(repeated[0], rel=1e-12)
        np.testing.assert_allclose(weighted[1], repeated[1], rtol=1e-9, atol=1e-14)


def test_rows_without_weight_do_not_count() -> None:
    w = np.array([0.0, 0.1, 0.2, 0.3, 0.4])
    kept = trim(w, np.array([9.0, 1.0, 4.0, 3.0, 2.0]), 0.25)
    np.testing.assert_allclose(kept, np.array([0.0, 0.1, 0.0, 0.3, 0.4]) / 0.8, rtol=1e-15)


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize(
    "settings",
    [
        {**together(*WEIGHTS), **DROPOUT},
        {"noise": "masking", "noise_level": 0.3, "noise_emphasis": 2.0, "seed": 5},
        *(together(name) for name in chosen(on="code")),
    ],
    ids="-".join,
)
def test_gradient_by_central_differences(settings: dict[str, Any], weighted: bool) -> None:
    rng = np.random.default_rng([len(settings), weighted])
    X = rng.uniform(0.05, 0.95, (9, 4))
    if weighted:
        settings = {**settings, "sample_weight": rng.uniform(0.0, 2.0, 9)}
    parameters = 0.4 * draw(SIZES, rng)
    given = {**settings, "trim_fraction": 0.4}
    check_gradient(SIZES, ACTIVATIONS, parameters, X, **given)
    plain = reference.objective_terms(SIZES, ACTIVATIONS, parameters, X, **settings)
    trimmed = reference.objective_terms(SIZES, ACTIVATIONS, parameters, X, **given)
    assert trimmed.data < plain.data
    assert trimmed.weight_decay == plain.weight_decay


def test_it_is_the_objective_of_the_kept_rows() -> None:
    rng = np.random.default_rng(2)
    X, parameters = rng.random((10, 4)), 0.4 * draw(SIZES, rng)
    losses = reference.row_losses(SIZES, ACTIVATIONS, parameters, X)
    kept = np.sort(np.argsort(losses)[:7])
    settings = together(*(name for name in TERMS if name != "sparsity"))
    whole = reference.objective_terms(
        SIZES, ACTIVATIONS, parameters, X, trim_fraction=0.3, **settings
    )
    alone = reference.objective_terms(SIZES, ACTIVATIONS, parameters, X[kept], **settings)
    assert whole == pytest.approx(alone, rel=1e-13)


CASES: dict[str, dict[str, Any]] = {
    "alone": {},
    "weights": together(*WEIGHTS),
    "masking": {"noise": "masking", "noise_level": 0.3, "noise_emphasis": 2.0, "seed": 3},
    "dropout": DROPOUT,
    "sparse": together("sparsity", *CODE, sparse_layer=1),
    "all": {
        "tied_weights": True,
        "code_top_k": 4,
        **together(*TERMS, sparse_layer=1),
        **DROPOUT,
    },
}


def worst_difference(name: str) -> float:
    """Worst difference of several networks to the reference, with few and many rows."""
    worst = 0.0
    for sizes, activations in (
        ([21, 12, 9, 12, 21], ["sigmoid", "sigmoid", "tanh", "identity"]),
        ([33, 17, 5, 17, 33], ["tanh", "sigmoid", "relu", "sigmoid"]),
    ):
        for n_rows in (1, 2, 70, 300):
            for fraction in (0.1, 0.5):
                options = {**CASES[name], "trim_fraction": fraction, "weighted": n_rows != 70}
                found = difference(sizes, activations, n_rows, threads=THREADS, **options)
                worst = max(worst, found)
    return worst


@pytest.mark.parametrize("name", CASES)
def test_core_equals_reference(isa: str, name: str) -> None:
    assert run_function(worst_difference, name, isa=isa) < 1e-10


@pytest.mark.parametrize("name", ["alone", "all"])
def test_rows_in_several_chunks(name: str) -> None:
    options = {**CASES[name], "weight_decay": 0.1, "trim_fraction": 0.3}
    activations = ["tanh", "sigmoid", "tanh", "identity"]
    sizes = [20, 33, 9, 33, 20]
    assert difference(sizes, activations, 3_000, threads=THREADS, weighted=True, **options) < 1e-10


@pytest.mark.parametrize("clip_norm", [0.0, 0.1], ids=["whole", "clipped"])
@pytest.mark.parametrize("batch_size", [1, 7, 40])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_steps_equal_the_reference(optimizer: str, batch_size: int, clip_norm: float) -> None:
    options = {"trim_fraction": 0.4, "weight_decay": 0.01}
    parameters, losses = trained_and_expected(optimizer, batch_size, options, False, clip_norm)
    assert parameters < 1e-10
    assert losses < 1e-10


@pytest.mark.parametrize("sizes", [[12, 12], [12, 5, 12]], ids=["one layer", "two"])
def test_sparse_rows_are_trimmed_like_dense_ones(sizes: list[int]) -> None:
    rng = np.random.default_rng(0)
    X = rng.random((40, 12)) * (rng.random((40, 12)) < 0.4)
    activations = ["tanh", "identity"][-len(sizes) + 1 :]
    net = Network(sizes, activations, dtype="float64", random_state=0)
    settings: dict[str, Any] = {"trim_fraction": 0.3, "dropout": 0.2}
    value, gradient = net.objective_and_gradient(csr_array(X), **settings)
    dense_value, dense_gradient = net.objective_and_gradient(X, **settings)
    assert value == pytest.approx(dense_value, rel=1e-12)
    np.testing.assert_allclose(gradient, dense_gradient, rtol=0, atol=1e-12)
    expected = reference.objective(sizes, activations, net.parameters, X, **settings)
    assert value == pytest.approx(expected, rel=1e-12)


def fitted_bytes(n_threads: int) -> bytes:
    X = np.random.default_rng(0).normal(size=(200, 12))
    model = DenoisingAutoencoder(
        (40, 5),
        activation="tanh",
        output_activation="identity",
        loss="squared_error",
        trim_fraction=0.3,
        dropout=0.1,
        n_epochs=3,
        batch_size=64,
        random_state=0,
        n_threads=n_threads,
    )
    return model.fit(X, sample_weight=np.arange(200)).network_.parameters.tobytes()


def test_bits_do_not_depend_on_threads() -> None:
    assert len({fitted_bytes(n_threads) for n_threads in THREADS}) == 1


def test_odd_rows_do_not_carry_the_fit_away() -> None:
    """A third of the rows lies elsewhere; the others are still reproduced, through one unit."""
    rng = np.random.default_rng(0)
    good = rng.normal(size=(400, 1)) * np.ones((1, 6)) + 0.01 * rng.normal(size=(400, 6))
    odd = 3 * rng.normal(size=(200, 2)) @ rng.normal(size=(2, 6))
    X = np.concatenate([good, odd])
    settings: dict[str, Any] = {"activation": "identity", "random_state": 0, "learning_rate": 0.01}
    plain, robust = (
        Autoencoder(1, trim_fraction=fraction, n_epochs=60, batch_size=60, **settings).fit(X)
        for fraction in (0.0, 0.4)
    )
    assert robust.score(good) > -0.001
    assert plain.score(good) < -1.0
    assert robust.score(odd) < plain.score(odd)


def test_validation_and_scores_leave_out_nothing() -> None:
    X = np.random.default_rng(0).random((50, 6))
    held = np.random.default_rng(1).random((20, 6))
    ae = Autoencoder(2, trim_fraction=0.4, n_epochs=2, random_state=0).fit(X, validation_data=held)
    assert ae.history_["validation_loss"][-1] == pytest.approx(-ae.score(held), rel=1e-6)


def test_lbfgs_trims_all_rows() -> None:
    X = np.random.default_rng(0).random((50, 6))
    ae = Autoencoder(2, activation="tanh", trim_fraction=0.4, optimizer="lbfgs", random_state=0)
    ae.fit(X)
    loss = ae.history_["loss"]
    assert loss[-1] < loss[0]
    kept = np.sort(-ae.score_samples(X))[:30]
    assert loss[-1] == pytest.approx(kept.mean(), rel=1e-5)


@may_learn_nothing
def test_what_it_does_not_go_with() -> None:
    X = np.random.default_rng(0).random((50, 6))
    with pytest.raises(ValueError, match=r"batch_size must be at least 1 / trim_fraction, .*; got"):
        Autoencoder(2, trim_fraction=0.5, batch_size=1).fit(X)
    net = Network([6, 2, 6], ["tanh", "identity"])
    with pytest.raises(ValueError, match="trim_fraction must be 0 with observed_only; got 0"):
        net.objective(csr_array(X), trim_fraction=0.5, observed_only=True)
    vae = VariationalAutoencoder((4, 2), n_epochs=1).fit(X)
    with pytest.raises(ValueError, match="trim_fraction must be 0 with a Gaussian code"):
        vae.network_.objective(X, trim_fraction=0.5)
    for value in (1.0, -0.1, np.nan):
        with pytest.raises(ValueError, match=r"trim_fraction must be a number in \[0, 1\); got"):
            net.objective(X, trim_fraction=value)
        with pytest.raises(ValueError, match=r"trim_fraction must be in \[0, 1\); got"):
            reference.objective(
                [1, 1], ["tanh"], np.zeros(2), np.zeros((1, 1)), trim_fraction=value
            )
