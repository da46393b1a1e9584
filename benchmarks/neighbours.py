"""Two cores, a busy neighbour, a good neighbour: `python -m benchmarks.neighbours`.

1. One thread against two, with helpers placed and left to the system (AECORE_PLACEMENT=0).
2. The same beside a process that spins, on any core or bound to the last one.
3. Calls of other libraries alternated with ours, against the same calls alone and, as a control,
   alternated with a Python loop of the same length; then what our calls leave changed.

Everything is measured in turn; a measurement during which other processes used our cores is taken
again, and in the first table also one after which two cores had less than 1.8 times the
multiply-adds of one: two CPUs of a virtual machine can be threads of one core of the host. A star
marks a row where that did not help.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

import aecore
from benchmarks.growth import make_estimator
from benchmarks.machine import TOLERANCE, ForeignLoad, processor
from benchmarks.quality.common import print_table
from benchmarks.rows import make_rows
from benchmarks.workloads import Workload, workload

_MAX_TRIES = 4
_TWO = 1.8
_TICK = 1.0 / os.sysconf("SC_CLK_TCK")
TWO_CORES = ("keras", "sparse", "deep", "wide")
BUSY = ("keras", "sparse", "deep")
_ALTERNATED = 30


def ceiling(cores: list[int]) -> float:
    """Multiply-adds of the first and the last core at the same time, over those of the last."""
    last = [_rate(cores[-1]) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(_rate, (cores[0], cores[-1])))
    return sum(both) / max(last)


def _rate(core: int) -> float:
    """Floating point operations a second of a core."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})  # this thread
    operations, seconds = aecore._core.multiply_add_peak("float32", 8_000_000)
    os.sched_setaffinity(0, before)
    return operations / seconds


class Quiet:
    """Runs measurements, each again while strangers disturb it."""

    def __init__(self, spinner: int | None = None, *, two_cores: bool = False) -> None:
        self._cores = sorted(os.sched_getaffinity(0))
        self._spinner = spinner
        self._two_cores = two_cores
        self.disturbed = False

    def measure(self, work: Callable[[], float]) -> float:
        """Return what `work` returns."""
        for _ in range(_MAX_TRIES):
            load, own, start = ForeignLoad(self._cores), self._own(), time.perf_counter()
            result = work()
            wall = time.perf_counter() - start
            if load.since_start(self._own() - own, wall) < TOLERANCE and self._has_cores():
                return result
        self.disturbed = True
        return result

    def _has_cores(self) -> bool:
        return not self._two_cores or ceiling(self._cores) >= _TWO

    def _own(self) -> float:
        """Processor time of this process and of the spinner, which is ours too."""
        seconds = time.process_time()
        if self._spinner is not None:
            fields = Path(f"/proc/{self._spinner}/stat").read_text().rpartition(")")[2].split()
            seconds += _TICK * (int(fields[11]) + int(fields[12]))
        return seconds


@contextlib.contextmanager
def spinning(core: int | None) -> Iterator[int]:
    """Have a process spin, on any core or on one; give its id."""
    bound = "" if core is None else f"import os; os.sched_setaffinity(0, {{{core}}})\n"
    child = subprocess.Popen([sys.executable, "-c", f"{bound}while True: pass"])
    try:
        time.sleep(0.3)
        yield child.pid
    finally:
        child.kill()
        child.wait()


def step_time(work: Workload, X: np.ndarray, seconds: float, n_threads: int) -> float:
    """Seconds of a step in a fit that takes about `seconds`."""
    n_steps = len(X) // work.batch_size
    guess = work.operations / 1e11 * n_steps
    model = make_estimator(work, max(2, round(seconds / guess)), n_threads).fit(X)
    spent = model.history_["seconds"]
    return sum(spent) / (len(spent) * n_steps)


@contextlib.contextmanager
def placement(on: bool) -> Iterator[None]:
    """Set AECORE_PLACEMENT, which is read at each call."""
    before = os.environ.get("AECORE_PLACEMENT")
    os.environ["AECORE_PLACEMENT"] = "1" if on else "0"
    try:
        yield
    finally:
        if before is None:
            del os.environ["AECORE_PLACEMENT"]
        else:
            os.environ["AECORE_PLACEMENT"] = before


def compare(name: str, n_rounds: int, seconds: float, quiet: Quiet) -> list[str]:
    """Measure one thread, two placed, two not placed in turn; a row of the table."""
    work = workload(name).quick()
    X = make_rows(work.rows, work.n_rows, work.layer_sizes[0])
    kinds = {"one": (1, True), "placed": (2, True), "free": (2, False)}
    times: dict[str, list[float]] = {kind: [] for kind in kinds}
    for _ in range(n_rounds):
        for kind, (n_threads, on) in kinds.items():
            with placement(on):
                times[kind].append(quiet.measure(lambda: step_time(work, X, seconds, n_threads)))  # noqa: B023
    one, placed, free = (statistics.median(times[kind]) for kind in kinds)
    worst = min(a / b for a, b in zip(times["one"], times["placed"], strict=True))
    micro = [f"{1e6 * value:.0f}" for value in (one, placed, free)]
    star = "*" if quiet.disturbed else " "
    return [name, *micro, f"{one / placed:.2f}{star}", f"{worst:.2f}", f"{one / free:.2f}"]


_HEADER = ["workload", "one, us", "two placed", "two free", "one/placed", "worst", "one/free"]


def report_two_cores(n_rounds: int, seconds: float) -> None:
    """Print the first table."""
    print("Two cores, microseconds per step; goal 1.75")
    print_table(
        _HEADER, [compare(name, n_rounds, seconds, Quiet(two_cores=True)) for name in TWO_CORES]
    )


def report_busy(n_rounds: int, seconds: float) -> None:
    """Print the second table."""
    last = max(os.sched_getaffinity(0))
    for title, core in (("on any core", None), (f"bound to core {last}", last)):
        print(f"Beside a spinning process {title}, microseconds per step; goal 0.9")
        with spinning(core) as child:
            lines = [compare(name, n_rounds, 3 * seconds, Quiet(child)) for name in BUSY]
        print_table(_HEADER, lines)


def their_calls() -> dict[str, Callable[[], object] | None]:
    """Calls of other libraries by name; None where the library is missing."""
    from sklearn.cluster import KMeans

    rng = np.random.default_rng(0)
    a, b = rng.random((2, 400, 400))
    rows = rng.random((3000, 20))
    calls: dict[str, Callable[[], object] | None] = {
        "numpy dot 400x400": lambda: a @ b,
        "KMeans, 3000x20": lambda: KMeans(8, n_init=1, random_state=0).fit(rows),
        "torch mm 400x400": None,
    }
    with contextlib.suppress(ImportError):
        import torch

        c, d = torch.from_numpy(a), torch.from_numpy(b)
        calls["torch mm 400x400"] = lambda: torch.mm(c, d)
    return calls


def time_alternated(theirs: Callable[[], object], ours: Callable[[], object]) -> float:
    """Median seconds of their call, ours before each."""
    spent = []
    for _ in range(_ALTERNATED):
        ours()
        start = time.perf_counter()
        theirs()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def report_good(n_rounds: int) -> None:
    """Print the third table."""
    work = workload("keras").quick()
    X = make_rows(work.rows, work.n_rows, work.layer_sizes[0])

    def fit() -> None:
        make_estimator(work, 1, n_threads=2).fit(X)

    fit()
    start = time.perf_counter()
    fit()
    length = time.perf_counter() - start

    def loop() -> None:
        end = time.perf_counter() + length
        while time.perf_counter() < end:
            pass

    before = {"alone": lambda: None, "loop": loop, "fit": fit}
    lines = []
    for name, call in their_calls().items():
        if call is None:
            lines.append([name, "not installed", "", "", "", ""])
            continue
        quiet = Quiet()
        times: dict[str, list[float]] = {kind: [] for kind in before}
        for _ in range(n_rounds):
            for kind, ours in before.items():
                times[kind].append(quiet.measure(lambda: time_alternated(call, ours)))  # noqa: B023
        alone, control, mixed = (statistics.median(times[kind]) for kind in before)
        micro = [f"{1e6 * value:.0f}" for value in (alone, control, mixed)]
        star = "*" if quiet.disturbed else " "
        lines.append([name, *micro, f"{control / alone:.2f}", f"{mixed / alone:.2f}{star}"])
    print(f"Their calls, microseconds, alternated with a fit of {1e3 * length:.0f} ms; goal 1.3")
    header = ["call", "alone", "after a loop", "after a fit", "loop/alone", "fit/alone"]
    print_table(header, lines)


def state() -> dict[str, object]:
    """Collect the state of the process that a library must not change."""
    seen: list[bool] = []
    thread = threading.Thread(target=lambda: seen.append(_subnormals_survive()))
    thread.start()
    thread.join()
    masks = set()
    for task in Path("/proc/self/task").iterdir():
        with contextlib.suppress(OSError):
            masks.add((task / "status").read_text().partition("Cpus_allowed_list:")[2].split()[0])
    return {
        "affinity of all threads": masks,
        "os.environ": dict(os.environ),
        "signal handlers": [signal.getsignal(number) for number in signal.valid_signals()],
        "subnormal numbers in the caller": _subnormals_survive(),
        "subnormal numbers in a new thread": seen,
    }


def _subnormals_survive() -> bool:
    return bool((np.array([1e-310]) * 0.5)[0] != 0.0)


def report_traces() -> None:
    """Print what two-thread calls change for the rest of the process."""
    work = workload("keras").quick()
    X = make_rows(work.rows, work.n_rows, work.layer_sizes[0])
    before = state()
    meanwhile: list[dict[str, object]] = []
    fitting = threading.Thread(target=lambda: make_estimator(work, 20, n_threads=2).fit(X))
    fitting.start()
    time.sleep(0.02)
    meanwhile.append(state())
    fitting.join()
    after = state()
    print("Left changed after a fit, and changed meanwhile")
    rows: list[list[Any]] = []
    for name, value in before.items():
        during = "" if name == "affinity of all threads" else _word(meanwhile[0][name] == value)
        rows.append([name, _word(after[name] == value), during])
    print_table(["", "after", "meanwhile"], rows)


def _word(same: bool) -> str:
    return "same" if same else "CHANGED"


def main() -> None:
    """Read the arguments and report."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.neighbours", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few short rounds")
    parser.add_argument("--only", choices=["cores", "busy", "good"], help="one table")
    options = parser.parse_args()
    if len(os.sched_getaffinity(0)) < 2:
        parser.error("the process must be allowed two cores")
    n_rounds, seconds = (3, 0.3) if options.quick else (7, 0.6)
    started = time.strftime("%Y-%m-%d %H:%M:%S %Z")
    print(f"{processor()}, {aecore._core.show_build()['isa']}, {started}")
    if options.only in (None, "cores"):
        report_two_cores(n_rounds, seconds)
    if options.only in (None, "busy"):
        report_busy(n_rounds, seconds)
    if options.only in (None, "good"):
        report_good(n_rounds)
        report_traces()


if __name__ == "__main__":
    main()
