"""`aecore.serving`: compiled callers get the bits of `Network`, without the GIL or an allocation.

The example package and a probe are compiled once, by the Cython and the compiler of this machine.
"""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aecore
from aecore.serving import Model
from helpers import ROOT, SUPPORT, TESTS, run_python
from served_networks import KINDS, make_network, make_rows

EXAMPLE = ROOT / "examples" / "cython_caller"
COMPILER = shutil.which(os.environ.get("CC", "cc"))
pytestmark = [
    pytest.mark.timeout(300),
    pytest.mark.xdist_group("compiled"),  # by one worker, once
    pytest.mark.skipif(COMPILER is None, reason="there is no C compiler"),
]


def run(*command: str | Path, cwd: Path) -> None:
    """Run a build step; what it wrote is the message if it fails."""
    # An editable installation has serving.pxd in the checkout, where Cython would not look.
    search = [str(Path(aecore.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        # Compilers must not run below what a sanitizer preloads; the core is not compiled here.
        env={
            **os.environ,
            "PYTHONPATH": os.pathsep.join(search),
            "LD_PRELOAD": "",
            "CFLAGS": "-O0",
        },
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folder, on sys.path, with the modules `caller` (the example, installed) and `probe`."""
    work, target = tmp_path_factory.mktemp("work"), tmp_path_factory.mktemp("compiled")
    shutil.copytree(EXAMPLE, work / "example")
    install = ("-m", "pip", "install", "--no-build-isolation", "--no-deps", "--no-index")
    run(sys.executable, *install, "--target", target, work / "example", cwd=work)
    shutil.copy(TESTS / "compiled" / "probe.pyx", target)
    run(sys.executable, "-m", "Cython.Build.Cythonize", "--inplace", "probe.pyx", cwd=target)
    sys.path.insert(0, str(target))
    yield target
    sys.path.remove(str(target))


@pytest.fixture(scope="module")
def caller(compiled: Path) -> Any:
    """The example's module."""
    assert compiled.is_dir()
    return importlib.import_module("caller")


@pytest.fixture(scope="module")
def probe(compiled: Path) -> Any:
    """The probe's module."""
    assert compiled.is_dir()
    return importlib.import_module("probe")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_bits_are_those_of_network(caller: Any, dtype: str, kind: str) -> None:
    network = make_network(dtype, **KINDS[kind])
    model = Model(network)
    X = make_rows(70, 300, dtype)
    codes, outputs = np.empty((70, 5), dtype), np.empty((70, 300), dtype)
    caller.encode(model, X, codes)
    np.testing.assert_array_equal(codes, network.encode(X))
    caller.decode(model, codes, outputs)
    np.testing.assert_array_equal(outputs, network.decode(codes))
    np.testing.assert_array_equal(outputs, network.reconstruct(X))
    assert (np.count_nonzero(codes, axis=1) == (2 if "top-k" in kind else 5)).all()


def test_softmax_codes_of_an_encoder_alone(caller: Any) -> None:
    network = aecore.Network([300, 5], ["softmax"], random_state=0)
    X, codes = make_rows(9, 300), np.empty((9, 5), np.float32)
    caller.encode(Model(network), X, codes)
    np.testing.assert_array_equal(codes, network.encode(X))
    np.testing.assert_allclose(codes.sum(axis=1), 1, rtol=1e-6)


def test_reconstruction_inside_a_loop_of_the_application(caller: Any) -> None:
    network = make_network()
    X = make_rows(9, 300)
    found = np.empty(9, np.float32)
    caller.errors(Model(network), X, found)
    expected = ((X.astype(np.float64) - network.reconstruct(X)) ** 2).sum(axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_each_instruction_set_gives_the_bits_of_network(compiled: Path, isa: str) -> None:
    code = f"""
import sys
sys.path[:0] = [{str(compiled)!r}, {str(SUPPORT)!r}]
import caller, numpy as np
from aecore import _core
from aecore.serving import Model
from served_networks import make_network, make_rows
network, X, codes = make_network(), make_rows(9, 300), np.empty((9, 5), np.float32)
caller.encode(Model(network), X, codes)
print(_core.show_build()["isa"], np.array_equal(codes, network.encode(X)))
"""
    assert run_python(code, isa=isa).split() == [isa, "True"]


def test_weights_are_read_at_each_call(caller: Any) -> None:
    network = make_network()
    model = Model(network)
    X, codes = make_rows(2, 300), np.empty((2, 5), np.float32)
    caller.encode(model, X, codes)
    before = codes.copy()
    network.parameters[:] *= 0.5
    caller.encode(model, X, codes)
    assert not np.array_equal(codes, before)
    np.testing.assert_array_equal(codes, network.encode(X))


def test_model_keeps_what_it_reads(caller: Any) -> None:
    model = Model(make_network())
    rubbish = [np.full(300 * 37, np.nan, np.float32) for _ in range(50)]
    codes = np.empty((2, 5), np.float32)
    caller.encode(model, make_rows(2, 300), codes)
    assert np.isfinite(codes).all()
    assert len(rubbish) == 50


def test_wrong_calls_return_statuses(probe: Any) -> None:
    found = probe.statuses(Model(make_network()), 300, 5)
    assert found == {
        "right": 0,
        "no rows": 0,
        "x is NULL": 1,
        "out is NULL": 1,
        "negative rows": 2,
        "narrow x": 2,
        "wide x": 2,
        "negative width": 2,
        "wide out": 2,
        "code as x": 2,
        "x as code": 2,
        "narrow reconstruction": 2,
        "other dtype": 3,
    }
    assert probe.decode_status(Model(make_network(sizes=(4, 2)))) == 4
    assert len({probe.sentence(status) for status in range(7)}) == 7


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_rows_before_one_that_is_not_finite_are_written(probe: Any, value: float) -> None:
    network = make_network()
    X, codes = make_rows(5, 300), np.full((5, 5), 7, np.float32)
    X[3, 299] = value
    assert probe.not_finite(Model(network), X, codes) == 5
    np.testing.assert_array_equal(codes[:3], network.encode(X[:3]))
    assert (codes[3:] == 7).all()


def test_the_example_raises_what_the_status_says(caller: Any) -> None:
    codes = np.empty((2, 6), np.float32)
    with pytest.raises(ValueError, match="n_in and n_out the widths of the network's layers"):
        caller.encode(Model(make_network()), make_rows(2, 300), codes)


@pytest.mark.parametrize("shared", [True, False])
def test_threads_get_the_bits_of_one(probe: Any, shared: bool) -> None:
    network = make_network()
    X = make_rows(40, 300)
    models = [Model(network)] * 4 if shared else [Model(network) for _ in range(4)]
    parts = [np.ascontiguousarray(X[i::4]) for i in range(4)]
    results = [np.empty((10, 5), np.float32) for _ in range(4)]
    failed = [-1] * 4

    def work(i: int) -> None:
        failed[i] = probe.encode_rows(models[i], parts[i], results[i], 300)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == [0] * 4
    for part, result in zip(parts, results, strict=True):
        np.testing.assert_array_equal(result, network.encode(part))


def test_python_runs_on_while_rows_are_encoded(probe: Any) -> None:
    # The switch interval is set so long that this thread could not get the GIL away in time.
    model, X, codes = Model(make_network()), make_rows(200, 300), np.empty((200, 5), np.float32)
    started = threading.Event()
    rounds = 200
    steps_at_the_end: list[int] = []
    steps = 0

    def work() -> None:
        started.set()
        probe.encode_rows(model, X, codes, rounds)
        steps_at_the_end.append(steps)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(100)
    try:
        thread = threading.Thread(target=work)
        thread.start()
        started.wait()
        while thread.is_alive():
            steps += 1
            threading.Event().wait(1e-4)  # lets the GIL go, so that the worker may finish
        thread.join()
    finally:
        sys.setswitchinterval(interval)
    assert steps_at_the_end[0] > 1


@pytest.mark.parametrize("kind", ["plain", "tied top-k"])
def test_calls_allocate_nothing(compiled: Path, allocator: dict[str, str], kind: str) -> None:
    code = f"""
import ctypes, sys
sys.path[:0] = [{str(compiled)!r}, {str(SUPPORT)!r}]
import numpy as np, probe
from aecore.serving import Model
from served_networks import KINDS, make_network, make_rows
count = ctypes.CDLL(None).count_allocations
count.restype = ctypes.c_long
address = ctypes.cast(count, ctypes.c_void_p).value
network, X = make_network(**KINDS[{kind!r}]), make_rows(20, 300)
codes, outputs = np.empty((20, 5), np.float32), np.empty((20, 300), np.float32)
model = Model(network)
first = probe.allocations(model, X, codes, outputs, 1, address)
many = probe.allocations(model, X, codes, outputs, 100, address)
before = count()
kept = [bytearray(5000) for _ in range(100)]
print(first, many, count() - before >= 100)
"""
    assert run_python(code, env=allocator).split() == ["0", "0", "True"]


def test_model_takes_a_network_only() -> None:
    with pytest.raises(TypeError, match=r"network must be an aecore\.Network; got ndarray"):
        Model(np.zeros(3))  # type: ignore[arg-type]
