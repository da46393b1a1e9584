"""The shape of a network: its layers one after the other, and which of them makes the code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from aecore import _core
from aecore._checks.rules import parameter_error
from aecore._problem.layer_list import (
    activation_of,
    convolutions_of,
    gaussian_layer,
    resolve_layers,
)
from aecore.layers import AnyLayer, Dense, Gaussian


@dataclass(frozen=True)
class Layers:
    """What rows pass through on their way to the output; no weights.

    Attributes
    ----------
    n_features : int
        Width of the input.
    layers : tuple of layers
        Those of `aecore.layers` that compute, every number written out.
    code_layer : int
        Which of them makes the code.
    code_top_k : int, optional
        How many units of the code are kept; None keeps all.
    tied_weights : bool, default=False
        Whether the decoder has the transposes of the encoder's weights.
    """

    n_features: int
    layers: tuple[AnyLayer, ...]
    code_layer: int
    code_top_k: int | None = None
    tied_weights: bool = False

    @property
    def sizes(self) -> list[int]:
        """Width of the input and of every layer after it."""
        return [self.n_features, *(int(layer.n_units) for layer in self.layers)]

    @property
    def activations(self) -> list[str]:
        """Name of the activation of every layer; "identity" of a Gaussian's."""
        return [activation_of(layer) for layer in self.layers]

    @property
    def gaussian(self) -> int | None:
        """Index of the Gaussian layer, which is the code; None without one."""
        return gaussian_layer(self.layers)

    def core(self, n_clusters: int = 0) -> _core.Network:
        """Build the compiled shape; with clusters, the centres are the last parameters."""
        if self.gaussian not in (None, self.code_layer):
            rule = f"be {self.gaussian}, the Gaussian layer"
            raise parameter_error("code_layer", rule, self.code_layer)
        return _core.Network(
            self.sizes,
            self.activations,
            tied_weights=bool(self.tied_weights),
            code_layer=self.code_layer,
            code_top_k=0 if self.code_top_k is None else int(self.code_top_k),
            gaussian=self.gaussian is not None,
            convolutions=convolutions_of(self.layers),
            n_clusters=n_clusters,
        )

    def __str__(self) -> str:
        """Say the sizes and activations, for errors."""
        text = f"layer sizes {self.sizes} and activations {self.activations}"
        return text if self.gaussian is None else f"{text} with a Gaussian code"


def as_layers(
    n_features: int,
    made: Sequence[AnyLayer],
    code_layer: int,
    *,
    code_top_k: int | None = None,
    tied_weights: bool = False,
) -> Layers:
    """Place layers one after the other behind an input, with the errors of `resolve_layers`."""
    n_in, placed = resolve_layers(n_features, made)
    return Layers(n_in, placed, int(code_layer), code_top_k, bool(tied_weights))


def dense_layers(
    hidden: Any,
    decoder: Any,
    n_outputs: int,
    activations: tuple[str, str | None, str],
    *,
    tied_weights: bool = False,
) -> tuple[list[AnyLayer], int]:
    """Layers by the widths of the hidden ones, and the index of the code.

    `decoder` None mirrors the encoder; `activations` are those of hidden layers, of the code
    ("gaussian" makes it one that is drawn, None is that of hidden layers) and of the output.
    """
    encoder = _as_sizes(hidden)
    mirror = encoder[-2::-1]
    between = mirror if decoder is None else _as_sizes(decoder)
    if tied_weights and between != mirror:
        rule = f"be None or {mirror}, the mirror of the encoder, with tied_weights"
        raise parameter_error("decoder_layer_sizes", rule, between)
    activation, of_code, of_output = activations
    layers: list[AnyLayer] = [Dense(width, activation) for width in (*encoder, *between)]
    layers.append(Dense(n_outputs, of_output))
    code = len(encoder) - 1
    if of_code == "gaussian":
        layers[code] = Gaussian(encoder[-1])
    elif of_code is not None:
        layers[code] = Dense(encoder[-1], of_code)
    return layers, code


def _as_sizes(sizes: Any) -> list[int]:
    return [int(size) for size in (sizes if np.iterable(sizes) else [sizes])]
