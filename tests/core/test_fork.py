"""A fork of a process that has used threads: the child computes, and at once."""

from __future__ import annotations

import hashlib
import multiprocessing
import os
import signal
import time

import numpy as np
import pytest

from aecore import Autoencoder
from helpers import run_function

pytestmark = [
    pytest.mark.alone,
    pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork"),
]

SECONDS = 5.0


def data() -> np.ndarray:
    return np.random.default_rng(0).random((600, 200))


def fit() -> Autoencoder:
    """A fit with two threads in a team."""
    return Autoencoder((64,), n_epochs=2, n_threads=2, random_state=0).fit(data())


def answer(model: Autoencoder) -> bytes:
    """Digest of the bits of a transform by `model` and of a new fit; short enough for a pipe."""
    bits = model.transform(data()).tobytes() + fit().network_.parameters.tobytes()
    return hashlib.sha256(bits).digest()


def in_child(model: Autoencoder) -> bytes:
    """`answer` of a forked child, or an error if it takes longer than SECONDS."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write, answer(model))
        os._exit(0)
    os.close(write)
    deadline = time.monotonic() + SECONDS
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            msg = f"the child did not end within {SECONDS} s"
            raise TimeoutError(msg)
        time.sleep(0.005)
    with os.fdopen(read, "rb") as pipe:
        return pipe.read()


def different_answers_of_20_forks() -> int:
    """Number of children whose bits differ from the parent's."""
    model = fit()
    expected = answer(model)
    return sum(in_child(model) != expected for _ in range(20))


def pool_answers() -> bool:
    """Whether a forked pool gives the parent's bits."""
    model = fit()
    expected = answer(model)
    with multiprocessing.get_context("fork").Pool(2) as pool:
        found = pool.map_async(answer, [model] * 6).get(timeout=30)
    return all(bits == expected for bits in found)


def test_every_forked_child_ends_with_the_same_bits() -> None:
    assert run_function(different_answers_of_20_forks, timeout=150) == 0


def test_forked_pool() -> None:
    assert run_function(pool_answers)
