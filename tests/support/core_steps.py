"""Training steps of the core beside the reference's gradient and update."""

from __future__ import annotations

from typing import Any

import numpy as np

from aecore import _core, reference
from core_options import core_objective

SIZES, ACTIVATIONS = [19, 9, 19], ["tanh", "sigmoid"]
N_WEIGHTS = 19 * 9
# lambda of the decoupled decay, for each parameter.
DECOUPLED = 0.3 * np.concatenate(
    [np.ones(N_WEIGHTS), np.zeros(9), np.ones(N_WEIGHTS), np.zeros(19)]
)


def reference_step(
    optimizer: str, parameters: Any, gradient: Any, moments: Any, t: int
) -> tuple[Any, ...]:
    """Parameters and moments after step `t` of the reference with learning rate 0.01."""
    first, second = moments
    rate = {"learning_rate": 0.01}
    if optimizer in ("momentum", "nesterov"):
        nesterov = optimizer == "nesterov"
        parameters, first = reference.momentum_step(
            parameters, gradient, first, momentum=0.7, nesterov=nesterov, **rate
        )
    elif optimizer == "adagrad":
        parameters, second = reference.adagrad_step(parameters, gradient, second, **rate)
    elif optimizer == "rmsprop":
        parameters, second = reference.rmsprop_step(parameters, gradient, second, rho=0.8, **rate)
    elif optimizer in ("adam", "adamw"):
        decay = DECOUPLED if optimizer == "adamw" else 0.0
        return reference.adam_step(
            parameters, gradient, first, second, t, weight_decay=decay, **rate
        )
    else:
        parameters = reference.sgd_step(parameters, gradient, **rate)
    return parameters, first, second


def core_rule(optimizer: str, clip_norm: float) -> _core.Optimizer:
    """The core's optimiser with the settings of `reference_step`."""
    return _core.Optimizer(
        name=optimizer,
        learning_rate=0.01,
        momentum=0.7,
        rho=0.8,
        epsilon=1e-10 if optimizer == "adagrad" else 1e-8,
        weight_decay=0.3,
        clip_norm=clip_norm,
    )


def trained_and_expected(
    optimizer: str,
    batch_size: int,
    options: dict[str, Any],
    separate_target: bool,
    clip_norm: float = 0.0,
    activations: tuple[str, ...] = tuple(ACTIVATIONS),
    loss_name: str = "binary_cross_entropy",
    tied_weights: bool = False,
) -> tuple[float, float]:
    """Largest relative difference of the parameters, and of the epochs' losses."""
    rng = np.random.default_rng(1)
    X = rng.random((40, 19)) * (rng.random((40, 19)) < 0.4)  # many zeros, as in images
    target = rng.random((40, 19)) if separate_target else None
    weight = rng.random(40)
    network = _core.Network(SIZES, activations, tied_weights=tied_weights)
    running = np.full(9, np.nan) if options.get("sparsity_momentum") else None
    parameters = rng.uniform(-0.5, 0.5, network.n_parameters)
    expected = parameters.copy()
    rule = core_rule(optimizer, clip_norm)
    state = np.zeros((rule.n_slots, network.n_parameters))
    losses: list[float] = []

    def on_epoch(_epoch: int, loss: float, _validation: float, _seconds: float) -> bool:
        losses.append(loss)
        return False

    network.train(
        parameters,
        state,
        _core.Data(X, target=target, sample_weight=weight),
        objective=core_objective(loss=loss_name, **options),
        optimizer=rule,
        schedule=_core.Schedule(batch_size=batch_size, n_epochs=2, seed=5),
        n_threads=1,
        on_epoch=on_epoch,
        running=running,
    )
    used: dict[int, Any] = {}
    moments = (np.zeros_like(expected), np.zeros_like(expected))
    step = 0
    expected_losses = []
    for epoch in range(2):
        order = _core.permutation(40, 5, epoch)
        total = 0.0
        for first in range(0, 40, batch_size):
            rows = order[first : first + batch_size]
            settings: dict[str, Any] = {
                **options,
                "target": None if target is None else target[rows],
                "sample_weight": weight[rows],
                "loss": loss_name,
                "tied_weights": tied_weights,
                "epoch": epoch,
                "rows": rows,
                "sparsity_running": used or None,
            }
            arguments = (SIZES, activations, expected, X[rows])
            loss, gradient = reference.objective_and_gradient(*arguments, **settings)
            used = reference.training_mean_activations(*arguments, **settings)
            total += loss * len(rows)
            step += 1
            if clip_norm:
                gradient = reference.clip_by_norm(gradient, clip_norm)
            expected, *moments = reference_step(optimizer, expected, gradient, moments, step)
        expected_losses.append(total / 40)
    difference = np.abs(parameters - expected).max() / np.abs(expected).max()
    return float(difference), float(np.abs(np.subtract(losses, expected_losses)).max())
