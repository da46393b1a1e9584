"""No parameter of the recommenders does nothing: each one is turned, and changes the result."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_array

from aecore import EASE, AutoencoderRecommender
from knobs import Stop

RNG = np.random.default_rng(0)
USER_ITEMS = csr_array((RNG.random((40, 15)) < 0.3) * RNG.integers(1, 6, (40, 15)) * 1.0)
COMMON: dict[type[Any], dict[str, Any]] = {
    EASE: {"weight_decay": 2.0},
    AutoencoderRecommender: {
        "hidden_layer_sizes": (4,),
        "batch_size": 16,
        "n_epochs": 3,
        "random_state": 0,
        "n_threads": 1,
    },
}


# Value, what it needs beside it, and which output differs.
KNOBS: dict[str, tuple[Any, dict[str, Any], str]] = {
    "hidden_layer_sizes": ((6, 3), {}, "scores"),
    "feedback": ("explicit", {}, "scores"),
    "orientation": ("item", {"feedback": "explicit"}, "scores"),
    "activation": ("sigmoid", {}, "scores"),
    "variational": (True, {}, "scores"),
    "beta": (0.5, {"variational": True}, "scores"),
    "beta_warmup_epochs": (2, {"variational": True}, "scores"),
    "input_dropout": (0.2, {}, "scores"),
    "weight_decay": (0.5, {}, "scores"),
    "optimizer": ("rmsprop", {}, "scores"),
    "learning_rate": (0.01, {}, "scores"),
    "learning_rate_schedule": ("cosine", {}, "scores"),
    "batch_size": (7, {}, "scores"),
    "n_epochs": (2, {}, "scores"),
    "callbacks": (Stop(), {}, "scores"),
    "dtype": ("float64", {}, "dtype"),
    "n_threads": (2, {}, "threads"),
    "random_state": (1, {}, "scores"),
    "verbose": (1, {}, "progress"),
}


def observed(model: Any, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    model.fit(USER_ITEMS)
    err = capsys.readouterr().err
    weights = model.item_weights_ if isinstance(model, EASE) else model.network_.parameters
    return {
        "scores": model.recommend(USER_ITEMS)[1].tobytes(),
        "dtype": weights.dtype,
        "threads": model.n_threads,
        "progress": err,
    }


PARAMETERS = [(cls, name) for cls in COMMON for name in inspect.signature(cls).parameters]


@pytest.mark.parametrize(
    ("cls", "name"), PARAMETERS, ids=[f"{cls.__name__}-{name}" for cls, name in PARAMETERS]
)
def test_turning_it(cls: type[Any], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert name in KNOBS, f"a new parameter needs an entry in KNOBS that turns it: {name}"
    value, base, changes = KNOBS[name]
    before, after = cls(**COMMON[cls], **base), cls(**{**COMMON[cls], **base, name: value})
    assert before.get_params()[name] != value
    one, other = observed(before, capsys), observed(after, capsys)
    assert one[changes] != other[changes]
    if changes in ("threads", "progress") and cls is AutoencoderRecommender:
        assert one["scores"] == other["scores"]
