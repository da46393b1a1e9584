"""Noise removed from digits: `python examples/denoise_images.py [FOLDER]`.

Learns the digits of MNIST (folder mnist of AECORE_DATA) under Gaussian noise of standard deviation
0.5, and writes denoised.png to FOLDER, by default the one at hand: the digits, the digits with
noise, and what a convolutional and a dense autoencoder make of it.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
from idx import read_idx
from numpy.typing import NDArray

from aecore import Autoencoder, ConvAutoencoder

mpl.use("agg")
from matplotlib import pyplot as plt

SIGMA = 0.5
SETTINGS = {
    "noise": "gaussian",
    "noise_level": SIGMA,
    "input_scale": 1 / 255,
    "output_activation": "sigmoid",
    "loss": "binary_cross_entropy",
    "learning_rate": 3e-3,
    "learning_rate_schedule": "cosine",
    "batch_size": 128,
    "n_epochs": 5,
    "random_state": 0,
}


def load() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Digits to learn from and to restore, (n, 28, 28)."""
    root = os.environ.get("AECORE_DATA")
    if root is None:
        sys.exit("set AECORE_DATA to the folder that holds mnist")
    folder = Path(root) / "mnist"
    return (
        read_idx(folder / "train-images-idx3-ubyte.gz"),
        read_idx(folder / "t10k-images-idx3-ubyte.gz"),
    )


def main() -> None:
    """Train, restore, print the PSNR and write the picture."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    digits, held_out = load()
    clean = held_out[:1000] / 255
    noisy = clean + SIGMA * np.random.default_rng(0).standard_normal(clean.shape)
    conv = ConvAutoencoder(
        (16, 32), kernel_size=5, code_size=None, code_activation="relu", **SETTINGS
    )
    dense = Autoencoder((512,), **SETTINGS)
    restored = {
        "convolutional": conv.fit(digits).reconstruct(noisy * 255),
        "dense": dense.fit(digits.reshape(-1, 784))
        .reconstruct((noisy * 255).reshape(-1, 784))
        .reshape(clean.shape),
    }
    for name, images in {"noisy": noisy, **restored}.items():
        print(f"{name}: PSNR {-10 * np.log10(np.mean((images - clean) ** 2)):.2f} dB")
    strips = [np.concatenate(list(images[:16]), axis=1) for images in (clean, noisy)]
    strips += [np.concatenate(list(images[:16]), axis=1) for images in restored.values()]
    sheet = np.clip(np.concatenate(strips), 0, 1)
    plt.imsave(folder / "denoised.png", 1 - sheet, cmap="gray")


if __name__ == "__main__":
    main()
