"""The machine in a measurement: its name, its cores, its peak, and whether it was disturbed.

Hosts of virtual machines swing by a factor of two for seconds at a time, and neighbours take
cores. `Calibration` runs a fixed kernel between measurements; what was measured while that kernel
was slow, or while somebody else used the same cores, says nothing about the code.
"""

from __future__ import annotations

import os
import platform
import re
import time
from pathlib import Path

import numpy as np

from aecore import _core

# 10 multiply-adds of a vector each, two a cycle: a few milliseconds.
_ROUNDS = 4_000_000
_COPY_BYTES = 1 << 27
# The kernel may be this much slower than usual, and others may use this share of our cores.
TOLERANCE = 0.05


def reset_peak_memory() -> None:
    """Let `peak_memory` begin anew."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """Bytes of memory that the process had at most, libraries and data included."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+) kB", status)[1])  # type: ignore[index]


def processor() -> str:
    """Name of the processor and number of CPUs."""
    cpuinfo = Path("/proc/cpuinfo")
    names = [
        line.split(":", 1)[1].strip()
        for line in (cpuinfo.read_text().splitlines() if cpuinfo.exists() else [])
        if line.startswith("model name")
    ]
    return f"{names[0]}, {len(names)} CPUs" if names else platform.machine()


def machine_slug() -> str:
    """`processor` and instruction set as a file name: lower case, digits and hyphens."""
    words = f"{processor()} {_core.show_build()['isa']}".lower()
    words = re.sub(r"\((r|tm)\)", "", words)
    return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


def pick_cores(n_cores: int | None) -> list[int]:
    """Choose cores that this process may use, the last ones, as the first serves interrupts.

    Parameters
    ----------
    n_cores : int or None
        None takes all.

    Raises
    ------
    ValueError
        If there are fewer.
    """
    if not hasattr(os, "sched_getaffinity"):
        msg = "this system cannot pin a process to a core; the benchmark needs Linux"
        raise ValueError(msg)
    cores = sorted(os.sched_getaffinity(0))
    n_cores = len(cores) if n_cores is None else n_cores
    if not 1 <= n_cores <= len(cores):
        msg = f"threads must be from 1 to {len(cores)}, the cores of this process; got {n_cores}"
        raise ValueError(msg)
    return cores[-n_cores:]


def copy_bandwidth() -> float:
    """Bytes read and written each second by the best of five copies of 128 MB, one core."""
    source = np.ones(_COPY_BYTES // 4, np.float32)
    target = np.zeros_like(source)
    best = np.inf
    for _ in range(5):
        start = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - start)
    return 2.0 * _COPY_BYTES / best


class Calibration:
    """A fixed kernel of multiply-adds, run again and again: what one core reaches at most."""

    def __init__(self) -> None:
        self._rates: list[float] = []
        for _ in range(4):
            self.measure()

    def measure(self) -> float:
        """Run the kernel three times; return the best rate, floating point operations a second.

        One run alone may be slow because the program measured before still frees its memory; a slow
        host stays slow for all three.
        """
        rates = []
        for _ in range(3):
            operations, seconds = _core.multiply_add_peak("float32", _ROUNDS)
            rates.append(operations / seconds)
        self._rates.append(max(rates))
        return max(rates)

    @property
    def peak(self) -> float:
        """The rate that a quarter of the measurements reach.

        Not the best one: a host that hurries once would make all other rounds look disturbed.
        """
        return float(np.quantile(self._rates, 0.75))

    def was_quiet(self, *rates: float) -> bool:
        """Whether all `rates` that `measure` returned are near the peak, by what is known now."""
        return min(rates) >= (1.0 - TOLERANCE) * self.peak


class ForeignLoad:
    """The share of some cores that went to others, from the counters of the kernel."""

    def __init__(self, cores: list[int]) -> None:
        self._names = {f"cpu{core}" for core in cores}
        self._tick = 1.0 / os.sysconf("SC_CLK_TCK")
        self._start = self._read()

    def since_start(self, own_seconds: float, wall_seconds: float) -> float:
        """Fraction of the cores' time that was neither idle nor ours, to a tick of each core."""
        busy = self._read() - self._start - len(self._names) * self._tick
        return max(0.0, busy - own_seconds) / (wall_seconds * len(self._names))

    def _read(self) -> float:
        ticks = 0
        for line in Path("/proc/stat").read_text().splitlines():
            name, *fields = line.split()
            if name in self._names:
                user, nice, system, _idle, _wait, irq, softirq, steal = map(int, fields[:8])
                ticks += user + nice + system + irq + softirq + steal
        return ticks * self._tick
