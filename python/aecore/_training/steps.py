"""The steps of a training by minibatches: what moves, by which rule, and how far it has come."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._problem.objective import running_vector
from aecore._problem.plan import Plan
from aecore._util.optimizer_state import OptimizerState

OnEpoch = Callable[[int, float, float, float], bool]

# Of the loss and of the validation loss of a network with a Gaussian code, in the core's order.
PARTS = (
    "reconstruction",
    "divergence",
    "validation_reconstruction",
    "validation_divergence",
)


class Steps:
    """Parameters and moments in training.

    Parameters
    ----------
    plan : Plan
        Says which rule moves them.
    core : _core.Network
        Of the plan's layers, maybe with clusters.
    parameters : ndarray of shape (n_parameters,)
        Updated in place.
    objective : _core.Objective
    state : OptimizerState, optional
        Where to go on from; it is copied. That of another optimiser is not used.
    """

    def __init__(
        self,
        plan: Plan,
        core: _core.Network,
        parameters: NDArray[Any],
        objective: _core.Objective,
        *,
        state: OptimizerState | None = None,
    ) -> None:
        optimization, n_outputs = plan.optimization, core.layer_sizes[-1]
        self.parameters = parameters
        self.objective = objective
        self.rule = optimization.core_rule(optimization.rate(n_outputs))
        # rho_hat before the first batch: there is none.
        running = running_vector(None, *plan.objective.sparse_widths(plan.layers))
        self.state = _next_state(state, optimization.optimizer.name, self.rule, parameters, running)
        self.progress = _core.Progress()
        self._core = core
        self._n_threads = plan.run.n_threads or 0
        self._has_divergence = plan.layers.gaussian is not None

    def run(
        self,
        data: _core.Data,
        schedule: _core.Schedule,
        on_epoch: OnEpoch,
        *,
        validation: _core.Data | None = None,
        on_progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """Train for the epochs of a schedule; whatever ends them, the updates made are counted."""
        self.progress = _core.Progress()
        try:
            self._core.train(
                self.parameters,
                self.state.slots,
                data,
                validation=validation,
                objective=self.objective,
                optimizer=self.rule,
                schedule=schedule,
                n_threads=self._n_threads,
                on_epoch=on_epoch,
                on_progress=on_progress,
                progress=self.progress,
                running=self.state.running,
            )
        finally:
            n_updates = self.state.n_updates + self.progress.steps
            self.state = replace(self.state, n_updates=n_updates)

    def ended(self, n_known: int) -> list[dict[str, float]]:
        """Figures of the epochs that have ended behind the first `n_known`, as history has them."""
        found = []
        for epoch, loss, held, seconds, *parts in self.progress.waiting:
            if epoch < n_known:
                continue
            values = {"loss": loss, "seconds": seconds, "learning_rate": self.rule.learning_rate}
            values["validation_loss"] = held
            if self._has_divergence:
                n_parts = 2 if math.isnan(held) else 4
                values.update(zip(PARTS[:n_parts], parts, strict=False))
            found.append(values)
        return found


def _next_state(
    state: OptimizerState | None,
    name: str,
    rule: _core.Optimizer,
    parameters: NDArray[Any],
    running: NDArray[np.float64],
) -> OptimizerState:
    """Copy `state` to go on from, or begin anew when there is none or it is another optimiser's."""
    if state is None or state.optimizer != name:
        slots = np.zeros((rule.n_slots, parameters.size), parameters.dtype)
        return OptimizerState(name, slots, 0, running)
    if state.running.shape == running.shape:
        running = state.running.copy()
    return OptimizerState(name, state.slots.astype(parameters.dtype), state.n_updates, running)
