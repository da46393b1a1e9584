"""The models and checkpoints in `data/0.1.0`, and what they have to answer.

    python tests/support/files_of_0_1_0.py

writes the folder anew, by an interpreter that has aecore 0.1.0: a file for each model, pickles of
some, a checkpoint for each training that goes on, and `expected.npz` with what goes in and out. It
was run with the lowest versions that aecore takes, NumPy 1.26.0 and scikit-learn 1.6.0: later ones
read their pickles, but NumPy 1.26 reads none of NumPy 2.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone

import aecore
from aecore import (
    EASE,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    Checkpoint,
    ConvAutoencoder,
    DeepClustering,
    DenoisingAutoencoder,
    Network,
    SparseAutoencoder,
    VariationalAutoencoder,
    optimizers,
    schedules,
)
from aecore.layers import Conv2D, ConvTranspose2D, Dense, Flatten, Gaussian, Reshape
from helpers import TESTS

FOLDER = TESTS / "data" / "0.1.0"
FAST: dict[str, Any] = {"n_epochs": 3, "batch_size": 16, "learning_rate": 0.02, "random_state": 0}
SPARSITY = {"activation": "sigmoid", "sparsity_weight": 0.3, "sparsity_target": 0.2}
Data = Mapping[str, NDArray[Any]]


def make_data() -> dict[str, NDArray[Any]]:
    """What the models see: 120 rows in three groups, images, labels, and who had what."""
    draw = np.random.default_rng(0)
    rows = np.repeat([[0.2], [0.5], [0.8]], 40, axis=0) + draw.uniform(-0.15, 0.15, (120, 5))
    user_items = (draw.random((20, 8)) < 0.4) * draw.integers(1, 6, (20, 8))
    return {
        "rows": rows,
        "images": draw.random((30, 4, 5)),
        "labels": np.array(["no", "yes", "perhaps"])[np.arange(120) // 40],
        "user_items": user_items.astype(float),
    }


# --- models ---------------------------------------------------------------------------------------

CONVOLUTIONS = [
    Reshape((4, 5, 1)),
    Conv2D(2, 3, stride=2, activation="tanh"),
    Flatten(),
    Dense(3, "identity"),
    Dense(12, "relu"),
    Reshape((2, 3, 2)),
    ConvTranspose2D(1, 3, stride=2, output_size=(4, 5), activation="sigmoid"),
]
GAUSSIAN = [Dense(4, "relu"), Gaussian(2), Dense(4, "relu"), Dense(5, "sigmoid")]
NETWORKS: dict[str, Callable[[], Network]] = {
    "network": lambda: Network([5, 4, 2, 5], ["tanh", "sigmoid", "gelu"], random_state=0),
    "network-tied": lambda: Network(
        [5, 3, 5], ["elu", "silu"], tied_weights=True, dtype="float64", random_state=0
    ),
    "network-top-k": lambda: Network(
        [5, 6, 5], ["relu", "softmax"], code_top_k=2, input_scale=0.5, random_state=0
    ),
    "network-convolutions": lambda: Network(20, CONVOLUTIONS, random_state=0),
    "network-gaussian": lambda: Network(5, GAUSSIAN, random_state=0),
}


def _rows(kind: type[Any], *sizes: Any, **settings: Any) -> Callable[[Data], Any]:
    return lambda data: kind(*sizes, **{**FAST, **settings}).fit(data["rows"])


def _named(data: Data) -> Any:
    frame = pd.DataFrame(data["rows"], columns=list("abcdé"))
    return Autoencoder((3,), scale="maxabs", optimizer="sgd", dtype="float64", **FAST).fit(frame)


def _classifier(labels: Callable[[Data], Any], **settings: Any) -> Callable[[Data], Any]:
    model = AutoencoderClassifier((4, 3), **{**FAST, **settings})
    return lambda data: clone(model).fit(data["rows"], labels(data))


def _clusters(n_clusters: Any = 3, **settings: Any) -> Callable[[Data], Any]:
    autoencoder = Autoencoder((4, 2), code_activation="identity", scale="minmax", **FAST)
    return lambda data: DeepClustering(
        n_clusters, autoencoder=autoencoder, n_updates=3, batch_size=16, random_state=0, **settings
    ).fit(data["rows"])


def _recommender(model: Any) -> Callable[[Data], Any]:
    return lambda data: clone(model).fit(csr_array(data["user_items"]))


# The defaults of 0.1.0.
DETECTOR = {"scale": "standard", "error": "standardized", "n_estimators": 2}
LAYERS = (DenoisingAutoencoder(noise_level=0.1, n_epochs=2), SparseAutoencoder(n_epochs=2))
MODELS: dict[str, Callable[[Data], Any]] = {
    **{name: (lambda _, make=make: make()) for name, make in NETWORKS.items()},
    "autoencoder": _rows(Autoencoder, (4, 2), scale="standard", validation_fraction=0.2),
    "autoencoder-scheduled": _rows(
        Autoencoder,
        (3,),
        scale="minmax",
        learning_rate_schedule=schedules.WarmUp(2, schedules.Cosine(0.1)),
        optimizer="momentum",
        clip_norm=1.0,
    ),
    "autoencoder-named": _named,
    "autoencoder-running": _rows(
        Autoencoder,
        (4, 3),
        **{**SPARSITY, "sparsity_momentum": 0.9, "sparsity_layers": "hidden"},
        optimizer="rmsprop",
    ),
    "autoencoder-top-k": _rows(
        Autoencoder,
        4,
        code_top_k=2,
        tied_weights=True,
        sparse_output=True,
        pretrain=True,
        optimizer="adagrad",
    ),
    "autoencoder-missing": _rows(
        Autoencoder,
        (3,),
        missing="mask",
        noise="gaussian",
        noise_emphasis=2.0,
        dropout=0.1,
        optimizer="adamw",
        weight_decay=0.1,
    ),
    "autoencoder-stopped": _rows(
        Autoencoder, (3,), early_stopping=True, patience=1, learning_rate=0.5, n_epochs=20
    ),
    "autoencoder-nesterov": _rows(
        Autoencoder, (2,), optimizer=optimizers.Nesterov(momentum=0.5), dtype="float64"
    ),
    "autoencoder-lbfgs": _rows(
        Autoencoder, (2,), optimizer=optimizers.LBFGS(history_size=3), learning_rate=None
    ),
    "denoising": _rows(DenoisingAutoencoder, (4,)),
    "sparse": _rows(SparseAutoencoder, (3,), learning_rate=None),
    "classifier": _classifier(lambda data: data["labels"], pretrain=LAYERS, activation="sigmoid"),
    "classifier-numbers": _classifier(
        lambda _: np.arange(120) // 60 + 7, class_weight={7: 2.0}, pretrain=False
    ),
    "variational": _rows(
        VariationalAutoencoder, (4, 2), likelihood="bernoulli", beta_warmup_epochs=5, free_bits=0.1
    ),
    "variational-multinomial": _rows(
        VariationalAutoencoder, (4, 2), likelihood="multinomial", dtype="float64"
    ),
    "conv": lambda data: ConvAutoencoder((2, 3), kernel_size=2, code_size=3, **FAST).fit(
        data["images"]
    ),
    "conv-variational": lambda data: ConvAutoencoder(
        (2,), code_size=2, kernel_size=(2, 3), stride=2, variational=True, scale="minmax", **FAST
    ).fit(data["images"]),
    "detector": _rows(AutoencoderOutlierDetector, (2,), **DETECTOR, contamination=0.1),
    "detector-tail": _rows(
        AutoencoderOutlierDetector, (2,), **{**DETECTOR, "error": "squared"}, threshold="tail"
    ),
    "detector-conformal": _rows(
        AutoencoderOutlierDetector,
        (2,),
        **DETECTOR,
        threshold="conformal",
        false_alarm_rate=0.1,
        window=3,
    ),
    **{
        f"clusters-{kind}": _clusters(clusterer=kind)
        for kind in ("kmeans", "gaussian_mixture", "agglomerative", "hdbscan")
    },
    "clusters-dec": _clusters(clusterer="kmeans", refinement="dec", dtype="float64"),
    "clusters-auto": _clusters(
        "auto", clusterer="kmeans", refinement="idec", n_clusters_range=(2, 4)
    ),
    "recommender": _recommender(AutoencoderRecommender((3,), **FAST)),
    "recommender-variational": _recommender(AutoencoderRecommender((3,), variational=True, **FAST)),
    "recommender-explicit": _recommender(AutoencoderRecommender((3,), feedback="explicit", **FAST)),
    "recommender-items": _recommender(
        AutoencoderRecommender((3,), feedback="explicit", orientation="item", **FAST)
    ),
    "ease": _recommender(EASE(2.0)),
}
# Models that are pickled, one of each class; that of clusters holds an object of scikit-learn's.
PICKLED = (
    *("network", "network-convolutions", "autoencoder", "autoencoder-lbfgs", "denoising"),
    *("sparse", "classifier", "variational", "conv", "detector", "clusters-auto"),
    *("recommender", "recommender-items", "ease"),
)


# --- checkpoints ----------------------------------------------------------------------------------

# Its best epoch is the third: the network that it ends with is in the checkpoint alone.
STOPPING = {"early_stopping": True, "patience": 4, "learning_rate": 0.2, "random_state": 1}
TRAININGS: dict[str, Any] = {
    "autoencoder": Autoencoder((4, 2), noise="masking", scale="standard", **FAST),
    "stopping": Autoencoder((4, 2), validation_fraction=0.3, **{**FAST, **STOPPING}),
    "pretrained": Autoencoder((4, 2), pretrain=True, tied_weights=True, **FAST),
    "lbfgs": SparseAutoencoder((3,), random_state=0),
    "classifier": AutoencoderClassifier((4, 3), dropout=0.1, **FAST),
    "variational": VariationalAutoencoder((4, 2), beta_warmup_epochs=5, **FAST),
    "conv": ConvAutoencoder((2, 3), kernel_size=2, code_size=3, **FAST),
}
N_EPOCHS, N_MORE = 4, 4  # of a checkpoint, and of a training that goes on from it


def start(name: str, path: Path, data: Data) -> None:
    model = clone(TRAININGS[name]).set_params(n_epochs=N_EPOCHS)
    model.fit(*_training_data(model, data), checkpoint=Checkpoint(path, every_epochs=N_EPOCHS))


def go_on(name: str, path: Path, data: Data) -> dict[str, Any]:
    """What a training has become some epochs after its checkpoint."""
    model = clone(TRAININGS[name]).set_params(n_epochs=N_EPOCHS + N_MORE)
    model.fit(*_training_data(model, data), resume_from=path)
    best_epoch = getattr(model, "best_epoch_", -1)
    losses = [*model.history_["loss"], best_epoch]
    return {"parameters": model.network_.parameters, "losses and best epoch": losses}


def _training_data(model: Any, data: Data) -> tuple[Any, ...]:
    if isinstance(model, AutoencoderClassifier):
        return data["rows"], data["labels"]
    return (data["images"] if isinstance(model, ConvAutoencoder) else data["rows"],)


# --- answers --------------------------------------------------------------------------------------

CALLS = ("encode", "transform", "reconstruct", "predict", "predict_proba", "score_samples")
CALLS += ("decision_function", "feature_errors", "soft_assignment")
LEARNED = ("best_epoch_", "classes_", "cluster_centers_", "factor_", "feature_names_in_")
LEARNED += ("labels_", "mean_rating_", "min_rating_", "offset_", "popularity_")


def answers(model: Any, data: Data) -> dict[str, Any]:
    """Arrays: what a model learned, says of rows, and makes of them when it goes on learning."""
    found = {name: getattr(model, name) for name in LEARNED if hasattr(model, name)}
    if hasattr(model, "recommend"):
        found |= _recommendations(model, csr_array(data["user_items"]))
    else:
        X, *labels = _rows_for(model, data)
        for name in CALLS:
            later = name == "decision_function" and hasattr(model, "classes_")  # not in 0.1.0
            if hasattr(model, name) and not later:
                found[name] = getattr(model, name)(X[::12])
        if hasattr(model, "partial_fit"):
            model.partial_fit(X, *labels)
            if hasattr(model, "estimators_"):
                found["more"] = model.score_samples(X[::12])
            else:
                found["more"] = model.network_.parameters
    if hasattr(model, "history_"):
        found["losses"] = model.history_.get("loss", [])
    if hasattr(model, "pretraining_history_"):
        found["pretraining"] = np.concatenate([each["loss"] for each in model.pretraining_history_])
    if hasattr(model, "silhouettes_"):
        found["silhouettes"] = np.array(list(model.silhouettes_.items()))
    return {name: _array(value) for name, value in found.items()}


def _array(value: Any) -> NDArray[Any]:
    array = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    return array.astype(str) if array.dtype == object else array


def _rows_for(model: Any, data: Data) -> tuple[Any, ...]:
    if hasattr(model, "feature_names_in_"):
        return (pd.DataFrame(data["rows"], columns=model.feature_names_in_),)
    if isinstance(model, Network):
        return (data["rows"] if model.layer_sizes[0] == 5 else data["images"].reshape(30, -1),)
    if hasattr(model, "classes_"):
        return data["rows"], model.classes_[np.arange(120) % len(model.classes_)]
    return _training_data(model, data)


def _recommendations(model: Any, rows: csr_array) -> dict[str, Any]:
    items, scores = model.recommend(rows, 3)
    found = {"items": items, "scores": scores, "similar items": model.similar_items([0, 3], 3)[1]}
    if hasattr(model, "predict"):
        found["predictions"] = model.predict(rows, csr_array(np.ones(rows.shape)))[:4]
    return found


def main() -> None:
    if aecore.__version__ != "0.1.0":
        raise SystemExit(f"these are files of 0.1.0; got {aecore.__version__}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    data = make_data()
    found: dict[str, Any] = {"classes": []}
    for name, make in MODELS.items():
        model = make(data)
        model.save(FOLDER / f"{name}.safetensors")
        if name in PICKLED:
            (FOLDER / f"{name}.pickle").write_bytes(pickle.dumps(model, protocol=4))
        found["classes"].append((name, type(model).__name__))
        found |= {f"{name}: {what}": value for what, value in answers(model, data).items()}
    for name in TRAININGS:
        path = FOLDER / f"checkpoint-{name}.safetensors"
        start(name, path, data)
        resumed = go_on(name, path, data)
        found |= {f"checkpoint-{name}: {what}": value for what, value in resumed.items()}
    np.savez_compressed(FOLDER / "expected.npz", **data, **found)


if __name__ == "__main__":
    main()
