"""Natural image patches, prepared as in the sparse autoencoder exercise of UFLDL.

The photographs are the two that scikit-learn brings along. Each is whitened like the images of
that exercise, then patches are cut and scaled to [0.1, 0.9].

References
----------
B. A. Olshausen, D. J. Field, "Sparse coding with an overcomplete basis set: a strategy employed
by V1?", Vision Research 37(23), 1997 (the filter).
A. Ng, "Sparse autoencoder", CS294A lecture notes, Stanford University, 2011 (the scaling).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

N_PATCHES = 10_000
PATCH_SIZE = 8

# f_0 in cycles per pixel. The paper has 200 cycles per picture of 512 pixels, 0.39; above half of
# that, these two photographs hold the noise of their JPEG compression, and features show it.
_CUTOFF = 0.2
# The filter takes opposite edges of a photograph for neighbours, which shows this far inside.
_BORDER = 16


def whiten(image: NDArray[np.float64]) -> NDArray[np.float64]:
    """Flatten the spectrum of a grey image and cut off its highest frequencies.

    Photographs have amplitudes that fall like 1/f, so the filter is f exp(-(f/f_0)^4): the rise
    makes all frequencies equally strong, the low-pass takes away what is mostly noise.

    Parameters
    ----------
    image : ndarray of shape (height, width)

    Returns
    -------
    ndarray of shape (height, width)
        With mean 0 and variance 1.
    """
    f_y = np.fft.fftfreq(image.shape[0])[:, np.newaxis]
    f_x = np.fft.rfftfreq(image.shape[1])
    f = np.hypot(f_y, f_x)
    spectrum = np.fft.rfft2(image) * (f * np.exp(-((f / _CUTOFF) ** 4)))
    whitened = np.fft.irfft2(spectrum, s=image.shape)
    return np.asarray(whitened / whitened.std())


def scale_patches(patches: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take away each patch's mean, cut off at 3 standard deviations, map to [0.1, 0.9]."""
    centred = patches - patches.mean(axis=1, keepdims=True)
    limit = 3.0 * centred.std()
    return np.asarray((np.clip(centred / limit, -1.0, 1.0) + 1.0) * 0.4 + 0.1)


def natural_patches(seed: int) -> NDArray[np.float64]:
    """Cut patches at random places of the whitened photographs.

    Parameters
    ----------
    seed : int

    Returns
    -------
    ndarray of shape (10000, 64), float64 in [0.1, 0.9]
    """
    rng = np.random.default_rng(seed)
    images = [whiten(image)[_BORDER:-_BORDER, _BORDER:-_BORDER] for image in _grey_photographs()]
    patches = np.empty((N_PATCHES, PATCH_SIZE, PATCH_SIZE))
    for patch in patches:
        image = images[rng.integers(len(images))]
        top = rng.integers(image.shape[0] - PATCH_SIZE + 1)
        left = rng.integers(image.shape[1] - PATCH_SIZE + 1)
        patch[:] = image[top : top + PATCH_SIZE, left : left + PATCH_SIZE]
    return scale_patches(patches.reshape(N_PATCHES, -1))


def describe(patches: NDArray[Any]) -> str:
    """Say what the rows are."""
    return f"{len(patches):,} whitened {PATCH_SIZE}x{PATCH_SIZE} patches of two photographs"


def _grey_photographs() -> list[NDArray[np.float64]]:
    from sklearn.datasets import load_sample_images

    # Luma of ITU-R BT.601, what "grey" means in image formats.
    return [image @ np.array([0.299, 0.587, 0.114]) for image in load_sample_images().images]
