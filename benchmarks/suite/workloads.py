"""Each workload in aecore and in NumPy: time, memory, rates, and the result beside them.

asv takes every class without a leading underscore whose methods begin with `time_`, `peakmem_` or
`track_`, and calls `setup` before each sample.
"""

from __future__ import annotations

import functools
import importlib
import statistics
from pathlib import Path

from benchmarks.peers.problems import load_problem, make_problem, save_problem
from benchmarks.peers.session import Session
from benchmarks.workloads import WORKLOADS, workload

# Runs whose median is a rate.
_N_RUNS = 5
# Of the kernel that finds the multiply-add peak: about 7 ms.
_PEAK_ROUNDS = 4_000_000
# Calls of one row whose 99th percentile is taken.
_N_CALLS = 20_000


def _params(kind: str) -> tuple[list[str], list[str]]:
    return [each.name for each in WORKLOADS if each.kind == kind], ["aecore", "numpy"]


@functools.lru_cache(maxsize=1)
def _session(name: str, impl: str) -> Session:
    # One for a process, so that all samples but the first are warm.
    from threadpoolctl import threadpool_limits

    threadpool_limits(1)  # for good: the process has nothing else to do
    problem = load_problem(Path(name))
    return Session(importlib.import_module(f"benchmarks.peers.with_{impl}").make(), problem)


class _OnWorkloads:
    param_names = ("workload", "impl")
    timeout = 300.0

    def setup_cache(self) -> None:
        """Make the rows of all workloads once, as files in the folder that asv runs in."""
        for each in WORKLOADS:
            try:
                problem = make_problem(each.quick())
            except ValueError:
                continue  # an old commit cannot do it yet: a gap in its history
            folder = Path(each.name)
            folder.mkdir()
            save_problem(folder, problem)

    setup_cache.timeout = 300.0  # type: ignore[attr-defined]

    def setup(self, name: str, impl: str) -> None:
        """Take the session; asv leaves out what is not implemented."""
        if not Path(name).is_dir():
            raise NotImplementedError
        self.workload = workload(name).quick()
        if not importlib.import_module(f"benchmarks.peers.with_{impl}").make().can(self.workload):
            raise NotImplementedError
        self.session = _session(name, impl)


class _Throughput(_OnWorkloads):
    def time_run(self, name: str, impl: str) -> None:
        """Do the work once: an epoch, an evaluation, a pass over the rows."""
        self.session.run(1)

    def peakmem_run(self, name: str, impl: str) -> None:
        """Do the work once; rows and libraries count."""
        self.session.run(1)

    def track_rows_per_second(self, name: str, impl: str) -> float:
        """Rows each second, the median of some runs."""
        train = self.workload.kind == "train"
        rows = self.workload.batch_size if train else self.workload.n_rows
        results = [self.session.run(1) for _ in range(_N_RUNS)]
        return statistics.median(rows * each["units"] / each["seconds"] for each in results)

    track_rows_per_second.unit = "rows/s"  # type: ignore[attr-defined]

    def track_fraction_of_peak(self, name: str, impl: str) -> float:
        """Arithmetic of the products beside the multiply-add peak of one core, measured in turn."""
        from aecore import _core

        fractions = []
        for _ in range(_N_RUNS):
            result = self.session.run(1)
            operations, seconds = _core.multiply_add_peak("float32", _PEAK_ROUNDS)
            rate = self.workload.operations * result["units"] / result["seconds"]
            fractions.append(rate * seconds / operations)
        return statistics.median(fractions)

    track_fraction_of_peak.unit = "of peak"  # type: ignore[attr-defined]


class Training(_Throughput):
    """How fast does a model learn, and does it learn the same."""

    params = _params("train")

    def track_final_loss(self, name: str, impl: str) -> float:
        """J after two epochs from the same parameters: alike for all, or speed says nothing."""
        return self.session.check()

    track_final_loss.unit = "J"  # type: ignore[attr-defined]


class Objective(_Throughput):
    """How long does an optimiser such as L-BFGS wait for J and its gradient."""

    params = _params("objective")

    def track_final_loss(self, name: str, impl: str) -> float:
        """J after some steps along the gradient."""
        return self.session.check()

    track_final_loss.unit = "J"  # type: ignore[attr-defined]


class EncodeAll(_Throughput):
    """How fast do many rows become codes."""

    params = _params("encode")

    def track_code(self, name: str, impl: str) -> float:
        """Root of the mean square of the codes: alike for all."""
        return self.session.check()

    track_code.unit = "rms"  # type: ignore[attr-defined]


class EncodeOne(_OnWorkloads):
    """How long does a server wait for the code of one row."""

    params = _params("latency")

    def track_median_call(self, name: str, impl: str) -> float:
        """Half of the calls take less."""
        return 1e6 * self.session.run(_N_CALLS)["p50"]

    track_median_call.unit = "us"  # type: ignore[attr-defined]

    def track_slow_call(self, name: str, impl: str) -> float:
        """One call in a hundred takes more."""
        return 1e6 * self.session.run(_N_CALLS)["p99"]

    track_slow_call.unit = "us"  # type: ignore[attr-defined]

    def track_code(self, name: str, impl: str) -> float:
        """Root of the mean square of the code: alike for all."""
        return self.session.check()

    track_code.unit = "rms"  # type: ignore[attr-defined]
