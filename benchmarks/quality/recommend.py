"""How well recommenders recommend: `python -m benchmarks.quality.recommend [--quick]`.

gowalla    LightGCN's split, recall and NDCG of the first 20 over all users.
temporal   MovieLens-1M, ratings of at least 4, 10-core: fitted to split 0 and fed with it, items
           of splits 0 and 1 excluded, split 2 scored.
held out   The same pairs: 600 users are not in the training set, 80 % of a user's items are fed and
           the others scored.
ratings    RMSE of MovieLens-1M, 10 % of the ratings scored and the others learned from.

Recall divides by all relevant items. Settings were chosen on parts of the training data; the
autoencoder of gowalla has one seed.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from aecore import EASE, AutoencoderRecommender, metrics
from benchmarks.quality.baselines import ItemKNN, Popularity
from benchmarks.quality.common import (
    Benchmark,
    Goal,
    data_folder,
    mean_over_seeds,
    print_table,
)

_K = 20
_HELD_OUT_USERS = 600
Columns = Mapping[str, NDArray[Any]]
Figures = dict[str, float]


@dataclass(frozen=True)
class Task:
    """Rows to learn from, rows to be fed, what they already have, and what is to be named."""

    learned: csr_array
    fed: csr_array
    excluded: csr_array
    relevant: csr_array

    def run(self, model: Any) -> Figures:
        """Fit and score."""
        begin = time.perf_counter()
        model.fit(self.learned)
        seconds = time.perf_counter() - begin
        ids, _ = model.recommend(self.fed, _K, filter_seen=False, exclude=self.excluded)
        return {
            "recall": metrics.recall_at_k(ids, self.relevant),
            "ndcg": metrics.ndcg_at_k(ids, self.relevant),
            "seconds": seconds,
        }


def read(folder: str, name: str) -> dict[str, NDArray[Any]]:
    """All columns of a file."""
    with np.load(data_folder(folder) / name) as archive:
        return {column: archive[column] for column in archive.files}


def matrices(columns: Columns, parts: list[NDArray[np.bool_]]) -> list[csr_array]:
    """One matrix of ones for each selection of the rows, all of one shape."""
    _, users = np.unique(columns["user"], return_inverse=True)
    _, items = np.unique(columns["item"], return_inverse=True)
    shape = (int(users.max()) + 1, int(items.max()) + 1)
    return [
        csr_array((np.ones(part.sum(), np.float32), (users[part], items[part])), shape=shape)
        for part in parts
    ]


def gowalla() -> Task:
    """Train and test of the LightGCN split."""
    columns = read("gowalla", "gowalla.npz")
    known, relevant = matrices(columns, [columns["split"] < 2, columns["split"] == 2])
    return Task(known, known, known, relevant)


def temporal(columns: Columns) -> Task:
    """Split 2 by split 0."""
    split = columns["split"]
    first, known, relevant = matrices(columns, [split == 0, split < 2, split == 2])
    return Task(first, first, known, relevant)


def held_out(columns: Columns, seed: int) -> Task:
    """Users that are not in the training set; a fifth of each one's items is to be named."""
    rng = np.random.default_rng(seed)
    (rows,) = matrices(columns, [np.ones(len(columns["user"]), bool)])
    chosen = np.zeros(rows.shape[0], bool)
    chosen[rng.choice(rows.shape[0], _HELD_OUT_USERS, replace=False)] = True
    asked = rows[chosen]
    # The order of each user's items, drawn: the first fifth is hidden.
    order = rng.random(asked.nnz) + np.repeat(np.arange(asked.shape[0]), np.diff(asked.indptr))
    place = np.argsort(np.argsort(order)) - np.repeat(asked.indptr[:-1], np.diff(asked.indptr))
    hidden = place < np.repeat(np.diff(asked.indptr) // 5, np.diff(asked.indptr))
    parts = []
    for kept in (~hidden, hidden):
        part = csr_array(
            (asked.data * kept, asked.indices.copy(), asked.indptr.copy()), asked.shape
        )
        part.eliminate_zeros()
        parts.append(part)
    fed, relevant = parts
    return Task(rows[~chosen], fed, fed, relevant)


def rmse(columns: Columns, settings: Mapping[str, Any], seed: int) -> Figures:
    """Of ratings held out at random, by I-AutoRec."""
    users, items = columns["user"] - 1, columns["item"] - 1
    shape = (int(users.max()) + 1, int(items.max()) + 1)
    test = np.random.default_rng(seed).permutation(len(users)) < len(users) // 10
    learned, asked = (
        csr_array((columns["rating"][part].astype(np.float32), (users[part], items[part])), shape)
        for part in (~test, test)
    )
    model = AutoencoderRecommender(
        **settings, feedback="explicit", orientation="item", n_threads=1, random_state=seed
    )
    begin = time.perf_counter()
    model.fit(learned)
    seconds = time.perf_counter() - begin
    error = model.predict(learned, asked).data - asked.data
    return {"rmse": float(np.sqrt(np.mean(error.astype(np.float64) ** 2))), "seconds": seconds}


# Chosen on split 1 of the temporal split, on the validation pairs of Gowalla, on other users held
# out, and on a tenth of the training ratings.
_NEIGHBOURS = 100
_LAMBDA = {"gowalla": 200.0, "temporal": 700.0, "held out": 500.0}
_MULT_DAE: dict[str, dict[str, Any]] = {
    "gowalla": {
        "hidden_layer_sizes": (200,),
        "n_epochs": 40,
        "batch_size": 200,
        "learning_rate_schedule": "cosine",
    },
    "temporal": {"hidden_layer_sizes": (200,), "n_epochs": 65},
    "held out": {
        "hidden_layer_sizes": (200,),
        "n_epochs": 40,
        "batch_size": 50,
        "weight_decay": 1e-4,
        "learning_rate_schedule": "cosine",
    },
}
_AUTOREC: dict[str, Any] = {
    "hidden_layer_sizes": (500,),
    "activation": "sigmoid",
    "input_dropout": 0.0,
    "weight_decay": 0.03,
    "learning_rate": 2e-3,
    "learning_rate_schedule": "cosine",
    "batch_size": 64,
    "n_epochs": 12,
}
_QUICK: dict[str, Any] = {
    "hidden_layer_sizes": (50,),
    "n_epochs": 12,
    "batch_size": 250,
    "learning_rate": 3e-3,
}
_QUICK_AUTOREC: dict[str, Any] = {"hidden_layer_sizes": (50,), "n_epochs": 4}


def models_of(name: str, seed: int, *, quick: bool) -> dict[str, Any]:
    """What is compared: a fresh model for each name."""
    settings = _QUICK if quick else _MULT_DAE[name]
    return {
        "popularity": Popularity(),
        "item-kNN": ItemKNN(_NEIGHBOURS),
        "EASE": EASE(_LAMBDA[name]),
        "Mult-DAE": AutoencoderRecommender(**settings, random_state=seed),
        "Mult-VAE": AutoencoderRecommender(
            **settings, variational=True, beta_warmup_epochs=settings["n_epochs"], random_state=seed
        ),
    }


def compare(
    name: str, task: Callable[[int], Task], n_seeds: int, *, quick: bool
) -> dict[str, Figures]:
    """Figures of each model, means over the seeds."""
    found = {}
    for model in models_of(name, 0, quick=quick):
        # Another seed is another split or another start; where it is neither, one run says all.
        seeds = n_seeds if name == "held out" or model.startswith("Mult") else 1

        def run(seed: int, model: str = model) -> Figures:
            return task(seed).run(models_of(name, seed, quick=quick)[model])

        found[model] = mean_over_seeds(run, seeds)
        print(f"  {name}, {model}: {found[model]}", flush=True)
    return found


def goals_of(name: str, found: Mapping[str, Figures], *, quick: bool) -> list[Goal]:
    """What is to be reached."""
    recall = {model: figures["recall"] for model, figures in found.items()}
    ease, neural = recall["EASE"], recall["Mult-DAE"]
    if name == "gowalla":
        return [
            Goal("gowalla: recall@20 of Mult-DAE", neural, 0.158),
            Goal("gowalla: its training seconds", found["Mult-DAE"]["seconds"], 0, 2400),
            Goal("gowalla: recall@20 of Mult-VAE", recall["Mult-VAE"], 0.160),
            Goal("gowalla: its training seconds", found["Mult-VAE"]["seconds"], 0, 2400),
            Goal("gowalla: best recall@20", max(recall.values()), 0.172),
        ]
    if name == "temporal":
        low = 0.13 if quick else 0.170
        return [
            Goal("temporal: recall@20 of EASE", ease, 0.181),
            Goal("temporal: recall@20 of Mult-DAE", neural, low),
        ]
    short = 0.08 if quick else 0.005
    return [Goal("held out: recall@20 of Mult-DAE less EASE's", neural - ease, -short)]


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("recommend", __doc__)
    quick, n_seeds = benchmark.quick, benchmark.n_seeds
    figures: dict[str, Any] = {}
    goals: list[Goal] = []
    liked = read("movielens-1m", "ml-1m_ge4_core10_temporal_diffrec.npz")
    tasks: dict[str, tuple[Callable[[int], Task], int]] = {
        "temporal": (lambda _: temporal(liked), n_seeds),
        "held out": (functools.partial(held_out, liked), n_seeds),
    }
    if not quick:
        tasks["gowalla"] = (lambda _: gowalla(), 1)
    for name, (task, seeds) in tasks.items():
        figures[name] = compare(name, task, seeds, quick=quick)
        goals += goals_of(name, figures[name], quick=quick)
    ratings = read("movielens-1m", "ml-1m.npz")
    settings = {**_AUTOREC, **(_QUICK_AUTOREC if quick else {})}
    figures["ratings"] = mean_over_seeds(functools.partial(rmse, ratings, settings), n_seeds)
    highest = 0.95 if quick else 0.838
    goals.append(Goal("ratings: RMSE of I-AutoRec", figures["ratings"]["rmse"], 0, highest))
    lines = [
        [name, model, f"{f['recall']:.4f}", f"{f['ndcg']:.4f}", f"{f['seconds']:.0f}"]
        for name in tasks
        for model, f in figures[name].items()
    ]
    print_table(["", "", "recall@20", "ndcg@20", "training s"], lines)
    print(f"  ratings: RMSE {figures['ratings']['rmse']:.4f}")
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
