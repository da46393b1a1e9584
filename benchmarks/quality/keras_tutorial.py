"""The first example of the Keras blog: `python -m benchmarks.quality.keras_tutorial [--quick]`.

784-32-784, relu and sigmoid, Adam, binary cross entropy, batches of 256, 50 epochs of MNIST; the
loss per pixel of the test images. Where PyTorch is installed it learns from the same weights, in
the same order; both are timed on one thread.

F. Chollet, "Building autoencoders in Keras", The Keras Blog, 2016: 0.093.
"""

from __future__ import annotations

import functools
import time

import numpy as np
from numpy.typing import NDArray

from aecore import Autoencoder, Network, _core
from benchmarks.quality import with_torch
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    mean_over_seeds,
    print_table,
)

_PUBLISHED = 0.093
_BATCH_SIZE = 256
_LOSS = "binary_cross_entropy"


def loss_per_pixel(network: Network, images: NDArray[np.uint8]) -> float:
    """Mean cross entropy of a pixel."""
    return float(network.row_losses(images, loss=_LOSS).mean()) / images.shape[1]


def run(
    images: NDArray[np.uint8], held_out: NDArray[np.uint8], n_epochs: int, seed: int
) -> dict[str, float]:
    """Loss and seconds of aecore, and of PyTorch where it is installed."""
    start = Network(
        [784, 32, 784], ["relu", "sigmoid"], input_scale=PIXEL, n_threads=1, random_state=seed
    )
    model = Autoencoder(
        (32,),
        activation="relu",
        output_activation="sigmoid",
        loss=_LOSS,
        batch_size=_BATCH_SIZE,
        n_epochs=n_epochs,
        input_scale=PIXEL,
        n_threads=1,
        random_state=seed,
    )
    begin = time.perf_counter()
    model.fit(images, init=start)
    figures = {
        "seconds": time.perf_counter() - begin,
        "loss": loss_per_pixel(model.network_, held_out),
    }
    if with_torch.is_installed():
        X = images * np.float32(PIXEL)
        begin = time.perf_counter()
        orders = (_core.permutation(len(X), seed, epoch) for epoch in range(n_epochs))
        learned = with_torch.train(start, X, orders, _LOSS, "adam", 1e-3, _BATCH_SIZE)
        figures["torch seconds"] = time.perf_counter() - begin
        figures["torch loss"] = loss_per_pixel(learned, held_out)
    return figures


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("keras_tutorial", __doc__)
    images, held_out = load_digits()
    n_epochs = 50
    if benchmark.quick:
        images, n_epochs = images[:10_000], 10
    one = functools.partial(run, images, held_out, n_epochs)
    figures = mean_over_seeds(one, benchmark.n_seeds)
    lines = [["Keras blog", f"{_PUBLISHED:.3f}", ""]]
    for name, prefix in (("aecore", ""), ("PyTorch", "torch ")):
        if f"{prefix}loss" in figures:
            loss, seconds = figures[f"{prefix}loss"], figures[f"{prefix}seconds"]
            lines.append([name, f"{loss:.5f}", f"{seconds:.1f}"])
    print(f"784-32-784 on {len(images)} digits, {n_epochs} epochs")
    print_table(["", "loss per pixel of test images", "training s"], lines)
    high = 0.165 if benchmark.quick else 0.0920
    low = 0.164 if benchmark.quick else 0.0
    goals = [Goal("loss per pixel", figures["loss"], low, high)]
    if "torch loss" in figures:
        difference = figures["loss"] - figures["torch loss"]
        goals.append(Goal("difference from PyTorch", difference, -3e-4, 3e-4))
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
