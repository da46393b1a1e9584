"""Data in chunks by `partial_fit`: schedules see passes over all of them, not calls."""

from __future__ import annotations

import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

import aecore
from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    ConvAutoencoder,
    DenoisingAutoencoder,
    Network,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from aecore._history import History
from aecore._training.passes import by_epoch, n_epochs
from aecore.schedules import Exponential, ReduceOnPlateau, Step, WarmUp
from samples import may_learn_nothing, same_bits, three_factor_rows

N_PASSES, N_CHUNKS, N_ROWS = 4, 5, 20
X = three_factor_rows(N_CHUNKS * N_ROWS)
SETTINGS: dict[str, Any] = {"n_epochs": N_PASSES, "random_state": 0}
MODELS: dict[str, Any] = {
    "autoencoder": Autoencoder((4,)),
    "denoising": DenoisingAutoencoder((4,)),
    "sparse": SparseAutoencoder((4,), optimizer="adam"),
    "drawn code": VariationalAutoencoder((4, 2), likelihood="gaussian"),
    "images": ConvAutoencoder((3,), code_size=2),
    "classifier": AutoencoderClassifier((4,)),
}


def chunks(rows: Any = X) -> list[Any]:
    return [rows[start : start + N_ROWS] for start in range(0, rows.shape[0], N_ROWS)]


def make_call(model: Any, rows: Any, **options: Any) -> None:
    if isinstance(model, ConvAutoencoder):
        rows = rows[:, :9].reshape(-1, 3, 3)
    if isinstance(model, AutoencoderClassifier):
        model.partial_fit(rows, np.arange(len(rows)) % 3, classes=[0, 1, 2], **options)
    else:
        model.partial_fit(rows, **options)


@may_learn_nothing
@pytest.mark.parametrize("order", ["the same", "mixed"])
@pytest.mark.parametrize("name", MODELS)
def test_rates_are_those_of_passes(name: str, order: str) -> None:
    model = clone(MODELS[name]).set_params(learning_rate_schedule="cosine", **SETTINGS)
    draw = np.random.default_rng(0)
    expected = []
    whole = Autoencoder((4,), learning_rate_schedule="cosine", **SETTINGS).fit(X)
    for epoch in range(N_PASSES):
        parts = chunks()
        if order == "mixed":
            draw.shuffle(parts)
        for part in parts:
            make_call(model, part, **({"epoch": epoch} if order == "mixed" else {}))
        factor = whole.history_["learning_rate"][epoch] / whole.history_["learning_rate"][0]
        expected += [factor * model.history_["learning_rate"][0]] * N_CHUNKS
    np.testing.assert_allclose(model.history_["learning_rate"], expected)
    assert model.history_["epoch"] == list(np.repeat(np.arange(N_PASSES), N_CHUNKS))


def test_the_order_of_the_chunks_may_change() -> None:
    ae = Autoencoder((4,), **SETTINGS)
    draw, parts = np.random.default_rng(1), chunks()
    for _ in range(N_PASSES):
        for part in parts:
            ae.partial_fit(part)
        draw.shuffle(parts)
    # Each pass has the rows that began the first one once, wherever they come.
    assert ae.history_["epoch"][-1] == N_PASSES - 1


@pytest.mark.parametrize(
    "schedule",
    [
        Step(1, 0.5),
        Exponential(0.5),
        WarmUp(2),
        ReduceOnPlateau(patience=1, tolerance=0.9),
        "cosine",
    ],
    ids=str,
)
def test_every_schedule(schedule: Any) -> None:
    ae = Autoencoder((4,), learning_rate_schedule=schedule, **SETTINGS)
    for _ in range(N_PASSES):
        for part in chunks():
            ae.partial_fit(part)
    rates = np.reshape(ae.history_["learning_rate"], (N_PASSES, N_CHUNKS))
    assert (rates == rates[:, :1]).all()
    assert len(set(rates[:, 0])) > 1


def test_a_warm_up_of_beta_goes_by_passes() -> None:
    seen: list[tuple[int, int]] = []

    def warm_up(epoch: int, _: int, history: Any) -> float:
        seen.append((epoch, len(history["loss"])))
        return min(1.0, epoch / 2)

    vae = VariationalAutoencoder((4, 2), likelihood="gaussian", beta_schedule=warm_up, **SETTINGS)
    for _ in range(3):
        for part in chunks():
            vae.partial_fit(part)
    assert seen == [(epoch, epoch) for epoch in range(3) for _ in range(N_CHUNKS)]


@pytest.mark.parametrize("scale", [None, "standard"])
def test_a_call_with_all_rows_is_a_pass(scale: str | None) -> None:
    settings: dict[str, Any] = {"learning_rate_schedule": "cosine", "scale": scale, **SETTINGS}
    whole = Autoencoder((4,), shuffle=False, **settings).fit(X)
    parts = Autoencoder((4,), **settings)
    for _ in range(N_PASSES):
        parts.partial_fit(X)
    assert same_bits(whole.network_, parts.network_)
    assert whole.history_["learning_rate"] == parts.history_["learning_rate"]


@pytest.mark.parametrize("copied", ["file", "pickle"])
@pytest.mark.parametrize("sparse", [False, True])
def test_a_copy_goes_on_in_the_same_pass(sparse: bool, copied: str, tmp_path: Path) -> None:
    def after_each(model: Autoencoder) -> Autoencoder:
        if copied == "pickle":
            return pickle.loads(pickle.dumps(model))
        model.save(tmp_path / "model")
        return aecore.load(tmp_path / "model")

    parts = chunks(csr_array(np.where(X < 0.4, 0.0, X)) if sparse else X)
    ae = Autoencoder((4,), learning_rate_schedule=Step(1, 0.5), **SETTINGS)
    twin = clone(ae)
    for _ in range(2):
        for part in parts:
            ae.partial_fit(part)
            twin = after_each(twin.partial_fit(part))
    assert same_bits(ae.network_, twin.network_)
    assert twin.history_["epoch"] == [0.0] * N_CHUNKS + [1.0] * N_CHUNKS


def test_passes_go_on_after_fit() -> None:
    ae = Autoencoder((4,), learning_rate_schedule=Step(1, 0.5), **SETTINGS).fit(X)
    for _ in range(2):
        for part in chunks():
            ae.partial_fit(part)
    epochs = ae.history_["epoch"]
    assert np.isnan(epochs[:N_PASSES]).all()
    assert epochs[N_PASSES:] == [4.0] * N_CHUNKS + [5.0] * N_CHUNKS
    assert ae.history_["learning_rate"][-1] == ae.history_["learning_rate"][0] / 2**5
    assert "epoch" not in ae.fit(X).history_
    ae.partial_fit(chunks()[0])
    assert ae.history_["epoch"][-1] == N_PASSES


def test_what_schedules_see_of_a_history() -> None:
    calls = [(np.nan, 9.0), (np.nan, 8.0), (2.0, 6.0), (2.0, 4.0), (3.0, 1.0)]
    history = History.empty().extended(
        *({"loss": loss, "seconds": 1.0, "epoch": epoch} for epoch, loss in calls)
    )
    assert by_epoch(history, 3) == {"loss": [9.0, 8.0, 5.0], "seconds": [1.0, 1.0, 2.0]}
    assert by_epoch(history)["loss"] == [9.0, 8.0, 5.0, 1.0]
    assert n_epochs(history) == 4
    assert n_epochs(History.empty()) == 0


@pytest.mark.parametrize("epoch", [-1, 0.5, "a"])
def test_a_wrong_epoch(epoch: Any) -> None:
    with pytest.raises(ValueError, match="epoch must be"):
        Autoencoder((4,)).partial_fit(X, epoch=epoch)


@pytest.mark.parametrize("settings", [{"validation_fraction": 0.2}, {"early_stopping": True}])
@pytest.mark.parametrize("name", MODELS)
def test_what_is_of_fit_alone_is_said_once(name: str, settings: dict[str, Any]) -> None:
    model = clone(MODELS[name]).set_params(**SETTINGS, **settings)
    with pytest.warns(UserWarning, match=f"{next(iter(settings))} is of fit alone") as found:
        make_call(model, X)
    make_call(model, X)  # a warning is an error
    assert len(found) == 1
    assert found[0].filename == __file__


def failing() -> Autoencoder:
    """What learns nothing: its code is dead from the first call on."""
    start = Network([10, 4, 10], ["relu", "identity"], random_state=0)
    start.biases[0][:] = -1e3
    ae = Autoencoder((4,), n_epochs=1, random_state=0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        return ae.fit(X, init=start)


@pytest.mark.parametrize("n_rows", [100, 50])
def test_ten_passes_that_came_to_nothing(n_rows: int) -> None:
    ae = failing()
    parts: list[NDArray[np.float64]] = [X[:n_rows], X[n_rows:]][: 100 // n_rows]
    for _ in range(9):
        for part in parts:
            ae.partial_fit(part)  # a warning is an error
    for part in parts[:-1]:
        ae.partial_fit(part)
    with pytest.warns(ConvergenceWarning, match=r"the code \(relu\) is dead"):
        ae.partial_fit(parts[-1])
    for part in parts:
        ae.partial_fit(part)
    # Looked at in fit and in the tenth pass alone: a constant's loss costs as much as a small call.
    looked_at = np.isfinite(ae.history_["constant_loss"])
    calls = [1.0] + [float(number == 9) for number in range(11) for _ in parts]
    np.testing.assert_array_equal(looked_at, calls)


def test_few_rows_say_nothing() -> None:
    ae = failing()
    for _ in range(11):
        for part in chunks():
            ae.partial_fit(part)
    assert np.isnan(ae.history_["constant_loss"][1:]).all()
