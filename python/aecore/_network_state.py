"""What a `Network` holds: the compiled shape, its parameters, and a few settings."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from aecore import _core
from aecore._arrays import aligned_zeros
from aecore._input import InputSettings
from aecore._layer_list import (
    activation_of,
    convolutions_of,
    from_file,
    gaussian_layer,
    n_parameters,
    summary_table,
    to_file,
)
from aecore._parameters import parameter_error
from aecore.layers import AnyLayer

if TYPE_CHECKING:
    from typing_extensions import Self


def make_core(  # noqa: PLR0917
    n_in: int,
    layers: Sequence[AnyLayer],
    tied_weights: bool,
    code_layer: int,
    code_top_k: int | None,
    n_clusters: int = 0,
) -> _core.Network:
    """Build the compiled shape; with clusters, the centres are the last parameters."""
    gaussian = gaussian_layer(layers)
    if gaussian not in (None, code_layer):
        raise parameter_error("code_layer", f"be {gaussian}, the Gaussian layer", code_layer)
    return _core.Network(
        [n_in, *(int(layer.n_units) for layer in layers)],
        [activation_of(layer) for layer in layers],
        tied_weights=bool(tied_weights),
        code_layer=code_layer,
        code_top_k=0 if code_top_k is None else int(code_top_k),
        gaussian=gaussian is not None,
        convolutions=convolutions_of(layers),
        n_clusters=n_clusters,
    )


def _models() -> Any:
    from aecore import _models  # it knows networks, so it comes later

    return _models


class NetworkState:
    """The base of `Network`: attributes, copies and pickling, nothing computed."""

    # Attributes that `_state` accounts for.
    _OWN = (
        "_code_layer",
        "_code_top_k",
        "_core",
        "_input",
        "_layers",
        "_n_threads",
        "_parameters",
        "_sizes",
    )

    def __init__(  # noqa: PLR0917
        self,
        core: _core.Network,
        layers: Sequence[AnyLayer],
        parameters: NDArray[Any],
        input_settings: InputSettings,
        code_layer: int,
        n_threads: int | None,
        code_top_k: int | None = None,
    ) -> None:
        self._code_top_k = code_top_k
        self._core = core
        self._layers = tuple(layers)
        self._parameters = parameters
        self._input = input_settings
        self._code_layer = code_layer
        self._n_threads = n_threads
        self._sizes = core.layer_sizes

    def with_parameters(self, parameters: ArrayLike) -> Self:
        """Return a network of the same shape and settings that holds a copy of `parameters`.

        Parameters
        ----------
        parameters : array-like of shape (n_parameters,)
            In the order of the attribute `parameters`; cast to `dtype`.

        Returns
        -------
        Network

        Raises
        ------
        ValueError
            If the shape is another one.
        """
        return self._made(
            self._core,
            parameters,
            self.dtype,
            (self._input, self._code_layer, self._n_threads, self._code_top_k),
        )

    def _copy(
        self,
        parameters: ArrayLike,
        *,
        dtype: DTypeLike,
        input_settings: InputSettings,
        code_layer: int,
        n_threads: int | None,
        code_top_k: int | None,
    ) -> Self:
        core = make_core(
            self._sizes[0], self._layers, self.tied_weights, int(code_layer), code_top_k
        )
        settings = (input_settings, code_layer, n_threads, code_top_k)
        return self._made(core, parameters, dtype, settings)

    def _made(
        self,
        core: _core.Network,
        parameters: ArrayLike,
        dtype: DTypeLike,
        settings: tuple[InputSettings, int, int | None, int | None],
    ) -> Self:
        """Make a network of these layers; `settings` are the last four of `__init__`."""
        copied = aligned_zeros(core.n_parameters, dtype)
        values = np.asarray(parameters)
        if values.shape != copied.shape:
            raise parameter_error("parameters", f"have shape {copied.shape}", values.shape)
        copied[:] = values
        network = type(self).__new__(type(self))
        NetworkState.__init__(network, core, self._layers, copied, *settings)
        return network

    def __getitem__(self, layers: Any) -> Self:
        """Return the network of neighbouring layers, which shares their weights.

        `net[:2]` has the first two layers, `net[2:]` the others: their `parameters` are views, so
        that a change in one shows in the other. Its code is that of this network, or its last
        layer where that is not among them: `encode` and `reconstruct` then are the same.

        Parameters
        ----------
        layers : slice
            Of the layers, counted from 0, with step 1.

        Returns
        -------
        Network
            It reads rows as this network does if it begins with its first layer, else as they are.

        Raises
        ------
        TypeError
            If `layers` is not a slice.
        ValueError
            If it takes no layer, or with tied weights some of the decoder's, which has none.
        """
        if not isinstance(layers, slice):
            msg = f"layers must be a slice, as in net[:2]; got {type(layers).__name__}"
            raise TypeError(msg)
        n_layers = len(self._sizes) - 1
        first, last, step = layers.indices(n_layers)
        if first >= last or step != 1:
            rule = f"be a slice with step 1 that takes at least one of the {n_layers} layers"
            raise parameter_error("layers", rule, layers)
        whole = (first, last) == (0, n_layers)
        if self.tied_weights and not whole and 2 * last > n_layers:
            msg = (
                f"layers must end with the encoder, by {n_layers // 2}, in a network with tied "
                f"weights, whose decoder has none of its own; got {first} to {last}"
            )
            raise ValueError(msg)
        has_code = first <= self._code_layer < last
        code_layer = self._code_layer - first if has_code else last - first - 1
        code_top_k = self._code_top_k if has_code else None
        core = make_core(
            self._sizes[first],
            self._layers[first:last],
            self.tied_weights and whole,
            code_layer,
            code_top_k,
        )
        before = zip(self._layers[:first], self._sizes, strict=False)
        start = sum(n_parameters(layer, n_in) for layer, n_in in before)
        network = type(self).__new__(type(self))
        NetworkState.__init__(
            network,
            core,
            self._layers[first:last],
            self._parameters[start : start + core.n_parameters],
            self._input if first == 0 else InputSettings(),
            code_layer,
            self._n_threads,
            code_top_k,
        )
        return network

    @property
    def encoder(self) -> Self:
        """The network of the layers up to the code; it shares their weights."""
        return self[: self._code_layer + 1]

    @property
    def decoder(self) -> Self:
        """The network of the layers after the code, as in `decode`; it shares their weights.

        Raises
        ------
        ValueError
            If there are none, or none with weights of their own (tied weights).
        """
        if self._code_layer == len(self._sizes) - 2:
            msg = "decoder needs layers after the code; this network ends with it"
            raise ValueError(msg)
        return self[self._code_layer + 1 :]

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the network to a file that `aecore.load` reads.

        The file is safetensors with a checksum, written whole or not at all: a crash leaves what
        was there before. docs/models.md says what it holds.

        Parameters
        ----------
        path : str or path-like

        Raises
        ------
        OSError
            If the file cannot be written.
        TypeError
            If the network is of a class of your own.
        """
        _models().save_network(self, path)

    def __getstate__(self) -> Any:
        return _models().network_pickle(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        _models().restore_network(self, state)

    def __copy__(self) -> Self:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied._set_state(self._state())  # with parameters of its own
        return copied

    def _state(self) -> dict[str, Any]:
        """All that makes this network what it is; settings of JSON's kinds but for two entries."""
        # The compiled shape is made again from the sizes and names: it holds no weights.
        return {
            "layer_sizes": self.layer_sizes,
            "activations": self.activations,
            "parameters": self._parameters,
            "input": self._input,
            "code_layer": self._code_layer,
            "n_threads": self._n_threads,
            "tied_weights": self.tied_weights,
            "code_top_k": self._code_top_k,
            "layers": to_file(self._layers),
        }

    def _set_state(self, state: dict[str, Any]) -> None:
        """Invert `_state` on a bare object, with a copy of the parameters."""
        code_layer, code_top_k = state["code_layer"], state.get("code_top_k")
        layers = from_file(state.get("layers"), state["layer_sizes"], state["activations"])
        core = make_core(
            int(state["layer_sizes"][0]),
            layers,
            state.get("tied_weights", False),
            code_layer,
            code_top_k,
        )
        # Before memory is taken: a file may say anything.
        if state["parameters"].shape != (core.n_parameters,):
            rule = f"have shape ({core.n_parameters},)"
            raise parameter_error("parameters", rule, state["parameters"].shape)
        # A copy: copy.copy must not share parameters, and a file gives no 64-byte alignment.
        parameters = aligned_zeros(core.n_parameters, state["parameters"].dtype)
        parameters[:] = state["parameters"]
        NetworkState.__init__(
            self,
            core,
            layers,
            parameters,
            state["input"],
            code_layer,
            state["n_threads"],
            code_top_k,
        )

    def summary(self) -> str:
        """Describe the layers in a table of their output shapes and numbers of parameters.

        Returns
        -------
        str
            A line for the input, one for each layer, and the total.

        Examples
        --------
        >>> import aecore
        >>> print(aecore.Network([4, 2, 4], ["relu", "sigmoid"], random_state=0).summary())
        layer          output shape  parameters
        input          (4,)                   0
        Dense relu     (2,)                  10
        Dense sigmoid  (4,)                  12
        total                                22
        """
        return summary_table(self._sizes[0], self._layers, tied_weights=self.tied_weights)

    def __repr__(self) -> str:
        plain = f"{self.layer_sizes}, {self.activations}"
        shape = plain if self._is_dense else f"{self._sizes[0]}, {self.layers}"
        return (
            f"Network({shape}, dtype={self.dtype.name!r}, "
            f"input_scale={self.input_scale}, code_layer={self._code_layer}, "
            f"n_threads={self._n_threads}"
            f"{', tied_weights=True' if self.tied_weights else ''}"
            f"{f', code_top_k={self._code_top_k}' if self._code_top_k is not None else ''})"
        )

    @property
    def layer_sizes(self) -> list[int]:
        """Width of the input and of every layer after it."""
        return list(self._sizes)

    @property
    def layers(self) -> list[AnyLayer]:
        """Descriptions of the layers after the input; see `aecore.layers`."""
        return list(self._layers)

    @property
    def gaussian_layer(self) -> int | None:
        """Index of the Gaussian layer, which is the code; None without one."""
        return gaussian_layer(self._layers)

    @property
    def _is_dense(self) -> bool:
        return to_file(self._layers) is None

    @property
    def activations(self) -> list[str]:
        """Name of the activation of every layer after the input; "identity" of a Gaussian's."""
        return self._core.activations

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of parameters and results."""
        return self._parameters.dtype

    @property
    def input_scale(self) -> float:
        """Factor on every number of X."""
        return self._input.input_scale

    @property
    def code_layer(self) -> int:
        """Index of the code among the layer outputs; 0 is the first hidden layer."""
        return self._code_layer

    @property
    def tied_weights(self) -> bool:
        """Whether the decoder has the transposes of the encoder's weights."""
        return self._core.tied_weights

    @property
    def code_top_k(self) -> int | None:
        """How many units of a row's code are kept; None means all."""
        return self._code_top_k

    @property
    def n_threads(self) -> int | None:
        """Threads for each call; None means automatic."""
        return self._n_threads

    @property
    def parameters(self) -> NDArray[Any]:
        """All parameters, 1-D and writable: W1 (n_in x n_out, C order), b1, W2, b2, ...

        With tied weights the layers of the decoder have biases only. A Gaussian layer has W, b of
        the mean and then those of the log variance.
        """
        return self._parameters

    @property
    def weights(self) -> list[NDArray[Any]]:
        """Writable views of shape (n_in, n_out) into `parameters`, one for each layer.

        Those of a layer that convolves have the shape that `aecore.reference.conv2d` describes.

        Those of a tied decoder are the transposes of the encoder's; those of a Gaussian layer are
        the mean's.
        """
        return [weight for weight, _ in self._layer_views()]

    @property
    def biases(self) -> list[NDArray[Any]]:
        """Writable views into `parameters`, one for each layer: by unit, or by channel."""
        return [bias for _, bias in self._layer_views()]

    def _layer_views(self) -> list[tuple[NDArray[Any], NDArray[Any]]]:
        views: list[tuple[NDArray[Any], NDArray[Any]]] = []
        n_layers = len(self._sizes) - 1
        start = 0
        for layer, (kind, n_in) in enumerate(zip(self._layers, self._sizes, strict=False)):
            after = start + n_parameters(kind, n_in)
            shape, n_bias = kind.parameter_shapes(n_in)
            if self.tied_weights and 2 * layer >= n_layers:
                weight = views[n_layers - 1 - layer][0].T
            else:
                n_weights = math.prod(shape)
                weight = self._parameters[start : start + n_weights].reshape(shape)
                start += n_weights
            views.append((weight, self._parameters[start : start + n_bias]))
            start = start + n_bias if self.tied_weights else after
        return views
