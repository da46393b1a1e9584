"""Self-taught learning: `python -m benchmarks.quality.self_taught [--quick]`.

A sparse autoencoder learns 200 features from the digits 5 to 9, whose labels it does not see; a
softmax on its codes then learns 0 to 4 from one half of their 30,596 images and is tested on the
other. The exercise of the UFLDL tutorial (A. Ng and others, Stanford, 2011), with its settings; the
softmax has its lambda, 1e-4, or one that cross-validation on the training half prefers.
"""

from __future__ import annotations

import functools
import time

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV

from aecore import SparseAutoencoder
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    load_labels,
    mean_over_seeds,
    print_table,
)

_PUBLISHED = 98.3
_WEIGHT_DECAY = 1e-4  # lambda of the tutorial's softmax
_CHOICES = (1e-4, 3e-5, 1e-5, 3e-6, 1e-6)


def softmax(n_rows: int, weight_decay: float) -> LogisticRegression:
    """A softmax by lambda; scikit-learn's J is C times the sum of losses, and half the squares."""
    return LogisticRegression(C=1.0 / (weight_decay * n_rows), max_iter=2_000)


def accuracies(
    features: NDArray[np.float32], labels: NDArray[np.uint8], n_training: int
) -> tuple[float, float]:
    """Per cent right after the first `n_training` rows, with the tutorial's lambda and the best."""
    training = features[:n_training], labels[:n_training]
    held_out = features[n_training:], labels[n_training:]
    models = {"C": [softmax(n_training, each).C for each in _CHOICES]}
    chosen = GridSearchCV(softmax(n_training, _WEIGHT_DECAY), models, cv=3).fit(*training)
    given = softmax(n_training, _WEIGHT_DECAY).fit(*training)
    return 100.0 * given.score(*held_out), 100.0 * chosen.score(*held_out)


def run(
    images: NDArray[np.uint8], labels: NDArray[np.uint8], n_iterations: int, seed: int
) -> dict[str, float]:
    """Accuracies on codes, and on pixels, with the seconds of feature learning."""
    unlabeled, images = images[labels >= 5], images[labels < 5]
    labels = labels[labels < 5]
    half = len(images) // 2
    model = SparseAutoencoder(
        (200,),
        input_scale=PIXEL,
        sparsity_target=0.1,
        weight_decay=3e-3,
        sparsity_weight=3.0,
        n_epochs=n_iterations,
        n_threads=1,
        random_state=seed,
    )
    begin = time.perf_counter()
    model.fit(unlabeled)
    seconds = time.perf_counter() - begin
    given, chosen = accuracies(model.transform(images), labels, half)
    _, pixels = accuracies(images * np.float32(PIXEL), labels, half)
    return {"codes": chosen, "lambda 1e-4": given, "pixels": pixels, "seconds": seconds}


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("self_taught", __doc__)
    images, labels = load_digits()[0], load_labels()[0]
    n_iterations = 400
    if benchmark.quick:
        images, labels, n_iterations = images[:4_000], labels[:4_000], 40
    one = functools.partial(run, images, labels, n_iterations)
    figures = mean_over_seeds(one, benchmark.n_seeds)
    rows = [
        ["codes, chosen lambda", f"{_PUBLISHED:.1f}", f"{figures['codes']:.2f}"],
        ["codes, lambda 1e-4", "", f"{figures['lambda 1e-4']:.2f}"],
        ["pixels, chosen lambda", "", f"{figures['pixels']:.2f}"],
    ]
    print_table(["correct, per cent", "published", "aecore"], rows)
    print(f"  {figures['seconds']:.0f} s for features")
    low, high = (93.0, 98.2) if benchmark.quick else (98.2, 100.0)
    goal = Goal("digits 0 to 4 recognised, per cent", figures["codes"], low, high)
    return benchmark.finish(figures, [goal])


if __name__ == "__main__":
    raise SystemExit(main())
