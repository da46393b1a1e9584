"""How what a class has learned goes into a file and comes back.

A class says what it learns in `_learned`, by the attribute's name: a kind of this module, which
knows the attribute's form in a file and the rule it has to keep there. Files, pickles and copies
read that. An attribute that a file lacks is not set, so files of earlier versions stay readable;
but those in `_always_learned` are in every file of a fitted one.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.rules import parameter_error
from aecore._files.container import Content
from aecore._files.networks import check_known, network_parts, put_network, require
from aecore._files.values import NoFileFormError, decode, encode
from aecore._history import History
from aecore._util.optimizer_state import OptimizerState
from aecore.network import Network

# What a kind returns for an attribute that a file does not have.
MISSING = object()


class Learned:
    """A kind of learned attribute."""

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        """Add attributes[name] to a file; False if it has no form there.

        `exact`: only if it comes back with the same type, for pickle.
        """
        raise NotImplementedError

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        """Return it, or MISSING; `learned` has what was declared before it.

        Raises
        ------
        LookupError, TypeError, ValueError
            If it does not keep its rule.
        """
        raise NotImplementedError


@dataclasses.dataclass(frozen=True)
class Plain(Learned):
    """A value that JSON can say: the sentence after "must", and the test behind it."""

    rule: str
    holds: Callable[[Any], bool]

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        try:
            content.document["learned"][name] = encode(attributes[name], exact=exact)
        except NoFileFormError:
            return False
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del learned
        if name not in content.document["learned"]:
            return MISSING
        value = decode(content.document["learned"][name])
        require(name, self.holds(value), self.rule, value)
        return value


COUNT = Plain("be >= 0", lambda value: type(value) is int and value >= 0)
NUMBER = Plain("be a number", lambda value: type(value) is float)
SCORES = Plain(
    "be numbers by number",
    lambda value: (
        type(value) is dict
        and all(type(key) is int and type(item) is float for key, item in value.items())
    ),
)


class Shape(Plain):
    """The shape of a row: as many numbers as there are features."""

    def __init__(self) -> None:
        super().__init__(
            "be integers",
            lambda value: isinstance(value, tuple) and all(type(size) is int for size in value),
        )

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        shape, n_features = super().get(content, name, learned), learned.get("n_features_in_")
        if shape is not MISSING:
            fits = math.prod(shape) == n_features
            require(name, fits, f"hold {n_features} numbers", shape)
        return shape


class Names(Plain):
    """Names of columns."""

    def __init__(self) -> None:
        super().__init__("be text", lambda value: all(isinstance(name, str) for name in value))

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        return super().put(content, name, {name: tuple(attributes[name])}, exact)

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        names = super().get(content, name, learned)
        return names if names is MISSING else np.array(names, dtype=object)


class Array(Learned):
    """An array; each axis is as long as the learned count of that name says; None: any length."""

    def __init__(self, *sizes: str | None) -> None:
        self._sizes = sizes

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del exact
        content.tensors[f"learned.{name}"] = np.ascontiguousarray(attributes[name])
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        array = content.tensors.get(f"learned.{name}")
        if array is None:
            return MISSING
        there = tuple(
            array.shape[axis] if size is None else learned[size]
            for axis, size in enumerate(self._sizes)
        )
        require(name, array.shape == there, f"have shape {there}", array.shape)
        return array.copy()


class TrainedNetwork(Learned):
    """The network of an estimator."""

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del exact
        if type(attributes[name]) is not Network:
            return False
        put_network(content, attributes[name]._state())
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del name, learned
        if "network" not in content.document:
            return MISSING
        network = Network.__new__(Network)
        network._set_state(network_parts(content))
        return network


class InPickles(Learned):
    """An object that a file has no form for: pickles and copies alone keep it."""

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del content, name, attributes, exact
        return False

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del content, name, learned
        return MISSING


@dataclasses.dataclass(frozen=True)
class OfNetwork(Learned):
    """An array of the network's input settings, which a file has with the network."""

    field: str

    def _of(self, network: Any) -> Any:
        return None if network is None else getattr(network._input, self.field)

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del content, exact
        return attributes[name] is self._of(attributes.get("network_"))

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del content, name
        found = self._of(learned.get("network_"))
        return MISSING if found is None else found


def _put_history(content: Content, tensor: str, history: Mapping[str, list[float]]) -> list[str]:
    content.tensors[tensor] = np.array(list(history.values()), dtype=np.float64)
    return list(history)


def _history(content: Content, tensor: str, names: list[str]) -> dict[str, list[float]]:
    table = content.tensors[tensor]
    require(tensor, table.ndim == 2, "be a table", table.shape)
    return dict(zip(names, table.tolist(), strict=True))


class Epochs(Learned):
    """The history of a training."""

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del exact
        if attributes[name] is not None:
            content.document["history"] = _put_history(content, "history", attributes[name])
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del name, learned
        if "history" not in content.document:
            return MISSING
        lists = _history(content, "history", content.document["history"])
        return History(lists, content.tensors["history"].shape[1])


class EpochsOfLayers(Learned):
    """A list of the histories of the trainings that went before."""

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del exact
        content.document["pretraining"] = [
            _put_history(content, f"pretraining.{layer}", history)
            for layer, history in enumerate(attributes[name])
        ]
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del name, learned
        if "pretraining" not in content.document:
            return MISSING
        return [
            _history(content, f"pretraining.{layer}", names)
            for layer, names in enumerate(content.document["pretraining"])
        ]


class Classes(Learned):
    """Labels that are numbers or text."""

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        classes = attributes[name]
        values = classes.tolist()
        if classes.dtype.kind in "biufU" or all(type(value) is str for value in values):
            content.document["classes"] = {"dtype": classes.dtype.str, "values": values}
            return True
        if not exact:
            rule = "be numbers or text for a model file; pickle keeps others"
            raise parameter_error(name, rule, classes)
        return False

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del name, learned
        if "classes" not in content.document:
            return MISSING
        said = content.document["classes"]
        dtype, values = said["dtype"], said["values"]
        known = re.fullmatch(r"[<>|=]([biuf][1248]|U\d{1,4}|O)", dtype)
        require("classes", known is not None, "be numbers or text", dtype)
        plain = all(type(value) in (bool, int, float, str) for value in values)
        require("classes", plain, "be numbers or text", values)
        return np.array(values, dtype=dtype)


class StateOfOptimizer(Learned):
    """What `partial_fit` goes on from, or None."""

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del exact
        state = attributes[name]
        if state is None:
            return True
        content.document["optimizer"] = {}
        for field in dataclasses.fields(state):
            value = getattr(state, field.name)
            if isinstance(value, np.ndarray):
                content.tensors[f"optimizer.{field.name}"] = value
            else:
                content.document["optimizer"][field.name] = encode(value)
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del name
        if "optimizer" not in content.document:
            return None if "network_" in learned else MISSING
        prefix = "optimizer."
        arrays: dict[str, NDArray[Any]] = {
            tensor.removeprefix(prefix): array
            for tensor, array in content.tensors.items()
            if tensor.startswith(prefix)
        }
        fields = {key: decode(value) for key, value in content.document["optimizer"].items()}
        state = OptimizerState(**{**fields, **arrays})
        shape = (
            _core.Optimizer(name=state.optimizer).n_slots,
            content.tensors["network.parameters"].size,
        )
        require("slots", state.slots.shape == shape, f"have shape {shape}", state.slots.shape)
        counts = type(state.n_updates) is int and state.n_updates >= 0
        require("n_updates", counts, "be an integer >= 0", state.n_updates)
        return state


def declared(kind: type[Any]) -> Mapping[str, Learned]:
    """Return what a class and those it comes from learn, the most general first."""
    key: Any = kind
    return _declared(key)


@functools.cache
def _declared(kind: type[Any]) -> Mapping[str, Learned]:
    found: dict[str, Learned] = {}
    for base in reversed(kind.__mro__):
        found |= vars(base).get("_learned", {})
    return MappingProxyType(found)


def put_learned(
    content: Content, attributes: dict[str, Any], kind: type[Any], *, exact: bool = False
) -> None:
    """Move what a class has learned from `attributes` to a file; the rest is left there."""
    content.document["learned"] = {}
    there = dict(attributes)
    for name, each in declared(kind).items():
        if name in there and each.put(content, name, there, exact):
            del attributes[name]


def learned_attributes(
    content: Content, kind: type[Any], *, complete: bool = True
) -> dict[str, Any]:
    """Return the attributes of a fitted estimator, none for one that was not.

    Parameters
    ----------
    content : Content
    kind : class
        The estimator's.
    complete : bool, default=True
        Whether all have to be there that a fitted one has; a pickle may have them beside.

    Raises
    ------
    LookupError, TypeError, ValueError
        If a part is missing or does not fit the others.
    """
    kinds = declared(kind)
    check_known("learned attributes", content.document["learned"], kinds)
    learned: dict[str, Any] = {}
    for name, each in kinds.items():
        value = each.get(content, name, learned)
        if value is not MISSING:
            learned[name] = value
    if not learned:
        return learned
    always = {name for base in kind.__mro__ for name in vars(base).get("_always_learned", ())}
    missing = sorted(always - learned.keys())
    if missing and complete:
        msg = f"a fitted {kind.__name__} has {missing[0]}, which is not there"
        raise ValueError(msg)
    kind._check_learned(learned)
    return learned
