"""A network's layers as a list: placed one after the other, described, and in files."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Sequence
from typing import Any, TypeGuard

from aecore._checks.rules import check_activations, check_params, parameter_error
from aecore._checks.subclasses import refuse_additions
from aecore.layers import (
    AnyLayer,
    Conv2D,
    ConvTranspose2D,
    Dense,
    Flatten,
    Gaussian,
    Reshape,
    Shape,
    _Window,
)
from aecore.reference._convolution import Convolution

# All layers that a file may name.
_KINDS: dict[str, type[AnyLayer]] = {
    "Conv2D": Conv2D,
    "ConvTranspose2D": ConvTranspose2D,
    "Dense": Dense,
    "Gaussian": Gaussian,
}
_VIEWS = (Flatten, Reshape)


def activation_of(layer: AnyLayer) -> str:
    """Name of the activation; that of a Gaussian layer's mean is the identity."""
    return "identity" if isinstance(layer, Gaussian) else layer.activation


def convolutions_of(layers: Sequence[AnyLayer]) -> list[Convolution | None]:
    """The convolution of each layer, None for those that have none."""
    return [layer.convolution if isinstance(layer, _Window) else None for layer in layers]


def input_shape_of(n_in: int, layers: Sequence[AnyLayer]) -> Shape:
    """The shape of a row as the first layer reads it."""
    first = layers[0]
    return first._shape() if isinstance(first, _Window) else (n_in,)


def _placed(layer: Conv2D | ConvTranspose2D, shape: Shape) -> Conv2D | ConvTranspose2D:
    """The layer with every number written out, so that layers that do the same are equal."""
    known = dataclasses.replace(layer, input_shape=(shape[0], shape[1], shape[2]))
    windows = known.convolution
    full: dict[str, Any] = {"kernel_size": windows.kernel, "stride": windows.stride}
    if isinstance(known, ConvTranspose2D):
        return dataclasses.replace(known, **full, output_size=windows.image[:2])
    return dataclasses.replace(known, **full)


def place_layers(shape: Shape, layers: Sequence[Any]) -> tuple[AnyLayer, ...]:
    """Give layers that convolve the shape of their input; leave `Flatten` and `Reshape` out.

    Raises
    ------
    ValueError
        If a shape does not fit the layer before, with both shapes.
    """
    if layers and is_dense(layers):
        return tuple(layers)  # nothing to place
    placed: list[AnyLayer] = []
    for at, layer in enumerate(layers):
        if isinstance(layer, Flatten):
            shape = (math.prod(shape),)
            continue
        wanted = layer.shape if isinstance(layer, Reshape) else getattr(layer, "input_shape", None)
        if wanted is not None:
            if math.prod(wanted) != math.prod(shape):
                msg = f"layer {at} must read {shape}, what comes before; got {tuple(wanted)}"
                raise ValueError(msg)
            shape = tuple(map(int, wanted))
        if isinstance(layer, Reshape):
            continue
        if isinstance(layer, Conv2D | ConvTranspose2D):
            if len(shape) != 3:
                msg = (
                    f"layer {at} must read an image (height, width, channels), as Reshape makes "
                    f"one; got {shape}"
                )
                raise ValueError(msg)
            placed.append(_placed(layer, shape))
        else:
            placed.append(layer)
        shape = placed[-1].output_shape
    if not placed:
        raise parameter_error("layers", "have one that computes", list(layers))
    return tuple(placed)


def are_layers(value: Any) -> TypeGuard[Sequence[Any]]:
    """Say whether these are layers, not names of activations."""
    return (
        isinstance(value, Sequence)
        and len(value) > 0
        and all(isinstance(each, (*_KINDS.values(), *_VIEWS)) for each in value)
    )


def resolve_layers(
    layer_sizes: int | Sequence[int], activations: Sequence[str] | Sequence[AnyLayer]
) -> tuple[int, tuple[AnyLayer, ...]]:
    """The width of the input and the layers, from either way to say them.

    Raises
    ------
    ValueError
        If a size, a name or the order of the layers breaks its rule.
    """
    if are_layers(activations):
        for layer in activations:
            refuse_additions(layer, "layers", "a network")
        if isinstance(layer_sizes, Sequence):
            check_params({"shape": layer_sizes})
            shape: Shape = tuple(map(int, layer_sizes))
        else:
            check_params({"n_in": layer_sizes})
            shape = (int(layer_sizes),)
        n_in = math.prod(shape)
        layers = place_layers(shape, activations)
        check_activations([activation_of(layer) for layer in layers], len(layers))
    else:
        check_params({"layer_sizes": layer_sizes})
        n_in, *widths = map(int, layer_sizes)  # type: ignore[arg-type]
        check_activations(activations, len(widths))
        layers = tuple(map(Dense, widths, activations))  # type: ignore[arg-type]
    if sum(isinstance(layer, Gaussian) for layer in layers) > 1:
        raise parameter_error("layers", "have one Gaussian at most", list(layers))
    return n_in, layers


def gaussian_layer(layers: Sequence[AnyLayer]) -> int | None:
    """Index of the Gaussian layer, which is the code; None without one."""
    return next((at for at, layer in enumerate(layers) if isinstance(layer, Gaussian)), None)


def n_parameters(layer: AnyLayer, n_in: int, *, tied: bool = False) -> int:
    """Number of a layer's own parameters."""
    products = 2 if isinstance(layer, Gaussian) else 1
    weights, n_bias = layer.parameter_shapes(n_in)
    return products * ((0 if tied else math.prod(weights)) + n_bias)


def summary_table(n_in: int, layers: Sequence[AnyLayer], *, tied_weights: bool) -> str:
    """Lines of layer, output shape and number of parameters."""
    start = str(input_shape_of(n_in, layers))
    rows = [("layer", "output shape", "parameters"), ("input", start, "0")]
    total = 0
    widths = itertools.chain([n_in], (layer.n_units for layer in layers))
    for at, (layer, before) in enumerate(zip(layers, widths, strict=False)):
        own = n_parameters(layer, before, tied=tied_weights and 2 * at >= len(layers))
        total += own
        name = type(layer).__name__
        if not isinstance(layer, Gaussian):
            name += f" {layer.activation}"
        rows.append((name, str(layer.output_shape), f"{own:,}"))
    rows.append(("total", "", f"{total:,}"))
    first, second, third = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(f"{a:<{first}}  {b:<{second}}  {c:>{third}}" for a, b, c in rows)


def is_dense(layers: Sequence[AnyLayer]) -> bool:
    """Whether sizes and activations alone describe these layers."""
    return all(isinstance(layer, Dense) for layer in layers)


def to_file(layers: Sequence[AnyLayer]) -> tuple[tuple[Any, ...], ...] | None:
    """What a file says of layers beside their sizes and activations: None if all are Dense."""
    if is_dense(layers):
        return None
    return tuple((type(layer).__name__, *dataclasses.astuple(layer)) for layer in layers)


def from_file(
    layers: Any, layer_sizes: Sequence[int], activations: Sequence[str]
) -> tuple[AnyLayer, ...]:
    """Invert `to_file`.

    Raises
    ------
    LookupError, TypeError, ValueError
        If a layer is unknown or breaks a rule, or sizes and activations are others.
    """
    if layers is None:
        return resolve_layers(layer_sizes, activations)[1]
    made = tuple(_KINDS[name](*fields) for name, *fields in layers)
    if any(isinstance(layer, _Window) and layer.input_shape is None for layer in made):
        raise parameter_error("layers", "have their shapes", layers)
    _, resolved = resolve_layers(layer_sizes[0], made)
    said = [(layer.n_units, activation_of(layer)) for layer in resolved]
    if said != list(zip(layer_sizes[1:], activations, strict=True)):
        raise parameter_error("layers", "have the layer sizes and activations", layers)
    return resolved
