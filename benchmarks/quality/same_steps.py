"""A thousand steps beside PyTorch's: `python -m benchmarks.quality.same_steps [--quick]`.

784-32-784 from the same initial weights over the same MNIST rows in the same order: gradient
descent row by row (sigmoid, squared error) and Adam in batches of 256 (relu, cross entropy). J over
the first 2,000 rows afterwards is equal to 1e-4. PyTorch's J is stored for where it is not
installed, and with `--quick`.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aecore import Autoencoder, Network, _core
from benchmarks.quality import with_torch
from benchmarks.quality.common import PIXEL, Benchmark, Goal, load_digits, print_table

_N_STEPS = 1000
_TOLERANCE = 1e-4


@dataclass(frozen=True)
class Case:
    """One training."""

    name: str
    activation: str
    loss: str
    optimizer: str
    learning_rate: float
    batch_size: int
    n_epochs: int
    stored: tuple[float, ...]  # J of PyTorch 2.13 for the seeds 0, 1, 2

    @property
    def n_rows(self) -> int:
        """Rows that make `_N_STEPS` batches."""
        return _N_STEPS * self.batch_size // self.n_epochs


CASES = (
    Case(
        "SGD, one row",
        "sigmoid",
        "squared_error",
        "sgd",
        0.01,
        1,
        1,
        (26.554029062, 26.596258457, 26.619432800),
    ),
    Case(
        "Adam, 256 rows",
        "relu",
        "binary_cross_entropy",
        "adam",
        1e-3,
        256,
        8,
        (92.594635894, 93.415093964, 92.304556052),
    ),
)


def objectives(case: Case, images: NDArray[np.uint8], seed: int, *, torch: bool) -> list[float]:
    """J of aecore, and of PyTorch: computed, or as it is stored."""
    X = images[: case.n_rows] * np.float32(PIXEL)
    names = [case.activation, "sigmoid"]
    start = Network([784, 32, 784], names, n_threads=1, random_state=seed)
    model = Autoencoder(
        (32,),
        activation=case.activation,
        output_activation="sigmoid",
        loss=case.loss,
        optimizer=case.optimizer,
        learning_rate=case.learning_rate,
        batch_size=case.batch_size,
        n_epochs=case.n_epochs,
        n_threads=1,
        random_state=seed,
    ).fit(X, init=start)
    held = images[:2_000] * np.float32(PIXEL)
    ours = model.network_.objective(held, loss=case.loss)
    if not torch:
        return [ours, case.stored[seed]]
    orders = (_core.permutation(len(X), seed, epoch) for epoch in range(case.n_epochs))
    learned = with_torch.train(
        start, X, orders, case.loss, case.optimizer, case.learning_rate, case.batch_size
    )
    return [ours, learned.objective(held, loss=case.loss)]


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("same_steps", __doc__)
    torch = with_torch.is_installed() and not benchmark.quick
    images, _ = load_digits()
    lines, goals, figures = [], [], {}
    for case in CASES:
        both = functools.partial(objectives, case, images, torch=torch)
        values = [both(seed) for seed in range(benchmark.n_seeds)]
        difference = max(abs(ours / theirs - 1.0) for ours, theirs in values)
        means = np.mean(values, axis=0).tolist()
        lines.append([case.name, *(f"{mean:.6f}" for mean in means), f"{difference:.1e}"])
        goals.append(Goal(f"{case.name}: largest difference", difference, 0.0, _TOLERANCE))
        figures[case.name] = {"J": means[0], "torch J": means[1], "difference": difference}
        if torch:
            print(f"  {case.name}: PyTorch's J, by seed: {[value for _, value in values]}")
    print(f"784-32-784, J after {_N_STEPS} steps, PyTorch {'run' if torch else 'stored'}")
    print_table(["", "aecore", "PyTorch", "largest relative difference"], lines)
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
