"""Noise and its emphasis: the core equals `aecore.reference`, and every setting has its effect."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Autoencoder, Network, SparseAutoencoder, reference
from core_options import core_objective
from helpers import run_function
from samples import same_bits, three_factor_rows

KINDS = (("masking", 0.3), ("gaussian", 0.4), ("salt_and_pepper", 0.3), ("uniform", 0.4))
EXACT = ("masking", "salt_and_pepper", "uniform")
THREADS = (1, 2, 3, 7)
SEED = 2**40 + 5  # both halves of the key

ARRAYS: dict[str, Callable[[NDArray[np.float64]], NDArray[Any]]] = {
    "float64": lambda X: X,
    "uint8": lambda X: (X > 0.5).astype(np.uint8),
    "strided": lambda X: np.repeat(X, 2, axis=1)[::-1, ::2],
}


def objective_difference(
    sizes: list[int], X: NDArray[Any], rows: NDArray[np.int64] | None, **options: Any
) -> float:
    """Largest relative difference of J and its gradient to the reference, over thread counts."""
    from aecore import _core

    activations = ["sigmoid"] * (len(sizes) - 1)
    network = _core.Network(sizes, activations)
    bound = min(1.0, 4.0 / max(sizes) ** 0.5)
    parameters = np.random.default_rng(0).uniform(-bound, bound, network.n_parameters)
    settings: dict[str, Any] = {"seed": SEED, **options}
    given = X if rows is None else X[rows]
    expected_j, expected = reference.objective_and_gradient(
        sizes, activations, parameters, given, rows=rows, epoch=3, **settings
    )
    objective = core_objective(**settings)
    data = _core.Data(X, rows=rows)
    worst = 0.0
    for n_threads in THREADS:
        gradient = np.empty_like(parameters)
        terms = network.evaluate(
            parameters, data, objective, gradient=gradient, n_threads=n_threads, epoch=3
        )
        worst = max(worst, abs(sum(terms.values()) - expected_j) / abs(expected_j))
        worst = max(worst, float(np.abs(gradient - expected).max() / np.abs(expected).max()))
    return worst


def every_noise_and_width() -> float:
    """Worst difference over noises, losses, emphases, array kinds and odd sizes."""
    rng = np.random.default_rng(1)
    worst = 0.0
    for (noise, level), width, loss in itertools.product(
        KINDS, (1, 2, 7, 31, 33, 70), ("squared_error", "binary_cross_entropy")
    ):
        X = rng.random((70, width))
        rows = rng.permutation(70)[:41]
        for emphasis, make in zip((1.0, 0.5, 2.5), ARRAYS.values(), strict=True):
            options = {"noise": noise, "noise_level": level, "noise_emphasis": emphasis}
            worst = max(
                worst, objective_difference([width, 5, width], make(X), rows, loss=loss, **options)
            )
    return worst


def test_objective_equals_the_reference(isa: str) -> None:
    assert run_function(every_noise_and_width, isa=isa) < 1e-10


@pytest.mark.parametrize("level", [0.0, 1.0, 2.0**-40])
@pytest.mark.parametrize("noise", ["masking", "salt_and_pepper"])
def test_probabilities_at_the_ends(noise: str, level: float) -> None:
    X = np.random.default_rng(0).random((50, 20))
    options = {"noise": noise, "noise_level": level, "noise_emphasis": 3.0}
    assert objective_difference([20, 5, 20], X, None, **options) < 1e-10


@pytest.mark.parametrize("sparsity_weight", [0.0, 0.5])
def test_rows_in_several_chunks(sparsity_weight: float) -> None:
    # 16 MB of scratch hold 1,024 rows of this network.
    X = np.random.default_rng(0).random((2_500, 300))
    options: dict[str, Any] = {"noise": "masking", "noise_level": 0.3, "noise_emphasis": 2.0}
    options |= {"sparsity_weight": sparsity_weight, "sparsity_target": 0.1}
    if sparsity_weight:
        options["sparsity_layers"] = [0]
    assert objective_difference([300, 400, 300], X, None, **options) < 1e-10


def entering_rows(noise: str, level: float, dtype: str, width: int) -> NDArray[Any]:
    """What the first layer sees, from the gradient by its weights: one row and unit at a time.

    With zero weights and biases, identity units and target 0, x_hat is b2 = 1 and dJ/dW2 = a^T 1:
    the code is the bias b1 plus x times a single weight of 1.
    """
    from aecore import _core

    X = np.zeros((width, width))
    network = _core.Network([width, width, 1], ["identity", "identity"])
    parameters = np.zeros(network.n_parameters, dtype)
    parameters[: width * width] = np.eye(width, dtype=dtype).ravel()
    parameters[-1] = 1.0
    target = np.zeros((width, 1))
    seen = np.empty((width, width), dtype)
    objective = _core.Objective(noise=_core.Noise(kind=noise, level=level), seed=SEED)
    for row in range(width):
        gradient = np.empty_like(parameters)
        data = _core.Data(X, target=target, rows=np.array([row]))
        network.evaluate(parameters, data, objective, gradient=gradient, n_threads=1, epoch=1)
        seen[row] = gradient[-width - 1 : -1]
    return seen


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("noise", EXACT)
def test_noise_has_the_bits_of_the_reference(isa: str, noise: str, dtype: str) -> None:
    level = 0.25
    seen = run_function(entering_rows, noise, level, dtype, 37, isa=isa)
    draw = reference.Draw(SEED, 1, np.arange(37))
    expected, _ = reference.corrupt(np.zeros((37, 37)), noise, level, draw)
    np.testing.assert_array_equal(seen, expected.astype(dtype))
    assert expected.any() or noise == "masking"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gaussian_noise_within_its_bound(isa: str, dtype: str) -> None:
    seen = run_function(entering_rows, "gaussian", 1.0, dtype, 301, isa=isa)
    draw = reference.Draw(SEED, 1, np.arange(301))
    expected, _ = reference.corrupt(np.zeros((301, 301)), "gaussian", 1.0, draw)
    # In units in the last place, of numbers below 1 those of 1. The reference itself rounds 2 pi u2
    # to 9e-16, which a radius of up to 5.8 magnifies; here quarter turns are taken off first.
    unit = np.finfo(dtype).eps * np.maximum(np.abs(expected), 1.0)
    assert (np.abs(seen - expected) / unit).max() < (8.0 if dtype == "float32" else 32.0)


def reference_training(
    model: Autoencoder, network: Network, X: NDArray[Any], rows: NDArray[np.int64], n_epochs: int
) -> NDArray[np.float64]:
    """Unshuffled SGD over `rows` from the parameters of `network`, by the reference."""
    parameters = network.parameters.astype(np.float64)
    for epoch in range(n_epochs):
        for start in range(0, rows.size, model.batch_size):
            batch = rows[start : start + model.batch_size]
            _, gradient = reference.objective_and_gradient(
                network.layer_sizes,
                network.activations,
                parameters,
                X[batch],
                noise=model.noise,
                noise_level=model.noise_level,
                noise_emphasis=model.noise_emphasis,
                seed=3,
                epoch=epoch,
                rows=batch,
            )
            parameters -= model.learning_rate * gradient
    return parameters


@pytest.mark.parametrize("batch_size", [1, 32])
@pytest.mark.parametrize(("noise", "level"), KINDS)
def test_training_equals_the_reference(noise: str, level: float, batch_size: int) -> None:
    X = three_factor_rows(100, 12)
    start = Network([12, 4, 12], ["tanh", "identity"], dtype="float64", random_state=1)
    model = Autoencoder(
        (4,),
        activation="tanh",
        optimizer="sgd",
        learning_rate=0.01,
        batch_size=batch_size,
        n_epochs=3,
        shuffle=False,
        dtype="float64",
        random_state=3,
        noise=noise,
        noise_level=level,
        noise_emphasis=1.5,
    ).fit(X, init=start)
    expected = reference_training(model, start, X, np.arange(100), 3)
    np.testing.assert_allclose(model.network_.parameters, expected, rtol=1e-10, atol=1e-12)


def fitted_bytes(n_threads: int, noise: str, dtype: str) -> bytes:
    X = np.random.default_rng(5).random((300, 45))
    model = Autoencoder((9, 5), n_epochs=2, batch_size=70, n_threads=n_threads, dtype=dtype)
    model.set_params(noise=noise, noise_emphasis=2.0, random_state=3)
    return bytes(model.fit(X).network_.parameters.tobytes())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("noise", [kind for kind, _ in KINDS])
def test_bits_do_not_depend_on_threads(noise: str, dtype: str) -> None:
    assert len({fitted_bytes(n, noise, dtype) for n in THREADS}) == 1


@pytest.mark.parametrize("noise", [None, *(kind for kind, _ in KINDS)])
def test_partial_fit_draws_what_fit_draws(noise: str | None) -> None:
    X = three_factor_rows()
    model = Autoencoder((4,), noise=noise, n_epochs=3, batch_size=64, random_state=0)
    whole = model.set_params(shuffle=False).fit(X)
    pieces = Autoencoder(**model.get_params())
    for _ in range(3):
        pieces.partial_fit(X)
    assert same_bits(whole.network_, pieces.network_)


def test_every_setting_counts_and_epochs_differ() -> None:
    X = three_factor_rows()
    base: dict[str, Any] = {"noise": "masking", "n_epochs": 1, "shuffle": False, "random_state": 0}
    start = Network([10, 4, 10], ["relu", "identity"], random_state=1)

    def trained(**changed: Any) -> bytes:
        model = Autoencoder((4,), **{**base, **changed}).fit(X, init=start)
        return model.network_.parameters.tobytes()

    variants = [{"noise": kind} for kind in (None, "gaussian", "salt_and_pepper", "uniform")]
    variants += [{}, {"noise_level": 0.5}, {"noise_emphasis": 2.0}, {"random_state": 1}]
    assert len({trained(**changed) for changed in variants}) == len(variants)
    still = Autoencoder((4,), **base).set_params(learning_rate=1e-30, n_epochs=3)
    assert len(set(still.fit(X, init=start).history_["loss"])) == 3


def test_validation_and_scores_know_no_noise() -> None:
    X = three_factor_rows()
    model = Autoencoder((4,), noise="gaussian", n_epochs=2, random_state=0)
    model.fit(X, validation_data=X)
    plain = Autoencoder((4,), n_epochs=1, random_state=0).fit(X, init=model.network_)
    plain.network_ = model.network_
    np.testing.assert_array_equal(model.score_samples(X), plain.score_samples(X))
    np.testing.assert_array_equal(model.transform(X), plain.transform(X))
    assert model.history_["validation_loss"][-1] == pytest.approx(-model.score(X), rel=1e-6)


def test_lbfgs_draws_the_noise_of_epoch_0() -> None:
    X = three_factor_rows()
    model = SparseAutoencoder(
        (4,), noise="masking", noise_emphasis=2.0, n_epochs=20, dtype="float64", random_state=5
    ).fit(X, validation_data=X)
    network = model.network_
    expected = reference.objective(
        network.layer_sizes,
        network.activations,
        network.parameters,
        X,
        weight_decay=1e-4,
        sparsity_weight=3.0,
        sparsity_target=0.01,
        noise="masking",
        noise_level=0.3,
        noise_emphasis=2.0,
        seed=5,
    )
    assert model.history_["loss"][-1] == pytest.approx(expected, rel=1e-10)
    assert model.history_["validation_loss"][-1] == pytest.approx(-model.score(X), rel=1e-12)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"noise": "salt"}, "noise must be one of None, 'masking', .*; got 'salt'"),
        (
            {"noise": "masking", "noise_level": 1.5},
            r"noise_level must be a probability in \[0, 1\]",
        ),
        ({"noise_level": -1.0}, "noise_level must be a finite number >= 0; got -1.0"),
        ({"noise_emphasis": np.inf}, "noise_emphasis must be a finite number >= 0; got inf"),
    ],
)
def test_bad_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Autoencoder((4,), **settings).fit(three_factor_rows())
