"""Networks that died early: `python -m benchmarks.quality.short_trainings [SET] [--quick]`.

The default autoencoder of `DeepClustering`, trained for 80 updates from 20 seeds, on the sets of
`clustering`, Frey faces (1,965 x 560), and the inverse 1 - x of each (of the documents too, dense).
Epochs are whole ones: of fewer rows, and 78 updates where that is nearest.
A network is dead if it explains less than a tenth of the variance that as many principal components
as its code has units explain, or a unit of its code says the same of every row: both over 1,000 of
the rows that it was trained with.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.decomposition import PCA

from aecore._clusters.recipe import default_autoencoder, start
from benchmarks.quality.clustering import SETS, Rows, error_beside_means
from benchmarks.quality.common import Benchmark, Goal, data_folder, print_table

_N_UPDATES, _N_TRAININGS, _ALIVE, _N_JUDGED = 80, 20, 0.1, 1_000


def _frey(quick: bool) -> Rows:
    with np.load(data_folder("frey-faces") / "frey.npz") as data:
        X = data["X"] / np.float32(255)
    return Rows(X[:500] if quick else X, 1, lambda _: 0.0)


def train(X: Any, seed: int) -> tuple[float, int]:
    """The error of a short training beside that of the column means, and its dead units."""
    autoencoder = default_autoencoder(X)
    batch_size = autoencoder.batch_size
    n_epochs = -(-_N_UPDATES // -(-X.shape[0] // batch_size))
    rows = X[: _N_UPDATES // n_epochs * batch_size]
    autoencoder.set_params(n_epochs=n_epochs, random_state=seed)
    begin = start(rows, dtype=autoencoder.dtype, n_threads=autoencoder.n_threads, seed=seed)
    autoencoder.fit(rows, init=begin)
    codes = np.asarray(autoencoder.network_.encode(rows[:_N_JUDGED]))
    n_dead = int((codes == codes[0]).all(axis=0).sum())
    return error_beside_means(autoencoder.network_, rows[:_N_JUDGED]), n_dead


def most_error(rows: Any) -> float:
    """The error of a network that is just not dead, by what principal components leave."""
    judged = rows[:_N_JUDGED]
    judged = judged.toarray() if hasattr(judged, "toarray") else np.asarray(judged)
    pca = PCA(default_autoencoder(rows).hidden_layer_sizes[-1], random_state=0).fit(judged)
    return 1.0 - _ALIVE * float(pca.explained_variance_ratio_.sum())


def main() -> int:
    """Run the benchmark."""
    sets = {**SETS, "frey": _frey}
    benchmark = Benchmark("short_trainings", __doc__, sets=tuple(sets))
    n_trainings = 2 if benchmark.quick else _N_TRAININGS
    figures: dict[str, float] = {}
    lines, goals = [], []
    for name in benchmark.sets:
        X = sets[name](benchmark.quick).X
        dense = X.toarray() if hasattr(X, "toarray") else X
        for kind, rows in ((name, X), (f"1 - {name}", 1 - dense)):
            found = [train(rows, seed) for seed in range(n_trainings)]
            errors = [error for error, _ in found]
            most = most_error(rows)
            dead = sum(error > most or units > 0 for error, units in found)
            figures |= {f"{kind}, largest error": max(errors), f"{kind}, dead": float(dead)}
            lines.append([kind, f"{np.mean(errors):.3f}", f"{max(errors):.3f}", str(dead)])
            print(f"  {kind}: {lines[-1][1:]}", flush=True)
            goals.append(Goal(f"{kind}: dead of {n_trainings}", dead, 0, 0))
    print_table(["error over that of the means", "mean", "largest", "dead"], lines)
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
