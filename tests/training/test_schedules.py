"""Learning-rate schedules: their values, and that training follows them."""

from __future__ import annotations

import math
import pickle
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Autoencoder, Network, schedules
from aecore._checks import rules
from aecore.schedules import Constant, Cosine, Exponential, ReduceOnPlateau, Step, WarmUp
from samples import may_learn_nothing, same_bits, three_factor_rows


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


VALUES: dict[str, tuple[Any, list[float]]] = {
    "constant": (Constant(), [1, 1, 1, 1, 1, 1]),
    "step": (Step(2, 0.1), [1, 1, 0.1, 0.1, 0.01, 0.01]),
    "exponential": (Exponential(0.5), [1, 0.5, 0.25, 0.125, 0.0625, 0.03125]),
    # cos of 0, 45, 90, 135 degrees, then where it ends.
    "cosine": (Cosine(), [1, (2 + 2**0.5) / 4, 0.5, (2 - 2**0.5) / 4, 0, 0]),
    "cosine to 0.2": (
        Cosine(0.2),
        [1, 0.2 + 0.2 * (2 + 2**0.5), 0.6, 0.2 + 0.2 * (2 - 2**0.5), 0.2, 0.2],
    ),
    "warm-up": (WarmUp(3), [0.25, 0.5, 0.75, 1, 1, 1]),
    "warm-up, then": (WarmUp(1, Step(2, 0.1)), [0.5, 1, 1, 0.1, 0.1, 0.01]),
    "warm-up, cosine": (WarmUp(2, Cosine()), [1 / 3, 2 / 3, 1, 0.5, 0, 0]),
}


@pytest.mark.parametrize(("schedule", "values"), VALUES.values(), ids=VALUES.keys())
def test_values(schedule: schedules.Schedule, values: list[float]) -> None:
    for epoch, value in enumerate(values):
        history = {"loss": [1.0] * epoch}
        assert schedule(epoch, 4, history) == pytest.approx(value, abs=1e-15)


# Falls of 1 %, then of 0.5 %, with a tolerance of 2 %: the level of 100 holds until 97.9.
LOSSES = [100.0, 99.0, 98.5, 97.9, 97.9, 97.9, 97.9, 97.9, 97.9]


@pytest.mark.parametrize(
    ("schedule", "history", "factors"),
    [
        # Epochs 1 and 2 do not fall: 0.5 from epoch 3 on; then every two epochs.
        (ReduceOnPlateau(0.5, 2, 0.02), {}, [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.125]),
        (ReduceOnPlateau(0.5, 2, 0.02, 0.2), {}, [1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.2]),
        (ReduceOnPlateau(0.1, 2, 0.0), {}, [1, 1, 1, 1, 1, 1, 0.1, 0.1, 0.01]),
        (ReduceOnPlateau(0.5, 2), {"validation_loss": list(range(9))}, [1, 1, 1, 0.5, 0.5, 0.25]),
        (
            WarmUp(2, ReduceOnPlateau(0.5, 1)),
            {"validation_loss": [1, 2, 3, 3, 2]},
            [1 / 3, 2 / 3, 1, 1, 0.5, 0.5],
        ),
    ],
)
def test_reduce_on_plateau(
    schedule: schedules.Schedule, history: dict[str, list[float]], factors: list[float]
) -> None:
    full = {"loss": LOSSES, **history}
    for epoch, factor in enumerate(factors):
        past = {name: values[:epoch] for name, values in full.items()}
        assert schedule(epoch, 20, past) == pytest.approx(factor, abs=1e-15)


def test_epochs_without_a_number_do_not_count() -> None:
    schedule = ReduceOnPlateau(0.5, 2)
    history = {"loss": [1.0] * 4, "validation_loss": [1.0, 1.0, math.nan, 1.0]}
    factors = [
        schedule(epoch, 9, {name: values[:epoch] for name, values in history.items()})
        for epoch in range(5)
    ]
    assert factors == [1, 1, 1, 1, 0.5]


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "adam"])
@pytest.mark.parametrize("batch_size", [1, 50])
def test_training_follows_the_schedule(
    rows: NDArray[np.float64], optimizer: str, batch_size: int
) -> None:
    ae = Autoencoder((4,), optimizer=optimizer, batch_size=batch_size, shuffle=False)
    ae.set_params(learning_rate=0.01, n_epochs=3, random_state=0)
    ae.set_params(learning_rate_schedule=Step(1, 0.5)).fit(rows)
    assert ae.history_["learning_rate"] == [0.01, 0.005, 0.0025]
    # The same with the rate set by hand before each epoch.
    parts = Autoencoder(**{**ae.get_params(), "learning_rate_schedule": None})
    for rate in ae.history_["learning_rate"]:
        parts.set_params(learning_rate=rate).partial_fit(rows)
    assert same_bits(parts.network_, ae.network_)
    assert parts.history_["learning_rate"] == ae.history_["learning_rate"]


def test_first_epochs_have_their_rate(rows: NDArray[np.float64]) -> None:
    start = Network([10, 4, 10], ["tanh", "identity"], dtype="float64", random_state=1)
    _, gradient = start.objective_and_gradient(rows)
    ae = Autoencoder((4,), activation="tanh", optimizer="sgd", dtype="float64", n_epochs=1)
    ae.set_params(learning_rate=0.1, learning_rate_schedule=WarmUp(3)).fit(rows, init=start)
    np.testing.assert_allclose(
        ae.network_.parameters, start.parameters - 0.025 * gradient, rtol=1e-9, atol=1e-12
    )


def test_partial_fit_counts_on(rows: NDArray[np.float64]) -> None:
    settings: dict[str, Any] = {"batch_size": 50, "shuffle": False, "random_state": 0}
    settings["learning_rate_schedule"] = WarmUp(2, ReduceOnPlateau(patience=1, tolerance=0.5))
    whole = Autoencoder((4,), n_epochs=6, **settings).fit(rows)
    parts = Autoencoder((4,), n_epochs=6, **settings)
    for _ in range(6):
        parts = pickle.loads(pickle.dumps(parts.partial_fit(rows)))
    assert len(set(whole.history_["learning_rate"])) >= 4
    assert parts.history_["learning_rate"] == whole.history_["learning_rate"]
    assert same_bits(parts.network_, whole.network_)


@may_learn_nothing
@pytest.mark.parametrize("name", rules._SCHEDULES)
def test_a_name_is_the_object_with_its_defaults(rows: NDArray[np.float64], name: str) -> None:
    rates = []
    kinds = {"constant": Constant, "cosine": Cosine, "reduce_on_plateau": ReduceOnPlateau}
    for schedule in (name, kinds[name]()):
        ae = Autoencoder((4,), n_epochs=30, learning_rate=3.0, random_state=0, activation="tanh")
        ae.set_params(learning_rate_schedule=schedule).fit(rows)
        rates.append(ae.history_["learning_rate"])
    assert rates[0] == rates[1]
    assert (len(set(rates[0])) == 1) == (name == "constant")


def test_any_function_will_do(rows: NDArray[np.float64]) -> None:
    seen: list[dict[str, int]] = []

    def halves(epoch: int, n_epochs: int, history: Mapping[str, list[float]]) -> float:
        seen.append({name: len(values) for name, values in history.items()})
        return [1.0, 0.5, 0.0][epoch] * n_epochs / 3

    settings: dict[str, Any] = {"learning_rate": 0.1, "n_epochs": 3, "random_state": 0}
    ae = Autoencoder((4,), learning_rate_schedule=halves, **settings)
    ae.fit(rows)
    assert ae.history_["learning_rate"] == [0.1, 0.05, 0.0]
    assert [lengths["loss"] for lengths in seen] == [0, 1, 2]  # none is asked for beyond the last
    assert set(seen[2]) == {"loss", "seconds", "learning_rate", "constant_loss"}


@pytest.mark.parametrize("factor", [-0.5, math.nan, None, "a"])
def test_a_bad_factor_keeps_the_epochs_before(rows: NDArray[np.float64], factor: Any) -> None:
    ae = Autoencoder((4,), n_epochs=3, random_state=0)
    ae.set_params(learning_rate_schedule=lambda epoch, *_: 1.0 if epoch < 2 else factor)
    message = "learning_rate_schedule must return a finite number >= 0 for epoch 2; got"
    with pytest.raises(ValueError, match=message):
        ae.fit(rows)
    assert len(ae.history_["loss"]) == 2


BAD: dict[str, tuple[Any, str]] = {
    "every": (lambda: Step(0, 0.5), r"every must be an integer from 1 to 2\*\*31 - 1; got 0"),
    "factor": (lambda: Step(2, 1.5), r"factor must be a number in \(0, 1\); got 1.5"),
    "rate": (lambda: Exponential(0), r"rate must be a number in \(0, 1\); got 0"),
    "final": (lambda: Cosine(-0.1), r"final must be a number in \[0, 1\]; got -0.1"),
    "n_epochs": (lambda: WarmUp(0), r"n_epochs must be an integer from 1 .*; got 0"),
    "then": (lambda: WarmUp(2, "cosine"), "then must be a callable .*; got 'cosine'"),
    "patience": (lambda: ReduceOnPlateau(patience=0), "patience must be an integer .*; got 0"),
    "tolerance": (lambda: ReduceOnPlateau(tolerance=-1), "tolerance must be a finite .*; got -1"),
    "minimum": (lambda: ReduceOnPlateau(minimum=2), r"minimum must be a number in \[0, 1\]; got 2"),
}


@pytest.mark.parametrize(("make", "message"), BAD.values(), ids=BAD.keys())
def test_bad_setting(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
