"""Many small networks, beside joblib: `python -m benchmarks.quality.fit_many [--quick]`.

A thousand networks 30-8-30, each on 1,000 rows of its own: `aecore.fit_many` and joblib's processes
with scikit-learn's MLPRegressor, on the same cores, with the same Adam, batches and epochs. The two
take turns, each time with all networks; rates are medians over the turns. Losses are means over all
networks of half the squared error of a row after training, measured alike for both.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPRegressor

import aecore
from benchmarks.quality.common import Benchmark, Goal, print_table

_N_ROWS, _N_FEATURES, _N_CODE, _N_FACTORS = 1000, 30, 8, 6
_N_EPOCHS = 50
# Networks by batch size. 200 is MLPRegressor's own for 1,000 rows; with 32 it would take many
# minutes for a thousand networks.
_BATCHES = {200: 1000, 32: 250}
# MLPRegressor draws its first biases, aecore begins with 0: their losses need not end alike.
_LOSS_RATIO = (0.9, 1.02)


def make_data(n: int) -> NDArray[np.float32]:
    """Sensors' rows: six factors bent by tanh, and noise; other factors for each network."""
    rng = np.random.default_rng(0)
    factors = rng.standard_normal((n, _N_ROWS, _N_FACTORS))
    mixing = rng.standard_normal((n, _N_FACTORS, _N_FEATURES))
    noise = 0.1 * rng.standard_normal((n, _N_ROWS, _N_FEATURES))
    return (np.tanh(factors @ mixing) + noise).astype(np.float32)


def fit_aecore(X: NDArray[np.float32], batch_size: int) -> Sequence[Any]:
    """One call."""
    estimator = aecore.Autoencoder((_N_CODE,), n_epochs=_N_EPOCHS, batch_size=batch_size)
    return aecore.fit_many(estimator, X, random_state=0)


def fit_one(rows: NDArray[np.float32], batch_size: int, seed: int) -> MLPRegressor:
    """Fit in a process of joblib's, for all epochs and without a penalty."""
    model = MLPRegressor(
        hidden_layer_sizes=(_N_CODE,),
        alpha=0.0,
        batch_size=batch_size,
        max_iter=_N_EPOCHS,
        n_iter_no_change=_N_EPOCHS + 1,
        random_state=seed,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(rows, rows)


def fit_joblib(X: NDArray[np.float32], batch_size: int) -> Sequence[Any]:
    """As many processes as fit_many has threads, each with one thread of BLAS."""
    jobs = (delayed(fit_one)(rows, batch_size, seed) for seed, rows in enumerate(X))
    models: Sequence[Any] = Parallel(n_jobs=aecore._core.default_n_threads())(jobs)
    return models


def mean_loss(X: NDArray[np.float32], outputs: Sequence[NDArray[Any]]) -> float:
    """Half the squared error of a row."""
    rows = zip(X, outputs, strict=True)
    return float(np.mean([0.5 * ((out - x) ** 2).sum(axis=1).mean() for x, out in rows]))


def compare(X: NDArray[np.float32], batch_size: int, n_turns: int) -> dict[str, float]:
    """Networks per second of both, and their losses."""
    sides: dict[str, Callable[..., Sequence[Any]]] = {"aecore": fit_aecore, "joblib": fit_joblib}
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    losses = {}
    for fit in sides.values():
        fit(X[:4], batch_size)  # modules loaded, processes made
    for _ in range(n_turns):
        for name, fit in sides.items():
            start = time.perf_counter()
            models = fit(X, batch_size)
            seconds[name].append(time.perf_counter() - start)
            give = "reconstruct" if name == "aecore" else "predict"
            pairs = zip(X, models, strict=True)
            losses[name] = mean_loss(X, [getattr(model, give)(x) for x, model in pairs])
    rates = {name: len(X) / float(np.median(each)) for name, each in seconds.items()}
    return {
        "rate": rates["aecore"],
        "joblib": rates["joblib"],
        "ratio": rates["aecore"] / rates["joblib"],
        "loss": losses["aecore"],
        "joblib's loss": losses["joblib"],
    }


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("fit_many", __doc__)
    shape = f"{_N_FEATURES}-{_N_CODE}-{_N_FEATURES}"
    print(f"networks {shape}, {_N_ROWS} rows each, {_N_EPOCHS} epochs; networks per second")
    figures = {}
    for batch_size, n_networks in _BATCHES.items():
        X = make_data(8 if benchmark.quick else n_networks)
        figures[f"batches of {batch_size}"] = compare(X, batch_size, benchmark.n_seeds)
    lines = [
        [name, f"{f['rate']:.0f}", f"{f['joblib']:.1f}", f"{f['ratio']:.1f}"]
        + [f"{f[loss]:.3f}" for loss in ("loss", "joblib's loss")]
        for name, f in figures.items()
    ]
    print_table(["", "fit_many", "joblib", "ratio", "loss", "joblib's loss"], lines)
    goals = []
    for name, f in figures.items():
        # A few networks on a machine with other work say little about the rate.
        goals.append(Goal(f"rate, {name}", f["ratio"], 2.0 if benchmark.quick else 10.0))
        goals.append(Goal(f"loss ratio, {name}", f["loss"] / f["joblib's loss"], *_LOSS_RATIO))
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
