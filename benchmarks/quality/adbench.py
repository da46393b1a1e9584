"""Outliers in tables: `python -m benchmarks.quality.adbench [--quick]`.

22 sets of ADBench (S. Han et al., NeurIPS 2022): the area under the ROC curve of test rows by a
detector that learned from contaminated rows without labels. One setting for all sets, the defaults
of `AutoencoderOutlierDetector`; seeds 1 to 3. Figures and times of others are read from the file
beside the data; IsolationForest is run here too, to the same digits, which shows that the protocol
is theirs. `benchmarks.quality.adbench_choice` tells how the defaults were chosen.

Seconds are those of the fits, of this process's processor time and on the clock, with one thread:
run it with `taskset -c 0` for one core.
"""

from __future__ import annotations

import time
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import IsolationForest
from sklearn.metrics import balanced_accuracy_score, f1_score, roc_auc_score

from aecore import AutoencoderOutlierDetector
from benchmarks.quality.adbench_sets import Split, names, peers, split
from benchmarks.quality.common import Benchmark, Goal, print_table

# Columns of the file of others.
_PEERS = {
    "IsolationForest": "iforest",
    "PyOD VAE": "pyod_VAE",
    "PyOD AE": "pyod_AE",
    "ECOD": "ecod",
    "MLP": "sk_MLP_AE",
    "PCA": "pca_half_recon",
}


class Figures(NamedTuple):
    """What a detector reaches on one split."""

    auroc: float
    f1: float  # by the default threshold
    balanced: float
    seconds: float  # processor time of the fit
    on_clock: float


def run(detector: Any, rows: Split) -> Figures:
    """Fit it and judge it."""
    clock, processor = time.perf_counter(), time.process_time()
    detector.fit(rows.X)
    seconds, on_clock = time.process_time() - processor, time.perf_counter() - clock
    odd = detector.predict(rows.X_test) == -1
    return Figures(
        float(roc_auc_score(rows.y_test, -detector.score_samples(rows.X_test))),
        float(f1_score(rows.y_test, odd, zero_division=0)),
        float(balanced_accuracy_score(rows.y_test, odd)),
        seconds,
        on_clock,
    )


def no_model(rows: Split) -> float:
    """AUROC of the distance to the medians of the columns."""
    distance = np.abs(rows.X_test - np.median(rows.X, axis=0)).sum(axis=1)
    return float(roc_auc_score(rows.y_test, distance))


def _of_peer(name: str, sets: list[str], seeds: list[int]) -> tuple[list[float], float]:
    """AUROC by set, the mean over the seeds that there are, and seconds of all these fits."""
    table = peers()[name]
    runs = [[table[each][seed] for seed in seeds if seed in table[each]] for each in sets]
    auroc = [float(np.mean([one[0] for one in of_set])) for of_set in runs]
    return auroc, float(sum(one[1] for of_set in runs for one in of_set))


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("adbench", __doc__, first_seed=1)
    sets, seeds = names(), benchmark.seeds
    if benchmark.quick:
        sets = sets[::2]
    run(AutoencoderOutlierDetector(random_state=0, n_threads=1), split("45_wine", 1))  # loads all
    ours, forests, medians = [], [], []
    for name in sets:
        splits = [(seed, split(name, seed)) for seed in seeds]
        ours.append(
            [
                run(AutoencoderOutlierDetector(random_state=seed, n_threads=1), rows)
                for seed, rows in splits
            ]
        )
        forests.append([run(IsolationForest(random_state=seed), rows) for seed, rows in splits])
        medians.append(float(np.mean([no_model(rows) for _, rows in splits])))
    others = {label: _of_peer(name, sets, seeds) for label, name in _PEERS.items()}
    by_set = np.array(ours).mean(axis=1)  # sets x figures
    here = np.array(forests).mean(axis=1)
    rows = [
        [
            name,
            f"{by_set[i, 0]:.4f}",
            *(f"{of[0][i]:.4f}" for of in others.values()),
            f"{medians[i]:.4f}",
        ]
        for i, name in enumerate(sets)
    ]
    means = [float(by_set[:, 0].mean()), *(float(np.mean(of[0])) for of in others.values())]
    rows.append(["mean", *(f"{mean:.4f}" for mean in means), f"{np.mean(medians):.4f}"])
    total = np.array(ours).sum(axis=(0, 1))
    rows.append(["seconds", f"{total[3]:.2f}", *(f"{of[1]:.2f}" for of in others.values()), ""])
    print_table(["set", "aecore", *others, "no model"], rows)
    n_fits = len(sets) * len(seeds)
    print(f"  {n_fits} fits: {total[3]:.2f} s of one core's time, {total[4]:.2f} s on the clock")
    away = float(np.abs(here[:, 0] - others["IsolationForest"][0]).max())
    seconds = float(np.array(forests).sum(axis=(0, 1))[3])
    print(f"  IsolationForest here: AUROC {here[:, 0].mean():.4f}, {seconds:.2f} s")
    print(
        f"  odd by default: F1 {by_set[:, 1].mean():.3f} (IsolationForest {here[:, 1].mean():.3f}),"
        f" balanced accuracy {by_set[:, 2].mean():.3f} ({here[:, 2].mean():.3f})"
    )
    low, high = (0.815, 0.855) if benchmark.quick else (0.79, 1.0)
    goals = [
        Goal("mean test AUROC", means[0], low, high),
        Goal("IsolationForest, distance from its published figure", away, 0.0, 1e-4),
    ]
    if not benchmark.quick:
        goals.append(Goal(f"seconds of the {n_fits} fits, one core", float(total[3]), 0.0, 5.0))
    figures = {
        "AUROC": means[0],
        "F1": float(by_set[:, 1].mean()),
        "seconds": float(total[3]),
        **{f"AUROC of {label}": mean for label, mean in zip(others, means[1:], strict=True)},
    }
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
