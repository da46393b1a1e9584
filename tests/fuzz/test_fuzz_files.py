"""Model files by somebody who can compute a SHA-256: refused, or a model that answers soundly."""

from __future__ import annotations

import copy
import functools
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy.sparse import issparse

import aecore
from aecore import ModelFileError
from aecore._files.container import pack, unpack
from fuzzing import bounded_memory, examples
from samples import may_learn_nothing
from saved_models import MODELS, ROWS, USER_ITEMS

pytestmark = may_learn_nothing
MARK = b'\\"sha256\\":\\"'
WORDS = ("relu", "softmax", "adam", "sgd", "float64", "kmeans", "dec", "item", "mask", "standard")
NAMES = ("dict", "Adam", "Cosine", "Autoencoder", "KMeans", "GaussianMixture", "Conv2D", "Dense")
NUMBERS = (0, 1, -1, 2, 7, 2**31 - 1, 2**31, 2**63 - 1, 2**63, 10**30, 0.5, -0.0, 1e-320, 1e308)
LEAVES = st.sampled_from((None, True, False, "", *WORDS, *NUMBERS)) | st.text(max_size=5)
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(WORDS), inner, max_size=2)
        | st.builds(
            lambda name, fields: {"name": name, "fields": fields, "pairs": []},
            st.sampled_from(NAMES),
            st.dictionaries(
                st.sampled_from(("n_init", "learning_rate", "size")), inner, max_size=1
            ),
        )
    ),
    max_leaves=4,
)


@functools.cache
def file_of(name: str) -> bytes:
    """The bytes of a small model of a class."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model")
        MODELS[name]().save(path)
        return path.read_bytes()


def places(node: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a JSON document."""
    keys = list(node) if isinstance(node, dict) else range(len(node))
    found = [(node, key) for key in keys]
    for key in keys:
        if isinstance(node[key], dict | list):
            found += places(node[key])
    return found


def change_document(draw: Any, document: dict[str, Any]) -> None:
    there = places(document)
    where, key = there[draw(st.integers(0, len(there) - 1))]
    kind = draw(st.sampled_from(("replace", "delete", "copy", "repeat", "insert")))
    if kind == "replace":
        where[key] = draw(VALUES)
    elif kind == "delete":
        del where[key]
    elif kind == "copy":
        source, name = there[draw(st.integers(0, len(there) - 1))]
        where[key] = copy.deepcopy(source[name])
    elif kind == "repeat" and isinstance(where, list):
        where.insert(key, copy.deepcopy(where[key]))
    elif isinstance(where, dict):
        where[draw(st.sampled_from((*WORDS, "fit", "n_features_in_", "memory")))] = draw(VALUES)


def change_tensors(draw: Any, tensors: dict[str, NDArray[Any]]) -> None:
    name = draw(st.sampled_from(sorted(tensors)))
    kind = draw(st.sampled_from(("delete", "move", "type", "shape", "length", "number", "all")))
    array = tensors.pop(name)
    if kind == "delete":
        return
    if kind == "move":
        name = draw(st.sampled_from((*sorted(tensors), "optimizer.x", "learned.x", "x")))
    elif kind == "type":
        with np.errstate(invalid="ignore"):
            array = array.astype(draw(st.sampled_from((np.float32, np.float64, np.int64))))
    elif kind == "shape":
        array = draw(st.sampled_from((array.ravel(), array[None], array.T, array[..., None])))
    elif kind == "length":
        array = draw(st.sampled_from((array[:-1], array[:0], np.concatenate([array, array]))))
    elif array.size:
        numbers = (0, -1, 1e-30, 1e9, np.nan, np.inf) if array.dtype.kind == "f" else (0, -1, 99)
        place = draw(st.integers(0, array.size - 1)) if kind == "number" else slice(None)
        array = array.copy()
        array.reshape(-1)[place] = draw(st.sampled_from(numbers))
    tensors[name] = array


def change_bytes(draw: Any, data: bytes) -> bytes:
    """Change some bytes, and make the digest right again where there is still one."""
    changed = bytearray(data)
    end = 8 + int.from_bytes(data[:8], "little")
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, end - 1) | st.integers(0, len(data) - 1))
        changed[at] = draw(st.sampled_from(b'0129-"\\,:[]{}eE') | st.integers(0, 255))
    if draw(st.integers(0, 9)) == 0:
        del changed[draw(st.integers(0, len(data))) :]
    at = bytes(changed).find(MARK) + len(MARK)
    rest = bytes(changed[at + 64 :])
    digest = hashlib.sha256(bytes(changed[:at]) + b"0" * 64 + rest).hexdigest()
    return bytes(changed[:at]) + digest.encode() + rest


def changed_file(draw: Any) -> bytes:
    """A file of any class that is not quite what `save` wrote."""
    data = file_of(draw(st.sampled_from(sorted(MODELS))))
    if draw(st.integers(0, 3)) == 0:
        return change_bytes(draw, data)
    content = unpack(data, "it")
    for name in ("format", "version", "sha256", "arrays"):
        del content.document[name]  # `pack` writes them
    for _ in range(draw(st.integers(1, 3))):
        if content.tensors and draw(st.booleans()):
            change_tensors(draw, content.tensors)
        else:
            change_document(draw, content.document)
    note(f"{content.document} {[(n, a.shape, a.dtype) for n, a in content.tensors.items()]}")
    return b"".join(pack(content))


ROW_METHODS = (
    "transform",
    "encode",
    "reconstruct",
    "score_samples",
    "predict_proba",
    "feature_errors",
    "soft_assignment",
    "row_losses",
)


def check_answers(model: Any) -> None:
    """All that it says of rows is finite, or refused."""
    calls: dict[str, tuple[Any, ...]] = dict.fromkeys(ROW_METHODS, (ROWS,))
    calls |= {"recommend": (USER_ITEMS, 5), "similar_items": ([0, 3],), "summary": ()}
    for name, arguments in calls.items():
        if not hasattr(model, name):
            continue
        try:
            found = getattr(model, name)(*arguments)
        except ValueError:
            continue
        if name in ROW_METHODS:
            assert np.isfinite(found.data if issparse(found) else found).all(), name


@examples(600)
@given(changes=st.data())
def test_files_with_the_right_digest(
    changes: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed-model"
    path.write_bytes(changed_file(changes.draw))
    with bounded_memory(2**29):
        try:
            model = aecore.load(path)
        except ModelFileError:
            event("refused")
            return
        event("loaded")
        check_answers(model)
