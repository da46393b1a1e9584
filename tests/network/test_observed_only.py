"""A loss of a sparse target's stored entries alone, against NaN in an array of all outputs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import sparse

from aecore import _core, reference
from core_options import core_objective
from core_steps import core_rule
from helpers import run_function
from samples import THREADS
from sparse_problems import CASES, PROBLEMS, evaluate, fits, messy_rows


def with_nan(rows: Any) -> NDArray[np.float64]:
    """NaN where no entry is: explicit zeros are there."""
    shape, parts = rows.shape, (rows.indices, rows.indptr)
    there = sparse.csr_array((np.ones(rows.nnz), *parts), shape=shape).toarray() > 0
    return np.where(there, rows.toarray(), np.nan)


def unlike(found: tuple[float, Any], expected: tuple[float, Any], bound: float) -> bool:
    """Whether the values, or the gradients, are further apart than `bound` of the largest."""
    gradient = np.abs(found[1] - expected[1]).max() / max(np.abs(expected[1]).max(), 1e-3)
    value = abs(found[0] - expected[0]) / max(abs(expected[0]), 1e-3)
    return not max(value, gradient) < bound


def differences(dtype: str) -> list[str]:
    """Where J and its gradient are not those of the array, or depend on the threads."""
    bound = 1e-10 if dtype == "float64" else 2e-6
    wrong = []
    for problem, (name, terms) in itertools.product(PROBLEMS, CASES.items()):
        if PROBLEMS[problem][2] == "multinomial" or not fits(problem, terms):
            continue
        for n_rows in (1, 37, 300):
            rows = messy_rows(n_rows, PROBLEMS[problem][0][0])
            scale = terms.get("input_scale", 1.0)
            target = scale * with_nan(rows)
            expected = evaluate(problem, rows.toarray(), target, mask_missing=True, **terms)
            one = evaluate(problem, rows, observed_only=True, dtype=dtype, **terms)
            case = f"{problem}, {name}, {n_rows} rows"
            if unlike(one, expected, bound):
                wrong.append(case)
            for n_threads in THREADS[1:]:
                found = evaluate(
                    problem, rows, observed_only=True, dtype=dtype, n_threads=n_threads, **terms
                )
                if found[0] != one[0] or not np.array_equal(found[1], one[1]):
                    wrong.append(f"{case}, {n_threads} threads")
    return wrong


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_not_there_is_left_out(isa: str, dtype: str) -> None:
    assert run_function(differences, dtype, isa=isa, timeout=300) == []


@pytest.mark.parametrize("problem", ["squared error", "poisson", "one layer"])
def test_target_of_its_own(problem: str) -> None:
    n = PROBLEMS[problem][0][0]
    X, target = messy_rows(60, n), messy_rows(60, n, seed=1)
    expected = evaluate(problem, X.toarray(), with_nan(target), mask_missing=True)
    for x in (X, X.toarray()):
        assert not unlike(evaluate(problem, x, target, observed_only=True), expected, 1e-10)


def test_more_rows_than_are_taken_at_once() -> None:
    # The core takes about 2,800 rows at once, 2,000 with tied weights: gradients of two pieces
    # add up.
    for terms in ({}, {"tied": True}):
        rows = messy_rows(4000, 700)
        target = with_nan(rows)
        expected = evaluate("cross entropy", rows.toarray(), target, mask_missing=True, **terms)
        found = evaluate("cross entropy", rows, observed_only=True, **terms)
        assert not unlike(found, expected, 1e-10)
        again = evaluate("cross entropy", rows, observed_only=True, n_threads=3, **terms)
        np.testing.assert_array_equal(again[1], found[1])


CONV = reference.convolution_of((5, 5, 3), 4, kernel=3, stride=2, padding="same")
BACK = CONV._replace(transposed=True)
# Layer sizes, the Gaussian layer, and which layers convolve: with an output of 75 columns.
KINDS: dict[str, tuple[list[int], int | None, list[Any]]] = {
    "Gaussian first": ([75, 9, 35, 75], 0, [None, None, None]),
    "Gaussian alone": ([75, 9, 75], 0, [None, None]),
    "Gaussian below the output": ([75, 35, 40, 75], 1, [None, None, None]),
    "convolution below the output": ([75, 36, 75], None, [CONV, None]),
    "both": ([75, 9, 36, 75, 75], 0, [None, None, BACK, None]),
    "output that convolves": ([75, 9, 36, 75], None, [None, None, BACK]),
}


def of_kind(
    kind: str, X: Any, target: Any, n_threads: int = 1, dtype: str = "float64", **terms: Any
) -> tuple[float, NDArray[Any]]:
    """J and its gradient at random parameters."""
    sizes, gaussian, convolutions = KINDS[kind]
    code = gaussian or 0
    activations = ["tanh"] * (len(sizes) - 2) + ["sigmoid"]
    if gaussian is not None:
        activations[code] = "identity"
    network = _core.Network(
        sizes,
        activations,
        code_layer=code,
        gaussian=gaussian is not None,
        convolutions=convolutions,
    )
    parameters = np.random.default_rng(1).uniform(-0.3, 0.3, network.n_parameters).astype(dtype)
    weight = np.random.default_rng(2).random(X.shape[0])
    objective = core_objective(code_layer=code, **terms)
    gradient = np.full(network.n_parameters, np.nan, dtype)
    data = _core.Data(X, target=target, sample_weight=weight)
    parts = network.evaluate(
        parameters, data, objective, gradient=gradient, n_threads=n_threads, epoch=3
    )
    return sum(parts.values()), gradient


def differences_of_kinds(dtype: str) -> list[str]:
    """Where layers of some kind have another J or gradient than with the array."""
    bound = 1e-10 if dtype == "float64" else 1e-5
    wrong = []
    terms: dict[str, Any]
    for kind, terms, n_rows in itertools.product(
        KINDS, ({}, {"dropout": 0.3, "weight_decay": 0.1}), (1, 37, 300)
    ):
        rows = messy_rows(n_rows, 75)
        X = rows.toarray() if KINDS[kind][2][0] else rows
        expected = of_kind(kind, rows.toarray(), with_nan(rows), mask_missing=True, **terms)
        found = [
            of_kind(kind, X, rows, n_threads, dtype, observed_only=True, **terms)
            for n_threads in THREADS
        ]
        case = f"{kind}, {sorted(terms)}, {n_rows} rows"
        if unlike(found[0], expected, bound):
            wrong.append(case)
        if any(v != found[0][0] or not np.array_equal(g, found[0][1]) for v, g in found[1:]):
            wrong.append(f"{case}, threads")
    return wrong


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_layers_of_every_kind(isa: str, dtype: str) -> None:
    assert run_function(differences_of_kinds, dtype, isa=isa, timeout=300) == []


def test_no_entries_at_all() -> None:
    rows = sparse.csr_array((5, 300))
    value, gradient = evaluate("squared error", rows, observed_only=True)
    assert value == 0
    assert not gradient.any()


def trained(
    X: Any, target: Any, optimizer: str, clip_norm: float, **options: Any
) -> tuple[NDArray[np.float64], list[tuple[float, float]]]:
    """Parameters after two epochs, and the epochs' losses."""
    network = _core.Network([75, 35, 9, 75], ["tanh", "sigmoid", "sigmoid"])
    parameters = np.random.default_rng(3).uniform(-0.3, 0.3, network.n_parameters)
    rule = core_rule(optimizer, clip_norm)
    losses: list[tuple[float, float]] = []

    def on_epoch(_epoch: int, loss: float, validation: float, _seconds: float) -> bool:
        losses.append((loss, validation))
        return False

    network.train(
        parameters,
        np.zeros((rule.n_slots, network.n_parameters)),
        _core.Data(
            X,
            target=target,
            sample_weight=np.random.default_rng(4).random(X.shape[0]),
            rows=np.arange(60),
        ),
        validation=_core.Data(X, target=target, rows=np.arange(60, 80)),
        objective=core_objective(weight_decay=0.02, weight_l1=0.01, **options),
        optimizer=rule,
        schedule=_core.Schedule(batch_size=13, n_epochs=2, seed=5),
        n_threads=1,
        on_epoch=on_epoch,
    )
    return parameters, losses


@pytest.mark.parametrize("clip_norm", [0.0, 0.05], ids=["whole", "clipped"])
@pytest.mark.parametrize(
    "optimizer", ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw"]
)
def test_steps_are_those_of_an_array(optimizer: str, clip_norm: float) -> None:
    # Columns without an entry in a batch move, too: by their decay and by their moments.
    rows = messy_rows(80, 75)
    found = trained(rows, None, optimizer, clip_norm, observed_only=True)
    expected = trained(rows.toarray(), with_nan(rows), optimizer, clip_norm, mask_missing=True)
    np.testing.assert_allclose(found[0], expected[0], rtol=0, atol=1e-9)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-10)


def test_row_losses() -> None:
    network = _core.Network([75, 35, 75], ["tanh", "sigmoid"])
    parameters = np.random.default_rng(3).uniform(-0.3, 0.3, network.n_parameters)
    rows, found, expected = messy_rows(40, 75), np.empty(40), np.empty(40)
    asked = core_objective(observed_only=True), core_objective(mask_missing=True)
    network.row_losses(parameters, _core.Data(rows), found, objective=asked[0])
    data = _core.Data(rows.toarray(), target=with_nan(rows))
    network.row_losses(parameters, data, expected, objective=asked[1])
    np.testing.assert_allclose(found, expected, rtol=1e-10)
    assert found[1] == 0


def test_an_array_has_no_entries() -> None:
    with pytest.raises(ValueError, match="observed_only must be False unless the target is sparse"):
        evaluate("squared error", messy_rows(9, 300).toarray(), observed_only=True)
