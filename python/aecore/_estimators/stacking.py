"""`stack`: one deep network of autoencoders that were trained one by one."""

from __future__ import annotations

import itertools
from typing import Any

from sklearn.utils.validation import check_is_fitted

from aecore._estimators.base import BaseEncoder
from aecore.network import Network


def stack(*models: BaseEncoder | Network) -> Network:
    """Join autoencoders, each trained on the codes of the one before, to one network.

    Its encoder is that of the first, then that of the second, and so on; its decoder has theirs in
    reverse. If the last one has no decoder, like a softmax layer `Network([n_code, n_classes],
    ["softmax"])`, neither has the whole: encoders end in it.

    Parameters
    ----------
    *models : Autoencoder or Network
        Fitted estimators, or networks, of the same dtype; the width of each code is the width of
        the next one's input. Only the first may scale its input.

    Returns
    -------
    Network
        With copies of their weights, and the input settings and `n_threads` of the first. Its
        weights are tied if all of theirs are. It is a start for `fit(init=)` of an estimator of the
        same shape.

    Raises
    ------
    TypeError
        If a model is something else.
    ValueError
        If there is none, they do not fit together, or the joined network would have a softmax
        or the largest units alone (`code_top_k`) within.
    NotFittedError
        If an estimator is not fitted.

    Examples
    --------
    >>> import numpy as np
    >>> import aecore
    >>> X = np.random.default_rng(0).random((100, 16))
    >>> first = aecore.Autoencoder((8,), n_epochs=5, random_state=0).fit(X)
    >>> second = aecore.Autoencoder((4,), n_epochs=5, random_state=0).fit(first.transform(X))
    >>> aecore.stack(first, second).layer_sizes
    [16, 8, 4, 8, 16]
    """
    networks = [_as_network(model, number) for number, model in enumerate(models, 1)]
    if not networks:
        msg = "models must be one or more; got none"
        raise ValueError(msg)
    decoders = [network for network in networks if _has_decoder(network)]
    if _has_decoder(networks[-1]):
        for number, network in enumerate(networks, 1):
            if not _has_decoder(network):
                msg = f"model {number} must have a decoder, as the last one has; it has none"
                raise ValueError(msg)
    else:
        decoders = []
    for number, (before, after) in enumerate(itertools.pairwise(networks), 2):
        _check_pair(before, after, number, decodes=bool(decoders))

    layers = [(network, layer) for network in networks for layer in range(network.code_layer + 1)]
    n_encoder = len(layers)
    for network in reversed(decoders):
        layers += [(network, layer) for layer in range(network.code_layer + 1, _n_layers(network))]
    first, last = networks[0], networks[-1]
    joined = Network(
        [first.layer_sizes[0], *(network.layer_sizes[layer + 1] for network, layer in layers)],
        [network.activations[layer] for network, layer in layers],
        dtype=first.dtype,
        code_layer=n_encoder - 1,
        code_top_k=last.code_top_k,
        tied_weights=bool(decoders) and all(network.tied_weights for network in networks),
        n_threads=first.n_threads,
        random_state=0,
    )
    joined._input, joined._output = first._input, first._output if decoders else None
    for (network, layer), weight, bias in zip(layers, joined.weights, joined.biases, strict=True):
        weight[:], bias[:] = network.weights[layer], network.biases[layer]
    return joined


def _as_network(model: Any, number: int) -> Network:
    if isinstance(model, Network):
        return model
    if not isinstance(model, BaseEncoder):
        msg = f"model {number} must be an estimator or a Network; got {type(model).__name__}"
        raise TypeError(msg)
    check_is_fitted(model, "network_")
    network: Network = model.network_
    return network


def _n_layers(network: Network) -> int:
    return len(network.layer_sizes) - 1


def _has_decoder(network: Network) -> bool:
    return network.code_layer < _n_layers(network) - 1


def _check_pair(before: Network, after: Network, number: int, *, decodes: bool) -> None:
    """Raise ValueError unless `after`, the model of this number, goes on the codes of `before`."""
    width = before.layer_sizes[before.code_layer + 1]
    codes = f"the code of model {number - 1}"
    problem = None
    if after.layer_sizes[0] != width:
        problem = f"have {width} inputs, {codes}; got {after.layer_sizes[0]}"
    elif decodes and after.layer_sizes[-1] != width:
        problem = f"have {width} outputs, {codes}; got {after.layer_sizes[-1]}"
    elif decodes and after.activations[-1] == "softmax":
        problem = f"not have a softmax output within the stack; got {after.activations}"
    elif after.dtype != before.dtype:
        problem = f"have dtype {before.dtype}, like the one before; got {after.dtype}"
    elif before.code_top_k is not None:
        problem = f"be the first, for only the last one can have code_top_k; got {before}"
    elif after.input_scale != 1 or after._input.offset is not None or after._input.log1p:
        problem = f"take {codes} as it is, with input_scale 1 and no scale; got {after}"
    if problem is not None:
        msg = f"model {number} must {problem}"
        raise ValueError(msg)
