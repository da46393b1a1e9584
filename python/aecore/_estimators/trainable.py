"""How an estimator trains: it makes a Plan and rows, has them trained, and publishes the result."""

from __future__ import annotations

import copy
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.arrays import as_sample_weight, as_target
from aecore._checks.frames import plain_columns, refuse_other_order
from aecore._checks.masked import without_mask
from aecore._checks.naming import named
from aecore._checks.random_state import seed_from
from aecore._checks.rules import check_params, parameter_error
from aecore._estimators.base import BaseEncoder
from aecore._history import History
from aecore._problem.input import InputSettings, refuse_target_of_scaled
from aecore._problem.plan import Plan, check_own
from aecore._saving import models
from aecore._saving.learned import COUNT, Learned, StateOfOptimizer
from aecore._training.checkpointing import CheckpointWriter, Resumed
from aecore._training.data import TrainingData, with_unlabeled
from aecore._training.fitting import Trained, fit_rows, pass_over, train
from aecore._training.passes import call_after
from aecore._training.pretraining import pretrain
from aecore._training.recorder import Audience, Measure, Position
from aecore._training.start import new_network
from aecore._util.warn import warn
from aecore.checkpoint import Checkpoint
from aecore.layers import AnyLayer
from aecore.network import Network
from aecore.optimizers import LBFGS


class TrainableEncoder(BaseEncoder):
    """The base of estimators that are one network, trained as their parameters say."""

    _learned: ClassVar[dict[str, Learned]] = {
        "_optimizer_state": StateOfOptimizer(),
        "_seed": COUNT,
        "_first_rows": COUNT,
        "best_epoch_": COUNT,
    }
    # Whether the target is X itself, or something on its scale.
    _reproduces_input: ClassVar[bool]

    def _make_layers(self, n_features: int, n_outputs: int) -> tuple[list[AnyLayer], int]:
        """Make the layers of the network, and say which is the code."""
        raise NotImplementedError

    def _facts(self) -> dict[str, Any]:
        """What the Plan has to know and no parameter says."""
        return {"is_target": self._reproduces_input}

    def _measure(self, data: TrainingData) -> Measure | None:
        """Return what computes further figures for `history_` at the end of an epoch, if any."""
        del data
        return None

    def _fit(
        self,
        X: Any,
        target: Any,
        sample_weight: Any,
        *,
        validation_data: Any = None,
        init: Network | None = None,
        checkpoint: Checkpoint | None = None,
        resume_from: str | os.PathLike[str] | None = None,
        unlabeled: Any = None,
        learned: Mapping[str, Any] | None = None,
        of_class: NDArray[np.float64] | None = None,
    ) -> None:
        """Train from the start, or from a checkpoint; nothing changes but by `_publish`.

        `unlabeled` rows take part in pretraining alone; `learned` are attributes to publish with
        the network; `of_class` are factors on the weights of rows to learn from.
        """
        reader, data = self._read(X, target, sample_weight, reset=True)
        known = {**reader._known(), **(learned or {})}
        known.pop("pretraining_history_", None)
        resumed = None if resume_from is None else Resumed.read(resume_from)
        seed = seed_from(self.random_state) if resumed is None else resumed.seed
        start, name = init, "init"
        if start is None and self.warm_start:
            start, name = getattr(self, "network_", None), "network_"
        data = reader._with_validation(data, validation_data)
        reader._settle(data, start)
        plan = Plan.of(reader, data.X.shape[1], data.n_outputs, seed)
        own = reader._hold_back(data, plan)  # with weights of rows, not of classes
        data = own.times(of_class).times(reader._factors(own))
        if resumed is not None:
            resumed.check(models.identity(reader, known), plan.optimization.n_epochs, data)
            start, name = resumed.model.network_, "resume_from"
        writer = None if checkpoint is None else self._writer(checkpoint, data)
        wanted = getattr(self, "pretrain", False)
        pretrains = start is None and not (isinstance(wanted, bool | np.bool_) and not wanted)
        seen = data
        if unlabeled is not None and resumed is None:
            if not pretrains:
                rule = "be None where nothing is pretrained (pretrain=False, init, warm_start)"
                raise parameter_error("unlabeled", rule, unlabeled)
            more = reader._as_x(unlabeled, reset=False, name="unlabeled")
            own = with_unlabeled(own, more)
            with_more = None if of_class is None else np.append(of_class, np.ones(more.shape[0]))
            seen = own.times(with_more)
        its_own = start._input if isinstance(start, Network) else None
        entry = plan.entry(own.X, own.rows, own.sample_weight, its_own)
        if self._reproduces_input and entry.offset is not None:
            refuse_target_of_scaled(data.target)
        network = new_network(plan, data, entry, start, name)
        if validation_data is not None:
            _check_numbers(network, data, plan, validation_data)
        if pretrains:
            if seen is not data:
                with named({"X": "unlabeled"}):
                    network.encode(more)  # now, while the rows have their own numbers
            known["pretraining_history_"] = pretrain(plan, wanted, network, seen)
        elif resumed is not None and hasattr(resumed.model, "pretraining_history_"):
            known["pretraining_history_"] = resumed.model.pretraining_history_
        del own, seen  # with unlabeled rows, a copy of all
        train(
            plan,
            network,
            data,
            self._audience(plan, data, known, writer),
            at=None if resumed is None else resumed.position,
            title="fine-tuning" if pretrains else None,
        )

    def _partial_fit(
        self,
        X: Any,
        target: Any,
        sample_weight: Any,
        *,
        learned: Mapping[str, Any] | None = None,
        of_class: NDArray[np.float64] | None = None,
        epoch: int | None = None,
    ) -> None:
        """Train for one unshuffled epoch from where this estimator stands."""
        check_params({"epoch": 0 if epoch is None else epoch})
        before: Network | None = getattr(self, "network_", None)
        reader, data = self._read(X, target, sample_weight, reset=before is None)
        reader._settle(data, before)
        own, data = data, data.times(of_class).times(reader._factors(data))
        seed = getattr(self, "_seed", 0)  # of noise and dropout: that of the first call
        if before is None:
            seed = seed_from(self.random_state)
        plan = Plan.of(reader, data.X.shape[1], data.n_outputs, seed)
        its_own = None if before is None else before._input
        entry = plan.entry(own.X, own.rows, own.sample_weight, its_own)
        network = new_network(plan, data, entry, before, "network_")
        history: History | None = getattr(self, "_history", None)
        at = Position(history or History.empty(), getattr(self, "_optimizer_state", None))
        call = call_after(at.history, getattr(self, "_first_rows", None), data.X, epoch)
        if before is None:
            _warn_of_fit_alone(plan)
        known = {**reader._known(), **(learned or {}), "_first_rows": call.first_rows}
        audience = self._audience(plan, data, known)
        train(plan, network, data, audience, at=at, call=call, compares=call.is_judged)

    def _adopt(self, X: Any, network: Network) -> None:
        """Become an estimator that has learned `network`, which reads rows as it always did."""
        reader, data = self._read(X, None, None, reset=True)
        if not isinstance(network, Network):
            raise parameter_error("init", "be None or a Network", network)
        reader._settle(data, network)
        plan = Plan.of(reader, data.X.shape[1], data.n_outputs, 0)
        adopted = new_network(plan, data, network._input, network, "init")
        self._publish({**reader._known(), **_of_network(adopted, History.empty())})

    def _train_on(self, data: TrainingData, entry: InputSettings, seed: int) -> None:
        """Train on checked rows, as `fit` would, but nothing is compared with a constant."""
        plan = Plan.of(self, data.X.shape[1], data.n_outputs, seed)
        self._take(fit_rows(plan, data, entry, owner=self, title="", compares=False), seed)

    def _pass_over(self, data: TrainingData, entry: InputSettings, seed: int) -> None:
        """Train on checked rows, as `partial_fit` would."""
        plan = Plan.of(self, data.X.shape[1], data.n_outputs, seed)
        before = None
        if hasattr(self, "network_"):
            before = Trained(self.network_, self._history, None, self._optimizer_state)
        self._take(pass_over(plan, data, entry, before), seed)

    def _take(self, trained: Trained, seed: int) -> None:
        learned = {"n_features_in_": trained.network.layer_sizes[0], "_seed": seed}
        learned |= _of_network(trained.network, trained.history, trained.best_epoch)
        self._publish({**learned, "_optimizer_state": trained.optimizer_state})

    def _read(
        self, X: Any, target: Any, sample_weight: Any, *, reset: bool
    ) -> tuple[TrainableEncoder, TrainingData]:
        """Check parameters and arrays; a copy of this estimator learns what the rows tell."""
        check_own(self)
        # scikit-learn's validation writes n_features_in_ and feature_names_in_: to a copy.
        reader = copy.copy(self)
        rows = reader._as_x(X, reset=reset)
        data = TrainingData(
            rows,
            reader._as_target(target, rows),
            as_sample_weight(sample_weight, rows.shape[0]),
        ).counting()
        if reader._reproduces_input and getattr(self, "scale", None) is not None:
            refuse_target_of_scaled(data.target)
        return reader, data

    def _settle(self, data: TrainingData, start: Any) -> None:
        """Set parameters, of a copy that only reads, that are left to the rows and to `start`."""

    def _factors(self, data: TrainingData) -> NDArray[np.float64] | None:
        """Return factors on the weights of rows to learn from, if there are any."""
        del data
        return None

    def _as_target(self, target: Any, rows: Any, name: str = "target") -> Any:
        """See the target as rows: as wide as X, or of a width of its own for a classifier."""
        width = rows.shape[1] if self._reproduces_input else target.shape[1]
        if target is not None:
            self._check_columns_of(target, name)
            target = without_mask(target, name, missing=self._takes_missing)
            target = self._flat_rows(target, reset=False, name=name)
        return as_target(target, rows.shape[0], width, name=name)

    def _check_columns_of(self, target: Any, name: str) -> None:
        """Refuse a table whose columns are no numbers, or those of X in another order."""
        plain_columns(target, name)
        refuse_other_order(target, getattr(self, "feature_names_in_", None), name)

    def _known(self) -> dict[str, Any]:
        """What is known of rows and earlier trainings besides the network."""
        names = ("n_features_in_", "feature_names_in_", "sample_shape_", "classes_")
        kept = (*names, "pretraining_history_")
        return {name: vars(self)[name] for name in kept if name in vars(self)}

    def _hold_back(self, data: TrainingData, plan: Plan) -> TrainingData:
        """Hold back a drawn share of X for validation, where the caller gave no rows for it."""
        fraction = plan.optimization.validation_fraction
        if data.validation is None:
            return data.held_back(fraction, plan.run.seed)
        if fraction != 0:
            rule = "be 0 when validation_data is given"
            raise parameter_error("validation_fraction", rule, fraction)
        return data

    def _with_validation(self, data: TrainingData, validation_data: Any) -> TrainingData:
        """Add the caller's validation rows, if there are any."""
        if validation_data is None:
            return data
        pair = validation_data if isinstance(validation_data, tuple) else (validation_data, None)
        if len(pair) != 2:
            msg = f"validation_data must be X or a tuple (X, target); got a tuple of {len(pair)}"
            raise ValueError(msg)
        X, target = pair
        if (target is None) != (data.target is None):
            msg = (
                "validation_data must be a tuple (X, target) exactly when target is given; got "
                f"target {'given' if data.target is not None else 'None'}"
            )
            raise ValueError(msg)
        names = _names_of(validation_data)
        rows = self._as_x(X, reset=False, name=names["X"])
        held = (rows, self._as_target(target, rows, names["target"]), None)
        return replace(data, validation=held)

    def _writer(self, checkpoint: Checkpoint, data: TrainingData) -> CheckpointWriter:
        document = models.description(self)  # now, not after the first epoch: it may raise

        def content(state: Any) -> Any:
            learned = {**vars(self), "_optimizer_state": state}
            return models.content_of(document, learned, type(self))

        return CheckpointWriter(checkpoint, content, data)

    def _audience(
        self,
        plan: Plan,
        data: TrainingData,
        known: Mapping[str, Any],
        checkpoints: CheckpointWriter | None = None,
    ) -> Audience:
        """Make published networks attributes of this estimator, beside what is `known`."""

        def publish(network: Network, history: History, best_epoch: int | None) -> None:
            learned = {**known, "_seed": plan.run.seed, "_optimizer_state": None}
            self._publish({**learned, **_of_network(network, history, best_epoch)})

        def keep(state: Any) -> None:
            self._optimizer_state = state

        return Audience(publish, keep, self, checkpoints, self._measure(data))


def _warn_of_fit_alone(plan: Plan) -> None:
    """Warn, at the first call of `partial_fit`, of what it does nothing about."""
    optimization = plan.optimization
    for name, unused in (("validation_fraction", 0.0), ("early_stopping", False)):
        value = getattr(optimization, name)
        if value != unused:
            warn(
                f"{name} is of fit alone, partial_fit holds no rows back and never stops early; "
                f"got {value}. Score rows of your own between two calls"
            )


def _names_of(validation_data: Any) -> dict[str, str]:
    """What the parts of it are called in errors."""
    x = "X of validation_data" if isinstance(validation_data, tuple) else "validation_data"
    return {"X": x, "target": "target of validation_data"}


def _check_numbers(network: Network, data: TrainingData, plan: Plan, validation_data: Any) -> None:
    """Refuse validation rows that the loss is not defined for: now, not after an epoch."""
    assert data.validation is not None
    X, target, _ = data.validation
    with named(_names_of(validation_data)):
        network.row_losses(X, target=target, loss=plan.objective.loss)


def _of_network(
    network: Network, history: History, best_epoch: int | None = None
) -> dict[str, Any]:
    """Return the attributes that an estimator takes from a trained network."""
    learned: dict[str, Any] = {"network_": network, "_history": history}
    if best_epoch is not None:
        learned["best_epoch_"] = best_epoch
    if network._input.offset is not None:
        learned |= {"offset_": network._input.offset, "factor_": network._input.factor}
    return learned


def trains_in_batches(estimator: Any) -> bool:
    """Say whether there is `partial_fit`; the error says why not."""
    if estimator.optimizer == "lbfgs" or isinstance(estimator.optimizer, LBFGS):
        msg = (
            f"partial_fit trains in batches: optimizer must be one of {_core.OPTIMIZERS}; "
            "got 'lbfgs'"
        )
        raise AttributeError(msg)
    return True
