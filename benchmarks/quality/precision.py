"""What single precision costs: `python -m benchmarks.quality.precision [--quick]`.

The loss of the keras workload (784-32-784, Adam, binary cross entropy) after 20 epochs of MNIST in
float32 and in float64, from the same weights, over the same batches: equal to three digits.
"""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import NDArray

from aecore import Autoencoder
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    mean_over_seeds,
    print_table,
)
from benchmarks.workloads import workload

_N_EPOCHS = 20
_DTYPES = ("float32", "float64")
# Half a unit of the third digit of a number that begins with 9, relative: the strictest case.
_TOLERANCE = 5e-4


def run(images: NDArray[np.uint8], seed: int) -> dict[str, float]:
    """J of the last epoch by dtype, and the relative difference."""
    work = workload("keras")
    figures = {}
    for dtype in _DTYPES:
        model = Autoencoder(
            work.hidden_layer_sizes,
            activation=work.activations[0],
            output_activation=work.activations[-1],
            loss=work.loss,
            optimizer=work.optimizer,
            learning_rate=work.learning_rate,
            batch_size=work.batch_size,
            n_epochs=_N_EPOCHS,
            input_scale=PIXEL,
            dtype=dtype,
            n_threads=1,
            random_state=seed,
        ).fit(images)
        figures[dtype] = model.history_["loss"][-1]
    return {**figures, "difference": abs(figures["float32"] / figures["float64"] - 1.0)}


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("precision", __doc__)
    images, _ = load_digits()
    if benchmark.quick:
        images = images[:6_000]
    figures = mean_over_seeds(functools.partial(run, images), benchmark.n_seeds)
    print(f"784-32-784 on {len(images)} digits, {_N_EPOCHS} epochs")
    lines = [[dtype, f"{figures[dtype]:.6f}"] for dtype in _DTYPES]
    print_table(["", "J of the last epoch"], lines)
    goals = [Goal("relative difference", figures["difference"], 0.0, _TOLERANCE)]
    if benchmark.quick:
        goals.append(Goal("J", figures["float64"], 90.5, 91.3))
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
