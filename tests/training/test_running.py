"""Running a training: early stopping, callbacks, warm start, history."""

from __future__ import annotations

import dataclasses
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone

from aecore import Autoencoder, Network, TrainingDivergedError
from aecore._history import History
from aecore.callbacks import EpochState
from samples import may_learn_nothing, same_bits, three_factor_rows


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


class Hears:
    """A callback that keeps what it hears and answers with a function of it."""

    def __init__(self, answer: Callable[[EpochState], Any] = lambda _: None) -> None:
        self.states: list[EpochState] = []
        self.answer = answer

    def on_epoch_end(self, state: EpochState) -> Any:
        self.states.append(state)
        return self.answer(state)


def overfitting(optimizer: str, **settings: Any) -> tuple[Autoencoder, dict[str, Any]]:
    """Few noisy rows and a wide code: the validation loss falls and rises again."""
    rng = np.random.default_rng(0)
    X = three_factor_rows(60) + 0.3 * rng.normal(size=(60, 10))
    ae = Autoencoder((9,), activation="tanh", optimizer=optimizer, batch_size=8, random_state=0)
    if optimizer != "lbfgs":
        ae.set_params(learning_rate=0.05)
    data = {"X": X[:20], "target": X[:20, ::-1], "validation_data": (X[20:], X[20:, ::-1])}
    return ae.set_params(**{"n_epochs": 300, **settings}), data


@pytest.mark.parametrize("optimizer", ["adam", "momentum", "lbfgs"])
def test_early_stopping_keeps_the_best_epoch(optimizer: str) -> None:
    ae, data = overfitting(optimizer, early_stopping=True, patience=7, tolerance=0.0)
    ae.fit(**data)
    losses = ae.history_["validation_loss"]
    assert ae.best_epoch_ == np.argmin(losses)
    assert 1 < len(losses) == ae.best_epoch_ + 8 < 300
    assert {len(values) for values in ae.history_.values()} == {len(losses)}
    target = data["validation_data"][1]
    score = ae.score(data["validation_data"][0], target=target)
    assert -score == pytest.approx(min(losses), rel=1e-5)
    stopped, _ = overfitting(optimizer, n_epochs=ae.best_epoch_ + 1)
    assert same_bits(stopped.fit(**data).network_, ae.network_)
    assert not hasattr(stopped, "best_epoch_")


def test_patience_and_tolerance() -> None:
    lengths = {}
    for patience, tolerance in ((3, 0.0), (10, 0.0), (3, 0.5)):
        ae, data = overfitting("adam", early_stopping=True, patience=patience, tolerance=tolerance)
        lengths[patience, tolerance] = len(ae.fit(**data).history_["loss"])
        # The best epoch is the lowest one, also where its fall was too small to count.
        assert ae.best_epoch_ == np.argmin(ae.history_["validation_loss"])
    assert lengths[3, 0.5] < lengths[3, 0.0] < lengths[10, 0.0]


@may_learn_nothing
def test_early_stopping_without_validation_looks_at_the_training_loss(
    rows: NDArray[np.float64],
) -> None:
    ae = Autoencoder((3,), early_stopping=True, patience=2, tolerance=0.0, n_epochs=2000)
    ae.set_params(random_state=0, learning_rate=0.1, batch_size=20).fit(rows)
    loss = ae.history_["loss"]
    assert ae.best_epoch_ == np.argmin(loss) == len(loss) - 3
    ae.set_params(early_stopping=False, n_epochs=3).fit(rows)
    assert not hasattr(ae, "best_epoch_")


def test_partial_fit_goes_on_from_the_best_epoch(rows: NDArray[np.float64]) -> None:
    ae, data = overfitting("adam", early_stopping=True, shuffle=False)
    ae.fit(**data)
    best, n_epochs = ae.network_, len(ae.history_["loss"])
    anew = clone(ae).set_params(n_epochs=1, early_stopping=False)
    anew.fit(data["X"], target=data["target"], init=best)  # partial_fit has a new optimiser, too
    ae.partial_fit(data["X"], target=data["target"])
    assert same_bits(ae.network_, anew.network_)
    assert len(ae.history_["loss"]) == n_epochs + 1
    assert not hasattr(ae, "best_epoch_")
    # Where the last epoch is the best, nothing is lost.
    settings: dict[str, Any] = {"shuffle": False, "random_state": 0, "batch_size": 20}
    whole = Autoencoder((4,), n_epochs=3, **settings).fit(rows)
    part = Autoencoder((4,), n_epochs=2, early_stopping=True, **settings).fit(rows)
    assert part.best_epoch_ == 1
    assert same_bits(part.partial_fit(rows).network_, whole.network_)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_callbacks_hear_every_epoch(rows: NDArray[np.float64], optimizer: str) -> None:
    hears = Hears()
    ae = Autoencoder((4,), optimizer=optimizer, n_epochs=4, random_state=0, callbacks=hears)
    ae.fit(rows[:150], validation_data=rows[150:])
    quiet = clone(ae).set_params(callbacks=None).fit(rows[:150], validation_data=rows[150:])
    assert same_bits(ae.network_, quiet.network_)
    for name in ("loss", "validation_loss"):
        assert ae.history_[name] == quiet.history_[name]
    assert [state.epoch for state in hears.states] == [0, 1, 2, 3]
    for epoch, state in enumerate(hears.states):
        assert state.estimator is ae
        assert state.n_epochs == 4
        past = {name: values[: epoch + 1] for name, values in ae.history_.items()}
        assert dict(state.history) == past
        for name in ("loss", "seconds", "validation_loss"):
            assert getattr(state, name) == past[name][-1]
        validation_loss = state.network.row_losses(rows[150:]).mean()
        assert state.validation_loss == pytest.approx(validation_loss, rel=1e-6)
    assert hears.states[-1].network is ae.network_
    rates = [state.learning_rate for state in hears.states]
    np.testing.assert_array_equal(rates, [1e-3] * 4 if optimizer == "adam" else [np.nan] * 4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        hears.states[0].loss = 0.0  # type: ignore[misc]
    hears.states[0].history["loss"].clear()
    with pytest.raises(TypeError):
        hears.states[0].history["loss"] = []  # type: ignore[index]
    assert len(ae.history_["loss"]) == 4


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("learning_rate", [0.5, 1.0, 2.0, 4.0])
@pytest.mark.parametrize("batch_size", [100, 200])
def test_a_divergence_that_nobody_watches(
    rows: NDArray[np.float64], dtype: str, learning_rate: float, batch_size: int
) -> None:
    """Epochs are told in groups then; what is kept is the same as if each were told."""
    linear = Autoencoder((9,), activation="identity", optimizer="sgd", n_epochs=500)
    linear.set_params(learning_rate=learning_rate, batch_size=batch_size, dtype=dtype)
    found = []
    for callbacks in (None, Hears()):
        ae = clone(linear).set_params(callbacks=callbacks, random_state=0)
        with pytest.raises(TrainingDivergedError, match="in epoch") as caught:
            ae.fit(rows)
        found.append((str(caught.value), ae.history_["loss"], ae.network_.parameters.tobytes()))
    assert found[0] == found[1]


def test_callbacks_see_partial_fit(rows: NDArray[np.float64]) -> None:
    hears = Hears()
    ae = Autoencoder((4,), n_epochs=2, callbacks=[hears], random_state=0).fit(rows)
    ae.partial_fit(rows)
    assert [(state.epoch, state.n_epochs) for state in hears.states] == [(0, 2), (1, 2), (2, 3)]
    assert np.isnan([state.validation_loss for state in hears.states]).all()


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_a_callback_stops_cleanly(rows: NDArray[np.float64], optimizer: str) -> None:
    stops, hears = Hears(lambda state: state.epoch == 2), Hears()
    ae = Autoencoder((4,), optimizer=optimizer, n_epochs=9, random_state=0)
    ae.set_params(callbacks=[stops, hears]).fit(rows)
    assert len(ae.history_["loss"]) == len(hears.states) == 3
    three = clone(ae).set_params(callbacks=None, n_epochs=3).fit(rows)
    assert same_bits(ae.network_, three.network_)


def test_a_callback_stops_before_early_stopping_would() -> None:
    stops = Hears(lambda state: state.epoch == 118)
    ae, data = overfitting("adam", early_stopping=True, patience=100, callbacks=stops)
    losses = ae.fit(**data).history_["validation_loss"]
    assert len(losses) == 119
    assert ae.best_epoch_ == np.argmin(losses) < 118
    assert ae.network_ is stops.states[ae.best_epoch_].network


@pytest.mark.parametrize("error", [ZeroDivisionError, KeyboardInterrupt])
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_an_error_in_a_callback_keeps_the_epoch(
    rows: NDArray[np.float64], optimizer: str, error: type[BaseException]
) -> None:
    def fail(state: EpochState) -> None:
        if state.epoch == 2:
            raise error

    ae = Autoencoder((4,), optimizer=optimizer, n_epochs=9, random_state=0, shuffle=False)
    ae.set_params(callbacks=Hears(fail), batch_size=20)
    with pytest.raises(error):
        ae.fit(rows)
    assert len(ae.history_["loss"]) == 3
    three = clone(ae).set_params(callbacks=None, n_epochs=3).fit(rows)
    assert same_bits(ae.network_, three.network_)
    if optimizer == "adam":  # the optimiser's state is kept as well
        ae.set_params(callbacks=None).partial_fit(rows)
        assert same_bits(ae.network_, three.partial_fit(rows).network_)


def test_after_a_divergence_the_optimizer_begins_anew(rows: NDArray[np.float64]) -> None:
    def explode(epoch: int, *_: Any) -> float:
        return 1.0 if epoch < 2 else 1e30

    ae = Autoencoder((4,), activation="identity", optimizer="momentum", random_state=0)
    ae.set_params(learning_rate=1e-3, learning_rate_schedule=explode, n_epochs=20, shuffle=False)
    ae.set_params(batch_size=20)
    with pytest.raises(TrainingDivergedError, match=r"in epoch 3; .* the weights of epoch 2"):
        ae.fit(rows)
    good = ae.network_
    assert np.isfinite(good.parameters).all()
    ae.set_params(learning_rate_schedule=None)
    anew = clone(ae).set_params(n_epochs=1).fit(rows, init=good)
    assert same_bits(ae.partial_fit(rows).network_, anew.network_)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_warm_start(rows: NDArray[np.float64], optimizer: str) -> None:
    ae = Autoencoder((4,), optimizer=optimizer, n_epochs=3, random_state=0, warm_start=True)
    cold = clone(ae).set_params(warm_start=False)
    first = ae.fit(rows).network_
    assert same_bits(first, cold.fit(rows).network_)
    second = ae.fit(rows).network_
    assert not same_bits(first, second)
    assert same_bits(second, cold.fit(rows, init=first).network_)
    assert same_bits(first, cold.fit(rows).network_)  # without it, fit starts anew
    assert len(ae.history_["loss"]) == 3
    other = Network([10, 4, 10], ["relu", "identity"], random_state=9)
    assert same_bits(ae.fit(rows, init=other).network_, cold.fit(rows, init=other).network_)


def test_warm_start_with_another_shape(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((4,), n_epochs=1, random_state=0, warm_start=True).fit(rows)
    before = pickle.dumps(ae.set_params(hidden_layer_sizes=(5,)))
    with pytest.raises(ValueError, match=r"network_ must have layer sizes \[10, 5, 10\]"):
        ae.fit(rows)
    assert pickle.dumps(ae) == before
    ae.set_params(hidden_layer_sizes=(4,))
    with pytest.raises(ValueError, match=r"network_ must have layer sizes \[9, 4, 9\]"):
        ae.fit(rows[:, :9])


def test_history_is_a_copy_of_equal_lengths(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((4,), n_epochs=2, random_state=0)
    with pytest.raises(AttributeError, match=r"this Autoencoder is not fitted: .* 'history_'"):
        ae.history_  # noqa: B018
    ae.fit(rows, validation_data=rows)
    ae.history_["loss"].clear()
    ae.partial_fit(rows)
    names = ["loss", "seconds", "learning_rate", "validation_loss", "constant_loss"]
    assert list(ae.history_) == names
    assert {len(values) for values in ae.history_.values()} == {3}
    assert np.isnan(ae.history_["validation_loss"]).tolist() == [False, False, True]


def test_an_older_history_does_not_grow() -> None:
    one = History.empty().extended({"loss": 1.0, "seconds": 0.1})
    two = one.extended({"loss": 2.0, "seconds": 0.1, "validation_loss": 3.0})
    assert dict(one) == {"loss": [1.0], "seconds": [0.1]}
    assert two["loss"] == [1.0, 2.0]
    np.testing.assert_array_equal(two["validation_loss"], [np.nan, 3.0])
    copied = pickle.loads(pickle.dumps(one))
    copied.extended({"loss": 5.0, "seconds": 0.1})
    assert dict(copied) == dict(one)
    assert two["loss"] == [1.0, 2.0]
