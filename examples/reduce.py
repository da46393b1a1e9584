"""Digits on a map: `python examples/reduce.py [FOLDER]`.

Two numbers for each digit, by an autoencoder and by PCA: scikit-learn's digits, or MNIST where
AECORE_DATA names a folder that holds it. Writes the two maps of held-out digits side by side to
reduced.png in FOLDER, by default the one at hand, and prints how true they are.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import matplotlib as mpl
import numpy as np
from idx import read_idx
from numpy.typing import NDArray
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsClassifier

from aecore import Autoencoder

mpl.use("agg")
from matplotlib import pyplot as plt

N_SHOWN = 2000


def load() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Images as rows of numbers in [0, 1], and the digits that they show."""
    root = os.environ.get("AECORE_DATA")
    if root is None:
        images, digits = load_digits(return_X_y=True)
        return np.float32(images / 16), digits
    folder = Path(root) / "mnist"
    images = read_idx(folder / "train-images-idx3-ubyte.gz")
    digits = read_idx(folder / "train-labels-idx1-ubyte.gz")
    return np.float32(images.reshape(-1, 784) / 255), digits.astype(np.int64)


def main() -> None:
    """Reduce, compare, draw."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    X, digits = load()
    X, held_out, digits, shown = train_test_split(X, digits, test_size=1 / 3, random_state=0)
    held_out, shown = held_out[:N_SHOWN], shown[:N_SHOWN]
    small = len(X) < 10_000
    autoencoder = Autoencoder(
        (256, 64, 2),
        activation="tanh",
        code_activation="identity",
        output_activation="sigmoid",
        loss="binary_cross_entropy",
        learning_rate=2e-3,
        learning_rate_schedule="cosine",
        batch_size=64 if small else 256,
        n_epochs=150 if small else 20,
        random_state=0,
    )
    _, axes = plt.subplots(1, 2, figsize=(12, 6), layout="constrained")
    models = {"PCA": PCA(2, random_state=0), "autoencoder": autoencoder}
    for axis, (name, model) in zip(axes, models.items(), strict=True):
        codes = model.fit(X).transform(X)
        points = model.transform(held_out)
        accuracy = KNeighborsClassifier(10).fit(codes, digits).score(points, shown)
        trust = trustworthiness(held_out, points, n_neighbors=10)
        text = f"trustworthiness {trust:.3f}, neighbours say the digit {accuracy:.1%}"
        print(f"{name:>12}: {text}")
        axis.scatter(*points.T, c=shown, cmap="tab10", s=4)
        for digit in range(10):
            x, y = np.median(points[shown == digit], axis=0)
            axis.text(x, y, str(digit), size=16, weight="bold")
        axis.set(title=f"{name}\n{text}", xticks=[], yticks=[])
    plt.savefig(folder / "reduced.png", dpi=100)


if __name__ == "__main__":
    main()
