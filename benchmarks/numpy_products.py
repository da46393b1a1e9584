"""What a layer of the NumPy baseline multiplies: rows by a matrix, or patches of images by one.

Both kinds take rows and weights as the workload lays them out, and write into the caller's arrays.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.workloads import Windows

Floats = NDArray[np.float32]

_KERNEL = 3


class Dense:
    """A product of rows and a matrix."""

    def forward(self, x: Floats, weight: Floats, out: Floats) -> None:
        """The product, without bias."""
        np.matmul(x, weight, out=out)

    def by_weight(self, x: Floats, delta: Floats, out: Floats) -> None:
        """The derivative by the weights, summed over rows; `delta` is the one by the product."""
        np.matmul(x.T, delta, out=out)

    def by_input(self, delta: Floats, weight: Floats, out: Floats) -> None:
        """The derivative by x."""
        np.matmul(delta, weight.T, out=out)


class Convolution:
    """A convolution, or its transpose, as a product of patches and a matrix.

    A patch is what a window sees of the image. Image to code: patches are gathered, and multiplied
    by the weights. Code to image: the code is multiplied by the weights' transpose, and the patches
    this gives are added where windows overlap. A convolution goes forward by the first way and
    backward by the second, a transposed one the other way round.

    Parameters
    ----------
    windows : Windows
    n_rows : int
        Rows of a batch.
    """

    def __init__(self, windows: Windows, n_rows: int) -> None:
        self._transposed = windows.transposed
        self._image_shape = (n_rows, *windows.image)
        (height, width, n_channels), code = windows.image, windows.code
        self._padded = np.zeros((n_rows, height + 1, width + 1, n_channels), np.float32)
        n_patch = _KERNEL * _KERNEL * n_channels
        self._patches = np.empty((n_rows * code[0] * code[1], n_patch), np.float32)
        patches = self._patches.reshape(n_rows, *code[:2], _KERNEL, _KERNEL, n_channels)
        # For each place in a window, what all windows see there: of the image, and of the patches.
        self._seen = [
            (
                self._padded[:, u:, v:][:, : 2 * code[0] : 2, : 2 * code[1] : 2],
                patches[:, :, :, u, v],
            )
            for u in range(_KERNEL)
            for v in range(_KERNEL)
        ]
        self._weight_shape = (n_patch, code[2])

    def forward(self, x: Floats, weight: Floats, out: Floats) -> None:
        """The product, without bias."""
        if self._transposed:
            self._to_image(x, weight, out)
        else:
            self._gather(x)
            self._to_code(weight, out)

    def by_weight(self, x: Floats, delta: Floats, out: Floats) -> None:
        """The derivative by the weights, summed over rows; x is what `forward` has seen last."""
        if self._transposed:
            self._gather(delta)
        code = x if self._transposed else delta
        np.matmul(self._patches.T, self._places(code), out=out.reshape(self._weight_shape))

    def by_input(self, delta: Floats, weight: Floats, out: Floats) -> None:
        """The derivative by x; `delta` is what `by_weight` has seen last."""
        if self._transposed:
            self._to_code(weight, out)
        else:
            self._to_image(delta, weight, out)

    def _gather(self, image: Floats) -> None:
        """Fill the patches from images."""
        self._inside[:] = image.reshape(self._image_shape)
        self._padded[:, -1] = 0.0
        self._padded[:, :, -1] = 0.0
        for image_part, patch_part in self._seen:
            patch_part[:] = image_part

    def _to_code(self, weight: Floats, out: Floats) -> None:
        """Multiply the patches last gathered."""
        np.matmul(self._patches, weight.reshape(self._weight_shape), out=self._places(out))

    def _to_image(self, code: Floats, weight: Floats, out: Floats) -> None:
        """Multiply the code by the weights' transpose, and add the patches this gives."""
        np.matmul(self._places(code), weight.reshape(self._weight_shape).T, out=self._patches)
        self._padded[:] = 0.0
        for image_part, patch_part in self._seen:
            np.add(image_part, patch_part, out=image_part)
        out.reshape(self._image_shape)[:] = self._inside

    @property
    def _inside(self) -> Floats:
        """The image without the zeros behind its last row and column."""
        return self._padded[:, :-1, :-1]

    def _places(self, code: Floats) -> Floats:
        """A row for each place of the code."""
        return code.reshape(-1, self._weight_shape[1])
