"""What `DeepClustering` does after its clusterer, by `aecore.reference`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone

from aecore import DeepClustering, _core, reference
from aecore._clusters import clusterers
from aecore._clusters.codes import standardize_code
from aecore.optimizers import _as_optimizer
from reference_fit import Updates, Vector


class Start(NamedTuple):
    """The trained autoencoder's network, and what the clusterer made of its codes."""

    network: Any
    centers: NDArray[Any]


class Fitted(NamedTuple):
    parameters: Vector  # of the encoder, or the whole network
    centers: Vector
    labels: NDArray[np.int64]
    loss: list[float]
    changed: list[float]


def start(model: DeepClustering, X: Vector) -> Start:
    ae = clone(model._reader)
    ae.set_params(dtype=model.dtype, random_state=model.random_state, n_threads=model.n_threads)
    ae.set_params(callbacks=model.callbacks).fit(X)
    network = standardize_code(ae.network_, X)
    codes = network.encode(X)
    clusterer = model.clusterer or clusterers.START
    if model.n_clusters == "auto":
        numbers = model.n_clusters_range
        found, _ = clusterers.choose_number(clusterer, numbers, codes, model.random_state)
    else:
        found = clusterers.cluster(clusterer, model.n_clusters, codes, model.random_state)
    return Start(network, found.centers)


def orders(model: DeepClustering, n_rows: int) -> Any:
    """Rows of each batch of each round: whole passes, or runs of batches over all passes."""
    size = min(model.batch_size, n_rows)
    passes = [_core.permutation(n_rows, model.random_state, epoch) for epoch in range(50)]
    rounds = np.array(passes)
    if model.update_interval is not None:
        n = model.update_interval * size
        flat = rounds.ravel()
        rounds = flat[: len(flat) // n * n].reshape(-1, n)
    return [[each[at : at + size] for at in range(0, len(each), size)] for each in rounds]


def refine(model: DeepClustering, X: Vector) -> Fitted:
    network, centers = start(model, X)
    trained = network.encoder if model.refinement == "dec" else network
    sizes, names, code = trained.layer_sizes, trained.activations, trained.code_layer
    reader = model._reader
    weight = model.clustering_weight
    if weight is None:
        weight = 1.0 if model.refinement == "dec" else 0.05 * X.shape[1]
    decoupled = _as_optimizer(model.optimizer).name == "adamw"
    settings: dict[str, Any] = {
        "loss": "squared_error" if model.refinement == "dec" else reader.loss,
        "weight_decay": 0.0 if decoupled else reader.weight_decay,
        "code_layer": code,
        "n_clusters": len(centers),
        "clustering_weight": weight,
    }
    updates = Updates(
        {
            "optimizer": model.optimizer,
            "clip_norm": reader.clip_norm,
            "learning_rate": model.learning_rate,
            "weight_decay": reader.weight_decay,
        },
        sizes,
        None,
    )
    if decoupled:
        decay = updates._settings["weight_decay"]
        updates._settings["weight_decay"] = np.append(decay, np.zeros(centers.size))
    parameters = np.concatenate([trained.parameters, centers.T.ravel()]).astype(np.float64)

    def assigned() -> Vector:
        mine, W = np.split(parameters, [-centers.size])
        codes = reference.forward(sizes, names, mine, X)[1][code + 1]
        return reference.soft_assignment(codes, W.reshape(-1, len(centers)).T)

    q, losses, changed = assigned(), [], []
    n_updates = model.n_updates if model.callbacks is None else 1
    for batches in orders(model, len(X))[:n_updates]:
        p, total = reference.target_distribution(q), 0.0
        for batch in batches:
            loss, gradient = reference.objective_and_gradient(
                sizes, names, parameters, X[batch], target_distribution=p[batch], **settings
            )
            parameters = updates.step(parameters, gradient, updates.rate)
            total += loss * len(batch)
        losses.append(total / sum(map(len, batches)))
        before, q = q.argmax(axis=1), assigned()
        changed.append(float(np.mean(q.argmax(axis=1) != before)))
        if changed[-1] < model.tolerance:
            break
    mine, W = np.split(parameters, [-centers.size])
    return Fitted(mine, W.reshape(-1, len(centers)).T, q.argmax(axis=1), losses, changed)
