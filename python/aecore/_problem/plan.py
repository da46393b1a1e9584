"""The Plan: what a training is asked to do, resolved and checked once.

Whoever trains takes a Plan and rows, never an estimator: an estimator makes one by `Plan.of`, and a
Plan made by hand trains the same way. A field has its default where an estimator lacks the
parameter.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.rules import check_params, parameter_error
from aecore._problem.input import Input, InputSettings
from aecore._problem.layer_list import activation_of
from aecore._problem.layers import Layers, as_layers
from aecore._problem.objective import Objective
from aecore.layers import AnyLayer
from aecore.optimizers import LBFGS, Adam, AdamW, Optimizer, _as_optimizer
from aecore.schedules import Schedule, _as_schedule

_Part = TypeVar("_Part")


@dataclass(frozen=True)
class Optimization:
    """How J is made small; the parameters of `Autoencoder` by the same names.

    Attributes
    ----------
    beta_schedule : Schedule, optional
        Factor on beta from epoch to epoch; None is 1.
    decoupled_decay : float, default=0.0
        The weight decay of "adamw", which is not in J.
    """

    optimizer: Optimizer = field(default_factory=Adam)
    initialization: str | None = None
    learning_rate: float | None = None
    learning_rate_schedule: Schedule | None = None
    beta_schedule: Schedule | None = None
    decoupled_decay: float = 0.0
    clip_norm: float | None = None
    batch_size: int = 256
    n_epochs: int = 50
    shuffle: bool = True
    validation_fraction: float = 0.0
    early_stopping: bool = False
    patience: int = 10
    tolerance: float = 1e-4

    @property
    def full_batch(self) -> bool:
        """Whether all rows make one step."""
        return isinstance(self.optimizer, LBFGS)

    def check(self, objective: Objective, layers: Layers) -> None:
        """Raise ValueError for a field that breaks its rule or does not go with the rest."""
        values = dict(vars(self))
        check_params({"weight_decay": values.pop("decoupled_decay"), **values})
        if not self.full_batch:
            fraction = objective.trim_fraction
            if 0 < fraction * self.batch_size < 1:
                rule = f"be at least 1 / trim_fraction, for a row to leave out ({fraction})"
                raise parameter_error("batch_size", rule, self.batch_size)
            return
        for name in ("learning_rate", "learning_rate_schedule", "clip_norm"):
            if values[name] is not None:
                rule = "be None with optimizer 'lbfgs', which finds its own steps"
                raise parameter_error(name, rule, values[name])
        for name in ("dropout", "sparsity_momentum"):
            if getattr(objective, name) != 0:
                rule = "be 0 with optimizer 'lbfgs', which wants the same J at every step"
                raise parameter_error(name, rule, getattr(objective, name))
        if layers.gaussian is not None:
            rule = f"be one of {_core.OPTIMIZERS} with a Gaussian code, drawn anew in each epoch"
            raise parameter_error("optimizer", rule, "lbfgs")

    def rate(self, n_outputs: int) -> float:
        """The learning rate: that which is asked for, the optimiser's, or 1 / n_outputs."""
        rate = self.learning_rate
        if rate is None:
            rate = self.optimizer.settings()["learning_rate"]
        return 1.0 / n_outputs if rate is None else float(rate)

    def core_rule(self, learning_rate: float) -> _core.Optimizer:
        """The update rule for the core."""
        settings = {**self.optimizer.settings(), "learning_rate": learning_rate}
        if isinstance(self.optimizer, AdamW):
            settings["weight_decay"] = float(self.decoupled_decay)
        if self.clip_norm is not None:
            settings["clip_norm"] = float(self.clip_norm)
        return _core.Optimizer(name=self.optimizer.name, **settings)


@dataclass(frozen=True)
class Run:
    """How a training runs; of these settings only the seed and the dtype move bits of its steps.

    `callbacks` are told of every epoch when it has ended.
    """

    seed: int = 0
    dtype: str = "float32"
    n_threads: int | None = None
    verbose: int = 0
    callbacks: tuple[Any, ...] = ()

    def check(self) -> None:
        """Raise ValueError for a field that breaks its rule."""
        check_params(vars(self))


class Planned(Protocol):
    """What `Plan.of` asks of an estimator, besides its parameters as attributes."""

    def _make_layers(self, n_features: int, n_outputs: int) -> tuple[list[AnyLayer], int]: ...

    def _facts(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Plan:
    """All that makes a training, except its rows and the parameters it starts from."""

    layers: Layers
    objective: Objective = field(default_factory=Objective)
    input: Input = field(default_factory=Input)
    optimization: Optimization = field(default_factory=Optimization)
    run: Run = field(default_factory=Run)

    def __post_init__(self) -> None:
        """Check every part, and whether they go together.

        Raises
        ------
        ValueError
            If they do not: `<name> must <rule>; got <value>`.
        """
        self.input.check()
        self.objective.check(self.layers)
        self.optimization.check(self.objective, self.layers)
        self.run.check()
        loss, output = self.objective.loss, activation_of(self.layers.layers[-1])
        if loss == "binary_cross_entropy" and output != "sigmoid":
            rule = "be 'sigmoid', whose range is (0, 1), with loss 'binary_cross_entropy'"
            raise parameter_error("output_activation", rule, output)
        if (loss == "multinomial") != (output == "softmax"):
            rule = f"be 'softmax' exactly with loss 'multinomial', not with {loss!r}"
            raise parameter_error("output_activation", rule, output)

    @classmethod
    def of(cls, estimator: Planned, n_features: int, n_outputs: int, seed: int) -> Plan:
        """Make the plan of an estimator for rows and targets of such widths.

        Raises
        ------
        ValueError
            If a parameter breaks its rule, or some do not go together; `check_own` comes first.
        """
        asked = {**parameters_of(estimator), **estimator._facts()}
        made, code_layer = estimator._make_layers(n_features, n_outputs)
        layers = as_layers(
            n_features,
            made,
            code_layer,
            code_top_k=asked.get("code_top_k"),
            tied_weights=asked.get("tied_weights", False),
        )
        asked["optimizer"] = _as_optimizer(asked["optimizer"])
        if isinstance(asked["optimizer"], AdamW):
            asked["decoupled_decay"] = asked.pop("weight_decay")
        schedule = asked["learning_rate_schedule"]
        # L-BFGS has none: it refuses what was given by the name that was given.
        if schedule is not None and not isinstance(asked["optimizer"], LBFGS):
            asked["learning_rate_schedule"] = _as_schedule(schedule)
        asked["callbacks"] = as_callbacks(asked["callbacks"])
        asked["seed"] = seed
        asked["dtype"] = "float32" if np.dtype(asked["dtype"]) == np.float32 else "float64"
        return cls(
            layers,
            part_of(Objective, asked),
            part_of(Input, asked),
            part_of(Optimization, asked),
            part_of(Run, asked),
        )

    def entry(
        self,
        X: Any,
        rows: NDArray[np.int64] | None,
        sample_weight: NDArray[np.float64] | None,
        previous: InputSettings | None = None,
    ) -> InputSettings:
        """What happens to rows before the first layer, as learned from the `rows` of X (None: all).

        Scales of `previous` are kept.
        """
        loss = self.objective.loss if self.input.is_target else None
        return self.input.settings(X, rows, sample_weight, previous, loss)


def part_of(kind: type[_Part], asked: Mapping[str, Any]) -> _Part:
    """Make a part of a Plan of the parameters it has; its other fields keep their defaults."""
    key: Any = kind
    return kind(**{name: asked[name] for name in _field_names(key) if name in asked})


# Asked for in every call of `partial_fit`; `kind: Any`, because mypy takes no class for hashable.
@functools.cache
def _field_names(kind: Any) -> tuple[str, ...]:
    return tuple(each.name for each in dataclasses.fields(kind))


@functools.cache
def _parameter_names(kind: Any) -> tuple[str, ...]:
    # What get_params does, which reads the signature anew each time: 60 us.
    return tuple(kind._get_param_names())


@functools.cache
def _own_names(kind: Any) -> tuple[str, ...]:
    """Name the parameters that are of no part of a Plan, or that a part gets something else of."""
    resolved = {"callbacks", "dtype", "learning_rate_schedule", "optimizer"}
    parts = (Objective, Input, Optimization, Run)
    in_parts = {name for part in parts for name in _field_names(part)} - resolved
    return tuple(name for name in _parameter_names(kind) if name not in in_parts)


def parameters_of(estimator: Any) -> dict[str, Any]:
    """Return the parameters of an estimator, as `get_params(deep=False)` does."""
    kind: Any = type(estimator)
    return {name: getattr(estimator, name) for name in _parameter_names(kind)}


def check_own(estimator: Any) -> None:
    """Raise ValueError for a parameter that breaks its rule and that no part of a Plan checks.

    They are looked at before X is read; those of a part are when the Plan is made.
    """
    kind: Any = type(estimator)
    check_params({name: getattr(estimator, name) for name in _own_names(kind)})


def as_callbacks(callbacks: Any) -> tuple[Any, ...]:
    """Turn whatever the parameter `callbacks` may be into a tuple."""
    if callbacks is None:
        return ()
    return (callbacks,) if hasattr(callbacks, "on_epoch_end") else tuple(callbacks)
