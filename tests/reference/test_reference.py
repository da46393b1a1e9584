"""The oracle against numbers worked by hand, and its own rules."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aecore import reference
from differences import central_differences


def test_gradient_with_separate_target_and_scale() -> None:
    sizes, activations = [3, 4, 2], ["tanh", "sigmoid"]
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (6, 3)).astype(np.uint8)
    target = rng.uniform(0.0, 1.0, (6, 2))
    parameters = rng.uniform(-1.0, 1.0, 26)
    options = {"target": target, "loss": "binary_cross_entropy", "input_scale": 1 / 255}
    value, gradient = reference.objective_and_gradient(sizes, activations, parameters, X, **options)
    numeric = central_differences(
        lambda p: reference.objective(sizes, activations, p, X, **options), parameters
    )
    np.testing.assert_allclose(gradient, numeric, rtol=0, atol=1e-9)
    scaled = reference.objective(
        sizes, activations, parameters, X / 255, target=target, loss="binary_cross_entropy"
    )
    assert value == pytest.approx(scaled, rel=1e-14)


def test_worked_example() -> None:
    """One row x = (1, 0) through 2-1-2 sigmoid units.

    W1 = (ln 3, 5)', b1 = 0, W2 = 0 and b2 = (0, ln 4) make a = 3/4 and x_hat = (1/2, 4/5).
    """
    sizes, activations = [2, 1, 2], ["sigmoid", "sigmoid"]
    ln3, ln4 = math.log(3), math.log(4)
    parameters = np.array([ln3, 5.0, 0.0, 0.0, 0.0, 0.0, ln4])
    X = [[1.0, 0.0]]
    np.testing.assert_allclose(reference.encode(sizes, activations, parameters, X), [[0.75]])
    np.testing.assert_allclose(
        reference.reconstruct(sizes, activations, parameters, X), [[0.5, 0.8]]
    )
    terms = reference.objective_terms(
        sizes,
        activations,
        parameters,
        X,
        weight_decay=0.1,
        sparsity_weight=2.0,
        sparsity_target=0.5,
    )
    # 1/2 (1/4 + 16/25);  0.1/2 (ln 3^2 + 25);  2 (1/2 ln(2/3) + 1/2 ln 2) = ln(4/3).
    np.testing.assert_allclose(terms[:3], [0.445, 0.05 * (ln3**2 + 25), math.log(4 / 3)])
    assert not any(terms[3:])
    _, gradient = reference.objective_and_gradient(
        sizes,
        activations,
        parameters,
        X,
        weight_decay=0.1,
        sparsity_weight=2.0,
        sparsity_target=0.5,
    )
    # Output delta = (x_hat - x) x_hat (1 - x_hat) = (-1/8, 16/125). W2 = 0 passes nothing down, so
    # the hidden delta is 2 (-1/2 / 3/4 + 1/2 / 1/4) a(1-a) = 8/3 * 3/16 = 1/2.
    expected = [0.5 + 0.1 * ln3, 0.5, 0.5, -0.75 / 8, 0.096, -0.125, 0.128]
    np.testing.assert_allclose(gradient, expected, rtol=1e-13)
    bce = reference.row_losses(sizes, activations, parameters, X, loss="binary_cross_entropy")
    np.testing.assert_allclose(bce, [math.log(2) + math.log(5)])


def test_decoder_inverts_the_split_of_the_encoder() -> None:
    sizes, activations = [5, 4, 2, 3, 5], ["tanh", "sigmoid", "relu", "identity"]
    rng = np.random.default_rng(1)
    parameters = rng.uniform(-1, 1, (5 + 1) * 4 + (4 + 1) * 2 + (2 + 1) * 3 + (3 + 1) * 5)
    X = rng.uniform(size=(6, 5))
    Z = reference.encode(sizes, activations, parameters, X)
    assert Z.shape == (6, 2)
    np.testing.assert_array_equal(
        reference.decode(sizes, activations, parameters, Z),
        reference.reconstruct(sizes, activations, parameters, X),
    )
    first = reference.encode(sizes, activations, parameters, X, code_layer=0)
    assert first.shape == (6, 4)


def test_weight_two_is_a_row_seen_twice() -> None:
    sizes, activations = [3, 2, 3], ["sigmoid", "identity"]
    rng = np.random.default_rng(2)
    X = rng.uniform(size=(4, 3))
    parameters = rng.uniform(-1, 1, 17)
    options = {"sparsity_weight": 1.0, "sparsity_target": 0.2, "weight_decay": 0.1}
    weighted = reference.objective_and_gradient(
        sizes, activations, parameters, X, sample_weight=[1, 2, 1, 0], **options
    )
    repeated = reference.objective_and_gradient(
        sizes, activations, parameters, X[[0, 1, 1, 2]], **options
    )
    assert weighted[0] == pytest.approx(repeated[0], rel=1e-14)
    np.testing.assert_allclose(weighted[1], repeated[1], rtol=0, atol=1e-14)


def test_objective_is_the_weighted_mean_of_the_row_losses() -> None:
    sizes, activations = [3, 2, 3], ["relu", "sigmoid"]
    rng = np.random.default_rng(3)
    X, w = rng.uniform(size=(5, 3)), rng.uniform(size=5)
    parameters = rng.uniform(-1, 1, 17)
    rows = reference.row_losses(sizes, activations, parameters, X, loss="binary_cross_entropy")
    value = reference.objective(
        sizes, activations, parameters, X, loss="binary_cross_entropy", sample_weight=w
    )
    assert value == pytest.approx(np.average(rows, weights=w), rel=1e-14)


@pytest.mark.parametrize("logit", [-1e4, 1e4])
def test_cross_entropy_is_finite_at_extreme_logits(logit: float) -> None:
    parameters = np.array([0.0, 0.0, 0.0, logit])
    value, gradient = reference.objective_and_gradient(
        [1, 1, 1], ["sigmoid", "sigmoid"], parameters, [[0.5]], loss="binary_cross_entropy"
    )
    assert value == pytest.approx(5e3)
    assert np.isfinite(gradient).all()
    assert gradient[-1] == pytest.approx(0.5 if logit > 0 else -0.5)


def test_clipped_cross_entropy_is_flat_where_it_is_clipped() -> None:
    parameters = np.array([0.0, 0.0, 0.0, 3.0])
    value, gradient = reference.objective_and_gradient(
        [1, 1, 1], ["sigmoid", "identity"], parameters, [[0.0]], loss="binary_cross_entropy"
    )
    assert value == pytest.approx(-math.log(1e-7))
    np.testing.assert_array_equal(gradient, 0.0)


@pytest.mark.parametrize(("bias", "sign"), [(-60.0, -1.0), (60.0, 1.0)])
def test_dead_and_saturated_units_have_a_finite_penalty_and_slope(bias: float, sign: float) -> None:
    parameters = np.array([0.0, bias, 0.0, 0.0])
    options = {"sparsity_weight": 1.0, "sparsity_target": 0.5}
    terms = reference.objective_terms(
        [1, 1, 1], ["sigmoid", "identity"], parameters, [[0.0]], **options
    )
    # KL(1/2 || 1e-6) = 1/2 ln(1/4) - 1/2 ln(1e-6 (1 - 1e-6)), the same at 1 - 1e-6.
    assert terms.sparsity == pytest.approx(-math.log(2) - 0.5 * math.log(1e-6 * (1 - 1e-6)))
    parameters[1] = sign * 15.0  # rho_hat is clipped here too, and a(1 - a) has not underflowed
    _, gradient = reference.objective_and_gradient(
        [1, 1, 1], ["sigmoid", "identity"], parameters, [[0.0]], **options
    )
    a = 1 / (1 + math.exp(-sign * 15.0))
    slope = 0.5 * (-1 / 1e-6 + 1 / (1 - 1e-6))
    assert gradient[1] == pytest.approx(-sign * slope * a * (1 - a), rel=1e-6)


def test_mean_activation_maps_tanh_to_the_unit_interval() -> None:
    parameters = np.array([0.0, math.atanh(0.5), 0.0, 0.0])
    rho_hat = reference.mean_activation([1, 1, 1], ["tanh", "identity"], parameters, [[0.0]])
    np.testing.assert_allclose(rho_hat, [0.75])


def test_adam_and_sgd_steps() -> None:
    theta, g, zero = np.array([1.0, -2.0]), np.array([0.5, -4.0]), np.zeros(2)
    np.testing.assert_allclose(
        reference.sgd_step(theta, g, learning_rate=0.1), [0.95, -1.6], rtol=1e-15
    )
    # The first step of Adam is alpha g / (|g| + epsilon), whatever the betas.
    new, m, v = reference.adam_step(theta, g, zero, zero, 1, learning_rate=0.1, epsilon=0.5)
    np.testing.assert_allclose(new, [1 - 0.1 * 0.5 / 1.0, -2 + 0.1 * 4.0 / 4.5], rtol=1e-13)
    np.testing.assert_allclose(m, 0.1 * g)
    np.testing.assert_allclose(v, 0.001 * g**2)
    # A second equal gradient: m_hat = g and v_hat = g^2 again.
    again, _, _ = reference.adam_step(new, g, m, v, 2, learning_rate=0.1, epsilon=0.5)
    np.testing.assert_allclose(again - new, new - theta, rtol=1e-12)


def test_glorot_bound() -> None:
    assert reference.glorot_bound(2, 4) == 1.0


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [
        ("00000000 00000000 00000000 00000000", "00000000 00000000",
         "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ("ffffffff ffffffff ffffffff ffffffff", "ffffffff ffffffff",
         "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        ("243f6a88 85a308d3 13198a2e 03707344", "a4093822 299f31d0",
         "d16cfe09 94fdcceb 5001e420 24126ea1"),
    ],
)  # fmt: skip
def test_philox_known_answers(counter: str, key: str, expected: str) -> None:
    """philox4x32 with 10 rounds, from the file kat_vectors of Random123."""
    c0, c1, c2, c3 = (int(word, 16) for word in counter.split())
    k0, k1 = (int(word, 16) for word in key.split())
    words = tuple(int(word, 16) for word in expected.split())
    assert reference.philox4x32((c0, c1, c2, c3), (k0, k1)) == words


@pytest.mark.parametrize(
    ("activations", "options", "match"),
    [
        (["relu", "identity"], {"sparsity_weight": 1.0}, "sigmoid or tanh.*got 'relu' in layer 0"),
        (["identity", "identity"], {"sparsity_weight": 1.0}, "sigmoid or tanh.*got 'identity'"),
        (["sigmoid", "softsign"], {}, "activations must be among identity, .*got 'softsign'"),
        (["sigmoid"], {}, "activations must name one activation for each of the 2 layers"),
        (["sigmoid", "sigmoid"], {"loss": "hinge"}, "loss must be among .*got 'hinge'"),
        (
            ["sigmoid", "sigmoid"],
            {"sparsity_weight": 1.0, "sparsity_target": 0.0},
            r"sparsity_target must be in \(0, 1\); got 0.0",
        ),
        (
            ["sigmoid", "sigmoid"],
            {"sparsity_weight": 1.0, "sparsity_layers": [1]},
            "sparsity_layers must be hidden layers, 0 to 0; got 1",
        ),
        (
            ["sigmoid", "sigmoid"],
            {"sparsity_weight": 1.0, "sparsity_layers": "all"},
            "sparsity_layers must be 'code', 'hidden' or indices; got 'all'",
        ),
        (["sigmoid", "sigmoid"], {"sample_weight": [0.0, 0.0]}, "positive sum; .*sum 0"),
        (["sigmoid", "sigmoid"], {"sample_weight": [2.0, -1.0]}, "non-negative.*minimum -1"),
        (["sigmoid", "sigmoid"], {"sample_weight": [1.0]}, r"must have shape \(2,\); got \(1,\)"),
        (["sigmoid", "sigmoid"], {"target": [[1.0], [2.0]]}, r"target must have shape \(2, 2\)"),
        (
            ["sigmoid", "sigmoid"],
            {"target": [[0.5, 1.0], [0.5, -0.25]], "loss": "binary_cross_entropy"},
            "got column 1 with minimum -0.25 and maximum 1",
        ),
    ],
)
def test_errors_say_the_rule_and_the_value(
    activations: list[str], options: dict[str, object], match: str
) -> None:
    with pytest.raises(ValueError, match=match):
        reference.objective([2, 1, 2], activations, np.zeros(7), np.zeros((2, 2)), **options)  # type: ignore[arg-type]


def test_sparsity_layers_by_name_and_by_index() -> None:
    sizes, activations = [3, 4, 2, 4, 3], ["sigmoid", "tanh", "sigmoid", "identity"]
    rng = np.random.default_rng(4)
    parameters = rng.uniform(-1, 1, 16 + 10 + 12 + 15)
    X = rng.uniform(size=(5, 3))

    def objective(layers: object) -> float:
        return reference.objective(
            sizes,
            activations,
            parameters,
            X,
            sparsity_weight=1.0,
            sparsity_layers=layers,  # type: ignore[arg-type]
        )

    assert objective("code") == objective([1])
    assert objective("hidden") == objective([0, 1, 2])
    assert objective("hidden") > objective("code") > objective([])


def test_wrong_shapes_are_refused() -> None:
    with pytest.raises(ValueError, match=r"parameters must have shape \(7,\); got \(6,\)"):
        reference.objective([2, 1, 2], ["relu", "relu"], np.zeros(6), np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"X must have shape \(n_samples, 2\); got \(1, 3\)"):
        reference.objective([2, 1, 2], ["relu", "relu"], np.zeros(7), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="X must have at least one row; got 0"):
        reference.objective([2, 1, 2], ["relu", "relu"], np.zeros(7), np.zeros((0, 2)))
