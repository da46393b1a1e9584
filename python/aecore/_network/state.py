"""What a `Network` holds: the compiled shape, its parameters, and a few settings."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from aecore import _core
from aecore._checks.arrays import aligned_zeros
from aecore._checks.calls import missing_attribute
from aecore._checks.rules import parameter_error
from aecore._files import networks
from aecore._files.container import valid
from aecore._files.kinds import kind_of
from aecore._files.networks import NetworkParts
from aecore._files.streams import Target
from aecore._problem.input import InputSettings
from aecore._problem.layer_list import is_dense, n_parameters, summary_table
from aecore._problem.layers import Layers
from aecore.layers import AnyLayer

if TYPE_CHECKING:
    from typing_extensions import Self


class NetworkState:
    """The base of `Network`: attributes, copies and pickling, nothing computed."""

    # Attributes that `_state` accounts for.
    _OWN = (
        "_code_layer",
        "_core",
        "_input",
        "_layers",
        "_n_threads",
        "_output",
        "_parameters",
        "_sizes",
    )

    def __init__(
        self,
        layers: Layers,
        parameters: NDArray[Any],
        input_settings: InputSettings,
        n_threads: int | None,
        *,
        core: _core.Network | None = None,
        output: InputSettings | None = None,
    ) -> None:
        self._core = layers.core() if core is None else core
        self._layers = layers
        self._parameters = parameters
        self._input = input_settings
        # What scaled the rows that the output stands for; None: nothing did.
        self._output = output
        self._n_threads = n_threads
        # Every call reads these two; properties would slow down calls for a single row.
        self._code_layer = layers.code_layer
        self._sizes = self._core.layer_sizes

    if not TYPE_CHECKING:

        def __getattr__(self, name):
            return missing_attribute(self, name)

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
        return self._made(self._layers, parameters, self.dtype, self._input, self._n_threads)

    def _made(
        self,
        layers: Layers,
        parameters: ArrayLike,
        dtype: DTypeLike,
        input_settings: InputSettings,
        n_threads: int | None,
    ) -> Self:
        """Make a network of layers, maybe these, with a copy of the parameters."""
        core = self._core if layers == self._layers else None
        network = self._blank(layers, dtype, input_settings, n_threads, core=core)
        values, copied = np.asarray(parameters), network._parameters
        if values.shape != copied.shape:
            raise parameter_error("parameters", f"have shape {copied.shape}", values.shape)
        copied[:] = values
        network._output = self._output
        return network

    @classmethod
    def _blank(
        cls,
        layers: Layers,
        dtype: DTypeLike,
        input_settings: InputSettings,
        n_threads: int | None,
        *,
        core: _core.Network | None = None,
    ) -> Self:
        """Make a network of checked layers, whose parameters are all 0."""
        core = layers.core() if core is None else core
        parameters = aligned_zeros(core.n_parameters, dtype)
        network = cls.__new__(cls)
        NetworkState.__init__(network, layers, parameters, input_settings, n_threads, core=core)
        return network

    def __getitem__(self, layers: Any) -> Self:
        """Return the network of neighbouring layers, which shares their weights.

        `net[:2]` has the first two layers, `net[2:]` the others: their `parameters` are views, so
        that a change in one shows in the other. Its code is that of this network, or its last
        layer where that is not among them: `encode` and `reconstruct` then are the same, but for
        the scale of the output.

        Parameters
        ----------
        layers : slice
            Of the layers, counted from 0, with step 1.

        Returns
        -------
        Network
            It reads rows as this network does if it begins with its first layer, else as they are.
            Where it has the last layer without the first, of the network of an estimator with
            `scale`, its `reconstruct` goes back to the scale of the estimator's X; J and
            `row_losses` are about scaled numbers, as in this network.

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
                f"weights, whose decoder has none of its own: `decode` of the whole has them; got "
                f"{first} to {last}"
            )
            raise ValueError(msg)
        has_code = first <= self._code_layer < last
        of_slice = Layers(
            self._sizes[first],
            self._layers.layers[first:last],
            self._code_layer - first if has_code else last - first - 1,
            self._layers.code_top_k if has_code else None,
            self.tied_weights and whole,
        )
        core = of_slice.core()
        before = zip(self._layers.layers[:first], self._sizes, strict=False)
        start = sum(n_parameters(layer, n_in) for layer, n_in in before)
        network = type(self).__new__(type(self))
        NetworkState.__init__(
            network,
            of_slice,
            self._parameters[start : start + core.n_parameters],
            self._input if first == 0 else InputSettings(),
            self._n_threads,
            core=core,
            output=self._output if last == n_layers else None,
        )
        return network

    @property
    def encoder(self) -> Self:
        """The network of the layers up to the code; it shares their weights."""
        return self[: self._code_layer + 1]

    @property
    def decoder(self) -> Self:
        """The network of the layers after the code; it shares their weights.

        Its `reconstruct` takes codes and gives what the estimator's `inverse_transform` gives.

        Raises
        ------
        ValueError
            If there are none, or none with weights of their own (tied weights).
        """
        if self._code_layer == len(self._sizes) - 2:
            msg = "decoder needs layers after the code; this network ends with it"
            raise ValueError(msg)
        return self[self._code_layer + 1 :]

    def _without_output_activation(self) -> Self:
        """Return the network whose output is what enters the last activation; it shares weights."""
        *layers, output = self._layers.layers
        changed = (*layers, replace(output, activation="identity"))  # type: ignore[arg-type]
        network = type(self).__new__(type(self))
        NetworkState.__init__(
            network,
            replace(self._layers, layers=changed),
            self._parameters,
            self._input,
            self._n_threads,
        )
        return network

    def save(self, path: Target) -> None:
        """Write the network to a file that `aecore.load` reads.

        The file is safetensors with a checksum, written whole or not at all: a crash leaves what
        was there before. docs/models.md says what it holds.

        Parameters
        ----------
        path : str, path-like or binary file object
            A file object is open for writing in binary mode; it is written to where it stands and
            stays open, and what it has got of a write that fails is left there.

        Raises
        ------
        OSError
            If the file cannot be written.
        TypeError
            If the network is of a class of your own, or `path` is none of these.
        """
        networks.save(self._kind, self._state(), path)

    def __getstate__(self) -> Any:
        beside = {name: value for name, value in vars(self).items() if name not in self._OWN}
        return networks.to_pickle(self._state(), beside)

    def __setstate__(self, state: dict[str, Any]) -> None:
        with valid(networks.PICKLE):
            self._set_state(networks.from_pickle(state))
            self.__dict__.update(state["beside"])

    def __copy__(self) -> Self:
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__)
        copied._set_state(self._state())  # with parameters of its own
        return copied

    @property
    def _kind(self) -> str:
        """The class, for files.

        Raises
        ------
        TypeError
            If it is one of a user.
        """
        return kind_of(self)

    def _state(self) -> NetworkParts:
        """All that makes this network what it is."""
        return NetworkParts(
            self._layers, self._parameters, self._input, self._n_threads, self._output
        )

    def _set_state(self, state: NetworkParts) -> None:
        """Invert `_state` on a bare object, with a copy of the parameters."""
        # The compiled shape is made again from the layers: it holds no weights.
        core = state.layers.core()
        # Before memory is taken: a file may say anything.
        if state.parameters.shape != (core.n_parameters,):
            rule = f"have shape ({core.n_parameters},)"
            raise parameter_error("parameters", rule, state.parameters.shape)
        # A copy: copy.copy must not share parameters, and a file gives no 64-byte alignment.
        parameters = aligned_zeros(core.n_parameters, state.parameters.dtype)
        parameters[:] = state.parameters
        NetworkState.__init__(
            self,
            state.layers,
            parameters,
            state.input,
            state.n_threads,
            core=core,
            output=state.output,
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
        return summary_table(self._sizes[0], self._layers.layers, tied_weights=self.tied_weights)

    def __repr__(self) -> str:
        plain = f"{self.layer_sizes}, {self.activations}"
        shape = plain if is_dense(self._layers.layers) else f"{self._sizes[0]}, {self.layers}"
        return (
            f"Network({shape}, dtype={self.dtype.name!r}, "
            f"input_scale={self.input_scale}, code_layer={self._code_layer}, "
            f"n_threads={self._n_threads}"
            f"{', tied_weights=True' if self.tied_weights else ''}"
            f"{f', code_top_k={self.code_top_k}' if self.code_top_k is not None else ''})"
        )

    @property
    def layer_sizes(self) -> list[int]:
        """Width of the input and of every layer after it."""
        return list(self._sizes)

    @property
    def layers(self) -> list[AnyLayer]:
        """Descriptions of the layers after the input; see `aecore.layers`."""
        return list(self._layers.layers)

    @property
    def gaussian_layer(self) -> int | None:
        """Index of the Gaussian layer, which is the code; None without one."""
        return self._layers.gaussian

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
        return self._layers.code_top_k

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
        for layer, (kind, n_in) in enumerate(zip(self._layers.layers, self._sizes, strict=False)):
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
