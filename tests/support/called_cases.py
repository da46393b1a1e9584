"""What can be done with estimators and networks besides `fit`, for `compare_builds.py`.

Public names alone, so that any build can run it.
"""

from __future__ import annotations

import pickle
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.cluster import Birch

import aecore
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderOutlierDetector,
    Checkpoint,
    ConvAutoencoder,
    DeepClustering,
    Network,
    SparseAutoencoder,
    VariationalAutoencoder,
    fit_many,
    schedules,
    stack,
)
from aecore.layers import Conv2D, ConvTranspose2D, Dense, Flatten, Gaussian, Reshape
from fitted_cases import (
    CASES,
    CSR,
    GROUPS,
    IMAGES,
    LABELS,
    MANY,
    PENALTIES,
    ROWS,
    STOPS,
    USUAL,
    WEIGHT,
    answers,
    through_file,
)


def case(function: Callable[..., Any]) -> Callable[..., Any]:
    """Enter a function of `dtype` and `n_threads` under its name."""
    CASES[function.__name__] = function
    return function


def usual(kind: type[Any], **settings: Any) -> Any:
    return kind(**{**USUAL[kind], **settings})


# --- estimators -----------------------------------------------------------------------------------

DATA: dict[type[Any], tuple[Any, ...]] = {
    Autoencoder: (ROWS,),
    AutoencoderClassifier: (ROWS, LABELS),
    ConvAutoencoder: (IMAGES,),
    VariationalAutoencoder: (ROWS,),
}
IN_BATCHES = {**DATA, AutoencoderOutlierDetector: (ROWS,)}


class Hears:
    """A callback that keeps what it hears, and ends the training after its fourth epoch."""

    def __init__(self) -> None:
        self.heard: list[Any] = []

    def on_epoch_end(self, state: Any) -> bool:
        self.heard.append((state.epoch, state.n_epochs, state.loss, state.network.parameters))
        return len(self.heard) == 4


@case
def callbacks(**common: Any) -> Any:
    found = []
    for kind, data in {**DATA, SparseAutoencoder: (ROWS,)}.items():
        hears = Hears()
        model = usual(kind, callbacks=hears, **common).set_params(n_epochs=9)
        found.append((model.fit(*data), hears.heard))
    hears = Hears()
    clusters = usual(DeepClustering, refinement="idec", callbacks=hears, **common)
    return found, clusters.fit(GROUPS), hears.heard


@case
def clusterer_of_scikit_learns(**common: Any) -> Any:
    model = usual(DeepClustering, clusterer=Birch(threshold=0.1), **common)
    model.set_params(n_clusters=None).fit(GROUPS)
    return answers(model, GROUPS), answers(pickle.loads(pickle.dumps(model)), ROWS)


@case
def partial_fit(**common: Any) -> Any:
    """From the start, on other rows than before, and after a change of the optimiser."""
    found = []
    for kind, data in IN_BATCHES.items():
        model = usual(kind, **common)
        if kind is AutoencoderClassifier:
            model.partial_fit(*data, classes=["maybe", "never", "no", "yes"])
        for part in (slice(0, 30), slice(30, 53), slice(0, 53)):
            model.partial_fit(*(each[part] for each in data))
            found.append(answers(model, data[0]))
        found.append(answers(model.set_params(optimizer="momentum").partial_fit(*data), data[0]))
    return found


@case
def partial_fit_with_more_than_rows(**common: Any) -> Any:
    scaled = usual(Autoencoder, scale="standard", noise="masking", dropout=0.2, **common)
    scaled.partial_fit(ROWS, sample_weight=WEIGHT).partial_fit(ROWS**2)
    aimed = usual(Autoencoder, **common).fit(ROWS, target=1 - ROWS)
    aimed.partial_fit(ROWS, target=ROWS**2, sample_weight=WEIGHT)
    sparse = usual(Autoencoder, **common).partial_fit(CSR).partial_fit(CSR, target=CSR)
    return answers(scaled, ROWS), answers(aimed, ROWS), answers(sparse, CSR)


@case
def warm_start_and_init(**common: Any) -> Any:
    found = []
    for kind, data in {**DATA, SparseAutoencoder: (ROWS,)}.items():
        model = usual(kind, warm_start=True, **common).fit(*data).fit(*data)
        found += [answers(model, data[0]), usual(kind, **common).fit(*data, init=model.network_)]
    autoencoder = usual(Autoencoder, code_activation="identity")
    clusters = usual(DeepClustering, autoencoder=autoencoder, refinement="dec", **common)
    start = clone(autoencoder).set_params(**common).fit(GROUPS).network_
    return found, answers(clusters.fit(GROUPS, init=start), GROUPS)


@case
def checkpoints(**common: Any) -> Any:
    """A checkpoint as a model, and what a training becomes that goes on from it."""
    found = []
    settings: tuple[tuple[type[Any], dict[str, Any]], ...] = (
        (Autoencoder, {"pretrain": True, "noise": "gaussian", "scale": "standard"}),
        (Autoencoder, {**STOPS, "validation_fraction": 0.3}),
        (Autoencoder, {"learning_rate_schedule": schedules.ReduceOnPlateau(patience=1)}),
        (Autoencoder, {"optimizer": "adamw", "weight_decay": 0.1, **PENALTIES["sparse layers"]}),
        (AutoencoderClassifier, {}),
        (VariationalAutoencoder, {"beta_warmup_epochs": 5}),
        (ConvAutoencoder, {"dropout": 0.2}),
        (SparseAutoencoder, {"early_stopping": True}),
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, (kind, own) in enumerate(settings):
            path = Path(folder, str(number))
            data = DATA.get(kind, (ROWS,))
            model = usual(kind, **{**own, **common, "n_epochs": 4})
            model.fit(*data, checkpoint=Checkpoint(path, every_epochs=3))
            found.append(aecore.load(path))
            longer = clone(model).set_params(n_epochs=9).fit(*data, resume_from=path)
            found.append(answers(longer, data[0]))
    return found


@case
def fits_side_by_side(**common: Any) -> Any:
    n_threads = common["n_threads"]
    one = usual(Autoencoder, **common)
    several = [usual(SparseAutoencoder, **common), usual(ConvAutoencoder, **common)]
    return (
        fit_many(one, MANY[:, :19].reshape(7, 100, -1), n_threads=n_threads, random_state=1),
        fit_many(one, [ROWS, CSR, MANY], n_threads=n_threads),
        fit_many(several, [ROWS, IMAGES], n_threads=n_threads),
    )


@case
def kinds_of_random_state(**common: Any) -> Any:
    np.random.seed(3)  # noqa: NPY002 - where nobody gives a seed
    kinds = (None, np.random.RandomState(1), np.random.default_rng(1), np.random.SeedSequence(1))
    common_to_all = {**USUAL[Autoencoder], **common, "pretrain": True, "noise": "masking"}
    models = [Autoencoder(**{**common_to_all, "random_state": each}) for each in kinds]
    detector = usual(AutoencoderOutlierDetector, **common).set_params(random_state=None)
    left = [detector.fit(ROWS), np.random.random()]  # noqa: NPY002
    return (
        [model.fit(ROWS) for model in models],
        left,
        [m.random_state.random() for m in models[1:3]],
    )


# --- networks -------------------------------------------------------------------------------------

CONVOLUTIONS = [
    Reshape((3, 6, 1)),
    Conv2D(4, 2, activation="tanh"),
    Conv2D(5, 3, stride=2, padding="valid", activation="relu"),
    Flatten(),
    Dense(4, "tanh"),
    Dense(10, "relu"),
    Reshape((1, 2, 5)),
    ConvTranspose2D(1, 3, stride=2, padding="valid", output_size=(3, 6), activation="sigmoid"),
]
NETWORKS: dict[str, Callable[..., Network]] = {
    "dense": lambda **common: Network([19, 9, 5, 9, 19], ["sigmoid"] * 4, **common),
    "tied": lambda **common: Network([19, 9, 5, 9, 19], ["tanh"] * 4, tied_weights=True, **common),
    "top k": lambda **common: Network([19, 33, 19], ["relu", "identity"], code_top_k=7, **common),
    "early code": lambda **common: Network(
        [19, 6, 7, 19], ["sigmoid", "gelu", "sigmoid"], code_layer=0, input_scale=0.5, **common
    ),
    "encoder": lambda **common: Network([19, 8, 3], ["elu", "silu"], code_layer=1, **common),
    "Gaussian": lambda **common: Network(
        19, [Dense(9, "relu"), Gaussian(4), Dense(9, "relu"), Dense(19, "sigmoid")], **common
    ),
    "softmax": lambda **common: Network([19, 7, 19], ["relu", "softmax"], **common),
    "convolutions": lambda **common: Network(18, CONVOLUTIONS, **common),
    "wide": lambda **common: Network([150, 130, 40, 150], ["sigmoid"] * 3, **common),
}
KL = {"sparsity_weight": 0.3, "sparsity_target": 0.2}
TERMS: dict[str, dict[str, Any]] = {
    **{loss: {"loss": loss} for loss in ("squared_error", "binary_cross_entropy", "huber")},
    **{loss: {"loss": loss} for loss in ("absolute_error", "poisson", "multinomial")},
    "weight decay": {"weight_decay": 0.2},
    "weight l1": {"weight_l1": 0.1},
    "activity l1": {"activity_l1": 0.1},
    "contractive": {"contractive_weight": 0.1},
    "sparse": KL,
    "sparse layers": {**KL, "sparsity_layers": "hidden"},
    "running": {**KL, "sparsity_momentum": 0.5, "sparsity_running": {1: np.full(5, 0.3)}},
    "dropout": {"dropout": 0.4, "seed": 2**63, "epoch": 3},
    "divergence": {"beta": 0.3, "free_bits": 0.2, "seed": 4, "epoch": 1},
    "trimmed": {"trim_fraction": 0.4},
    "weights and target": {"sample_weight": WEIGHT, "target": 1 - ROWS},
    "observed only": {"target": CSR, "observed_only": True},
}


def everything(network: Network, X: Any) -> list[Any]:
    """All answers of a network, of its parts and of a copy."""
    Z = network.encode(X)
    found: list[Any] = [network, network.summary(), through_file(network), network.weights]
    found += [Z, network.reconstruct(X), network.biases, network.encoder, network[:1]]
    found += [(network.encode(row), network.reconstruct(row)) for row in X[:3]]
    out = np.empty_like(Z)
    network.encode(X, out=out)
    found += [out, network.with_parameters(network.parameters / 2)]
    if network.layer_sizes[0] == network.layer_sizes[-1]:
        found += [network.decode(Z), network.decode(Z[0])]
        loss = "multinomial" if network.activations[-1] == "softmax" else "huber"
        found += [network.row_losses(X, loss=loss), network.row_losses(X, target=X**2, loss=loss)]
    if network.gaussian_layer is not None:
        found.append(network.code_distribution(X))
    return found


def rows_of(network: Network) -> Any:
    width = network.layer_sizes[0]
    return ROWS[:, :width] if width < 20 else MANY


for of_network, make in NETWORKS.items():

    def network_case(make: Callable[..., Network] = make, **common: Any) -> Any:
        network = make(random_state=0, **common)
        return everything(network, rows_of(network))

    CASES[f"Network: {of_network}"] = network_case


def evaluated(network: Network, X: Any, settings: dict[str, Any]) -> Any:
    try:
        terms = network.objective_terms(X, **settings)
    except ValueError:  # not every term goes with every network
        return "refused"
    counting = {name: value for name, value in terms._asdict().items() if value}
    return counting, network.objective_and_gradient(X, **settings)  # a build may have more terms


for term, settings in TERMS.items():

    def term_case(settings: dict[str, Any] = settings, **common: Any) -> Any:
        networks = [make(random_state=0, **common) for make in NETWORKS.values()]
        found = [evaluated(network, rows_of(network), settings) for network in networks]
        return found + [evaluated(network, CSR, settings) for network in networks]

    CASES[f"objective: {term}"] = term_case


@case
def stacked(**common: Any) -> Any:
    first = usual(Autoencoder, code_activation="sigmoid", **common).fit(ROWS)
    codes = first.transform(ROWS)
    second = usual(Autoencoder, hidden_layer_sizes=(3,), **common).fit(codes)
    joined = stack(first.network_.encoder, second.network_.encoder)
    return everything(stack(first, second), ROWS), everything(joined, ROWS)
