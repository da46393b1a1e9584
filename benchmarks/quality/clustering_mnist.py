"""Clusters of the MNIST digits: `python -m benchmarks.quality.clustering_mnist [--quick]`.

All 70,000 images divided by 255, 784-500-500-2000-10: accuracy of k-means on codes and of DEC from
there, mean, least and largest of three seeds, beside DEC-keras (mean of 10 trials, 300 epochs of
pretraining, a new target every 140 batches) and the paper (J. Xie, R. Girshick, A. Farhadi, ICML
2016). Adam with a cosine schedule stands for their long pretraining. No label is looked at before
the end. The seeds done are kept if the command is stopped.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    load_labels,
    print_table,
)
from benchmarks.quality.digit_clusters import Protocol, run_seeds, table

_PUBLISHED = {"AE+k-means": "87.9 (81.8)", "AE+mixture": "", "DEC": "91.2 (84.3)"}
_AUTOENCODER: dict[str, Any] = {
    "input_scale": PIXEL,
    "n_epochs": 40,
    "learning_rate_schedule": "cosine",
}
_REFINEMENT = {"update_interval": 140, "tolerance": 1e-3, "n_updates": 100}


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("clustering_mnist", __doc__)
    X, y = np.concatenate(load_digits()), np.concatenate(load_labels())
    autoencoder, refinement = dict(_AUTOENCODER), dict(_REFINEMENT)
    hidden: dict[str, Any] = {}
    if benchmark.quick:
        X, y = X[:5_000], y[:5_000]
        hidden = {"hidden": (250, 250, 500, 10)}
        refinement |= {"update_interval": 20, "n_updates": 20}
    protocol = Protocol(X, y, autoencoder, refinement, report_every=5, pixels=False, **hidden)
    figures = run_seeds(
        "clustering_mnist", protocol.run, benchmark.n_seeds, keep=not benchmark.quick
    )
    header = ["accuracy", "DEC-keras (paper)", "mean", "least", "most"]
    print_table(header, table(figures, _PUBLISHED))
    low = (60.0, 60.0) if benchmark.quick else (86.0, 90.5)
    goals = [
        Goal("accuracy of AE+k-means, per cent", figures["AE+k-means"], low[0], 100.0),
        Goal("accuracy of DEC, per cent", figures["DEC"], low[1], 100.0),
    ]
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
