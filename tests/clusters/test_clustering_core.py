"""The core's clusters of a code against `aecore.reference`: gradients, steps, sparse rows, bits."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from aecore import _core, reference
from core_options import core_objective
from core_steps import core_rule, reference_step
from helpers import run_function
from samples import THREADS
from terms import WEIGHTS, together


class Shape(NamedTuple):
    sizes: list[int]
    activations: list[str]
    code: int  # the last layer: nothing is reconstructed
    n_clusters: int
    tied: bool = False


SHAPES = {
    "one layer": Shape([21, 5], ["identity"], 0, 4),
    "encoder": Shape([21, 40, 33, 10], ["relu", "tanh", "identity"], 2, 10),
    "with decoder": Shape([21, 12, 5, 12, 21], ["relu", "identity", "tanh", "sigmoid"], 1, 3),
    "next to the output": Shape([9, 31, 40, 9], ["tanh", "silu", "sigmoid"], 1, 70),
    "first": Shape([21, 5, 21], ["sigmoid", "sigmoid"], 0, 33),
    "tied": Shape([21, 12, 5, 12, 21], ["relu", "tanh", "tanh", "sigmoid"], 1, 6, True),
    "one cluster": Shape([9, 3, 9], ["identity", "sigmoid"], 0, 1),
}
TERMS: dict[str, dict[str, Any]] = {
    "plain": {},
    "weight": {"clustering_weight": 0.1},
    "penalties": {**together(*WEIGHTS), "input_scale": 0.5},
    "noise": {"noise": "masking", "noise_level": 0.3, "seed": 7, "dropout": 0.2},
}


def make(shape: Shape) -> Any:
    return _core.Network(
        shape.sizes,
        shape.activations,
        tied_weights=shape.tied,
        code_layer=shape.code,
        n_clusters=shape.n_clusters,
    )


def distribution(rng: np.random.Generator, n_rows: int, n_clusters: int) -> NDArray[np.float64]:
    p = rng.random((n_rows, n_clusters)) ** 4
    p[::3, 0] = 0.0 if n_clusters > 1 else 1.0
    return p / p.sum(axis=1, keepdims=True)


def evaluate(
    shape: Shape,
    n_rows: int,
    terms: dict[str, Any],
    *,
    dtype: str = "float64",
    threads: tuple[int, ...] = (1,),
    spread: float = 0.5,
    compressed: bool = False,
) -> tuple[float, int]:
    """Largest relative difference to the reference, and the number of different results."""
    compares = shape.code < len(shape.activations) - 1
    if not compares:
        terms = {**terms, "dropout": 0.0}
    loss = "binary_cross_entropy" if compares else "squared_error"
    rng = np.random.default_rng(n_rows)
    network = make(shape)
    parameters = rng.uniform(-spread, spread, network.n_parameters).astype(dtype)
    X = rng.random((n_rows, shape.sizes[0])) * (rng.random((n_rows, shape.sizes[0])) < 0.3)
    weight = rng.random(n_rows)
    p = distribution(rng, n_rows, shape.n_clusters)
    arguments = (shape.sizes, shape.activations, parameters, X)
    settings: dict[str, Any] = {
        "loss": loss,
        "code_layer": shape.code,
        "n_clusters": shape.n_clusters,
        "target_distribution": p,
        "sample_weight": weight,
        "tied_weights": shape.tied,
        **terms,
    }
    expected = reference.objective_terms(*arguments, **settings)
    value, slope = reference.objective_and_gradient(*arguments, **settings)
    objective = core_objective(loss=loss, code_layer=shape.code, **terms)
    rows = sparse.csr_array(X) if compressed else X
    target = X if compressed and compares else None
    data = _core.Data(
        rows,
        target=None if terms.get("input_scale") else target,
        sample_weight=weight,
        target_distribution=p,
    )
    worst, results = 0.0, set()
    for n_threads in threads:
        gradient = np.empty_like(parameters)
        parts = network.evaluate(
            parameters, data, objective, gradient=gradient, n_threads=n_threads
        )
        worst = max(
            worst, float(np.abs(np.subtract([*parts.values()], expected)).max() / abs(value))
        )
        n_centers = shape.n_clusters * shape.sizes[shape.code + 1]
        for mine, others in zip(
            np.split(gradient, [-n_centers]), np.split(slope, [-n_centers]), strict=True
        ):
            scale = max(np.abs(others).max(), 1e-6)  # one cluster has no pull
            worst = max(worst, float(np.abs(mine - others).max() / scale))
        results.add((*parts.values(), gradient.tobytes()))
    return worst, len(results)


def every_shape(name: str, compressed: bool) -> tuple[float, int]:
    found = [
        evaluate(shape, n_rows, TERMS[name], threads=THREADS, compressed=compressed)
        for key, shape in SHAPES.items()
        for n_rows in (1, 70, 300)
        if not (key == "one cluster" and name == "weight")
    ]
    return max(worst for worst, _ in found), max(n for _, n in found)


@pytest.mark.parametrize("compressed", [False, True], ids=["dense", "sparse"])
@pytest.mark.parametrize("name", TERMS)
def test_core_equals_reference(isa: str, name: str, compressed: bool) -> None:
    worst, n_results = run_function(every_shape, name, compressed, isa=isa)
    assert worst < 1e-10
    assert n_results == 1


def test_float32_stays_within_its_rounding() -> None:
    worst, n_results = evaluate(SHAPES["encoder"], 300, {}, dtype="float32", threads=THREADS)
    assert worst < 2e-5
    assert n_results == 1


def test_rows_in_several_chunks() -> None:
    shape = Shape([300, 500, 10], ["tanh", "identity"], 1, 40)
    worst, n_results = evaluate(shape, 6000, {"weight_decay": 0.1}, threads=(1, 3), spread=0.1)
    assert worst < 1e-10
    assert n_results == 1


@pytest.mark.parametrize("name", ["encoder", "with decoder"])
def test_missing_numbers(name: str) -> None:
    shape = SHAPES[name]
    rng = np.random.default_rng(5)
    network = make(shape)
    parameters = rng.uniform(-0.5, 0.5, network.n_parameters)
    X = rng.random((40, 21))
    X[::3, 4] = X[7] = np.nan
    p = distribution(rng, 40, shape.n_clusters)
    gradient = np.empty_like(parameters)
    objective = core_objective(code_layer=shape.code, mask_missing=True)
    data = _core.Data(X, target_distribution=p)
    parts = network.evaluate(parameters, data, objective, gradient=gradient, n_threads=1)
    value, slope = reference.objective_and_gradient(
        shape.sizes,
        shape.activations,
        parameters,
        X,
        missing="mask",
        code_layer=shape.code,
        n_clusters=shape.n_clusters,
        target_distribution=p,
    )
    assert sum(parts.values()) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(gradient, slope, rtol=1e-9, atol=1e-12 * np.abs(slope).max())


def step(
    shape: Shape, optimizer: str, parameters: Any, gradient: Any, moments: Any, t: int
) -> tuple[Any, ...]:
    if optimizer != "adamw":
        return reference_step(optimizer, parameters, gradient, moments, t)
    decay = np.zeros_like(parameters)  # of biases and centres
    network = decay[: len(decay) - shape.n_clusters * shape.sizes[shape.code + 1]]
    for W, _ in reference.unpack(shape.sizes, network, tied_weights=shape.tied):
        W[:] = 0.3
    settings = {"learning_rate": 0.01, "weight_decay": decay}
    return reference.adam_step(parameters, gradient, *moments, t, **settings)


@pytest.mark.parametrize("clip_norm", [0.0, 0.05])
@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adagrad", "rmsprop", "adam", "adamw"])
@pytest.mark.parametrize("name", ["encoder", "with decoder", "tied"])
def test_steps_equal_the_reference(name: str, optimizer: str, clip_norm: float) -> None:
    shape = SHAPES[name]
    network = make(shape)
    rng = np.random.default_rng(3)
    X = rng.random((40, shape.sizes[0]))
    p = distribution(rng, 40, shape.n_clusters)
    parameters = rng.uniform(-0.5, 0.5, network.n_parameters)
    expected = parameters.copy()
    rule = core_rule(optimizer, clip_norm)
    slots = np.zeros((rule.n_slots, len(parameters)))
    objective = _core.Objective(code_layer=shape.code)
    moments = (0.0, 0.0)
    for t in range(1, 4):
        network.train(
            parameters,
            slots,
            _core.Data(X, target_distribution=p),
            objective=objective,
            optimizer=rule,
            schedule=_core.Schedule(batch_size=40, n_epochs=1, shuffle=False, first_step=t - 1),
            n_threads=1,
            on_epoch=lambda *_: False,
        )
        _, gradient = reference.objective_and_gradient(
            shape.sizes,
            shape.activations,
            expected,
            X,
            code_layer=shape.code,
            n_clusters=shape.n_clusters,
            target_distribution=p,
            tied_weights=shape.tied,
        )
        if clip_norm > 0:
            gradient = reference.clip_by_norm(gradient, clip_norm)
        expected, *moments = step(shape, optimizer, expected, gradient, moments, t)
    np.testing.assert_allclose(parameters, expected, rtol=1e-9, atol=1e-10)
