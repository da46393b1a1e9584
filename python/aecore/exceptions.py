"""Errors that are aecore's own; all others are a `ValueError`, a `TypeError` or scikit-learn's."""

from __future__ import annotations


class TrainingDivergedError(ArithmeticError):
    """The loss or a weight stopped being finite, and training was stopped.

    The estimator keeps the last epoch that was finite; the message says which one and what to try.
    """


class ModelFileError(ValueError):
    """A model file that is cut off, damaged, of another kind, or of a newer aecore.

    The message names the file and says which.
    """
