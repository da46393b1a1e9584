"""The executable specification: what aecore computes, in NumPy and float64, written to be read.

The compiled core must equal these functions. They take the network as two lists, `layer_sizes`
(n_in, n_1, ..., n_out) and `activations` (one per weight matrix), and its weights as one vector
laid out W1 (n_in x n_out, C order), b1, W2, b2, ...

For m rows x with weights w (1 unless given), reconstructions x_hat and hidden activations a:

    J         = sum_i w_i loss(x_hat_i, x_i) / sum_i w_i        the data loss
                + lambda/2 sum_l ||W_l||^2                      weight_decay; biases carry none
                + beta sum_j KL(rho || rho_hat_j)               sparsity_weight
    rho_hat_j = sum_i w_i a_ij / sum_i w_i
    KL(p||q)  = p log(p/q) + (1 - p) log((1 - p)/(1 - q))

Every loss of a row is a sum over its features.

References
----------
A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford University, 2011.
"""

from __future__ import annotations

from aecore.reference._layers import decode, encode, forward, reconstruct, unpack
from aecore.reference._losses import row_losses
from aecore.reference._objective import (
    Terms,
    mean_activation,
    objective,
    objective_and_gradient,
    objective_terms,
)
from aecore.reference._random import philox4x32
from aecore.reference._training import (
    adagrad_step,
    adam_step,
    clip_by_norm,
    glorot_bound,
    momentum_step,
    rmsprop_step,
    sgd_step,
)

__all__ = [
    "Terms",
    "adagrad_step",
    "adam_step",
    "clip_by_norm",
    "decode",
    "encode",
    "forward",
    "glorot_bound",
    "mean_activation",
    "momentum_step",
    "objective",
    "objective_and_gradient",
    "objective_terms",
    "philox4x32",
    "reconstruct",
    "rmsprop_step",
    "row_losses",
    "sgd_step",
    "unpack",
]
