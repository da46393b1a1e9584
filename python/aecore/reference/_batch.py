"""The forward pass of a batch in training: everything that J and its gradient are made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._activations import Matrix
from aecore.reference._clustering import clustering_derivatives, clustering_losses, soft_assignment
from aecore.reference._contractive import Contraction, check_contractive, contraction
from aecore.reference._inputs import enter_rows, scale_rows
from aecore.reference._layers import (
    Layers,
    Pass,
    check_network,
    resolve_code_layer,
    run_layers,
    unpack,
)
from aecore.reference._losses import Output, check_loss, losses, resolve_target
from aecore.reference._random import Draw
from aecore.reference._settings import CODE_PENALTIES, Options, row_weights
from aecore.reference._sparsity import batch_rho_hat, sparse_layers, used_rho_hat
from aecore.reference._trimming import trim

Vector = NDArray[np.float64]


class Clusters(NamedTuple):
    """The clustering term of J without its weight, and its derivatives."""

    value: float
    by_code: Matrix
    by_centers: Matrix


class Batch(NamedTuple):
    """A forward pass with its targets, weights and statistics."""

    activations: Sequence[str]
    options: Options
    layers: Layers
    n_own: int  # layers with weights of their own: the encoder's, if tied
    code: int  # index of the code among the layer outputs; -1 where nothing needs it
    w: Vector  # w_i / sum w, over the rows that are not trimmed
    run: Pass
    output: Output | None  # None where the network ends with a code that is clustered
    rho_hat: dict[int, tuple[Vector, float]]  # of each sparse layer, as `used_rho_hat` gives it
    contraction: Contraction | None
    clusters: Clusters | None


def run_batch(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    options: Options,
) -> Batch:
    """Check the settings against the network and the rows, and run all layers."""
    check_network(layer_sizes, activations)
    clean = scale_rows(X, layer_sizes[0], input_scale=options.input_scale, scaling=options.scaling)
    code = _code_layer(layer_sizes, activations, options)
    compares = not (options.n_clusters and code == len(activations) - 1)
    sparse = sparse_layers(layer_sizes, activations, options)
    w = row_weights(options.sample_weight, len(clean))
    vector = np.asarray(parameters, dtype=np.float64)
    n_center_numbers = options.n_clusters * layer_sizes[code + 1]
    layers = unpack(
        layer_sizes,
        vector[: len(vector) - n_center_numbers],
        tied_weights=options.tied_weights,
        convolutions=options.convolutions,
        gaussian_layer=code if options.gaussian_code else None,
    )

    draw = Draw(options.seed, options.epoch, _row_indices(options.rows, len(clean)))
    entering, corrupted = enter_rows(
        clean, options.missing, options.noise, options.noise_level, draw, log1p=options.log1p
    )
    run = run_layers(
        layers,
        activations,
        entering,
        options.convolutions,
        code=code,
        code_top_k=options.code_top_k,
        gaussian=options.gaussian_code,
        dropout=options.dropout,
        draw=draw,
    )
    output = None
    if compares:
        x, observed = resolve_target(clean, options.target, layer_sizes[-1], options.missing)
        check_loss(options.loss, activations[-1], x)
        weight = _element_weight(observed, corrupted, options.noise_emphasis, x.shape)
        output = Output(activations[-1], run.z[-1], run.h[-1], x, weight)
        if options.trim_fraction > 0.0:
            w = trim(w, losses(options.loss, output), options.trim_fraction)
    clusters = None
    if options.n_clusters:
        W = vector[len(vector) - n_center_numbers :].reshape(-1, options.n_clusters)
        clusters = _clusters(run.h[code + 1], W.T, options, w)
    rho_hat = {}
    for layer in sparse:
        mean = batch_rho_hat(activations[layer], run.h[layer + 1], w)
        rho_hat[layer] = used_rho_hat(layer, mean, options)
    contracted = options.contractive_weight > 0.0
    return Batch(
        activations=activations,
        options=options,
        layers=layers,
        n_own=len(layers) // 2 if options.tied_weights else len(layers),
        code=code,
        w=w,
        run=run,
        output=output,
        rho_hat=rho_hat,
        contraction=contraction(layers, activations, run, code, w) if contracted else None,
        clusters=clusters,
    )


def _clusters(Z: Matrix, centers: Matrix, options: Options, w: Vector) -> Clusters:
    p = np.asarray(options.target_distribution, dtype=np.float64)
    if p.shape != (len(Z), len(centers)):
        raise ValueError(
            f"target_distribution must have shape {(len(Z), len(centers))}; got {p.shape}"
        )
    value = float(w @ clustering_losses(soft_assignment(Z, centers), p))
    return Clusters(value, *clustering_derivatives(Z, centers, p, w))


def _code_layer(layer_sizes: Sequence[int], activations: Sequence[str], options: Options) -> int:
    if options.n_clusters and options.code_layer == len(activations) - 1:
        return len(activations) - 1
    has_code = options.n_clusters or options.gaussian_code or options.code_top_k is not None
    if not (has_code or any(getattr(options, name) for name in CODE_PENALTIES)):
        return -1
    code = resolve_code_layer(layer_sizes, options.code_layer)
    if options.contractive_weight:
        check_contractive(activations, code)
        if options.convolutions is not None and any(options.convolutions[: code + 1]):
            raise ValueError(
                "contractive_weight must be 0 where a layer of the encoder convolves; "
                f"got {options.contractive_weight}"
            )
    return code


def _row_indices(rows: ArrayLike | None, n_samples: int) -> NDArray[np.int64]:
    index = np.arange(n_samples) if rows is None else np.asarray(rows)
    if index.shape != (n_samples,):
        raise ValueError(f"rows must have shape ({n_samples},); got {index.shape}")
    return index


def _element_weight(
    observed: Matrix | None,
    corrupted: NDArray[np.bool_] | None,
    emphasis: float,
    shape: tuple[int, ...],
) -> Matrix | None:
    """Weights of the features in the loss: 0 where missing, `emphasis` where corrupted, else 1."""
    if corrupted is None or emphasis == 1.0:
        return observed
    if corrupted.shape != shape:
        raise ValueError(
            f"noise_emphasis must be 1 unless the target is as wide as X; got {emphasis}"
        )
    weight = np.where(corrupted, emphasis, 1.0)
    return weight if observed is None else weight * observed
