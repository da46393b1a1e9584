"""How much memory this process may still ask for."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")


def available_memory() -> int | None:
    """Return bytes that can be had without swapping, or None where the system does not say.

    The smallest of what the machine has left, what the control group of the process has left
    (containers), and what the limit on its address space allows.
    """
    return min(_limits(), default=None)


def size_text(n_bytes: int) -> str:
    """Write a number of bytes with a unit, in powers of 1000."""
    for unit, size in (("GB", 10**9), ("MB", 10**6), ("kB", 10**3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.1f} {unit}"
    return f"{n_bytes} bytes"


def _limits() -> Iterator[int]:
    machine = _of_machine()
    if machine is not None:
        yield machine
    yield from _of_group()
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit != resource.RLIM_INFINITY:
            pages = int(Path("/proc/self/statm").read_text().split()[0])
            yield max(0, limit - pages * os.sysconf("SC_PAGE_SIZE"))


def _of_machine() -> int | None:
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    # Elsewhere the installed memory: a bound, though not what is free of it.
    with contextlib.suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return None


def _of_group() -> Iterator[int]:
    """What each control group around the process leaves it; version 2 of the interface, then 1."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, name = line.split(":", 2)
            if controllers == "":
                root, files = _GROUPS, ("memory.max", "memory.current")
            elif "memory" in controllers.split(","):
                root = _GROUPS / "memory"
                files = ("memory.limit_in_bytes", "memory.usage_in_bytes")
            else:
                continue
            group = root / name.lstrip("/")
            for folder in (group, *group.parents):
                if folder != root and root not in folder.parents:
                    break
                yield from _left(folder / files[0], folder / files[1])


def _left(limit: Path, used: Path) -> Iterator[int]:
    # The file is missing at the root, and holds "max" where there is no limit.
    with contextlib.suppress(OSError, ValueError):
        yield max(0, int(limit.read_text()) - int(used.read_text()))
