"""`Checkpoint`: where and how often `fit` writes what it takes to go on after a crash."""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass

from aecore._checks.calls import check_calls
from aecore._checks.rules import check_params


@check_calls
@dataclass(frozen=True)
class Checkpoint:
    """For the argument `checkpoint` of `fit`: a file to go on from with `resume_from`.

    It is written at the ends of epochs, and after the last, whole or not at all: a process that is
    killed while it writes leaves the checkpoint before. The file is a model file too, of the
    estimator as of that epoch, for `aecore.load`.

    Parameters
    ----------
    path : str or path-like
        The file, which every checkpoint replaces; its folder must exist.
    every_epochs : int, default=None
        Epochs (iterations of "lbfgs") from one checkpoint to the next, >= 1. None means 1, unless
        `every_minutes` is given.
    every_minutes : float, default=None
        Write at the end of the first epoch that ends so many minutes > 0 after the last checkpoint.
        With `every_epochs`, what comes first counts.

    Raises
    ------
    ValueError
        If a setting breaks its rule.

    Notes
    -----
    A checkpoint writes parameters, optimiser state and, with early stopping, the best parameters,
    and waits for the disk: where epochs take milliseconds, let many of them pass.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import Autoencoder, Checkpoint
    >>> X = np.random.default_rng(0).random((200, 16))
    >>> ae = Autoencoder((4,), n_epochs=20, random_state=0)
    >>> ae = ae.fit(X, checkpoint=Checkpoint("run.safetensors", every_epochs=10))
    >>> ae = ae.fit(X, resume_from="run.safetensors")  # here after its end: nothing is left to do
    """

    path: str | os.PathLike[str]
    every_epochs: int | None = None
    every_minutes: float | None = None

    def __post_init__(self) -> None:
        """Check every setting; the error is `<name> must <rule>; got <value>`."""
        check_params({field.name: getattr(self, field.name) for field in dataclasses.fields(self)})
