"""Stacked sparse autoencoders on MNIST: `python -m benchmarks.quality.stacked [--quick]`.

784-200-200-10 as in the UFLDL tutorial (A. Ng and others, Stanford, 2011): two sparse
autoencoders, the second one on the codes of the first, and a softmax on its codes are joined to one
network, which is then trained as a whole. Test accuracy before and after that, and of the same
network trained alike from random weights.
"""

from __future__ import annotations

import functools
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from aecore import AutoencoderClassifier, Network, SparseAutoencoder, stack
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

_PUBLISHED = {"before": "87.7", "after": "97.6"}
_SOFTMAX_DECAY = 1e-4
_SPARSE: dict[str, Any] = {"sparsity_target": 0.1, "weight_decay": 3e-3, "sparsity_weight": 3.0}


def pretrain(digits: Digits, n_iterations: int, seed: int) -> Network:
    """Two sparse layers and a softmax, trained one after the other."""
    images, labels = digits
    settings = {**_SPARSE, "n_epochs": n_iterations, "random_state": seed, "n_threads": 1}
    first = SparseAutoencoder((200,), input_scale=PIXEL, **settings).fit(images)
    codes = first.transform(images)
    second = SparseAutoencoder((200,), **settings).fit(codes)
    codes = second.transform(codes)
    # J of scikit-learn is C times the sum of the losses, and half the squared weights.
    softmax = LogisticRegression(C=1.0 / (_SOFTMAX_DECAY * len(labels)), max_iter=2_000)
    softmax.fit(codes, labels)
    last = Network([200, 10], ["softmax"])
    last.weights[0][:], last.biases[0][:] = softmax.coef_.T, softmax.intercept_
    return stack(first, second, last)


def train(digits: Digits, start: Network | None, n_epochs: int, seed: int) -> AutoencoderClassifier:
    """All layers with labels, from `start` or from random weights."""
    model = AutoencoderClassifier(
        (200, 200),
        pretrain=False,
        activation="sigmoid",
        input_scale=PIXEL,
        weight_decay=1e-5,
        learning_rate_schedule="cosine",
        n_epochs=n_epochs,
        n_threads=1,
        random_state=seed,
    )
    return model.fit(*digits, init=start)


def run(
    digits: Digits, held_out: Digits, n_iterations: int, n_epochs: int, seed: int
) -> dict[str, float]:
    """Accuracies in per cent, and seconds of all training."""
    X, y = held_out
    begin = time.perf_counter()
    start = pretrain(digits, n_iterations, seed)
    model = train(digits, start, n_epochs, seed)
    seconds = time.perf_counter() - begin
    return {
        "before": 100.0 * float(np.mean(start.reconstruct(X).argmax(axis=1) == y)),
        "after": 100.0 * model.score(X, y),
        "not pretrained": 100.0 * train(digits, None, n_epochs, seed).score(X, y),
        "seconds": seconds,
    }


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("stacked", __doc__)
    (X, X_test), (y, y_test) = load_digits(), load_labels()
    n_iterations, n_epochs = 400, 30
    if benchmark.quick:
        X, y, n_iterations, n_epochs = X[:3_000], y[:3_000], 30, 10
    one = functools.partial(run, (X, y), (X_test, y_test), n_iterations, n_epochs)
    figures = mean_over_seeds(one, benchmark.n_seeds)
    rows = [
        [name, _PUBLISHED.get(name, ""), f"{figures[name]:.2f}"]
        for name in ("before", "after", "not pretrained")
    ]
    print_table(["correct, per cent", "published", "aecore"], rows)
    print(f"  {figures['seconds']:.0f} s for pretraining and training")
    low, high = (90.0, 97.0) if benchmark.quick else (97.8, 100.0)
    goal = Goal("correct after training of the whole, per cent", figures["after"], low, high)
    return benchmark.finish(figures, [goal])


if __name__ == "__main__":
    raise SystemExit(main())
