"""An outlier detector's networks in a model file: each as an estimator of its own, by number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._checks.rules import check_params
from aecore._files.container import Content
from aecore._files.values import decode
from aecore._saving.learned import (
    check_known,
    learned_attributes,
    move,
    put_estimator,
    require,
)

_NUMBERS = {"offset_": float, "_n_seen": int}


def put_ensemble(
    content: Content, attributes: dict[str, Any], *, optimizer_state: bool = True
) -> None:
    """Move what an ensemble has learned, if `attributes` has one, to the content of a file."""
    if "estimators_" not in attributes:
        return
    ensemble: dict[str, Any] = {name: attributes.pop(name) for name in _NUMBERS}
    ensemble["members"] = []
    spreads = attributes.pop("spreads_")
    for index, member in enumerate(attributes.pop("estimators_")):
        part = Content({"parameters": {}}, {"spread": spreads[index]})
        values = member.get_params(deep=False)
        move(values, tuple(values), part.document["parameters"], exact=False)
        learned = vars(member).copy()
        if not optimizer_state:
            learned.pop("_optimizer_state", None)
        put_estimator(part, learned)
        ensemble["members"].append(part.document)
        content.tensors.update({_place(index) + name: part.tensors[name] for name in part.tensors})
    content.document["ensemble"] = ensemble


def ensemble_attributes(content: Content) -> dict[str, Any]:
    """Return the attributes of a fitted ensemble, none where there is none.

    Raises
    ------
    LookupError, TypeError, ValueError
        If a part is missing or does not fit the others.
    """
    if "ensemble" not in content.document:
        return {}
    ensemble = content.document["ensemble"]
    learned: dict[str, Any] = {"estimators_": [], "spreads_": []}
    check_known("attributes of the ensemble", ensemble, (*_NUMBERS, "members"))
    for name, kind in _NUMBERS.items():
        require(name, type(ensemble[name]) is kind, f"be of type {kind.__name__}", ensemble[name])
        learned[name] = ensemble[name]
    members = ensemble["members"]
    require("members", type(members) is list and bool(members), "be a list, not empty", members)
    for index, document in enumerate(members):
        tensors = {
            name.removeprefix(_place(index)): values
            for name, values in content.tensors.items()
            if name.startswith(_place(index))
        }
        member = _member(Content(document, tensors))
        width = _width(content.document)
        rule = f"be {width}, the numbers of a window"
        n_in = member.network_.layer_sizes[0]
        require("inputs of a network of the ensemble", n_in == width, rule, n_in)
        learned["estimators_"].append(member)
        learned["spreads_"].append(_spread(member, tensors))
    return learned


def _width(document: Mapping[str, Any]) -> int:
    """Inputs of the networks of a fitted detector."""
    return int(document["learned"]["n_features_in_"] * document["parameters"].get("window", 1))


def _place(index: int) -> str:
    return f"ensemble.{index}."


def _member(part: Content) -> Any:
    from aecore.autoencoder import Autoencoder

    parameters = {name: decode(value) for name, value in part.document["parameters"].items()}
    check_known("parameters", parameters, Autoencoder._get_param_names())
    check_params(parameters)
    member = Autoencoder(**parameters)
    member.__dict__.update(learned_attributes(part))
    return member


def _spread(member: Any, tensors: Mapping[str, NDArray[Any]]) -> NDArray[np.float64]:
    values: NDArray[np.float64] = tensors["spread"]
    shape = (member.network_.layer_sizes[0],)
    require("spread", values.dtype == np.float64, "be float64", values.dtype)
    require("spread", values.shape == shape, f"have shape {shape}", values.shape)
    require("spread", bool((values > 0.0).all()), "be > 0", values)
    copied: NDArray[np.float64] = values.copy()
    return copied
