"""The oracle's regularisers: each gradient by central differences, each value by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import reference
from differences import away_from_kinks, check_gradient, draw, n_parameters

N_SAMPLES, N_FEATURES = 6, 4
DEPTHS = {1: [3], 2: [4, 3, 4], 3: [3, 4, 2, 4, 3]}  # number of encoder layers
Vector = NDArray[np.float64]


def rows(rng: np.random.Generator) -> Vector:
    return rng.uniform(0.05, 0.95, (N_SAMPLES, N_FEATURES))


def deep(depth: int, encoder: list[str]) -> tuple[list[int], list[str]]:
    sizes = [N_FEATURES, *DEPTHS[depth], N_FEATURES]
    names = [encoder[layer % len(encoder)] for layer in range(depth)]
    return sizes, names + ["tanh"] * (len(sizes) - 2 - depth) + ["identity"]


def frobenius(sizes: list[int], activations: list[str], parameters: Vector, X: Vector) -> Vector:
    """||J_i||^2 of each row from central differences of the encoder."""
    h, total = 1e-5, np.zeros(len(X))
    for feature in range(X.shape[1]):
        step = h * np.eye(X.shape[1])[feature]
        above = reference.encode(sizes, activations, parameters, X + step)
        below = reference.encode(sizes, activations, parameters, X - step)
        total += np.sum(((above - below) / (2 * h)) ** 2, axis=1)
    return total


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize(
    "encoder",
    [["sigmoid"], ["tanh"], ["relu"], ["identity"], ["tanh", "relu", "sigmoid"]],
    ids="-".join,
)
@pytest.mark.parametrize("depth", DEPTHS)
def test_contractive(depth: int, encoder: list[str], weighted: bool) -> None:
    rng = np.random.default_rng([depth, len(encoder), weighted])
    sizes, activations = deep(depth, encoder)
    X = rows(rng)
    parameters = away_from_kinks(sizes, activations, "squared_error", X, rng)
    settings: dict[str, Any] = {"contractive_weight": 0.3}
    if weighted:
        settings["sample_weight"] = rng.uniform(0.0, 2.0, N_SAMPLES)
    terms = reference.objective_terms(sizes, activations, parameters, X, **settings)
    norms = frobenius(sizes, activations, parameters, X)
    mean = np.average(norms, weights=settings.get("sample_weight"))
    assert terms.contractive == pytest.approx(0.3 * mean, rel=1e-8)
    check_gradient(sizes, activations, parameters, X, **settings)


def test_contractive_is_with_respect_to_the_scaled_input() -> None:
    rng = np.random.default_rng(0)
    sizes, activations = deep(2, ["tanh"])
    X, parameters = rows(rng), draw(sizes, rng)
    arguments = (sizes, activations, parameters)
    scaled = reference.objective_terms(*arguments, X, contractive_weight=1.0)
    bytes_ = reference.objective_terms(
        *arguments, X * 255, contractive_weight=1.0, input_scale=1 / 255
    )
    assert bytes_.contractive == pytest.approx(scaled.contractive, rel=1e-12)


def test_contractive_of_one_layer_by_hand() -> None:
    # Two sigmoid units at z = 0 have slope 1/4: (9 + 16 + 4)/16.
    parameters = [3.0, 0.0, 4.0, 2.0, 0.0, 0.0, *np.zeros(6)]
    terms = reference.objective_terms(
        [2, 2, 2], ["sigmoid", "identity"], parameters, [[0.0, 0.0]], contractive_weight=1.0
    )
    assert terms.contractive == pytest.approx(29 / 16)


# The terms without their factors: of each W, and of the codes of the rows.
OF_WEIGHTS: dict[str, Callable[[Vector], float]] = {
    "weight_decay": lambda W: np.square(W).sum() / 2,
    "weight_l1": lambda W: np.abs(W).sum(),
}
OF_CODES: dict[str, Callable[[Vector], Vector]] = {
    "activity_l1": lambda h: np.abs(h).sum(axis=1),
}


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize("name", [*OF_WEIGHTS, *OF_CODES])
@pytest.mark.parametrize("depth", DEPTHS)
def test_norms(depth: int, name: str, weighted: bool) -> None:
    rng = np.random.default_rng([depth, weighted])
    sizes, activations = deep(depth, ["tanh"])
    X = rows(rng)
    parameters = away_from_kinks(sizes, activations, "squared_error", X, rng)
    w = rng.uniform(0.0, 2.0, N_SAMPLES) if weighted else None
    settings: dict[str, Any] = {name: 0.3, "sample_weight": w}
    terms = reference.objective_terms(sizes, activations, parameters, X, **settings)
    if name in OF_CODES:
        code = reference.encode(sizes, activations, parameters, X)
        expected = np.average(OF_CODES[name](code), weights=w)
    else:
        expected = sum(OF_WEIGHTS[name](W) for W, _ in reference.unpack(sizes, parameters))
    assert getattr(terms, name) == pytest.approx(0.3 * expected, rel=1e-13)
    check_gradient(sizes, activations, parameters, X, **settings)


def test_norms_have_slope_zero_at_zero() -> None:
    sizes, activations = [2, 1, 2], ["tanh", "identity"]
    _, gradient = reference.objective_and_gradient(
        sizes, activations, np.zeros(7), np.zeros((1, 2)), weight_l1=1.0, activity_l1=1.0
    )
    np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize("code_layer", [0, 2])
def test_penalties_find_a_code_that_is_not_in_the_middle(code_layer: int) -> None:
    rng = np.random.default_rng(code_layer)
    sizes, activations = [4, 3, 5, 3, 4], ["sigmoid", "tanh", "sigmoid", "identity"]
    X = rows(rng)
    parameters = away_from_kinks(sizes, activations, "squared_error", X, rng)
    settings = {
        "code_layer": code_layer,
        "activity_l1": 0.3,
        "sparsity_weight": 0.4,
        "contractive_weight": 0.1,
        "code_top_k": 2,
    }
    terms = reference.objective_terms(sizes, activations, parameters, X, **settings)
    code = reference.encode(sizes, activations, parameters, X, code_layer=code_layer, code_top_k=2)
    assert terms.activity_l1 == pytest.approx(0.3 * np.abs(code).sum(axis=1).mean())
    check_gradient(sizes, activations, parameters, X, **settings)


@pytest.mark.parametrize("hidden", ["sigmoid", "tanh"])
def test_running_mean_activation(hidden: str) -> None:
    rng = np.random.default_rng(3)
    sizes, activations = deep(2, [hidden])
    parameters = draw(sizes, rng)
    settings: dict[str, Any] = {
        "sparsity_weight": 0.5,
        "sparsity_target": 0.2,
        "sparsity_layers": [0, 1],
        "sparsity_momentum": 0.9,
    }
    arguments = (sizes, activations, parameters)
    used = None
    for batch in range(3):
        X = rows(rng)
        means = {layer: reference.mean_activation(*arguments, X, layer=layer) for layer in (0, 1)}
        if used is not None:
            means = {layer: 0.9 * used[layer] + 0.1 * mean for layer, mean in means.items()}
        settings["sparsity_running"] = used
        used = reference.training_mean_activations(*arguments, X, **settings)
        for layer, mean in means.items():
            np.testing.assert_allclose(used[layer], mean, rtol=1e-14)
        terms = reference.objective_terms(*arguments, X, **settings)
        kl = sum(np.sum(0.2 * np.log(0.2 / q) + 0.8 * np.log(0.8 / (1 - q))) for q in used.values())
        assert terms.sparsity == pytest.approx(0.5 * kl, rel=1e-13), batch
        check_gradient(*arguments, X, **settings)


def test_top_k_keeps_the_largest_and_the_first_of_equals() -> None:
    sizes, activations = [5, 5, 5], ["identity", "identity"]
    parameters = np.zeros(n_parameters(sizes))
    for W, _ in reference.unpack(sizes, parameters):
        W[:] = np.eye(5)
    X = [[1.0, 3.0, 2.0, 3.0, 2.0], [-5.0, -1.0, -4.0, -2.0, -3.0]]
    for k, expected in (
        (1, [[0, 3, 0, 0, 0], [0, -1, 0, 0, 0]]),
        (3, [[0, 3, 2, 3, 0], [0, -1, 0, -2, -3]]),
        (5, X),
    ):
        for found in (
            reference.encode(sizes, activations, parameters, X, code_top_k=k),
            reference.reconstruct(sizes, activations, parameters, X, code_top_k=k),
        ):
            np.testing.assert_array_equal(found, expected)


def with_clear_ranks(
    sizes: list[int], activations: list[str], X: Vector, rng: np.random.Generator
) -> Vector:
    """Parameters with which no two positive code units of a row are within 0.01."""
    while True:
        parameters = away_from_kinks(sizes, activations, "squared_error", X, rng)
        code = np.sort(reference.encode(sizes, activations, parameters, X), axis=1)
        gaps = np.diff(code, axis=1)
        if (gaps[code[:, 1:] != 0.0] > 0.01).all() and np.count_nonzero(code[0]):
            return parameters


@pytest.mark.parametrize("hidden", ["relu", "sigmoid", "gelu"])
@pytest.mark.parametrize("k", [1, 2, 3])
def test_top_k_passes_no_gradient_to_the_others(k: int, hidden: str) -> None:
    rng = np.random.default_rng(k)
    sizes, activations = [N_FEATURES, 3, N_FEATURES], [hidden, "sigmoid"]
    X = rows(rng)
    parameters = with_clear_ranks(sizes, activations, X, rng)
    check_gradient(sizes, activations, parameters, X, code_top_k=k)
    code = reference.encode(sizes, activations, parameters, X[:1], code_top_k=k)
    assert np.count_nonzero(code) <= k
    _, single = reference.objective_and_gradient(
        sizes, activations, parameters, X[:1], code_top_k=k
    )
    encoder = reference.unpack(sizes, single)[0][0]
    assert encoder[:, code[0] != 0.0].all()
    assert not encoder[:, code[0] == 0.0].any()


def test_top_k_of_many_equals() -> None:
    """A code of 100 units with three values: sorting that is not stable mixes equals up."""
    values = np.random.default_rng(0).integers(0, 3, 100).astype(float)
    parameters = np.concatenate([np.zeros(100), values, np.zeros(101)])
    code = reference.encode([1, 100, 1], ["identity"] * 2, parameters, [[0.0]], code_top_k=50)
    n_twos = int((values == 2).sum())
    ones = np.flatnonzero(values == 1)[: 50 - n_twos]
    kept = np.where(values == 2, 2.0, 0.0)
    kept[ones] = 1.0
    assert 0 < ones.size < (values == 1).sum()
    np.testing.assert_array_equal(code[0], kept)


@pytest.mark.parametrize("weighted", [False, True], ids=["alike", "weighted"])
@pytest.mark.parametrize("depth", DEPTHS)
def test_dropout_with_every_penalty(depth: int, weighted: bool) -> None:
    """The masks are fixed by seed, epoch and rows; tanh layers are in the decoder."""
    rng = np.random.default_rng([depth, weighted])
    sizes, activations = deep(depth, ["sigmoid"])
    X = rng.uniform(0.05, 0.95, (20, N_FEATURES))
    parameters = 0.4 * draw(sizes, rng)
    settings: dict[str, Any] = {
        "dropout": 0.3,
        "sparsity_weight": 0.2,
        "sparsity_target": 0.3,
        "sparsity_layers": "hidden",
        "activity_l1": 0.1,
        "contractive_weight": 0.2,
        "weight_decay": 0.1,
        "seed": 5,
        "epoch": 2,
        "rows": rng.permutation(1000)[:20],
    }
    if weighted:
        settings["sample_weight"] = rng.uniform(0.0, 2.0, 20)
    used = reference.training_mean_activations(sizes, activations, parameters, X, **settings)
    assert all(((q > 0.01) & (q < 0.99)).all() for q in used.values())  # KL is not clipped
    check_gradient(sizes, activations, parameters, X, **settings)


def test_dropout_multiplies_every_hidden_layer_and_no_other() -> None:
    rng = np.random.default_rng(0)
    sizes, activations = [4, 6, 5, 4], ["tanh", "sigmoid", "identity"]
    parameters, X = draw(sizes, rng), rng.uniform(size=(9, 4))
    which = reference.Draw(seed=3, epoch=1, rows=range(9))
    h = X
    for layer, (W, b) in enumerate(reference.unpack(sizes, parameters)):
        z = h @ W + b
        h = [np.tanh(z), 1 / (1 + np.exp(-z)), z][layer]
        if layer < 2:
            h = h * reference.dropout_multiplier(sizes[layer + 1], 0.4, which, layer=layer)
    value = reference.objective(sizes, activations, parameters, X, dropout=0.4, seed=3, epoch=1)
    assert value == pytest.approx(0.5 * np.sum((h - X) ** 2) / 9, rel=1e-13)
    assert value != pytest.approx(reference.objective(sizes, activations, parameters, X))


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"weight_l1": -1.0}, "weight_l1 must be a finite number >= 0; got -1.0"),
        ({"activity_l1": np.inf}, "activity_l1 must be a finite number >= 0; got inf"),
        (
            {"contractive_weight": np.nan},
            "contractive_weight must be a finite number >= 0; got nan",
        ),
        (
            {"contractive_weight": 1.0},
            "contractive_weight must be 0 unless .* identity, sigmoid, tanh, relu; got 'gelu' in l",
        ),
        ({"dropout": 1.0}, r"dropout must be in \[0, 1\); got 1.0"),
        ({"sparsity_momentum": 1.0}, r"sparsity_momentum must be in \[0, 1\); got 1.0"),
        ({"code_top_k": 0}, "code_top_k must be None or from 1 to 1; got 0"),
        ({"code_top_k": 2}, "code_top_k must be None or from 1 to 1; got 2"),
        ({"activity_l1": 1.0, "code_layer": 1}, "code_layer must be a hidden layer, 0 to 0; got 1"),
        ({"rows": [0]}, r"rows must have shape \(2,\); got \(1,\)"),
    ],
)
def test_errors_say_the_rule_and_the_value(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        reference.objective([2, 1, 2], ["gelu", "tanh"], np.zeros(7), np.zeros((2, 2)), **settings)


def test_running_means_have_a_unit_each() -> None:
    settings: dict[str, Any] = {"sparsity_weight": 1.0, "sparsity_momentum": 0.5}
    with pytest.raises(
        ValueError, match=r"sparsity_running must have shape \(1,\) in layer 0; got"
    ):
        reference.objective(
            [2, 1, 2],
            ["tanh", "tanh"],
            np.zeros(7),
            np.zeros((2, 2)),
            **settings,
            sparsity_running={0: [0.1, 0.2]},
        )


def test_settings_are_the_options_and_nothing_else_is_accepted() -> None:
    from dataclasses import fields

    from aecore.reference._settings import Options

    assert set(reference.Settings.__annotations__) == {field.name for field in fields(Options)}
    with pytest.raises(TypeError, match="sparsity_wieght"):
        reference.objective([1, 1], ["tanh"], [0.0, 0.0], [[0.0]], sparsity_wieght=1.0)  # type: ignore[call-arg]
