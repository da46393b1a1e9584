"""The rounds: every implementation in turn, the machine's own speed measured in between."""

from __future__ import annotations

import math
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.machine import TOLERANCE, Calibration, ForeignLoad
from benchmarks.peers.problems import make_problem, save_problem
from benchmarks.peers.process import WorkerError, WorkerProcess
from benchmarks.workloads import LOSS_TOLERANCE, Workload


@dataclass(frozen=True)
class Plan:
    """How long to measure.

    Each implementation takes `n_rounds` rounds of at least `min_seconds`; a round in which the
    machine was disturbed is repeated, up to `max_rounds` in all.
    """

    n_rounds: int
    max_rounds: int
    min_seconds: float
    quick: bool


@dataclass
class Round:
    """One measurement: seconds of a unit and of its slow calls, and the state of the machine."""

    seconds: float
    p99: float | None
    rates: tuple[float, float]
    foreign: float


@dataclass
class Result:
    """What one implementation did at one workload.

    `loss_tolerance` is that of the workload. `seconds` is the median over the rounds kept (over
    all, if `disturbed`), `spread` half the distance between their extremes, as a fraction of the
    median; `peak` is what the calibration kernel reached beside them on one core, in operations a
    second. `memory` is what the process had at most, in bytes, libraries and rows included.
    """

    name: str
    settings: dict[str, str] = field(default_factory=dict)
    supported: bool = True
    error: str | None = None
    loss: float | None = None
    repeats: int = 1
    rounds: list[Round] = field(default_factory=list)
    seconds: float | None = None
    p99: float | None = None
    spread: float | None = None
    peak: float | None = None
    memory: int | None = None
    loss_tolerance: float = LOSS_TOLERANCE
    n_kept: int = 0
    disturbed: bool = False

    def summarise(self, calibration: Calibration) -> None:
        """Throw rounds away by what is known about the machine by now; fill in the figures."""
        kept = [each for each in self.rounds if is_quiet(each, calibration)]
        self.n_kept = len(kept)
        self.disturbed = not kept
        chosen = kept or self.rounds
        if not chosen:
            return
        seconds = [each.seconds for each in chosen]
        self.seconds = statistics.median(seconds)
        self.spread = (max(seconds) - min(seconds)) / 2.0 / self.seconds
        self.peak = statistics.median(max(each.rates) for each in chosen)
        tails = [each.p99 for each in chosen if each.p99 is not None]
        self.p99 = statistics.median(tails) if tails else None


def is_quiet(measured: Round, calibration: Calibration) -> bool:
    """Whether host and neighbours left the round alone."""
    return calibration.was_quiet(*measured.rates) and measured.foreign <= TOLERANCE


def agrees(loss: float | None, reference: float | None, tolerance: float = LOSS_TOLERANCE) -> bool:
    """Whether two losses are the same to a relative `tolerance`."""
    if loss is None or reference is None:
        return False
    return math.isclose(loss, reference, rel_tol=tolerance)


def measure_workload(  # noqa: PLR0917
    workload: Workload,
    workers: Sequence[WorkerProcess],
    cores: list[int],
    plan: Plan,
    calibration: Calibration,
    say: Callable[[str], None],
) -> list[Result]:
    """Set all workers up, compare their losses, then time them in turn."""
    tolerance = workload.loss_tolerance
    results = [Result(worker.entry.name, loss_tolerance=tolerance) for worker in workers]
    active: list[tuple[WorkerProcess, Result]] = []
    with tempfile.TemporaryDirectory() as folder:
        work = workload.quick() if plan.quick else workload
        save_problem(Path(folder), make_problem(work, len(cores)))
        for worker, result in zip(workers, results, strict=True):
            say(f"{workload.name}: {worker.entry.name} prepares")
            if _prepare(worker, result, folder, plan.min_seconds):
                active.append((worker, result))
    for turn in range(plan.max_rounds):
        waiting = [
            pair
            for pair in active
            if turn < plan.n_rounds
            or sum(is_quiet(each, calibration) for each in pair[1].rounds) < plan.n_rounds
        ]
        for worker, result in waiting:
            say(f"{workload.name}: round {turn + 1}, {worker.entry.name}")
            try:
                result.rounds.append(_round(worker, result.repeats, cores, calibration))
            except WorkerError as error:
                result.error = str(error)
                active.remove((worker, result))
    for worker, result in active:
        result.memory = worker.ask("memory")["bytes"]
    for result in results:
        result.summarise(calibration)
    return results


def _prepare(worker: WorkerProcess, result: Result, folder: str, min_seconds: float) -> bool:
    """Set up, run the check, warm up and find how often to repeat; False if it takes no part."""
    if not worker.is_alive:
        result.error = "its process has ended"
        return False
    try:
        answer = worker.ask("setup", folder=folder)
        result.supported = answer["ready"]
        if not result.supported:
            return False
        result.settings = answer["settings"]
        result.loss = worker.ask("check")["loss"]
        seconds = worker.ask("run", n=1)["seconds"]
        if seconds < min_seconds / 10.0:  # the first time may include warming up
            seconds = worker.ask("run", n=10)["seconds"] / 10.0
    except WorkerError as error:
        result.error = str(error)
        return False
    result.repeats = max(1, math.ceil(min_seconds / seconds))
    return True


def _round(
    worker: WorkerProcess, repeats: int, cores: list[int], calibration: Calibration
) -> Round:
    before = calibration.measure()
    load = ForeignLoad(cores)
    start = time.perf_counter()
    answer: dict[str, Any] = worker.ask("run", n=repeats)
    foreign = load.since_start(answer["cpu_seconds"], time.perf_counter() - start)
    after = calibration.measure()
    seconds = answer.get("p50", answer["seconds"] / answer["units"])
    return Round(seconds, answer.get("p99"), (before, after), foreign)
