"""Gaussian noise on digits: `python -m benchmarks.quality.conv_denoising [--quick]`.

PSNR of MNIST digits that were not learned from, restored from normal noise of standard deviation
0.5 by a convolutional autoencoder without a bottleneck of units (28x28x1, 32 and 64 channels,
stride 2), beside the dense one of `benchmarks.quality.denoising` (784-512-784). Both learn from
noise that is new in each epoch.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import ConvAutoencoder, DenoisingAutoencoder
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    mean_over_seeds,
    print_table,
)
from benchmarks.quality.denoising import psnr

_SIGMA = 0.5


def models(n_epochs: int, seed: int) -> dict[str, Any]:
    """The autoencoders that are compared, by name."""
    common: dict[str, Any] = {
        "output_activation": "sigmoid",
        "loss": "binary_cross_entropy",
        "noise": "gaussian",
        "noise_level": _SIGMA,
        "input_scale": PIXEL,
        "batch_size": 128,
        "n_epochs": n_epochs,
        "learning_rate_schedule": "cosine",
        "n_threads": 1,
        "random_state": seed,
    }
    conv = ConvAutoencoder(
        (32, 64), code_size=None, code_activation="relu", image_shape=(28, 28), **common
    )
    return {"convolutional": conv, "dense": DenoisingAutoencoder((512,), **common)}


def run(
    images: NDArray[np.uint8], held_out: NDArray[np.uint8], n_epochs: int, seed: int
) -> dict[str, float]:
    """PSNR and seconds of training by model."""
    clean = held_out * np.float32(PIXEL)
    rng = np.random.default_rng(seed)
    noisy = clean + np.float32(_SIGMA) * rng.standard_normal(clean.shape, dtype=np.float32)
    figures = {"noisy": psnr(clean, noisy), "noisy seconds": 0.0}
    for name, model in models(n_epochs, seed).items():
        begin = time.perf_counter()
        model.fit(images)
        figures[f"{name} seconds"] = time.perf_counter() - begin
        # The model scales bytes; these are noisy numbers on its scale.
        figures[name] = psnr(clean, model.reconstruct(noisy / np.float32(PIXEL)))
    return figures


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("conv_denoising", __doc__)
    images, held_out = load_digits()
    n_epochs = 2 if benchmark.quick else 15
    if benchmark.quick:
        images, held_out = images[:8_000], held_out[:1_000]
    one = functools.partial(run, images, held_out[:2_000], n_epochs)
    figures = mean_over_seeds(one, benchmark.n_seeds)
    print(f"{len(images)} digits, {n_epochs} epochs, noise of {_SIGMA:g}")
    names = [name for name in figures if not name.endswith("seconds")]
    lines = [[name, f"{figures[name]:.2f}", f"{figures[f'{name} seconds']:.0f}"] for name in names]
    print_table(["", "PSNR, dB", "training s"], lines)
    goals = [Goal("dB above dense", figures["convolutional"] - figures["dense"], 0.5)]
    if benchmark.quick:
        goals.append(Goal("PSNR", figures["convolutional"], *_QUICK))
    return benchmark.finish(figures, goals)


_QUICK = (16.7, 17.3)  # of one seed

if __name__ == "__main__":
    raise SystemExit(main())
