"""Checkpoints of a training: a model file that also says where the training stands.

What a run is made of, beside the model with its optimiser's state, history and seed, is little:
random numbers depend on (seed, epoch, row), and schedules and early stopping are replayed from the
history. So there is only the best network of early stopping to keep, whether somebody has ended the
training, and what the data looked like.
"""

from __future__ import annotations

import copy
import os
import reprlib
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aecore._checks.rules import parameter_error
from aecore._files.container import Content, read, valid, write
from aecore._files.streams import name_of
from aecore._files.values import decode
from aecore._history import History
from aecore._saving import models
from aecore._training.data import TrainingData
from aecore._training.recorder import Position
from aecore._util.atomic import check_writable
from aecore._util.optimizer_state import OptimizerState
from aecore.checkpoint import Checkpoint
from aecore.network import Network

# Parameters that a resumed training may change: they move no bit of an epoch, unless a schedule
# looks at `n_epochs`.
_FREE = ("callbacks", "n_epochs", "n_threads", "verbose")


class CheckpointWriter:
    """Writes the checkpoints of one `fit`.

    Parameters
    ----------
    checkpoint : Checkpoint
    content : callable
        Gives what a file holds of the model as it was published last, with an optimiser's state.
    data : TrainingData

    Raises
    ------
    ValueError
        If the path is not one to write to.
    """

    def __init__(
        self,
        checkpoint: Checkpoint,
        content: Callable[[OptimizerState | None], Content],
        data: TrainingData,
    ) -> None:
        if not isinstance(checkpoint, Checkpoint):
            raise parameter_error("checkpoint", "be None or an aecore.Checkpoint", checkpoint)
        # This is checked now, not after the first hours of training.
        try:
            check_writable(checkpoint.path)
            path = Path(checkpoint.path)
            good = path.is_file() or not path.exists()  # nobody goes on from a device
        except OSError:
            good = False
        if not good:
            rule = "name a file in a folder that exists and can be written to"
            raise parameter_error("checkpoint.path", rule, os.fspath(checkpoint.path))
        self._checkpoint = checkpoint
        self._content = content
        self._data = describe(data)
        self._written(0)

    def _written(self, n_epochs: int) -> None:
        self._n_epochs = n_epochs
        self._time = time.monotonic()

    def is_due(self, n_epochs: int) -> bool:
        """Return whether to write at the end of epoch `n_epochs`, counted from 1."""
        minutes = self._checkpoint.every_minutes
        epochs = self._checkpoint.every_epochs or (1 if minutes is None else None)
        if epochs is not None and n_epochs - self._n_epochs >= epochs:
            return True
        return minutes is not None and time.monotonic() - self._time >= 60 * minutes

    def write(
        self, state: OptimizerState | None, n_epochs: int, *, stopped: bool, best: Network | None
    ) -> None:
        """Write the published model with the optimiser's `state`."""
        content = self._content(state)
        content.document["run"] = {"data": self._data, "stopped": stopped}
        if best is not None:
            content.tensors["run.best"] = best.parameters
        write(self._checkpoint.path, content)
        self._written(n_epochs)


@dataclass(frozen=True)
class Resumed:
    """A training that is to go on."""

    path: str
    model: Any  # the estimator as of the checkpoint
    data: dict[str, Any]
    stopped: bool  # by early stopping, by a callback, or because L-BFGS found nothing lower
    best: Network | None  # of early stopping

    @property
    def seed(self) -> int:
        """The seed of all random numbers of the training."""
        return int(vars(self.model)["_seed"])

    @property
    def position(self) -> Position:
        """Where it goes on from; there is no optimiser's state of "lbfgs"."""
        learned = vars(self.model)
        history: History = learned["_history"]
        state: OptimizerState | None = learned["_optimizer_state"]
        return Position(history, state, True, self.stopped, self.best)

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Resumed:
        """Read a checkpoint.

        Raises
        ------
        ModelFileError, OSError
            As `aecore.load`.
        ValueError
            If it is a model file, but no checkpoint.
        """
        content = read(path)
        name = name_of(path)
        run = content.document.get("run")
        if run is None:
            msg = (
                f"resume_from must be a checkpoint of fit; got {name}, a model that was saved: "
                "load it, and go on with partial_fit or warm_start"
            )
            raise ValueError(msg)
        with valid(name):
            model = models.build(content)
            best = content.tensors.get("run.best")
            if best is not None:
                best = model.network_.with_parameters(best)
            return cls(name, model, dict(run["data"]), bool(run["stopped"]), best)

    def check(self, here: Mapping[str, Any], n_epochs: int, data: TrainingData) -> None:
        """Raise ValueError unless this is the training of a model with such an `identity`."""
        here = {**here, **describe(data)}
        model = copy.copy(self.model)
        model._settle(data, model.network_)  # what was left to the rows may be said here
        there = {**models.identity(model, vars(model)), **self.data}
        differences = [
            f"{name} ({_text(there.get(name))} there, {_text(value)} here)"
            for name, value in here.items()
            if name not in _FREE and value != there.get(name)
        ]
        if differences:
            msg = (
                "resume_from must be a checkpoint of a training with the same parameters and "
                f"data; got {self.path}, which differs in {', '.join(differences)}"
            )
            raise ValueError(msg)
        n_there = self.position.history.n_epochs
        if n_epochs < n_there:
            rule = f"be at least {n_there}, the epochs in {self.path}"
            raise parameter_error("n_epochs", rule, n_epochs)


def _text(encoded: Any) -> str:
    return reprlib.repr(decode(encoded))


def describe(data: TrainingData) -> dict[str, Any]:
    """Return what has to be the same where a training goes on."""
    validation = 0
    if data.validation is not None:
        X, _, rows = data.validation
        validation = X.shape[0] if rows is None else rows.shape[0]
    return {
        "n_rows": data.X.shape[0],
        "n_features": data.X.shape[1],
        "n_validation_rows": validation,
        "target": data.target is not None,
        "sample_weight": data.sample_weight is not None,
    }
