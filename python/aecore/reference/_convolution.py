"""Two-dimensional convolutions and their adjoints, tap by tap.

Arrays are NHWC: (n_samples, height, width, channels). A convolution reads an image and writes a
code, which has one position for each window of the image; the weights W have the shape
(kernel height, kernel width, image channels, code channels):

    code[i, p, q, :] = sum over taps (u, v) of image[i, p s + u - top, q s + v - left, :] @ W[u, v]

where image elements outside the image are 0. The transposed convolution is its adjoint: it reads a
code and writes an image, with weights of the same shape,

    image[i, y, x, :] = sum over all (p, q, u, v) with p s + u - top = y and q s + v - left = x
                        of code[i, p, q, :] @ W[u, v].T

so that <conv2d(x), y> = <x, conv_transpose2d(y)>.

References
----------
V. Dumoulin, F. Visin, "A guide to convolution arithmetic for deep learning", 2016, chapter 4.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Images = NDArray[np.float64]
Pair = int | tuple[int, int]


class Convolution(NamedTuple):
    """Where the windows lie. A layer reads the image and writes the code, or the other way."""

    image: tuple[int, int, int]  # height, width, channels
    code: tuple[int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]  # rows of zeros above the image, columns left of it
    transposed: bool = False

    @property
    def weights_shape(self) -> tuple[int, int, int, int]:
        """The shape of W."""
        return (*self.kernel, self.image[2], self.code[2])

    @property
    def shapes(self) -> tuple[tuple[int, int, int], tuple[int, int, int]]:
        """What the layer reads and what it writes."""
        return (self.code, self.image) if self.transposed else (self.image, self.code)


def as_pair(value: Pair) -> tuple[int, int]:
    """One number for both directions, or two."""
    return (value, value) if isinstance(value, int | np.integer) else (value[0], value[1])


def code_length(n: int, kernel: int, stride: int, padding: str | int) -> tuple[int, int]:
    """Number of windows along n image elements, and the zeros before the first element.

    "valid": whole windows inside the image. "same": ceil(n / stride) windows, with as many zeros as
    that takes, the odd one at the end. An integer: so many zeros at both ends.
    """
    if padding == "same":
        n_code = -(-n // stride)
        return n_code, max((n_code - 1) * stride + kernel - n, 0) // 2
    zeros = 0 if padding == "valid" else int(padding)
    return (n + 2 * zeros - kernel) // stride + 1, zeros


def image_length(n_code: int, kernel: int, stride: int, padding: str | int) -> int:
    """Length of the image that the transposed convolution writes where nothing else is asked."""
    if padding == "same":
        return n_code * stride
    zeros = 0 if padding == "valid" else int(padding)
    return (n_code - 1) * stride + kernel - 2 * zeros


def convolution_of(
    image: tuple[int, int, int],
    channels: int,
    *,
    kernel: Pair,
    stride: Pair = 1,
    padding: str | int = "same",
) -> Convolution:
    """The convolution of an image (height, width, channels) to `channels`.

    Raises
    ------
    ValueError
        If the kernel is larger than the padded image, or all of a window would be zeros.
    """
    k, s = as_pair(kernel), as_pair(stride)
    if isinstance(padding, int | np.integer) and not 0 <= padding < min(k):
        raise ValueError(f"padding must be in [0, {min(k) - 1}], below kernel_size; got {padding}")
    (rows, top), (columns, left) = (
        code_length(n, k[i], s[i], padding) for i, n in enumerate(image[:2])
    )
    if rows < 1 or columns < 1:
        raise ValueError(
            f"kernel_size must be at most the image's size, {image[0]} x {image[1]}, "
            f"with padding {padding!r}; got {k[0]} x {k[1]}"
        )
    return Convolution(image, (rows, columns, channels), k, s, (top, left))


def transpose_of(
    code: tuple[int, int, int],
    channels: int,
    *,
    kernel: Pair,
    stride: Pair = 1,
    padding: str | int = "same",
    output_size: tuple[int, int] | None = None,
) -> Convolution:
    """The transposed convolution of a code (height, width, channels) to an image with `channels`.

    Raises
    ------
    ValueError
        If the convolution of an image of `output_size` does not give that code.
    """
    k, s = as_pair(kernel), as_pair(stride)
    height, width = (
        (image_length(n, k[i], s[i], padding) for i, n in enumerate(code[:2]))
        if output_size is None
        else output_size
    )
    if height < 1 or width < 1:
        raise ValueError(f"padding must leave an image; got {height} x {width}")
    back = convolution_of((height, width, channels), code[2], kernel=k, stride=s, padding=padding)
    if back.code != code:
        raise ValueError(
            f"output_size must be one that kernel_size {k}, stride {s} and padding {padding!r} "
            f"take to {code[0]} x {code[1]}; got {height} x {width}, which they take to "
            f"{back.code[0]} x {back.code[1]}"
        )
    return back._replace(transposed=True)


def _taps(c: Convolution) -> Iterator[tuple[int, int, tuple[slice, ...], tuple[slice, ...]]]:
    """Each tap (u, v), the code positions whose tap lies in the image, and where it lies there."""
    for u in range(c.kernel[0]):
        for v in range(c.kernel[1]):
            on_code, on_image = [slice(None)], [slice(None)]
            for axis, tap in ((0, u), (1, v)):
                stride, before = c.stride[axis], c.padding[axis]
                first = max(0, -(-(before - tap) // stride))
                last = min(c.code[axis] - 1, (c.image[axis] - 1 + before - tap) // stride)
                begin = first * stride + tap - before
                n = max(last - first + 1, 0)
                on_code.append(slice(first, first + n))
                on_image.append(slice(begin, begin + (n - 1) * stride + 1 if n else begin, stride))
            yield u, v, tuple(on_code), tuple(on_image)


def apply(c: Convolution, x: Images, W: Images) -> Images:
    """What the layer writes for what it reads, without bias; both of the shapes of `c`."""
    if c.transposed:
        return _to_image(c, x, W)
    return _to_code(c, x, W)


def apply_gradient(c: Convolution, x: Images, W: Images, delta: Images) -> tuple[Images, Images]:
    """The derivatives by x and by W of a function whose derivative by what is written is delta."""
    if c.transposed:
        return _to_code(c, delta, W), _by_weights(c, delta, x)
    return _to_image(c, delta, W), _by_weights(c, x, delta)


def _to_code(c: Convolution, image: Images, W: Images) -> Images:
    code = np.zeros((len(image), *c.code))
    for u, v, on_code, on_image in _taps(c):
        code[on_code] += image[on_image] @ W[u, v]
    return code


def _to_image(c: Convolution, code: Images, W: Images) -> Images:
    image = np.zeros((len(code), *c.image))
    for u, v, on_code, on_image in _taps(c):
        image[on_image] += code[on_code] @ W[u, v].T
    return image


def _by_weights(c: Convolution, image: Images, code: Images) -> Images:
    W = np.zeros(c.weights_shape)
    for u, v, on_code, on_image in _taps(c):
        W[u, v] = np.einsum("ipqa,ipqb->ab", image[on_image], code[on_code])
    return W


def conv2d(x: ArrayLike, W: ArrayLike, *, stride: Pair = 1, padding: str | int = "same") -> Images:
    """The convolution (cross-correlation) of images.

    Parameters
    ----------
    x : array_like of shape (n_samples, height, width, c_in)
    W : array_like of shape (kernel height, kernel width, c_in, c_out)
    stride : int or pair of int, default 1
    padding : {"same", "valid"} or int, default "same"
        See `code_length`.

    Returns
    -------
    ndarray of shape (n_samples, code height, code width, c_out), float64
    """
    image, weights = np.asarray(x, np.float64), np.asarray(W, np.float64)
    return apply(_of_arrays(image, weights, stride, padding), image, weights)


def conv2d_gradient(
    x: ArrayLike, W: ArrayLike, delta: ArrayLike, *, stride: Pair = 1, padding: str | int = "same"
) -> tuple[Images, Images]:
    """Derivatives by x and W where delta is the derivative by the result of `conv2d`."""
    image, weights = np.asarray(x, np.float64), np.asarray(W, np.float64)
    c = _of_arrays(image, weights, stride, padding)
    return apply_gradient(c, image, weights, np.asarray(delta, np.float64))


def conv_transpose2d(
    y: ArrayLike,
    W: ArrayLike,
    *,
    stride: Pair = 1,
    padding: str | int = "same",
    output_size: tuple[int, int] | None = None,
) -> Images:
    """The transposed convolution of codes: the adjoint of `conv2d` with the same W.

    Parameters
    ----------
    y : array_like of shape (n_samples, code height, code width, c_in)
    W : array_like of shape (kernel height, kernel width, c_out, c_in)
    stride, padding
        Of the convolution that this is the adjoint of.
    output_size : pair of int, optional
        Height and width of the image, one that the convolution takes to the code; by default
        stride times the code ("same"), or what the windows cover.

    Returns
    -------
    ndarray of shape (n_samples, height, width, c_out), float64
    """
    code, weights = np.asarray(y, np.float64), np.asarray(W, np.float64)
    return apply(_to_arrays(code, weights, stride, padding, output_size), code, weights)


def conv_transpose2d_gradient(
    y: ArrayLike,
    W: ArrayLike,
    delta: ArrayLike,
    *,
    stride: Pair = 1,
    padding: str | int = "same",
    output_size: tuple[int, int] | None = None,
) -> tuple[Images, Images]:
    """Derivatives by y and W where delta is that by the result of `conv_transpose2d`."""
    code, weights = np.asarray(y, np.float64), np.asarray(W, np.float64)
    c = _to_arrays(code, weights, stride, padding, output_size)
    return apply_gradient(c, code, weights, np.asarray(delta, np.float64))


def _of_arrays(x: Images, W: Images, stride: Pair, padding: str | int) -> Convolution:
    image = (x.shape[1], x.shape[2], x.shape[3])
    return convolution_of(
        image, W.shape[3], kernel=(W.shape[0], W.shape[1]), stride=stride, padding=padding
    )


def _to_arrays(
    y: Images, W: Images, stride: Pair, padding: str | int, output_size: tuple[int, int] | None
) -> Convolution:
    code = (y.shape[1], y.shape[2], y.shape[3])
    kernel = (W.shape[0], W.shape[1])
    return transpose_of(
        code, W.shape[2], kernel=kernel, stride=stride, padding=padding, output_size=output_size
    )
