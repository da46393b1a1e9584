"""The same bits for any number of threads, and for a row alone or in company."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from aecore import Autoencoder, Network, SparseAutoencoder, _core
from helpers import run_function
from samples import may_learn_nothing
from terms import CODE, WEIGHTS, together

THREADS = (1, 2, 3, 7)


def fitted_bytes(n_threads: int, dtype: str, settings: dict[str, Any], n_features: int) -> bytes:
    """Parameters after a short fit."""
    X = np.random.default_rng(5).random((700, n_features))
    kind = SparseAutoencoder if settings.get("optimizer") == "lbfgs" else Autoencoder
    model = kind(dtype=dtype, n_threads=n_threads, random_state=3, **settings).fit(X)
    return bytes(model.network_.parameters.tobytes())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(
    "settings",
    [
        {"hidden_layer_sizes": (33, 10), "batch_size": 100, "n_epochs": 3},
        {"hidden_layer_sizes": (33,), "optimizer": "sgd", "batch_size": 64, "n_epochs": 3},
        {
            "hidden_layer_sizes": (20,),
            "activation": "sigmoid",
            "sparsity_weight": 0.3,
            "weight_decay": 1e-3,
            "batch_size": 300,
            "n_epochs": 3,
            "validation_fraction": 0.1,
        },
        {"hidden_layer_sizes": (25,), "optimizer": "lbfgs", "n_epochs": 20},
        {
            "hidden_layer_sizes": (33, 10),
            "activation": "gelu",
            "output_activation": "softmax",
            "loss": "multinomial",
            "batch_size": 100,
            "n_epochs": 2,
        },
        {
            "hidden_layer_sizes": (33, 10),
            "activation": "sigmoid",
            "tied_weights": True,
            "code_top_k": 4,
            "dropout": 0.3,
            "weight_l1": 1e-4,
            "activity_l1": 1e-2,
            "sparsity_weight": 0.1,
            "sparsity_momentum": 0.9,
            "clip_norm": 1.0,
            "batch_size": 100,
            "n_epochs": 2,
        },
    ],
    ids=["adam-deep", "sgd", "adam-sparse", "lbfgs", "gelu-softmax", "tied-dropout"],
)
def test_fit_does_not_depend_on_the_number_of_threads(settings: dict[str, Any], dtype: str) -> None:
    results = {fitted_bytes(n, dtype, settings, 100) for n in THREADS}
    assert len(results) == 1


def everything_on(n_threads: int, optimizer: str, dtype: str, shape: dict[str, Any]) -> bytes:
    """Parameters and losses of a fit with all that is drawn, weighted, masked or left out."""
    rng = np.random.default_rng(5)
    X = rng.random((300, 45))
    X[rng.random(X.shape) < 0.1] = np.nan
    in_batches = optimizer != "lbfgs"
    model = Autoencoder(
        optimizer=optimizer,
        batch_size=70,
        n_epochs=3,
        missing="mask",
        scale="standard",
        noise="gaussian",
        noise_emphasis=2.0,
        dropout=0.2 if in_batches else 0.0,
        clip_norm=5.0 if in_batches else None,
        trim_fraction=0.2,
        validation_fraction=0.1,
        dtype=dtype,
        n_threads=n_threads,
        random_state=3,
        **together(*WEIGHTS, *CODE),
        **shape,
    ).fit(X, sample_weight=rng.random(300))
    losses = np.array([model.history_["loss"], model.history_["validation_loss"]])
    return bytes(model.network_.parameters.tobytes() + losses.tobytes())


SHAPES: dict[str, dict[str, Any]] = {
    "deep": {"hidden_layer_sizes": (33, 9), "activation": "gelu", "code_top_k": 4},
    "tied": {"hidden_layer_sizes": (33, 9), "tied_weights": True, "activation": "tanh"},
    "contractive": {
        "hidden_layer_sizes": (21, 9),
        "activation": "sigmoid",
        "contractive_weight": 0.01,
        "sparsity_weight": 0.1,
        "code_top_k": 4,
    },
}


@may_learn_nothing
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("optimizer", [*_core.OPTIMIZERS, "lbfgs"])
def test_everything_on_does_not_depend_on_the_number_of_threads(
    optimizer: str, shape: str, dtype: str
) -> None:
    results = {everything_on(n, optimizer, dtype, SHAPES[shape]) for n in THREADS}
    assert len(results) == 1


def fits(threads: tuple[int, ...], settings: dict[str, Any]) -> list[bytes]:
    """Parameters after a short fit with each number of threads."""
    return [fitted_bytes(n, "float64", settings, 100) for n in threads]


@pytest.mark.alone
def test_large_lbfgs_does_not_depend_on_threads_of_blas() -> None:
    # Above 20,000 parameters BLAS shares out the dot products of L-BFGS among its own threads.
    settings = {"hidden_layer_sizes": (120,), "optimizer": "lbfgs", "n_epochs": 15}
    results = {
        result
        for threads, blas in (((1, 7), "1"), ((1, 2), "2"))
        for result in run_function(fits, threads, settings, env={"OPENBLAS_NUM_THREADS": blas})
    }
    assert len(results) == 1


def rows_alone_and_together(dtype: str) -> int:
    """Number of rows whose bits differ between a call of their own and a large one."""
    rng = np.random.default_rng(2)
    different = 0
    for sizes, activations in (
        ([784, 32, 784], ["relu", "sigmoid"]),
        ([1030, 7, 40], ["tanh", "identity"]),
        ([5, 100, 3, 100, 5], ["sigmoid", "tanh", "relu", "identity"]),
        ([5, 100, 3, 100, 45], ["gelu", "elu", "softplus", "softmax"]),
    ):
        tied = sizes == sizes[::-1] and len(sizes) % 2 == 1
        network = Network(
            sizes,
            activations,
            dtype=dtype,
            random_state=1,
            tied_weights=tied and sizes[0] == 5,
            code_top_k=2 if sizes[0] == 5 else None,
        )
        X = rng.standard_normal((129, sizes[0])).astype(dtype)
        for method in (network.encode, network.reconstruct):
            together = method(X)
            for few in (1, 2, 5, 30):
                part = np.concatenate([method(X[i : i + few]) for i in range(0, len(X), few)])
                different += int((part != together).any(axis=1).sum())
            different += int((method(X[7]) != together[7]).sum())
    return different


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_has_the_same_bits_alone_and_in_company(isa: str, dtype: str) -> None:
    assert run_function(rows_alone_and_together, dtype, isa=isa) == 0


def test_row_scores_do_not_depend_on_company() -> None:
    X = np.random.default_rng(0).random((300, 50))
    model = Autoencoder((8,), n_epochs=2, random_state=0).fit(X)
    together = model.score_samples(X)
    alone = np.concatenate([model.score_samples(X[i : i + 1]) for i in range(len(X))])
    np.testing.assert_array_equal(together, alone)
