"""What comes back from model files and pickles, and what they cannot hold."""

from __future__ import annotations

import copy
import io
import json
import os
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

import aecore
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    DenoisingAutoencoder,
    ModelFileError,
    Network,
    SparseAutoencoder,
    optimizers,
    reference,
    schedules,
)
from aecore._files.container import Content, pack, unpack
from aecore._names import ESTIMATORS
from helpers import ROOT, SUPPORT, TESTS, run_function, run_python
from samples import may_learn_nothing, same_bits, three_factor_rows
from saved_models import MODELS, load_and_answer, save_and_answer

ROWS = three_factor_rows(60, 6)
FORMAT_1 = TESTS / "data" / "format_1.safetensors"
FAST: dict[str, Any] = {"n_epochs": 3, "batch_size": 16, "random_state": 0}


class Hears:
    """A callback: no file can hold it."""

    def on_epoch_end(self, state: Any) -> None:
        pass


class Mine(Autoencoder):
    """A user's class, with an attribute of its own."""


class MyNetwork(Network):
    """A network of a user's class."""


def constant(*_: Any) -> float:
    return 1.0


def through_file(model: Any, folder: Path, **settings: Any) -> Any:
    model.save(folder / "model", **settings)
    return aecore.load(folder / "model")


def check_equal(one: Autoencoder, other: Autoencoder) -> None:
    """Compare all that is learned; then both go on, to the same bits."""
    assert type(other) is type(one)
    assert other.get_params() == one.get_params()
    assert vars(other).keys() == vars(one).keys()
    np.testing.assert_equal(other.history_, one.history_)
    assert same_bits(one.network_, other.network_)
    assert other.network_.parameters.ctypes.data % 64 == 0
    assert repr(other.network_) == repr(one.network_)
    np.testing.assert_array_equal(other.reconstruct(ROWS), one.reconstruct(ROWS))
    if hasattr(one, "partial_fit"):
        other.partial_fit(ROWS)
        assert same_bits(clone_and_go_on(one), other.network_)


def clone_and_go_on(one: Autoencoder) -> Network:
    network: Network = copy.copy(one).partial_fit(ROWS).network_
    return network


SETTINGS: list[dict[str, Any]] = [
    *({"optimizer": kind.name} for kind in optimizers._KINDS),
    {"optimizer": optimizers.Adam(beta_1=0.5), "dtype": "float64"},
    {"optimizer": optimizers.LBFGS(history_size=3)},
    {"scale": "standard", "missing": "mask", "noise": "gaussian"},
    {"input_scale": 0.3, "validation_fraction": 0.2, "early_stopping": True, "patience": 1},
    {"learning_rate_schedule": schedules.WarmUp(2, schedules.WarmUp(1, schedules.Step(2, 0.5)))},
    {"learning_rate_schedule": schedules.ReduceOnPlateau(patience=1), "clip_norm": 1.0},
    {"hidden_layer_sizes": 4, "n_threads": 2, "learning_rate": 0.01},
    {"tied_weights": True, "code_top_k": 2, "code_activation": "tanh", "pretrain": True},
    {"activation": "sigmoid", "sparsity_weight": 0.1, "sparsity_momentum": 0.9, "dropout": 0.2},
]


@may_learn_nothing
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
@pytest.mark.parametrize("copied", [through_file, None], ids=["file", "pickle"])
def test_everything_comes_back(settings: dict[str, Any], copied: Any, tmp_path: Path) -> None:
    ae = Autoencoder(**{"hidden_layer_sizes": (5, 3), **FAST, **settings}).fit(ROWS)
    check_equal(ae, copied(ae, tmp_path) if copied else pickle.loads(pickle.dumps(ae)))


@pytest.mark.parametrize("cls", [Autoencoder, DenoisingAutoencoder, SparseAutoencoder])
def test_every_class_fitted_and_not(cls: type[Autoencoder], tmp_path: Path) -> None:
    ae = cls(n_epochs=2, random_state=0)
    bare = through_file(ae, tmp_path)
    assert vars(bare) == vars(ae)
    check_equal(ae.fit(ROWS), through_file(ae, tmp_path))
    assert same_bits(bare.fit(ROWS).network_, ae.network_)


@pytest.mark.parametrize(
    "labels", [np.array([7, 3]), np.array(["no", "yes"]), np.array([1.0, 2.0])]
)
@pytest.mark.parametrize("copied", [through_file, None], ids=["file", "pickle"])
def test_classifiers(labels: Any, copied: Any, tmp_path: Path) -> None:
    y = labels[np.arange(len(ROWS)) % 2]
    layers = [DenoisingAutoencoder(noise_level=0.1, n_epochs=2), Autoencoder(n_epochs=1)]
    model = AutoencoderClassifier(
        (4, 3), pretrain=layers, class_weight={labels[0]: 2.0}, n_epochs=2, random_state=0
    ).fit(ROWS, y)
    again = pickle.loads(pickle.dumps(model)) if copied is None else copied(model, tmp_path)
    assert again.pretraining_history_ == model.pretraining_history_
    assert again.class_weight == model.class_weight
    assert again.pretrain[0].noise_level == 0.1
    assert (again.classes_.dtype, list(again.classes_)) == (labels.dtype, sorted(labels))
    np.testing.assert_array_equal(again.predict(ROWS), model.predict(ROWS))
    np.testing.assert_array_equal(
        again.partial_fit(ROWS, y).predict_proba(ROWS),
        model.partial_fit(ROWS, y).predict_proba(ROWS),
    )


@pytest.mark.parametrize(
    ("classes", "message"),
    [
        ({"dtype": "<c16", "values": [1, 2]}, "classes must be numbers or text; got '<c16'"),
        ({"dtype": "<U99999999", "values": ["a", "b"]}, "classes must be numbers or text; got"),
        ({"dtype": "|O", "values": [[1], [2]]}, "classes must be numbers or text; got"),
        ({"dtype": "|i1", "values": [1, 300]}, "OverflowError|300"),
        ({"dtype": "<i8", "values": [1, 2, 3]}, "classes_ must be 2, the outputs of the network"),
    ],
)
def test_classes_that_are_none(classes: Any, message: str, tmp_path: Path) -> None:
    clf = AutoencoderClassifier((4,), **FAST).fit(ROWS, np.arange(60) % 2)
    clf.save(tmp_path / "model")
    content = unpack((tmp_path / "model").read_bytes(), "this")
    content.document["classes"] = classes
    for name in ("format", "version", "sha256"):
        del content.document[name]
    (tmp_path / "model").write_bytes(b"".join(pack(content)))
    with pytest.raises(ModelFileError, match=message):
        aecore.load(tmp_path / "model")


def test_numpy_values_become_pythons(tmp_path: Path) -> None:
    ae = Autoencoder(np.array([5, 3]), dtype=np.float64, **FAST)
    ae.set_params(weight_decay=np.float32(0.5), shuffle=np.bool_(False), n_epochs=np.int64(2))
    other = through_file(ae.fit(ROWS), tmp_path)
    assert other.get_params()["hidden_layer_sizes"] == (5, 3)
    assert (other.dtype, other.weight_decay, other.shuffle) == ("float64", 0.5, False)
    assert clone_and_go_on(ae).parameters.tobytes() == clone_and_go_on(other).parameters.tobytes()


def test_feature_names(tmp_path: Path) -> None:
    names = ['"', "\\", "é\u2028", "\ud800", "", "sha256"]
    frame = pd.DataFrame(ROWS, columns=pd.Index(names, dtype=object))
    other = through_file(Autoencoder((3,), **FAST).fit(frame), tmp_path)
    other.transform(frame)  # warns if names are missing, raises if they are others
    assert other.feature_names_in_.dtype == object
    assert list(other.feature_names_in_) == list(frame.columns)


def test_without_the_optimizers_state(tmp_path: Path) -> None:
    ae = Autoencoder((3,), **FAST).fit(ROWS)
    other = through_file(ae, tmp_path, optimizer_state=False)
    small = (tmp_path / "model").stat().st_size
    ae.save(tmp_path / "model")
    assert (tmp_path / "model").stat().st_size - small > 2 * ae.network_.parameters.nbytes
    anew = clone(ae).set_params(n_epochs=1, shuffle=False).fit(ROWS, init=ae.network_)
    assert same_bits(other.partial_fit(ROWS).network_, anew.network_)


def test_what_no_file_can_hold_is_left_out(tmp_path: Path) -> None:
    ae = Autoencoder((3,), callbacks=[Hears()], learning_rate_schedule=constant, **FAST)
    ae.set_params(random_state=np.random.default_rng(0)).fit(ROWS)
    other = through_file(ae, tmp_path)
    assert (other.callbacks, other.learning_rate_schedule, other.random_state) == (None,) * 3
    assert same_bits(other.network_, ae.network_)
    ae.set_params(learning_rate_schedule=schedules.WarmUp(2, constant))
    assert through_file(ae, tmp_path).learning_rate_schedule is None


def test_what_cannot_be_saved(tmp_path: Path) -> None:
    class MyAdam(optimizers.Adam):
        pass

    with pytest.raises(TypeError, match=r"objects of aecore's own classes; got one of .*\.Mine,"):
        Mine().save(tmp_path / "model")
    with pytest.raises(TypeError, match="MyNetwork"):
        MyNetwork([2, 1, 2], ["relu", "relu"]).save(tmp_path / "model")
    with pytest.raises(ValueError, match="optimizer must be one of aecore's own for a model file"):
        Autoencoder(optimizer=MyAdam()).save(tmp_path / "model")
    with pytest.raises(ValueError, match="activation must be one of"):
        Autoencoder(activation="swish").save(tmp_path / "model")
    assert not list(tmp_path.iterdir())


def test_transposed_arrays() -> None:
    arrays = {"columns": ROWS.T, "every other": ROWS[::2, ::-1], "row": ROWS[0]}
    _, tensors = unpack(b"".join(pack(Content({}, arrays))), "this")
    np.testing.assert_equal(tensors, arrays)


def test_the_blocks_of_the_guide(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (ROOT / "docs" / "models.md").read_text()
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for _ in range(2):  # the second time the checkpoint is there
        for block in re.findall(r"^```python\n(.*?)^```", guide, re.DOTALL | re.MULTILINE):
            exec(compile(block, "models.md", "exec"), names)
    assert capsys.readouterr().out == "True\n" * 6
    assert len(names["ae"].history_["loss"]) == 50


# --- pickle, deepcopy, joblib ---------------------------------------------------------------------


def through_joblib(model: Any) -> Any:
    file = io.BytesIO()
    joblib.dump(model, file, compress=3)
    file.seek(0)
    return joblib.load(file)


@pytest.mark.parametrize(
    "copied",
    [
        lambda model: pickle.loads(pickle.dumps(model)),
        copy.deepcopy,
        through_joblib,
        copy.copy,
    ],
    ids=["pickle", "deepcopy", "joblib", "copy"],
)
def test_pickle_loses_nothing(copied: Callable[[Any], Any]) -> None:
    ae = Mine([3], dtype=np.float32, callbacks=[Hears()], learning_rate_schedule=constant, **FAST)
    ae.set_params(random_state=np.random.default_rng(0), weight_decay=np.float64(0.1))
    ae.note = {"mine": ROWS}  # type: ignore[attr-defined]
    ae.set_output(transform="pandas").fit(ROWS)
    drawn = copy.deepcopy(ae.random_state).random()
    other = copied(ae)
    assert type(other) is Mine
    assert isinstance(other.callbacks[0], Hears)
    assert other.learning_rate_schedule is constant
    assert (other.hidden_layer_sizes, other.dtype) == ([3], np.float32)
    assert type(other.weight_decay) is np.float64
    assert other.random_state.random() == drawn
    np.testing.assert_array_equal(other.note["mine"], ROWS)
    pd.testing.assert_frame_equal(other.transform(ROWS), ae.transform(ROWS))
    network = MyNetwork([2, 1, 2], ["relu", "relu"], random_state=0)
    network.note = 3  # type: ignore[attr-defined]
    assert copied(network).note == 3
    assert type(copied(network)) is MyNetwork


def test_a_pickle_has_a_checksum_too() -> None:
    data = pickle.dumps(Autoencoder((3,), **FAST).fit(ROWS))
    at = data.index(b"network.parameters") + 600
    with pytest.raises(ModelFileError, match="this pickle of an aecore model is damaged"):
        pickle.loads(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])


class StopsLater(Hears):
    """A callback that ends a training of another thread."""

    def __init__(self) -> None:
        self.enough = False

    def on_epoch_end(self, state: Any) -> Any:
        del state
        return self.enough


def test_while_another_thread_trains(tmp_path: Path) -> None:
    callback = StopsLater()
    ae = Autoencoder((3,), **FAST).fit(ROWS).set_params(n_epochs=10**6, callbacks=callback)
    training = threading.Thread(target=ae.fit, args=(ROWS,))
    training.start()
    try:
        for _ in range(10):
            for copied in (through_file(ae, tmp_path), copy.deepcopy(ae), copy.copy(ae)):
                assert len(copied.history_["loss"]) == len(copied.history_["seconds"])
                copied.partial_fit(ROWS)  # it is not in training itself
    finally:
        callback.enough = True
        training.join()


# --- other processes, other versions --------------------------------------------------------------


def test_a_network_loads_without_scikit_learn(tmp_path: Path) -> None:
    path = tmp_path / "model"
    Network([3, 2, 3], ["sigmoid", "identity"], random_state=0).save(path)
    code = (
        "import sys, numpy, aecore\n"
        f"print(aecore.load({str(path)!r}).layer_sizes, 'sklearn' in sys.modules)"
    )
    assert run_python(code) == "[3, 2, 3] False\n"


def test_there_is_a_sample_of_every_class() -> None:
    assert set(MODELS) == {*ESTIMATORS, "Network"}


@pytest.mark.parametrize("name", MODELS)
def test_other_processes_give_the_same_bits(name: str, tmp_path: Path) -> None:
    path = str(tmp_path / "model")
    expected = run_function(save_and_answer, name, path)
    np.testing.assert_equal(run_function(load_and_answer, path), expected)


def test_a_process_without_an_environment_gives_the_same_bits(tmp_path: Path) -> None:
    """And without a working directory and a site of the user's."""
    expected = {name: save_and_answer(name, str(tmp_path / name)) for name in MODELS}
    code = (
        f"import pathlib, pickle, sys; sys.path.insert(0, {str(SUPPORT)!r})\n"
        "from saved_models import load_and_answer\n"
        f"paths = pathlib.Path({str(tmp_path)!r}).iterdir()\n"
        "found = {path.name: load_and_answer(path) for path in paths}\n"
        "sys.stdout.buffer.write(pickle.dumps(found))"
    )
    kept = {key: os.environ[key] for key in ("LD_PRELOAD", "ASAN_OPTIONS") if key in os.environ}
    command = [sys.executable, "-I", "-c", code]
    child = subprocess.run(command, env=kept, cwd="/", capture_output=True, timeout=60, check=True)
    np.testing.assert_equal(pickle.loads(child.stdout), expected)


def test_a_file_of_format_1_stays_readable() -> None:
    """Written by `Autoencoder((3,), ...).fit(ROWS).save(...)` in aecore 0.1.0."""
    ae = aecore.load(FORMAT_1)
    expected = json.loads(FORMAT_1.with_suffix(".json").read_text())
    assert type(ae) is Autoencoder
    schedule = schedules.WarmUp(2, schedules.Cosine(0.1))
    parameters = {**expected["parameters"], "learning_rate_schedule": schedule}
    assert ae.get_params() == Autoencoder((3,), **parameters).get_params()
    assert ae.network_.parameters.tolist() == expected["network"]
    assert ae._optimizer_state.slots.tolist() == expected["slots"]
    assert ae.history_ == expected["history"]
    scaled = (ROWS - expected["offset"]) * expected["factor"]
    outputs = reference.reconstruct([6, 3, 6], ["tanh", "identity"], expected["network"], scaled)
    np.testing.assert_allclose(
        ae.reconstruct(ROWS), outputs / expected["factor"] + expected["offset"], atol=1e-5
    )
    ae.partial_fit(ROWS)
    assert ae.history_["loss"][-1] == pytest.approx(expected["next_loss"], rel=1e-4)
