"""J and its gradient, by the chain rule, layer by layer from the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._activations import Matrix, activation_derivative
from aecore.reference._batch import Batch, run_batch
from aecore.reference._convolution import Convolution, apply_gradient
from aecore.reference._gaussian import divergence, divergence_derivatives
from aecore.reference._layers import Inference, infer, middle_layer
from aecore.reference._losses import loss_derivative, losses
from aecore.reference._settings import Options, Settings, row_weights
from aecore.reference._sparsity import batch_rho_hat, kl, kl_derivative

if TYPE_CHECKING:
    from typing_extensions import Unpack

Vector = NDArray[np.float64]


class Terms(NamedTuple):
    """The parts of J, which is their sum."""

    data: float
    weight_decay: float
    sparsity: float
    weight_l1: float = 0.0
    activity_l1: float = 0.0
    contractive: float = 0.0
    divergence: float = 0.0
    clustering: float = 0.0


def _terms(batch: Batch) -> Terms:
    options, run, w = batch.options, batch.run, batch.w
    own = [W for W, _ in batch.layers[: batch.n_own]]
    sparsity = sum(kl(options.sparsity_target, used) for used, _ in batch.rho_hat.values())
    terms = Terms(
        data=0.0 if batch.output is None else float(w @ losses(options.loss, batch.output)),
        weight_decay=options.weight_decay / 2.0 * sum(float(np.sum(W**2)) for W in own),
        sparsity=options.sparsity_weight * sparsity,
    )
    if options.weight_l1:
        terms = terms._replace(
            weight_l1=options.weight_l1 * sum(float(np.sum(np.abs(W))) for W in own)
        )
    if options.activity_l1:
        size = float(w @ np.abs(run.h[batch.code + 1]).sum(axis=1))
        terms = terms._replace(activity_l1=options.activity_l1 * size)
    if batch.contraction is not None:
        terms = terms._replace(contractive=options.contractive_weight * batch.contraction.value)
    if run.code is not None:
        kl_of_rows = divergence(run.code, options.free_bits).sum(axis=1)
        terms = terms._replace(divergence=options.beta * float(w @ kl_of_rows))
    if batch.clusters is not None:
        clustering = options.clustering_weight * batch.clusters.value
        terms = terms._replace(clustering=clustering)
    return terms


def _delta_below(batch: Batch, layer: int, dJ_dh: Matrix) -> Matrix:
    """dJ/dz of `layer` from dJ/dh through the layers above, to which its penalties are added."""
    options, run = batch.options, batch.run
    if layer in batch.rho_hat:
        used, by_batch_mean = batch.rho_hat[layer]
        slope = 0.5 if batch.activations[layer] == "tanh" else 1.0
        dkl = options.sparsity_weight * kl_derivative(options.sparsity_target, used)
        dJ_dh = dJ_dh + batch.w[:, np.newaxis] * (slope * by_batch_mean * dkl)
    if options.activity_l1 and layer == batch.code:
        dJ_dh = dJ_dh + options.activity_l1 * batch.w[:, np.newaxis] * np.sign(run.h[layer + 1])
    if batch.clusters is not None and layer == batch.code:
        dJ_dh = dJ_dh + options.clustering_weight * batch.clusters.by_code
    multiplier = run.multiplier[layer]
    dJ_da = dJ_dh if multiplier is None else multiplier * dJ_dh
    delta = dJ_da * activation_derivative(batch.activations[layer], run.z[layer], run.a[layer])
    if batch.contraction is not None and layer <= batch.code:
        delta = delta + options.contractive_weight * batch.contraction.by_z[layer]
    return delta


def _last_delta(batch: Batch) -> Matrix:
    """dJ/dz of the last layer: the output, or a code that ends the network."""
    if batch.output is None:
        return _delta_below(batch, len(batch.activations) - 1, np.zeros_like(batch.run.h[-1]))
    return batch.w[:, np.newaxis] * loss_derivative(batch.options.loss, batch.output)


def _by_input_and_weights(
    h: Matrix, W: Matrix, delta: Matrix, convolution: Convolution | None
) -> tuple[Matrix, Matrix]:
    if convolution is None:
        return delta @ W.T, h.T @ delta
    read, written = convolution.shapes
    by_h, by_W = apply_gradient(convolution, h.reshape(-1, *read), W, delta.reshape(-1, *written))
    return by_h.reshape(h.shape), by_W


def _log_variance_delta(batch: Batch, dJ_dz: Matrix) -> tuple[Matrix, Matrix]:
    """dJ/dmean and dJ/dv of a Gaussian code from dJ/dz."""
    code, options = batch.run.code, batch.options
    assert code is not None
    by_mean, by_log_variance = divergence_derivatives(code, options.free_bits)
    weight = options.beta * batch.w[:, np.newaxis]
    # dz/dlog_variance = exp(log_variance / 2) epsilon / 2
    dJ_dlog_variance = dJ_dz * (code.z - code.mean) / 2.0 + weight * by_log_variance
    return dJ_dz + weight * by_mean, np.where(code.is_cut, 0.0, dJ_dlog_variance)


def _gradient(batch: Batch) -> Vector:
    options, run, layers = batch.options, batch.run, batch.layers
    n_layers = len(batch.activations)
    delta_v: Matrix = np.empty(0)  # dJ/dv of a Gaussian code, v being its other product
    # delta = dJ/dz of the layer at hand, shape (n_samples, n_units).
    delta = _last_delta(batch)
    dW: list[Matrix] = [np.empty(0)] * len(layers)
    db: list[Vector] = [np.empty(0)] * len(layers)
    kinds: list[Convolution | None] = [None] * n_layers
    if options.convolutions is not None:
        kinds = list(options.convolutions)
    for layer in reversed(range(n_layers)):
        W, b = layers[layer]
        dJ_dh, dW[layer] = _by_input_and_weights(run.h[layer], W, delta, kinds[layer])
        db[layer] = delta.reshape(-1, len(b)).sum(axis=0)  # over positions, where it convolves
        if run.code is not None and layer == batch.code:  # its other product
            dW[-1] = run.h[layer].T @ delta_v
            db[-1] = delta_v.sum(axis=0)
            dJ_dh = dJ_dh + delta_v @ layers[-1][0].T
        if run.code is not None and layer - 1 == batch.code:
            delta, delta_v = _log_variance_delta(batch, dJ_dh)
        elif layer > 0:
            delta = _delta_below(batch, layer - 1, dJ_dh)
    blocks: list[Vector] = []
    order = list(range(n_layers))
    if run.code is not None:
        order.insert(batch.code + 1, n_layers)  # where (W', b') lies
    for layer in order:
        W, _ = layers[layer]
        if layer < batch.n_own:
            total = dW[layer] + options.weight_decay * W
            if options.weight_l1:
                total += options.weight_l1 * np.sign(W)
            if options.tied_weights:  # the other use of W, as W^T
                total += dW[len(layers) - 1 - layer].T
            if batch.contraction is not None and layer <= batch.code:
                total += options.contractive_weight * batch.contraction.by_weights[layer]
            blocks.append(total.ravel())
        blocks.append(db[layer])
    return np.concatenate([*blocks, _by_centers(batch)])


def _by_centers(batch: Batch) -> Vector:
    if batch.clusters is None:
        return np.empty(0)
    return np.asarray(batch.options.clustering_weight * batch.clusters.by_centers.T.ravel())


def mean_activation(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    layer: int | None = None,
    sample_weight: ArrayLike | None = None,
    **inference: Unpack[Inference],
) -> Vector:
    """rho_hat: the weighted mean activation of each unit of `layer` (None: the middle one).

    Without noise and dropout; other parameters as in `forward` and `objective`. Returns float64 of
    shape (n_units,); a tanh layer is mapped to (0, 1) by (a + 1)/2.
    """
    run, clean = infer(layer_sizes, activations, parameters, X, **inference)
    index = middle_layer(layer_sizes) if layer is None else layer
    return batch_rho_hat(
        activations[index], run.h[index + 1], row_weights(sample_weight, len(clean))
    )


def training_mean_activations(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **settings: Unpack[Settings],
) -> dict[int, Vector]:
    """rho_hat of each sparse layer as `objective` uses it: the next batch's `sparsity_running`.

    Parameters and errors as in `objective`. Returns {layer: float64 of shape (n_units,)}.
    """
    batch = run_batch(layer_sizes, activations, parameters, X, Options(**settings))
    return {layer: used for layer, (used, _) in batch.rho_hat.items()}


def objective_terms(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **settings: Unpack[Settings],
) -> Terms:
    """The parts of J. Parameters and errors as in `objective`."""
    return _terms(run_batch(layer_sizes, activations, parameters, X, Options(**settings)))


def objective(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **settings: Unpack[Settings],
) -> float:
    """J of the module's description, over all rows given.

    Parameters
    ----------
    layer_sizes, activations, parameters, X, **inference
        As in `aecore.reference.forward`. With missing="mask" a NaN in the target is left out of
        the loss of its row, which is not rescaled; a row with nothing observed has loss 0 and
        counts in the means all the same.
    target, loss
        As in `aecore.reference.row_losses`.
    sample_weight : array_like of shape (n_samples,), optional
        w, non-negative with a positive sum; by default every row counts the same.
    weight_decay : float, default 0.0
        lambda >= 0. Tied weights count once, here and in `weight_l1`.
    weight_l1 : float, default 0.0
        mu >= 0; the derivative of abs(W) at 0 is 0.
    sparsity_weight : float, default 0.0
        beta >= 0. With 0 there is no sparsity term on any layer.
    sparsity_target : float, default 0.05
        rho, in (0, 1).
    sparsity_layers : {"code", "hidden"} or sequence of int, default "code"
        Layers with the sparsity term: the code, every hidden one, or those of these indices, 0
        being the first hidden layer.
    sparsity_momentum : float, default 0.0
        In [0, 1): the part of rho_hat that comes from `sparsity_running`.
    sparsity_running : mapping of int to array_like of shape (n_units,), optional
        rho_hat used in the batch before, of each sparse layer (`training_mean_activations`); it is
        a constant of the gradient. Without it rho_hat is the mean of these rows.
    activity_l1 : float, default 0.0
        alpha >= 0; the derivative of abs(h) at 0 is 0.
    contractive_weight : float, default 0.0
        gamma >= 0; above 0 the encoder's activations must be among sigmoid, tanh, relu, identity.
    convolutions : sequence of Convolution or None, optional
        See `unpack`; then without tied weights, and without a contractive term on an encoder that
        convolves.
    beta : float, default 1.0
        Weight >= 0 of the divergence of a Gaussian code.
    free_bits : float, default 0.0
        lambda >= 0, in nats: what a unit of the code and a row costs at least.
    n_clusters : int, default 0
        Of the code; above 0 the parameters end with W (n_code x n_clusters), whose columns are the
        centres, and `code_layer` may be the last layer: then there is no data loss. No penalty is
        on W.
    clustering_weight : float, default 1.0
        Weight >= 0 of the clustering loss.
    target_distribution : array_like of shape (n_samples, n_clusters), optional
        p of each row.
    dropout : float, default 0.0
        p in [0, 1): each hidden unit, but those of a Gaussian code, is left out with this
        probability and multiplied by 1/(1 - p) otherwise.
    trim_fraction : float, default 0.0
        f in [0, 1): J is that of the other rows where, of m rows, the f m (rounded down) with the
        largest losses are left out (P. J. Rousseeuw, JASA 79, 1984); of equal losses the later
        rows. With weights, as many as have up to the share f. Not with a Gaussian code.
    noise : {None, "masking", "gaussian", "salt_and_pepper", "uniform"}, default None
        Noise on the scaled input; the target stays clean.
    noise_level : float, default 0.0
        Probability in [0, 1] for masking and salt_and_pepper, otherwise a factor >= 0 on N(0, 1) or
        U(-1, 1).
    noise_emphasis : float, default 1.0
        Weight e >= 0 in the loss of the features whose input is corrupted; the others have 1
        (P. Vincent et al., JMLR 11, 2010, section 4.2 with alpha/beta = e).
    seed : int, default 0
        Of noise, dropout and Gaussian codes, in [0, 2**64).
    epoch : int, default 0
        All of them are drawn anew in each.
    rows : array_like of shape (n_samples,), optional
        Index of each row in the array that training was given; by default 0, 1, ... What is
        drawn for a row depends on it, not on the place in X.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        For an unknown name, a wrong shape, no rows, a target outside the range of the loss, weights
        that do not sum to a positive number, a number outside its range, a sparsity term on a
        layer that is neither sigmoid nor tanh, a contractive term on an encoder with another
        activation than those listed, or an emphasis on a target that is not as wide as X.
    """
    return sum(objective_terms(layer_sizes, activations, parameters, X, **settings))


def objective_and_gradient(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **settings: Unpack[Settings],
) -> tuple[float, Vector]:
    """J and dJ/dparameters, a vector laid out like `parameters`.

    Parameters and errors as in `objective`.
    """
    batch = run_batch(layer_sizes, activations, parameters, X, Options(**settings))
    return sum(_terms(batch)), _gradient(batch)
