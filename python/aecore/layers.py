"""The layers that a `Network` can be made of, as plain descriptions: they hold no weights.

A network is an input and a list of these; every shape follows from the input's. Layer sizes and
activations are short for a list of `Dense`.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeGuard

from aecore._parameters import check_activations, check_params, parameter_error

__all__ = ["Dense", "Gaussian", "Layer"]


class Layer:
    """The base of all layers."""

    def __post_init__(self) -> None:
        """Check every field; the error is `<name> must <rule>; got <value>`."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            check_params({field.name: getattr(self, field.name)})


@dataclass(frozen=True)
class Dense(Layer):
    """a = activation(x W + b): every unit sees the whole row.

    Parameters
    ----------
    n_units : int
        Width of the output, >= 1. The layer has n_in * n_units weights and n_units biases.
    activation : str, default="identity"
        As in `Network`; "softmax" for the last layer only.

    Raises
    ------
    ValueError
        If a field breaks its rule.
    """

    n_units: int
    activation: str = "identity"

    def __post_init__(self) -> None:
        check_params({"n_units": self.n_units})
        check_activations([self.activation], 1)


@dataclass(frozen=True)
class Gaussian(Layer):
    """The code of a variational autoencoder [1]_: a normal distribution for each row.

    For rows x that enter it, mean = x W + b and log_variance = x W' + b', cut to [-20, 20]. In
    training the next layer sees z = mean + exp(log_variance / 2) * epsilon with epsilon from
    N(0, 1), otherwise the mean.

    Parameters
    ----------
    n_units : int
        Width of the code, >= 1. In the network's `parameters` come W (n_in x n_units), b, then W'
        of the same shape, b': the mean costs what a `Dense` layer does.

    Raises
    ------
    ValueError
        If a field breaks its rule.

    References
    ----------
    .. [1] D. P. Kingma, M. Welling. Auto-encoding variational Bayes. ICLR 2014.
    """

    n_units: int


# All layers that a file may name.
_KINDS: dict[str, type[Dense | Gaussian]] = {"Dense": Dense, "Gaussian": Gaussian}

AnyLayer = Dense | Gaussian


def activation_of(layer: AnyLayer) -> str:
    """Name of the activation; that of a Gaussian layer's mean is the identity."""
    return layer.activation if isinstance(layer, Dense) else "identity"


def are_layers(value: Any) -> TypeGuard[Sequence[AnyLayer]]:
    """Say whether these are layers, not names of activations."""
    return (
        isinstance(value, Sequence)
        and len(value) > 0
        and all(isinstance(each, tuple(_KINDS.values())) for each in value)
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
        check_params({"n_in": layer_sizes})
        layers = tuple(activations)
        n_in = int(layer_sizes)  # type: ignore[arg-type]
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
    return products * ((0 if tied else n_in * layer.n_units) + layer.n_units)


def summary_table(n_in: int, layers: Sequence[AnyLayer], *, tied_weights: bool) -> str:
    """Lines of layer, output shape and number of parameters."""
    rows = [("layer", "output shape", "parameters"), ("input", f"({n_in},)", "0")]
    total = 0
    widths = itertools.chain([n_in], (layer.n_units for layer in layers))
    for at, (layer, before) in enumerate(zip(layers, widths, strict=False)):
        own = n_parameters(layer, before, tied=tied_weights and 2 * at >= len(layers))
        total += own
        name = type(layer).__name__
        if isinstance(layer, Dense):
            name += f" {layer.activation}"
        rows.append((name, f"({layer.n_units},)", f"{own:,}"))
    rows.append(("total", "", f"{total:,}"))
    first, second, third = (max(map(len, column)) for column in zip(*rows, strict=True))
    return "\n".join(f"{a:<{first}}  {b:<{second}}  {c:>{third}}" for a, b, c in rows)


def to_file(layers: Sequence[AnyLayer]) -> tuple[tuple[Any, ...], ...] | None:
    """What a file says of layers beside their sizes and activations: None if all are Dense."""
    if all(isinstance(layer, Dense) for layer in layers):
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
    _, resolved = resolve_layers(layer_sizes[0], made)
    said = [(layer.n_units, activation_of(layer)) for layer in resolved]
    if said != list(zip(layer_sizes[1:], activations, strict=True)):
        raise parameter_error("layers", "have the layer sizes and activations", layers)
    return resolved
