"""The Gaussian code of a variational autoencoder, and its divergence from the prior.

For the output h of the layer below, with the two products of a Gaussian layer,

    mean = h W + b,   v = h W' + b',   log_variance = v cut to [-20, 20]
    q(z | x) = N(mean, diag(exp(log_variance)))
    z        = mean + exp(log_variance / 2) epsilon,   epsilon from N(0, I)

and unit by unit

    KL_j = KL(q(z_j | x) || N(0, 1)) = 1/2 (mean_j^2 + exp(log_variance_j) - 1 - log_variance_j)

With free bits lambda the term of a unit in a row is max(lambda, KL_j): below lambda it has no
gradient.

References
----------
D. P. Kingma, M. Welling, "Auto-encoding variational Bayes", ICLR 2014, sections 2.4 and 3.
I. Higgins et al., "beta-VAE: learning basic visual concepts with a constrained variational
framework", ICLR 2017, for the weight beta.
D. P. Kingma et al., "Improving variational inference with inverse autoregressive flow", NIPS 2016,
appendix C.8 for free bits; the paper takes the maximum of a group of units' mean over the batch,
here it is taken for each unit of each row.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore.reference._activations import Matrix
from aecore.reference._random import CODE, Draw, box_muller, cell_words, uniform24

# A standard deviation from e^-10 to e^10: exp stays finite in float32, whatever the weights are.
LOG_VARIANCE_LIMIT = 20.0


class GaussianCode(NamedTuple):
    """The code of each row, matrices of shape (n_samples, n_code)."""

    mean: Matrix
    log_variance: Matrix
    is_cut: NDArray[np.bool_]  # the product lies outside [-20, 20]
    z: Matrix  # what the next layer sees


def gaussian_code(mean: Matrix, v: Matrix, epsilon: Matrix | None) -> GaussianCode:
    """The code of the two products; without `epsilon` z is the mean, as after training."""
    log_variance = np.clip(v, -LOG_VARIANCE_LIMIT, LOG_VARIANCE_LIMIT)
    is_cut = np.abs(v) > LOG_VARIANCE_LIMIT
    z = mean if epsilon is None else mean + np.exp(log_variance / 2.0) * epsilon
    return GaussianCode(mean, log_variance, is_cut, z)


def code_noise(n_units: int, draw: Draw, *, layer: int) -> Matrix:
    """Epsilon of each row and unit of the Gaussian `layer`, shape (n_rows, n_units).

    From `cell_words` with the purpose CODE and this layer, by pairs of columns as the additive
    noise of `aecore.reference.corrupt`.
    """
    u = uniform24(cell_words(draw, CODE, n_units + n_units % 2, layer=layer))
    return np.asarray(box_muller(u[:, 0::2], u[:, 1::2]).reshape(u.shape)[:, :n_units])


def divergence(code: GaussianCode, free_bits: float) -> Matrix:
    """max(free_bits, KL_j) of each row and unit."""
    return np.asarray(np.maximum(free_bits, _kl(code)))


def _kl(code: GaussianCode) -> Matrix:
    return np.asarray(0.5 * (code.mean**2 + np.expm1(code.log_variance) - code.log_variance))


def divergence_derivatives(code: GaussianCode, free_bits: float) -> tuple[Matrix, Matrix]:
    """Derivatives of `divergence` by the mean and by the log variance."""
    counts = _kl(code) > free_bits if free_bits > 0.0 else True
    by_log_variance = 0.5 * np.expm1(code.log_variance)
    return np.where(counts, code.mean, 0.0), np.where(counts, by_log_variance, 0.0)
