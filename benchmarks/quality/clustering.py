"""Clusters of four sets by one recipe: `python -m benchmarks.quality.clustering [SET]`.

USPS (9,298 digits, 16x16) and MNIST (70,000, 28x28), values in [0, 1], training and test images
together; Olivetti faces (400 of 40 persons, 64x64); 20 newsgroups (11,258 documents as TF-IDF rows
of 1,995 words, sparse). All by the defaults of `DeepClustering`, no setting but the number of
clusters: 10 digits, 40 persons, 20 groups. Beside k-means on the rows (20 starts): k-means and the
mixture that DEC begins with on codes, and DEC; mean, least and largest of three seeds. Published:
DEC-keras, mean of 10 trials, in brackets the paper (J. Xie, R. Girshick, A. Farhadi, ICML 2016).

Accuracy, in per cent, is that of the best assignment of clusters to classes; documents have no
classes, and their figure is the coherence of a cluster's words (`clusters_of_words`), times 100.

"same" is how far the seeds agree: the mean adjusted Rand index of their clusters, pair by pair. It
takes no label. How the recipe was found: docs/clustering.md. The seeds done are kept if the command
is stopped.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score

from aecore import DeepClustering
from aecore._clusters.clusterers import START
from aecore._clusters.figures import accuracy
from aecore.callbacks import EpochState
from benchmarks.quality.clusters_of_words import Coherence, load_tfidf
from benchmarks.quality.common import (
    RESULTS,
    Benchmark,
    Goal,
    _commit,
    data_folder,
    load_digits,
    load_labels,
    print_table,
)

Labels = NDArray[np.int64]
Figures = dict[str, float]
_WAYS = ("k-means on rows", "k-means", "mixture", "DEC")


@dataclass(frozen=True)
class Rows:
    """A set: its rows, its number of clusters, and how good labels are, in per cent."""

    X: Any
    n_clusters: int
    quality: Callable[[Labels], float]
    classes: Labels | None = None
    published: dict[str, str] = field(default_factory=dict)
    goals: dict[str, tuple[float, float]] = field(default_factory=dict)  # quick, full: at least


def _of_classes(X: Any, y: NDArray[Any], **more: Any) -> Rows:
    classes = y.astype(np.int64)
    quality = lambda labels: 100.0 * accuracy(classes, labels)  # noqa: E731
    return Rows(X, len(np.unique(classes)), quality, classes, **more)


def _usps(quick: bool) -> Rows:
    with np.load(data_folder("usps") / "usps.npz") as data:
        X = np.concatenate([data["X_train"], data["X_test"]])
        y = np.concatenate([data["y_train"], data["y_test"]])
    published = {"k-means on rows": "66.8", "k-means": "70.9", "DEC": "76.4"}
    goals = {"k-means": (55.0, 70.0), "DEC": (58.0, 76.0)}
    n = 500 if quick else len(X)
    return _of_classes(X[:n], y[:n], published=published, goals=goals)


def _mnist(quick: bool) -> Rows:
    X, y = np.concatenate(load_digits()), np.concatenate(load_labels())
    published = {"k-means": "87.9 (81.8)", "DEC": "91.2 (84.3)"}
    goals = {"k-means": (38.0, 85.0), "DEC": (40.0, 93.0)}
    n = 500 if quick else len(X)
    return _of_classes(X[:n] / np.float32(255), y[:n], published=published, goals=goals)


def _olivetti(quick: bool) -> Rows:
    with np.load(data_folder("olivetti-faces") / "olivetti.npz") as data:
        X, y = data["X"] / np.float32(255), data["person"]
    n = 100 if quick else len(X)
    return _of_classes(X[:n], y[:n])


def _news(quick: bool) -> Rows:
    tfidf = load_tfidf(300 if quick else None)
    coherence = Coherence(tfidf)
    return Rows(tfidf, 20, lambda labels: 100.0 * coherence.npmi(labels))


SETS = {"usps": _usps, "mnist": _mnist, "olivetti": _olivetti, "news": _news}


class Report:
    """A callback that prints a line every so many epochs or rounds."""

    def __init__(self, title: str, every: int = 10) -> None:
        self._title, self._every, self._start = title, every, time.perf_counter()

    def on_epoch_end(self, state: EpochState) -> None:
        """Take an epoch."""
        if (state.epoch + 1) % self._every == 0:
            changed = state.history.get("changed")
            more = "" if changed is None else f", {changed[-1]:.4f} changed"
            seconds = time.perf_counter() - self._start
            line = f"{self._title} {state.epoch + 1}/{state.n_epochs}: J {state.loss:.4f}{more}"
            print(f"    {line}, {seconds:.0f} s", flush=True)


def run(rows: Rows, seed: int) -> tuple[Figures, dict[str, Labels]]:
    """The figures of a seed, and the labels of each way."""
    X, n_clusters = rows.X, rows.n_clusters
    common: dict[str, Any] = {"random_state": seed, "callbacks": Report(f"seed {seed}")}
    begin = time.perf_counter()
    means = DeepClustering(n_clusters, **common).fit(X)
    trained = time.perf_counter()
    network = means.network_
    on_rows = KMeans(n_clusters, n_init=20, random_state=seed).fit(X).labels_
    mixture = DeepClustering(n_clusters, clusterer=START, **common)
    refined = DeepClustering(n_clusters, refinement="dec", **common)
    models = [means, mixture.fit(X, init=network), refined.fit(X, init=network)]
    labels = [on_rows.astype(np.int64), *(model.labels_ for model in models)]
    found = dict(zip(_WAYS, labels, strict=True))
    figures = {way: rows.quality(each) for way, each in found.items()}
    if rows.classes is not None:
        figures |= {
            f"{way}, NMI": float(normalized_mutual_info_score(rows.classes, each))
            for way, each in found.items()
        }
    figures |= {
        "error over that of the column means": error_beside_means(network, X),
        "seconds of the autoencoder": trained - begin,
    }
    text = ", ".join(f"{name} {value:.4g}" for name, value in figures.items())
    print(f"  seed {seed}: {text}", flush=True)
    return figures, found


def error_beside_means(network: Any, X: Any) -> float:
    """Squared error of reconstructions over that of the column means, of 2,000 rows."""
    some = X[np.random.default_rng(0).permutation(X.shape[0])[:2_000]]
    dense = np.asarray(some.todense() if hasattr(some, "todense") else some, dtype=np.float64)
    seen = network._input.apply(dense)  # the network speaks of scaled rows
    made = network.reconstruct(some)
    return float(np.square(made - seen).sum() / np.square(seen - seen.mean(axis=0)).sum())


def run_seeds(name: str, rows: Rows, n_seeds: int, *, keep: bool) -> Figures:
    """Mean, least and largest of each figure, and how far the seeds agree.

    With `keep`, what a seed has found is written to `results/clustering_<name>.partial.json`, and a
    seed that the same commit has done is not run again. The last seed deletes the file.
    """
    partial = Path(RESULTS).with_name(f"clustering_{name}.partial.json")
    done: dict[str, Any] = {}
    if keep and partial.exists():
        content = json.loads(partial.read_text())
        done = content["seeds"] if content["commit"] == _commit() else {}
    for seed in range(n_seeds):
        if str(seed) in done:
            print(f"  seed {seed}: as of {partial.name}")
            continue
        figures, found = run(rows, seed)
        done[str(seed)] = [figures, {way: labels.tolist() for way, labels in found.items()}]
        if keep:
            partial.write_text(json.dumps({"commit": _commit(), "seeds": done}) + "\n")
    partial.unlink(missing_ok=True)
    summary: Figures = {}
    for key in done["0"][0]:
        values = [figures[key] for figures, _ in done.values()]
        summary |= {key: float(np.mean(values)), f"{key} min": min(values)}
        summary[f"{key} max"] = max(values)
    for way in _WAYS:
        pairs = itertools.combinations([found[way] for _, found in done.values()], 2)
        agreement = [adjusted_rand_score(*pair) for pair in pairs]
        summary[f"{way} same"] = float(np.mean(agreement)) if agreement else float("nan")
    return summary


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("clustering", __doc__, sets=tuple(SETS))
    everything: dict[str, Figures] = {}
    goals: list[Goal] = []
    for name in benchmark.sets:
        rows = SETS[name](benchmark.quick)
        print(f"{name}: {rows.X.shape[0]} rows, {rows.n_clusters} clusters", flush=True)
        figures = run_seeds(name, rows, benchmark.n_seeds, keep=not benchmark.quick)
        parts = ("", " min", " max", " same")
        lines = [
            [way, rows.published.get(way, ""), *(f"{figures[way + part]:.3f}" for part in parts)]
            for way in _WAYS
        ]
        print_table([name, "published", "mean", "least", "most", "same"], lines)
        for way, (quick, full) in rows.goals.items():
            low = quick if benchmark.quick else full
            goals.append(Goal(f"{name}: {way}", figures[way], low, 100.0))
        error = figures["error over that of the column means max"]
        goals.append(Goal(f"{name}: largest error over that of the column means", error, 0, 0.95))
        everything[name] = figures
    return benchmark.finish(everything, goals)


if __name__ == "__main__":
    raise SystemExit(main())
