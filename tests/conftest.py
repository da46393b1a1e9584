"""Fixtures for all tests: instruction sets, thread counts, data that is not part of the project."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from aecore import _core
from helpers import ROOT, TESTS
from samples import THREADS

pytest.register_assert_rewrite("knob_checks")  # whose assertions tell what differs, like a test's


def pytest_report_header() -> list[str]:
    """Say first what is being tested."""
    return [f"aecore: {_core.show_build()}"]


@pytest.fixture(params=_core.show_build()["isa_available"])
def isa(request: pytest.FixtureRequest) -> str:
    """Each instruction set of this machine: pass it to `helpers.run_function` or `run_python`."""
    return str(request.param)


@pytest.fixture(params=THREADS)
def n_threads(request: pytest.FixtureRequest) -> int:
    """Thread counts below, at and above the number of cores, and odd ones."""
    return int(request.param)


@pytest.fixture(scope="session")
def shared_data() -> Callable[[str], Path]:
    """Find a data set's folder by name; the test skips where it is not there."""
    root = Path(os.environ.get("AECORE_DATA", ROOT.parent / "shared" / "data"))

    def find(name: str) -> Path:
        folder = root / name
        if not folder.exists():
            pytest.skip(f"{name} is not in {root}; AECORE_DATA names the folder of the data sets")
        return folder

    return find


@pytest.fixture(scope="session")
def allocator(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Environment of a child that counts requests for memory and refuses chosen ones."""
    if platform.libc_ver()[0] != "glibc":
        pytest.skip("counting needs the GNU C library")
    if os.environ.get("LD_PRELOAD"):
        pytest.skip("a sanitizer has the allocator already")
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        pytest.skip("there is no C compiler")
    library = tmp_path_factory.mktemp("allocator") / "allocator.so"
    source = TESTS / "compiled" / "allocations.c"
    command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source)]
    subprocess.run(command, check=True, timeout=60)
    return {"LD_PRELOAD": str(library)}
