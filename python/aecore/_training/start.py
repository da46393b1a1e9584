"""The network that a training begins with."""

from __future__ import annotations

from aecore._checks.rules import parameter_error
from aecore._network.initialization import (
    column_means,
    initialize,
    set_output_biases,
    set_sparse_biases,
)
from aecore._problem.input import InputSettings
from aecore._problem.plan import Plan
from aecore._training.data import TrainingData, input_means
from aecore.network import Network


def new_network(
    plan: Plan,
    data: TrainingData,
    entry: InputSettings,
    start: Network | None = None,
    name: str = "",
) -> Network:
    """Build a private network of the plan's layers that begins like `start`, or anew.

    `entry` is what happens to rows before the first layer, `name` what errors call `start`.
    """
    layers, run = plan.layers, plan.run
    # Where the target is X, the output stands for scaled rows.
    output = entry if plan.input.is_target and entry.offset is not None else None
    if start is None:
        network = Network._blank(layers, run.dtype, entry, run.n_threads)
        network._output = output
        initialize(network, plan.optimization.initialization, run.seed)
        _set_start_biases(plan, network, data)
        return network
    if not isinstance(start, Network):
        raise parameter_error(name, "be None or a Network", start)
    its = start._layers
    if (its.n_features, its.layers) != (layers.n_features, layers.layers):
        msg = f"{name} must have {layers}, as the parameters and X ask for; got {its}"
        raise ValueError(msg)
    if its.tied_weights != layers.tied_weights:
        rule = f"be {its.tied_weights} as in {name}"
        raise parameter_error("tied_weights", rule, layers.tied_weights)
    network = start._made(layers, start.parameters, run.dtype, entry, run.n_threads)
    network._output = output
    return network


def _set_start_biases(plan: Plan, network: Network, data: TrainingData) -> None:
    sparse, _ = plan.objective.sparse_widths(plan.layers)
    output = network.activations[-1]
    # A softmax of labels or of preferences starts at zero.
    at_mean = output == "sigmoid" or (output == "softmax" and plan.input.log1p)
    if not (sparse or at_mean):
        return
    mean = input_means(network, data)
    if sparse:
        set_sparse_biases(network, sparse, plan.objective.sparsity_target, mean)
    if not at_mean:
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
