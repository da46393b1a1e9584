"""Recommenders in files and pickles."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

import aecore
from aecore import EASE, AutoencoderRecommender, ModelFileError
from aecore._files.container import Content, pack, unpack

USER_ITEMS = csr_array((np.random.default_rng(0).random((30, 12)) < 0.3) * 3.0)
FAST: dict[str, Any] = {"n_epochs": 2, "random_state": 0}
MODELS: dict[str, Callable[[], Any]] = {
    "EASE": lambda: EASE(2.0, dtype="float64"),
    "implicit": lambda: AutoencoderRecommender((4,), **FAST),
    "ratings": lambda: AutoencoderRecommender((4,), feedback="explicit", **FAST),
    "columns": lambda: AutoencoderRecommender(
        (4,), feedback="explicit", orientation="item", **FAST
    ),
}


def through_file(model: Any, folder: Path) -> Any:
    model.save(folder / "model")
    return aecore.load(folder / "model")


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
@pytest.mark.parametrize(
    "copied",
    [through_file, lambda m, _: pickle.loads(pickle.dumps(m)), lambda m, _: copy.deepcopy(m)],
)
def test_everything_comes_back(make: Any, copied: Any, tmp_path: Path) -> None:
    bare = copied(make(), tmp_path)
    assert bare.get_params() == make().get_params()
    model = make().fit(USER_ITEMS)
    again = copied(model, tmp_path)
    assert type(again) is type(model)
    for call in (
        lambda m: m.recommend(USER_ITEMS, 5),
        lambda m: m.similar_items([3, 4]),
        lambda m: (m.popularity_, m.n_features_in_),
    ):
        for one, other in zip(call(model), call(again), strict=True):
            np.testing.assert_array_equal(one, other)
    if hasattr(model, "history_"):
        assert again.history_ == model.history_
        np.testing.assert_array_equal(
            again.predict(USER_ITEMS, USER_ITEMS).data, model.predict(USER_ITEMS, USER_ITEMS).data
        )


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("popularity_", np.ones(3, np.float32)),
        ("item_weights_", np.ones((12, 3))),
    ],
)
def test_arrays_that_do_not_fit(name: str, array: Any, tmp_path: Path) -> None:
    path = tmp_path / "model"
    EASE(2.0).fit(USER_ITEMS).save(path)
    content = unpack(path.read_bytes(), "it")
    document = {name: content.document[name] for name in ("kind", "parameters", "learned")}
    changed = Content(document, {**content.tensors, f"learned.{name}": array})
    path.write_bytes(b"".join(pack(changed)))
    with pytest.raises(ModelFileError, match=f"{name} must"):
        aecore.load(path)
