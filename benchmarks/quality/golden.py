"""The sparse autoencoder beside the optimum that another program found.

`python -m benchmarks.quality.golden [--quick] [--seeds N]` trains `SparseAutoencoder`, with its
defaults for everything that the published run does not fix, on 5,000 natural image patches, and
prints the objective J after 3, 6 and 30 seconds and at the end. Exit code 1 if a target is missed.

The published weights come with the R package `autoencoder` 1.1 (BFGS, at most 2,000 iterations);
J at these weights, recomputed, is 2.245682 for 25 hidden units and 2.026540 for 100.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aecore import SparseAutoencoder
from benchmarks.quality.common import data_folder, machine, print_table

SECONDS = (3.0, 6.0, 30.0)


@dataclass(frozen=True)
class Problem:
    """One published optimum, and what a run has to reach."""

    n_hidden: int
    published: float
    targets: dict[float, float]  # seconds: J at most
    quick: float  # J at most at the end of a run, however long it took


PROBLEMS = (
    Problem(25, 2.245682, {3.0: 2.250}, quick=2.2457),
    Problem(100, 2.026540, {6.0: 2.05, 30.0: 2.032}, quick=2.030),
)


@dataclass(frozen=True)
class Run:
    """One training: J after each iteration, when that was, and how long `fit` took."""

    losses: NDArray[np.float64]
    elapsed: NDArray[np.float64]  # seconds since the first iteration began
    wall: float

    def objective_at(self, seconds: float) -> float:
        """J of the last iteration that was finished by then; infinite if none was."""
        n_finished = int(np.searchsorted(self.elapsed, seconds, side="right"))
        return float(self.losses[n_finished - 1]) if n_finished else float("inf")


def load_patches() -> NDArray[np.float64]:
    """The patches, (5000, 100), scaled to [0.001, 0.999] as in the published run."""
    path = data_folder("natural-patches-10x10") / "patches_5000x100.npz"
    with np.load(path) as archive:
        return np.asarray(archive["X"] * (1.0 - 0.002) + 0.001)


def train(X: NDArray[np.float64], n_hidden: int, seed: int) -> Run:
    """Fit once, with the published lambda, beta and rho."""
    model = SparseAutoencoder(
        (n_hidden,),
        weight_decay=2e-4,
        sparsity_weight=6.0,
        sparsity_target=0.01,
        dtype="float64",
        n_threads=1,
        random_state=seed,
    )
    started = time.perf_counter()
    model.fit(X)
    wall = time.perf_counter() - started
    history = model.history_
    return Run(np.array(history["loss"]), np.cumsum(history["seconds"]), wall)


def show(problem: Problem, runs: list[Run]) -> None:
    """Print one line per seed, the worst, and the published optimum."""
    rows = [
        [
            str(seed),
            *(f"{run.objective_at(seconds):.6f}" for seconds in SECONDS),
            f"{run.losses[-1]:.6f}",
            str(len(run.losses)),
            f"{run.wall:.2f}",
        ]
        for seed, run in enumerate(runs)
    ]
    worst = [f"{max(run.objective_at(seconds) for run in runs):.6f}" for seconds in SECONDS]
    rows.append(
        [
            "worst",
            *worst,
            f"{max(run.losses[-1] for run in runs):.6f}",
            str(max(len(run.losses) for run in runs)),
            f"{max(run.wall for run in runs):.2f}",
        ]
    )
    print(f"\n100-{problem.n_hidden}-100: published optimum J = {problem.published:.6f}")
    names = [f"J at {seconds:g} s" for seconds in SECONDS]
    print_table(["seed", *names, "J at the end", "iterations", "fit s"], rows)


def check(problem: Problem, runs: list[Run], *, quick: bool) -> bool:
    """Print every target with the worst run beside it; whether all were met."""
    if quick:
        goals = [("at the end", problem.quick, max(float(run.losses[-1]) for run in runs))]
    else:
        goals = [
            (f"in {seconds:g} s", target, max(run.objective_at(seconds) for run in runs))
            for seconds, target in problem.targets.items()
        ]
    for when, target, reached in goals:
        verdict = "met" if reached <= target else "MISSED"
        print(f"  target: J <= {target} {when}: {verdict} ({reached:.6f})")
    return all(reached <= target for _, target, reached in goals)


def main() -> int:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="benchmarks.quality.golden", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one seed, targets without times")
    parser.add_argument("--seeds", type=int, metavar="N", help="seeds 0 to N-1 (default: 5)")
    options = parser.parse_args()
    n_seeds = options.seeds if options.seeds is not None else 1 if options.quick else 5
    if n_seeds < 1:
        parser.error(f"seeds must be an integer >= 1; got {n_seeds}")
    X = load_patches()
    print(f"{machine()}; threads=1, float64, seeds 0-{n_seeds - 1}")
    met = True
    for problem in PROBLEMS:
        runs = [train(X, problem.n_hidden, seed) for seed in range(n_seeds)]
        show(problem, runs)
        met = check(problem, runs, quick=options.quick) and met
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
