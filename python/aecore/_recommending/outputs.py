"""Scores of items by a network: its outputs before a softmax, which would keep their order."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore.layers import Dense
from aecore.network import Network


class LinearOutputs:
    """Computes what a network would if its last layer had no activation."""

    def __init__(self, network: Network) -> None:
        layers = network._layers
        last = Dense(network.layer_sizes[-1])
        linear = replace(layers, layers=(*layers.layers[:-1], last), tied_weights=False)
        self._network = network
        self._core = linear.core()

    @property
    def n_hidden(self) -> int:
        """Width of the layer before the last."""
        return self._network.layer_sizes[-2]

    def hidden(self, rows: Any) -> NDArray[Any]:
        """Output of the layer before the last."""
        network = self._network
        last = len(network.layer_sizes) - 2
        return network._forward(rows, 0, last, None, network._input, "user_items")

    def scores(self, rows: Any) -> NDArray[Any]:
        """The outputs of all items, of shape (n_rows, n_items)."""
        network = self._network
        out = np.empty(rows.shape, network.dtype)
        self._core.forward(
            network.parameters,
            rows,
            out,
            first_layer=0,
            last_layer=len(network.activations),
            entry=network._input.core,
            n_threads=network.n_threads or 0,
        )
        return out

    def top_n(
        self,
        rows: Any,
        ids: NDArray[np.int32],
        values: NDArray[np.float32],
        *,
        excluded: tuple[Any, Any],
        allowed: NDArray[np.uint8] | None,
        n_threads: int,
    ) -> None:
        """Write the best items of each row and their outputs, which are never held all at once."""
        indptr, indices = excluded
        _core.top_n_of_outputs(
            self._core,
            self._network.parameters,
            self.hidden(rows),
            ids,
            values,
            indptr=indptr,
            indices=indices,
            allowed=allowed,
            n_threads=n_threads,
        )
