"""The networks of an ensemble in a model file: each as an estimator of its own, by number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._checks.rules import check_params
from aecore._files.container import Content
from aecore._files.networks import check_known, require
from aecore._files.values import decode, move
from aecore._saving.learned import MISSING, Learned, learned_attributes, put_learned


class Members(Learned):
    """Estimators of one class; the numbers of `OfEnsemble` are in the same section of a file."""

    def __init__(self, kind: type[Any], numbers: Sequence[str]) -> None:
        self._kind = kind
        self._numbers = numbers

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del exact
        section = content.document.setdefault("ensemble", {})
        section["members"] = []
        for index, member in enumerate(attributes[name]):
            part = Content({"parameters": {}}, {})
            values = member.get_params(deep=False)
            move(values, tuple(values), part.document["parameters"], exact=False)
            put_learned(part, vars(member).copy(), self._kind)
            section["members"].append(part.document)
            tensors = part.tensors.items()
            content.tensors.update({place(index) + tensor: array for tensor, array in tensors})
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del name
        if "ensemble" not in content.document:
            return MISSING
        section = content.document["ensemble"]
        check_known("attributes of the ensemble", section, (*self._numbers, "members"))
        members = section["members"]
        require("members", type(members) is list and bool(members), "be a list, not empty", members)
        found = [self._member(content, index) for index in range(len(members))]
        width = learned["n_features_in_"] * content.document["parameters"].get("window", 1)
        for member in found:
            n_in = member.network_.layer_sizes[0]
            rule = f"be {width}, the numbers of a window"
            require("inputs of a network of the ensemble", n_in == width, rule, n_in)
        return found

    def _member(self, content: Content, index: int) -> Any:
        document = content.document["ensemble"]["members"][index]
        tensors = {
            tensor.removeprefix(place(index)): array
            for tensor, array in content.tensors.items()
            if tensor.startswith(place(index))
        }
        parameters = {name: decode(value) for name, value in document["parameters"].items()}
        check_known("parameters", parameters, self._kind._get_param_names())
        check_params(parameters)
        member = self._kind(**parameters)
        member.__dict__.update(learned_attributes(Content(document, tensors), self._kind))
        return member


class OfEnsemble(Learned):
    """A number that an ensemble has learned."""

    def __init__(self, kind: type[Any]) -> None:
        self._kind = kind

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del exact
        content.document.setdefault("ensemble", {})[name] = attributes[name]
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del learned
        if "ensemble" not in content.document:
            return MISSING
        value = content.document["ensemble"][name]
        require(name, type(value) is self._kind, f"be of type {self._kind.__name__}", value)
        return value


class Spreads(Learned):
    """For each member an array with a number > 0 for each input of its network."""

    def put(self, content: Content, name: str, attributes: Mapping[str, Any], exact: bool) -> bool:
        del exact
        for index, spread in enumerate(attributes[name]):
            content.tensors[f"{place(index)}spread"] = spread
        return True

    def get(self, content: Content, name: str, learned: Mapping[str, Any]) -> Any:
        del name
        if "ensemble" not in content.document:
            return MISSING
        networks = (member.network_ for member in learned["estimators_"])
        return [_spread(content, at, each.layer_sizes[0]) for at, each in enumerate(networks)]


def _spread(content: Content, index: int, n_in: int) -> NDArray[np.float64]:
    values: NDArray[np.float64] = content.tensors[f"{place(index)}spread"]
    require("spread", values.dtype == np.float64, "be float64", values.dtype)
    require("spread", values.shape == (n_in,), f"have shape {(n_in,)}", values.shape)
    require("spread", bool((values > 0.0).all()), "be > 0", values)
    copied: NDArray[np.float64] = values.copy()
    return copied


def place(index: int) -> str:
    """Return what the names of a member's tensors begin with."""
    return f"ensemble.{index}."
