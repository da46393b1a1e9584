"""`fit_many`: many small estimators trained side by side, each on one core."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Sequence, Sized
from itertools import repeat
from typing import Any, TypeVar

import numpy as np
from sklearn.base import clone

from aecore._checks.calls import checked
from aecore._checks.random_state import seed_from
from aecore._checks.rules import check_params
from aecore._parallel.side_by_side import run_side_by_side
from aecore._util.progress import Progress
from aecore.exceptions import FitManyError

Estimator = TypeVar("Estimator")


@checked
def fit_many(
    estimator: Estimator | Sequence[Estimator],
    data: Iterable[Any],
    *,
    n_threads: int | None = None,
    random_state: Any = None,
    verbose: int = 0,
) -> list[Estimator]:
    """Fit a clone of an estimator to each of many data sets, side by side on all cores.

    For a small model of each sensor, shop or fold. Each is trained on one thread, with the bits
    that `clone(estimator).fit(X)` gives, whatever the number of threads; the estimators of
    scikit-learn that take no `n_jobs`, and pipelines of them, work as well.

    Parameters
    ----------
    estimator : estimator or sequence of estimators
        One that is cloned for all data sets, or one for each of them, cloned too.
    data : iterable of array-like of shape (n_samples, n_features), or array of shape \
            (n_data_sets, n_samples, n_features)
        A data set for each network. An iterable is asked for the next one when a thread is free for
        it, by one thread at a time: a generator needs memory for `n_threads` data sets only.
    n_threads : int, default=None
        Data sets at a time, >= 1. None takes what OpenMP, the CPU affinity and the control group
        allow. The `n_threads` of the estimators hold after `fit`.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Where a seed of its own for each data set comes from: the clone for data[i] has the seed
        (start + i) % 2**32 in place of each parameter that is, or ends in, "random_state"; their
        starts are the words of SeedSequence(random_state), in the order of their names. So it
        depends on `random_state` and i alone. None leaves these parameters as they are but for
        those that are None, which are drawn from NumPy's global state in the order of the data.
    verbose : {0, 1}, default=0
        1 shows a progress bar that counts data sets.

    Returns
    -------
    list of estimators
        Fitted, in the order of the data.

    Raises
    ------
    FitManyError
        If some could not be fitted, after all others have been: the message names the first by its
        index, as in "data[17]: ...", `errors` has all, and `estimators` those that were fitted.
    ValueError
        If a parameter breaks its rule, `data` is a single data set, or there are not as many
        estimators as data sets.
    KeyboardInterrupt
        After Ctrl-C, within 0.2 s where the estimators are aecore's. Its attribute `estimators` is
        the list with what was fitted, None in other places; so is that of an error of the iterable.

    Examples
    --------
    >>> import numpy as np
    >>> import aecore
    >>> sensors = np.random.default_rng(0).random((100, 50, 8))
    >>> models = aecore.fit_many(aecore.Autoencoder((2,), n_epochs=5), sensors, random_state=0)
    >>> len(models), models[0].transform(sensors[0]).shape
    (100, (50, 2))
    """
    check_params({"n_threads": n_threads, "random_state": random_state, "verbose": verbose})
    shape = getattr(data, "shape", (0, 0, 0))
    if len(shape) != 3:
        msg = (
            "data must be an iterable of data sets or have shape (n_data_sets, n_samples, "
            f"n_features); got shape {shape}"
        )
        raise ValueError(msg)
    n_data = len(data) if isinstance(data, Sized) else None
    if isinstance(estimator, Sequence) and n_data not in (None, len(estimator)):
        raise _wrong_number(estimator, str(n_data))
    seed = None if random_state is None else seed_from(random_state)

    def fit(_: int, pair: tuple[Any, Any]) -> Estimator:
        fitted: Estimator = pair[0].fit(pair[1])
        return fitted

    with Progress(verbose, n_data, "data set") as progress:
        outcome = run_side_by_side(
            fit,
            _clones_with_data(estimator, data, seed),
            n_items=n_data,
            n_threads=n_threads,
            on_done=progress.step if verbose else None,
        )
    n_seen = max([n_data or 0, *(index + 1 for index in (*outcome.results, *outcome.errors))])
    fitted = [outcome.results.get(index) for index in range(n_seen)]
    if outcome.interruption is not None:
        outcome.interruption.estimators = fitted  # type: ignore[attr-defined]
        raise outcome.interruption
    if outcome.errors:
        raise FitManyError(fitted, outcome.errors) from outcome.errors[min(outcome.errors)]
    return fitted  # type: ignore[return-value]


def _clones_with_data(
    estimator: Any, data: Iterable[Any], seed: int | None
) -> Iterator[tuple[Any, Any]]:
    """Pairs of a clone, with its seeds, and the data set that it is for."""
    several = isinstance(estimator, Sequence)
    prototypes: Iterator[_Prototype]
    prototypes = map(_Prototype, estimator) if several else repeat(_Prototype(estimator))
    n_data = 0
    for X in data:
        prototype = next(prototypes, None)
        if prototype is None:
            raise _wrong_number(estimator, f"more than {n_data}")
        yield prototype.make(seed, n_data), X
        n_data += 1
    if several and n_data < len(estimator):
        raise _wrong_number(estimator, str(n_data))


def _wrong_number(estimators: Sequence[Any], n_data: str) -> ValueError:
    msg = f"estimator must be one, or as many as data sets ({n_data}); got {len(estimators)}"
    return ValueError(msg)


class _Prototype:
    """Makes clones of one estimator: by copying a clone, a hundred times faster, where it can."""

    def __init__(self, estimator: Any) -> None:
        self._estimator = clone(estimator)
        self._params = estimator.get_params(deep=True)
        self._is_flat = all(map(_is_immutable, self._params.values()))
        self._names = sorted(
            name
            for name in self._params
            if name == "random_state" or name.endswith("__random_state")
        )

    def make(self, seed: int | None, index: int) -> Any:
        """Make the clone for data[index], with the seeds that belong to it."""
        made = copy.copy(self._estimator) if self._is_flat else clone(self._estimator)
        names = self._names
        if seed is None:
            names = [name for name in names if self._params[name] is None]
            seeds = [seed_from(None) for _ in names]
        else:
            starts = np.random.SeedSequence(seed).generate_state(len(names))
            seeds = [(int(start) + index) % 2**32 for start in starts]
        if self._is_flat:
            vars(made).update(zip(names, seeds, strict=True))
        elif names:
            made.set_params(**dict(zip(names, seeds, strict=True)))
        return made


def _is_immutable(value: Any) -> bool:
    if isinstance(value, tuple):
        return all(map(_is_immutable, value))
    return value is None or isinstance(value, int | float | str)
