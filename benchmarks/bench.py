"""Run the asv suite on the installed aecore and print aecore beside NumPy: `make bench`.

`python -m benchmarks.bench [--bench REGEX] [--quick]`. Exit code 1 if a benchmark failed or none
ran. asv's files go into build/asv; the history under benchmarks/.asv is left alone, because the
working tree is no commit.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.quality.common import machine, print_table

CHECKOUT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class Measured:
    """One benchmark of one workload: the value of each implementation, None where it failed."""

    name: str
    workload: str
    values: dict[str, float | None]

    def cells(self, units: dict[str, str]) -> list[str]:
        """The line of the table."""
        ours, numpy = self.values["aecore"], self.values["numpy"]
        ratio = f"{ours / numpy:.3f}" if ours is not None and numpy else "-"
        unit = units.get(self.name, "")
        return [self.name, self.workload, _text(ours), _text(numpy), unit, ratio]


def run_asv(folder: Path, bench: str | None, *, quick: bool) -> Path:
    """Run the suite in this interpreter; return the folder with asv's results."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    config = {
        "version": 1,
        "project": "aecore",
        "repo": str(CHECKOUT),
        "branches": ["HEAD"],
        "environment_type": "virtualenv",  # asv wants one named, though none is made
        "benchmark_dir": str(CHECKOUT / "benchmarks" / "suite"),
        "env_dir": str(folder / "env"),
        "results_dir": str(folder / "results"),
        "launch_method": "spawn",
    }
    config_file = folder / "asv.conf.json"
    config_file.write_text(json.dumps(config))
    # asv keeps the machine's name in the home directory.
    env = {**os.environ, "HOME": str(folder)}
    asv = [sys.executable, "-m", "asv"]
    common = ["--config", str(config_file)]
    machine_command = [*asv, "machine", "--yes", *common]
    subprocess.run(machine_command, env=env, check=True, stdout=subprocess.DEVNULL)
    here = f"existing:{sys.executable}"
    command = [*asv, "run", *common, "-E", here, "--set-commit-hash", "HEAD", "--show-stderr"]
    if quick:
        command.append("--quick")
    if bench is not None:
        command += ["--bench", bench]
    # asv's exit code counts failures; the results below say which.
    subprocess.run(command, env=env, check=False)
    return folder / "results"


def read_results(folder: Path) -> Iterator[Measured]:
    """What asv measured, benchmark by benchmark."""
    for file in folder.glob("*/*.json"):
        if file.name == "machine.json":
            continue
        # asv writes NaN for what a benchmark left out. In a history that is a gap; here, where the
        # working tree has to do it all, it counts as a failure.
        contents = json.loads(file.read_text(), parse_constant=lambda _: None)
        for name, row in contents["results"].items():
            columns = dict(zip(contents["result_columns"], row, strict=False))
            yield from _measured(name, columns)


def _measured(name: str, columns: dict[str, Any]) -> Iterator[Measured]:
    names = [[value.strip("'") for value in values] for values in columns["params"]]
    cells = dict(itertools.zip_longest(itertools.product(*names), columns["result"] or ()))
    for key in itertools.product(*names[:-1]):  # `impl` is the last parameter of all benchmarks
        found = {impl: cells[(*key, impl)] for impl in ("aecore", "numpy")}
        yield Measured(name, " ".join(key), found)


def read_units(folder: Path) -> dict[str, str]:
    """The unit of each benchmark."""
    benchmarks = json.loads((folder / "benchmarks.json").read_text())
    return {name: each["unit"] for name, each in benchmarks.items() if isinstance(each, dict)}


def _text(value: float | None) -> str:
    return "failed" if value is None else f"{value:.4g}"


def main() -> int:
    """Run the benchmarks."""
    parser = argparse.ArgumentParser(prog="benchmarks.bench", description=__doc__)
    parser.add_argument("--bench", metavar="REGEX", help="only benchmarks whose name matches")
    parser.add_argument("--quick", action="store_true", help="one run of each, no statistics")
    options = parser.parse_args()
    results = run_asv(CHECKOUT / "build" / "asv", options.bench, quick=options.quick)
    measured = list(read_results(results))
    if not measured:
        print("no benchmark ran", file=sys.stderr)
        return 1
    units = read_units(results)
    print(f"\n{machine()}, one thread")
    header = ["benchmark", "workload", "aecore", "NumPy", "unit", "aecore/NumPy"]
    print_table(header, [each.cells(units) for each in sorted(measured, key=lambda m: m.name)])
    failed = [each for each in measured if None in each.values.values()]
    if failed:
        print(f"{len(failed)} of {len(measured)} lines hold a failure", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
