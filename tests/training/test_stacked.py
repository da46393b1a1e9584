"""Greedy layer-wise pretraining is training layer by layer, and the guide to it runs."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import aecore
from aecore import Autoencoder, DenoisingAutoencoder, Network, SparseAutoencoder, stack
from helpers import ROOT, python_blocks
from samples import may_learn_nothing, same_bits, three_factor_rows

SIZES = (7, 5, 3)


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return three_factor_rows()


def by_hand(X: NDArray[Any], layers: list[Autoencoder]) -> list[Network]:
    """Train each on the codes of the one before."""
    networks = []
    for layer in layers:
        networks.append(layer.fit(X).network_)
        X = networks[-1].encode(X)
    return networks


def start_of(estimator: Autoencoder, X: NDArray[Any], **data: Any) -> Network:
    """Train with a step too small to move a weight: what is left is the start."""
    estimator.set_params(optimizer="sgd", learning_rate=1e-30, n_epochs=1)
    return estimator.fit(X, **data).network_


def layer_estimators(output: str = "sigmoid", **settings: Any) -> list[Autoencoder]:
    common: dict[str, Any] = {"activation": "sigmoid", "n_epochs": 3, **settings}
    return [
        DenoisingAutoencoder((7,), output_activation=output, random_state=1, **common),
        SparseAutoencoder((5,), random_state=2, **common),
        Autoencoder(
            (3,),
            output_activation="sigmoid",
            loss="binary_cross_entropy",
            random_state=3,
            batch_size=50,
            **common,
        ),
    ]


@pytest.mark.parametrize("tied", [False, True])
def test_pretraining_is_training_layer_by_layer(rows: NDArray[np.float64], tied: bool) -> None:
    layers = layer_estimators("identity", tied_weights=tied)
    # Widths and activations are those of the stack, whatever a layer's own.
    given = [copy.copy(layer).set_params(hidden_layer_sizes=(99,)) for layer in layers]
    given[0].set_params(output_activation="relu", activation="tanh")
    ae = Autoencoder(SIZES, activation="sigmoid", tied_weights=tied, pretrain=given)
    start = start_of(ae, rows)
    expected = by_hand(rows, layers)
    for k, network in enumerate(expected):
        np.testing.assert_array_equal(start.weights[k], network.weights[0])
        np.testing.assert_array_equal(start.biases[k], network.biases[0])
        np.testing.assert_array_equal(start.weights[-1 - k], network.weights[1])
        np.testing.assert_array_equal(start.biases[-1 - k], network.biases[1])
    assert same_bits(start, stack(*layers))
    # Layers learn X, whatever the target of the whole.
    assert same_bits(start_of(ae, rows, target=rows[:, ::-1]), start)
    histories = [layer.history_ for layer in layers]
    assert [each["loss"] for each in ae.pretraining_history_] == [h["loss"] for h in histories]


def test_the_whole_network_is_trained_from_there(rows: NDArray[np.float64]) -> None:
    layers = layer_estimators("identity")
    settings: dict[str, Any] = {"activation": "sigmoid", "n_epochs": 4, "random_state": 5}
    ae = Autoencoder(SIZES, pretrain=layers, **settings).fit(rows)
    by_hand(rows, layers)
    other = Autoencoder(SIZES, **settings).fit(rows, init=stack(*layers))
    assert same_bits(ae.network_, other.network_)
    assert ae.history_["loss"] == other.history_["loss"]
    assert not hasattr(ae.fit(rows, init=other.network_), "pretraining_history_")


def test_without_a_mirror_only_the_encoder_is_pretrained(rows: NDArray[np.float64]) -> None:
    layers = layer_estimators()
    settings: dict[str, Any] = {"activation": "sigmoid", "decoder_layer_sizes": (4,)}
    start = start_of(Autoencoder(SIZES, pretrain=layers, random_state=0, **settings), rows)
    plain = start_of(Autoencoder(SIZES, random_state=0, **settings), rows)
    for k, network in enumerate(by_hand(rows, layers)):
        np.testing.assert_array_equal(start.weights[k], network.weights[0])
    for k in (3, 4):
        np.testing.assert_array_equal(start.weights[k], plain.weights[k])


@pytest.mark.parametrize(
    ("settings", "outputs", "losses"),
    [
        ({}, ["identity", "relu", "relu"], ["squared_error"] * 3),
        (
            {"loss": "binary_cross_entropy", "output_activation": "sigmoid"},
            ["sigmoid", "relu", "relu"],
            ["binary_cross_entropy", "squared_error", "squared_error"],
        ),
        (
            {
                "activation": "sigmoid",
                "loss": "binary_cross_entropy",
                "output_activation": "sigmoid",
                "code_activation": "tanh",
            },
            ["sigmoid"] * 3,
            ["binary_cross_entropy"] * 3,
        ),
        ({"loss": "huber", "noise": "masking"}, ["identity", "relu", "relu"], ["huber"] * 3),
    ],
)
def test_own_settings(
    rows: NDArray[np.float64], settings: dict[str, Any], outputs: list[str], losses: list[str]
) -> None:
    common: dict[str, Any] = {"n_epochs": 2, "random_state": 7, "batch_size": 64}
    ae = Autoencoder(SIZES, pretrain=True, **settings, **common).fit(rows)
    seeds = np.random.SeedSequence(7).generate_state(3, np.uint64) >> np.uint64(1)
    codes = settings.get("code_activation", settings.get("activation", "relu"))
    layers = [
        Autoencoder(
            (size,),
            activation=codes if k == 2 else settings.get("activation", "relu"),
            output_activation=outputs[k],
            loss=losses[k],
            noise=settings.get("noise"),
            **{**common, "random_state": int(seeds[k])},
        )
        for k, size in enumerate(SIZES)
    ]
    by_hand(rows, layers)
    losses_of = [layer.history_["loss"] for layer in layers]
    assert [each["loss"] for each in ae.pretraining_history_] == losses_of


@may_learn_nothing
@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_bits_do_not_depend_on_threads(rows: NDArray[np.float64], optimizer: str) -> None:
    X = np.tile(rows, (5, 1))
    settings: dict[str, Any] = {"pretrain": True, "n_epochs": 3, "random_state": 0}
    fits = [
        Autoencoder((9, 4), optimizer=optimizer, scale="minmax", n_threads=n, **settings).fit(X)
        for n in (1, 3)
    ]
    assert same_bits(fits[0].network_, fits[1].network_)


def test_the_first_layer_has_the_scale_of_the_whole(rows: NDArray[np.float64]) -> None:
    X = 100.0 * rows
    X[::5, 1] = np.nan
    first = Autoencoder((7,), scale="standard", missing="mask", random_state=1, n_epochs=2).fit(X)
    layer = Autoencoder((7,), random_state=1, n_epochs=2)
    settings: dict[str, Any] = {"scale": "standard", "missing": "mask", "random_state": 0}
    ae = Autoencoder((7, 3), pretrain=[layer, layer], **settings)
    np.testing.assert_array_equal(start_of(ae, X).weights[0], first.network_.weights[0])
    assert not hasattr(layer, "network_")  # it was cloned


def test_rows_held_back_are_those_of_every_layer(rows: NDArray[np.float64]) -> None:
    held = rows[:40]
    ae = Autoencoder((7, 3), pretrain=True, n_epochs=3, random_state=0)
    ae.fit(rows[40:], validation_data=held)
    first = Autoencoder((7,), n_epochs=3, validation_fraction=0.0)
    first.random_state = int(np.random.SeedSequence(0).generate_state(1, np.uint64)[0] >> 1)
    first.fit(rows[40:], validation_data=held)
    for name in ("loss", "validation_loss"):
        assert ae.pretraining_history_[0][name] == first.history_[name]
    ae.set_params(validation_fraction=0.2).fit(rows)
    assert all(len(each["validation_loss"]) == 3 for each in ae.pretraining_history_)


def test_no_pretraining_where_training_goes_on(rows: NDArray[np.float64]) -> None:
    ae = Autoencoder((7, 3), pretrain=True, warm_start=True, n_epochs=2, random_state=0)
    assert len(ae.fit(rows).pretraining_history_) == 2
    network = ae.network_
    again = Autoencoder((7, 3), n_epochs=2, random_state=0).fit(rows, init=network)
    assert same_bits(ae.fit(rows).network_, again.network_)
    assert not hasattr(ae, "pretraining_history_")
    ae.set_params(warm_start=False, pretrain=np.False_).fit(rows)
    assert not hasattr(ae, "pretraining_history_")
    fresh = Autoencoder((7, 3), pretrain=np.True_, random_state=0).partial_fit(rows)
    assert not hasattr(fresh, "pretraining_history_")
    assert len(fresh.fit(rows).pretraining_history_) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, ZeroDivisionError])
def test_a_stop_in_pretraining_leaves_the_estimator_as_it_was(
    rows: NDArray[np.float64], error: type[BaseException]
) -> None:
    ae = Autoencoder((7, 3), n_epochs=2, random_state=0).fit(rows)
    before = pickle.dumps(ae.__dict__)
    second = Autoencoder(callbacks=Raises(error))
    ae.set_params(pretrain=[Autoencoder(), second])
    with pytest.raises(error):
        ae.fit(2.0 * rows)
    assert pickle.dumps(ae.set_params(pretrain=False).__dict__) == before


class Raises:
    """A callback that stops its training in the first epoch."""

    def __init__(self, error: type[BaseException]) -> None:
        self.error = error

    def on_epoch_end(self, _: Any) -> None:
        raise self.error


def test_divergence_names_the_layer(rows: NDArray[np.float64]) -> None:
    wild = Autoencoder(optimizer="sgd", learning_rate=1e30)
    layers = [Autoencoder(n_epochs=1), wild]
    ae = Autoencoder((7, 3), activation="identity", pretrain=layers, random_state=0)
    message = "pretraining of layer 2 of 2 stopped: .* the estimator is as it was before"
    with pytest.raises(aecore.TrainingDivergedError, match=message):
        ae.fit(rows)
    assert not hasattr(ae, "network_")


@pytest.mark.parametrize(
    ("pretrain", "message"),
    [
        ("yes", "pretrain must be True, False, an Autoencoder, or a sequence of one for each"),
        (Autoencoder, "pretrain must be True, False"),
        ([True, False], "pretrain must be True, False"),
        ([Autoencoder()], "pretrain must hold one estimator for each of the 2 hidden layers; got"),
        (Autoencoder(scale="minmax"), "scale must be None in pretrain, .*; got 'minmax'"),
        ([Autoencoder(), Autoencoder(input_scale=2.0)], "input_scale must be 1.0 in pretrain"),
        ([Autoencoder(), Autoencoder(n_epochs=0)], "pretrain of layer 2: n_epochs must be"),
        (
            Autoencoder(loss="binary_cross_entropy", output_activation="sigmoid"),
            "pretrain of layer 1: output_activation must be 'sigmoid'",
        ),
        (SparseAutoencoder(), "sparsity_weight must be 0 where .* got activation 'relu'"),
    ],
)
def test_bad_pretrain(rows: NDArray[np.float64], pretrain: Any, message: str) -> None:
    ae = Autoencoder((7, 3), pretrain=pretrain)
    with pytest.raises(ValueError, match=message):
        ae.fit(rows)
    assert not hasattr(ae, "network_")


def test_the_bar_shows_layer_and_epoch(
    rows: NDArray[np.float64], capsys: pytest.CaptureFixture[str]
) -> None:
    ae = Autoencoder((7, 3), pretrain=True, n_epochs=3, verbose=1, random_state=0).fit(rows)
    err = capsys.readouterr().err
    for title in ("layer 1 of 2", "layer 2 of 2", "fine-tuning"):
        assert f"{title}: 100%" in err
    assert f"epoch=3, loss={ae.pretraining_history_[1]['loss'][-1]:.6g}" in err


# --- the guide ------------------------------------------------------------------------------------


def test_the_blocks_of_the_guide_run(capsys: pytest.CaptureFixture[str]) -> None:
    guide = ROOT / "docs" / "stacked.md"
    names: dict[str, Any] = {}
    for block in python_blocks(guide):
        exec(compile(block, str(guide), "exec"), names)
    printed = capsys.readouterr().out.splitlines()
    assert float(printed[1].split()[0]) > 0.9  # the score with 200 labels
    assert printed[2] == "(1, 10) (1, 10)"  # logarithms and decisions
    assert printed[3:] == ["[64, 40, 20, 40, 64]", "[64, 40, 20] [40, 64]"]
