"""Forks and nested fits during a fit: who may train the estimator, and how others are told."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

from aecore import Autoencoder, AutoencoderClassifier, Network
from aecore._files.kinds import class_of
from aecore._util.progress import Progress
from aecore.callbacks import EpochState
from helpers import run_function
from samples import may_learn_nothing
from saved_models import MODELS, USER_ITEMS

pytestmark = may_learn_nothing
needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
ROWS = np.random.default_rng(0).random((300, 100))
SECONDS = 20.0
ESTIMATORS = [name for name in MODELS if name != "Network"]
CALLED_BACK = [name for name in ESTIMATORS if "callbacks" in class_of(name)().get_params()]


class Calls:
    """A callback that calls a function at the end of the second epoch."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self.function = function
        self.done = False

    def on_epoch_end(self, state: EpochState) -> None:
        if state.epoch == 1 and not self.done:
            self.done = True
            self.function()


def example(name: str) -> tuple[Any, tuple[Any, ...]]:
    """An estimator with two threads, and what its fit takes."""
    model = clone(MODELS[name]()).set_params(n_threads=2)
    if "Recommender" in name or name == "EASE":
        return model, (USER_ITEMS,)
    rows = np.random.default_rng(0).random((60, 6))
    return model, ((rows, np.arange(60) % 2) if name == "AutoencoderClassifier" else (rows,))


# --- nested fits ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", CALLED_BACK)
def test_a_callback_cannot_fit_again(name: str) -> None:
    model, data = example(name)
    heard: list[str] = []

    def fit() -> None:
        for method in ("fit", "partial_fit"):
            if hasattr(model, method):
                with pytest.raises(RuntimeError) as error:
                    getattr(model, method)(*data)
                heard.append(str(error.value))
        clone(model).set_params(callbacks=None).fit(*data)

    model.set_params(callbacks=Calls(fit)).fit(*data)
    message = (
        f"this {type(model).__name__} is being trained by this very call: a callback must not fit "
        "it again; use a clone of it"
    )
    assert heard in ([message], [message] * 2)
    model.set_params(callbacks=None).fit(*data)


def test_another_thread_is_named() -> None:
    model, heard = Autoencoder((4,), n_epochs=3, random_state=0), []

    def fit() -> None:
        try:
            model.fit(ROWS)
        except RuntimeError as error:
            heard.append(str(error))

    def in_a_thread() -> None:
        thread = threading.Thread(target=fit)
        thread.start()
        thread.join()

    model.set_params(callbacks=Calls(in_a_thread)).fit(ROWS)
    assert heard == [
        "this Autoencoder is being trained by another thread; use a clone of it, or wait"
    ]


# --- forks ----------------------------------------------------------------------------------------


def code_of(child: int) -> int:
    """The exit code of a child, which is killed where it hangs."""
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return -int(signal.SIGALRM)


def fork_and(work: Callable[[], Any]) -> int:
    """Do the work in a forked child: 0 if it ended well."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return code_of(child)


def forked_by_a_callback(name: str) -> tuple[int, bool]:
    """A child trains the estimator that its parent trains; both have the bits of a fit alone."""
    model, data = example(name)
    alone = clone(model).fit(*data)
    codes: list[int] = []

    def in_child() -> None:
        model.set_params(callbacks=None).fit(*data)
        assert same(model, alone)

    model.set_params(callbacks=Calls(lambda: codes.append(fork_and(in_child)))).fit(*data)
    return codes[0], same(model, alone)


def same(one: Any, other: Any) -> bool:
    networks = [
        [member.network_ for member in getattr(each, "estimators_", [each])]
        for each in (one, other)
    ]
    return all(
        np.array_equal(mine.parameters, theirs.parameters)
        for mine, theirs in zip(*networks, strict=True)
    )


@needs_fork
@pytest.mark.parametrize("name", CALLED_BACK)
def test_a_child_of_a_callback_trains_the_same_estimator(name: str) -> None:
    assert run_function(forked_by_a_callback, name) == (0, True)


def forked_during_a_training(name: str) -> int:
    """One thread trains an estimator, another forks, and the child trains it."""
    model, data = example(name)
    going, enough = threading.Event(), threading.Event()

    def train() -> None:
        with model._exclusive():
            going.set()
            enough.wait()

    thread = threading.Thread(target=train)
    thread.start()
    going.wait()
    with pytest.raises(RuntimeError, match="is being trained by another thread"):
        model.fit(*data)
    code = fork_and(lambda: [model.fit(*data) for _ in range(2)])
    enough.set()
    thread.join()
    return code


@needs_fork
@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_child_of_another_thread_trains_the_same_estimator(name: str) -> None:
    assert run_function(forked_during_a_training, name) == 0


def forked_by_another_thread(n_threads: int) -> tuple[int, int]:
    """One thread forks while another trains; the child trains the same estimator."""
    going, enough = threading.Event(), threading.Event()

    class Waits:
        def on_epoch_end(self, state: EpochState) -> bool:
            del state
            going.set()
            return enough.is_set()

    model = Autoencoder((40,), n_epochs=10**6, n_threads=n_threads, random_state=0)
    thread = threading.Thread(target=model.set_params(callbacks=Waits()).fit, args=(ROWS,))
    thread.start()
    going.wait()
    codes = {
        fork_and(lambda: model.set_params(callbacks=None, n_epochs=2).fit(ROWS)) for _ in range(10)
    }
    enough.set()
    thread.join()
    return max(codes), len(codes)


@needs_fork
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("n_threads", [1, 2])
def test_a_child_trains_what_another_thread_of_its_parent_trains(n_threads: int) -> None:
    assert run_function(forked_by_another_thread, n_threads) == (0, 1)


def child_that_comes_back(settings: dict[str, Any], n_threads: int) -> tuple[int, bool]:
    """A child returns from the callback into fit; it then trains anew, and the parent goes on."""
    settings = {"n_epochs": 5, "n_threads": n_threads, "random_state": 0, **settings}
    kind = settings.pop("kind", Autoencoder)
    data = (ROWS, np.arange(len(ROWS)) % 3) if kind is AutoencoderClassifier else (ROWS,)
    model = kind((40,), **settings)
    alone = clone(model).fit(*data)
    parent, children = os.getpid(), []

    def fork() -> None:
        children.append(os.fork())

    model.set_params(callbacks=Calls(fork))
    code = 2
    try:
        model.fit(*data)
    except RuntimeError as error:
        told = "a forked child came back from a callback into fit, which goes on in its parent" in (
            str(error)
        )
        code = int(not (told and same(clone(model).set_params(callbacks=None).fit(*data), alone)))
    finally:
        if os.getpid() != parent:
            os._exit(code)
    return code_of(children[0]), same(model, alone)


@needs_fork
@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"optimizer": "lbfgs"},
        {"kind": AutoencoderClassifier},
        {"early_stopping": True, "validation_fraction": 0.1},
    ],
    ids=str,
)
def test_a_child_that_comes_back_into_fit_ends_with_an_error(
    settings: dict[str, Any], n_threads: int
) -> None:
    assert run_function(child_that_comes_back, settings, n_threads) == (0, True)


BETWEEN_CALLS = 77


def code_of_a_child_of(compute: Callable[[], Any], fork: Callable[..., None]) -> int:
    """The exit code of a child that `fork` makes while the parent computes; 0 if it is told."""
    parent, code = os.getpid(), BETWEEN_CALLS
    children: list[int] = []

    def handle(*_: Any) -> None:
        if not children:
            children.append(os.fork())
            if os.getpid() == parent:
                raise KeyboardInterrupt

    try:
        fork(handle)
        while os.getpid() == parent:
            compute()
    except KeyboardInterrupt:
        pass
    except RuntimeError as error:
        told = "a forked child came back into a computation of its parent, which goes on there"
        code = int(told not in str(error))
    finally:
        if os.getpid() != parent:
            os._exit(code)
    return code_of(children[0])


def child_of_a_signal(n_threads: int) -> int:
    """Handlers may run between two calls as well, where nothing is wrong: then try once more."""
    rows = np.random.default_rng(0).random((20_000, 200))
    network = Network([200, 300, 200], ["relu", "relu"], n_threads=n_threads, random_state=0)

    def fork(handle: Callable[..., None]) -> None:
        signal.signal(signal.SIGALRM, handle)
        signal.setitimer(signal.ITIMER_REAL, 0.06)

    code = BETWEEN_CALLS
    for _ in range(30):
        code = code_of_a_child_of(lambda: network.reconstruct(rows), fork)
        if code != BETWEEN_CALLS:
            break
    return code


def child_of_a_progress_bar(n_threads: int) -> int:
    """A bar moves in the midst of an epoch."""
    rows = np.random.default_rng(0).random((20_000, 200))
    model = Autoencoder((300,), n_epochs=1, n_threads=n_threads, random_state=0, verbose=1)

    def fork(handle: Callable[..., None]) -> None:
        Progress.move_to = handle  # type: ignore[method-assign]

    return code_of_a_child_of(lambda: model.fit(rows), fork)


@needs_fork
@pytest.mark.parametrize("n_threads", [1, 2, 3])
@pytest.mark.parametrize("child", [child_of_a_signal, child_of_a_progress_bar])
def test_a_child_that_comes_back_into_the_core_ends_with_an_error(
    child: Callable[[int], int], n_threads: int
) -> None:
    assert run_function(child, n_threads) == 0


def bound_child_that_comes_back() -> int:
    """OpenMP makes the team, and there is no way out of a region whose threads are not there."""
    parent, children = os.getpid(), []

    def fork() -> None:
        children.append(os.fork())

    model = Autoencoder((40,), n_epochs=3, n_threads=2, random_state=0, callbacks=Calls(fork))
    try:
        model.fit(ROWS)
    finally:
        if os.getpid() != parent:
            os._exit(3)
    return code_of(children[0])


@needs_fork
def test_where_openmp_binds_threads_the_child_ends() -> None:
    environment = {"OMP_PROC_BIND": "true", "OMP_PLACES": "cores"}
    assert run_function(bound_child_that_comes_back, env=environment) in (1, 3)
