"""`fit_many`: the bits of one fit after the other, whatever the number of threads."""

from __future__ import annotations

import os
import pickle
import sys
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import clone
from sklearn.decomposition import PCA
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from aecore import Autoencoder, FitManyError, _core, fit_many
from aecore._parallel.side_by_side import run_side_by_side
from helpers import run_function
from samples import may_learn_nothing, same_bits, three_factor_rows

CHILD_TIMEOUT = 60.0
LIMIT = 0.2  # seconds from SIGINT to KeyboardInterrupt


def data_sets(n: int = 12, n_rows: int = 40) -> NDArray[np.float64]:
    rows = three_factor_rows(n * n_rows, 6)
    return rows.reshape(n, n_rows, 6)


def quick(**settings: Any) -> Autoencoder:
    return Autoencoder((3,), n_epochs=4, batch_size=16, **settings)


@pytest.mark.parametrize("settings", [{}, {"noise": "gaussian"}, {"optimizer": "lbfgs"}])
def test_bits_are_those_of_one_after_the_other(settings: dict[str, Any], n_threads: int) -> None:
    X = data_sets()
    estimator = quick(random_state=3, **settings)
    models = fit_many(estimator, X, n_threads=n_threads)
    assert len(models) == len(X)
    assert not hasattr(estimator, "network_")
    for model, rows in zip(models, X, strict=True):
        alone = clone(estimator).fit(rows)
        assert same_bits(model.network_, alone.network_)
        assert model.history_["loss"] == alone.history_["loss"]
        assert model.get_params() == estimator.get_params()


def test_every_data_set_has_a_seed_of_its_own(n_threads: int) -> None:
    X = data_sets(5)
    models = fit_many(quick(random_state=9), X, random_state=0, n_threads=n_threads)
    for i, model in enumerate(models):
        start = int(np.random.SeedSequence(0).generate_state(1)[0])
        assert model.random_state == (start + i) % 2**32
        assert same_bits(model.network_, clone(model).fit(X[i]).network_)
    assert len({model.random_state for model in models}) == len(models)
    few = fit_many(quick(), X[:2], random_state=0)
    assert [model.random_state for model in few] == [m.random_state for m in models[:2]]


@pytest.mark.parametrize(
    "random_state", [np.random.default_rng(1), np.random.SeedSequence(1), np.random.RandomState(1)]
)
def test_kinds_of_random_state(random_state: Any) -> None:
    models = fit_many(quick(), data_sets(3), random_state=random_state)
    assert len({model.random_state for model in models}) == 3


def test_without_a_seed_numpy_s_global_state_is_drawn_from(n_threads: int) -> None:
    X = data_sets(6)
    np.random.seed(5)  # noqa: NPY002
    models = fit_many(quick(), X, n_threads=n_threads)
    np.random.seed(5)  # noqa: NPY002
    for model, rows in zip(models, X, strict=True):
        assert same_bits(model.network_, quick().fit(rows).network_)


def test_data_of_all_kinds() -> None:
    X = data_sets(4)
    expected = fit_many(quick(), X, random_state=0)
    served = []

    def generator() -> Iterator[NDArray[np.float64]]:
        for rows in X:
            served.append(threading.current_thread())
            yield rows

    for data in (list(X), tuple(X), generator()):
        models = fit_many(quick(), data, random_state=0, n_threads=2)
        assert all(same_bits(a.network_, b.network_) for a, b in zip(models, expected, strict=True))
    assert len(served) == 4
    assert fit_many(quick(), []) == []
    ragged = fit_many(quick(), [X[0], X[1][:7, :4]], random_state=0)
    assert [model.n_features_in_ for model in ragged] == [6, 4]


def test_an_estimator_for_each_data_set() -> None:
    X = data_sets(3)
    estimators = [quick(), Autoencoder((2,), n_epochs=2), PCA(2)]
    models = fit_many(estimators, X, random_state=0)
    assert [type(model) for model in models] == [Autoencoder, Autoencoder, PCA]
    assert [model.transform(X[0]).shape[1] for model in models] == [3, 2, 2]
    assert not hasattr(estimators[0], "network_")


def test_pipelines_have_their_seeds_and_scikit_learn_s_configuration() -> None:
    X = data_sets(4)
    pipeline = make_pipeline(StandardScaler(), quick(random_state=1))
    models = fit_many(pipeline, X, random_state=0, n_threads=2)
    assert len({model[-1].random_state for model in models}) == 4
    for model, rows in zip(models, X, strict=True):
        assert same_bits(model[-1].network_, clone(model).fit(rows)[-1].network_)
    pytest.importorskip("pandas")
    with config_context(transform_output="pandas"):
        named = fit_many(pipeline, X, n_threads=2)
    assert all(list(model[-1].feature_names_in_) == [f"x{i}" for i in range(6)] for model in named)


def test_what_is_no_plain_value_is_cloned() -> None:
    class Counts:
        n = 0

        def on_epoch_end(self, _: Any) -> None:
            self.n += 1

    models = fit_many(quick(callbacks=[Counts()]), data_sets(5), n_threads=2)
    assert [model.callbacks[0].n for model in models] == [4] * 5


def test_an_error_names_its_data_set_and_loses_nothing(n_threads: int) -> None:
    X = data_sets(6)
    X[2, 5, 1] = np.nan
    X[4] = np.inf
    with pytest.raises(FitManyError, match=r"^data\[2\]: ValueError: .*row 5, .*1 more") as caught:
        fit_many(quick(), X, random_state=0, n_threads=n_threads)
    error = caught.value
    assert list(error.errors) == [2, 4]
    assert error.__cause__ is error.errors[2]
    assert [model is None for model in error.estimators] == [False, False, True, False, True, False]
    alone = fit_many(quick(), X[:2], random_state=0)
    assert same_bits(error.estimators[1].network_, alone[1].network_)
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error)
    assert same_bits(again.estimators[5].network_, error.estimators[5].network_)


@may_learn_nothing
def test_an_error_of_the_iterable_keeps_what_was_fitted() -> None:
    def broken() -> Iterator[NDArray[np.float64]]:
        yield from data_sets(3)
        raise OSError("no more")

    with pytest.raises(OSError, match="no more") as caught:
        fit_many(quick(), broken(), n_threads=2)
    assert [model is not None for model in caught.value.estimators] == [True] * 3  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            (quick(), data_sets()[0]),
            r"data must be an iterable .*; got shape \(40, 6\)",
        ),
        (
            ([quick()] * 2, data_sets(3)),
            r"must be one, or as many as data sets \(3\); got 2",
        ),
        (([quick()] * 2, iter(data_sets(3))), r"as many as data sets \(more than 2\); got 2"),
        (([quick()] * 4, iter(data_sets(3))), r"as many as data sets \(3\); got 4"),
    ],
)
def test_bad_arguments(arguments: tuple[Any, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        fit_many(*arguments)


@pytest.mark.parametrize("name", ["n_threads", "random_state", "verbose"])
def test_bad_settings(name: str) -> None:
    with pytest.raises(ValueError, match=f"^{name} must be"):
        fit_many(quick(), data_sets(2), **{name: -1})


def test_what_is_no_estimator() -> None:
    with pytest.raises(TypeError, match="estimator"):
        fit_many(3, data_sets(2))


def test_a_bar_counts_data_sets(capsys: pytest.CaptureFixture[str]) -> None:
    fit_many(quick(), data_sets(7), n_threads=2, verbose=1)
    assert "7/7" in capsys.readouterr().err
    fit_many(quick(), iter(data_sets(3)), verbose=1)
    assert "3 data sets" in capsys.readouterr().err
    fit_many(quick(), data_sets(2))
    assert not capsys.readouterr().err


def interrupted_run() -> tuple[float, int, int, int]:
    """Interrupt two trainings without end: seconds, data sets known, fitted ones, threads left."""
    import signal
    import time

    signal.signal(signal.SIGINT, signal.default_int_handler)
    sent: list[float] = []

    def send() -> None:
        sent.append(time.perf_counter())
        os.kill(os.getpid(), signal.SIGINT)

    estimators = [quick(), *[Autoencoder((3,), n_epochs=10**8)] * 5]
    threading.Timer(0.5, send).start()
    try:
        fit_many(estimators, data_sets(6), n_threads=3)
    except KeyboardInterrupt as error:
        latency = time.perf_counter() - sent[0]
        fitted = error.estimators  # type: ignore[attr-defined]
        n_fitted = sum(model is not None for model in fitted)
        return latency, len(fitted), n_fitted, threading.active_count()
    raise AssertionError("it ended")


@pytest.mark.timing
def test_ctrl_c_ends_all_trainings() -> None:
    latencies: list[float] = []
    while len(latencies) < 4 and min(latencies, default=LIMIT) >= LIMIT:
        latency, n_known, n_fitted, n_alive = run_function(interrupted_run, timeout=CHILD_TIMEOUT)
        assert (n_known, n_fitted, n_alive) == (6, 1, 1)
        latencies.append(latency)
    assert min(latencies) < LIMIT, latencies


def bits_in_a_child() -> bool:
    """Whether a forked child of a process that has fitted side by side fits the same."""
    X = data_sets(4)

    def bits() -> bytes:
        models = fit_many(quick(random_state=0), X, n_threads=3)
        return b"".join(model.network_.parameters.tobytes() for model in models)

    expected = bits()
    child = os.fork()
    if child == 0:
        os._exit(0 if bits() == expected else 1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_after_a_fork() -> None:
    assert run_function(bits_in_a_child, timeout=CHILD_TIMEOUT)


class CountsThreads:
    """A callback that notes how many threads the process has."""

    def __init__(self, seen: set[int]) -> None:
        self.seen = seen

    def __deepcopy__(self, _: Any) -> CountsThreads:
        return self

    def on_epoch_end(self, _: Any) -> None:
        self.seen.add(len(os.listdir("/proc/self/task")))  # noqa: PTH208


def most_threads() -> tuple[int, int, int]:
    """Threads of the process before, during, and with the team of one such fit alone."""
    X = np.random.default_rng(0).random((4, 600, 200))
    seen: set[int] = set()
    estimator = Autoencoder((64,), n_epochs=3, n_threads=4, callbacks=CountsThreads(seen))
    before = len(os.listdir("/proc/self/task"))  # noqa: PTH208
    fit_many(estimator, X, n_threads=2)
    during = max(seen)
    seen.clear()
    estimator.fit(X[0])
    return before, during, max(seen)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are counted in /proc")
def test_no_training_has_helpers_of_its_own() -> None:
    before, during, alone = run_function(most_threads)
    assert during == before + 1
    assert alone >= before + 3  # a thread may be counted a moment after its end


def test_calls_within_calls_run_on_their_thread() -> None:
    def inner(_: int, item: int) -> tuple[int, int]:
        return item, threading.get_ident()

    def outer(_: int, item: int) -> dict[int, tuple[int, int]]:
        assert _core.runs_alone()
        return run_side_by_side(inner, range(item), n_threads=5).results

    outcome = run_side_by_side(outer, [3, 4, 5], n_threads=2)
    assert not outcome.errors
    for index, results in outcome.results.items():
        assert [item for item, _ in results.values()] == list(range(index + 3))
        assert len({thread for _, thread in results.values()}) == 1
    assert not _core.runs_alone()


def test_numpy_s_error_state_is_that_of_the_caller() -> None:
    def divide(_: int, item: float) -> float:
        return float(np.float64(1.0) / np.float64(item))

    with np.errstate(divide="ignore"):
        outcome = run_side_by_side(divide, [0.0] * 20, n_threads=3)
    assert list(outcome.results.values()) == [np.inf] * 20


def test_an_exit_in_one_ends_all() -> None:
    def leave(_: int, item: int) -> None:
        if item == 3:
            raise SystemExit(4)

    outcome = run_side_by_side(leave, range(1000), n_threads=2)
    assert isinstance(outcome.interruption, SystemExit)
    assert len(outcome.results) < 1000


def test_fewer_threads_where_the_system_gives_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.warns(RuntimeWarning, match="could not create threads") as found:
        models = fit_many(quick(), data_sets(3), n_threads=3)
    assert len(models) == 3
    assert found[0].filename == __file__
