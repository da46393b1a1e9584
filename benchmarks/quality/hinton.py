"""Hinton and Salakhutdinov's deep autoencoder: `python -m benchmarks.quality.hinton [--quick]`.

784-1000-500-250-30 and back on MNIST: squared error of a test image, summed over its pixels in
[0, 1], beside the published one and beside PCA with 30 components. No layer is trained beforehand.

What made that possible, test errors after 15 epochs with seed 0: relu layers around a linear code,
cross entropy at a sigmoid output (3.45; squared error 3.54), batches of 128 (256: 3.79), and a
learning rate that falls to zero along a cosine.

G. E. Hinton, R. R. Salakhutdinov. Reducing the dimensionality of data with neural networks.
Science 313, 2006: 3.00, with restricted Boltzmann machines first; PCA 13.87.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA

from aecore import Autoencoder, Network
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    mean_over_seeds,
    print_table,
)

_PUBLISHED = 3.00
_PUBLISHED_PCA = 13.87
_ENCODER = (784, 1000, 500, 250, 30)


def make_network(images: NDArray[np.uint8], seed: int) -> Network:
    """The untrained network: He's weights before relu, the output at the mean image."""
    hidden = ["relu"] * (len(_ENCODER) - 2)
    network = Network(
        [*_ENCODER, *_ENCODER[-2::-1]],
        [*hidden, "identity", *hidden, "sigmoid"],
        input_scale=PIXEL,
        n_threads=1,
        random_state=seed,
    )
    for W, name in zip(network.weights, network.activations, strict=True):
        if name == "relu":  # from Glorot's variance 2 / (n_in + n_out) to 2 / n_in
            n_in, n_out = W.shape
            W[:] = W * np.sqrt((n_in + n_out) / n_in)
    mean = np.clip(PIXEL * images.mean(axis=0), 0.01, 0.99)
    network.biases[-1][:] = np.log(mean / (1.0 - mean))
    return network


def train(images: NDArray[np.uint8], n_epochs: int, seed: int) -> Autoencoder:
    """Train all layers at once."""
    model = Autoencoder(
        _ENCODER[1:],
        code_activation="identity",
        output_activation="sigmoid",
        loss="binary_cross_entropy",
        learning_rate_schedule="cosine",
        batch_size=128,
        n_epochs=n_epochs,
        input_scale=PIXEL,
        n_threads=1,
        random_state=seed,
    )
    return model.fit(images, init=make_network(images, seed))


def squared_error(images: NDArray[np.uint8], restored: NDArray[Any]) -> float:
    """Squared error of an image, summed over its pixels."""
    return float(((restored - images * np.float32(PIXEL)) ** 2).sum(axis=1).mean())


def run(
    images: NDArray[np.uint8], held_out: NDArray[np.uint8], n_epochs: int, seed: int
) -> dict[str, float]:
    """Errors on training and test images, and seconds of training."""
    begin = time.perf_counter()
    model = train(images, n_epochs, seed)
    seconds = time.perf_counter() - begin
    return {
        "error": squared_error(held_out, model.reconstruct(held_out)),
        "training error": squared_error(images[:10_000], model.reconstruct(images[:10_000])),
        "seconds": seconds,
    }


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("hinton", __doc__)
    images, held_out = load_digits()
    n_epochs = 20
    if benchmark.quick:
        images, held_out, n_epochs = images[:6_000], held_out[:2_000], 4
    figures = mean_over_seeds(functools.partial(run, images, held_out, n_epochs), benchmark.n_seeds)
    pca = PCA(_ENCODER[-1], svd_solver="covariance_eigh").fit(images * np.float32(PIXEL))
    scaled = held_out * np.float32(PIXEL)
    figures["PCA error"] = squared_error(held_out, pca.inverse_transform(pca.transform(scaled)))
    print(f"{'-'.join(map(str, _ENCODER))} on {len(images)} digits, {n_epochs} epochs")
    print_table(
        ["", "published", "aecore, scikit-learn", "training s"],
        [
            [
                "autoencoder",
                f"{_PUBLISHED:.2f}",
                f"{figures['error']:.3f}",
                f"{figures['seconds']:.0f}",
            ],
            ["PCA", f"{_PUBLISHED_PCA:.2f}", f"{figures['PCA error']:.3f}", ""],
        ],
    )
    low, high = (12.7, 13.8) if benchmark.quick else (0.0, 4.0)
    return benchmark.finish(
        figures, [Goal("squared error of a test image", figures["error"], low, high)]
    )


if __name__ == "__main__":
    raise SystemExit(main())
