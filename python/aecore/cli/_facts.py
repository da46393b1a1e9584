"""What there is to say of a model: for `aecore info`, and at the end of a fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import aecore
from aecore.cli._values import words_of


def facts(learned: Any) -> dict[str, Any]:
    """Gather what there is to say of a network or an estimator."""
    found: dict[str, Any] = {"holds": type(learned).__name__}
    if isinstance(learned, aecore.Network):
        return {**found, "fitted": True, **_of_network(learned)}
    names = getattr(learned, "feature_names_in_", None)
    return {
        **found,
        "fitted": hasattr(learned, "n_features_in_"),
        "parameters": learned.get_params(deep=False),
        "changed": list(changed(learned)),
        "n_features": getattr(learned, "n_features_in_", None),
        "feature_names": None if names is None else list(names),
        **learned_facts(learned),
    }


def learned_facts(learned: Any) -> dict[str, Any]:
    """Gather what a fit has changed."""
    network, members = _network(learned)
    return {
        "n_networks": members,
        **({} if network is None else _of_network(network)),
        **_of_kind(learned),
        **_training(learned),
    }


def _network(learned: Any) -> tuple[Any, int]:
    """Its network, or the first of its members'; and how many there are."""
    members = getattr(learned, "estimators_", [])  # of an outlier detector
    if members:
        return members[0].network_, len(members)
    network = getattr(learned, "network_", None)
    return network, 0 if network is None else 1


def _of_network(network: Any) -> dict[str, Any]:
    return {
        "layers": list(network.layer_sizes),
        "activations": list(network.activations),
        "n_numbers": int(network.parameters.size),
        "dtype": network.dtype.name,
    }


def changed(learned: Any) -> Iterator[str]:
    """Name the parameters that are not the defaults."""
    defaults = type(learned)().get_params(deep=False)
    for name, value in learned.get_params(deep=False).items():
        if words_of(value) != words_of(defaults[name]):
            yield name


def _of_kind(learned: Any) -> dict[str, Any]:
    """What one kind of estimator alone has learned."""
    found: dict[str, Any] = {}
    if hasattr(learned, "classes_"):
        found["classes"] = list(learned.classes_)
    if hasattr(learned, "offset_") and hasattr(learned, "estimators_"):
        found["threshold"] = -float(learned.offset_)
    if hasattr(learned, "labels_") and hasattr(learned, "n_clusters_"):
        sizes = np.bincount(learned.labels_ + 1, minlength=learned.n_clusters_ + 1)
        found |= {"cluster_sizes": sizes[1:].tolist(), "n_noise": int(sizes[0])}
    if hasattr(learned, "popularity_"):
        found["n_items"] = len(learned.popularity_)
        found["n_users"] = getattr(learned, "n_users_", None)
    if hasattr(learned, "image_shape_"):
        found["image_shape"] = learned.image_shape_
    return found


def _training(learned: Any) -> dict[str, Any]:
    """How it was trained, at the end."""
    before = getattr(learned, "pretraining_history_", None) or [{}]
    histories = (getattr(learned, "history_", {}), before[-1])
    history = next((each for each in histories if each.get("loss")), None)
    if history is None:
        return {}
    last = {name: values[-1] for name, values in history.items() if name.endswith("loss")}
    return {"n_epochs": len(history["loss"]), "seconds": sum(history["seconds"]), **last}
