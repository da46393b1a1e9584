"""New digits and faces: `python examples/generate.py [FOLDER]`.

Learns the digits of MNIST and the faces of Brendan Frey (folders mnist and frey-faces of
AECORE_DATA), and writes three pictures to FOLDER, by default the one at hand:

digits.png      drawn from a variational autoencoder with a code of 12 numbers
latent_map.png  the plane of a code of 2 numbers, each axis at the quantiles of N(0, 1)
faces.png       the bound on held-out faces epoch by epoch, drawn faces, and ways between two
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from statistics import NormalDist

import matplotlib as mpl
import numpy as np
from idx import read_idx
from numpy.typing import NDArray

from aecore import VariationalAutoencoder
from aecore.schedules import Cosine

mpl.use("agg")
from matplotlib import pyplot as plt

NOISE = 0.08  # standard deviation of a face's pixels around the decoder's, black to white being 1


def load() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Digits (60000, 784) and faces (1965, 560)."""
    root = os.environ.get("AECORE_DATA")
    if root is None:
        sys.exit("set AECORE_DATA to the folder that holds mnist and frey-faces")
    digits = read_idx(Path(root) / "mnist" / "train-images-idx3-ubyte.gz").reshape(-1, 784)
    with np.load(Path(root) / "frey-faces" / "frey.npz") as archive:
        return digits, archive["X"]


def sheet(images: NDArray[np.floating], shape: tuple[int, int], n_columns: int) -> NDArray:
    """Lay images of `shape` out row by row."""
    tiles = images.reshape(-1, n_columns, *shape)
    return tiles.swapaxes(1, 2).reshape(tiles.shape[0] * shape[0], -1)


def write_digits(digits: NDArray[np.uint8], folder: Path) -> None:
    """Train two models on all digits, and write what they draw."""
    settings = {"n_epochs": 20, "learning_rate_schedule": Cosine(), "input_scale": 1 / 255}
    wide = VariationalAutoencoder((512, 256, 12), **settings, random_state=0).fit(digits)
    drawn = wide.sample(150, random_state=1)
    plt.imsave(folder / "digits.png", 1 - sheet(drawn, (28, 28), 15), cmap="gray")
    plane = VariationalAutoencoder((512, 256, 2), **settings, random_state=0).fit(digits)
    axis = [NormalDist().inv_cdf((i + 0.5) / 20) for i in range(20)]
    codes = np.array([(x, y) for y in reversed(axis) for x in axis])
    tiles = sheet(plane.generate(codes), (28, 28), 20)
    plt.imsave(folder / "latent_map.png", 1 - tiles, cmap="gray")
    print(f"digits: J {wide.history_['loss'][-1]:.1f}, on a plane {plane.history_['loss'][-1]:.1f}")


def write_faces(faces: NDArray[np.uint8], folder: Path) -> None:
    """Train on four fifths of the film, and show the bound, draws and ways from face to face."""
    held_out = np.arange(len(faces)) // 50 % 5 == 4  # neighbours in the film are alike
    mean = faces[~held_out].mean(axis=0)
    rows = (faces - mean) / (255 * NOISE)  # pixels have variance 1 around the decoder's
    model = VariationalAutoencoder(
        (300, 10),
        likelihood="gaussian",
        n_epochs=150,
        batch_size=64,
        learning_rate_schedule=Cosine(),
        random_state=0,
    ).fit(rows[~held_out], validation_data=rows[held_out])
    drawn = model.sample(20, random_state=2)
    pairs = [(30, 900), (300, 1500), (700, 1900)]
    ways = np.concatenate([model.interpolate(rows[a], rows[b], 10) for a, b in pairs])
    figure, (curve, top, bottom) = plt.subplots(3, 1, figsize=(6, 9), layout="constrained")
    for name, label in (("loss", "training"), ("validation_loss", "held out")):
        curve.plot(-np.array(model.history_[name]), label=label)
    curve.set(xlabel="epoch", ylabel="bound, nats (plus a constant)", title="Frey faces")
    curve.set_ylim(bottom=-model.history_["loss"][2])
    curve.legend()
    for axes, images, title in ((top, drawn, "drawn"), (bottom, ways, "from face to face")):
        pixels = mean + 255 * NOISE * images
        axes.imshow(sheet(pixels, (28, 20), 10), cmap="gray", vmin=0, vmax=255)
        axes.set(title=title, xticks=[], yticks=[])
    figure.savefig(folder / "faces.png", dpi=120)
    print(f"faces: J of held-out faces {model.history_['validation_loss'][-1]:.1f}")


def main() -> None:
    """Write the pictures."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("folder", nargs="?", type=Path, default=Path(), metavar="FOLDER")
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    digits, faces = load()
    write_faces(faces, folder)
    write_digits(digits, folder)


if __name__ == "__main__":
    main()
