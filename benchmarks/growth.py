"""Time and memory as the data grows: `python -m benchmarks.growth`.

The keras workload on 10,000 to 1,000,000 rows: time per row per epoch, all sizes in turn on one
core, and the peak of memory above the input array, each size in a process of its own. With
matplotlib the curve is written as a picture.
"""

from __future__ import annotations

import argparse
import ctypes
import os
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

import aecore
from benchmarks.machine import Calibration, machine_slug, pick_cores, processor
from benchmarks.quality.common import print_table
from benchmarks.rows import make_rows
from benchmarks.workloads import Workload, workload

SIZES = (10_000, 30_000, 100_000, 300_000, 1_000_000)
_QUICK_SIZES = (10_000, 30_000, 100_000)
_N_ROUNDS = 5
_MAX_ROUNDS = 15
# Every measurement trains on at least this many rows: small sizes take several epochs.
_MIN_ROWS = 100_000


def make_estimator(work: Workload, n_epochs: int, n_threads: int = 1) -> aecore.Autoencoder:
    """Make the estimator of a workload that trains."""
    return aecore.Autoencoder(
        work.hidden_layer_sizes,
        activation=work.activations[0],
        output_activation=work.activations[-1],
        loss=work.loss,
        weight_decay=work.weight_decay,
        sparsity_weight=work.sparsity_weight,
        sparsity_target=work.sparsity_target,
        optimizer=work.optimizer,
        learning_rate=work.learning_rate,
        batch_size=work.batch_size,
        n_epochs=n_epochs,
        n_threads=n_threads,
        random_state=0,
    )


def times_per_row(X: NDArray[Any], sizes: Sequence[int]) -> dict[int, tuple[list[float], bool]]:
    """Seconds per row per epoch of the first rows of X, for each size.

    Disturbed rounds are left out. Where all were disturbed, all are given, and True with them.
    """
    work = workload("keras")
    calibration = Calibration()
    rounds: dict[int, list[tuple[float, float, float]]] = {size: [] for size in sizes}
    quiet: dict[int, list[float]] = {size: [] for size in sizes}
    for _ in range(_MAX_ROUNDS):
        for size in [size for size in sizes if len(quiet[size]) < _N_ROUNDS]:
            n_epochs = max(1, _MIN_ROWS // size)
            before = calibration.measure()
            seconds = make_estimator(work, n_epochs).fit(X[:size]).history_["seconds"]
            per_row = sum(seconds) / (n_epochs * size)
            rounds[size].append((per_row, before, calibration.measure()))
        quiet = {
            size: [time for time, *rates in measured if calibration.was_quiet(*rates)]
            for size, measured in rounds.items()
        }
    return {
        size: (quiet[size] or [time for time, *_ in rounds[size]], not quiet[size])
        for size in sizes
    }


def peak_above_input(n_rows: int) -> int:
    """Bytes that `fit` needs at most, beyond what the process holds with its input made."""
    work = workload("keras")
    X = make_rows(work.rows, n_rows, work.layer_sizes[0])
    # What is loaded and made once is not part of the growth.
    make_estimator(work, 1).fit(X[: 2 * work.batch_size])
    # Freed memory that the allocator keeps would hide what `fit` takes.
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins again
    before = _status("VmRSS")
    make_estimator(work, 2).fit(X)
    return _status("VmHWM") - before


def _status(name: str) -> int:
    """A line of /proc/self/status, in bytes."""
    text = Path("/proc/self/status").read_text()
    found = re.search(rf"^{name}:\s+(\d+) kB$", text, re.MULTILINE)
    if found is None:
        msg = f"/proc/self/status has no line {name}"
        raise RuntimeError(msg)
    return 1024 * int(found[1])


def _memory_in_child(n_rows: int) -> int:
    child = subprocess.run(
        [sys.executable, "-m", "benchmarks.growth", "--memory-of", str(n_rows)],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return int(child.stdout)


def report(sizes: Sequence[int], picture: Path | None) -> None:
    """Measure, print the table, draw the curve."""
    memory = {size: _memory_in_child(size) for size in sizes}
    allowed = os.sched_getaffinity(0)
    os.sched_setaffinity(0, pick_cores(1))
    work = workload("keras")
    X = make_rows(work.rows, max(sizes), work.layer_sizes[0])
    times = times_per_row(X, sizes)
    os.sched_setaffinity(0, allowed)
    medians = {size: statistics.median(rounds) for size, (rounds, _) in times.items()}
    lines = []
    for size in sizes:
        rounds, disturbed = times[size]
        time = f"{1e9 * medians[size]:.0f}{'*' if disturbed else ' '}"
        spread = f"{1e9 * (max(rounds) - min(rounds)):.0f}"
        lines.append([f"{size:,}", time, spread, f"{memory[size] / 1e6:.2f}"])
    print(f"keras on one core of {processor()}, {aecore._core.show_build()['isa']}")
    print_table(["rows", "ns per row per epoch", "range", "peak above input, MB"], lines)
    ratio = max(medians.values()) / min(medians.values())
    print(f"  slowest size / fastest size: {ratio:.3f}; * the machine was disturbed throughout")
    growth = (memory[sizes[-1]] - memory[sizes[0]]) / (sizes[-1] - sizes[0])
    print(f"  bytes per further row: {growth:.2f}")
    if picture is not None and _draw(medians, memory, picture):
        print(f"  written: {picture}")


def _draw(times: dict[int, float], memory: dict[int, int], path: Path) -> bool:
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(8.0, 3.2), layout="constrained")
    FigureCanvasAgg(figure)
    curves = (
        ("ns per row per epoch", {size: 1e9 * time for size, time in times.items()}),
        ("peak above the input, MB", {size: count / 1e6 for size, count in memory.items()}),
    )
    for plot, (label, values) in zip(figure.subplots(1, 2), curves, strict=True):
        plot.plot(list(values), list(values.values()), marker="o")
        plot.set_xscale("log")
        plot.set_ylim(bottom=0.0, top=1.3 * max(values.values()))
        plot.set_xlabel("rows")
        plot.set_ylabel(label)
    figure.suptitle(f"keras workload, one core of {processor()}", fontsize=10)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)
    return True


def main() -> None:
    """Read the arguments and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.growth", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="up to 100,000 rows")
    parser.add_argument("--memory-of", type=int, metavar="ROWS", help=argparse.SUPPRESS)
    parser.add_argument("--picture", type=Path, help="PNG to write")
    options = parser.parse_args()
    if options.memory_of is not None:
        print(peak_above_input(options.memory_of))
        return
    default = Path(__file__).parent / "results" / f"{machine_slug()}-growth.png"
    if options.quick:
        report(_QUICK_SIZES, options.picture)
    else:
        report(SIZES, options.picture or default)


if __name__ == "__main__":
    main()
