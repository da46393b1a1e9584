"""A training that was killed goes on from its checkpoint as if nothing had happened."""

from __future__ import annotations

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

import aecore
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    Checkpoint,
    ModelFileError,
    Network,
    SparseAutoencoder,
)
from aecore.callbacks import EpochState
from aecore.optimizers import _KINDS
from aecore.schedules import ReduceOnPlateau, WarmUp
from helpers import run_function
from samples import may_learn_nothing, same_bits, three_factor_rows

ROWS = three_factor_rows(80, 8)
MINIBATCH = [kind.name for kind in _KINDS if kind.name != "lbfgs"]
SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (5, 3),
    "n_epochs": 12,
    "batch_size": 16,
    "random_state": 0,
}


class Crash:
    """A callback that ends a training with an error after some epoch."""

    def __init__(self, epoch: int, error: type[BaseException] = ZeroDivisionError) -> None:
        self.epoch = epoch
        self.error = error

    def on_epoch_end(self, state: EpochState) -> None:
        if state.epoch == self.epoch:
            raise self.error


def crashed(ae: Autoencoder, path: Path, epoch: int = 5, every: int = 1, **data: Any) -> None:
    """Train with checkpoints until a crash: the last one is of the epoch before, or earlier."""
    with pytest.raises(ZeroDivisionError):
        clone(ae).set_params(callbacks=Crash(epoch)).fit(
            **{"X": ROWS, **data}, checkpoint=Checkpoint(path, every_epochs=every)
        )


def check_same(one: Autoencoder, other: Autoencoder) -> None:
    """Compare what was learned, and what `partial_fit` makes of it."""
    assert same_bits(one.network_, other.network_)
    assert vars(one).keys() == vars(other).keys()
    histories = [{**ae.history_, "seconds": 0} for ae in (one, other)]
    np.testing.assert_equal(*histories)
    assert getattr(one, "best_epoch_", None) == getattr(other, "best_epoch_", None)
    if hasattr(one, "partial_fit"):
        assert same_bits(one.partial_fit(ROWS).network_, other.partial_fit(ROWS).network_)


VARIANTS: list[dict[str, Any]] = [
    *({"optimizer": name} for name in MINIBATCH),
    {"noise": "masking", "scale": "standard", "validation_fraction": 0.25},
    {"early_stopping": True, "patience": 2, "validation_fraction": 0.25, "learning_rate": 0.3},
    {"early_stopping": True, "patience": 3, "tolerance": 0.1, "shuffle": False},
    {"learning_rate_schedule": WarmUp(2, ReduceOnPlateau(patience=1, tolerance=0.5))},
    {"dtype": "float64", "clip_norm": 0.5, "sparsity_weight": 0.1, "activation": "sigmoid"},
    {"optimizer": "sgd", "batch_size": 1},
    {"activation": "sigmoid", "sparsity_weight": 0.1, "sparsity_momentum": 0.9, "dropout": 0.2},
    {"pretrain": True, "tied_weights": True, "code_top_k": 2},
]


@may_learn_nothing
@pytest.mark.parametrize("every", [1, 4])
@pytest.mark.parametrize("settings", VARIANTS, ids=str)
def test_the_same_bits(settings: dict[str, Any], every: int, tmp_path: Path) -> None:
    ae = Autoencoder(**{**SETTINGS, **settings})
    data: dict[str, Any] = {"X": ROWS, "sample_weight": np.linspace(0.1, 1.0, 80)}
    if ae.scale is None:
        data |= {"target": ROWS[:, ::-1].copy()}
    whole = clone(ae).fit(**data)
    path = tmp_path / "run"
    crashed(ae, path, min(7, len(whole.history_["loss"]) - 1), every, **data)
    resumed = clone(ae).fit(**data, resume_from=path)
    if ae.early_stopping:
        losses = resumed.history_.get("validation_loss", resumed.history_["loss"])
        assert resumed.best_epoch_ == np.argmin(losses)
    check_same(resumed, whole)


def killed_again_and_again(path: str, settings: dict[str, Any], n_kills: int) -> list[Any]:
    """Train in children, each from the checkpoint of the one before, until so many were killed.

    A training that ends before it is killed begins anew; the last one is allowed to end. Returns
    what all trainings that ended have learned.
    """
    ae, draw, killed, ended = Autoencoder(**settings), random.Random(0), 0, []
    while True:
        child = os.fork()
        if child == 0:
            start = path if Path(path).exists() else None
            try:
                ae.fit(ROWS, checkpoint=Checkpoint(path), resume_from=start)
            finally:
                os._exit(0 if hasattr(ae, "network_") else 1)
        if killed < n_kills:
            time.sleep(draw.uniform(0.005, 0.03))
            os.kill(child, signal.SIGKILL)
        status = os.waitpid(child, 0)[1]
        if os.WIFSIGNALED(status):
            killed += 1
            continue
        assert status == 0
        ended.append(aecore.load(path))
        if killed == n_kills:
            return ended
        Path(path).unlink()


def test_sigkill_at_any_moment(tmp_path: Path) -> None:
    settings = {
        **SETTINGS,
        "n_epochs": 150,
        "noise": "gaussian",
        "validation_fraction": 0.2,
        "early_stopping": True,
        "patience": 100,
    }
    path = tmp_path / "run"
    whole = Autoencoder(**settings).fit(ROWS)
    for ended in run_function(killed_again_and_again, str(path), settings, 20):
        assert ended.history_["loss"] == whole.history_["loss"]
    check_same(Autoencoder(**settings).fit(ROWS, resume_from=path), whole)


def test_lbfgs_goes_on_from_its_last_iterate(tmp_path: Path) -> None:
    path = tmp_path / "run"
    sae = SparseAutoencoder((4,), n_epochs=60, random_state=0, early_stopping=True)
    whole = clone(sae).fit(ROWS)
    crashed(sae, path, epoch=20)
    resumed = clone(sae).fit(ROWS, resume_from=path, checkpoint=Checkpoint(path))
    losses = resumed.history_["loss"]
    assert losses[:20] == whole.history_["loss"][:20]
    assert len(losses) == 60
    assert np.all(np.diff(losses) <= 0.0)
    assert losses[-1] == pytest.approx(whole.history_["loss"][-1], rel=0.05)
    check_same(clone(sae).fit(ROWS, resume_from=path), resumed)
    zeros = np.zeros_like(ROWS)  # whose start is the minimum
    ended = Autoencoder((4,), optimizer="lbfgs", random_state=0)
    ended.fit(zeros, checkpoint=Checkpoint(path))
    check_same(clone(ended).fit(zeros, resume_from=path), ended)


class Watches:
    """A callback that sees how many epochs the checkpoint has."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seen: list[int] = []

    def on_epoch_end(self, state: EpochState) -> None:
        del state
        there = self.path.exists()
        self.seen.append(len(aecore.load(self.path).history_["loss"]) if there else 0)


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, [0, 1, 2, 3, 4, 5]),
        ({"every_epochs": 2}, [0, 0, 2, 2, 4, 4]),
        ({"every_epochs": 100}, [0] * 6),
        ({"every_minutes": 0.05}, [0, 0, 0, 3, 3, 3]),
        ({"every_minutes": 0.05, "every_epochs": 2}, [0, 0, 2, 2, 4, 4]),
    ],
)
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_when_it_is_written(
    optimizer: str,
    settings: dict[str, Any],
    expected: list[int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = tmp_path / "run"
    watches = Watches(path)

    class Clock:
        """Each epoch takes a second."""

        @staticmethod
        def monotonic() -> float:
            return float(len(watches.seen))

    monkeypatch.setattr("aecore._training.checkpointing.time", Clock)
    ae = Autoencoder(**{**SETTINGS, "n_epochs": 6}, optimizer=optimizer, callbacks=watches)
    ae.fit(ROWS, checkpoint=Checkpoint(path, **settings))
    assert watches.seen == expected
    assert len(aecore.load(path).history_["loss"]) == 6  # one is written at the end


def test_a_checkpoint_is_a_model(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ae = Autoencoder(**SETTINGS, shuffle=False)
    crashed(ae, path)
    loaded = aecore.load(path)
    five = clone(ae).set_params(n_epochs=5).fit(ROWS)
    assert same_bits(loaded.network_, five.network_)
    assert same_bits(loaded.partial_fit(ROWS).network_, five.partial_fit(ROWS).network_)


def test_more_epochs_than_before(tmp_path: Path) -> None:
    path = tmp_path / "run"
    ae = Autoencoder(**SETTINGS)
    first = clone(ae).fit(ROWS, checkpoint=Checkpoint(path))
    check_same(clone(ae).fit(ROWS, resume_from=path), first)
    ae.set_params(n_epochs=20, n_threads=2, verbose=0)
    check_same(clone(ae).fit(ROWS, resume_from=path), clone(ae).fit(ROWS))
    ae.set_params(n_epochs=3)
    with pytest.raises(ValueError, match=r"n_epochs must be at least 12, the epochs in '.*/run'"):
        ae.fit(ROWS, resume_from=path)
    assert not hasattr(ae, "network_")


def test_an_end_that_a_callback_asked_for(tmp_path: Path) -> None:
    class Enough:
        def on_epoch_end(self, state: EpochState) -> bool:
            return state.epoch == 3

    path = tmp_path / "run"
    ae = Autoencoder(**SETTINGS).set_params(callbacks=Enough())
    ae.fit(ROWS, checkpoint=Checkpoint(path, every_epochs=3))
    ae.set_params(callbacks=None)
    check_same(clone(ae).fit(ROWS, resume_from=path), ae)


def test_init_and_random_state_are_those_of_the_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "run"
    start = Network([8, 5, 3, 5, 8], ["relu"] * 3 + ["identity"], random_state=9)
    ae = Autoencoder(**{**SETTINGS, "random_state": None}, warm_start=True)
    ae.fit(ROWS, init=start, checkpoint=Checkpoint(path, every_epochs=100))
    generator = np.random.default_rng(3)
    other = clone(ae).set_params(random_state=generator)
    other.fit(ROWS, init=start, resume_from=path)
    check_same(other, ae)
    assert generator.random() == np.random.default_rng(3).random()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_checkpoint_that_cannot_be_written(
    optimizer: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    ae = Autoencoder(**SETTINGS, optimizer=optimizer, shuffle=False)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="No space left"):
            ae.fit(ROWS, checkpoint=Checkpoint(tmp_path / "run", every_epochs=2))
    assert not list(tmp_path.iterdir())
    check_same(ae, clone(ae).set_params(n_epochs=2).fit(ROWS))


# --- what is refused ------------------------------------------------------------------------------

OTHERS: list[tuple[dict[str, Any], NDArray[Any], dict[str, Any], str]] = [
    ({"batch_size": 8, "noise": "masking"}, ROWS, {}, r"batch_size \(16 there, 8 here\), noise"),
    ({"random_state": 1}, ROWS, {}, r"random_state \(0 there, 1 here\)"),
    ({"optimizer": "sgd"}, ROWS, {}, r"optimizer \('adam' there, 'sgd' here\)"),
    ({"hidden_layer_sizes": 3}, ROWS, {}, r"hidden_layer_sizes \(\(5, 3\) there, 3 here\)"),
    ({}, ROWS[:70], {}, r"n_rows \(80 there, 70 here\)"),
    ({}, ROWS[:, :7], {}, r"n_features \(8 there, 7 here\)"),
    ({}, ROWS, {"target": ROWS}, r"target \(False there, True here\)"),
    ({}, ROWS, {"sample_weight": np.ones(80)}, r"sample_weight \(False there, True here\)"),
    ({}, ROWS, {"validation_data": ROWS}, r"n_validation_rows \(0 there, 80 here\)"),
    ({}, pd.DataFrame(ROWS, columns=list("abcdefgh")), {}, r"feature_names \(\(\) there, \('a'"),
]


@pytest.mark.parametrize(("settings", "X", "data", "message"), OTHERS)
def test_another_training(
    settings: dict[str, Any], X: Any, data: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "run"
    ae = Autoencoder(**SETTINGS)
    crashed(ae, path)
    fitted = clone(ae).set_params(n_epochs=1).fit(ROWS)
    before = fitted.network_
    fitted.set_params(**settings)
    with pytest.raises(
        ValueError, match=rf"same parameters and data; got '.*', which differs in {message}"
    ):
        fitted.fit(X, **data, resume_from=path)
    assert fitted.network_ is before
    with pytest.raises(
        ValueError, match=r"class \('Autoencoder' there, 'SparseAutoencoder' here\)"
    ):
        SparseAutoencoder(random_state=0).fit(ROWS, resume_from=path)


def test_no_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "model"
    ae = Autoencoder(**SETTINGS)
    with pytest.raises(FileNotFoundError):
        ae.fit(ROWS, resume_from=path)
    path.write_bytes(b"something else")
    with pytest.raises(ModelFileError, match="is not an aecore model file"):
        ae.fit(ROWS, resume_from=path)
    ae.fit(ROWS).save(path)
    with pytest.raises(
        ValueError, match=r"resume_from must be a checkpoint of fit; got .*, a model"
    ):
        ae.fit(ROWS, resume_from=path)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"path": 3}, "path must be the path of a file"),
        ({"path": ""}, "path must be the path of a file"),
        ({"path": "x", "every_epochs": 0}, "every_epochs must be None or an integer from 1"),
        ({"path": "x", "every_minutes": 0}, "every_minutes must be None or a finite number > 0"),
    ],
)
def test_settings(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Checkpoint(**settings)


def test_a_checkpoint_that_could_not_be_written_later(tmp_path: Path) -> None:
    class Mine(Autoencoder):
        pass

    for path in (tmp_path, tmp_path / "no" / "run"):
        with pytest.raises(ValueError, match=r"checkpoint\.path must name a file in a folder"):
            Autoencoder().fit(ROWS, checkpoint=Checkpoint(path))
    with pytest.raises(
        ValueError, match=r"checkpoint must be None or an aecore\.Checkpoint; got '"
    ):
        Autoencoder().fit(ROWS, checkpoint=str(tmp_path / "run"))  # type: ignore[arg-type]
    mine = Mine(n_epochs=1)
    with pytest.raises(TypeError, match="a model file holds objects of aecore's own classes"):
        mine.fit(ROWS, checkpoint=Checkpoint(tmp_path / "run"))
    assert not hasattr(mine, "network_")


@pytest.mark.parametrize("held", [0.0, 0.25])
def test_a_classifier_goes_on_without_pretraining_again(held: float, tmp_path: Path) -> None:
    y = np.array(["a", "b", "c"])[ROWS[:, :3].argmax(axis=1)]
    unlabeled = ROWS[::-1] * 0.9
    clf = AutoencoderClassifier(
        (5, 3), pretrain=[Autoencoder(n_epochs=2), Autoencoder(n_epochs=3)], n_epochs=8
    )
    clf.set_params(scale="standard", validation_fraction=held, random_state=0)
    path = tmp_path / "run"
    with pytest.raises(ZeroDivisionError):
        clone(clf).set_params(callbacks=Crash(5)).fit(
            ROWS, y, unlabeled=unlabeled, checkpoint=Checkpoint(path)
        )
    other = clone(clf).fit(ROWS, y, unlabeled=unlabeled, resume_from=path)
    clf.fit(ROWS, y, unlabeled=unlabeled)
    assert same_bits(clf.network_, other.network_)
    assert {**clf.history_, "seconds": 0} == {**other.history_, "seconds": 0}
    assert ("validation_score" in clf.history_) is (held > 0)
    assert len(other.pretraining_history_) == 2
    np.testing.assert_array_equal(other.classes_, clf.classes_)
    with pytest.raises(ValueError, match=r"differs in classes \(.*'c'.* there, .*'d'.* here\)"):
        clf.fit(ROWS, np.where(y == "c", "d", y), resume_from=path)
    clf.set_params(pretrain=[Autoencoder(n_epochs=2), Autoencoder(n_epochs=4)])
    with pytest.raises(ValueError, match="which differs in pretrain "):
        clf.fit(ROWS, y, resume_from=path)
