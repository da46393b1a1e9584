"""What every quality benchmark needs: data, the machine's name, a table, goals, a record."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from examples.idx import read_idx
from numpy.typing import NDArray

import aecore
from benchmarks.machine import processor
from benchmarks.rows import data_root

RESULTS = Path(__file__).resolve().parents[1] / "results" / "quality.json"
PIXEL = 1.0 / 255.0


def data_folder(name: str) -> Path:
    """Folder of a data set: below AECORE_DATA, or below shared/data beside the checkout.

    Raises
    ------
    SystemExit
        If it is not there.
    """
    root = data_root()
    folder = root / name
    if not folder.is_dir():
        msg = f"{name} is not in {root}: set AECORE_DATA to the folder that holds the data"
        raise SystemExit(msg)
    return folder


def machine() -> str:
    """Version of aecore, instruction set and processor: what a figure depends on."""
    return f"aecore {aecore.__version__} ({aecore._core.show_build()['isa']}) on {processor()}"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, right-aligned, under their names."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        print("  " + "  ".join(cells))


def load_digits() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Training and test images of MNIST, (60000, 784) and (10000, 784)."""
    training, test = _read_mnist("images-idx3")
    return training.reshape(-1, 784), test.reshape(-1, 784)


def load_labels() -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Digits that the training and test images show, (60000,) and (10000,)."""
    return _read_mnist("labels-idx1")


def _read_mnist(name: str) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    folder = data_folder("mnist")
    training, test = (read_idx(folder / f"{part}-{name}-ubyte.gz") for part in ("train", "t10k"))
    return training, test


def mean_over_seeds(
    run: Callable[[int], dict[str, float]], n_seeds: int, first: int = 0
) -> dict[str, float]:
    """Mean of what `run(seed)` returns by name, for the seeds from `first` on."""
    runs = [run(seed) for seed in range(first, first + n_seeds)]
    return {name: float(np.mean([each[name] for each in runs])) for name in runs[0]}


@dataclass(frozen=True)
class Goal:
    """A figure, and the range it has to be in."""

    name: str
    reached: float
    low: float = -np.inf
    high: float = np.inf

    @property
    def met(self) -> bool:
        """Whether it is there; NaN is not."""
        return self.low <= self.reached <= self.high

    def __str__(self) -> str:
        """Say all of it in a line."""
        verdict = "met" if self.met else "MISSED"
        return (
            f"goal: {self.name} from {self.low:g} to {self.high:g}: {verdict} ({self.reached:.6g})"
        )


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty", "--exclude=*"]
    git = subprocess.run(command, cwd=RESULTS.parent, capture_output=True, text=True, check=False)
    return git.stdout.strip()


class Benchmark:
    """One command: its option, its clock, its verdict, its line in `results/quality.json`."""

    def __init__(
        self,
        name: str,
        description: str | None,
        first_seed: int = 0,
        sets: Sequence[str] = (),
    ) -> None:
        parser = argparse.ArgumentParser(prog=f"benchmarks.quality.{name}", description=description)
        parser.add_argument(
            "--quick", action="store_true", help="one seed, little data, an expectation of its own"
        )
        if sets:
            parser.add_argument(
                "sets", nargs="*", metavar="SET", help=f"of {', '.join(sets)}; all by default"
            )
        asked = parser.parse_args()
        self.quick: bool = asked.quick
        self.sets: list[str] = getattr(asked, "sets", None) or list(sets)
        unknown = set(self.sets) - set(sets)
        if unknown:
            parser.error(f"SET must be one of {', '.join(sets)}; got {unknown.pop()}")
        self._name = name
        self._first_seed = first_seed
        self._commit = _commit()
        self._start = time.perf_counter()

    @property
    def n_seeds(self) -> int:
        """Seeds that figures are the mean of."""
        return 1 if self.quick else 3

    @property
    def seeds(self) -> list[int]:
        """These seeds."""
        return list(range(self._first_seed, self._first_seed + self.n_seeds))

    def finish(self, figures: dict[str, Any], goals: Sequence[Goal]) -> int:
        """Print the verdicts, record a full run; return the exit code."""
        seconds = time.perf_counter() - self._start
        for goal in goals:
            print(f"  {goal}")
        print(f"  {machine()}; seeds {self.seeds[0]}-{self.seeds[-1]}; {seconds:.0f} s in all")
        if not self.quick:
            self._record(figures, seconds)
        return 0 if all(goal.met for goal in goals) else 1

    def _record(self, figures: dict[str, Any], seconds: float) -> None:
        entry = {
            "benchmark": self._name,
            "commit": self._commit,
            "date": dt.datetime.now(dt.timezone.utc).date().isoformat(),
            "machine": machine(),
            "seconds": round(seconds, 1),
            "figures": figures,
        }
        entries = json.loads(RESULTS.read_text()) if RESULTS.exists() else []
        RESULTS.write_text(json.dumps([*entries, entry], indent=1) + "\n")
        print(f"  recorded in {RESULTS.name}")
