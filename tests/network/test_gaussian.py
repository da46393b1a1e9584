"""The core's Gaussian code against `aecore.reference`: gradients, steps, sparse rows, bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from aecore import Network, _core, reference
from aecore.layers import Dense, Gaussian
from core_options import core_objective
from core_steps import core_rule, reference_step
from helpers import run_function
from samples import THREADS
from terms import DROPOUT, WEIGHTS, chosen, together

# Layer sizes, activations and the Gaussian layer: the first, next to the output, around tile edges.
SHAPES: dict[str, tuple[list[int], list[str], int]] = {
    "first": ([21, 5, 21], ["identity", "sigmoid"], 0),
    "middle": ([21, 12, 5, 12, 21], ["relu", "identity", "tanh", "sigmoid"], 1),
    "wide": ([40, 33, 65, 17, 40], ["silu", "identity", "gelu", "sigmoid"], 1),
    "last but one": ([9, 31, 7, 32, 9], ["tanh", "elu", "identity", "sigmoid"], 2),
    "multinomial": ([70, 16, 3, 16, 70], ["tanh", "identity", "tanh", "softmax"], 1),
}
TERMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "beta": {"beta": 0.3, "seed": 2**40 + 5, "epoch": 3},
    "free bits": {"free_bits": 0.3, "beta": 2.0},
    "others": {**together(*WEIGHTS), **DROPOUT, "input_scale": 0.5},
    "noise": {"noise": "masking", "noise_level": 0.3, "seed": 7},
}


def evaluate(
    shape: str,
    n_rows: int,
    terms: dict[str, Any],
    *,
    dtype: str = "float64",
    threads: tuple[int, ...] = (1,),
    spread: float = 1.0,
    compressed: bool = False,
) -> tuple[float, int]:
    """Largest relative difference to the reference, and the number of different results."""
    sizes, activations, code = SHAPES[shape]
    loss = "multinomial" if activations[-1] == "softmax" else "binary_cross_entropy"
    terms = {"loss": loss, **terms}
    epoch = terms.pop("epoch", 0)
    rng = np.random.default_rng(n_rows)
    network = _core.Network(sizes, activations, code_layer=code, gaussian=True)
    parameters = rng.uniform(-spread, spread, network.n_parameters).astype(dtype)
    X = rng.random((n_rows, sizes[0])) * (rng.random((n_rows, sizes[0])) < 0.3)
    weight = rng.random(n_rows)
    settings = {"gaussian_code": True, "code_layer": code, "sample_weight": weight}
    expected = reference.objective_terms(
        sizes, activations, parameters, X, epoch=epoch, **settings, **terms
    )
    value, slope = reference.objective_and_gradient(
        sizes, activations, parameters, X, epoch=epoch, **settings, **terms
    )
    worst, results = 0.0, set()
    objective = core_objective(code_layer=code, **terms)
    data = _core.Data(sparse.csr_array(X) if compressed else X, sample_weight=weight)
    for n_threads in threads:
        gradient = np.empty_like(parameters)
        parts = network.evaluate(
            parameters, data, objective, gradient=gradient, n_threads=n_threads, epoch=epoch
        )
        worst = max(worst, float(np.abs(np.subtract([*parts.values()], expected)).max() / value))
        for (W, b), (V, c) in zip(
            reference.unpack(sizes, gradient, gaussian_layer=code),
            reference.unpack(sizes, slope, gaussian_layer=code),
            strict=True,
        ):
            worst = max(worst, float(np.abs(W - V).max() / np.abs(V).max()))
            worst = max(worst, float(np.abs(b - c).max() / np.abs(c).max()))
        results.add((*parts.values(), gradient.tobytes()))
    return worst, len(results)


def every_shape(name: str, compressed: bool) -> tuple[float, int]:
    found = [
        evaluate(shape, n_rows, TERMS[name], threads=THREADS, compressed=compressed)
        for shape in SHAPES
        for n_rows in (1, 70, 300)
    ]
    return max(worst for worst, _ in found), max(n for _, n in found)


@pytest.mark.parametrize("compressed", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", TERMS)
def test_core_equals_reference(isa: str, name: str, compressed: bool) -> None:
    worst, n_results = run_function(every_shape, name, compressed, isa=isa)
    assert worst < 1e-10
    assert n_results == 1


def test_float32_stays_within_its_rounding() -> None:
    worst, n_results = evaluate("wide", 300, {}, dtype="float32", threads=THREADS, spread=0.3)
    assert worst < 2e-5
    assert n_results == 1


def test_rows_in_several_chunks() -> None:
    SHAPES["chunks"] = ([300, 500, 400, 300], ["tanh", "identity", "sigmoid"], 1)
    worst, n_results = evaluate("chunks", 4000, {"weight_decay": 0.1}, threads=(1, 3), spread=0.1)
    assert worst < 1e-10
    assert n_results == 1


@pytest.mark.parametrize("clip_norm", [0.0, 0.3])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "rmsprop", "adam"])
def test_steps_equal_the_reference(optimizer: str, clip_norm: float) -> None:
    sizes, activations, code = SHAPES["middle"]
    network = _core.Network(sizes, activations, code_layer=code, gaussian=True)
    rng = np.random.default_rng(3)
    X = rng.random((40, 21))
    parameters = rng.uniform(-0.5, 0.5, network.n_parameters)
    start = parameters.copy()
    settings: dict[str, Any] = {"weight_decay": 0.01, "beta": 0.5, "free_bits": 0.1, "seed": 5}
    rule = core_rule(optimizer, clip_norm)
    objective = _core.Objective(loss="binary_cross_entropy", code_layer=code, **settings)
    objective.warm_up = 0.0
    losses, held = [], []

    def on_epoch(epoch: int, loss: float, validation_loss: float, _seconds: float) -> bool:
        objective.warm_up = (epoch + 1) / 2
        losses.append(loss)
        held.append(validation_loss)
        return False

    state = np.zeros((rule.n_slots, network.n_parameters))
    schedule = _core.Schedule(batch_size=16, n_epochs=3, seed=5)
    network.train(
        parameters,
        state,
        _core.Data(X, rows=np.arange(30)),
        validation=_core.Data(X, rows=np.arange(30, 40)),
        objective=objective,
        optimizer=rule,
        schedule=schedule,
        n_threads=2,
        on_epoch=on_epoch,
    )
    expected, expected_losses, expected_held = steps(start, X, optimizer, clip_norm, settings)
    scale = np.abs(expected).max()
    assert np.abs(parameters - expected).max() < 1e-10 * scale
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-10)
    np.testing.assert_allclose(held, expected_held, rtol=1e-10)


def steps(
    parameters: NDArray[Any], X: NDArray[Any], optimizer: str, clip: float, given: dict[str, Any]
) -> tuple[NDArray[Any], list[float], list[float]]:
    """Three epochs by the reference, beta warmed up by 0, 1/2, 1; the last ten rows held out."""
    sizes, activations, code = SHAPES["middle"]
    fixed: dict[str, Any] = {"gaussian_code": True, "code_layer": code}
    fixed |= {"loss": "binary_cross_entropy", "seed": given["seed"]}
    moments: Any = (np.zeros_like(parameters), np.zeros_like(parameters))
    losses, held, n = [], [], 0
    for epoch in range(3):
        order = _core.permutation(30, 5, epoch)
        total = 0.0
        for first in range(0, 30, 16):
            rows = order[first : first + 16]
            options = {**given, **fixed, "epoch": epoch, "rows": rows}
            options["beta"] = given["beta"] * epoch / 2
            loss, gradient = reference.objective_and_gradient(
                sizes, activations, parameters, X[rows], **options
            )
            total += loss * len(rows)
            if clip:
                gradient = reference.clip_by_norm(gradient, clip)
            n += 1
            parameters, *moments = reference_step(optimizer, parameters, gradient, moments, n)
        losses.append(total / 30)
        options = {**fixed, "beta": given["beta"], "free_bits": given["free_bits"]}
        rows = np.arange(30, 40)
        held.append(
            reference.objective(sizes, activations, parameters, X[rows], rows=rows, **options)
        )
    return parameters, losses, held


def network(**settings: Any) -> Network:
    layers = [Dense(7, "tanh"), Gaussian(3), Dense(6, "relu"), Dense(9, "sigmoid")]
    return Network(9, layers, dtype="float64", random_state=1, **settings)


def reference_arguments(net: Network) -> tuple[Any, ...]:
    return net.layer_sizes, net.activations, net.parameters


def test_the_start_is_the_references() -> None:
    net = network()
    np.testing.assert_array_equal(
        net.parameters,
        reference.initial_parameters(net.layer_sizes, net.activations, seed=1, gaussian_layer=1),
    )
    drawn = Network(9, net.layers, initialization="he_normal", dtype="float64", random_state=1)
    assert np.abs(drawn.parameters - net.parameters).max() > 0


@pytest.mark.parametrize("n_rows", [1, 3, 200])
def test_code_distribution(n_rows: int) -> None:
    net = network()
    net.parameters[:] *= 6  # some log variances are cut
    X = np.random.default_rng(0).random((n_rows, 9)) * 10
    mean, log_variance = net.code_distribution(X)
    expected = reference.code_distribution(*reference_arguments(net), X)
    np.testing.assert_allclose(mean, expected[0], rtol=1e-11, atol=1e-12)
    np.testing.assert_allclose(log_variance, expected[1], rtol=1e-11, atol=1e-12)
    one = net.code_distribution(X[0])
    np.testing.assert_array_equal(one[0], mean[0])
    np.testing.assert_array_equal(one[1], log_variance[0])
    by_columns = net.code_distribution(sparse.csr_array(X))
    np.testing.assert_array_equal(by_columns[1], log_variance)
    with pytest.raises(ValueError, match="code_distribution needs a Gaussian layer"):
        Network([9, 2], ["relu"], random_state=0).code_distribution(X)


def test_losses_of_rows_are_at_the_mean() -> None:
    net = network()
    X = np.random.default_rng(0).random((30, 9))
    losses = net.row_losses(X)
    np.testing.assert_allclose(
        losses, reference.row_losses(*reference_arguments(net), X, gaussian_code=True), rtol=1e-12
    )
    np.testing.assert_array_equal(net.row_losses(X[7:9]), losses[7:9])
    terms = net.objective_terms(X, seed=4, epoch=2, beta=0.5, free_bits=0.1)
    expected = reference.objective_terms(
        *reference_arguments(net), X, gaussian_code=True, seed=4, epoch=2, beta=0.5, free_bits=0.1
    )
    np.testing.assert_allclose(terms, expected, rtol=1e-12)


@pytest.mark.parametrize("v", [30.0, -30.0])
def test_cut_log_variances_have_no_slope(v: float) -> None:
    net = network(n_threads=1)
    start = 9 * 7 + 7 + 7 * 3 + 3
    biases = net.parameters[start + 21 : start + 24]
    biases[:] = v
    X = np.random.default_rng(0).random((5, 9))
    value, gradient = net.objective_and_gradient(X)
    assert np.isfinite(value)
    assert not gradient[start : start + 24].any()
    expected = reference.objective_and_gradient(*reference_arguments(net), X, gaussian_code=True)
    assert value == pytest.approx(expected[0], rel=1e-12)
    np.testing.assert_allclose(gradient, expected[1], rtol=1e-10, atol=1e-10)


def test_a_log_variance_that_is_no_number_shows() -> None:
    net = network()
    net.parameters[9 * 7 + 7 + 7 * 3 + 3] = np.nan
    assert np.isnan(net.objective(np.ones((5, 9))))


@pytest.mark.parametrize("name", chosen(on="code"))
def test_penalties_that_do_not_go_with_it(name: str) -> None:
    settings = together(name)
    with pytest.raises(ValueError, match=f"{next(iter(settings))} must be 0 "):
        network().objective(np.ones((2, 9)), **settings)


@pytest.mark.parametrize("settings", [{"beta": -1}, {"free_bits": np.inf}])
def test_ranges(settings: dict[str, Any]) -> None:
    name = next(iter(settings))
    with pytest.raises(ValueError, match=f"{name} must be a finite number >= 0"):
        network().objective(np.ones((2, 9)), **settings)


def test_an_encoder_alone_has_no_objective() -> None:
    with pytest.raises(ValueError, match="layers must go on after a Gaussian one"):
        network().encoder.objective(np.ones((2, 9)), target=np.ones((2, 3)))
