"""The matrix products of training against the peak of one core: `python -m benchmarks.gemm`.

Every instruction set of the machine has a process of its own; AECORE_ISA in the environment
measures that one alone. Operands are in plain row-major memory, and each repeat counts all packing.
A product is measured between two runs of the calibration kernel, whose rate is the peak.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys

import numpy as np

from aecore import _core
from benchmarks.machine import Calibration, pick_cores, processor
from benchmarks.quality.common import print_table

# (m, k, n): c is m x n, k is summed over.
SHAPES = (
    (256, 784, 32),
    (256, 32, 784),
    (784, 256, 32),
    (256, 784, 512),
    (512, 256, 784),
    (256, 500, 2000),
    (1024, 1024, 1024),
)
# "forward": c = a b; "backward": c = a b^T; "weights": c = a^T b.
PRODUCTS = ("forward", "backward", "weights")
_N_ROUNDS = 7
_MAX_ROUNDS = 14
# Long enough to forget what the calibration did to the caches.
_SECONDS = 0.01


def measure(
    product: str, shape: tuple[int, int, int], calibration: Calibration
) -> tuple[float, float, bool]:
    """Median rate of one product, in operations a second, and as a fraction of the peak.

    The last value is True if every round was disturbed: the medians are over all of them then.
    """
    m, k, n = shape
    rng = np.random.default_rng(0)
    a = rng.standard_normal((k, m) if product == "weights" else (m, k), dtype=np.float32)
    b = rng.standard_normal((n, k) if product == "backward" else (k, n), dtype=np.float32)
    c = np.zeros((m, n), np.float32)
    operations = 2.0 * m * k * n
    repeats = max(3, round(_SECONDS * calibration.peak * 0.8 / operations))
    rounds: list[tuple[float, float, float]] = []
    for _ in range(_MAX_ROUNDS):
        before = calibration.measure()
        seconds = statistics.median(_core.matmul(product, a, b, c, repeats))
        rounds.append((operations / seconds, before, calibration.measure()))
        quiet = [each for each in rounds if calibration.was_quiet(*each[1:])]
        if len(quiet) >= _N_ROUNDS:
            break
    kept = quiet or rounds
    rate = statistics.median(rate for rate, *_ in kept)
    return rate, statistics.median(rate / max(peaks) for rate, *peaks in kept), not quiet


def report() -> None:
    """Measure and print all products with the instruction set of this process."""
    os.sched_setaffinity(0, pick_cores(1))
    calibration = Calibration()
    measured = {(s, p): measure(p, s, calibration) for s in SHAPES for p in PRODUCTS}
    lines = []
    for shape in SHAPES:
        cells = [_cell(*measured[shape, product]) for product in PRODUCTS]
        lines.append(["x".join(map(str, shape)), *cells])
    print(
        f"{_core.show_build()['isa']} on {processor()}: peak {calibration.peak / 1e9:.1f} GFLOP/s"
    )
    print_table(["m x k x n", *(f"{product}: GFLOP/s, of peak" for product in PRODUCTS)], lines)
    least = min(fraction for _, fraction, _ in measured.values())
    print(f"  least fraction of peak: {least:.3f}; * the machine was disturbed throughout")


def _cell(rate: float, fraction: float, disturbed: bool) -> str:
    return f"{rate / 1e9:.1f}  {fraction:.3f}{'*' if disturbed else ' '}"


def main() -> int:
    """Report the instruction set that is forced, or each one from a process of its own."""
    if "AECORE_ISA" in os.environ:
        report()
        return 0
    status = 0
    for isa in _core.show_build()["isa_available"]:
        child = subprocess.run(
            [sys.executable, "-m", "benchmarks.gemm"],
            env={**os.environ, "AECORE_ISA": isa},
            check=False,
        )
        status = status or child.returncode
    return status


if __name__ == "__main__":
    sys.exit(main())
