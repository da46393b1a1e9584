"""A small fitted model of every class that a file may hold, and what it answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

import aecore
from samples import three_factor_rows

ROWS = three_factor_rows(40, 6)
LABELS = np.array(["no", "yes"])[np.arange(40) % 2]
USER_ITEMS = csr_array((np.random.default_rng(0).random((30, 12)) < 0.3) * 3.0)
_FAST: dict[str, Any] = {"n_epochs": 2, "batch_size": 8, "random_state": 0}

MODELS: dict[str, Callable[[], Any]] = {
    "Network": lambda: aecore.Network([6, 3, 6], ["tanh", "identity"], random_state=0),
    "Autoencoder": lambda: aecore.Autoencoder((5, 3), scale="standard", **_FAST).fit(ROWS),
    "DenoisingAutoencoder": lambda: aecore.DenoisingAutoencoder((4,), **_FAST).fit(ROWS),
    "SparseAutoencoder": lambda: aecore.SparseAutoencoder((4,), **_FAST).fit(ROWS),
    "AutoencoderClassifier": lambda: aecore.AutoencoderClassifier(
        (4, 3), pretrain=True, **_FAST
    ).fit(ROWS, LABELS),
    "AutoencoderOutlierDetector": lambda: aecore.AutoencoderOutlierDetector(
        (4, 2), n_estimators=2, window=3, **_FAST
    ).fit(ROWS),
    "AutoencoderRecommender": lambda: aecore.AutoencoderRecommender(
        (4,), feedback="explicit", orientation="item", **_FAST
    ).fit(USER_ITEMS),
    "ConvAutoencoder": lambda: aecore.ConvAutoencoder(
        (3,), kernel_size=2, code_size=2, image_shape=(2, 3), **_FAST
    ).fit(ROWS),
    "DeepClustering": lambda: aecore.DeepClustering(
        3, autoencoder=aecore.Autoencoder((5, 2), n_epochs=2), refinement="idec", random_state=0
    ).fit(ROWS),
    "EASE": lambda: aecore.EASE(2.0).fit(USER_ITEMS),
    "VariationalAutoencoder": lambda: aecore.VariationalAutoencoder(
        (4, 2), likelihood="gaussian", **_FAST
    ).fit(ROWS),
}


def answers(model: Any) -> dict[str, Any]:
    """All that it computes, and what `partial_fit` makes of it."""
    if hasattr(model, "recommend"):
        return {
            "recommend": model.recommend(USER_ITEMS, 5),
            "similar_items": model.similar_items([0, 3]),
        }
    if hasattr(model, "feature_errors"):
        found = {"scores": model.decision_function(ROWS), "errors": model.feature_errors(ROWS)}
        return {**found, "partial_fit": model.partial_fit(ROWS).score_samples(ROWS)}
    names = ("encode", "transform", "reconstruct", "predict_proba", "score_samples")
    if hasattr(model, "cluster_centers_"):
        names = ("transform", "predict", "soft_assignment")
    found = {name: getattr(model, name)(ROWS) for name in names if hasattr(model, name)}
    if hasattr(model, "partial_fit") and getattr(model, "optimizer", "") != "lbfgs":
        labels = (LABELS,) if hasattr(model, "classes_") else ()
        found["partial_fit"] = model.partial_fit(ROWS, *labels).network_.parameters
    return found


def save_and_answer(name: str, path: str) -> dict[str, Any]:
    """Make a model, save it, and say what it answers."""
    model = MODELS[name]()
    model.save(path)
    return answers(model)


def load_and_answer(path: str) -> dict[str, Any]:
    """Say what a saved model answers."""
    return answers(aecore.load(Path(path)))
