"""Training steps against the reference's gradient and update, step by step in float64."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import _core
from core_steps import core_rule, trained_and_expected
from helpers import run_function
from terms import DROPOUT, TERMS, together
from torch_steps import CASES, N_STEPS, expected_parameters, rows_and_start
from torch_steps import SIZES as TORCH_SIZES

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "decay": {"weight_decay": 0.01},
    "sparse": {"sparsity_weight": 0.2, "sparsity_target": 0.3, "sparsity_layers": [0]},
}


@pytest.mark.parametrize("separate_target", [False, True], ids=["itself", "target"])
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS.keys())
@pytest.mark.parametrize("batch_size", [1, 7, 40])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_steps_equal_the_reference(
    optimizer: str, batch_size: int, options: dict[str, Any], separate_target: bool
) -> None:
    parameters, losses = trained_and_expected(optimizer, batch_size, options, separate_target)
    assert parameters < 1e-10
    assert losses < 1e-10


@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize(
    ("hidden", "output", "loss"),
    [
        ("gelu", "softplus", "poisson"),
        ("silu", "softmax", "multinomial"),
        ("elu", "silu", "huber"),
        ("softplus", "leaky_relu", "absolute_error"),
    ],
)
def test_steps_of_other_layers_equal_the_reference(
    hidden: str, output: str, loss: str, batch_size: int
) -> None:
    parameters, losses = trained_and_expected(
        "sgd", batch_size, OPTIONS["decay"], False, 0.0, (hidden, output), loss
    )
    assert parameters < 1e-10
    assert losses < 1e-10


REGULARISERS: dict[str, dict[str, Any]] = {
    **{name: together(name, sparse_layer=0) for name in TERMS},
    "dropout": DROPOUT,
    "momentum": {**together("sparsity", sparse_layer=0), "sparsity_momentum": 0.8},
}


@pytest.mark.parametrize("clip_norm", [0.0, 0.1], ids=["whole", "clipped"])
@pytest.mark.parametrize("hidden", ["tanh", "sigmoid"])
@pytest.mark.parametrize("tied_weights", [False, True], ids=["own", "tied"])
@pytest.mark.parametrize("batch_size", [1, 7])
@pytest.mark.parametrize("options", REGULARISERS.values(), ids=REGULARISERS.keys())
def test_regularised_steps_equal_the_reference(
    options: dict[str, Any], batch_size: int, tied_weights: bool, hidden: str, clip_norm: float
) -> None:
    parameters, losses = trained_and_expected(
        "sgd",
        batch_size,
        {"code_layer": 0, **OPTIONS["decay"], **options},
        False,
        clip_norm,
        activations=(hidden, "sigmoid"),
        tied_weights=tied_weights,
    )
    assert parameters < 1e-10
    assert losses < 1e-10


def worst_differences(batch_size: int, clip_norm: float) -> dict[str, tuple[float, float]]:
    """Apply `trained_and_expected` to every optimiser, with weight decay."""
    decay = OPTIONS["decay"]
    return {
        optimizer: trained_and_expected(optimizer, batch_size, decay, False, clip_norm)
        for optimizer in _core.OPTIMIZERS
    }


# 2.2 clips the gradients of some of the batches of 7, 1e-3 those of all batches.
@pytest.mark.parametrize("clip_norm", [0.0, 2.2, 1e-3], ids=["whole", "clipped", "tiny"])
@pytest.mark.parametrize("batch_size", [1, 7])
def test_every_optimizer_equals_the_reference(isa: str, batch_size: int, clip_norm: float) -> None:
    differences = run_function(worst_differences, batch_size, clip_norm, isa=isa)
    assert list(differences) == list(_core.OPTIMIZERS)
    for optimizer, (parameters, losses) in differences.items():
        assert parameters < 1e-10, optimizer
        assert losses < 1e-10, optimizer


@pytest.mark.parametrize("case", CASES)
def test_a_hundred_steps_equal_pytorch(case: str) -> None:
    settings = {
        name: value for name, value in CASES[case].items() if name not in ("torch", "extra")
    }
    rows, parameters = rows_and_start()
    rule = _core.Optimizer(**settings)
    network = _core.Network(TORCH_SIZES, ["tanh", "identity"])
    network.train(
        parameters,
        np.zeros((rule.n_slots, parameters.size)),
        _core.Data(rows),
        objective=_core.Objective(),
        optimizer=rule,
        schedule=_core.Schedule(batch_size=7, n_epochs=N_STEPS, shuffle=False),
        n_threads=1,
        on_epoch=lambda *_: False,
    )
    np.testing.assert_allclose(parameters, expected_parameters(case), rtol=1e-6, atol=1e-9)


def steps_bytes(optimizer: str, clip_norm: float, n_threads: int, dtype: str) -> bytes:
    """Parameters after three batches of a network with several tasks to share out."""
    sizes = [300, 70, 300]
    network = _core.Network(sizes, ["sigmoid", "identity"])
    rng = np.random.default_rng(0)
    parameters: NDArray[Any] = rng.uniform(-0.1, 0.1, network.n_parameters).astype(dtype)
    rule = core_rule(optimizer, clip_norm)
    network.train(
        parameters,
        np.zeros((rule.n_slots, network.n_parameters), dtype),
        _core.Data(rng.random((210, 300))),
        objective=_core.Objective(weight_decay=0.01),
        optimizer=rule,
        schedule=_core.Schedule(batch_size=70, n_epochs=1),
        n_threads=n_threads,
        on_epoch=lambda *_: False,
    )
    assert np.isfinite(parameters).all()
    return parameters.tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("clip_norm", [0.0, 0.5], ids=["whole", "clipped"])
@pytest.mark.parametrize("optimizer", _core.OPTIMIZERS)
def test_bits_do_not_depend_on_threads(optimizer: str, clip_norm: float, dtype: str) -> None:
    assert len({steps_bytes(optimizer, clip_norm, n, dtype) for n in (1, 2, 3, 7)}) == 1


def test_clipping_shortens_the_step_of_a_large_network() -> None:
    whole = np.frombuffer(steps_bytes("sgd", 0.0, 1, "float64"))
    loose = np.frombuffer(steps_bytes("sgd", 1e9, 1, "float64"))
    tight = np.frombuffer(steps_bytes("sgd", 1e-3, 1, "float64"))
    start = np.random.default_rng(0).uniform(-0.1, 0.1, whole.size)
    np.testing.assert_allclose(loose, whole, rtol=1e-12, atol=1e-15)
    assert np.linalg.norm(tight - start) == pytest.approx(3 * 0.01 * 1e-3, rel=0.1)
