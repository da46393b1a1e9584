"""The network that a training begins with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from aecore._checks.rules import parameter_error
from aecore._network.initialization import column_means, set_output_biases, set_sparse_biases
from aecore._problem.input import InputSettings
from aecore._problem.layer_list import activation_of, gaussian_layer, resolve_layers
from aecore._problem.objective import sparse_layers
from aecore._training.minibatches import TrainingData, input_means
from aecore.layers import AnyLayer, Dense, Gaussian
from aecore.network import Network

if TYPE_CHECKING:
    from aecore._training.fitting import Estimator


def new_network(  # noqa: PLR0917
    estimator: Estimator,
    data: TrainingData,
    seed: int,
    start: Network | None,
    name: str,
    entry: InputSettings,
) -> Network:
    """Build a private network by the estimator's parameters that begins like `start`, or anew."""
    n_features = data.X.shape[1]
    n_outputs = n_features if data.target is None else data.target.shape[1]
    made, code_layer = estimator._make_layers(n_features, n_outputs)
    layers = list(resolve_layers(n_features, made)[1])
    settings: dict[str, Any] = {
        "dtype": estimator.dtype,
        "code_layer": code_layer,
        "n_threads": estimator.n_threads,
        "code_top_k": estimator.code_top_k,
    }
    if start is None:
        network = Network(
            n_features,
            layers,
            **settings,
            initialization=estimator.initialization,
            tied_weights=estimator.tied_weights,
            random_state=seed,
        )
        network._input = entry
        _set_start_biases(estimator, network, data)
        return network
    if not isinstance(start, Network):
        raise parameter_error(name, "be None or a Network", start)
    if (start.layer_sizes[0], start.layers) != (n_features, layers):
        msg = (
            f"{name} must have {_shape_text(n_features, layers)}, as the parameters and X ask "
            f"for; got {_shape_text(start.layer_sizes[0], start.layers)}"
        )
        raise ValueError(msg)
    if start.tied_weights != estimator.tied_weights:
        rule = f"be {start.tied_weights} as in {name}"
        raise parameter_error("tied_weights", rule, estimator.tied_weights)
    return start._copy(start.parameters, **settings, input_settings=entry)


def dense_layers(estimator: Estimator, n_outputs: int) -> tuple[list[AnyLayer], int]:
    """Layers by the widths of the hidden ones, and the index of the code."""
    hidden = _as_sizes(estimator.hidden_layer_sizes)
    decoder = hidden[-2::-1]
    if estimator.decoder_layer_sizes is not None:
        decoder = _as_sizes(estimator.decoder_layer_sizes)
    if estimator.tied_weights and decoder != hidden[-2::-1]:
        rule = f"be None or {hidden[-2::-1]}, the mirror of the encoder, with tied_weights"
        raise parameter_error("decoder_layer_sizes", rule, decoder)
    layers: list[AnyLayer] = [Dense(width, estimator.activation) for width in (*hidden, *decoder)]
    layers.append(Dense(n_outputs, estimator.output_activation))
    code = len(hidden) - 1
    if estimator._gaussian_code:
        layers[code] = Gaussian(hidden[-1])
    elif estimator.code_activation is not None:
        layers[code] = Dense(hidden[-1], estimator.code_activation)
    return layers, code


def _shape_text(n_in: int, layers: Sequence[AnyLayer]) -> str:
    sizes = [n_in, *(layer.n_units for layer in layers)]
    text = f"layer sizes {sizes} and activations {[activation_of(layer) for layer in layers]}"
    return text if gaussian_layer(layers) is None else f"{text} with a Gaussian code"


def _as_sizes(sizes: Any) -> list[int]:
    return [int(size) for size in (sizes if np.iterable(sizes) else [sizes])]


def _set_start_biases(estimator: Estimator, network: Network, data: TrainingData) -> None:
    sparse, sigmoid = estimator.sparsity_weight > 0, network.activations[-1] == "sigmoid"
    if not (sparse or sigmoid):
        return
    mean = input_means(network, data)
    if sparse:
        layers = sparse_layers(
            estimator.sparsity_layers, network.code_layer, len(network.activations)
        )
        set_sparse_biases(network, layers, estimator.sparsity_target, mean)
    if not sigmoid:
        return
    if data.target is not None:
        mean = column_means(
            data.target,
            data.rows,
            data.sample_weight,
            network.dtype,
            skip_nan=network._input.mask_missing,
        )
    set_output_biases(network, mean)
