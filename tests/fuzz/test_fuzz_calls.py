"""Sequences of calls: the numbers of `aecore.reference`, and copies that cannot be told apart."""

from __future__ import annotations

import copy
import math
import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sklearn.base import clone

import aecore
import reference_fit
from aecore import reference
from fuzzing import examples
from samples import may_learn_nothing, three_factor_rows
from saved_models import LABELS, MODELS, ROWS, USER_ITEMS

MANY = three_factor_rows(24, 6)
TABLES = {"rows": MANY, "fewer": MANY[:7], "other": 1 - MANY[::-1], "a row": MANY[:1]}
BAD = {"NaN": np.full((3, 6), np.nan), "empty": np.ones((0, 6)), "text": np.full((3, 6), "a")}


def through_file(model: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "model"))
        return aecore.load(Path(folder, "model"))


COPIES: dict[str, Callable[[Any], Any]] = {
    "pickle": lambda model: pickle.loads(pickle.dumps(model)),
    "file": through_file,
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
# Each with the values between which calls may choose; none makes the others' meaningless.
KNOBS: dict[str, tuple[Any, ...]] = {
    "hidden_layer_sizes": ((4,), 3, (5, 2)),
    "activation": ("tanh", "sigmoid", "softplus"),
    "code_activation": (None, "identity", "elu"),
    "output_activation": ("identity", "sigmoid"),
    "optimizer": ("sgd", "adam", "rmsprop", "nesterov", "adagrad", "adamw"),
    "learning_rate": (0.01, 0.001, None),
    "learning_rate_schedule": (None, "cosine"),
    "n_epochs": (1, 3),
    "batch_size": (4, 7, 100),
    "shuffle": (True, False),
    "loss": ("squared_error", "huber"),
    "weight_decay": (0.0, 0.1),
    "clip_norm": (None, 0.5),
    "tied_weights": (False,),
    "noise": (None, "masking", "gaussian"),
    "scale": (None, "minmax", "standard"),
    "initialization": ("glorot_uniform", "he_normal"),
    "validation_fraction": (0.0, 0.25),
    "random_state": (0, 7),
    "n_threads": (1, 2),
}


METHODS = ("transform", "reconstruct", "score_samples", "predict", "predict_proba", "recommend")
METHODS += ("feature_errors", "soft_assignment", "decision_function", "similar_items", "score")
SETTINGS: tuple[dict[str, Any], ...] = ({"n_threads": 2}, {"n_epochs": 1}, {"batch_size": 5})
SETTINGS += ({"warm_start": True}, {"random_state": 3}, {"learning_rate": 0.01})


class Trained(RuleBasedStateMachine):
    """One autoencoder, whose fits are those of the reference."""

    def __init__(self) -> None:
        super().__init__()
        self.model: Any = aecore.Autoencoder((4,), n_epochs=1, random_state=0, dtype="float64")

    @rule(data=st.data(), name=st.sampled_from(sorted(KNOBS)))
    def set_params(self, data: Any, name: str) -> None:
        value = data.draw(st.sampled_from(KNOBS[name]))
        self.model.set_params(**{name: value})
        assert self.model.get_params()[name] == value

    @rule(table=st.sampled_from(("rows", "other")))
    def fit(self, table: str) -> None:
        expected = reference_fit.fit(self.model.get_params(), TABLES[table])
        self.model.fit(TABLES[table])
        np.testing.assert_allclose(self.model.history_["loss"], expected.loss, rtol=1e-7)
        if expected.validation_loss:
            found = self.model.history_["validation_loss"]
            np.testing.assert_allclose(found, expected.validation_loss, rtol=1e-7)
        parameters = self.model.network_.parameters
        np.testing.assert_allclose(parameters, expected.parameters, rtol=1e-6, atol=1e-9)

    @precondition(lambda self: hasattr(self.model, "network_"))
    @rule(table=st.sampled_from(sorted(TABLES)))
    def apply(self, table: str) -> None:
        network = self.model.network_
        names = [layer.activation for layer in network.layers]
        sizes, rows = network.layer_sizes, TABLES[table]
        factor, offset = network._input.factor, network._input.offset
        scaled = rows if factor is None else (rows - offset) * factor
        outputs = reference.forward(sizes, names, network.parameters, scaled)[1]
        code = self.model.transform(rows)
        np.testing.assert_allclose(code, outputs[-1 - len(names) // 2], rtol=1e-9, atol=1e-12)
        expected = outputs[-1] if factor is None else outputs[-1] / factor + offset
        np.testing.assert_allclose(self.model.reconstruct(rows), expected, rtol=1e-7, atol=1e-10)
        np.testing.assert_array_equal(
            self.model.inverse_transform(code), self.model.reconstruct(rows)
        )

    @rule(way=st.sampled_from((*COPIES, "clone")))
    def replace(self, way: str) -> None:
        params = self.model.get_params()
        self.model = clone(self.model) if way == "clone" else COPIES[way](self.model)
        assert self.model.get_params() == params
        assert not (way == "clone" and hasattr(self.model, "network_"))

    @rule(table=st.sampled_from(sorted(BAD)), call=st.sampled_from(("fit", "partial_fit")))
    def fail(self, table: str, call: str) -> None:
        before = pickle.dumps(self.model)
        with pytest.raises(ValueError, match=r"\w"):
            getattr(self.model, call)(BAD[table])
        assert pickle.dumps(self.model) == before

    @invariant()
    def its_losses_are_numbers(self) -> None:
        if hasattr(self.model, "network_"):
            assert all(math.isfinite(loss) for loss in self.model.history_["loss"])


class Copied(RuleBasedStateMachine):
    """A model of any class and its copies, of which each does what all of them do."""

    models: list[Any]

    @initialize(name=st.sampled_from(sorted(set(MODELS) - {"Network"})))
    def make(self, name: str) -> None:
        self.models = [MODELS[name]()]

    def all_do(self, call: Callable[[Any], Any]) -> None:
        """Have all of them do it, with the same result or the same error."""
        outcomes = [outcome(call, model) for model in self.models]
        for other in outcomes[1:]:
            assert type(other) is type(outcomes[0])
            np.testing.assert_equal(other, outcomes[0])

    @rule(way=st.sampled_from(sorted(COPIES)), data=st.data())
    def copy(self, way: str, data: Any) -> None:
        model = data.draw(st.sampled_from(range(len(self.models))))
        self.models = [*self.models[-2:], COPIES[way](self.models[model])]

    @rule()
    def clone(self) -> None:
        self.models = [clone(model) for model in self.models]

    @rule(call=st.sampled_from(("fit", "fit", "partial_fit")), n_rows=st.sampled_from((40, 21)))
    def train(self, call: str, n_rows: int) -> None:
        self.all_do(lambda model: learned(getattr(model, call)(*given(model, n_rows))))

    @rule(
        method=st.sampled_from(METHODS),
        n_rows=st.sampled_from((1, 40)),
    )
    def ask(self, method: str, n_rows: int) -> None:
        def call(model: Any) -> Any:
            X, *labels = given(model, n_rows)
            if method == "similar_items":
                return model.similar_items([0, 1])
            return getattr(model, method)(X, *(labels if method == "score" else ()))

        if hasattr(self.models[0], method):
            self.all_do(call)

    @rule(setting=st.sampled_from(SETTINGS))
    def set_params(self, setting: dict[str, Any]) -> None:
        self.all_do(lambda model: model.set_params(**setting).get_params(deep=False).keys())

    @rule(n_rows=st.sampled_from((3, 40)))
    def fail(self, n_rows: int) -> None:
        def call(model: Any) -> Any:
            before = pickle.dumps(model)
            _, *labels = given(model, n_rows)
            with pytest.raises(ValueError, match=r"\w"):
                model.fit(np.full((n_rows, 6), np.nan), *labels)
            assert pickle.dumps(model) == before

        self.all_do(call)


def given(model: Any, n_rows: int) -> tuple[Any, ...]:
    """The arguments of its methods."""
    if hasattr(model, "recommend"):
        return (USER_ITEMS[:n_rows],)
    labels = isinstance(model, aecore.AutoencoderClassifier)
    return (ROWS[:n_rows], LABELS[:n_rows]) if labels else (ROWS[:n_rows],)


def learned(model: Any) -> list[Any]:
    """The numbers of a training."""
    parts = [*getattr(model, "estimators_", ()), model]
    found = [part.network_.parameters for part in parts if hasattr(part, "network_")]
    names = ("cluster_centers_", "item_weights_", "offset_", "labels_")
    return found + [getattr(model, name) for name in names if hasattr(model, name)]


def outcome(call: Callable[[Any], Any], model: Any) -> Any:
    """The result, or the error of one who asks for what there is not."""
    try:
        return call(model)
    except (ValueError, TypeError, AttributeError) as error:
        return error.args, type(error)


@may_learn_nothing
@pytest.mark.filterwarnings("ignore::UserWarning")
class TestTrained(Trained.TestCase):  # type: ignore[misc]
    settings = settings(examples(20), stateful_step_count=20)


@may_learn_nothing
@pytest.mark.filterwarnings("ignore::UserWarning")
class TestCopied(Copied.TestCase):  # type: ignore[misc]
    settings = settings(examples(20), stateful_step_count=20)
