"""How much fuzz targets try: the same examples each time, or AECORE_FUZZ times as many new ones."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

from hypothesis import HealthCheck, settings

_TIMES = int(os.environ.get("AECORE_FUZZ", "0"))


def examples(n: int) -> settings:
    """Settings for n examples, of which a failing one is printed in a form that repeats it."""
    return settings(
        max_examples=n * max(_TIMES, 1),
        derandomize=_TIMES == 0,
        deadline=None,
        print_blob=True,
        suppress_health_check=list(HealthCheck),
    )


@contextlib.contextmanager
def bounded_memory(more: int) -> Iterator[None]:
    """Let this process have `more` bytes of address space beyond what it has, then MemoryError."""
    import resource

    with open("/proc/self/statm") as file:  # noqa: PTH123
        used = int(file.read().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + more, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
