"""What a training costs beside its steps: `python -m benchmarks.bench --bench SettingUp`."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

from benchmarks.peers import with_numpy
from benchmarks.peers.problems import make_problem
from benchmarks.workloads import workload

_N_ROWS = 100
_N_FITS = 200


def _fit_of(impl: str) -> Callable[[], float]:
    """An epoch of the keras workload on 100 rows, from nothing; it returns the steps' seconds."""
    keras = replace(workload("keras"), n_rows=_N_ROWS, batch_size=_N_ROWS)
    problem = make_problem(keras)
    if impl == "numpy":
        return lambda: with_numpy.make().training(problem).epochs(problem, 0, 1)[0]
    from benchmarks.growth import make_estimator

    return lambda: float(make_estimator(keras, 1).fit(problem.X).history_["seconds"][0])


class SettingUp:
    """How long does a user of few rows wait for anything but the steps."""

    param_names = ("impl",)
    params = (["aecore", "numpy"],)

    def setup(self, impl: str) -> None:
        """Load what is loaded once."""
        self.fit = _fit_of(impl)
        self.fit()

    def time_fit(self, impl: str) -> None:
        """Fit once, steps included."""
        self.fit()

    def track_overhead(self, impl: str) -> float:
        """Time of a fit beyond its steps, the median of many."""
        overheads = []
        for _ in range(_N_FITS):
            start = time.perf_counter()
            steps = self.fit()
            overheads.append(time.perf_counter() - start - steps)
        return 1e3 * statistics.median(overheads)

    track_overhead.unit = "ms"  # type: ignore[attr-defined]
