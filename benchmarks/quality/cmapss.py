"""Engines that wear: `python -m benchmarks.quality.cmapss [--quick]`.

C-MAPSS FD001, the 100 engines of the training file, from their first cycle to the last. A detector
for each engine learns its first 30 cycles, taken for normal; the error of later cycles should rise
as the remaining life falls: Spearman's correlation of the two over an engine's other cycles, with
the life negated so that higher is better, mean over the engines. The windowed error is the mean of
the last 30 cycles. Isolation forests learn and are judged alike. Sensors with up to three
different numbers in the first cycles of all engines are left out, and so are the settings.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from sklearn.base import clone
from sklearn.ensemble import IsolationForest

from aecore import AutoencoderOutlierDetector, fit_many
from benchmarks.quality.common import Benchmark, Goal, data_folder, mean_over_seeds, print_table

_N_EARLY = 30
_WINDOW = 30
_FIRST_SENSOR = 5  # after unit, cycle and three settings
_MOST_CONSTANT = 3
_DETECTORS = ("aecore", "isolation forest")


def load() -> list[NDArray[np.float64]]:
    """Sensors of each engine, in the order of its cycles."""
    table = np.loadtxt(data_folder("cmapss-fd001") / "train_FD001.txt")
    units = np.unique(table[:, 0])
    engines = [table[table[:, 0] == unit, _FIRST_SENSOR:] for unit in units]
    early = np.concatenate([engine[:_N_EARLY] for engine in engines])
    varies = [len(np.unique(column)) > _MOST_CONSTANT for column in early.T]
    return [engine[:, varies] for engine in engines]


def fit(name: str, engines: Sequence[NDArray[np.float64]], seed: int) -> Sequence[Any]:
    """A detector for each engine, fitted to its first cycles."""
    early = [engine[:_N_EARLY] for engine in engines]
    if name == "aecore":  # all defaults, but for rows that are known to be normal
        return fit_many(AutoencoderOutlierDetector(trim_fraction=0.0), early, random_state=seed)
    return [clone(IsolationForest(random_state=seed)).fit(rows) for rows in early]


def correlations(model: Any, engine: NDArray[np.float64]) -> dict[str, float]:
    """Of the error with minus the remaining life, after the first cycles."""
    error = -model.score_samples(engine)
    windows = np.lib.stride_tricks.sliding_window_view(error, _WINDOW)
    windowed = np.array([each.mean() for each in windows[_N_EARLY - _WINDOW + 1 :]])
    life = np.arange(len(engine))[::-1][_N_EARLY:]
    return {
        "windowed": float(spearmanr(windowed, -life).statistic),
        "cycle by cycle": float(spearmanr(error[_N_EARLY:], -life).statistic),
    }


def run(engines: Sequence[NDArray[np.float64]], seed: int) -> dict[str, float]:
    """Mean and smallest correlation of each detector."""
    figures = {}
    for name in _DETECTORS:
        models = fit(name, engines, seed)
        found = [correlations(m, engine) for m, engine in zip(models, engines, strict=True)]
        for kind in found[0]:
            figures[f"{name}, {kind}"] = float(np.mean([each[kind] for each in found]))
        figures[f"{name}, worst engine"] = min(each["windowed"] for each in found)
    return figures


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("cmapss", __doc__)
    engines = load()
    if benchmark.quick:
        engines = engines[:20]
    figures = mean_over_seeds(lambda seed: run(engines, seed), benchmark.n_seeds)
    kinds = ("windowed", "cycle by cycle", "worst engine")
    print(f"{len(engines)} engines, {engines[0].shape[1]} sensors")
    print_table(
        ["Spearman's correlation", *kinds],
        [[name, *(f"{figures[f'{name}, {kind}']:.4f}" for kind in kinds)] for name in _DETECTORS],
    )
    goals = []
    for kind in kinds[:2]:
        ours, theirs = (figures[f"{name}, {kind}"] for name in _DETECTORS)
        goals.append(Goal(f"{kind}: above the isolation forest", ours - theirs, 0.001))
    goals.append(Goal("windowed", figures["aecore, windowed"], 0.99))
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
