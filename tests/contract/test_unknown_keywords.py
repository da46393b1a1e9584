"""A keyword or an attribute that is not there has the one that was meant proposed."""

from __future__ import annotations

import copy
import inspect
import pickle
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone

import aecore
from aecore import Autoencoder, AutoencoderOutlierDetector, Network, layers, metrics
from aecore import optimizers as opt
from aecore import schedules as sch
from aecore._names import ESTIMATORS

X = np.random.default_rng(0).random((12, 4))
# Words of other libraries, and what each estimator calls it: the first that it has.
WORDS = {
    "epochs": ("n_epochs", "n_updates"),
    "max_iter": ("n_epochs", "n_updates"),
    "lr": ("learning_rate",),
    "hidden_layers": ("hidden_layer_sizes", "channels"),
    "n_components": ("code_size", "hidden_layer_sizes"),
    "validation_split": ("validation_fraction", "calibration_fraction"),
    "n_jobs": ("n_threads",),
    "batch": ("batch_size",),
    "seed": ("random_state",),
    "reg": ("weight_decay",),
    "verbosity": ("verbose",),
    "random_sate": ("random_state",),
}


def meant(names: Any, word: str) -> str | None:
    return next((each for each in WORDS[word] if each in names), None)


@pytest.mark.parametrize("word", WORDS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_constructors_and_set_params(name: str, word: str) -> None:
    kind = getattr(aecore, name)
    expected = meant(kind().get_params(), word)
    ending = "" if expected is None else f": did you mean '{expected}'?"
    said = f"{name}() got an unexpected keyword argument '{word}'{ending}"
    with pytest.raises(TypeError, match=f"^{re.escape(said)}$"):
        kind(**{word: 3})
    pattern = "Valid parameters" if expected is None else rf"did you mean '{expected}'\?$"
    model = kind()
    with pytest.raises(ValueError, match=f"^Invalid parameter '{word}' .*{pattern}"):
        model.set_params(dtype="float64", **{word: 3})
    assert expected is None or model.dtype == "float32"


@pytest.mark.parametrize("name", ESTIMATORS)
def test_what_belongs_to_fit_and_to_the_constructor(name: str) -> None:
    kind = getattr(aecore, name)
    with pytest.raises(
        TypeError, match=rf"^{name}\.fit\(\) got .*: did you mean {name}\(n_threads="
    ):
        kind().fit(X, n_jobs=1)
    with pytest.raises(TypeError, match=rf"^{name}\.fit\(\) .* {name}\(dtype=\.\.\.\)\?$"):
        kind().fit(X, dtype="float64")
    for argument in inspect.signature(kind.fit).parameters.keys() - {"self", "user_items"}:
        with pytest.raises(TypeError, match=rf"did you mean fit\({argument}=\.\.\.\)\?$"):
            kind(**{argument: 3})


NETWORK = Network([4, 2, 4], ["tanh", "tanh"], random_state=0)
CALLS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "sample_weights": (Autoencoder().fit, "Autoencoder.fit", "'sample_weight'"),
    "weights": (Autoencoder().partial_fit, "Autoencoder.partial_fit", "'sample_weight'"),
    "eval_set": (aecore.AutoencoderClassifier().fit, ".*fit", "'validation_data'"),
    "lambda_": (partial(NETWORK.objective, X), "Network.objective", "'weight_decay'"),
    "criterion": (partial(NETWORK.objective_terms, X), "Network.objective_terms", "'loss'"),
    "rho_": (partial(NETWORK.objective_and_gradient, X), "Network.objective_and_gradient", None),
    "workers": (Network, "Network", "'n_threads'"),
    "lr": (opt.Adam, "Adam", "'learning_rate'"),
    "betas": (opt.AdamW, "AdamW", "'beta_1'"),
    "alpha": (opt.RMSprop, "RMSprop", "'rho'"),
    "step_size": (sch.Step, "Step", "'every'"),
    "min_lr": (sch.ReduceOnPlateau, "ReduceOnPlateau", "'minimum'"),
    "units": (layers.Dense, "Dense", "'n_units'"),
    "filters": (layers.Conv2D, "Conv2D", "'n_channels'"),
    "topk": (metrics.recall_at_k, "recall_at_k", "'k'"),
    "jobs": (aecore.fit_many, "fit_many", "'n_threads'"),
    "filename": (aecore.load, "load", "'path'"),
    "file": (Autoencoder().save, "Autoencoder.save", "'path'"),
    "N": (aecore.EASE().recommend, "EASE.recommend", "'n'"),
    "folder": (aecore.Checkpoint, "Checkpoint", None),
}


@pytest.mark.parametrize("word", CALLS)
def test_other_calls(word: str) -> None:
    call, name, expected = CALLS[word]
    ending = "" if expected is None else rf": did you mean {expected}\?"
    said = rf"^{name}\(\) got an unexpected keyword argument '{word}'{ending}$"
    with pytest.raises(TypeError, match=said):
        call(**{word: 3})


ATTRIBUTES: dict[str, tuple[Any, str, str]] = {
    "Autoencoder": (Autoencoder(), "predict", "reconstruct"),
    "codes": (Autoencoder(), "encode", "transform"),
    "weights": (Autoencoder(2, n_epochs=1, random_state=0).fit(X), "coefs_", "network_.weights"),
    "history": (Autoencoder(), "loss_curve_", "history_"),
    "detector": (AutoencoderOutlierDetector(), "anomaly_scores", "score_samples"),
    "Network": (NETWORK, "predict", "reconstruct"),
    "Network's codes": (NETWORK, "transform", "encode"),
    "Network's parameters": (NETWORK, "state_dict", "parameters"),
}


@pytest.mark.parametrize(("owner", "name", "expected"), ATTRIBUTES.values(), ids=ATTRIBUTES)
def test_attributes(owner: Any, name: str, expected: str) -> None:
    assert not hasattr(owner, name)
    said = rf"^'{type(owner).__name__}' object has no attribute '{name}': did you mean '{expected}'"
    with pytest.raises(AttributeError, match=said):
        getattr(owner, name)
    again = pickle.loads(pickle.dumps(copy.copy(owner)))
    assert not hasattr(again, name)


def test_attributes_that_say_themselves_why_they_are_missing() -> None:
    with pytest.raises(AttributeError, match="is not fitted: it has no attribute 'history_'"):
        _ = Autoencoder().history_
    with pytest.raises(AttributeError, match=r"has no attribute 'partial_fit'$"):
        _ = Autoencoder(optimizer="lbfgs").partial_fit
    with pytest.raises(AttributeError, match=r"^'Autoencoder' object has no attribute 'n_epoch'$"):
        _ = Autoencoder().n_epoch


def test_signatures_stay() -> None:
    assert list(inspect.signature(Autoencoder.fit).parameters)[:3] == ["self", "X", "y"]
    assert list(inspect.signature(opt.Momentum).parameters) == ["learning_rate", "momentum"]
    assert clone(Autoencoder(3)).hidden_layer_sizes == 3
    assert Autoencoder.fit.__doc__.startswith("Train")


def test_a_class_of_ones_own_has_its_own_keywords() -> None:
    class Mine(Autoencoder):
        def __init__(self, epochs: int = 2) -> None:
            self.epochs = epochs

        def score(self, X: Any, **anything: Any) -> Any:
            return X, anything

    assert Mine(epochs=1).score(1, lr=3) == (1, {"lr": 3})
    with pytest.raises(TypeError, match=r"^Mine\(\) got .* 'n_epochs': did you mean 'epochs'\?$"):
        Mine(n_epochs=2)
