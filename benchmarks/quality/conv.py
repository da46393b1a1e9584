"""What convolving is worth: `python -m benchmarks.quality.conv [--quick]`.

Squared error per image of MNIST digits that were not learned from, through a code of 32 units: a
convolutional autoencoder (28x28x1, 16 and 32 channels, stride 2) beside a dense one with the same
code, loss, optimiser and epochs. The codes are linear, the outputs sigmoids.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import Autoencoder, ConvAutoencoder
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    mean_over_seeds,
    print_table,
)

_CODE = 32
_N_EPOCHS = 20


def models(n_epochs: int, seed: int) -> dict[str, Any]:
    """The autoencoders that are compared, by name."""
    common: dict[str, Any] = {
        "code_activation": "identity",
        "output_activation": "sigmoid",
        "input_scale": PIXEL,
        "batch_size": 128,
        "n_epochs": n_epochs,
        "learning_rate_schedule": "cosine",
        "n_threads": 1,
        "random_state": seed,
    }
    conv = ConvAutoencoder((16, 32), code_size=_CODE, image_shape=(28, 28), **common)
    return {"convolutional": conv, "dense": Autoencoder((_CODE,), **common)}


def run(
    images: NDArray[np.uint8], held_out: NDArray[np.uint8], n_epochs: int, seed: int
) -> dict[str, float]:
    """Error and seconds of training by model."""
    figures = {}
    clean = held_out * np.float32(PIXEL)
    for name, model in models(n_epochs, seed).items():
        begin = time.perf_counter()
        model.fit(images)
        figures[f"{name} seconds"] = time.perf_counter() - begin
        error = model.reconstruct(held_out).astype(np.float64) - clean
        figures[name] = float((error**2).sum(axis=1).mean())
    return figures


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("conv", __doc__)
    images, held_out = load_digits()
    n_epochs = 3 if benchmark.quick else _N_EPOCHS
    if benchmark.quick:
        images, held_out = images[:10_000], held_out[:2_000]
    one = functools.partial(run, images, held_out, n_epochs)
    figures = mean_over_seeds(one, benchmark.n_seeds)
    print(f"{len(images)} digits, {n_epochs} epochs, a code of {_CODE}")
    names = [name for name in figures if not name.endswith("seconds")]
    lines = [[name, f"{figures[name]:.3f}", f"{figures[f'{name} seconds']:.0f}"] for name in names]
    print_table(["", "squared error per image", "training s"], lines)
    lower = 100 * (1 - figures["convolutional"] / figures["dense"])
    goals = [Goal("% lower than dense", lower, 10.0)]
    if benchmark.quick:
        goals.append(Goal("squared error per image", figures["convolutional"], *_QUICK))
    return benchmark.finish(figures, goals)


_QUICK = (19.0, 20.6)  # of one seed

if __name__ == "__main__":
    raise SystemExit(main())
