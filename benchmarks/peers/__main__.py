"""`python -m benchmarks.peers`: measure, print, and write JSON, Markdown and a chart."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aecore
from benchmarks import rows
from benchmarks.machine import Calibration, copy_bandwidth, machine_slug, pick_cores, processor
from benchmarks.peers import chart, report
from benchmarks.peers.measure import Plan, Result, measure_workload
from benchmarks.peers.process import WorkerProcess
from benchmarks.peers.registry import ENTRIES, Entry, entry, needs_avx512
from benchmarks.workloads import WORKLOADS, Workload, workload

_RESULTS = Path(__file__).resolve().parents[1] / "results"
_FULL = Plan(n_rounds=5, max_rounds=15, min_seconds=0.3, quick=False)
_QUICK = Plan(n_rounds=3, max_rounds=4, min_seconds=0.04, quick=True)
_TIMEOUT = 900.0
_LEGEND = (
    "Microseconds of a unit, median ± half the range of the rounds kept; \\* the machine was "
    "disturbed in every round; - cannot express the workload:"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the comparison; return 1 if losses disagree or an implementation fails."""
    options = _parse(arguments)
    plan = _QUICK if options.quick else _FULL
    started = time.monotonic()
    try:
        cores = pick_cores(None if options.threads == "all" else int(options.threads))
        chosen = [workload(name) for name in _names(options.workloads)] or list(WORKLOADS)
        entries = [entry(name) for name in _names(options.implementations)]
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    entries, left_out = _who_takes_part(entries, quick=options.quick)
    allowed = os.sched_getaffinity(0)
    # The calibration kernel has to run where the workers do.
    os.sched_setaffinity(0, cores[-1:])
    try:
        calibration = Calibration()
        bandwidth = copy_bandwidth()
        results = _measure(chosen, entries, cores, plan, calibration)
    finally:
        os.sched_setaffinity(0, allowed)
    facts = {
        "machine": processor(),
        "isa": aecore._core.show_build()["isa"],
        "date": dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds"),
        "cores": cores,
        "quick": options.quick,
        "peak_per_core": calibration.peak,
        "copy_bandwidth": bandwidth,
        "rows": "MNIST" if rows.mnist_is_here() else "drawn like MNIST",
        "left_out": left_out,
        "seconds": round(time.monotonic() - started, 1),
    }
    return _write(options.output, facts, chosen, results)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few rows and rounds: two minutes")
    parser.add_argument("--threads", default="1", choices=["1", "2", "all"], help="cores to use")
    parser.add_argument("--workloads", default="", metavar="A,B", help="only these")
    parser.add_argument("--implementations", default="", metavar="A,B", help="only these")
    parser.add_argument("--output", type=Path, default=_RESULTS, help="folder to write to")
    return parser.parse_args(arguments)


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _who_takes_part(asked: Sequence[Entry], *, quick: bool) -> tuple[list[Entry], dict[str, str]]:
    """Sort out who can run here: those who do, and why the others do not."""
    has_avx512 = "avx512" in aecore._core.show_build()["isa_available"]
    taking_part, left_out = [], {}
    for each in asked or ENTRIES:
        missing = each.missing()
        if missing:
            left_out[each.name] = f"not installed: {', '.join(missing)}"
        elif needs_avx512(each) and not has_avx512:
            left_out[each.name] = "this processor has no AVX-512"
        elif quick and not each.in_quick and not asked:
            left_out[each.name] = "compiles for longer than a quick run lasts; name it to have it"
        else:
            taking_part.append(each)
    return taking_part, left_out


def _measure(
    chosen: Sequence[Workload],
    entries: Sequence[Entry],
    cores: list[int],
    plan: Plan,
    calibration: Calibration,
) -> dict[str, list[Result]]:
    results = {}
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers = [
            stack.enter_context(WorkerProcess(each, cores, logs / each.name, _TIMEOUT))
            for each in entries
        ]
        for each in chosen:
            results[each.name] = measure_workload(each, workers, cores, plan, calibration, _say)
    _say("")
    return results


def _say(text: str) -> None:
    if sys.stderr.isatty():
        print(f"\r\033[K{text}", end="", file=sys.stderr, flush=True)


def _write(
    folder: Path,
    facts: dict[str, Any],
    chosen: Sequence[Workload],
    results: dict[str, list[Result]],
) -> int:
    compared = [
        report.compare(
            each.quick() if facts["quick"] else each, results[each.name], len(facts["cores"])
        )
        for each in chosen
    ]
    comparisons = [each for each in compared if each is not None]
    text = _describe(facts, comparisons, results)
    print(text)
    folder.mkdir(parents=True, exist_ok=True)
    stem = machine_slug()
    if len(facts["cores"]) > 1:
        stem += f"-{len(facts['cores'])}-threads"
    if facts["quick"]:
        stem += "-quick"
    path = folder / f"{stem}.json"
    written = {name: [asdict(each) for each in row] for name, row in results.items()}
    path.write_text(json.dumps({**facts, "results": written}, indent=1) + "\n")
    path.with_suffix(".md").write_text(text + "\n")
    title = f"{facts['machine']}, {_cores(facts)}"
    drawn = chart.draw(results, title, path.with_suffix(".png"))
    files = ".json, .md, .png" if drawn else ".json, .md (no chart: matplotlib is not installed)"
    print(f"\nwritten: {path.with_suffix('')}{files}")
    failed = [each.error for row in results.values() for each in row if each.error is not None]
    return int(bool(failed) or not all(each.losses_agree for each in comparisons))


def _cores(facts: dict[str, Any]) -> str:
    n_cores = len(facts["cores"])
    return "one core" if n_cores == 1 else f"{n_cores} cores"


def _describe(
    facts: dict[str, Any],
    comparisons: Sequence[report.Comparison],
    results: dict[str, list[Result]],
) -> str:
    """Everything that is printed and stands in the Markdown file."""
    parts = [
        f"{facts['machine']}, {facts['isa']}, {_cores(facts)}, {facts['date']}. "
        f"Multiply-add peak {facts['peak_per_core'] / 1e9:.0f} GFLOP/s a core, copying "
        f"{facts['copy_bandwidth'] / 1e9:.1f} GB/s; rows: {facts['rows']}."
        + (" A quick run: few rows, few rounds." if facts["quick"] else ""),
        report.summary_table(comparisons),
        _LEGEND,
        report.full_table(results),
        report.latency_table(results),
        report.memory_table(results),
        *_notes(facts, results),
    ]
    return "\n\n".join(part for part in parts if part)


def _notes(facts: dict[str, Any], results: dict[str, list[Result]]) -> list[str]:
    settings: dict[str, dict[str, str]] = {}
    errors = []
    for name, row in results.items():
        for each in row:
            settings.setdefault(each.name, {}).update(each.settings)
            if each.error is not None:
                errors.append(f"- {each.name} failed at {name}: {each.error}")
    lines = []
    for name, values in settings.items():
        found = {**values, **entry(name).environment}
        lines.append(f"- {name}: " + "; ".join(f"{key} {value}" for key, value in found.items()))
    missing = [f"- {name}: {reason}" for name, reason in facts["left_out"].items()]
    return [
        "Settings:\n\n" + "\n".join(lines),
        "Left out:\n\n" + "\n".join(missing) if missing else "",
        "Failures:\n\n" + "\n".join(errors) if errors else "",
    ]


if __name__ == "__main__":
    sys.exit(main())
