"""The layers that a `Network` can be made of, as plain descriptions: they hold no weights.

A network is an input and a list of these; every shape follows from the input's. Layer sizes and
activations are short for a list of `Dense`.
"""

from __future__ import annotations

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

from aecore._checks.calls import check_calls
from aecore._checks.rules import check_activations, check_params, parameter_error
from aecore.reference._convolution import Convolution, convolution_of, transpose_of

__all__ = ["Conv2D", "ConvTranspose2D", "Dense", "Flatten", "Gaussian", "Layer", "Reshape"]

Shape = tuple[int, ...]


class Layer:
    """The base of all layers."""

    n_units: int  # of the output

    @property
    def output_shape(self) -> Shape:
        """Shape of what a row becomes."""
        return (int(self.n_units),)

    def parameter_shapes(self, n_in: int) -> tuple[Shape, int]:
        """Shape of the weights of a layer that reads `n_in` numbers, and length of the bias."""
        return (n_in, self.n_units), self.n_units

    def __post_init__(self) -> None:
        """Check every field; the error is `<name> must <rule>; got <value>`."""
        for field in dataclasses.fields(self):  # type: ignore[arg-type]
            check_params({field.name: getattr(self, field.name)})


@check_calls
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


@check_calls
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


@dataclass(frozen=True)
class _Window(Layer, ABC):
    """What both layers that convolve say of their windows."""

    n_channels: int
    kernel_size: int | tuple[int, int] = 3
    stride: int | tuple[int, int] = 1
    padding: str | int = "same"
    activation: str = "identity"
    input_shape: tuple[int, int, int] | None = None

    def __post_init__(self) -> None:
        names = ("n_channels", "kernel_size", "stride", "padding", "input_shape")
        check_params({name: getattr(self, name) for name in names})
        check_activations([self.activation], 1)
        if self.activation == "softmax":
            raise parameter_error("activation", "be another one than 'softmax'", self.activation)
        if self.input_shape is not None:
            _ = self.convolution  # it names what does not fit

    @property
    @abstractmethod
    def convolution(self) -> Convolution:
        """Where the windows lie, once the shape of the input is known."""

    @property
    def output_shape(self) -> Shape:
        """Height, width, channels."""
        return self.convolution.shapes[1]

    @property
    def n_units(self) -> int:  # type: ignore[override]
        """Width of the output, a flat row."""
        return math.prod(self.output_shape)

    def parameter_shapes(self, n_in: int) -> tuple[Shape, int]:
        """As `aecore.reference.conv2d` has them, and one bias for each channel."""
        del n_in
        return self.convolution.weights_shape, self.convolution.shapes[1][2]

    def _shape(self) -> tuple[int, int, int]:
        if self.input_shape is None:
            raise parameter_error("input_shape", "be known, as it is in a network", None)
        height, width, channels = map(int, self.input_shape)
        return height, width, channels

    def _windows(self) -> dict[str, Any]:
        kernel, stride = (
            value if isinstance(value, tuple) else (int(value), int(value))
            for value in (self.kernel_size, self.stride)
        )
        return {"kernel": kernel, "stride": stride, "padding": self.padding}


@check_calls
@dataclass(frozen=True)
class Conv2D(_Window):
    """Windows of an image times weights that all of them share, plus a bias for each channel.

    The formula is that of `aecore.reference.conv2d`. Pooling is by stride.

    Parameters
    ----------
    n_channels : int
        Of the output, >= 1.
    kernel_size : int or pair of int, default=3
        Height and width of a window, >= 1.
    stride : int or pair of int, default=1
        From one window to the next, >= 1.
    padding : {"same", "valid"} or int, default="same"
        "valid": windows inside the image. "same": ceil(size / stride) of them, with as many zeros
        around the image as that takes, the odd one behind it. An integer below the kernel's size:
        so many zeros on each side.
    activation : str, default="identity"
        As in `Network`, but not "softmax".
    input_shape : tuple (height, width, channels), default=None
        What a row is taken as. None: what the layer before gives.

    Raises
    ------
    ValueError
        If a field breaks its rule, or the kernel is larger than the image.

    Examples
    --------
    >>> import aecore
    >>> from aecore.layers import Conv2D, ConvTranspose2D, Dense
    >>> layers = [
    ...     Conv2D(16, 3, stride=2, activation="relu"),
    ...     Dense(32),
    ...     Dense(14 * 14 * 16, "relu"),
    ...     ConvTranspose2D(1, 3, stride=2, input_shape=(14, 14, 16)),
    ... ]
    >>> print(aecore.Network((28, 28, 1), layers, random_state=0).summary())
    layer                     output shape  parameters
    input                     (28, 28, 1)            0
    Conv2D relu               (14, 14, 16)         160
    Dense identity            (32,)            100,384
    Dense relu                (3136,)          103,488
    ConvTranspose2D identity  (28, 28, 1)          145
    total                                      204,177
    """

    @property
    def convolution(self) -> Convolution:
        """Where the windows lie, once the shape of the input is known."""
        return convolution_of(self._shape(), int(self.n_channels), **self._windows())


@check_calls
@dataclass(frozen=True)
class ConvTranspose2D(_Window):
    """The adjoint of a `Conv2D` with the same weights, plus a bias: from a code to an image.

    The formula is that of `aecore.reference.conv_transpose2d`.

    Parameters
    ----------
    n_channels, kernel_size, stride, padding, activation, input_shape
        As in `Conv2D`; stride and padding are those of the convolution whose adjoint this is.
    output_size : pair of int, default=None
        Height and width of the output: a size that the convolution takes to that of the input.
        None: stride times the input with padding "same", otherwise what the windows cover.

    Raises
    ------
    ValueError
        If a field breaks its rule, or the convolution does not take `output_size` to the input's.
    """

    output_size: tuple[int, int] | None = None

    @property
    def convolution(self) -> Convolution:
        """Where the windows lie, once the shape of the input is known."""
        check_params({"output_size": self.output_size})
        return transpose_of(
            self._shape(), int(self.n_channels), output_size=self.output_size, **self._windows()
        )


@check_calls
@dataclass(frozen=True)
class Reshape:
    """Say that rows are images for the layer that follows. It computes nothing.

    Parameters
    ----------
    shape : tuple (height, width, channels)
    """

    shape: tuple[int, int, int]

    def __post_init__(self) -> None:
        """Check the shape."""
        check_params({"input_shape": self.shape})


@check_calls
@dataclass(frozen=True)
class Flatten:
    """Say that images are rows for the layer that follows, which `Dense` does by itself."""


AnyLayer = Dense | Gaussian | Conv2D | ConvTranspose2D
