"""What `fit` and `partial_fit` do to the weights, the history and everybody else."""

from __future__ import annotations

import os
import pickle
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from aecore import Autoencoder, Network, SparseAutoencoder, TrainingDivergedError
from helpers import SUPPORT, run_python
from samples import same_bits, three_factor_rows


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lbfgs"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_training_lowers_the_loss(rows: NDArray[np.float64], optimizer: str, dtype: str) -> None:
    ae = Autoencoder(
        (3,), activation="sigmoid", optimizer=optimizer, dtype=dtype, batch_size=20, random_state=0
    ).fit(rows)
    loss = ae.history_["loss"]
    assert 1 <= len(loss) <= 50
    assert loss[-1] < 0.8 * loss[0]
    assert ae.network_.dtype == dtype
    for result in (ae.transform(rows), ae.reconstruct(rows), ae.inverse_transform([[0.5] * 3])):
        assert result.dtype == dtype


def test_first_batch_is_the_step_of_the_formula(rows: NDArray[np.float64]) -> None:
    settings: dict[str, Any] = {
        "weight_decay": 0.01,
        "sparsity_weight": 0.3,
        "sparsity_target": 0.2,
        "sparsity_layers": "hidden",
    }
    start = Network([10, 5, 3, 5, 10], ["sigmoid"] * 4, dtype="float64", random_state=1)
    sgd = Autoencoder(
        (5, 3),
        activation="sigmoid",
        output_activation="sigmoid",
        loss="binary_cross_entropy",
        optimizer="sgd",
        n_epochs=1,
        dtype="float64",
        **settings,
    )
    weights = np.linspace(0.5, 2.0, 200)
    target = rows[:, ::-1]
    value, gradient = start.objective_and_gradient(
        rows, target=target, sample_weight=weights, loss="binary_cross_entropy", **settings
    )
    for learning_rate, rate in ((0.05, 0.05), (None, 0.1)):
        sgd.set_params(learning_rate=learning_rate)
        sgd.fit(rows, target=target, sample_weight=weights, init=start)
        step = sgd.network_.parameters - start.parameters
        np.testing.assert_allclose(step, -rate * gradient, rtol=1e-9, atol=1e-15)
        assert sgd.history_["loss"] == pytest.approx([value], rel=1e-12)
    adam = clone(sgd).set_params(optimizer="adam")
    adam.fit(rows, target=target, sample_weight=weights, init=start)
    step = adam.network_.parameters - start.parameters
    expected = -1e-3 * gradient / (np.abs(gradient) + 1e-8)
    np.testing.assert_allclose(step, expected, rtol=1e-9, atol=1e-15)


@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_fit_is_partial_fit_repeated(rows: NDArray[np.float64], optimizer: str) -> None:
    settings: dict[str, Any] = {
        "optimizer": optimizer,
        "output_activation": "sigmoid",
        "batch_size": 30,
        "random_state": 5,
    }
    whole = Autoencoder((4,), n_epochs=4, shuffle=False, **settings).fit(rows)
    parts = Autoencoder((4,), **settings)
    for _ in range(4):
        parts.partial_fit(rows)
    resumed = Autoencoder((4,), n_epochs=2, shuffle=False, **settings).fit(rows)
    for _ in range(2):
        resumed = pickle.loads(pickle.dumps(resumed)).partial_fit(rows)
    for other in (parts, resumed):
        assert same_bits(whole.network_, other.network_)
        assert other.history_["loss"] == whole.history_["loss"]
        assert len(other.history_["seconds"]) == 4


def test_partial_fit_follows_changed_parameters(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((4,), n_epochs=1, random_state=0).fit(rows)
    before = ae.network_
    ae.set_params(learning_rate=1e-30, n_threads=1).partial_fit(rows)
    np.testing.assert_allclose(ae.network_.parameters, before.parameters, atol=1e-25)
    assert ae.network_.n_threads == 1
    ae.set_params(optimizer="sgd", learning_rate=None, dtype="float64").partial_fit(rows)
    assert ae.network_.dtype == np.float64
    assert len(ae.history_["loss"]) == 3
    ae.set_params(hidden_layer_sizes=(5,))
    with pytest.raises(ValueError, match=r"network_ must have layer sizes \[10, 5, 10\]"):
        ae.partial_fit(rows)


@pytest.mark.parametrize("optimizer", ["adam", "sgd", "lbfgs"])
def test_bits_do_not_depend_on_threads(
    rows: NDArray[np.float64], optimizer: str, n_threads: int
) -> None:
    settings: dict[str, Any] = {"optimizer": optimizer, "n_epochs": 10, "random_state": 0}
    one = SparseAutoencoder(**settings, n_threads=1).fit(rows)
    many = SparseAutoencoder(**settings, n_threads=n_threads).fit(rows)
    assert same_bits(one.network_, many.network_)
    assert one.history_["loss"] == many.history_["loss"]


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_init_starts_there_and_stays_as_it_is(rows: NDArray[np.float64], optimizer: str) -> None:
    start = Network([10, 4, 10], ["relu", "identity"], random_state=3)
    kept = start.parameters.copy()
    ae = Autoencoder((4,), optimizer=optimizer, n_epochs=3, random_state=0)
    ae.fit(rows, init=start)
    np.testing.assert_array_equal(start.parameters, kept)
    one = ae.network_
    assert not same_bits(one, start)
    assert same_bits(ae.fit(rows, init=start).network_, one)
    other = start.with_parameters(0.5 * kept)
    assert not same_bits(ae.fit(rows, init=other).network_, one)


def test_start_biases_fit_the_data(rows: NDArray[np.float64]) -> None:
    def logit(p: Any) -> Any:
        return np.log(p / (1 - p))

    weights = np.linspace(0.0, 1.0, 200)
    sae = SparseAutoencoder(
        (6, 4),
        optimizer="sgd",
        learning_rate=1e-30,
        n_epochs=1,
        dtype="float64",
        input_scale=0.5,
        sparsity_layers="hidden",
        random_state=0,
    )
    data = np.column_stack([rows, np.zeros(200), np.full(200, 2.0)])
    sae.fit(data, sample_weight=weights)
    biases = sae.network_.biases
    # A row that is the mean of the data gives the first layer activations of rho.
    centre = 0.5 * np.average(data, axis=0, weights=weights)
    np.testing.assert_allclose(biases[0] + centre @ sae.network_.weights[0], logit(0.01))
    for bias in biases[1:3]:
        np.testing.assert_allclose(bias, logit(0.01))
    means = 0.5 * np.average(rows, axis=0, weights=weights)
    np.testing.assert_allclose(biases[3], [*logit(means), logit(0.001), logit(0.999)])
    sae.set_params(sparsity_layers="code").fit(data, target=data / 2)
    moved = [bool((np.abs(bias) > 1e-9).any()) for bias in sae.network_.biases]
    assert moved == [False, True, False, True]
    np.testing.assert_allclose(sae.network_.biases[3][:10], logit(0.5 * rows.mean(axis=0)))


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_validation_data(rows: NDArray[np.float64], optimizer: str) -> None:
    ae = Autoencoder((4,), optimizer=optimizer, n_epochs=5, random_state=0, weight_decay=0.1)
    alone = clone(ae).fit(rows[:150])
    ae.fit(rows[:150], validation_data=rows[150:])
    assert same_bits(alone.network_, ae.network_)
    rate = {"learning_rate"} if optimizer == "adam" else set()
    assert set(alone.history_) == {"loss", "seconds", "constant_loss"} | rate
    assert {len(values) for values in ae.history_.values()} == {5}
    assert ae.history_["validation_loss"][-1] == pytest.approx(-ae.score(rows[150:]), rel=1e-6)
    target = rows[:, ::-1]
    ae.fit(rows[:150], target=target[:150], validation_data=(rows[150:], target[150:]))
    expected = -ae.score(rows[150:], target=target[150:])
    assert ae.history_["validation_loss"][-1] == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("optimizer", ["sgd", "lbfgs"])
def test_validation_rows_are_held_back(rows: NDArray[np.float64], optimizer: str) -> None:
    ae = Autoencoder(
        (4,), optimizer=optimizer, n_epochs=4, random_state=0, validation_fraction=0.25
    )
    ae.fit(rows)
    losses = -ae.score_samples(rows)
    # The mean over 50 of these 200 losses: a row that does not belong would move it.
    marked = rows.copy()
    marked[:100] += 100.0
    with_marks = clone(ae).set_params(n_epochs=1, learning_rate=None).fit(marked)
    assert len(ae.history_["validation_loss"]) == len(ae.history_["loss"])
    assert losses.min() < ae.history_["validation_loss"][-1] < losses.max()
    assert with_marks.history_["validation_loss"][0] > 10.0


def test_validation_split_is_a_partition(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((4,), optimizer="lbfgs", n_epochs=2, dtype="float64", random_state=0)
    whole = -clone(ae).fit(rows).network_.row_losses(rows).mean()
    ae.set_params(validation_fraction=0.25).fit(rows)
    losses = ae.network_.row_losses(rows)
    # 150 rows make J, the other 50 the validation loss: together they are all rows, once each.
    total = 150 * ae.history_["loss"][-1] + 50 * ae.history_["validation_loss"][-1]
    assert total == pytest.approx(losses.sum(), rel=1e-12)
    assert whole != ae.history_["loss"][-1]
    again = clone(ae).fit(rows)
    assert again.history_["validation_loss"] == ae.history_["validation_loss"]


def test_weights_are_repetitions(rows: NDArray[np.float64]) -> None:
    weights = np.random.default_rng(0).integers(0, 4, 200)
    sae = SparseAutoencoder((4,), n_epochs=15, dtype="float64", random_state=0)
    weighted = clone(sae).fit(rows, sample_weight=weights).transform(rows)
    repeated = clone(sae).fit(rows.repeat(weights, axis=0)).transform(rows)
    np.testing.assert_allclose(weighted, repeated, rtol=1e-6)


@pytest.mark.parametrize("n_rows", [1, 2, 5, 7, 8])
def test_few_rows_and_short_batches(rows: NDArray[np.float64], n_rows: int) -> None:
    ae = Autoencoder((4,), batch_size=5, n_epochs=3, random_state=0).fit(rows[:n_rows])
    assert np.isfinite(ae.history_["loss"]).all()
    sae = SparseAutoencoder((4,), n_epochs=3, random_state=0).fit(rows[:n_rows])
    assert sae.transform(rows[:n_rows]).shape == (n_rows, 4)


def test_nothing_to_learn(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((4,), optimizer="lbfgs", random_state=0)
    zeros = np.zeros_like(rows)
    ae.fit(zeros)  # the start is the minimum: no iteration is made
    assert ae.history_["loss"] == [0.0]
    assert not ae.reconstruct(zeros).any()


@pytest.mark.parametrize(
    "make",
    [
        lambda: 7,
        lambda: np.int64(7),
        lambda: np.random.RandomState(7),
        lambda: np.random.default_rng(7),
        lambda: np.random.SeedSequence(7),
    ],
    ids=["int", "int64", "RandomState", "Generator", "SeedSequence"],
)
def test_random_state(rows: NDArray[np.float64], make: Callable[[], Any]) -> None:
    before = np.random.get_state()[1].tobytes()  # noqa: NPY002
    one, same, other = (
        Autoencoder((4,), n_epochs=2, batch_size=50, random_state=state).fit(rows)
        for state in (make(), make(), 8)
    )
    assert same_bits(one.network_, same.network_)
    assert not same_bits(one.network_, other.network_)
    assert np.random.get_state()[1].tobytes() == before  # noqa: NPY002


def test_random_state_none_is_the_global_one(rows: NDArray[np.float64]) -> None:
    kept = np.random.get_state()  # noqa: NPY002
    try:
        networks = []
        for seed in (0, 0, 1):
            np.random.seed(seed)  # noqa: NPY002
            networks.append(Autoencoder((4,), n_epochs=1).fit(rows).network_)
    finally:
        np.random.set_state(kept)  # noqa: NPY002
    assert same_bits(networks[0], networks[1])
    assert not same_bits(networks[0], networks[2])


def test_shuffle_and_order(rows: NDArray[np.float64]) -> None:
    settings: dict[str, Any] = {"n_epochs": 1, "batch_size": 20, "random_state": 0}
    shuffled = Autoencoder((4,), **settings).fit(rows)
    ordered = Autoencoder((4,), shuffle=False, **settings).fit(rows)
    assert not same_bits(shuffled.network_, ordered.network_)


def test_divergence_keeps_the_last_good_epoch(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((4,), activation="identity", optimizer="sgd", n_epochs=400, random_state=0)
    ae.set_params(learning_rate=1e30, batch_size=20)
    with pytest.raises(TrainingDivergedError) as caught:
        ae.fit(rows)
    message = str(caught.value)
    assert "not finite in epoch 1; the estimator is as it was before" in message
    assert "Try a smaller learning_rate" in message
    with pytest.raises(NotFittedError):
        ae.transform(rows)
    ae.set_params(learning_rate=0.02, batch_size=256)
    with pytest.raises(TrainingDivergedError) as caught:
        ae.fit(10 * rows)
    n_good = len(ae.history_["loss"])
    assert n_good >= 2
    assert f"in epoch {n_good + 1}; the estimator holds the weights of epoch {n_good}" in str(
        caught.value
    )
    assert np.isfinite(ae.history_["loss"]).all()
    assert np.isfinite(ae.network_.parameters).all()
    ae.set_params(learning_rate=1e-3, n_epochs=3).fit(rows)
    assert len(ae.history_["loss"]) == 3


def test_second_training_at_the_same_time_is_refused(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((4,), n_epochs=3, random_state=0)

    class Rows:
        def __array__(self, *args: Any, **kwargs: Any) -> NDArray[np.float64]:
            for train in (ae.fit, ae.partial_fit):
                with pytest.raises(RuntimeError, match="is being trained by this very call"):
                    train(rows)
            clone(ae).fit(rows)
            return rows

    ae.fit(Rows())
    assert len(ae.history_["loss"]) == 3
    ae.fit(rows)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_other_threads_see_whole_models(rows: NDArray[np.float64], optimizer: str) -> None:
    ae = SparseAutoencoder((4,), optimizer=optimizer, n_epochs=200, random_state=0).fit(rows)
    seen: dict[int, tuple[Network, NDArray[Any], NDArray[Any]]] = {}
    done = threading.Event()

    def serve() -> None:
        while not done.is_set():
            network = ae.network_
            seen[id(network)] = (network, network.parameters.copy(), network.encode(rows))
            ae.transform(rows)
            assert len(set(map(len, ae.history_.values()))) == 1

    server = threading.Thread(target=serve)
    server.start()
    try:
        ae.fit(np.tile(rows, (100, 1)))
    finally:
        done.set()
        server.join()
    assert len(seen) >= 2
    for network, parameters, codes in seen.values():  # a published network never changes
        np.testing.assert_array_equal(network.parameters, parameters)
        np.testing.assert_array_equal(network.encode(rows), codes)


def test_overlapping_lbfgs_trainings_leave_blas_as_it_was(rows: NDArray[np.float64]) -> None:
    from threadpoolctl import threadpool_info

    def blas_threads() -> list[int]:
        return [info["num_threads"] for info in threadpool_info() if info["user_api"] == "blas"]

    Autoencoder((4,), optimizer="lbfgs", n_epochs=1).fit(rows)  # loads SciPy's
    before = blas_threads()
    threads = [
        threading.Thread(
            target=SparseAutoencoder((4,), n_epochs=10 * n, random_state=0).fit, args=(rows,)
        )
        for n in range(1, 6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert blas_threads() == before


def test_fork_while_another_thread_runs_lbfgs() -> None:
    code = """
import os, warnings
warnings.simplefilter("ignore", DeprecationWarning)
from samples import three_factor_rows
from aecore import SparseAutoencoder
from aecore._training import lbfgs

rows = three_factor_rows()
sae = SparseAutoencoder((4,), n_epochs=3, random_state=0, n_threads=1)
with lbfgs._blas_lock:  # the worst moment: another thread is just setting the limit
    child = os.fork()
    if child == 0:
        sae.fit(rows)
        os._exit(len(sae.history_["loss"]))
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
    path = os.pathsep.join([str(SUPPORT), os.environ.get("PYTHONPATH", "")])
    assert run_python(code, env={"PYTHONPATH": path}).strip() == "3"
