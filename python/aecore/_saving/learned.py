"""What a model file says of networks and estimators: their parts by name, in JSON and tensors.

Everything goes by name: constructor parameters, what `NetworkState._state` lists, the fields of
`OptimizerState`. A name that a file does not have takes its default, so files of earlier versions
stay readable; one that this version does not know is an error. docs/models.md has the names.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.rules import check_params, parameter_error
from aecore._files.container import Content
from aecore._files.values import NoFileFormError, decode, encode
from aecore._history import History
from aecore._problem.input import InputSettings
from aecore._problem.layer_list import from_file
from aecore._version import __version__
from aecore.network import Network

_INTEGERS = ("_seed", "best_epoch_", "n_clusters_", "n_features_in_", "n_users_")
_SHAPES = ("sample_shape_",)
_NUMBERS = ("mean_rating_", "min_rating_", "max_rating_")
_SCORES = ("silhouettes_",)
# Of recommenders and clusters, with their shapes by names of numbers; None is any.
_ARRAYS: dict[str, tuple[str | None, ...]] = {
    "_clustered_codes": (None, None),
    "_mixture_precisions": ("n_clusters_", None, None),
    "_mixture_weights": ("n_clusters_",),
    "cluster_centers_": ("n_clusters_", None),
    "labels_": (None,),
    "popularity_": ("n_features_in_",),
    "item_weights_": ("n_features_in_", "n_features_in_"),
    "item_codes_": ("n_features_in_", None),
}


def put_network(content: Content, network: Network) -> None:
    """Add a network to the content of a file."""
    state = network._state()
    content.tensors["network.parameters"] = state.pop("parameters")
    entry = vars(state.pop("input"))
    for name in ("offset", "factor"):
        if entry[name] is not None:
            content.tensors[f"network.{name}"] = entry[name]
    state |= {name: entry[name] for name in ("input_scale", "mask_missing")}
    content.document["network"] = {name: encode(value) for name, value in state.items()}


@functools.cache
def _network_settings() -> list[str]:
    content = Content({}, {})
    put_network(content, Network([1, 1], ["identity"], random_state=0))
    return list(content.document["network"])


def network_state(content: Content) -> dict[str, Any]:
    """Return what `NetworkState._set_state` takes.

    Raises
    ------
    LookupError, TypeError, ValueError
        If a part is missing or breaks its rule.
    """
    state = {name: decode(value) for name, value in content.document["network"].items()}
    check_known("settings of the network", state, _network_settings())
    settings = dict(state)
    mask = settings.pop("mask_missing")
    require("mask_missing", type(mask) is bool, "be True or False", mask)
    activations, layers = settings.pop("activations"), settings.pop("layers", None)
    check_params(settings)
    n_layers = len(from_file(layers, state["layer_sizes"], activations))
    if not 0 <= state["code_layer"] < n_layers:
        raise parameter_error("code_layer", "be one of the layers", state["code_layer"])
    scaling = {}
    for name in ("offset", "factor"):
        values = content.tensors.get(f"network.{name}")
        if values is not None:
            require(name, values.dtype == np.float64, "be float64", values.dtype)
            require(name, values.shape == state["layer_sizes"][:1], "be by column", values.shape)
            scaling[name] = values.copy()
    require("scaling", len(scaling) in (0, 2), "have offset and factor", list(scaling))
    state["input"] = InputSettings(float(state.pop("input_scale")), mask_missing=mask, **scaling)
    del state["mask_missing"]
    return {**state, "parameters": content.tensors["network.parameters"]}


def put_estimator(content: Content, attributes: dict[str, Any], *, exact: bool = False) -> None:
    """Move what was learned from `attributes` to the content of a file; the rest is left there.

    `exact` moves only what comes back with the same type, for pickle.
    """
    learned: dict[str, Any] = {}
    move(attributes, (*_INTEGERS, *_NUMBERS, *_SHAPES, *_SCORES), learned, exact=exact)
    for name in _ARRAYS.keys() & attributes.keys():
        content.tensors[f"learned.{name}"] = np.ascontiguousarray(attributes.pop(name))
    if "feature_names_in_" in attributes:
        names = {"feature_names_in_": tuple(attributes["feature_names_in_"])}
        move(names, tuple(names), learned, exact=exact)
        if not names:
            del attributes["feature_names_in_"]
    content.document["learned"] = learned
    if type(attributes.get("network_")) is Network:
        network = attributes.pop("network_")
        put_network(content, network)
        for name in ("offset", "factor"):
            if attributes.get(f"{name}_") is getattr(network._input, name):
                attributes.pop(f"{name}_", None)
    history: History | None = attributes.pop("_history", None)
    if history is not None:
        content.document["history"] = _put_history(content, "history", history)
    if "pretraining_history_" in attributes:
        content.document["pretraining"] = [
            _put_history(content, f"pretraining.{layer}", learned)
            for layer, learned in enumerate(attributes.pop("pretraining_history_"))
        ]
    _put_classes(content, attributes, exact=exact)
    state = attributes.pop("_optimizer_state", None)
    if state is not None:
        fields = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
        content.document["optimizer"] = {}
        for name, value in fields.items():
            if isinstance(value, np.ndarray):
                content.tensors[f"optimizer.{name}"] = value
            else:
                content.document["optimizer"][name] = encode(value)


def _put_history(content: Content, tensor: str, history: Mapping[str, list[float]]) -> list[str]:
    content.tensors[tensor] = np.array(list(history.values()), dtype=np.float64)
    return list(history)


def _history(content: Content, tensor: str, names: list[str]) -> dict[str, list[float]]:
    table = content.tensors[tensor]
    require(tensor, table.ndim == 2, "be a table", table.shape)
    return dict(zip(names, table.tolist(), strict=True))


def _put_classes(content: Content, attributes: dict[str, Any], *, exact: bool) -> None:
    """Move labels that are numbers or text."""
    classes = attributes.get("classes_")
    if classes is None:
        return
    values = classes.tolist()
    if classes.dtype.kind in "biufU" or all(type(value) is str for value in values):
        content.document["classes"] = {"dtype": classes.dtype.str, "values": values}
        del attributes["classes_"]
    elif not exact:
        rule = "be numbers or text for a model file; pickle keeps others"
        raise parameter_error("classes_", rule, classes)


def _classes(content: Content) -> NDArray[Any]:
    dtype, values = content.document["classes"]["dtype"], content.document["classes"]["values"]
    known = re.fullmatch(r"[<>|=]([biuf][1248]|U\d{1,4}|O)", dtype)
    require("classes", known is not None, "be numbers or text", dtype)
    plain = all(type(value) in (bool, int, float, str) for value in values)
    require("classes", plain, "be numbers or text", values)
    return np.array(values, dtype=dtype)


def move(
    attributes: dict[str, Any], names: Iterable[str], section: dict[str, Any], *, exact: bool
) -> None:
    """Move those attributes that have a form in a file."""
    for name in names:
        if name in attributes:
            with suppress(NoFileFormError):
                section[name] = encode(attributes[name], exact=exact)
                del attributes[name]


def learned_attributes(content: Content) -> dict[str, Any]:
    """Return the attributes of a fitted estimator, none for one that was not.

    Raises
    ------
    LookupError, TypeError, ValueError
        If a part is missing or does not fit the others.
    """
    document = content.document
    learned = {name: decode(value) for name, value in document["learned"].items()}
    if "feature_names_in_" in learned:
        names = learned["feature_names_in_"]
        learned["feature_names_in_"] = np.array(names, dtype=object)
        require("feature_names_in_", all(isinstance(name, str) for name in names), "be text", names)
    for name in learned.keys() & set(_INTEGERS):
        require(name, type(learned[name]) is int and learned[name] >= 0, "be >= 0", learned[name])
    for name in learned.keys() & set(_NUMBERS):
        require(name, type(learned[name]) is float, "be a number", learned[name])
    for name in learned.keys() & set(_SHAPES):
        shape, n_features = learned[name], learned.get("n_features_in_")
        fits = isinstance(shape, tuple) and all(type(size) is int for size in shape)
        require(name, fits and math.prod(shape) == n_features, f"hold {n_features} numbers", shape)
    for name in learned.keys() & set(_SCORES):
        scores = learned[name]
        plain = type(scores) is dict and all(
            type(number) is int and type(score) is float for number, score in scores.items()
        )
        require(name, plain, "be numbers by number", scores)
    known = (*_INTEGERS, *_NUMBERS, *_SHAPES, *_SCORES, "feature_names_in_")
    check_known("learned attributes", learned, known)
    learned |= _arrays(content, learned)
    if "history" in document:
        lists = _history(content, "history", document["history"])
        learned["_history"] = History(lists, content.tensors["history"].shape[1])
    if "pretraining" in document:
        learned["pretraining_history_"] = [
            _history(content, f"pretraining.{layer}", names)
            for layer, names in enumerate(document["pretraining"])
        ]
    if "classes" in document:
        learned["classes_"] = _classes(content)
    if "network" in document:
        network = Network.__new__(Network)
        network._set_state(network_state(content))
        learned["network_"] = network
        learned["_optimizer_state"] = _optimizer_state(content)
        if network._input.offset is not None:
            learned |= {"offset_": network._input.offset, "factor_": network._input.factor}
        _check_clusters(learned, network)
        # A recommender of columns takes users.
        name = "n_users_" if "item_codes_" in learned else "n_features_in_"
        if name in learned:
            rule = f"be {network.layer_sizes[0]}, as in the network"
            require(name, learned[name] == network.layer_sizes[0], rule, learned[name])
        if "classes_" in learned:
            n_classes = len(learned["classes_"])
            rule = f"be {network.layer_sizes[-1]}, the outputs of the network"
            require("classes_", n_classes == network.layer_sizes[-1], rule, n_classes)
    return learned


def _check_clusters(learned: Mapping[str, Any], network: Network) -> None:
    """Check that arrays about codes are as wide as those, and labels clusters that are there."""
    n_code = network.layer_sizes[network.code_layer + 1]
    for name in ("_clustered_codes", "_mixture_precisions", "cluster_centers_"):
        if name in learned:
            width = learned[name].shape[-1]
            require(name, width == n_code, f"be as wide as the code, {n_code}", width)
    if "labels_" in learned:
        labels, n_clusters = learned["labels_"], learned["n_clusters_"]
        holds = labels.dtype == np.int64 and bool(np.all((labels >= -1) & (labels < n_clusters)))
        require("labels_", holds, f"be integers from -1 to {n_clusters - 1}", labels)
    if "_clustered_codes" in learned:
        n_rows = len(learned["_clustered_codes"])
        require(
            "labels_", len(learned["labels_"]) == n_rows, f"be {n_rows}", len(learned["labels_"])
        )


def _arrays(content: Content, learned: Mapping[str, Any]) -> dict[str, NDArray[Any]]:
    found = {}
    for name, sizes in _ARRAYS.items():
        array = content.tensors.get(f"learned.{name}")
        if array is not None:
            there = tuple(
                array.shape[axis] if size is None else learned[size]
                for axis, size in enumerate(sizes)
            )
            require(name, array.shape == there, f"have shape {there}", array.shape)
            found[name] = array.copy()
    return found


def _optimizer_state(content: Content) -> Any:
    from aecore._training.minibatches import OptimizerState

    if "optimizer" not in content.document:
        return None
    prefix = "optimizer."
    arrays = {
        name.removeprefix(prefix): array
        for name, array in content.tensors.items()
        if name.startswith(prefix)
    }
    fields = {name: decode(value) for name, value in content.document["optimizer"].items()}
    state = OptimizerState(**{**fields, **arrays})
    shape = (
        _core.Optimizer(name=state.optimizer).n_slots,
        content.tensors["network.parameters"].size,
    )
    require("slots", state.slots.shape == shape, f"have shape {shape}", state.slots.shape)
    counts = type(state.n_updates) is int and state.n_updates >= 0
    require("n_updates", counts, "be an integer >= 0", state.n_updates)
    return state


def check_known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError if there are names that a newer version may have."""
    unknown = sorted(set(names) - set(known))
    require(what, not unknown, f"be those that aecore {__version__} knows", ", ".join(unknown))


def require(name: str, holds: bool, rule: str, value: Any) -> None:
    """Raise ValueError unless a part of a file keeps its rule."""
    if not holds:
        raise parameter_error(name, rule, value)
