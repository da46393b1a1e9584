"""Layers: z = h W + b, a = f(z), and h = m a, which the next layer sees; the flat weight vector."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple, TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._activations import ACTIVATIONS, Matrix, activate
from aecore.reference._convolution import Convolution, apply
from aecore.reference._gaussian import GaussianCode, code_noise, gaussian_code
from aecore.reference._inputs import enter_rows, scale_rows
from aecore.reference._noise import dropout_multiplier
from aecore.reference._random import Draw
from aecore.reference._scaling import Scaling

if TYPE_CHECKING:
    from typing_extensions import Unpack

Layers = list[tuple[Matrix, NDArray[np.float64]]]
Convolutions = Sequence[Convolution | None]


class Inference(TypedDict, total=False):
    """The keyword arguments of `forward`, described there."""

    input_scale: float
    scaling: Scaling | None
    missing: str | None
    log1p: bool
    tied_weights: bool
    code_layer: int | None
    code_top_k: int | None
    convolutions: Convolutions | None
    gaussian_code: bool


class Pass(NamedTuple):
    """What a forward pass computes: one entry per layer, and one more of h."""

    z: list[Matrix]  # z_l = h_{l-1} W_l + b_l
    a: list[Matrix]  # a_l = f_l(z_l)
    multiplier: list[Matrix | None]  # m_l of top-k codes and dropout; None stands for ones
    h: list[Matrix]  # the input, then h_l = m_l a_l, or z of a Gaussian code; last x_hat
    code: GaussianCode | None = None


def check_network(layer_sizes: Sequence[int], activations: Sequence[str]) -> None:
    """Raise ValueError unless there is one known activation per weight matrix."""
    if len(layer_sizes) < 2 or min(layer_sizes) < 1:
        raise ValueError(
            f"layer_sizes must hold two or more positive integers; got {list(layer_sizes)}"
        )
    if len(activations) != len(layer_sizes) - 1:
        raise ValueError(
            f"activations must name one activation for each of the {len(layer_sizes) - 1} layers; "
            f"got {list(activations)}"
        )
    for name in activations:
        if name not in ACTIVATIONS:
            raise ValueError(f"activations must be among {', '.join(ACTIVATIONS)}; got {name!r}")
    if "softmax" in activations[:-1]:
        raise ValueError(
            f"activations must hold softmax as the output only; got {list(activations)}"
        )


def middle_layer(layer_sizes: Sequence[int]) -> int:
    """Index among the layer outputs of the code of a mirrored network."""
    return max(len(layer_sizes) // 2 - 1, 0)


def resolve_code_layer(layer_sizes: Sequence[int], code_layer: int | None) -> int:
    """Index of the code among the layer outputs; None is the middle. The code is hidden."""
    n_layers = len(layer_sizes) - 1
    code = middle_layer(layer_sizes) if code_layer is None else code_layer
    if not 0 <= code < n_layers - 1:
        raise ValueError(f"code_layer must be a hidden layer, 0 to {n_layers - 2}; got {code}")
    return code


def check_convolutions(layer_sizes: Sequence[int], convolutions: Convolutions) -> None:
    """Raise ValueError unless each layer that convolves reads and writes rows of its sizes."""
    for layer, (sizes, convolution) in enumerate(
        zip(pairwise(layer_sizes), convolutions, strict=True)
    ):
        if convolution is None:
            continue
        read, written = (math.prod(shape) for shape in convolution.shapes)
        if (read, written) != sizes:
            raise ValueError(
                f"convolutions must fit layer_sizes, {sizes[0]} to {sizes[1]} in layer {layer}; "
                f"got {read} to {written}"
            )


def layer_shapes(
    layer_sizes: Sequence[int], convolutions: Convolutions | None = None
) -> list[tuple[tuple[int, ...], int]]:
    """The shape of each layer's W, and the length of its b."""
    pairs = list(pairwise(layer_sizes))
    kinds: Convolutions = [None] * len(pairs) if convolutions is None else convolutions
    return [
        (sizes, sizes[1]) if c is None else (c.weights_shape, c.shapes[1][2])
        for sizes, c in zip(pairs, kinds, strict=True)
    ]


def count_parameters(
    layer_sizes: Sequence[int],
    tied_weights: bool = False,
    convolutions: Convolutions | None = None,
    gaussian_layer: int | None = None,
) -> int:
    """Length of the flat vector; of tied layers the first half have weights."""
    shapes = layer_shapes(layer_sizes, convolutions)
    n_own = len(shapes) // 2 if tied_weights else len(shapes)
    if gaussian_layer is not None:
        shapes.append(shapes[gaussian_layer])
        n_own += 1
    return sum(math.prod(W) for W, _ in shapes[:n_own]) + sum(b for _, b in shapes)


def unpack(
    layer_sizes: Sequence[int],
    parameters: ArrayLike,
    *,
    tied_weights: bool = False,
    convolutions: Convolutions | None = None,
    gaussian_layer: int | None = None,
) -> Layers:
    """The pairs (W, b) of each layer, as views of the flat vector where it is float64.

    Parameters
    ----------
    layer_sizes : sequence of int
        n_in, n_1, ..., n_out.
    parameters : array_like of shape (n_parameters,)
        W1 (n_in x n_1, C order), b1, W2, b2, ... With tied weights the second half of the layers
        has biases only.
    tied_weights : bool, default False
        Decoder layer L-1-l has the transpose of encoder layer l's weights, for layers numbered
        from 0 to L-1, and its own bias. The sizes must then read the same backwards, with an even
        number of layers.
    convolutions : sequence of Convolution or None, optional
        What each layer is, from `convolution_of` or `transpose_of`; None is a dense layer. A layer
        that convolves has weights of the shape that `conv2d` describes, a bias for each channel
        that it writes, and rows that are images in C order.
    gaussian_layer : int, optional
        Index of a Gaussian layer: behind W and b, which make the mean, it has W' and b' of the same
        shapes, which make the log variance.

    Returns
    -------
    list of (W, b)
        W float64 of shape (n_{l-1}, n_l), b of shape (n_l,); of a convolution as above. (W', b') of
        a Gaussian layer comes last.

    Raises
    ------
    ValueError
        If `parameters` does not have the length that `layer_sizes` asks for, or the decoder of a
        tied network does not mirror its encoder.
    """
    vector = np.asarray(parameters, dtype=np.float64)
    pairs = list(pairwise(layer_sizes))
    n_own = len(pairs)  # layers with weights of their own
    kinds: Convolutions = [None] * n_own if convolutions is None else convolutions
    check_convolutions(layer_sizes, kinds)
    if tied_weights:
        if any(kinds):
            raise ValueError("tied_weights must be False with convolutions; got True")
        if list(layer_sizes) != list(layer_sizes)[::-1] or len(pairs) % 2:
            raise ValueError(
                "tied_weights must be False unless the decoder mirrors the encoder; "
                f"got layer_sizes {list(layer_sizes)}"
            )
        n_own //= 2
    if gaussian_layer is not None and tied_weights:
        raise ValueError("tied_weights must be False with a Gaussian layer; got True")
    shapes = layer_shapes(layer_sizes, convolutions)
    n_parameters = count_parameters(layer_sizes, tied_weights, convolutions, gaussian_layer)
    if vector.shape != (n_parameters,):
        raise ValueError(f"parameters must have shape ({n_parameters},); got {vector.shape}")
    layers: Layers = []
    log_variance: Layers = []
    at = 0
    for layer, (shape, n_bias) in enumerate(shapes):
        if layer < n_own:
            n_weights = math.prod(shape)
            W = vector[at : at + n_weights].reshape(shape)
            at += n_weights
        else:
            W = layers[len(pairs) - 1 - layer][0].T
        layers.append((W, vector[at : at + n_bias]))
        at += n_bias
        if layer == gaussian_layer:
            end = at + math.prod(shape)
            log_variance = [(vector[at:end].reshape(shape), vector[end : end + n_bias])]
            at = end + n_bias
    return layers + log_variance


def top_k_multiplier(a: Matrix, k: int) -> Matrix:
    """1 for the k largest units of each row, 0 for the others; the lower index wins a tie.

    A. Makhzani, B. Frey, "k-sparse autoencoders", ICLR 2014: largest by value, not by magnitude.
    """
    if not 1 <= k <= a.shape[1]:
        raise ValueError(f"code_top_k must be None or from 1 to {a.shape[1]}; got {k}")
    order = np.argsort(-a, axis=1, kind="stable")
    multiplier = np.zeros_like(a)
    np.put_along_axis(multiplier, order[:, :k], 1.0, axis=1)
    return multiplier


def multiply(h: Matrix, W: Matrix, convolution: Convolution | None) -> Matrix:
    """What a layer makes of its input before the bias: h W, or h convolved with W."""
    if convolution is None:
        return h @ W
    return apply(convolution, h.reshape(-1, *convolution.shapes[0]), W).reshape(len(h), -1)


def repeat_bias(b: NDArray[np.float64], n_out: int) -> NDArray[np.float64]:
    """The bias of every unit: that of its channel, the last axis of an image."""
    return np.tile(b, n_out // len(b))


def run_layers(
    layers: Layers,
    activations: Sequence[str],
    entering: Matrix,
    convolutions: Convolutions | None = None,
    *,
    code: int = -1,
    code_top_k: int | None = None,
    gaussian: bool = False,
    dropout: float = 0.0,
    draw: Draw | None = None,
) -> Pass:
    """All layers, with the multipliers of top-k codes and of dropout, in this order.

    A Gaussian code is drawn if there is a `draw`; dropout leaves it alone.
    """
    run = Pass([], [], [], [entering])
    kinds: Convolutions = [None] * len(activations) if convolutions is None else convolutions
    for layer, (name, kind) in enumerate(zip(activations, kinds, strict=True)):
        W, b = layers[layer]
        product = multiply(run.h[-1], W, kind)
        z = product + repeat_bias(b, product.shape[1])
        a = activate(name, z)
        multiplier: Matrix | None = None
        if layer == code and code_top_k is not None:
            multiplier = top_k_multiplier(a, code_top_k)
        if gaussian and layer == code:
            W_v, b_v = layers[-1]
            epsilon = None if draw is None else code_noise(a.shape[1], draw, layer=layer)
            drawn = gaussian_code(a, run.h[-1] @ W_v + b_v, epsilon)
            run = run._replace(code=drawn)
            a = drawn.z
        elif dropout > 0.0 and draw is not None and layer < len(activations) - 1:
            kept = dropout_multiplier(a.shape[1], dropout, draw, layer=layer)
            multiplier = kept if multiplier is None else multiplier * kept
        run.z.append(z)
        run.a.append(a)
        run.multiplier.append(multiplier)
        run.h.append(a if multiplier is None else multiplier * a)
    return run


def infer(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    *,
    input_scale: float = 1.0,
    scaling: Scaling | None = None,
    missing: str | None = None,
    log1p: bool = False,
    tied_weights: bool = False,
    code_layer: int | None = None,
    code_top_k: int | None = None,
    convolutions: Convolutions | None = None,
    gaussian_code: bool = False,
) -> tuple[Pass, Matrix]:
    """The forward pass without noise and dropout, and the scaled rows (NaN where missing)."""
    check_network(layer_sizes, activations)
    clean = scale_rows(X, layer_sizes[0], input_scale=input_scale, scaling=scaling)
    needs_code = gaussian_code or code_top_k is not None
    code = resolve_code_layer(layer_sizes, code_layer) if needs_code else -1
    layers = unpack(
        layer_sizes,
        parameters,
        tied_weights=tied_weights,
        convolutions=convolutions,
        gaussian_layer=code if gaussian_code else None,
    )
    entering, _ = enter_rows(clean, missing, log1p=log1p)
    run = run_layers(
        layers,
        activations,
        entering,
        convolutions,
        code=code,
        code_top_k=code_top_k,
        gaussian=gaussian_code,
    )
    return run, clean


def forward(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **inference: Unpack[Inference],
) -> tuple[list[Matrix], list[Matrix]]:
    """All layers applied to the rows of X, as after training: no noise, no dropout.

    Parameters
    ----------
    layer_sizes : sequence of int
        n_in, n_1, ..., n_out.
    activations : sequence of str
        One per layer, among "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu",
        "softplus", "silu", "gelu" and, for the output only, "softmax".
    parameters : array_like of shape (n_parameters,)
        See `unpack`.
    X : array_like of shape (n_samples, n_in)
        Rows, of any real dtype.
    input_scale : float, default 1.0
        Factor on X.
    scaling : Scaling, optional
        From `fit_scaling`: offset and factor of each column, instead of `input_scale`.
    missing : {None, "mask"}, default None
        With "mask", NaN enters as 0 and the other numbers of its row are multiplied by
        n_features / n_observed.
    log1p : bool, default False
        Whether sign(x') log(1 + abs(x')) enters instead of the scaled x'; targets are x' itself.
    tied_weights : bool, default False
        See `unpack`.
    code_layer : int, optional
        Index of the code among the layer outputs, 0 being the first hidden layer; by default the
        middle one.
    code_top_k : int, optional
        The k largest units of each row's code are kept, the others become 0.
    convolutions : sequence of Convolution or None, optional
        See `unpack`.
    gaussian_code : bool, default False
        Whether the code has a mean and a log variance (`unpack`); its output is then the mean.

    Returns
    -------
    z : list of ndarray
        Pre-activations z_l = h_{l-1} W_l + b_l, float64 of shape (n_samples, n_l).
    h : list of ndarray
        What enters the first layer, then the layer outputs h_l = f_l(z_l), where the code's
        units beyond the k largest are 0: one longer than `z`; the last one is x_hat.

    Raises
    ------
    ValueError
        For an unknown name, a wrong number of parameters, or X of the wrong shape.
    """
    run, _ = infer(layer_sizes, activations, parameters, X, **inference)
    return run.z, run.h


def encode(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **inference: Unpack[Inference],
) -> Matrix:
    """The code of each row: output of `code_layer`, by default the middle layer.

    Parameters are those of `forward`; returns float64 of shape (n_samples, n_code).
    """
    code = resolve_code_layer(layer_sizes, inference.get("code_layer"))
    return forward(layer_sizes, activations, parameters, X, **inference)[1][code + 1]


def code_distribution(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **inference: Unpack[Inference],
) -> tuple[Matrix, Matrix]:
    """Mean and log variance of each row's Gaussian code.

    Parameters are those of `forward`; returns two float64 of shape (n_samples, n_code).
    """
    inference["gaussian_code"] = True
    run, _ = infer(layer_sizes, activations, parameters, X, **inference)
    assert run.code is not None
    return run.code.mean, run.code.log_variance


def decode(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    Z: ArrayLike,
    *,
    code_layer: int | None = None,
    tied_weights: bool = False,
    gaussian_code: bool = False,
    scaling: Scaling | None = None,
    convolutions: Convolutions | None = None,
) -> Matrix:
    """The reconstruction that each code of shape (n_samples, n_code) stands for.

    Parameters are those of `forward`; returns float64 of shape (n_samples, n_out), on the scale of
    X if `scaling` is given.
    """
    check_network(layer_sizes, activations)
    first = resolve_code_layer(layer_sizes, code_layer) + 1
    codes = scale_rows(Z, layer_sizes[first])
    layers = unpack(
        layer_sizes,
        parameters,
        tied_weights=tied_weights,
        convolutions=convolutions,
        gaussian_layer=first - 1 if gaussian_code else None,
    )
    kinds = None if convolutions is None else convolutions[first:]
    x_hat = run_layers(layers[first:], activations[first:], codes, kinds).h[-1]
    return x_hat if scaling is None else scaling.undo(x_hat)


def reconstruct(
    layer_sizes: Sequence[int],
    activations: Sequence[str],
    parameters: ArrayLike,
    X: ArrayLike,
    **inference: Unpack[Inference],
) -> Matrix:
    """x_hat of each row, float64 of shape (n_samples, n_out); parameters are those of `forward`.

    It is on the scale of X if `scaling` is given, otherwise on that of `input_scale` times X. With
    missing="mask" it holds a number for every missing one: the imputed value.
    """
    x_hat = forward(layer_sizes, activations, parameters, X, **inference)[1][-1]
    scaling = inference.get("scaling")
    return x_hat if scaling is None else scaling.undo(x_hat)
