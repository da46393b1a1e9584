"""How many threads there are, and models shared between the user's own threads."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from aecore import Autoencoder, Network, _core
from helpers import run_function, run_python

pytestmark = pytest.mark.alone


def test_default_obeys_threadpoolctl() -> None:
    if _core.show_build()["threading"] != "openmp":
        pytest.skip("threadpoolctl limits OpenMP; this build runs on std::thread")
    with threadpool_limits(1):
        assert _core.default_n_threads() == 1


def test_default_obeys_the_environment() -> None:
    if _core.show_build()["threading"] != "openmp":
        pytest.skip("OMP_NUM_THREADS is OpenMP's; this build runs on std::thread")
    code = "from aecore import _core; print(_core.default_n_threads())"
    assert run_python(code, env={"OMP_NUM_THREADS": "1"}).strip() == "1"


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no CPU affinity on this system")
def test_default_obeys_the_affinity() -> None:
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))});"
        "from aecore import _core; print(_core.default_n_threads())"
    )
    assert run_python(code).strip() == "1"


def test_one_network_serves_many_threads() -> None:
    network = Network([50, 20, 50], ["tanh", "sigmoid"], random_state=0, n_threads=2)
    X = np.random.default_rng(0).random((400, 50), dtype=np.float32)
    expected = network.reconstruct(X)
    different = []

    def serve() -> None:
        for i in range(30):
            rows = X if i % 2 else X[i : i + 2]
            wanted = expected if i % 2 else expected[i : i + 2]
            if not np.array_equal(network.reconstruct(rows), wanted):
                different.append(i)

    threads = [threading.Thread(target=serve) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not different


def small_fit(n_threads: int, dtype: str = "float32") -> bytes:
    """Parameters after many steps of a few microseconds: helpers come late to most jobs."""
    X = np.random.default_rng(0).random((600, 20))
    model = Autoencoder(
        (12,),
        activation="sigmoid",
        sparsity_weight=0.1,
        weight_decay=1e-3,
        batch_size=100,
        n_epochs=60,
        dtype=dtype,
        n_threads=n_threads,
        random_state=0,
    )
    return model.fit(X).network_.parameters.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_late_helpers_change_no_bit(n_threads: int, dtype: str) -> None:
    assert small_fit(n_threads, dtype) == small_fit(1, dtype)


def test_threads_that_openmp_binds_change_no_bit() -> None:
    assert run_function(small_fit, 2, env={"OMP_PROC_BIND": "true"}) == small_fit(1)


def test_many_python_threads_each_with_a_team() -> None:
    expected = small_fit(1)
    results: list[bytes] = []

    def fit_twice() -> None:
        results.extend(small_fit(2) for _ in range(2))

    threads = [threading.Thread(target=fit_twice) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [expected] * 16


def test_busy_neighbours_change_no_bit() -> None:
    """Helpers rest and come back as the neighbours let them."""
    X = np.random.default_rng(0).random((2000, 100))

    def fit(n_threads: int) -> bytes:
        model = Autoencoder((50,), n_epochs=150, n_threads=n_threads, random_state=0)
        return model.fit(X).network_.parameters.tobytes()

    spinning = [sys.executable, "-c", "while True: pass"]
    neighbours = [subprocess.Popen(spinning) for _ in range(os.cpu_count() or 1)]
    try:
        beside = [fit(n) for n in (2, 3)]
    finally:
        for neighbour in neighbours:
            neighbour.kill()
            neighbour.wait()
    assert beside == [fit(1)] * 2


def test_a_call_within_a_call() -> None:
    """A signal handler that computes leaves the outer fit its team and its bits."""
    X = np.random.default_rng(0).random((4000, 60))

    def fit(n_threads: int) -> bytes:
        model = Autoencoder((32,), n_epochs=1000, n_threads=n_threads, random_state=0)
        return model.fit(X).network_.parameters.tobytes()

    inner: list[tuple[bool, bytes]] = []
    running = True
    handler = signal.signal(signal.SIGUSR1, lambda *_: inner.append((running, small_fit(2))))
    timer = threading.Timer(0.1, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    try:
        timer.start()
        outer = fit(2)
        running = False
    finally:
        timer.join()
        signal.signal(signal.SIGUSR1, handler)
    assert inner == [(True, small_fit(1))]
    assert outer == fit(1)


# Reconstructs with 7 threads in a process that may not create any; prints the bits' digest and the
# warnings. The limit does not bind root.
STARVED = """
import hashlib, os, resource, warnings
import numpy as np
from aecore import Network
network = Network([50, 20, 50], ["tanh", "sigmoid"], random_state=0, n_threads=7)
X = np.random.default_rng(0).random((400, 50), dtype=np.float32)
network.encode(X[:1])
if os.getuid() == 0:
    os.setuid(65534)
resource.setrlimit(resource.RLIMIT_NPROC, (1, 1))
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    result = network.reconstruct(X)
print(hashlib.sha256(result.tobytes()).hexdigest())
for warning in caught:
    print(warning.message)
"""


@pytest.mark.skipif(not hasattr(os, "setuid"), reason="no limit on processes on this system")
@pytest.mark.parametrize("bind", ["false", "true"])  # threads of our own, and OpenMP's
def test_no_threads_to_be_had_gives_one_warning_and_the_same_bits(bind: str) -> None:
    network = Network([50, 20, 50], ["tanh", "sigmoid"], random_state=0)
    X = np.random.default_rng(0).random((400, 50), dtype=np.float32)
    digest, *messages = run_python(STARVED, env={"OMP_PROC_BIND": bind}).splitlines()
    assert digest == hashlib.sha256(network.reconstruct(X).tobytes()).hexdigest()
    assert len(messages) == 1
    assert "could not create threads" in messages[0]
