"""Stacked denoising autoencoders on MNIST: `python -m benchmarks.quality.stacked_denoising`.

784-1000-1000-1000-10, each layer pretrained under masking noise of 10, 20 and 30 %, then all of it
trained with labels: error on the 10,000 test images, of the network after the last epoch. How it is
trained was chosen on the last 10,000 training images, with the others to learn from (`--validate`
repeats that); then all 60,000 are learned from.

P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol. Stacked denoising autoencoders.
JMLR 11, 2010: 1.28 %.
"""

from __future__ import annotations

import functools
import sys
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import AutoencoderClassifier, DenoisingAutoencoder
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    load_labels,
    mean_over_seeds,
    print_table,
)

Digits = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_PUBLISHED = 1.28
_MASKED = (0.1, 0.2, 0.3)
_N_VALIDATION = 10_000
_EPOCHS = (10, 60)  # of each layer alone, and of all with labels
_SHARED: dict[str, Any] = {"batch_size": 128, "learning_rate_schedule": "cosine"}


def make_layers(n_epochs: int) -> list[DenoisingAutoencoder]:
    """How each layer is pretrained: pixels by cross entropy, codes by squared error."""
    pixels = {"output_activation": "sigmoid", "loss": "binary_cross_entropy"}
    codes = {"output_activation": "relu"}
    return [
        DenoisingAutoencoder(
            noise="masking",
            noise_level=level,
            n_epochs=n_epochs,
            **(pixels if k == 0 else codes),
            **_SHARED,
        )
        for k, level in enumerate(_MASKED)
    ]


def run(digits: Digits, held_out: Digits, epochs: tuple[int, int], seed: int) -> dict[str, float]:
    """Error in per cent and seconds, after so many epochs of each layer and of the whole."""
    model = AutoencoderClassifier(
        (1_000, 1_000, 1_000),
        pretrain=make_layers(epochs[0]),
        noise="masking",
        noise_level=0.2,
        dropout=0.4,
        input_scale=PIXEL,
        n_epochs=epochs[1],
        random_state=seed,
        **_SHARED,
    )
    begin = time.perf_counter()
    model.fit(*digits)
    seconds = time.perf_counter() - begin
    return {"error": 100.0 - 100.0 * model.score(*held_out), "seconds": seconds}


def main() -> int:
    """Run the benchmark, or with `--validate` a seed of it that does not look at test images."""
    validate = "--validate" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--validate"]
    benchmark = Benchmark("stacked_denoising", __doc__)
    (X, X_test), (y, y_test) = load_digits(), load_labels()
    if validate:
        known, last = slice(-_N_VALIDATION), slice(-_N_VALIDATION, None)
        print(run((X[known], y[known]), (X[last], y[last]), _EPOCHS, seed=100))
        return 0
    epochs, (low, high) = _EPOCHS, (0.0, 1.4)
    if benchmark.quick:
        X, y, epochs, (low, high) = X[:3_000], y[:3_000], (2, 8), (4.5, 8.0)
    one = functools.partial(run, (X, y), (X_test, y_test), epochs)
    figures = mean_over_seeds(one, benchmark.n_seeds)
    cells = [f"{_PUBLISHED:.2f}", f"{figures['error']:.3f}", f"{figures['seconds']:.0f}"]
    print_table(["", "published", "aecore", "training s"], [["errors, per cent", *cells]])
    goals = [Goal("errors, per cent", figures["error"], low, high)]
    if not benchmark.quick:
        goals.append(Goal("seconds of a training", figures["seconds"], 0.0, 900.0))
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
