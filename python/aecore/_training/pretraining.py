"""Greedy layer-wise pretraining: each layer starts as an autoencoder of the layers below it.

Layer k of the encoder is trained, with a decoder of its own, to reproduce the codes that the
layers before it give; then the next one has its codes [1]_ [2]_ [3]_. What was learned becomes the
start of the whole network.

References
----------
.. [1] G. E. Hinton, R. R. Salakhutdinov. Reducing the dimensionality of data with neural networks.
   Science 313, 2006.
.. [2] Y. Bengio, P. Lamblin, D. Popovici, H. Larochelle. Greedy layer-wise training of deep
   networks. NIPS 2006.
.. [3] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol. Stacked denoising
   autoencoders. JMLR 11, 2010.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from aecore._checks.random_state import seed_from, seeds_from
from aecore._checks.rules import parameter_error
from aecore._problem.input import Input, InputSettings
from aecore._problem.layers import as_layers, dense_layers
from aecore._problem.plan import Plan, check_own
from aecore._training.data import TrainingData
from aecore._training.fitting import fit_rows
from aecore.exceptions import TrainingDivergedError
from aecore.network import Network

# Losses for numbers of any range; cross entropy needs codes in [0, 1].
_FOR_ANY_CODE = ("squared_error", "absolute_error", "huber")
# Only the whole stack says how rows enter: an estimator that lends a layer must have these.
_INPUT = {"input_scale": 1.0, "scale": None, "missing": None}


def pretrain(
    plan: Plan, given: Any, network: Network, data: TrainingData
) -> list[dict[str, list[float]]]:
    """Train the encoder of `network` layer by layer, in place; its decoder too where it mirrors.

    Returns the history of every layer.

    Parameters
    ----------
    plan : Plan
        Of the whole network; without a `random_state` of their own layers draw from its seed.
    given : True, estimator, or sequence of one for each layer of the encoder
        What lends a layer its training; True is the plan itself.
    network : Network
    data : TrainingData

    Raises
    ------
    ValueError
        If a layer's settings break a rule, before any is trained.
    TrainingDivergedError
        If a layer's loss or weights stop being finite.
    """
    sources = _sources(plan, given)
    layers = _layer_plans(plan, sources)
    data = _without_target(data)
    entry = network._input
    histories = []
    for k, layer in enumerate(layers):
        title = f"layer {k + 1} of {len(layers)}"
        try:
            trained = fit_rows(layer, data, entry, owner=sources[k], title=title, compares=False)
        except TrainingDivergedError as error:
            msg = (
                f"pretraining of {title} stopped: the loss or a weight was not finite; the "
                "estimator is as it was before. Try a smaller learning_rate, or data scaled to "
                "numbers near 1."
            )
            raise TrainingDivergedError(msg) from error
        _take_over(network, k, trained.network, decoder=_mirrors(plan))
        histories.append(dict(trained.history))
        if k + 1 < len(layers):
            data = _encoded(data, trained.network)
            entry = InputSettings()
    return histories


def _sources(plan: Plan, given: Any) -> list[Any]:
    """What lends each hidden layer of the encoder its training; None is the plan itself."""
    n_layers = plan.layers.code_layer + 1
    if not isinstance(given, Sequence):
        return [None if isinstance(given, bool | np.bool_) else given] * n_layers
    if len(given) != n_layers:
        msg = (
            f"pretrain must hold one estimator for each of the {n_layers} hidden layers; "
            f"got {len(given)}"
        )
        raise ValueError(msg)
    return list(given)


def _layer_plans(plan: Plan, sources: Sequence[Any]) -> list[Plan]:
    """One plan for each hidden layer of the encoder."""
    seeds = seeds_from(plan.run.seed, len(sources))
    return [
        _layer_plan(plan, source, k, seed)
        for k, (source, seed) in enumerate(zip(sources, seeds, strict=True))
    ]


def _layer_plan(plan: Plan, source: Any, k: int, seed: int) -> Plan:
    try:
        return _own(plan, k, seed) if source is None else _lent(plan, source, k, seed)
    except ValueError as error:
        msg = f"pretrain of layer {k + 1}: {error}"
        raise ValueError(msg) from None


def _lent(plan: Plan, source: Any, k: int, seed: int) -> Plan:
    """The plan of an estimator, with the shape of layer k."""
    layer, whole = clone(source), plan.layers
    for name, default in _INPUT.items():
        if getattr(layer, name) != default:
            rule = f"be {default!r} in pretrain, for the whole stack has one"
            raise parameter_error(name, rule, getattr(layer, name))
    layer.set_params(
        hidden_layer_sizes=(whole.sizes[k + 1],),
        decoder_layer_sizes=None,
        activation=whole.activations[k],
        code_activation=None,
        code_top_k=_top_k(plan, k),
        dtype=plan.run.dtype,
        n_threads=plan.run.n_threads if layer.n_threads is None else layer.n_threads,
        pretrain=False,
        verbose=plan.run.verbose,
    )
    if _mirrors(plan):
        layer.output_activation = whole.activations[-1 - k]
        layer.tied_weights = layer.tied_weights or whole.tied_weights
    its_seed = seed if layer.random_state is None else seed_from(layer.random_state)
    check_own(layer)
    width = whole.sizes[k]
    return Plan.of(layer, width, width, its_seed)


def _own(plan: Plan, k: int, seed: int) -> Plan:
    """The plan itself, as far as it is about one layer: k."""
    whole, objective = plan.layers, plan.objective
    output = whole.activations[-1] if plan.input.is_target else "identity"
    loss = objective.loss if plan.input.is_target else "squared_error"
    if k > 0:
        output = whole.activations[k - 1]
        fits = loss in _FOR_ANY_CODE or (loss, output) == ("binary_cross_entropy", "sigmoid")
        loss = loss if fits else "squared_error"
    if _mirrors(plan):
        output = whole.activations[-1 - k]
    width = whole.sizes[k]
    activations = (whole.activations[k], None, output)
    made, code_layer = dense_layers(whole.sizes[k + 1], None, width, activations)
    layers = as_layers(
        width, made, code_layer, code_top_k=_top_k(plan, k), tied_weights=whole.tied_weights
    )
    noise = plan.input
    return replace(
        plan,
        layers=layers,
        objective=replace(objective, loss=loss),
        input=Input(
            noise=noise.noise, noise_level=noise.noise_level, noise_emphasis=noise.noise_emphasis
        ),
        run=replace(plan.run, seed=seed, callbacks=()),
    )


def _top_k(plan: Plan, k: int) -> int | None:
    return plan.layers.code_top_k if k == plan.layers.code_layer else None


def _mirrors(plan: Plan) -> bool:
    """Whether each layer of the encoder has its counterpart in the decoder."""
    sizes = plan.layers.sizes
    half = 2 * (plan.layers.code_layer + 1) == len(sizes) - 1
    return plan.input.is_target and half and sizes == sizes[::-1]


def _take_over(network: Network, k: int, learned: Network, *, decoder: bool) -> None:
    """Start layer k of `network`, and its counterpart, with what its autoencoder learned."""
    network.weights[k][:], network.biases[k][:] = learned.weights[0], learned.biases[0]
    if decoder:
        network.biases[-1 - k][:] = learned.biases[1]
        if not network.tied_weights:
            network.weights[-1 - k][:] = learned.weights[1]


def _without_target(data: TrainingData) -> TrainingData:
    if data.validation is None:
        return replace(data, target=None)
    X, _, rows = data.validation
    return replace(data, target=None, validation=(X, None, rows))


def _encoded(data: TrainingData, network: Network) -> TrainingData:
    """The same rows as the next layer sees them."""
    X: NDArray[Any] = network.encode(data.X)
    if data.validation is None:
        return replace(data, X=X)
    X_held, _, rows = data.validation
    held = X if X_held is data.X else network.encode(X_held)
    return replace(data, X=X, validation=(held, None, rows))
