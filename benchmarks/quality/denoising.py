"""How well noise is removed: `python -m benchmarks.quality.denoising [--quick]`.

PSNR of rows that were not learned from, 10 log10(1 / mean squared error) for numbers in [0, 1]:
MNIST digits with half of their pixels set to zero, and patches of photographs with Gaussian noise.
PCA is fitted to clean rows and has the number of components that is best for these very test rows;
for digits it may double what is left of the pixels, which undoes their lower mean.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import DenoisingAutoencoder
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    data_folder,
    load_digits,
    mean_over_seeds,
    print_table,
)

Rows = NDArray[np.float32]
Noise = Callable[[Rows, np.random.Generator], Rows]

_MASKED = 0.5  # of the pixels of a digit
_SIGMA = 0.2  # of the noise on patches, whose numbers have a standard deviation of 0.23


def mask(X: Rows, rng: np.random.Generator) -> Rows:
    """Set numbers to zero."""
    return X * (rng.random(X.shape, dtype=np.float32) >= _MASKED)


def add_gaussian(X: Rows, rng: np.random.Generator) -> Rows:
    """Add normal numbers."""
    return X + np.float32(_SIGMA) * rng.standard_normal(X.shape, dtype=np.float32)


def psnr(clean: Rows, restored: Rows) -> float:
    """Peak signal-to-noise ratio in dB, the peak being 1."""
    return float(-10.0 * np.log10(np.mean((restored.astype(np.float64) - clean) ** 2)))


@dataclass(frozen=True)
class Problem:
    """Rows, their noise, the model, and what is expected of it."""

    name: str
    X: Rows
    held_out: Rows
    noise: Noise  # of the held out rows; the model draws its own of the same kind
    gains: tuple[float, ...]  # factors that PCA may choose from
    n_epochs: int
    settings: dict[str, Any]
    quick_gain: tuple[float, float]  # dB above PCA in a quick run


def train(problem: Problem, seed: int) -> DenoisingAutoencoder:
    """Learn the way back from noise that is new in each epoch."""
    model = DenoisingAutoencoder(
        **problem.settings,
        n_epochs=problem.n_epochs,
        learning_rate_schedule="cosine",
        n_threads=1,
        random_state=seed,
    )
    return model.fit(problem.X)


def best_pca(problem: Problem, noisy: Rows) -> tuple[float, int]:
    """PSNR of the best projection on principal components of the clean rows, and their number."""
    mean = problem.X.mean(axis=0)
    _, directions = np.linalg.eigh(np.cov(problem.X.T))
    found = []
    for gain in problem.gains:
        restored = np.tile(mean, (len(noisy), 1))
        scores = (gain * noisy - mean) @ directions.astype(np.float32)
        for k in range(1, scores.shape[1] + 1):
            restored += np.outer(scores[:, -k], directions[:, -k].astype(np.float32))
            found.append((psnr(problem.held_out, restored), k))
    return max(found)


def run(problem: Problem, seed: int) -> dict[str, float]:
    """PSNR of the noisy rows, of PCA and of the autoencoder."""
    noisy = problem.noise(problem.held_out, np.random.default_rng(seed))
    begin = time.perf_counter()
    model = train(problem, seed)
    seconds = time.perf_counter() - begin
    by_pca, n_components = best_pca(problem, noisy)
    return {
        "noisy": psnr(problem.held_out, noisy),
        "PCA": by_pca,
        "components": float(n_components),
        "aecore": psnr(problem.held_out, model.reconstruct(noisy)),
        "seconds": seconds,
    }


def load_problems(*, quick: bool) -> list[Problem]:
    """Digits and patches."""
    images, held_out = load_digits()
    if quick:
        images, held_out = images[:10_000], held_out[:500]
    with np.load(data_folder("natural-patches-10x10") / "patches_5000x100.npz") as archive:
        patches = archive["X"].astype(np.float32)
    # Neighbours were cut from the same photograph: the file's order is left.
    patches = patches[np.random.default_rng(0).permutation(len(patches))]
    digits_model: dict[str, Any] = {
        "noise": "masking",
        "noise_level": _MASKED,
        "hidden_layer_sizes": (512,),
        "output_activation": "sigmoid",
        "loss": "binary_cross_entropy",
        "batch_size": 128,
    }
    patches_model: dict[str, Any] = {
        "noise": "gaussian",
        "noise_level": _SIGMA,
        "hidden_layer_sizes": (256,),
        "batch_size": 64,
        "learning_rate": 2e-3,
    }
    return [
        Problem(
            "digits, 50 % masked",
            images * np.float32(PIXEL),
            held_out[:2_000] * np.float32(PIXEL),
            mask,
            gains=(1.0, 1.0 / (1.0 - _MASKED)),
            n_epochs=5 if quick else 15,
            settings=digits_model,
            quick_gain=(1.1, 1.6),
        ),
        Problem(
            f"patches, sigma {_SIGMA:g}",
            patches[:4_000],
            patches[4_000:],
            add_gaussian,
            gains=(1.0,),
            n_epochs=30 if quick else 150,
            settings=patches_model,
            quick_gain=(1.35, 1.6),
        ),
    ]


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("denoising", __doc__)
    lines, goals, figures = [], [], {}
    for problem in load_problems(quick=benchmark.quick):
        one = functools.partial(run, problem)
        found = figures[problem.name] = mean_over_seeds(one, benchmark.n_seeds)
        cells = [f"{found[name]:.2f}" for name in ("noisy", "PCA", "aecore")]
        lines.append(
            [problem.name, *cells, f"{found['components']:.0f}", f"{found['seconds']:.0f}"]
        )
        low, high = problem.quick_gain if benchmark.quick else (1.5, np.inf)
        gain = found["aecore"] - found["PCA"]
        goals.append(Goal(f"{problem.name}: dB above PCA", gain, low, high))
    print_table(["PSNR, dB", "noisy", "PCA", "aecore", "components", "training s"], lines)
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
