"""Philox and what is drawn from it."""

from __future__ import annotations

import numpy as np
import pytest

from aecore import Network, _core, reference

# Known answers of Random123, kat_vectors: philox4x32 10 rounds.
KNOWN = [
    ((0, 0, 0, 0), (0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
    (
        (0xFFFFFFFF,) * 4,
        (0xFFFFFFFF,) * 2,
        (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD),
    ),
    (
        (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
        (0xA4093822, 0x299F31D0),
        (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN)
def test_philox_gives_the_published_answers(
    counter: tuple[int, int, int, int], key: tuple[int, int], expected: tuple[int, ...]
) -> None:
    assert tuple(_core.philox(counter, key)) == expected


def test_philox_equals_the_reference() -> None:
    for word in range(50):
        counter, key = (word, 2 * word, 7, 0xFFFFFFFF - word), (word * 31, 5)
        assert tuple(_core.philox(counter, key)) == reference.philox4x32(counter, key)


@pytest.mark.parametrize("n", [0, 1, 2, 1000])
def test_permutation_holds_each_row_once(n: int) -> None:
    assert sorted(_core.permutation(n, 3, 0)) == list(range(n))


def test_permutation_depends_on_seed_and_epoch() -> None:
    first = _core.permutation(1000, 3, 0)
    np.testing.assert_array_equal(first, _core.permutation(1000, 3, 0))
    assert (first != _core.permutation(1000, 4, 0)).mean() > 0.9
    assert (first != _core.permutation(1000, 3, 1)).mean() > 0.9


def test_permutation_is_uniform() -> None:
    # 6,000 permutations of 4: each of the 24 is expected 250 times; chi^2 with 23 degrees of
    # freedom exceeds 49.7 once in a thousand.
    counts: dict[tuple[int, ...], int] = {}
    for seed in range(6000):
        order = tuple(int(i) for i in _core.permutation(4, seed, 0))
        counts[order] = counts.get(order, 0) + 1
    assert len(counts) == 24
    assert sum((count - 250) ** 2 / 250 for count in counts.values()) < 49.7


def test_initial_weights_are_glorot_uniform() -> None:
    network = Network([300, 200, 300], ["relu", "sigmoid"], random_state=0)
    for weight, bias in zip(network.weights, network.biases, strict=True):
        bound = reference.glorot_bound(*weight.shape)
        assert np.abs(weight).max() <= bound
        assert np.abs(weight).max() > 0.999 * bound
        assert abs(weight.mean()) < 4 * bound / np.sqrt(3 * weight.size)
        assert weight.std() == pytest.approx(bound / np.sqrt(3), rel=0.01)
        assert not bias.any()
    assert not np.array_equal(network.weights[0][:200, :200], network.weights[1][:200, :200])
