"""The C++ core as a CMake target of another project: the example builds, runs, and agrees."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import aecore
from helpers import ROOT

CMAKE = shutil.which("cmake")


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command without the libraries that a sanitizer's run preloads."""
    return subprocess.run(
        list(map(str, command)),
        env={**os.environ, "LD_PRELOAD": ""},
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )


@pytest.mark.timeout(300)
@pytest.mark.skipif(CMAKE is None, reason="there is no cmake")
def test_the_example_builds_and_encodes_like_python(tmp_path: Path) -> None:
    build = tmp_path / "build"
    # Debug, without what a debugger reads: quick to compile; bits do not depend on it.
    configure = (str(CMAKE), "-S", ROOT / "examples" / "cpp_caller", "-B", build)
    for command in (
        (
            *(*configure, "-DCMAKE_BUILD_TYPE=Debug", "-DCMAKE_CXX_FLAGS_DEBUG=-O0"),
            "-DCMAKE_CXX_FLAGS=-Werror -Wall -Wextra",
        ),
        (str(CMAKE), "--build", build, "--parallel", "2"),
    ):
        done = run(*command)
        assert done.returncode == 0, done.stdout + done.stderr

    network = aecore.Network([784, 32, 784], ["relu", "sigmoid"], random_state=0)
    network.biases[0][:] = np.linspace(-1, 1, 32)
    X = np.random.default_rng(1).random((10, 784), dtype=np.float32)
    weights, rows, codes = (tmp_path / name for name in ("weights", "rows", "codes"))
    network.parameters.tofile(weights)
    X.tofile(rows)
    program = build / "encode_rows"
    assert run(program, weights, rows, codes).returncode == 0
    found = np.fromfile(codes, np.float32).reshape(10, 32)
    np.testing.assert_array_equal(found, network.encode(X))

    X[9, 783] = np.nan
    X.tofile(rows)
    assert run(program, weights, rows, codes).returncode == 4
    assert run(program, rows, rows, codes).returncode == 3
