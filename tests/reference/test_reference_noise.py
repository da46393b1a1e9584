"""The oracle's random words, noise and dropout: where each number comes from, and what it does."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import reference
from aecore.reference._random import DROPOUT, NOISE, is_drawn, uniform24
from differences import check_gradient, draw

KINDS = [("masking", 0.3), ("gaussian", 0.4), ("salt_and_pepper", 0.3), ("uniform", 0.4)]
Vector = NDArray[np.float64]


def which(rows: Any, seed: int = 7, epoch: int = 3) -> reference.Draw:
    return reference.Draw(seed, epoch, rows)


@pytest.mark.parametrize(
    ("seed", "epoch", "row", "layer"),
    [
        (0, 0, 0, 0),
        (7, 3, 41, 2),
        (2**63 - 1, 2**32 - 1, 2**32 - 1, 4095),
        (2**40, 1, 2**43 + 5, 1),
    ],
)
@pytest.mark.parametrize("purpose", [NOISE, DROPOUT])
def test_words_are_those_of_the_documented_counters(
    seed: int, epoch: int, row: int, layer: int, purpose: int
) -> None:
    words = reference.cell_words(which([row], seed, epoch), purpose, 11, layer=layer)
    key = (seed % 2**32, seed // 2**32)
    last = purpose + 2**8 * layer + 2**20 * (row // 2**32)
    expected = [
        reference.philox4x32((column // 4, row % 2**32, epoch, last), key)[column % 4]
        for column in range(11)
    ]
    assert words.tolist() == [expected]


def test_known_words() -> None:
    """The zero key and counter of Random123's kat_vectors, but for the purpose in the last word."""
    assert reference.philox4x32((0, 0, 0, 0), (0, 0))[0] == 0x6627E8D5
    assert reference.stream_words(0, 0, 0, 4).tolist() == [
        0x6627E8D5,
        0xE169C58D,
        0xBC57AC4C,
        0x9B00DBD8,
    ]
    assert reference.stream_words(5, 1, 2, 3).tolist() == list(
        reference.philox4x32((0, 0, 2, 1), (5, 0))[:3]
    )


def test_words_of_a_stream_go_on() -> None:
    words = reference.stream_words(2**33 + 1, 1, 9, 10)
    expected = [reference.philox4x32((i, 0, 9, 1), (1, 2)) for i in range(3)]
    assert words.tolist() == [word for block in expected for word in block][:10]


def test_purposes_layers_epochs_rows_and_seeds_differ() -> None:
    base = reference.cell_words(which(range(50)), NOISE, 20)
    for other in (
        reference.cell_words(which(range(50)), DROPOUT, 20),
        reference.cell_words(which(range(50)), NOISE, 20, layer=1),
        reference.cell_words(which(range(50), epoch=4), NOISE, 20),
        reference.cell_words(which(range(50), seed=8), NOISE, 20),
        reference.cell_words(which(range(50, 100)), NOISE, 20),
        reference.cell_words(which(np.arange(50) + 2**32), NOISE, 20),
    ):
        assert not (base == other).any()


@pytest.mark.parametrize(("noise", "level"), KINDS)
@pytest.mark.parametrize("n_columns", [1, 2, 5, 8])
def test_noise_depends_on_row_and_column_alone(noise: str, level: float, n_columns: int) -> None:
    x = np.random.default_rng(0).uniform(size=(30, 12))
    noisy, corrupted = reference.corrupt(x, noise, level, which(range(100, 130)))
    order = np.random.default_rng(1).permutation(30)[:17]
    part, part_corrupted = reference.corrupt(x[order, :n_columns], noise, level, which(100 + order))
    np.testing.assert_array_equal(part, noisy[order, :n_columns])
    np.testing.assert_array_equal(part_corrupted, corrupted[order, :n_columns])
    again, _ = reference.corrupt(x, noise, level, which(range(100, 130), epoch=4))
    assert not np.array_equal(again, noisy)


def test_noise_from_its_words() -> None:
    rng = np.random.default_rng(2)
    x = rng.uniform(0.1, 0.9, (4, 5))
    words = reference.cell_words(which(range(4)), NOISE, 6)
    for i in range(4):
        for j in range(5):
            word = int(words[i, j])
            first, second = (int(words[i, k]) // 256 / 2**24 for k in (j - j % 2, j - j % 2 + 1))
            wave = math.sin if j % 2 else math.cos
            normal = math.sqrt(-2 * math.log(1 - first)) * wave(2 * math.pi * second)
            drawn = word / 2**32 < 0.6
            expected = {
                "masking": 0.0 if drawn else x[i, j],
                "salt_and_pepper": (0.0 if word / 2**32 < 0.3 else 1.0) if drawn else x[i, j],
                "uniform": x[i, j] + 0.6 * (2 * (word // 256 / 2**24) - 1),
                "gaussian": x[i, j] + 0.6 * normal,
            }
            for noise, value in expected.items():
                noisy, corrupted = reference.corrupt(x, noise, 0.6, which(range(4)))
                assert noisy[i, j] == pytest.approx(value, rel=1e-12, abs=1e-15)
                assert corrupted[i, j] == (drawn or noise in ("uniform", "gaussian"))


@pytest.mark.parametrize("level", [0.0, 0.1, 0.5, 1.0])
def test_noise_has_the_distribution_it_is_named_after(level: float) -> None:
    x = np.full((1000, 400), 0.25)
    n = x.size
    spread = 5 * math.sqrt(level * (1 - level) / n)  # five standard deviations of a share
    noisy, corrupted = reference.corrupt(x, "masking", level, which(range(1000)))
    assert abs(corrupted.mean() - level) <= spread
    np.testing.assert_array_equal(noisy, np.where(corrupted, 0.0, x))
    noisy, corrupted = reference.corrupt(x, "salt_and_pepper", level, which(range(1000)))
    assert set(np.unique(noisy)) <= {0.0, 0.25, 1.0}
    assert abs(corrupted.mean() - level) <= spread
    assert abs((noisy == 1.0).mean() - level / 2) <= 5 * math.sqrt(level / 2 / n)
    noise = reference.corrupt(x, "uniform", level, which(range(1000)))[0] - x
    assert np.abs(noise).max() <= level
    assert abs(noise.mean()) <= 5 * level / math.sqrt(3 * n)
    assert noise.std() == pytest.approx(level / math.sqrt(3), rel=0.01)
    noise = reference.corrupt(x, "gaussian", level, which(range(1000)))[0] - x
    assert abs(noise.mean()) <= 5 * level / math.sqrt(n)
    assert noise.std() == pytest.approx(level, rel=0.01)
    inside = (np.abs(noise) < level).mean()  # the share within one standard deviation
    assert inside == pytest.approx(math.erf(0.5**0.5), abs=0.005) or level == 0.0
    pairs = noise[:, 0::2] * noise[:, 1::2]
    assert abs(pairs.mean()) <= 5 * level**2 / math.sqrt(pairs.size)


def test_uniform_is_the_same_number_in_float32() -> None:
    words = np.array([0, 255, 256, 2**31, 2**32 - 1], dtype=np.uint64)
    u = uniform24(words)
    np.testing.assert_array_equal(u, u.astype(np.float32))
    assert u[0] == u[1] == 0.0
    assert u[-1] < 1.0


def test_drawn_is_an_exact_comparison() -> None:
    words = np.array([0, 1, 2**31 - 1, 2**31, 2**32 - 1], dtype=np.uint64)
    for p in (0.0, 2.0**-33, 0.5, 0.5 + 2.0**-40, 1.0 - 2.0**-33, 1.0):
        np.testing.assert_array_equal(is_drawn(words, p), words.astype(float) * 2.0**-32 < p)


def test_dropout_keeps_the_mean() -> None:
    multiplier = reference.dropout_multiplier(400, 0.3, which(range(1000)), layer=1)
    assert set(np.unique(multiplier)) == {0.0, 1 / 0.7}
    assert abs((multiplier == 0.0).mean() - 0.3) <= 5 * math.sqrt(0.3 * 0.7 / multiplier.size)
    words = reference.cell_words(which(range(1000)), DROPOUT, 400, layer=1)
    np.testing.assert_array_equal(multiplier == 0.0, words * 2.0**-32 < 0.3)
    other = reference.dropout_multiplier(400, 0.3, which(range(1000)), layer=2)
    assert not np.array_equal(other, multiplier)


@pytest.mark.parametrize("emphasis", [1.0, 0.0, 3.0])
@pytest.mark.parametrize(("noise", "level"), KINDS)
def test_the_target_stays_clean(noise: str, level: float, emphasis: float) -> None:
    sizes, activations = [5, 4, 5], ["tanh", "sigmoid"]
    rng = np.random.default_rng(3)
    X, parameters = rng.uniform(0.05, 0.95, (9, 5)), draw(sizes, rng)
    rows = rng.permutation(50)[:9]
    settings: dict[str, Any] = {"noise": noise, "noise_level": level, "noise_emphasis": emphasis}
    settings |= {"seed": 11, "epoch": 2, "rows": rows}
    noisy, corrupted = reference.corrupt(X, noise, level, reference.Draw(11, 2, rows))
    x_hat = reference.reconstruct(sizes, activations, parameters, noisy)
    weight = np.where(corrupted, emphasis, 1.0)
    value = reference.objective(sizes, activations, parameters, X, **settings)
    expected = 0.5 * np.sum(weight * (x_hat - X) ** 2) / 9
    assert value == pytest.approx(expected, rel=1e-13)
    if emphasis or not corrupted.all():
        for loss in ("squared_error", "binary_cross_entropy"):
            check_gradient(sizes, activations, parameters, X, loss=loss, **settings)
        multinomial = ["tanh", "softmax"]
        check_gradient(sizes, multinomial, parameters, X, loss="multinomial", **settings)


def test_noise_comes_after_scaling_and_leaves_a_given_target_alone() -> None:
    sizes, activations = [4, 3, 4], ["tanh", "sigmoid"]
    rng = np.random.default_rng(4)
    X, parameters = rng.integers(0, 256, (6, 4)), draw(sizes, rng)
    target = rng.uniform(size=(6, 4))
    noisy, _ = reference.corrupt(X / 255, "gaussian", 0.2, reference.Draw(0, 0, range(6)))
    value = reference.objective(
        sizes,
        activations,
        parameters,
        X,
        input_scale=1 / 255,
        target=target,
        noise="gaussian",
        noise_level=0.2,
    )
    expected = reference.objective(sizes, activations, parameters, noisy, target=target)
    assert value == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("settings", "match"),
    [
        ({"noise": "speckle"}, "noise must be None or among masking, .*; got 'speckle'"),
        (
            {"noise": "masking", "noise_level": 1.5},
            r"noise_level must be a probability in \[0, 1\]; got 1.5",
        ),
        ({"noise": "gaussian", "noise_level": -1.0}, "must be a finite number >= 0; got -1.0"),
        ({"noise_emphasis": -1.0}, "noise_emphasis must be a finite number >= 0; got -1.0"),
        (
            {
                "noise": "masking",
                "noise_level": 0.5,
                "noise_emphasis": 2.0,
                "target": [[0.0] * 3] * 2,
            },
            "noise_emphasis must be 1 unless the target is as wide as X; got 2.0",
        ),
    ],
)
def test_errors_say_the_rule_and_the_value(settings: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        reference.objective([2, 1, 3], ["tanh"] * 2, np.zeros(9), np.zeros((2, 2)), **settings)
