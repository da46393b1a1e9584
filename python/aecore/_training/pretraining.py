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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from aecore._checks.rules import parameter_error
from aecore._network.initialization import seed_from
from aecore._problem.input import InputSettings
from aecore._training.fitting import check_settings, fit_layer
from aecore._training.minibatches import TrainingData
from aecore.autoencoder import Autoencoder
from aecore.exceptions import TrainingDivergedError

if TYPE_CHECKING:
    from aecore._training.fitting import Estimator
    from aecore.network import Network

# Losses for numbers of any range; cross entropy needs codes in [0, 1].
_FOR_ANY_CODE = ("squared_error", "absolute_error", "huber")
# How rows enter is for the whole stack to say, once.
_INPUT = {"input_scale": 1.0, "scale": None, "missing": None}


def pretrain(
    estimator: Estimator, network: Network, data: TrainingData, seed: int
) -> list[dict[str, list[float]]]:
    """Train the encoder of `network` layer by layer, in place; its decoder too where it mirrors.

    Returns the `history_` of every layer. Without an `estimator.random_state` of their own layers
    draw from `seed`.

    Raises
    ------
    ValueError
        If a layer's settings break a rule, before any is trained.
    TrainingDivergedError
        If a layer's loss or weights stop being finite.
    """
    layers = _make_layers(estimator, network)
    data = _without_target(data)
    entry = network._input
    seeds = np.random.SeedSequence(seed).generate_state(len(layers), np.uint64) >> np.uint64(1)
    histories = []
    for k, layer in enumerate(layers):
        layer_seed = int(seeds[k]) if layer.random_state is None else seed_from(layer.random_state)
        title = f"layer {k + 1} of {len(layers)}"
        try:
            learned = fit_layer(layer, data, entry, layer_seed, title)
        except TrainingDivergedError as error:
            msg = (
                f"pretraining of {title} stopped: the loss or a weight was not finite; the "
                "estimator is as it was before. Try a smaller learning_rate, or data scaled to "
                "numbers near 1."
            )
            raise TrainingDivergedError(msg) from error
        _take_over(network, k, learned, decoder=_mirrors(estimator, network))
        histories.append(layer.history_)
        if k + 1 < len(layers):
            data = _encoded(data, learned)
            entry = InputSettings()
    return histories


def _make_layers(estimator: Estimator, network: Network) -> list[Autoencoder]:
    """One autoencoder for each hidden layer of the encoder, with checked settings."""
    n_layers = network.code_layer + 1
    given = estimator.pretrain
    if isinstance(given, Sequence):
        if len(given) != n_layers:
            msg = (
                f"pretrain must hold one estimator for each of the {n_layers} hidden layers; "
                f"got {len(given)}"
            )
            raise ValueError(msg)
        sources: list[Autoencoder | None] = list(given)
    else:
        sources = [given if isinstance(given, Autoencoder) else None] * n_layers
    return [_make_layer(estimator, network, k, source) for k, source in enumerate(sources)]


def _make_layer(
    estimator: Estimator, network: Network, k: int, source: Autoencoder | None
) -> Autoencoder:
    """Clone the training of `source` (None: the estimator's own) for the shape of layer k."""
    layer = _own_settings(estimator, network, k) if source is None else clone(source)
    if source is not None:
        for name, default in _INPUT.items():
            if getattr(layer, name) != default:
                rule = f"be {default!r} in pretrain, for the whole stack has one"
                raise parameter_error(name, rule, getattr(layer, name))
    is_code = k == network.code_layer
    layer.set_params(
        hidden_layer_sizes=(network.layer_sizes[k + 1],),
        decoder_layer_sizes=None,
        activation=network.activations[k],
        code_activation=None,
        code_top_k=network.code_top_k if is_code else None,
        dtype=network.dtype.name,
        n_threads=network.n_threads if layer.n_threads is None else layer.n_threads,
        pretrain=False,
        verbose=estimator.verbose,
        warm_start=False,
    )
    if _mirrors(estimator, network):
        layer.output_activation = network.activations[-1 - k]
        layer.tied_weights = layer.tied_weights or network.tied_weights
    try:
        check_settings(layer)
    except ValueError as error:
        msg = f"pretrain of layer {k + 1}: {error}"
        raise ValueError(msg) from None
    return layer


def _own_settings(estimator: Estimator, network: Network, k: int) -> Autoencoder:
    """An autoencoder with those settings of the estimator that a layer can have."""
    names = set(estimator.get_params(deep=False)) & set(Autoencoder().get_params(deep=False))
    settings: dict[str, Any] = {name: getattr(estimator, name) for name in names}
    settings |= {**_INPUT, "callbacks": None, "random_state": None}
    if k > 0:
        below = network.activations[k - 1]
        settings["output_activation"] = below
        loss = settings.get("loss", "squared_error")
        fits = loss in _FOR_ANY_CODE or (loss, below) == ("binary_cross_entropy", "sigmoid")
        settings["loss"] = loss if fits else "squared_error"
    return Autoencoder(**settings)


def _mirrors(estimator: Estimator, network: Network) -> bool:
    """Whether each layer of the encoder has its counterpart in the decoder."""
    sizes = network.layer_sizes
    half = 2 * (network.code_layer + 1) == len(sizes) - 1
    return estimator._reproduces_input and half and sizes == sizes[::-1]


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
