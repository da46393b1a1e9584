"""How the detector's defaults were chosen: `python -m benchmarks.quality.adbench_choice [--quick]`.

A grid of settings over the 22 sets of ADBench, on seeds that `benchmarks.quality.adbench` does not
report. The defaults are the setting with the best mean; what such a choice is worth on a set that
took no part in it is told by leaving one set out: its figure under the setting that is best on the
other 21, averaged over the sets.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from aecore import AutoencoderOutlierDetector
from benchmarks.quality.adbench_sets import names, split
from benchmarks.quality.common import Benchmark, Goal, print_table

CODES = {
    "2": lambda n: 2,  # noqa: ARG005
    "log2(n)": lambda n: max(1, round(math.log2(n))),
    "sqrt(n)": lambda n: math.ceil(math.sqrt(n)),
}
TRIMMED = (0.3, 0.4, 0.5)
NOISES = (None, "masking")
UPDATES = (100, 400)
ERRORS = ("standardized", "absolute", "squared")
AXES = ("code", "trimmed", "noise", "updates", "error")
Setting = tuple[Any, ...]  # a value for each axis
_QUICK_SETS = 8


def figures_of(fitted: Setting, name: str, seed: int) -> dict[str, float]:
    """Test AUROC of one fit by each kind of error."""
    code, trimmed, noise, updates = fitted
    rows = split(name, seed)
    n_rows, n_features = rows.X.shape
    detector = AutoencoderOutlierDetector(
        (32, CODES[code](n_features)),
        trim_fraction=trimmed,
        noise=noise,
        n_epochs=max(1, round(updates / math.ceil(n_rows / 64))),
        n_threads=1,
        random_state=seed,
    ).fit(rows.X)
    found = {}
    for error in ERRORS:
        detector.error = error
        found[error] = roc_auc_score(rows.y_test, -detector.score_samples(rows.X_test))
    return found


def print_levels(settings: list[Setting], mean: NDArray[np.float64]) -> None:
    """What each value of each setting is worth, averaged over the others."""
    for place, axis in enumerate(AXES):
        of_level: dict[Any, list[float]] = {}
        for setting, figure in zip(settings, mean, strict=True):
            of_level.setdefault(setting[place], []).append(figure)
        levels = (f"{level} {np.mean(figures):.4f}" for level, figures in of_level.items())
        print(f"  {axis}: {', '.join(levels)}")


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("adbench_choice", __doc__, first_seed=11)
    sets, updates = names(), UPDATES
    if benchmark.quick:
        small = [name for name in sets if len(split(name, 11).X) < 1_500]
        sets, updates = small[:_QUICK_SETS], UPDATES[1:]
    table: dict[Setting, list[float]] = {}
    for fitted in itertools.product(CODES, TRIMMED, NOISES, updates):
        runs = [[figures_of(fitted, name, seed) for seed in benchmark.seeds] for name in sets]
        for error in ERRORS:
            by_set = [float(np.mean([run[error] for run in each])) for each in runs]
            table[(*fitted, error)] = by_set
    settings, values = list(table), np.array(list(table.values()))  # settings x sets
    mean = values.mean(axis=1)
    order = np.argsort(-mean)
    best = [[*map(str, settings[i]), f"{mean[i]:.4f}"] for i in order[:20]]
    print_table([*AXES, "AUROC"], best)
    print_levels(settings, mean)
    others = values.sum(axis=1, keepdims=True) - values
    left_out = values[others.argmax(axis=0), np.arange(len(sets))].mean()
    figures = {
        "best": float(mean.max()),
        "one set left out": float(left_out),
        "median of the settings": float(np.median(mean)),
        "worst of the settings": float(mean.min()),
    }
    print(f"  {len(settings)} settings: " + ", ".join(f"{k} {v:.4f}" for k, v in figures.items()))
    low, high = (0.79, 0.85) if benchmark.quick else (0.79, 1.0)
    goal = Goal("mean AUROC, one set left out", figures["one set left out"], low, high)
    return benchmark.finish(figures, [goal])


if __name__ == "__main__":
    raise SystemExit(main())
