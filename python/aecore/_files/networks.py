"""What a model file says of a network: its settings in JSON, its numbers as tensors.

Everything goes by name. A name that a file does not have takes its default, so files of earlier
versions stay readable; one that this version does not know is an error. docs/models.md has the
names.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore._checks.rules import check_params, parameter_error
from aecore._files.container import Content, pack, unpack, write
from aecore._files.streams import Target
from aecore._files.values import decode, encode
from aecore._problem.input import InputSettings
from aecore._problem.layer_list import from_file, to_file
from aecore._problem.layers import Layers
from aecore._version import __version__

PICKLE = "this pickle of an aecore model"
# Settings of a network in a file, beside its tensors.
_SETTINGS = (
    "layer_sizes",
    "activations",
    "code_layer",
    "n_threads",
    "tied_weights",
    "code_top_k",
    "layers",
    "input_scale",
    "mask_missing",
    "limits",
    "log1p",
)
_SCALING = ("offset", "factor")


class NetworkParts(NamedTuple):
    """All that makes a network what it is."""

    layers: Layers
    parameters: NDArray[Any]
    input: InputSettings
    n_threads: int | None
    output: InputSettings | None = None  # what scaled the rows that the output stands for


def put_network(content: Content, parts: NetworkParts) -> None:
    """Add a network to the content of a file."""
    layers, entry = parts.layers, parts.input
    content.tensors["network.parameters"] = parts.parameters
    for prefix, scaled_by in (("network.", entry), ("network.output_", parts.output)):
        for name in _SCALING:
            values = getattr(scaled_by, name, None)
            if values is not None:
                content.tensors[f"{prefix}{name}"] = values
    settings = (
        layers.sizes,
        layers.activations,
        layers.code_layer,
        parts.n_threads,
        layers.tied_weights,
        layers.code_top_k,
        to_file(layers.layers),
        entry.input_scale,
        entry.mask_missing,
        tuple(limit if np.isfinite(limit) else None for limit in (entry.low, entry.high)),
        entry.log1p,
    )
    content.document["network"] = {
        name: encode(value) for name, value in zip(_SETTINGS, settings, strict=True)
    }


def network_parts(content: Content) -> NetworkParts:
    """Return the network that the content of a file describes.

    Raises
    ------
    LookupError, TypeError, ValueError
        If a part is missing or breaks its rule.
    """
    state = {name: decode(value) for name, value in content.document["network"].items()}
    check_known("settings of the network", state, _SETTINGS)
    mask, log1p = state.pop("mask_missing"), state.pop("log1p", False)
    for name, value in (("mask_missing", mask), ("log1p", log1p)):
        require(name, type(value) is bool, "be True or False", value)
    low, high = _limits(state.pop("limits", (None, None)))
    activations, listed = state.pop("activations"), state.pop("layers", None)
    check_params(state)
    sizes, code_layer = state["layer_sizes"], state["code_layer"]
    made = from_file(listed, sizes, activations)
    if not 0 <= code_layer < len(made):
        raise parameter_error("code_layer", "be one of the layers", code_layer)
    layers = Layers(
        int(sizes[0]),
        made,
        code_layer,
        state.get("code_top_k"),
        state.get("tied_weights", False),
    )
    entry = InputSettings(
        float(state["input_scale"]),
        mask_missing=mask,
        low=low,
        high=high,
        log1p=log1p,
        **_scaling(content, "network.", int(sizes[0])),
    )
    output = _scaling(content, "network.output_", int(sizes[-1]))
    kind = content.tensors["network.parameters"].dtype
    require("parameters", kind in (np.float32, np.float64), "be float32 or float64", kind)
    return NetworkParts(
        layers,
        content.tensors["network.parameters"],
        entry,
        state["n_threads"],
        InputSettings(**output) if output else None,
    )


def _scaling(content: Content, prefix: str, n_columns: int) -> dict[str, Any]:
    """Offset and factor by column, or none."""
    scaling = {}
    for name in _SCALING:
        values = content.tensors.get(prefix + name)
        if values is not None:
            require(name, values.dtype == np.float64, "be float64", values.dtype)
            require(name, values.shape == (n_columns,), "be by column", values.shape)
            divides = name == "factor" and not values.all()
            require(name, not divides, "be no 0: outputs are divided by it", values)
            scaling[name] = values.copy()
    require("scaling", len(scaling) in (0, 2), "have offset and factor", list(scaling))
    return scaling


def _limits(stored: Any) -> tuple[float, float]:
    """Limits of scaled numbers; None is none, as JSON has no infinity."""
    pair = isinstance(stored, tuple) and len(stored) == 2
    rule = "be a number or None, and one not below it"
    require("limits", pair and all(type(x) in (float, type(None)) for x in stored), rule, stored)
    low = -np.inf if stored[0] is None else stored[0]
    high = np.inf if stored[1] is None else stored[1]
    require("limits", low <= high, rule, stored)
    return low, high


def save(kind: str, parts: NetworkParts, target: Target) -> None:
    """Write a network of a class to a file of its own."""
    content = Content({"kind": kind}, {})
    put_network(content, parts)
    write(target, content)


def to_pickle(parts: NetworkParts, beside: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a network for pickle: the bytes of a file, and what is beside it."""
    content = Content({"kind": "Network"}, {})
    put_network(content, parts)
    return {"file": b"".join(pack(content)), "beside": beside}


def from_pickle(state: dict[str, Any]) -> NetworkParts:
    """Return the network in the state that `to_pickle` has made."""
    return network_parts(unpack(state["file"], PICKLE))


def check_known(what: str, names: Iterable[str], known: Iterable[str]) -> None:
    """Raise ValueError if there are names that a newer version may have."""
    unknown = sorted(set(names) - set(known))
    require(what, not unknown, f"be those that aecore {__version__} knows", ", ".join(unknown))


def require(name: str, holds: bool, rule: str, value: Any) -> None:
    """Raise ValueError unless a part of a file keeps its rule."""
    if not holds:
        raise parameter_error(name, rule, value)
