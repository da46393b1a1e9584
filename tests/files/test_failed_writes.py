"""Saving that fails, or is killed, leaves the file that was there, whole."""

from __future__ import annotations

import ctypes
import os
import random
import resource
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from sklearn.base import clone

import aecore
from aecore import Autoencoder, Checkpoint, Network
from aecore.callbacks import EpochState
from helpers import run_function
from samples import same_bits, three_factor_rows
from saved_models import MODELS

ROWS = three_factor_rows(80, 8)
SETTINGS: dict[str, Any] = {"hidden_layer_sizes": (5, 3), "n_epochs": 8, "random_state": 0}


@pytest.fixture
def whole(tmp_path: Path) -> tuple[Path, bytes]:
    """A small file, and its bytes."""
    path = tmp_path / "small"
    Network([3, 2, 3], ["sigmoid", "identity"], random_state=0).save(path)
    return path, path.read_bytes()


def test_a_failure_leaves_the_old_file(
    whole: tuple[Path, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, data = whole

    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="No space left"):
        Network([9, 9], ["relu"]).save(path)
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


def lock_the_folder(path: Path) -> None:
    """Nobody can write to the folder, not even root in this process."""
    path.parent.chmod(0o500)
    if os.geteuid() == 0:
        # Root without capabilities is an owner like others.
        header = (ctypes.c_uint32 * 2)(0x20080522, 0)
        nothing = (ctypes.c_uint32 * 6)()
        assert ctypes.CDLL(None, use_errno=True).capset(header, nothing) == 0


def spoil(how: str, path: Path) -> None:
    """From now on nothing can be written beside `path`."""
    if how == "full disk":
        # A write beyond so many bytes fails as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
    else:
        lock_the_folder(path)


ERRORS = {"full disk": "File too large", "read-only folder": "Permission denied"}


def save_where_it_fails(name: str, how: str, path: str) -> str:
    """Save over an older file; say what went wrong."""
    model = MODELS[name]()
    spoil(how, Path(path))
    try:
        model.save(path)
    except OSError as error:
        return str(error.strerror)
    return "nothing"


@pytest.mark.skipif(sys.platform != "linux", reason="limits a process in Linux's way")
@pytest.mark.parametrize("how", ERRORS)
@pytest.mark.parametrize("name", MODELS)
def test_saving_fails(name: str, how: str, whole: tuple[Path, bytes]) -> None:
    path, data = whole
    assert run_function(save_where_it_fails, name, how, str(path)) == ERRORS[how]
    path.parent.chmod(0o700)
    assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


class Spoils:
    """A callback after whose epoch nothing can be written."""

    def __init__(self, how: str, path: Path) -> None:
        self.how = how
        self.path = path

    def on_epoch_end(self, state: EpochState) -> None:
        if state.epoch == 5:  # before its checkpoint
            spoil(self.how, self.path)


def train_where_it_fails(optimizer: str, how: str, path: str) -> tuple[str, int]:
    """Train until a checkpoint cannot be written; return why, and how many epochs are left."""
    ae = Autoencoder(**SETTINGS, optimizer=optimizer, callbacks=Spoils(how, Path(path)))
    try:
        ae.fit(ROWS, checkpoint=Checkpoint(path))
    except OSError as error:
        return str(error.strerror), len(ae.history_["loss"])
    return "nothing", 0


@pytest.mark.skipif(sys.platform != "linux", reason="limits a process in Linux's way")
@pytest.mark.parametrize("how", ERRORS)
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_checkpoint_fails(optimizer: str, how: str, tmp_path: Path) -> None:
    path = tmp_path / "folder" / "run"
    path.parent.mkdir()
    error, n_epochs = run_function(train_where_it_fails, optimizer, how, str(path))
    path.parent.chmod(0o700)
    assert (error, n_epochs) == (ERRORS[how], 6)
    assert list(path.parent.iterdir()) == [path]
    assert len(aecore.load(path).history_["loss"]) == 5
    ae = Autoencoder(**SETTINGS, optimizer=optimizer)
    resumed = clone(ae).fit(ROWS, resume_from=path)
    assert len(resumed.history_["loss"]) == 8
    if optimizer != "lbfgs":
        assert same_bits(resumed.network_, ae.fit(ROWS).network_)


def checkpoint_in_a_locked_folder(path: str) -> str:
    """Begin a training whose checkpoint has no place; return the error."""
    lock_the_folder(Path(path))
    try:
        Autoencoder(**SETTINGS).fit(ROWS, checkpoint=Checkpoint(path))
    except ValueError as error:
        return str(error)
    return "nothing"


@pytest.mark.skipif(sys.platform != "linux", reason="limits a process in Linux's way")
def test_a_checkpoint_that_has_no_place_is_refused_before_training(tmp_path: Path) -> None:
    message = run_function(checkpoint_in_a_locked_folder, str(tmp_path / "run"))
    tmp_path.chmod(0o700)
    assert "must name a file in a folder that exists and can be written to" in message


def killed_savers(path: str, n_kills: int) -> int:
    """Load what processes save in a loop until they are killed; return how often it was whole."""
    networks = [Network([100, width, 100], ["relu", "relu"], random_state=0) for width in (3, 90)]
    networks[0].save(path)
    draw = random.Random(0)
    n_loaded = 0
    for _ in range(n_kills):
        child = os.fork()
        if child == 0:
            while True:
                for network in networks:
                    network.save(path)
        end = time.monotonic() + draw.uniform(0.0, 0.008)
        while time.monotonic() < end:
            aecore.load(path)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        n_loaded += aecore.load(path).layer_sizes[0] == 100
    return n_loaded


def test_sigkill_leaves_a_whole_file(tmp_path: Path) -> None:
    assert run_function(killed_savers, str(tmp_path / "model"), 200) == 200
