"""A Plan made by hand trains like the estimator that says the same, and refuses what cannot go."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Autoencoder, AutoencoderClassifier, VariationalAutoencoder
from aecore._problem.input import Input
from aecore._problem.layers import Layers, as_layers
from aecore._problem.objective import Objective
from aecore._problem.plan import Optimization, Plan, Run
from aecore._training.data import TrainingData
from aecore._training.fitting import fit_rows
from aecore.layers import Conv2D, ConvTranspose2D, Dense, Gaussian
from aecore.optimizers import LBFGS, SGD, AdamW
from aecore.schedules import Cosine, Linear
from samples import same_bits

ROWS = np.random.default_rng(0).random((60, 12))
# Layers 12-5-12 with a sigmoid code.
LAYERS = Layers(12, (Dense(5, "sigmoid"), Dense(12)), code_layer=0)
SIGMOID = replace(LAYERS, layers=(Dense(5, "tanh"), Dense(12, "sigmoid")))
RUN = Run(seed=7)

PLANS: dict[str, tuple[Plan, Any]] = {
    "defaults": (
        Plan(replace(LAYERS, layers=(Dense(5, "relu"), Dense(12))), run=RUN),
        Autoencoder((5,), random_state=7),
    ),
    "penalties": (
        Plan(
            LAYERS,
            Objective(weight_decay=1e-3, sparsity_weight=0.3, activity_l1=0.01, dropout=0.2),
            Input(scale="standard", noise="gaussian", noise_level=0.2),
            Optimization(SGD(), learning_rate=0.01, n_epochs=7, validation_fraction=0.2),
            replace(RUN, dtype="float64"),
        ),
        Autoencoder(
            (5,),
            activation="sigmoid",
            weight_decay=1e-3,
            sparsity_weight=0.3,
            activity_l1=0.01,
            dropout=0.2,
            scale="standard",
            noise="gaussian",
            noise_level=0.2,
            optimizer="sgd",
            learning_rate=0.01,
            n_epochs=7,
            validation_fraction=0.2,
            dtype="float64",
            random_state=7,
        ),
    ),
    "decoupled decay, early stopping": (
        Plan(
            replace(SIGMOID, code_top_k=3),
            Objective("binary_cross_entropy"),
            Input(),
            Optimization(
                AdamW(),
                learning_rate_schedule=Cosine(),
                decoupled_decay=0.1,
                clip_norm=0.5,
                batch_size=9,
                n_epochs=30,
                early_stopping=True,
                patience=2,
                tolerance=0.1,
            ),
            RUN,
        ),
        Autoencoder(
            (5,),
            activation="tanh",
            output_activation="sigmoid",
            code_top_k=3,
            loss="binary_cross_entropy",
            optimizer="adamw",
            learning_rate_schedule="cosine",
            weight_decay=0.1,
            clip_norm=0.5,
            batch_size=9,
            n_epochs=30,
            early_stopping=True,
            patience=2,
            tolerance=0.1,
            random_state=7,
        ),
    ),
    "all rows at once": (
        Plan(
            replace(SIGMOID, tied_weights=True),
            Objective(),
            Input(),
            Optimization(LBFGS(), initialization="he_normal", n_epochs=9),
            RUN,
        ),
        Autoencoder(
            (5,),
            activation="tanh",
            output_activation="sigmoid",
            tied_weights=True,
            optimizer="lbfgs",
            initialization="he_normal",
            n_epochs=9,
            random_state=7,
        ),
    ),
    "a drawn code": (
        Plan(
            Layers(12, (Gaussian(5), Dense(12, "sigmoid")), code_layer=0),
            Objective("binary_cross_entropy", beta=0.5, free_bits=0.1),
            Input(),
            Optimization(beta_schedule=Linear(4), batch_size=128, n_epochs=8),
            RUN,
        ),
        VariationalAutoencoder(
            (5,),
            likelihood="bernoulli",
            beta=0.5,
            free_bits=0.1,
            beta_warmup_epochs=4,
            n_epochs=8,
            random_state=7,
        ),
    ),
}


@pytest.mark.parametrize("name", PLANS)
def test_a_plan_trains_without_an_estimator(name: str) -> None:
    plan, model = PLANS[name]
    trained = fit_rows(plan, TrainingData(ROWS, None, None))
    model.fit(ROWS)
    assert same_bits(trained.network, model.network_)
    assert trained.history["loss"] == model.history_["loss"]
    assert trained.best_epoch == getattr(model, "best_epoch_", None)


@pytest.mark.parametrize("name", PLANS)
def test_an_estimator_makes_the_same_plan(name: str) -> None:
    plan, model = PLANS[name]
    made = Plan.of(model, 12, 12, 7)
    assert made.layers == plan.layers
    assert made.objective == plan.objective
    assert made.run == plan.run
    noise = {"noise_level": 0.3, "noise_emphasis": 1.0}
    assert made.input == (plan.input if plan.input.noise else replace(plan.input, **noise))
    without = {"learning_rate_schedule": None}
    assert replace(made.optimization, **without) == replace(plan.optimization, **without)


def test_a_plan_of_images() -> None:
    image = (6, 4, 1)
    made = [
        Conv2D(3, 3, 2, "same", "relu", image),
        ConvTranspose2D(1, 3, 2, "same", "identity", None, image[:2]),
    ]
    plan = Plan(as_layers(24, made, 0), optimization=Optimization(n_epochs=2))
    trained = fit_rows(plan, TrainingData(np.random.default_rng(1).random((20, 24)), None, None))
    assert trained.network.encode(np.zeros((1, 24))).shape == (1, 3 * 2 * 3)


def test_a_plan_does_not_change() -> None:
    plan, _ = PLANS["defaults"]
    for part in (plan, plan.layers, plan.objective, plan.input, plan.optimization, plan.run):
        name = next(iter(vars(part)))
        with pytest.raises(FrozenInstanceError):
            setattr(part, name, None)


REFUSED: dict[str, dict[str, Any]] = {
    "weight_decay must be a finite number >= 0; got -1": {"objective": Objective(weight_decay=-1)},
    "loss must be one of": {"objective": Objective(loss="hinge")},
    "sparsity_weight must be 0 where": {
        "layers": replace(LAYERS, layers=(Dense(5, "relu"), Dense(12))),
        "objective": Objective(sparsity_weight=1.0),
    },
    "output_activation must be 'sigmoid'": {"objective": Objective("binary_cross_entropy")},
    "output_activation must be 'softmax' exactly": {"objective": Objective("multinomial")},
    "input_scale must be 1 with scale": {"input": Input(2.0, "minmax")},
    "noise_level must be a probability": {"input": Input(noise="masking", noise_level=2.0)},
    "batch_size must be at least 1 / trim_fraction": {
        "objective": Objective(trim_fraction=0.1),
        "optimization": Optimization(batch_size=5),
    },
    "clip_norm must be None with optimizer 'lbfgs'": {
        "optimization": Optimization(LBFGS(), clip_norm=1.0)
    },
    "dropout must be 0 with optimizer 'lbfgs'": {
        "objective": Objective(dropout=0.5),
        "optimization": Optimization(LBFGS()),
    },
    "n_epochs must be an integer from 1": {"optimization": Optimization(n_epochs=0)},
    "dtype must be 'float32' or 'float64'": {"run": Run(dtype="int8")},
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_what_does_not_go_together_is_refused_when_the_plan_is_made(sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        Plan(**{"layers": LAYERS, **REFUSED[sentence]})


def test_parameters_that_a_class_lacks_are_the_defaults_of_the_plan() -> None:
    plan = Plan.of(AutoencoderClassifier((4,), random_state=0), 12, 3, 0)
    assert plan.layers == Layers(12, (Dense(4, "relu"), Dense(3, "softmax")), code_layer=0)
    assert plan.objective == Objective("multinomial")
    assert plan.input == Input(is_target=False)


def test_rows_of_a_target(n_threads: int) -> None:
    labels: NDArray[Any] = np.eye(3)[np.arange(60) % 3]
    layers = Layers(12, (Dense(4, "relu"), Dense(3, "softmax")), code_layer=0)
    plan = Plan(
        layers, Objective("multinomial"), Input(is_target=False), run=Run(5, n_threads=n_threads)
    )
    plan = replace(plan, optimization=Optimization(batch_size=64))
    trained = fit_rows(plan, TrainingData(ROWS, labels, None))
    model = AutoencoderClassifier((4,), pretrain=False, random_state=5, n_threads=1)
    assert same_bits(trained.network, model.fit(ROWS, np.arange(60) % 3).network_)
