"""The bar chart: how much longer the others take, on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.peers.measure import Result
from benchmarks.peers.registry import ENTRIES, OURS, entry
from benchmarks.peers.report import best_of_families


def draw(results: Mapping[str, Sequence[Result]], title: str, path: Path) -> bool:
    """Write a PNG with a group of bars for each workload, aecore at 1; False without matplotlib."""
    try:
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure
    except ImportError:
        return False
    figure = Figure(figsize=(8.0, 1.0 + 0.9 * len(results)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    families = list(dict.fromkeys(each.family for each in ENTRIES if each.name != OURS))
    height = 0.8 / len(families)
    seen: set[str] = set()
    for group, (_, row) in enumerate(results.items()):
        best = best_of_families(row)
        ours = best.get(entry(OURS).family)
        if ours is None or ours.seconds is None:
            continue
        for i, family in enumerate(families):
            other = best.get(family)
            if other is None or other.seconds is None:
                continue
            ratio = other.seconds / ours.seconds
            y = group + (i + 0.5) * height - 0.4
            label = family if family not in seen else None
            seen.add(family)
            # On a logarithmic scale a bar has to say where it begins: at 1, to either side.
            axes.barh(y, ratio - 1.0, height, left=1.0, color=f"C{i}", label=label)
            axes.annotate(f" {ratio:.3g}", (max(ratio, 1.0), y), va="center", fontsize=7)
    axes.axvline(1.0, color="black", linewidth=1.0)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}x")
    axes.set_yticks(range(len(results)), list(results))
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("time divided by aecore's")
    axes.set_title(title, fontsize=10)
    figure.legend(loc="outside lower center", ncols=len(families), fontsize=8)
    figure.savefig(path, dpi=120)
    return True
