"""Clusters of digits by k-means and by DEC, seed by seed: what the commands for them share."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.cluster import KMeans

from aecore import Autoencoder, DeepClustering, Network
from aecore._clusters.figures import accuracy
from aecore.callbacks import EpochState
from benchmarks.quality.common import RESULTS, _commit

HIDDEN = (500, 500, 2000, 10)
Figures = dict[str, float]


class Report:
    """A callback that prints a line every so many epochs or rounds."""

    def __init__(self, title: str, every: int) -> None:
        self._title, self._every, self._start = title, every, time.perf_counter()

    def on_epoch_end(self, state: EpochState) -> None:
        """Take an epoch."""
        if (state.epoch + 1) % self._every == 0:
            changed = state.history.get("changed")
            more = "" if changed is None else f", {changed[-1]:.4f} changed"
            seconds = time.perf_counter() - self._start
            line = f"{self._title} {state.epoch + 1}/{state.n_epochs}: J {state.loss:.4f}{more}"
            print(f"  {line}, {seconds:.0f} s", flush=True)


@dataclass
class Protocol:
    """How a seed is run: the parameters of the autoencoder and of the refinement."""

    X: NDArray[Any]
    y: NDArray[Any]
    autoencoder: dict[str, Any]
    refinement: dict[str, Any]
    hidden: tuple[int, ...] = HIDDEN
    start: str = "kmeans"  # the clusterer that DEC begins with
    initial: Callable[[int], Network] | None = None  # by seed, what the autoencoder begins with
    report_every: int = 10
    pixels: bool = True  # k-means on them too
    _n_clusters: int = field(default=10)

    def run(self, seed: int) -> Figures:
        """Figures in per cent (NMI and ARI from 0 to 1), and seconds."""
        report = Report(f"seed {seed}", self.report_every)
        autoencoder = Autoencoder(self.hidden, code_activation="identity", **self.autoencoder)
        settings: dict[str, Any] = {
            "n_clusters": self._n_clusters,
            "autoencoder": autoencoder,
            "random_state": seed,
            "callbacks": report,
        }
        begin = time.perf_counter()
        network = None
        if self.initial is not None:
            own = clone(autoencoder).set_params(random_state=seed, callbacks=report)
            network = own.fit(self.X, init=self.initial(seed)).network_
        plain = DeepClustering(**settings).fit(self.X, init=network)
        trained = time.perf_counter()
        mixture = DeepClustering(**settings, clusterer="gaussian_mixture")
        mixture.fit(self.X, init=plain.network_)
        before = time.perf_counter()
        refined = DeepClustering(
            **settings, clusterer=self.start, refinement="dec", **self.refinement
        )
        refined.fit(self.X, init=plain.network_)
        end = time.perf_counter()
        after = refined.evaluate(self.X, self.y)
        found = {
            "AE+k-means": 100.0 * accuracy(self.y, plain.labels_),
            "AE+mixture": 100.0 * accuracy(self.y, mixture.labels_),
            "DEC": 100.0 * after["accuracy"],
            "DEC NMI": after["nmi"],
            "DEC ARI": after["ari"],
            "rounds": float(len(refined.history_["loss"])),
            "seconds of the autoencoder": trained - begin,
            "seconds of DEC": end - before,
        }
        if self.pixels:
            pixels = KMeans(self._n_clusters, n_init=20, random_state=seed).fit(self.X)
            found["k-means"] = 100.0 * accuracy(self.y, pixels.labels_.astype(np.int64))
        text = ", ".join(f"{name} {value:.4g}" for name, value in found.items())
        print(f"  seed {seed}: {text}", flush=True)
        return found


def run_seeds(name: str, run: Callable[[int], Figures], n_seeds: int, *, keep: bool) -> Figures:
    """Mean, least and largest of each figure.

    With `keep`, the figures of each seed are written to `results/<name>.partial.json` when it is
    done, and a seed that the same commit has done is not run again. The last seed deletes the file.
    """
    partial = Path(RESULTS).with_name(f"{name}.partial.json")
    done: dict[str, Figures] = {}
    if keep and partial.exists():
        content = json.loads(partial.read_text())
        done = content["seeds"] if content["commit"] == _commit() else {}
    for seed in range(n_seeds):
        if str(seed) in done:
            print(f"  seed {seed}: as of {partial.name}")
            continue
        done[str(seed)] = run(seed)
        if keep:
            partial.write_text(json.dumps({"commit": _commit(), "seeds": done}, indent=1) + "\n")
    partial.unlink(missing_ok=True)
    figures: Figures = {}
    for key in done["0"]:
        values = [each[key] for each in done.values()]
        figures |= {key: float(np.mean(values)), f"{key} min": min(values)}
        figures[f"{key} max"] = max(values)
    return figures


def table(figures: Figures, published: dict[str, str]) -> list[list[str]]:
    """Rows of name, published figure, mean, least and largest."""
    return [
        [name, text, *(f"{figures[name + part]:.2f}" for part in ("", " min", " max"))]
        for name, text in published.items()
        if name in figures
    ]
