"""Clusters of the USPS digits: `python -m benchmarks.quality.clustering_usps [--quick]`.

All 9,298 images with values in [0, 1], 256-500-500-2000-10: accuracy of k-means on pixels and on
codes, and of DEC from there, beside DEC-keras (mean of 10 trials, 50 epochs of Adam, a new target
every 30 batches). The settings of the autoencoder are that implementation's; DEC takes Adam with
1e-4 instead of momentum with 0.01, chosen with seed 0 among four ways, which differ by a percent;
nothing else looks at a label before the end.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.quality.common import Benchmark, Goal, data_folder, print_table
from benchmarks.quality.digit_clusters import Protocol, run_seeds, table

_PUBLISHED = {"k-means": "66.8", "AE+k-means": "70.9", "AE+mixture": "", "DEC": "76.4"}
_REFINEMENT = {"update_interval": 30, "tolerance": 1e-3, "n_updates": 100}


def load() -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Training and test images, and their digits."""
    with np.load(data_folder("usps") / "usps.npz") as data:
        X = np.concatenate([data["X_train"], data["X_test"]])
        y = np.concatenate([data["y_train"], data["y_test"]]).astype(np.int64)
    return X, y


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("clustering_usps", __doc__)
    X, y = load()
    autoencoder: dict[str, Any] = {"n_epochs": 50}
    hidden: dict[str, Any] = {}
    refinement: dict[str, Any] = dict(_REFINEMENT)
    if benchmark.quick:
        X, y = X[:3_000], y[:3_000]
        hidden = {"hidden": (250, 250, 500, 10)}
        refinement |= {"n_updates": 20}
    protocol = Protocol(X, y, autoencoder, refinement, **hidden)
    figures = run_seeds(
        "clustering_usps", protocol.run, benchmark.n_seeds, keep=not benchmark.quick
    )
    print_table(["accuracy", "published", "mean", "least", "most"], table(figures, _PUBLISHED))
    low = (60.0, 65.0) if benchmark.quick else (70.0, 76.0)
    goals = [
        Goal("accuracy of AE+k-means, per cent", figures["AE+k-means"], low[0], 100.0),
        Goal("accuracy of DEC, per cent", figures["DEC"], low[1], 100.0),
    ]
    if benchmark.quick:
        gain = figures["DEC"] - figures["AE+k-means"]
        goals.append(Goal("gain by DEC, per cent", gain, 2.0, 12.0))
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
