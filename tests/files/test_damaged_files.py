"""What damaged, foreign, hostile and newer model files meet."""

from __future__ import annotations

import hashlib
import os
import pickle
import random
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import aecore
from aecore import ModelFileError, Network
from aecore._files.container import Content, pack
from saved_models import MODELS


@pytest.fixture
def whole(tmp_path: Path) -> tuple[Path, bytes]:
    """A small file, and its bytes."""
    path = tmp_path / "small"
    Network([3, 2, 3], ["sigmoid", "identity"], random_state=0).save(path)
    return path, path.read_bytes()


def refused(path: Path) -> None:
    with pytest.raises(ModelFileError, match=str(path)):
        aecore.load(path)


def test_cut_off_anywhere(whole: tuple[Path, bytes]) -> None:
    path, data = whole
    for size in reversed(range(len(data))):
        os.truncate(path, size)
        refused(path)


@pytest.mark.parametrize("name", MODELS)
def test_a_damaged_file_of_every_class(name: str, tmp_path: Path) -> None:
    path = tmp_path / "model"
    MODELS[name]().save(path)
    data = path.read_bytes()
    end = 8 + int.from_bytes(data[:8], "little")
    draw = random.Random(0)
    places = [*range(0, end, 3), *(draw.randrange(len(data)) for _ in range(300))]
    with path.open("r+b", buffering=0) as file:
        for at in places:
            os.pwrite(file.fileno(), bytes([data[at] ^ draw.randrange(1, 256)]), at)
            refused(path)
            os.pwrite(file.fileno(), data[at : at + 1], at)
    aecore.load(path)
    for size in sorted(places, reverse=True):
        os.truncate(path, size)
        refused(path)


def test_something_appended(whole: tuple[Path, bytes]) -> None:
    path, data = whole
    for more in (b"\0", data):
        path.write_bytes(data + more)
        refused(path)


def test_one_bit_of_any_byte(whole: tuple[Path, bytes]) -> None:
    path, data = whole
    with path.open("r+b", buffering=0) as file:
        for at, byte in enumerate(data):
            for bit in range(8):
                os.pwrite(file.fileno(), bytes([byte ^ (1 << bit)]), at)
                refused(path)
            os.pwrite(file.fileno(), bytes([byte]), at)
    assert aecore.load(path).layer_sizes == [3, 2, 3]


def test_a_damaged_file_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "model"
    Network([300, 200, 300], ["relu", "identity"], random_state=0).save(path)
    size = path.stat().st_size
    draw = random.Random(0)
    with path.open("r+b", buffering=0) as file:
        tracemalloc.start()
        for _ in range(300):  # one after the other: the damage grows
            os.pwrite(file.fileno(), draw.randbytes(1), draw.randrange(size))
            refused(path)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < 2 * size


FOREIGN = {
    "empty": b"",
    "text": b"hello world, this is no model\n" * 10,
    "pickle": pickle.dumps({"a": 1}),
    "zip": b"PK\x03\x04" + bytes(200),
    "petabytes": (2**63 - 1).to_bytes(8, "little") + b'{"__metadata__":{"aecore":"{}"}}',
    "no metadata": (2).to_bytes(8, "little") + b"{}",
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=list(FOREIGN))
def test_a_file_of_another_kind(data: bytes, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(data)
    with pytest.raises(ModelFileError, match=r"x' is not an aecore model file"):
        aecore.load(tmp_path / "x")


def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        aecore.load(tmp_path / "nothing")
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(ModelFileError, match="it is a folder or a device"):
            aecore.load(path)


def document(**changes: Any) -> dict[str, Any]:
    """Return the JSON of a network [3, 2, 3], changed."""
    network = {
        "layer_sizes": [3, 2, 3],
        "activations": ["relu", "relu"],
        "code_layer": 0,
        "n_threads": None,
        "input_scale": 1.0,
        "mask_missing": False,
    }
    return {"kind": "Network", "network": {**network, **changes}}


def estimator_document(**parameters: Any) -> dict[str, Any]:
    return {**document(), "kind": "Autoencoder", "parameters": parameters, "learned": {}}


def ensemble_document(**changes: Any) -> dict[str, Any]:
    """Return the JSON of a detector with one such network, changed."""
    member = {**document(), "parameters": {}, "learned": {"n_features_in_": 3}}
    ensemble = {"offset_": -1.0, "_n_seen": 5, "members": [member], **changes}
    learned = {"n_features_in_": 3, "_seed": 0}
    kind = "AutoencoderOutlierDetector"
    return {"kind": kind, "parameters": {}, "learned": learned, "ensemble": ensemble}


PARAMETERS = np.zeros(17, np.float32)
MEMBER: dict[str, NDArray[Any]] = {
    "ensemble.0.network.parameters": PARAMETERS,
    "ensemble.0.spread": np.ones(3),
}
HOSTILE: dict[str, tuple[dict[str, Any], dict[str, NDArray[Any]], str]] = {
    "unknown kind": ({"kind": "os.system"}, {}, "KeyError: 'os.system'"),
    "no kind": ({}, {}, "KeyError: 'kind'"),
    "no network": ({"kind": "Network"}, {}, "KeyError: 'network'"),
    "no tensor": (document(), {}, "network.parameters"),
    "activation": (document(activations=["relu", "eval"]), {}, "activations must each be one of"),
    "kind of setting": (document(layer_sizes="abc"), {}, "layer_sizes must be"),
    "unknown setting": (document(color="red"), {}, "settings of the network must .*; got 'color'"),
    "code layer": (document(code_layer=2), {}, "code_layer must be one of the layers"),
    "mask": (document(mask_missing="yes"), {}, "mask_missing must be True or False"),
    "threads": (document(n_threads=10**9), {}, "n_threads must be"),
    "petabytes": (document(layer_sizes=[2**30, 2**20, 3]), {}, "parameters must have shape"),
    "overflow": (document(layer_sizes=[2**31 - 1] * 3), {}, "must fit in 63 bits"),
    "dtype": (document(), {"network.parameters": PARAMETERS.astype(np.float16)}, "'F16'"),
    "half a scale": (document(), {"network.offset": np.zeros(3)}, "offset and factor"),
    "scale of others": (document(), {"network.factor": np.zeros(2)}, "factor must be by column"),
    "factor 0": (
        document(),
        {"network.offset": np.zeros(3), "network.factor": np.zeros(3)},
        "factor must be no 0",
    ),
    "integers": (
        ensemble_document(),
        {**MEMBER, "ensemble.0.network.parameters": PARAMETERS.astype(np.int64)},
        "parameters must be float32 or float64; got dtype",
    ),
    "parameter": (
        estimator_document(color="red"),
        {},
        "parameters must be those .* knows; got 'color'",
    ),
    "rule": (estimator_document(n_epochs=0), {}, "n_epochs must be"),
    "optimizer": (
        estimator_document(optimizer={"name": "Popen", "fields": {}}),
        {},
        "KeyError: 'Popen'",
    ),
    "field": (
        estimator_document(optimizer={"name": "Adam", "fields": {"a": 1}}),
        {},
        "unexpected keyword argument 'a'",
    ),
    "learned": (
        {**estimator_document(), "learned": {"fit": 1}},
        {},
        "learned attributes must .*; got 'fit'",
    ),
    "history": ({**estimator_document(), "history": ["loss"]}, {}, "KeyError: 'history'"),
    "features": (
        {**estimator_document(), "learned": {"n_features_in_": 4}},
        {},
        "n_features_in_ must be 3",
    ),
    "no networks": (ensemble_document(members=[]), {}, "members must be a list, not empty"),
    "threshold": (ensemble_document(offset_="low"), {}, "offset_ must be of type float; got"),
    "attribute of an ensemble": (
        ensemble_document(color="red"),
        {},
        "attributes of the ensemble must be those .* knows; got 'color'",
    ),
    "network without numbers": (ensemble_document(), {}, "network.parameters"),
    "window of others": (
        {**ensemble_document(), "learned": {"n_features_in_": 4}},
        MEMBER,
        "inputs of a network of the ensemble must be 4, the numbers of a window; got 3",
    ),
    "spread": (
        ensemble_document(),
        {**MEMBER, "ensemble.0.spread": np.zeros(3)},
        "spread must be > 0",
    ),
    "spread of others": (
        ensemble_document(),
        {**MEMBER, "ensemble.0.spread": np.ones(2)},
        r"spread must have shape \(3,\)",
    ),
    "slots": (
        {**estimator_document(), "optimizer": {"optimizer": "adam", "n_updates": 1}},
        {"optimizer.slots": np.zeros((1, 17), np.float32)},
        "slots must have shape",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_made_by_hand_with_the_right_digest(name: str, tmp_path: Path) -> None:
    content, tensors, message = HOSTILE[name]
    if name != "no tensor":
        tensors = {"network.parameters": PARAMETERS, **tensors}
    (tmp_path / "x").write_bytes(b"".join(pack(Content(content, tensors))))
    with pytest.raises(ModelFileError, match=rf"(?s)x' is not valid: .*{message}"):
        aecore.load(tmp_path / "x")


def test_deep_json(tmp_path: Path) -> None:
    data = b"".join(pack(Content({"kind": "deep"}, {})))
    header = data[8:].replace(b'\\"deep\\"', b"[" * 100_000 + b"]" * 100_000)
    data = len(header).to_bytes(8, "little") + header
    mark = b'\\"sha256\\":\\"'
    at = data.index(mark) + len(mark)
    digest = hashlib.sha256(data[:at] + b"0" * 64 + data[at + 64 :]).hexdigest()
    (tmp_path / "x").write_bytes(data[:at] + digest.encode() + data[at + 64 :])
    with pytest.raises(ModelFileError, match="x' is not valid: RecursionError"):
        aecore.load(tmp_path / "x")


def test_a_newer_format(whole: tuple[Path, bytes]) -> None:
    path, data = whole
    path.write_bytes(data.replace(b'\\"format\\":1', b'\\"format\\":2'))
    message = rf"small' was written by aecore {aecore.__version__} in format 2; aecore .* up to 1$"
    with pytest.raises(ModelFileError, match=message):
        aecore.load(path)
