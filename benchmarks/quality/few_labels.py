"""Codes as features where labels are few: `python -m benchmarks.quality.few_labels [--quick]`.

Logistic regression on 600 labelled digits of MNIST, 60 of each, that is 1 % of the labels, on
pixels and on the codes of a denoising autoencoder that saw all 60,000 images without labels. Its
regularisation is chosen by cross-validation on the 600 for either; the test images come last.
"""

from __future__ import annotations

import functools
import time

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from aecore import DenoisingAutoencoder
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    load_labels,
    mean_over_seeds,
    print_table,
)

_PER_DIGIT = 60
_STRENGTHS = tuple(10.0 ** np.arange(-4.0, 3.0))


def choose(labels: NDArray[np.uint8], seed: int) -> NDArray[np.int64]:
    """Draw the rows whose labels may be seen, as many of each digit."""
    rng = np.random.default_rng(seed)
    drawn = [rng.choice(np.flatnonzero(labels == digit), _PER_DIGIT, False) for digit in range(10)]
    return rng.permutation(np.concatenate(drawn))


def learn(
    features: NDArray[np.float32], labels: NDArray[np.uint8], strengths: tuple[float, ...]
) -> GridSearchCV:
    """Logistic regression with the strength that cross-validation prefers."""
    search = GridSearchCV(LogisticRegression(max_iter=2_000), {"C": strengths}, cv=5)
    return search.fit(features, labels)


def run(  # noqa: PLR0917
    images: NDArray[np.uint8],
    labels: NDArray[np.uint8],
    held_out: tuple[NDArray[np.uint8], NDArray[np.uint8]],
    n_epochs: int,
    strengths: tuple[float, ...],
    seed: int,
) -> dict[str, float]:
    """Accuracies on both kinds of features."""
    known = choose(labels, seed)
    model = DenoisingAutoencoder(
        (1_000,),
        noise="masking",
        noise_level=0.5,
        output_activation="sigmoid",
        loss="binary_cross_entropy",
        batch_size=128,
        learning_rate_schedule="cosine",
        n_epochs=n_epochs,
        input_scale=PIXEL,
        n_threads=1,
        random_state=seed,
    )
    begin = time.perf_counter()
    model.fit(images)
    seconds = time.perf_counter() - begin
    X_test, y_test = held_out
    on_codes = learn(model.transform(images[known]), labels[known], strengths)
    on_pixels = learn(images[known] * np.float32(PIXEL), labels[known], strengths)
    return {
        "codes": 100.0 * on_codes.score(model.transform(X_test), y_test),
        "pixels": 100.0 * on_pixels.score(X_test * np.float32(PIXEL), y_test),
        "codes, cross-validation": 100.0 * on_codes.best_score_,
        "pixels, cross-validation": 100.0 * on_pixels.best_score_,
        "seconds": seconds,
    }


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("few_labels", __doc__)
    images, test_images = load_digits()
    labels, test_labels = load_labels()
    n_epochs, strengths = 15, _STRENGTHS
    if benchmark.quick:
        images, labels, n_epochs, strengths = images[:5_000], labels[:5_000], 5, _STRENGTHS[2:3]
        test_images, test_labels = test_images[:4_000], test_labels[:4_000]
    one = functools.partial(run, images, labels, (test_images, test_labels), n_epochs, strengths)
    figures = mean_over_seeds(one, benchmark.n_seeds)
    rows = [
        [name, f"{figures[name]:.2f}", f"{figures[f'{name}, cross-validation']:.2f}"]
        for name in ("pixels", "codes")
    ]
    print_table(["correct, per cent", "test", "cross-validation"], rows)
    print(f"  {figures['seconds']:.0f} s for features from {len(images)} images")
    gain = figures["codes"] - figures["pixels"]
    low, high = (1.0, 8.0) if benchmark.quick else (0.0, np.inf)
    return benchmark.finish(figures, [Goal("gain by codes, per cent", gain, low, high)])


if __name__ == "__main__":
    raise SystemExit(main())
