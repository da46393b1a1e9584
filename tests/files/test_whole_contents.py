"""Model files made by hand, with the right digest, that lack a part or hold NaN or infinity."""

from __future__ import annotations

import copy
import functools
import hashlib
import io
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import aecore
from aecore import Autoencoder, DeepClustering, ModelFileError, Network
from aecore._files.container import Content, pack, unpack
from samples import may_learn_nothing, three_factor_rows
from saved_models import MODELS, USER_ITEMS

pytestmark = may_learn_nothing
ROWS = three_factor_rows(40, 6)


def clusters(clusterer: str) -> Callable[[], Any]:
    ae = Autoencoder((5, 2), n_epochs=2)
    return lambda: DeepClustering(3, autoencoder=ae, clusterer=clusterer, random_state=0).fit(ROWS)


EVERY: dict[str, Callable[[], Any]] = {
    **MODELS,
    **{each: clusters(each) for each in ("gaussian_mixture", "agglomerative")},
    "rankings": lambda: aecore.AutoencoderRecommender((4,), n_epochs=2, random_state=0).fit(
        USER_ITEMS
    ),
    "running averages": lambda: aecore.SparseAutoencoder(
        (4,), optimizer="adam", sparsity_momentum=0.9, n_epochs=2, random_state=0
    ).fit(ROWS),
}


@functools.cache
def saved(name: str) -> Content:
    file = io.BytesIO()
    EVERY[name]().save(file)
    return unpack(file.getvalue(), "it")


def load(document: dict[str, Any], tensors: dict[str, Any]) -> Any:
    """Load a file with these contents, and the digest they have."""
    kept = {
        name: document[name] for name in document if name not in ("format", "version", "sha256")
    }
    return aecore.load(b"".join(pack(Content(kept, tensors))))


@pytest.mark.parametrize("name", EVERY)
def test_as_it_was_saved(name: str) -> None:
    document, tensors = saved(name)
    assert sorted(tensors) == document["arrays"]
    load(document, tensors)


@pytest.mark.parametrize("name", EVERY)
def test_without_one_of_its_arrays(name: str) -> None:
    document, tensors = saved(name)
    for missing in tensors:
        others = {tensor: tensors[tensor] for tensor in tensors if tensor != missing}
        message = f"not valid: .*{re.escape(missing)}, which it was saved with, is not there"
        with pytest.raises(ModelFileError, match=message):
            load(document, others)


# Each can do nothing without these, whatever the file says of its arrays.
NEEDED = {
    "Network": ("network.parameters",),
    "EASE": ("learned.item_weights_", "learned.popularity_"),
    "AutoencoderRecommender": ("network.parameters", "learned.popularity_"),
    "AutoencoderOutlierDetector": ("ensemble.1.network.parameters", "ensemble.0.spread"),
    "DeepClustering": ("network.parameters", "learned.cluster_centers_", "learned.labels_"),
    "gaussian_mixture": ("learned._mixture_weights", "learned._mixture_precisions"),
}


@pytest.mark.parametrize("name", EVERY)
def test_an_older_file_without_an_array(name: str) -> None:
    document, tensors = saved(name)
    document = {key: document[key] for key in document if key != "arrays"}
    for missing in NEEDED.get(name, ("network.parameters",)):
        others = {tensor: tensors[tensor] for tensor in tensors if tensor != missing}
        with pytest.raises(ModelFileError, match="not valid: "):
            load(document, others)


@pytest.mark.parametrize("name", EVERY)
def test_without_a_section(name: str) -> None:
    document, tensors = saved(name)
    for section in ("network", "ensemble", "classes"):
        if section in document:
            others = {key: document[key] for key in document if key != section}
            with pytest.raises(ModelFileError, match="not valid: "):
                load(others, tensors)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", EVERY)
def test_numbers_that_are_not_finite(name: str, value: float) -> None:
    document, tensors = saved(name)
    for tensor, array in tensors.items():
        if array.dtype.kind != "f" or array.size == 0:
            continue
        for at in (0, array.size - 1):
            changed = array.copy()
            changed.reshape(-1)[at] = value
            last = tensor.split(".")[-1]
            figures = "history" in tensor or "pretraining" in tensor or last == "running"
            if figures or (last == "slots" and not np.isnan(value)):
                load(document, {**tensors, tensor: changed})
                continue
            with pytest.raises(
                ModelFileError,
                match=rf"not valid: .*{re.escape(tensor)} must be finite; got {value}",
            ):
                load(document, {**tensors, tensor: changed})


@pytest.mark.parametrize("digits", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_of_the_json_that_is_not_finite(digits: str) -> None:
    document, tensors = saved("AutoencoderRecommender")
    learned = {**document["learned"], "mean_rating_": 0.123456789}
    changed = {key: document[key] for key in ("arrays", "kind", "network", "history", "parameters")}
    data = b"".join(pack(Content({**changed, "learned": learned}, tensors)))
    data = _with(data, b"0.123456789", digits.ljust(11).encode())
    with pytest.raises(ModelFileError, match=f"a number must be finite; got {digits}"):
        aecore.load(data)


def _with(data: bytes, old: bytes, new: bytes) -> bytes:
    """Change bytes of a file, and its digest."""
    data = data.replace(old, new)
    at = data.index(b'\\"sha256\\":\\"') + 13
    digest = hashlib.sha256(data[:at] + b"0" * 64 + data[at + 64 :]).hexdigest()
    return data[:at] + digest.encode() + data[at + 64 :]


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("name", [name for name in EVERY if name != "EASE"])
def test_what_could_not_be_loaded_is_not_saved(name: str, value: float) -> None:
    model = EVERY[name]()
    members = getattr(model, "estimators_", [model])
    network = members[-1] if name == "Network" else members[-1].network_
    network.parameters[3] = value
    file = io.BytesIO()
    with pytest.raises(ValueError, match=rf"network.parameters must be finite; got {value}$"):
        model.save(file)
    assert file.getvalue() == b""


def test_a_checkpoint_with_a_best_network_that_is_none(tmp_path: Any) -> None:
    path = tmp_path / "run"
    ae = Autoencoder((3,), n_epochs=3, early_stopping=True, validation_fraction=0.2, random_state=0)
    ae.fit(ROWS, checkpoint=aecore.Checkpoint(path))
    document, tensors = unpack(path.read_bytes(), "it")
    tensors["run.best"] = np.full_like(tensors["run.best"], np.nan)
    kept = {
        name: document[name] for name in document if name not in ("format", "version", "sha256")
    }
    path.write_bytes(b"".join(pack(Content(kept, tensors))))
    with pytest.raises(ModelFileError, match=r"run\.best must be finite"):
        ae.fit(ROWS, resume_from=path)


def test_a_pickle_keeps_what_no_file_takes() -> None:
    network = Network([3, 2, 3], ["relu", "relu"], random_state=0)
    network.parameters[0] = np.nan
    np.testing.assert_array_equal(copy.deepcopy(network).parameters, network.parameters)
