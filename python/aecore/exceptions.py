"""Errors that are aecore's own; all others are a `ValueError`, a `TypeError` or scikit-learn's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class TrainingDivergedError(ArithmeticError):
    """The loss or a weight stopped being finite, and training was stopped.

    The estimator keeps the last epoch that was finite; the message says which one and what to try.
    """


class FitManyError(RuntimeError):
    """`fit_many` could not fit some of the data sets; it has fitted the others.

    The message has the index and the error of the first.

    Parameters
    ----------
    estimators : list of estimator or None
        Fitted, in the order of the data; None where that failed.
    errors : dict of int to Exception
        What was raised, by the index of the data set.

    Attributes
    ----------
    estimators, errors
        As above.
    """

    def __init__(self, estimators: Sequence[Any | None], errors: Mapping[int, Exception]) -> None:
        super().__init__(estimators, errors)  # what pickle calls this with
        self.estimators = list(estimators)
        self.errors = dict(sorted(errors.items()))

    def __str__(self) -> str:
        first, error = next(iter(self.errors.items()))
        more = f" (and {len(self.errors) - 1} more: see errors)" if len(self.errors) > 1 else ""
        return f"data[{first}]: {type(error).__name__}: {error}{more}"


class ModelFileError(ValueError):
    """A model file that is cut off, damaged, of another kind, or of a newer aecore.

    The message names the file and says which.
    """
