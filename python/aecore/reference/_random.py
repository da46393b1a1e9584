"""Counter-based random numbers: the number depends on counter and key alone.

The key is the seed, (seed mod 2^32, seed >> 32). The counter says what the number is for. Its last
word holds the purpose in bits 0 to 7, so that no two purposes share a counter:

    initialization (1) and shuffle (2), one long stream of words:
        counter = (i mod 2^32, i >> 32, stream, purpose)        words 4i, 4i + 1, 4i + 2, 4i + 3
    noise (3), dropout (4) and Gaussian codes (5), one word for every row and column:
        counter = (column >> 2, row mod 2^32, epoch, purpose | layer << 8 | (row >> 32) << 20)
        word    = column & 3

The stream is the layer or the epoch. `row` is the row's index in the array that training was given
(not its place in the batch), below 2^44; `layer` is the index of the layer output, below 2^12, and
0 for noise; epochs count from 0. So the number of a row and column depends on (seed, epoch, row,
column) only. Eight consecutive counters give 32 consecutive columns: where each 64-bit lane of a
vector holds one counter, words 0 and 1 of a lane, put together, are already neighbours in memory.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

_WORD = 0xFFFFFFFF

Words = NDArray[np.uint64]
_Word = TypeVar("_Word", int, Words)

INITIALIZATION = 1
NOISE = 3
DROPOUT = 4
CODE = 5


class Draw(NamedTuple):
    """Which random numbers: the seed in [0, 2**64), the epoch from 0, and the rows' indices.

    `rows`, of shape (n_rows,), holds each row's index in the array that training was given.
    """

    seed: int
    epoch: int
    rows: ArrayLike


def philox4x32(
    counter: tuple[_Word, _Word, _Word, _Word], key: tuple[int, int]
) -> tuple[_Word, _Word, _Word, _Word]:
    """One block of Philox4x32-10: four 32-bit words from a 128-bit counter and a 64-bit key.

    Parameters
    ----------
    counter : tuple of 4 int, or of 4 uint64 arrays of one shape
        Words in [0, 2**32).
    key : tuple of 2 int
        Words in [0, 2**32).

    Returns
    -------
    tuple of 4 int or of 4 uint64 arrays
        Words in [0, 2**32).

    References
    ----------
    J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw, "Parallel random numbers: as easy as
    1, 2, 3", SC 2011, section 4.3; constants as in their library Random123.
    """
    words: tuple[Any, Any, Any, Any] = counter
    c0, c1, c2, c3 = words
    k0, k1 = key
    for _ in range(10):
        product0 = 0xD2511F53 * c0
        product1 = 0xCD9E8D57 * c2
        c0, c1, c2, c3 = (
            (product1 >> 32) ^ c1 ^ k0,
            product1 & _WORD,
            (product0 >> 32) ^ c3 ^ k1,
            product0 & _WORD,
        )
        k0 = (k0 + 0x9E3779B9) & _WORD
        k1 = (k1 + 0xBB67AE85) & _WORD
    return c0, c1, c2, c3


def _blocks(seed: int, c0: Words, c1: ArrayLike, c2: int, c3: ArrayLike) -> Words:
    """The blocks of the broadcast counters, a last axis of length 4 added."""
    parts = (np.asarray(part, np.uint64) for part in (c0, c1, c2, c3))
    b0, b1, b2, b3 = np.broadcast_arrays(*parts)
    return np.stack(philox4x32((b0, b1, b2, b3), (seed & _WORD, seed >> 32)), axis=-1)


def stream_words(seed: int, purpose: int, stream: int, n: int) -> Words:
    """The first n words of a stream, uint64 of shape (n,)."""
    i = np.arange(-(-n // 4), dtype=np.uint64)
    blocks = _blocks(seed, i & np.uint64(_WORD), i >> np.uint64(32), stream, purpose)
    return blocks.reshape(-1)[:n]


def cell_words(draw: Draw, purpose: int, n_columns: int, *, layer: int = 0) -> Words:
    """One word for each row and column.

    Parameters
    ----------
    draw : Draw
        The epoch is taken modulo 2**32.
    purpose : int
        NOISE (3), DROPOUT (4) or CODE (5).
    n_columns : int
        Width of the matrix; the numbers do not depend on it.
    layer : int, default 0
        Index of the layer output that is dropped out, or the code.

    Returns
    -------
    ndarray of shape (n_rows, n_columns), uint64
        Words in [0, 2**32).
    """
    row = np.asarray(draw.rows, dtype=np.uint64)[:, np.newaxis]
    column_block = np.arange(-(-n_columns // 4), dtype=np.uint64)
    last = (row >> np.uint64(32) << np.uint64(20)) | np.uint64(purpose | layer << 8)
    blocks = _blocks(draw.seed, column_block, row & np.uint64(_WORD), draw.epoch & _WORD, last)
    return blocks.reshape(row.shape[0], -1)[:, :n_columns]


def uniform53(words: Words) -> NDArray[np.float64]:
    """Uniform in [0, 1) from pairs of words, low one first: the upper 53 bits of the 64."""
    low, high = words[0::2], words[1::2]
    return np.asarray((low | high << np.uint64(32)) >> np.uint64(11), np.float64) * 2.0**-53


def uniform24(words: Words) -> NDArray[np.float64]:
    """Uniform in [0, 1) from the upper 24 bits of each word: exact in float32 as in float64."""
    return np.asarray(words >> np.uint64(8), np.float64) * 2.0**-24


def is_drawn(words: Words, probability: float) -> NDArray[np.bool_]:
    """True with this probability: word * 2^-32 < probability, or word < ceil(probability 2^32)."""
    return np.asarray(words < np.uint64(np.ceil(probability * 2.0**32)))


def box_muller(u1: NDArray[np.float64], u2: NDArray[np.float64]) -> NDArray[np.float64]:
    """Two independent standard normal numbers from each pair, as a last axis of length 2.

    sqrt(-2 ln(1 - u1)) cos(2 pi u2) and the same with sin, u1 and u2 uniform in [0, 1).

    References
    ----------
    G. E. P. Box, M. E. Muller, "A note on the generation of random normal deviates", Annals of
    Mathematical Statistics 29, 1958.
    """
    radius = np.sqrt(-2.0 * np.log1p(-u1))
    angle = 2.0 * np.pi * u2
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=-1)
