"""`import aecore` is cheap, loads nothing it does not need, and changes nothing around it."""

from __future__ import annotations

import json
from importlib import metadata

import pytest

import aecore
from helpers import run_python

LATER = ("sklearn", "scipy", "matplotlib", "pandas", "tqdm", "threadpoolctl", "safetensors")


def test_import_loads_numpy_and_the_core_only() -> None:
    code = f"import sys, aecore; print([name for name in {LATER!r} if name in sys.modules])"
    assert run_python(code).strip() == "[]"


def test_network_needs_no_scikit_learn() -> None:
    code = (
        "import sys, numpy, aecore\n"
        "net = aecore.Network([4, 2, 4], ['sigmoid', 'sigmoid'], random_state=0)\n"
        "net.objective_and_gradient(net.reconstruct(numpy.eye(4)))\n"
        f"print([name for name in {LATER!r} if name in sys.modules])"
    )
    assert run_python(code).strip() == "[]"


@pytest.mark.timing
def test_import_costs_less_than_50_ms_above_numpy() -> None:
    code = (
        "import time, numpy\n"
        "start = time.perf_counter()\n"
        "import aecore\n"
        "print(time.perf_counter() - start)"
    )
    # The first run fills the file cache; a busy machine disturbs single runs.
    assert min(float(run_python(code)) for _ in range(5)) < 0.05


def test_import_changes_nothing_around_it() -> None:
    code = """
import json, locale, os, signal, threading
import numpy as np

def surroundings():
    return {
        "environment": dict(os.environ),
        "floating_point_errors": np.geterr(),
        "locale": locale.setlocale(locale.LC_ALL),
        "affinity": sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else None,
        "sigint": repr(signal.getsignal(signal.SIGINT)),
        "random": [int(word) for word in np.random.get_state()[1]],
        "subnormal": str(np.float64(5e-324) * 1.0),
        "threads": threading.active_count(),
    }

before = surroundings()
import aecore
print(json.dumps([before, surroundings()]))
"""
    before, after = json.loads(run_python(code))
    assert before["subnormal"] == "5e-324"
    assert after == before


def test_every_public_name_loads() -> None:
    for name in aecore.__all__:
        assert getattr(aecore, name) is not None
    assert dir(aecore) == sorted(aecore.__all__)


def test_unknown_name() -> None:
    with pytest.raises(AttributeError, match="module 'aecore' has no attribute 'Autoencodr'"):
        aecore.Autoencodr  # type: ignore[attr-defined]  # noqa: B018


def test_version_is_that_of_the_distribution() -> None:
    assert aecore.__version__ == metadata.version("aecore")
