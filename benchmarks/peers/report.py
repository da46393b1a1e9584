"""From results to a table: ratios within one run, goals beside them, nothing left out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.peers.measure import Result, agrees
from benchmarks.peers.registry import OURS, entry
from benchmarks.workloads import Workload, workload


@dataclass(frozen=True)
class Comparison:
    """One workload's row: our seconds, the best other family's, PyTorch's, and the ratios.

    `peak` is the fraction of the multiply-add peak of all cores used, None where the work is not
    bound by it. `losses_agree` covers everybody who took part.
    """

    workload: Workload
    ours: Result
    best_peer: Result | None
    pytorch: Result | None
    peak: float | None
    losses_agree: bool

    def ratio(self, other: Result | None) -> float | None:
        """How often we are done in the time of the other one."""
        if other is None or other.seconds is None or self.ours.seconds is None:
            return None
        return other.seconds / self.ours.seconds


def best_of_families(results: Sequence[Result]) -> dict[str, Result]:
    """Keep the fastest entry of each family that was timed and computed the right thing."""
    best: dict[str, Result] = {}
    reference = next((each.loss for each in results if each.name == OURS), None)
    for result in results:
        wrong = reference is not None and not agrees(result.loss, reference, result.loss_tolerance)
        if result.seconds is None or wrong:
            continue
        family = entry(result.name).family
        if family not in best or result.seconds < (best[family].seconds or 0.0):
            best[family] = result
    return best


def compare(work: Workload, results: Sequence[Result], n_cores: int) -> Comparison | None:
    """Make the row of a workload; None if we did not take part.

    Parameters
    ----------
    work : Workload
        As it was measured.
    results : sequence of Result
    n_cores : int
        Cores used, each with the peak that was measured beside our rounds.
    """
    ours = next((each for each in results if each.name == OURS), None)
    if ours is None or ours.seconds is None or ours.peak is None:
        return None
    families = best_of_families(results)
    families.pop(entry(OURS).family, None)
    others = sorted(families.values(), key=lambda each: each.seconds or 0.0)
    losses = [each.loss for each in results if each.loss is not None]
    bound_by_peak = work.goal.peak is not None
    return Comparison(
        workload=work,
        ours=ours,
        best_peer=others[0] if others else None,
        pytorch=families.get("PyTorch"),
        peak=work.operations / ours.seconds / (n_cores * ours.peak) if bound_by_peak else None,
        losses_agree=all(agrees(loss, ours.loss, ours.loss_tolerance) for loss in losses),
    )


def summary_table(comparisons: Sequence[Comparison]) -> str:
    """Ratios and goals, one line for each workload, as Markdown."""
    header = [
        "workload",
        "unit",
        "aecore, us",
        "best peer",
        "its us",
        "faster than it",
        "faster than PyTorch",
        "fraction of peak",
        "losses agree",
    ]
    lines = []
    for row in comparisons:
        goal = row.workload.goal
        peer = row.best_peer
        lines.append(
            [
                row.workload.name,
                row.workload.unit,
                _time(row.ours) + (f" (goal {goal.microseconds:g})" if goal.microseconds else ""),
                entry(peer.name).title if peer else "none",
                _time(peer) if peer else "",
                _against(row.ratio(peer), goal.best_peer, "x"),
                _against(row.ratio(row.pytorch), goal.pytorch, "x"),
                _against(row.peak, goal.peak, ""),
                "yes" if row.losses_agree else "NO",
            ]
        )
    return _markdown(header, lines)


def full_table(results: Mapping[str, Sequence[Result]]) -> str:
    """Microseconds of every implementation at every workload, as Markdown.

    A star marks figures from rounds in which the machine was disturbed throughout, "wrong loss"
    one that disagrees with aecore's.
    """
    names = list(dict.fromkeys(each.name for row in results.values() for each in row))
    lines = []
    for name_of_work, row in results.items():
        found = {each.name: each for each in row}
        reference = found[OURS].loss if OURS in found else None
        lines.append([name_of_work, *(_cell(found.get(name), reference) for name in names)])
    return _markdown(["us", *(entry(name).title for name in names)], lines)


def latency_table(results: Mapping[str, Sequence[Result]]) -> str:
    """Median and 99th percentile of calls, as Markdown; empty without any."""
    lines = [
        [name, entry(each.name).title, _microseconds(each.seconds), _microseconds(each.p99)]
        for name, row in results.items()
        for each in row
        if each.p99 is not None and each.seconds is not None
    ]
    return _markdown(["workload", "", "p50, us", "p99, us"], lines) if lines else ""


def memory_table(results: Mapping[str, Sequence[Result]]) -> str:
    """Megabytes of each process at the workloads of sparse rows, as Markdown; empty without any."""
    chosen = {name: row for name, row in results.items() if workload(name).density < 1}
    names = list(dict.fromkeys(each.name for row in chosen.values() for each in row))
    lines = []
    for name, row in chosen.items():
        found = {each.name: each.memory for each in row if each.memory is not None}
        cells = [f"{found[each] / 1e6:.0f}" if each in found else "-" for each in names]
        lines.append([name, *cells])
    titles = [entry(name).title for name in names]
    return _markdown(["MB at most", *titles], lines) if lines else ""


def _cell(result: Result | None, reference: float | None) -> str:
    if result is None or not result.supported:
        return "-"
    if result.error is not None:
        return "failed"
    wrong = reference is not None and not agrees(result.loss, reference, result.loss_tolerance)
    return _time(result) + (" wrong loss" if wrong else "")


def _time(result: Result) -> str:
    star = "\\*" if result.disturbed else ""
    return f"{_microseconds(result.seconds)} ±{100.0 * (result.spread or 0.0):.0f} %{star}"


def _microseconds(seconds: float | None) -> str:
    if seconds is None:
        return "-"
    value = 1e6 * seconds
    return f"{value:,.0f}" if value >= 100.0 else f"{value:.3g}"


def _against(value: float | None, goal: float | None, suffix: str) -> str:
    if value is None:
        return ""
    text = f"{value:.2f}{suffix}"
    return f"{text} (goal {goal:g}{suffix})" if goal is not None else text


def _markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rows = [list(header), *(list(line) for line in lines)]
    widths = [max(3, *(len(row[i]) for row in rows)) for i in range(len(header))]
    texts = [
        "| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    ]
    texts.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(texts)
