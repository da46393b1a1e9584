"""Every estimator with every kind of setting, fitted to a few rows, for `compare_builds.py`.

A new knob is one more entry in a table. Public names alone, so that any build can run it.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

import aecore
from aecore import (
    EASE,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    ConvAutoencoder,
    DeepClustering,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
    optimizers,
    schedules,
)

_DRAW = np.random.default_rng(0)
ROWS = 0.1 + 0.8 / (1 + np.exp(-_DRAW.normal(size=(53, 3)) @ _DRAW.normal(size=(3, 19))))
MANY = _DRAW.random((700, 150)) * (_DRAW.random((700, 150)) < 0.4)  # enough for several threads
CSR = csr_array(ROWS * (_DRAW.random(ROWS.shape) < 0.3))
MISSING = np.where(_DRAW.random(ROWS.shape) < 0.2, np.nan, ROWS)
IMAGES = ROWS[:, :18].reshape(53, 3, 6)
COLORS = _DRAW.random((40, 8, 7, 3))
LABELS = np.array(["no", "yes", "maybe"])[np.digitize(ROWS[:, 0], [0.3, 0.6])]
WEIGHT = np.linspace(0.0, 2.0, 53)
GROUPS = ROWS + np.repeat([[0.0], [1.0], [2.0]], [20, 20, 13], axis=0)
COUNTS = csr_array((_DRAW.random((60, 23)) < 0.3) * _DRAW.integers(1, 6, (60, 23)).astype(float))

CASES: dict[str, Callable[..., Any]] = {}


# --- what a model answers -------------------------------------------------------------------------

Calls = dict[str, Callable[[Any, Any], Any]]


def _call(name: str) -> Callable[[Any, Any], Any]:
    return lambda model, X: getattr(model, name)(X)


_ANSWERS: Calls = {
    **{name: _call(name) for name in ("transform", "reconstruct", "score_samples")},
    **{name: _call(name) for name in ("predict", "predict_proba", "soft_assignment", "evaluate")},
    **{name: _call(name) for name in ("decision_function", "feature_errors")},
    "inverse_transform": lambda m, X: m.inverse_transform(dense(m.transform(X))),
    "elbo": lambda m, X: m.elbo(X, n_samples=2, random_state=1),
    "log_likelihood": lambda m, X: m.log_likelihood(X, n_samples=3, random_state=1),
    "sample": lambda m, _: m.sample(3, random_state=1),
    "generate": lambda m, X: m.generate(m.transform(X)),
    "interpolate": lambda m, X: m.interpolate(dense(X)[0], dense(X)[1], 4),
}
_RECOMMENDATIONS: Calls = {
    "recommend": lambda m, X: (m.recommend(X, 5), m.recommend(X, 4, filter_seen=False, items=[2])),
    "rank": lambda m, X: m.rank(X, X, filter_seen=False),
    "similar_items": lambda m, _: m.similar_items([0, 3], 4),
    "similar_users": lambda m, X: m.orientation == "item" or m.similar_users(X[:5], X, 4),
    "predict": lambda m, X: m.predict(X, X),
}


def dense(X: Any) -> Any:
    return X.toarray() if hasattr(X, "toarray") else X


def answers(model: Any, X: Any) -> dict[str, Any]:
    """All that a fitted model learned and says of rows."""
    recommends = hasattr(model, "recommend")
    calls = _RECOMMENDATIONS if recommends else _ANSWERS
    names = [name for name in calls if hasattr(model, name)]
    found = {name: calls[name](model, X) for name in names}
    if hasattr(model, "network_") and not recommends:
        row = dense(X)[0].reshape(-1)
        found["one row"] = model.network_.encode(row), model.network_.reconstruct(row)
    return {**found, "learned": model}


def fitted(model: Any, X: Any, *y: Any, **given: Any) -> list[Any]:
    """Fit; ask the model and its copies by file and by pickle; these then go on learning."""
    found: list[Any] = [answers(model.fit(X, *y, **given), X)]
    target = {name: given[name] for name in ("target",) if name in given}
    for other in (through_file(model), pickle.loads(pickle.dumps(model))):
        found.append(answers(other, X))
        if hasattr(other, "partial_fit"):
            found.append(other.partial_fit(X, *y, **target))
    return found


def through_file(model: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "model"))
        return aecore.load(Path(folder, "model"))


# --- tables of settings ---------------------------------------------------------------------------

FAST: dict[str, Any] = {"n_epochs": 3, "batch_size": 16, "random_state": 0}
SMALL = Autoencoder((9, 3), code_activation="identity", n_epochs=2, batch_size=16)
USUAL: dict[type[Any], dict[str, Any]] = {
    Autoencoder: {"hidden_layer_sizes": (9, 5), "learning_rate": 0.01, **FAST},
    DenoisingAutoencoder: {"hidden_layer_sizes": (21,), **FAST},
    SparseAutoencoder: {"hidden_layer_sizes": (6,), "n_epochs": 8, "random_state": 0},
    AutoencoderClassifier: {"hidden_layer_sizes": (9, 5), **FAST},
    VariationalAutoencoder: {"hidden_layer_sizes": (9, 4), **FAST},
    ConvAutoencoder: {"channels": (3, 4), "kernel_size": 2, "code_size": 5, **FAST},
    AutoencoderOutlierDetector: {"n_estimators": 2, **FAST},
    DeepClustering: {"n_clusters": 3, "autoencoder": SMALL, "n_updates": 3, "random_state": 0},
    AutoencoderRecommender: {"hidden_layer_sizes": (7,), **FAST},
    EASE: {"weight_decay": 2.0},
}


def enter(kind: type[Any], cases: dict[str, dict[str, Any]], *data: Any, **given: Any) -> None:
    """Enter a case for each of the settings, fitted to `data`; `given` is for `fit` as well."""
    for name, settings in cases.items():

        def case(settings: dict[str, Any] = settings, **common: Any) -> Any:
            return fitted(kind(**{**USUAL[kind], **settings, **common}), *data, **given)

        full = f"{kind.__name__}: {name}"
        if full in CASES:
            raise KeyError(full)
        CASES[full] = case


def rising(epoch: int, n_epochs: int, history: Any) -> float:
    return 1.0 + epoch / n_epochs + len(history["loss"])


SPARSITY = {"activation": "sigmoid", "sparsity_weight": 0.3, "sparsity_target": 0.2}
ACTIVATIONS = ("identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu")
ACTIVATIONS += ("softplus", "silu", "gelu")
OPTIMIZERS = ("sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "lbfgs")
STARTS = ("glorot_uniform", "glorot_normal", "he_uniform", "he_normal", "lecun_normal")
STARTS += ("fan_in_uniform", "orthogonal", "uniform", "normal")
NOISES = ("masking", "gaussian", "salt_and_pepper", "uniform")
STOPS = {"early_stopping": True, "patience": 2, "learning_rate": 0.3, "n_epochs": 30}
SCHEDULES: dict[str, Any] = {
    "cosine": "cosine",
    "plateau": schedules.ReduceOnPlateau(0.5, patience=1, tolerance=0.5),
    "step": schedules.Step(2, 0.5),
    "warm-up": schedules.WarmUp(2, schedules.Exponential(0.5)),
    "function": rising,
}
PENALTIES: dict[str, dict[str, Any]] = {
    "weight decay": {"weight_decay": 0.1},
    "weight l1": {"weight_l1": 0.01},
    "activity l1": {"activity_l1": 0.1},
    "contractive": {"contractive_weight": 0.1, "activation": "tanh"},
    "sparse": SPARSITY,
    "sparse layers": {**SPARSITY, "sparsity_layers": "hidden", "sparsity_momentum": 0.9},
    "trimmed": {"trim_fraction": 0.3},
    "dropout": {"dropout": 0.3},
}

enter(
    Autoencoder,
    {
        "plain": {},
        "shallow": {"hidden_layer_sizes": 4, "shuffle": False},
        "lopsided": {"decoder_layer_sizes": (7, 6, 8), "code_activation": "tanh"},
        "no decoder layer": {"decoder_layer_sizes": ()},
        "tied": {"tied_weights": True, "weight_decay": 0.01},
        "top k": {"code_top_k": 2, "sparse_output": True},
        "tied top k": {"tied_weights": True, "code_top_k": 2, "activity_l1": 0.1},
        "clipped": {"clip_norm": 0.1},
        "validation": {"validation_fraction": 0.2},
        "early stopping": {**STOPS, "validation_fraction": 0.2},
        "early stopping of J": {**STOPS, "tolerance": 0.1},
        "early stopping of lbfgs": {"optimizer": "lbfgs", "learning_rate": None, **STOPS}
        | {"learning_rate": None, "validation_fraction": 0.3},
        "input scale": {"input_scale": 0.3},
        "cross entropy": {"loss": "binary_cross_entropy", "output_activation": "sigmoid"},
        "multinomial": {"loss": "multinomial", "output_activation": "softmax"},
        "poisson": {"loss": "poisson", "output_activation": "softplus"},
        **{name: {"loss": name} for name in ("absolute_error", "huber")},
        **{name: {"activation": name, "output_activation": name} for name in ACTIVATIONS},
        **{name: {"initialization": name} for name in STARTS},
        **{name: {"scale": name} for name in ("minmax", "standard", "maxabs")},
        **{name: {"optimizer": name, "learning_rate": None} for name in OPTIMIZERS},
        "adam of mine": {"optimizer": optimizers.Adam(0.02, beta_1=0.5, epsilon=1e-3)},
        "nesterov of mine": {"optimizer": optimizers.Nesterov(0.01, momentum=0.5)},
        "lbfgs of mine": {"optimizer": optimizers.LBFGS(3), "learning_rate": None, "n_epochs": 9},
        "adamw decay": {"optimizer": "adamw", "weight_decay": 0.1},
        **{f"schedule {name}": {"learning_rate_schedule": s} for name, s in SCHEDULES.items()},
        **PENALTIES,
        "all penalties": {
            **{name: value for each in PENALTIES.values() for name, value in each.items()},
            "activation": "sigmoid",
            "noise": "masking",
            "scale": "maxabs",
            "clip_norm": 1.0,
        },
        **{f"noise {name}": {"noise": name} for name in NOISES},
        **{
            f"emphasis {name}": {"noise": name, "noise_emphasis": 3.0, "noise_level": 0.6}
            for name in NOISES
        },
        "pretrained": {"pretrain": True, "activation": "sigmoid"},
        "pretrained by another": {"pretrain": SparseAutoencoder(n_epochs=3), **SPARSITY},
        "pretrained by a list": {
            "pretrain": [
                DenoisingAutoencoder(n_epochs=2),
                Autoencoder(n_epochs=1, tied_weights=True),
            ],
            "tied_weights": True,
        },
    },
    ROWS,
)
LBFGS_NOISE = {"optimizer": "lbfgs", "learning_rate": None, "noise": "gaussian"}
enter(Autoencoder, {"lbfgs with noise": LBFGS_NOISE}, ROWS, sample_weight=WEIGHT)
ON_CSR = {
    "sparse": {},
    "sparse masked": {"noise": "masking", "validation_fraction": 0.2},
    "sparse maxabs": {"scale": "maxabs", "tied_weights": True},
    "sparse lbfgs": {"optimizer": "lbfgs", "learning_rate": None, "weight_decay": 0.01},
    "sparse multinomial": {"loss": "multinomial", "output_activation": "softmax"},
    "sparse top k": {"code_top_k": 2, "sparse_output": True, "pretrain": True},
}
enter(Autoencoder, {f"CSR {name}": each for name, each in ON_CSR.items()}, CSR)
ON_MISSING: dict[str, dict[str, Any]] = {
    "missing": {},
    "missing scaled": {"scale": "standard", "noise": "gaussian", "validation_fraction": 0.2},
    "missing emphasis": {"noise": "masking", "noise_emphasis": 2.0, "trim_fraction": 0.2},
    "missing lbfgs": {"optimizer": "lbfgs", "learning_rate": None},
}
for name, each in ON_MISSING.items():
    enter(Autoencoder, {name: {**each, "missing": "mask"}}, MISSING)
WIDE = {"hidden_layer_sizes": (90, 33), "batch_size": 256, "n_epochs": 2}
enter(
    Autoencoder,
    {
        "wide": WIDE,
        "wide tied": {**WIDE, "tied_weights": True, "code_top_k": 8, "dropout": 0.2},
        "wide sparse": {**WIDE, **SPARSITY, "contractive_weight": 0.1, "noise": "masking"},
        "wide lbfgs": {**WIDE, "optimizer": "lbfgs", "learning_rate": None},
    },
    MANY,
)
enter(Autoencoder, {"wide CSR": {**WIDE, "trim_fraction": 0.1}}, csr_array(MANY))
enter(
    Autoencoder,
    {"weights": {}, "weights trimmed": {"trim_fraction": 0.3}},
    ROWS,
    sample_weight=WEIGHT,
)
enter(Autoencoder, {"target": {"noise": "uniform"}}, ROWS, target=1 - ROWS)
enter(Autoencoder, {"sparse target": {}}, CSR, target=csr_array(CSR * 2))
enter(Autoencoder, {"validation data": STOPS}, ROWS[:30], validation_data=ROWS[30:])
enter(Autoencoder, {"float32 rows": {}}, np.asfortranarray(ROWS.astype(np.float32)))
enter(Autoencoder, {"bytes": {"input_scale": 1 / 255}}, (ROWS * 255).astype(np.uint8)[::2])
enter(DenoisingAutoencoder, {"plain": {}, "scaled": {"scale": "standard"}}, ROWS)
enter(SparseAutoencoder, {"plain": {}, "adam": {"optimizer": "adam", "batch_size": 16}}, ROWS)
enter(SparseAutoencoder, {"CSR": {}}, CSR)

enter(
    AutoencoderClassifier,
    {
        "pretrained": {},
        "plain": {"pretrain": False, "class_weight": {"no": 2.0}, "dropout": 0.2},
        "noise": {"noise": "masking", "scale": "minmax", "weight_decay": 0.01, "weight_l1": 1e-3},
        "by another": {"pretrain": SparseAutoencoder(n_epochs=3), "activation": "sigmoid"},
        "by a list": {"pretrain": [DenoisingAutoencoder(n_epochs=2), Autoencoder(n_epochs=1)]},
        "early stopping": {**STOPS, "validation_fraction": 0.3, "class_weight": {"yes": 3.0}},
        "lbfgs": {"optimizer": "lbfgs", "class_weight": "balanced"},
    },
    ROWS,
    LABELS,
)
enter(AutoencoderClassifier, {"unlabeled": {}}, ROWS, LABELS, unlabeled=ROWS[::-1] ** 2)
enter(AutoencoderClassifier, {"CSR": {}}, CSR, LABELS, sample_weight=WEIGHT)
enter(AutoencoderClassifier, {"validation data": {}}, ROWS, LABELS, validation_data=(ROWS, LABELS))

WARM = schedules.Linear(4)
VARIATIONAL: dict[str, dict[str, Any]] = {
    "bernoulli": {},
    "gaussian": {"likelihood": "gaussian", "scale": "standard", "noise": "gaussian"},
    "multinomial": {"likelihood": "multinomial", "dropout": 0.2},
    "warm-up": {"beta_warmup_epochs": 4, "beta": 0.3},
    "schedule": {"beta_schedule": WARM, "free_bits": 0.1},
    "early stopping": {**STOPS, "validation_fraction": 0.3},
    "decay": {"optimizer": "adamw", "weight_decay": 0.1, "weight_l1": 0.01, "clip_norm": 0.5},
    "lopsided": {"decoder_layer_sizes": (6,), "initialization": "he_normal"},
}
enter(VariationalAutoencoder, VARIATIONAL, ROWS)
enter(VariationalAutoencoder, {"missing": {"missing": "mask"}}, MISSING)
enter(VariationalAutoencoder, {"CSR": {"noise": "masking"}}, CSR)

enter(
    ConvAutoencoder,
    {
        "plain": {"batch_size": 8},
        "no dense code": {"code_size": None, "code_activation": None},
        "strides": {"kernel_size": (2, 3), "stride": (1, 2), "activation": "elu"},
        "variational": {"variational": True, "beta": 0.3, "beta_warmup_epochs": 2},
        "variational bernoulli": {"variational": True, "loss": "binary_cross_entropy"}
        | {"output_activation": "sigmoid"},
        "sparse": {**SPARSITY, "code_activation": "sigmoid", "sparsity_layers": "hidden"},
        "top k": {"code_top_k": 2, "activity_l1": 0.1, "sparse_output": True},
        "all": {"noise": "masking", "noise_emphasis": 2.0, "dropout": 0.2, "scale": "minmax"}
        | {"trim_fraction": 0.2, "weight_decay": 0.01, "weight_l1": 0.01},
        "lbfgs": {"optimizer": "lbfgs"},
        "early stopping": {**STOPS, "validation_fraction": 0.3},
    },
    IMAGES,
)
enter(ConvAutoencoder, {"colours": {"channels": (5, 9), "kernel_size": 3}}, COLORS)
SHAPE = {"image_shape": (19, 1), "kernel_size": (2, 1), "stride": (2, 1)}
enter(ConvAutoencoder, {"rows": {}, "rows in shape": SHAPE}, ROWS)
enter(ConvAutoencoder, {"missing": {"missing": "mask"}}, np.where(IMAGES < 0.3, np.nan, IMAGES))

DETECTED: dict[str, dict[str, Any]] = {
    "plain": {"n_epochs": None},
    "contamination": {"contamination": 0.1, "n_estimators": 3},
    "conformal": {"threshold": "conformal", "false_alarm_rate": 0.2},
    "absolute": {"error": "absolute", "noise": None, "trim_fraction": 0.0},
    "squared": {"error": "squared", "scale": None, "hidden_layer_sizes": (6, 3)},
    "window": {"window": 4},
    "window conformal": {"window": 3, "threshold": "conformal", "calibration_fraction": 0.5}
    | {"false_alarm_rate": 0.2},
    "lbfgs": {"optimizer": "lbfgs", "learning_rate": None, "weight_decay": 0.1},
}
enter(AutoencoderOutlierDetector, DETECTED, ROWS)
enter(AutoencoderOutlierDetector, {"tail": {"threshold": "tail", "window": 2}}, MANY[:150, :19])
enter(AutoencoderOutlierDetector, {"missing": {"missing": "mask", "window": 2}}, MISSING)

enter(
    DeepClustering,
    {
        **{name: {"clusterer": name} for name in ("kmeans", "minibatch_kmeans", "agglomerative")},
        **{name: {"clusterer": name} for name in ("gaussian_mixture", "dbscan", "hdbscan")},
        "auto": {"n_clusters": "auto", "n_clusters_range": (2, 4), "clusterer": "agglomerative"},
        **{name: {"refinement": name, "batch_size": 16} for name in ("dec", "idec")},
        "idec tied": {
            "autoencoder": Autoencoder((9, 3), tied_weights=True, weight_decay=0.1, n_epochs=2),
            "refinement": "idec",
            "clustering_weight": 0.3,
            "learning_rate": 0.01,
            "optimizer": "momentum",
            "update_interval": 2,
            "batch_size": 16,
        },
        "dec of a mixture": {"refinement": "dec", "clusterer": "gaussian_mixture"},
        "dec scaled": {
            "autoencoder": Autoencoder((9, 3), scale="minmax", pretrain=True, n_epochs=2),
            "refinement": "dec",
        },
    },
    GROUPS,
)
enter(DeepClustering, {"CSR": {"refinement": "idec", "n_updates": 2}}, CSR)

enter(
    AutoencoderRecommender,
    {
        "implicit": {"input_dropout": 0.3, "weight_decay": 0.01},
        "variational": {"variational": True, "beta_warmup_epochs": 2},
        "explicit": {"feedback": "explicit"},
        "items": {"feedback": "explicit", "orientation": "item", "input_dropout": 0.0},
        "deep": {"hidden_layer_sizes": (9, 5), "activation": "sigmoid", "optimizer": "adagrad"},
    },
    COUNTS,
)
enter(EASE, {"plain": {}}, COUNTS)
