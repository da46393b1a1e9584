"""What training changes at random: noise on the input, and hidden units left out.

Every number comes from `aecore.reference._random`, where it depends on (seed, epoch, row, column).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aecore.reference._activations import Matrix
from aecore.reference._random import (
    DROPOUT,
    NOISE,
    Draw,
    box_muller,
    cell_words,
    is_drawn,
    uniform24,
)

NOISES = ("masking", "gaussian", "salt_and_pepper", "uniform")


def check_noise(noise: str | None, noise_level: float) -> None:
    """Raise ValueError for an unknown noise or a level outside its range."""
    if noise is not None and noise not in NOISES:
        raise ValueError(f"noise must be None or among {', '.join(NOISES)}; got {noise!r}")
    if noise in ("masking", "salt_and_pepper"):
        if not 0.0 <= noise_level <= 1.0:
            raise ValueError(f"noise_level must be a probability in [0, 1]; got {noise_level}")
    elif not 0.0 <= noise_level < np.inf:
        raise ValueError(f"noise_level must be a finite number >= 0; got {noise_level}")


def corrupt(
    x: Matrix, noise: str | None, noise_level: float, draw: Draw
) -> tuple[Matrix, NDArray[np.bool_]]:
    """Rows with noise, and which of their elements are corrupted.

    With w the word of an element (`cell_words` with the purpose NOISE) and v = noise_level:

        masking           0 where w < ceil(v 2^32)
        salt_and_pepper   0 where w < ceil(v 2^31), else 1 where w < ceil(v 2^32)
        uniform           x + v (2u - 1), u = (w >> 8) 2^-24
        gaussian          x + v n; columns 2p and 2p + 1 share the pair u1 = (w_2p >> 8) 2^-24 and
                          u2 = (w_2p+1 >> 8) 2^-24:
                          n_2p   = sqrt(-2 ln(1 - u1)) cos(2 pi u2)
                          n_2p+1 = sqrt(-2 ln(1 - u1)) sin(2 pi u2)

    u has 24 bits because it is then the same number in float32. An element counts as corrupted when
    it was drawn, whether or not its value changed; additive noise corrupts all of them.

    Parameters
    ----------
    x : ndarray of shape (n_rows, n_columns), float64
        Scaled input; the noise does not depend on its values.
    noise : {None, "masking", "gaussian", "salt_and_pepper", "uniform"}
    noise_level : float
        Probability in [0, 1] for masking and salt_and_pepper; otherwise a factor >= 0 on N(0, 1) or
        U(-1, 1).
    draw : Draw
        Seed, epoch and the rows' indices.

    Returns
    -------
    noisy : ndarray of the shape of x, float64
    corrupted : ndarray of the shape of x, bool

    References
    ----------
    P. Vincent et al., "Stacked denoising autoencoders", JMLR 11, 2010, section 3.3.
    """
    check_noise(noise, noise_level)
    if noise is None:
        return x, np.zeros(x.shape, dtype=np.bool_)
    n_columns = x.shape[1]
    words = cell_words(draw, NOISE, n_columns + n_columns % 2)
    if noise == "gaussian":
        u = uniform24(words)
        normal = box_muller(u[:, 0::2], u[:, 1::2]).reshape(u.shape)[:, :n_columns]
        return x + noise_level * normal, np.ones(x.shape, dtype=np.bool_)
    words = words[:, :n_columns]
    if noise == "uniform":
        return x + noise_level * (2.0 * uniform24(words) - 1.0), np.ones(x.shape, dtype=np.bool_)
    corrupted = is_drawn(words, noise_level)
    if noise == "masking":
        return np.where(corrupted, 0.0, x), corrupted
    salt = np.where(is_drawn(words, noise_level / 2.0), 0.0, 1.0)
    return np.where(corrupted, salt, x), corrupted


def dropout_multiplier(n_units: int, dropout: float, draw: Draw, *, layer: int) -> Matrix:
    """What the units of a hidden layer are multiplied by: 0, or 1/(1 - p) where they are kept.

    Unit j of a row is left out where its word (`cell_words` with the purpose DROPOUT, this layer
    and column j) is below ceil(p 2^32).

    Parameters
    ----------
    n_units : int
    dropout : float
        p, in [0, 1).
    draw : Draw
        Seed, epoch and the rows' indices.
    layer : int
        Index of the layer output, 0 being the first hidden layer.

    Returns
    -------
    ndarray of shape (n_rows, n_units), float64

    References
    ----------
    N. Srivastava et al., "Dropout", JMLR 15, 2014, section 10 for scaling while training.
    """
    words = cell_words(draw, DROPOUT, n_units, layer=layer)
    return np.asarray(np.where(is_drawn(words, dropout), 0.0, 1.0 / (1.0 - dropout)))
