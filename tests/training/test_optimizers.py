"""`optimizer`, `learning_rate` and `clip_norm` of the estimators: what each of them changes."""

from __future__ import annotations

import dataclasses
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from aecore import Autoencoder, Network, SparseAutoencoder, _core, optimizers, reference
from samples import same_bits, three_factor_rows

KINDS = [getattr(optimizers, name) for name in optimizers.__all__ if name != "Optimizer"]
BATCHED = [kind for kind in KINDS if kind is not optimizers.LBFGS]
NAMES = [kind.name for kind in KINDS]
START = Network([10, 4, 10], ["tanh", "identity"], dtype="float64", random_state=1)


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


def one_step(rows: NDArray[np.float64], **settings: Any) -> NDArray[np.float64]:
    """Parameters after one batch of all rows, from START."""
    ae = Autoencoder((4,), activation="tanh", n_epochs=1, dtype="float64", shuffle=False)
    ae.set_params(**settings)
    return np.array(ae.fit(rows, init=START).network_.parameters)


def gradient_of(rows: NDArray[np.float64], weight_decay: float = 0.0) -> NDArray[np.float64]:
    _, gradient = reference.objective_and_gradient(
        START.layer_sizes, START.activations, START.parameters, rows, weight_decay=weight_decay
    )
    return gradient


def is_weight() -> NDArray[np.bool_]:
    return np.concatenate([np.full(40, True), np.full(4, False), np.full(40, True), [False] * 10])


def test_there_is_an_object_for_every_name() -> None:
    assert sorted(NAMES) == sorted((*_core.OPTIMIZERS, "lbfgs"))


@pytest.mark.parametrize("kind", KINDS)
def test_a_name_is_the_object_with_its_defaults(
    rows: NDArray[np.float64], kind: type[optimizers.Optimizer]
) -> None:
    ae = SparseAutoencoder((4,), optimizer=kind.name, n_epochs=5, random_state=0).fit(rows)
    other = clone(ae).set_params(optimizer=pickle.loads(pickle.dumps(kind()))).fit(rows)
    assert same_bits(ae.network_, other.network_)
    assert hasattr(ae, "partial_fit") == hasattr(other, "partial_fit") == (kind.name != "lbfgs")


@pytest.mark.parametrize("kind", BATCHED)
def test_the_flat_learning_rate_wins(
    rows: NDArray[np.float64], kind: type[optimizers.Optimizer]
) -> None:
    flat = one_step(rows, optimizer=kind.name, learning_rate=0.02)
    inside = one_step(rows, optimizer=kind(learning_rate=0.02))
    both = one_step(rows, optimizer=kind(learning_rate=0.7), learning_rate=0.02)
    np.testing.assert_array_equal(flat, inside)
    np.testing.assert_array_equal(flat, both)


@pytest.mark.parametrize("name", ["sgd", "momentum", "nesterov"])
def test_default_rate_of_the_sums(rows: NDArray[np.float64], name: str) -> None:
    expected = START.parameters - 0.1 * (1.9 if name == "nesterov" else 1.0) * gradient_of(rows)
    np.testing.assert_allclose(one_step(rows, optimizer=name), expected, rtol=1e-9, atol=1e-12)


STEPS: dict[str, tuple[optimizers.Optimizer, Any]] = {
    "nesterov": (optimizers.Nesterov(0.1, momentum=0.5), lambda g: 0.1 * 1.5 * g),
    "adagrad": (optimizers.Adagrad(epsilon=1.0), lambda g: 0.01 * g / (abs(g) + 1.0)),
    "rmsprop": (
        optimizers.RMSprop(rho=0.75, epsilon=1.0),
        lambda g: 0.01 * g / (0.5 * abs(g) + 1.0),
    ),
    "adam": (optimizers.Adam(epsilon=1.0), lambda g: 1e-3 * g / (abs(g) + 1.0)),
}


@pytest.mark.parametrize("name", STEPS)
def test_first_step_of_an_object(rows: NDArray[np.float64], name: str) -> None:
    optimizer, step = STEPS[name]
    expected = START.parameters - step(gradient_of(rows))
    np.testing.assert_allclose(one_step(rows, optimizer=optimizer), expected, rtol=1e-9, atol=1e-12)


SETTINGS: dict[str, tuple[optimizers.Optimizer, dict[str, Any]]] = {
    "momentum": (optimizers.Momentum(), {"momentum": 0.5}),
    "rho": (optimizers.RMSprop(), {"rho": 0.5}),
    "beta_1": (optimizers.Adam(), {"beta_1": 0.5}),
    "beta_2": (optimizers.AdamW(), {"beta_2": 0.5}),
    "epsilon": (optimizers.Adagrad(), {"epsilon": 0.5}),
    "history_size": (optimizers.LBFGS(), {"history_size": 1}),
}


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_changes_the_result(rows: NDArray[np.float64], setting: str) -> None:
    optimizer, change = SETTINGS[setting]
    ae = SparseAutoencoder((4,), optimizer=optimizer, n_epochs=5, random_state=0).fit(rows)
    other = clone(ae).set_params(optimizer=dataclasses.replace(optimizer, **change)).fit(rows)
    assert not same_bits(ae.network_, other.network_)


def test_adamw_decays_weights_beside_the_objective(rows: NDArray[np.float64]) -> None:
    settings: dict[str, Any] = {"weight_decay": 0.3, "learning_rate": 0.02}
    plain = one_step(rows, optimizer="adam", learning_rate=0.02)
    expected = plain - 0.02 * 0.3 * START.parameters * is_weight()
    for optimizer in ("adamw", optimizers.AdamW()):
        np.testing.assert_allclose(one_step(rows, optimizer=optimizer, **settings), expected)
    ae = Autoencoder((4,), activation="tanh", optimizer="adamw", n_epochs=1, dtype="float64")
    ae.set_params(**settings).fit(rows, init=START)
    assert ae.history_["loss"][0] == pytest.approx(START.objective(rows), rel=1e-12)


def test_clipping_is_of_the_gradient_of_j(rows: NDArray[np.float64]) -> None:
    gradient = gradient_of(rows, weight_decay=0.5)
    norm = float(np.linalg.norm(gradient))
    for clip_norm in (0.25 * norm, 4.0 * norm):
        clipped = reference.clip_by_norm(gradient, clip_norm)
        result = one_step(
            rows, optimizer="sgd", learning_rate=0.1, weight_decay=0.5, clip_norm=clip_norm
        )
        np.testing.assert_allclose(result, START.parameters - 0.1 * clipped, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("clip_norm", [None, 0.05])
@pytest.mark.parametrize("name", NAMES)
def test_bits_do_not_depend_on_threads(
    rows: NDArray[np.float64], name: str, clip_norm: float | None, dtype: str
) -> None:
    if name == "lbfgs":
        clip_norm = None
    model = SparseAutoencoder((40,), optimizer=name, clip_norm=clip_norm, dtype=dtype)
    model.set_params(n_epochs=3, batch_size=64, random_state=0)
    results = {
        clone(model).set_params(n_threads=n).fit(rows).network_.parameters.tobytes()
        for n in (1, 2, 3, 7)
    }
    assert len(results) == 1


@pytest.mark.parametrize("name", NAMES)
def test_every_optimizer_learns(rows: NDArray[np.float64], name: str) -> None:
    ae = Autoencoder((3,), activation="tanh", optimizer=name, batch_size=10, random_state=0)
    loss = ae.fit(rows).history_["loss"]
    assert loss[-1] < 0.5 * loss[0]


BAD: dict[str, tuple[Any, dict[str, Any], str]] = {
    "momentum": (optimizers.Momentum, {"momentum": 1}, r"momentum must be a number in \[0, 1\)"),
    "nesterov": (optimizers.Nesterov, {"momentum": -0.1}, r"momentum must .*; got -0.1"),
    "rho": (optimizers.RMSprop, {"rho": 1.0}, r"rho must be a number in \[0, 1\); got 1.0"),
    "beta_1": (optimizers.Adam, {"beta_1": "a"}, r"beta_1 must be a number in \[0, 1\); got 'a'"),
    "beta_2": (optimizers.AdamW, {"beta_2": np.nan}, r"beta_2 must .*; got nan"),
    "epsilon": (optimizers.Adagrad, {"epsilon": 0}, "epsilon must be a finite number > 0; got 0"),
    "rate": (optimizers.SGD, {"learning_rate": 0}, "learning_rate must be None or a finite .*0"),
    "no rate": (optimizers.Adam, {"learning_rate": None}, "must be a finite number > 0; got None"),
    "history": (optimizers.LBFGS, {"history_size": 0}, "history_size must be an integer from 1"),
}


@pytest.mark.parametrize(("kind", "settings", "message"), BAD.values(), ids=BAD.keys())
def test_bad_setting(kind: Any, settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kind(**settings)
