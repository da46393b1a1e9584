"""The executable specification: what aecore computes, in NumPy and float64, written to be read.

The compiled core must equal these functions. They take the network as two lists, `layer_sizes`
(n_in, n_1, ..., n_out) and `activations` (one per weight matrix), and its weights as one vector
laid out W1 (n_in x n_out, C order), b1, W2, b2, ...; with tied weights the decoder has its biases
only.

A row x on its way through the network:

    x'  = input_scale x, or (x - offset) * factor, limited to [low, high]
                                                        scaling: the clean target of the loss
    h_0 = x' with noise, where missing numbers are 0 and the others n_features / n_observed larger
    z_l = h_{l-1} W_l + b_l;   a_l = f_l(z_l);   h_l = m_l * a_l;   x_hat = h_L

The multiplier m_l is 1 but for top-k codes (0 or 1) and dropout (0 or 1/(1 - p)), the top-k chosen
first; the gradient takes it as constant. Every penalty reads h, what the next layer sees. With
`gaussian_code` the code has two products and its h is drawn: `aecore.reference._gaussian` says how.

For m rows with weights w (1 unless given), code h_c:

    J         = sum_i w_i loss(x_hat_i, x'_i) / sum_i w_i       the data loss
                + lambda/2 sum_l ||W_l||^2                      weight_decay; biases carry none
                + mu sum_l sum |W_l|                            weight_l1; biases carry none
                + beta sum_j KL(rho || rho_hat_j)               sparsity_weight
                + alpha sum_i w_i ||h_c,i||_1 / sum_i w_i       activity_l1
                + gamma sum_i w_i ||J_i||_F^2 / sum_i w_i       contractive_weight
                + beta_z sum_i w_i KL_i / sum_i w_i             beta, with a Gaussian code
                + gamma_c sum_i w_i KL(p_i || q_i) / sum_i w_i  clustering_weight, with clusters
    rho_hat_j = sum_i w_i h_ij / sum_i w_i                      or a running mean of it
    KL(p||q)  = p log(p/q) + (1 - p) log((1 - p)/(1 - q))
    J_i       = dh_c/dh_0 at row i
    KL_i      = sum_j max(free_bits, KL(q(z_j | x_i) || N(0, 1)))

where the trim_fraction m rows with the largest losses, of m, have w_i = 0.

What q and p of clusters are is in `aecore.reference._clustering`.

Every loss of a row is a sum over its features, each with the weight 0 where the target is missing,
`noise_emphasis` where the input is corrupted, and 1 otherwise.

References
----------
A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford University, 2011.
"""

from __future__ import annotations

from aecore.reference._activations import ACTIVATIONS
from aecore.reference._clustering import soft_assignment, target_distribution
from aecore.reference._constant import best_constant, constant_loss, saturated_loss
from aecore.reference._convolution import (
    Convolution,
    conv2d,
    conv2d_gradient,
    conv_transpose2d,
    conv_transpose2d_gradient,
    convolution_of,
    transpose_of,
)
from aecore.reference._gaussian import code_noise
from aecore.reference._initialization import INITIALIZATIONS, initial_parameters, initial_weights
from aecore.reference._layers import (
    Inference,
    code_distribution,
    decode,
    encode,
    forward,
    reconstruct,
    unpack,
)
from aecore.reference._losses import LOSSES, row_losses
from aecore.reference._noise import NOISES, corrupt, dropout_multiplier
from aecore.reference._objective import (
    Terms,
    mean_activation,
    objective,
    objective_and_gradient,
    objective_terms,
    training_mean_activations,
)
from aecore.reference._random import Draw, cell_words, philox4x32, stream_words
from aecore.reference._scaling import SCALES, Scaling, fit_scaling
from aecore.reference._settings import Settings
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
    "ACTIVATIONS",
    "INITIALIZATIONS",
    "LOSSES",
    "NOISES",
    "SCALES",
    "Convolution",
    "Draw",
    "Inference",
    "Scaling",
    "Settings",
    "Terms",
    "adagrad_step",
    "adam_step",
    "best_constant",
    "cell_words",
    "clip_by_norm",
    "code_distribution",
    "code_noise",
    "constant_loss",
    "conv2d",
    "conv2d_gradient",
    "conv_transpose2d",
    "conv_transpose2d_gradient",
    "convolution_of",
    "corrupt",
    "decode",
    "dropout_multiplier",
    "encode",
    "fit_scaling",
    "forward",
    "glorot_bound",
    "initial_parameters",
    "initial_weights",
    "mean_activation",
    "momentum_step",
    "objective",
    "objective_and_gradient",
    "objective_terms",
    "philox4x32",
    "reconstruct",
    "rmsprop_step",
    "row_losses",
    "saturated_loss",
    "sgd_step",
    "soft_assignment",
    "stream_words",
    "target_distribution",
    "training_mean_activations",
    "transpose_of",
    "unpack",
]
