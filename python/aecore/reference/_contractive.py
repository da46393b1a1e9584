"""The contractive penalty: the squared Frobenius norm of the encoder's Jacobian.

References
----------
S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio, "Contractive auto-encoders: explicit
invariance during feature extraction", ICML 2011, eq. 5 and 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore.reference._activations import (
    TWICE_DIFFERENTIABLE,
    Matrix,
    activation_derivative,
    second_derivative,
)
from aecore.reference._layers import Layers, Pass


class Contraction(NamedTuple):
    """sum_i w_i ||J_i||_F^2 and its derivatives for each encoder layer."""

    value: float
    by_weights: list[Matrix]  # where W_l stands in J itself, shape of W_l
    by_z: list[Matrix]  # through the slopes s_l, shape (n_samples, n_l)


def check_contractive(activations: Sequence[str], code: int) -> None:
    """Raise ValueError unless every encoder layer has a second derivative."""
    for layer, name in enumerate(activations[: code + 1]):
        if name not in TWICE_DIFFERENTIABLE:
            raise ValueError(
                "contractive_weight must be 0 unless the encoder's activations are among "
                f"{', '.join(TWICE_DIFFERENTIABLE)}; got {name!r} in layer {layer}"
            )


def contraction(
    layers: Layers, activations: Sequence[str], run: Pass, code: int, w: NDArray[np.float64]
) -> Contraction:
    """The penalty of the encoder as this pass ran it.

    J_i = dh_code/dh_0 at row i, with respect to what enters the first layer, so after scaling and
    noise. With s_l = m_l f_l'(z_l), where the multiplier m_l of dropout and top-k is a constant,

        P_0 = I,   Q_l = P_{l-1} W_l,   P_l = Q_l diag(s_l),   P_code = J_i^T  (n_in x n_code)

    and backwards from G_code = d||P_code||^2/dP_code = 2 P_code:

        d/dW_l (direct) = P_{l-1}^T G_l diag(s_l)
        d/ds_l          = sum over inputs of G_l * Q_l,   d/dz_l = m_l f_l''(z_l) d/ds_l
        G_{l-1}         = G_l diag(s_l) W_l^T

    The derivative by z_l goes on down the layers as any delta does. For one layer this is
    sum_j s_j^2 ||W_j||^2 with the columns W_j. (A compiled version need not form P: with
    M = W_1^T W_1 and R = diag(s_1) W_2 diag(s_2) ..., ||J||^2 = trace(R^T M R).)
    """
    names = activations[: code + 1]
    multipliers = [1.0 if m is None else m for m in run.multiplier[: code + 1]]
    slopes = [
        m * activation_derivative(name, z, a)
        for name, z, a, m in zip(names, run.z, run.a, multipliers, strict=False)
    ]
    n_samples, n_in = run.h[0].shape
    P = [np.broadcast_to(np.eye(n_in), (n_samples, n_in, n_in))]
    Q = []
    for (W, _), s in zip(layers, slopes, strict=False):
        Q.append(P[-1] @ W)
        P.append(Q[-1] * s[:, np.newaxis, :])

    value = float(w @ np.sum(P[-1] ** 2, axis=(1, 2)))
    by_weights: list[Matrix] = []
    by_z: list[Matrix] = []
    G = 2.0 * w[:, np.newaxis, np.newaxis] * P[-1]
    for layer in reversed(range(code + 1)):
        by_s = np.sum(G * Q[layer], axis=1)
        by_z.insert(0, multipliers[layer] * second_derivative(names[layer], run.a[layer]) * by_s)
        G = G * slopes[layer][:, np.newaxis, :]
        by_weights.insert(0, np.einsum("iab,iac->bc", P[layer], G))
        G = G @ layers[layer][0].T
    return Contraction(value, by_weights, by_z)
