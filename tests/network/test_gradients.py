"""The core against `aecore.reference` in float64, for every instruction set and thread count.

The reference itself is checked by central differences in test_reference_gradients.py.
"""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from aecore import reference
from core_gradients import difference
from helpers import run_function
from samples import THREADS
from terms import CODE, DROPOUT, TERMS, WEIGHTS, is_defined, together

HIDDEN = tuple(name for name in reference.ACTIVATIONS if name != "softmax")
# Every output with every loss, and the one loss of softmax; the hidden layers take turns.
OUTPUTS = (
    *((name, loss) for name in HIDDEN for loss in reference.LOSSES if loss != "multinomial"),
    ("softmax", "multinomial"),
)
SIZES = (1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 100, 127)


def every_activation_and_loss(depth: int, penalised: bool) -> float:
    """Worst difference over all activations and losses at one depth."""
    worst = 0.0
    for hidden, (output, loss) in zip(itertools.cycle(HIDDEN), OUTPUTS, strict=False):
        widths = [12, 17, 9][:depth]
        options: dict[str, Any] = {"loss": loss}
        if penalised:
            options |= {"weight_decay": 0.01, "weighted": True, "input_scale": 0.5}
            if hidden in ("sigmoid", "tanh"):
                options |= {
                    "sparsity_weight": 0.7,
                    "sparsity_target": 0.1,
                    "sparsity_layers": list(range(depth)),
                }
        found = difference(
            [21, *widths, 21], [hidden] * depth + [output], 70, threads=THREADS, **options
        )
        worst = max(worst, found)
    return worst


def every_size() -> float:
    """Worst difference with sizes around every tile edge as features, units and rows."""
    options = {
        "weight_decay": 1e-3,
        "sparsity_weight": 0.5,
        "sparsity_target": 0.2,
        "sparsity_layers": [0],
    }
    worst = 0.0
    for size in SIZES:
        for sizes, n_rows in (
            ([size, 5, size], 11),
            ([6, size, 6], 13),
            ([4, 3, 4], size),
            ([size, size, size], size),
        ):
            found = difference(sizes, ["sigmoid", "sigmoid"], n_rows, threads=THREADS, **options)
            worst = max(worst, found)
    return worst


# Beside the terms of J one by one: what else changes a network, and everything at once.
OTHERS: dict[str, dict[str, Any]] = {
    "dropout": {**DROPOUT, "epoch": 3},
    "top_k": {"code_top_k": 3},
    "tied": {"tied_weights": True, **together(*WEIGHTS)},
}


def regularised(name: str, encoder: list[str]) -> dict[str, Any]:
    """Options of one term or another, or of everything that goes with an encoder."""
    if name in OTHERS:
        return OTHERS[name]
    defined = [term for term in TERMS if name in (term, "all") and is_defined(term, encoder)]
    options = together(*defined, sparse_layer=len(encoder) - 1)
    if name == "all":
        options |= {"tied_weights": True, "code_top_k": 4, **DROPOUT}
    return options


def every_regulariser(name: str) -> float:
    """Worst difference of networks of several depths and odd sizes."""
    worst = 0.0
    for sizes, activations in (
        ([21, 12, 21], ["sigmoid", "identity"]),
        ([33, 17, 5, 17, 33], ["tanh", "sigmoid", "relu", "sigmoid"]),
        ([100, 40, 31, 40, 100], ["silu", "sigmoid", "gelu", "identity"]),
        ([21, 12, 9, 33, 9, 12, 21], ["relu", "tanh", "sigmoid", "relu", "tanh", "identity"]),
    ):
        options = regularised(name, activations[: len(activations) // 2])
        for n_rows in (1, 70, 300):
            found = difference(
                sizes, activations, n_rows, threads=THREADS, weighted=True, **options
            )
            worst = max(worst, found)
    return worst


@pytest.mark.parametrize("name", [*TERMS, *OTHERS, "all"])
def test_core_equals_reference_for_every_regulariser(isa: str, name: str) -> None:
    assert run_function(every_regulariser, name, isa=isa) < 1e-10


def float32_difference() -> float:
    """Worst difference of the float32 core on a network of usual size."""
    return difference(
        [100, 40, 100],
        ["sigmoid", "sigmoid"],
        500,
        "float32",
        THREADS,
        weight_decay=1e-3,
        sparsity_weight=0.5,
        sparsity_layers=[0],
    )


@pytest.mark.parametrize("regularised", [False, True], ids=["plain", "regularised"])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_core_equals_reference_for_every_activation_and_loss(
    isa: str, depth: int, regularised: bool
) -> None:
    assert run_function(every_activation_and_loss, depth, regularised, isa=isa) < 1e-10


def test_core_equals_reference_around_every_tile_edge(isa: str) -> None:
    assert run_function(every_size, isa=isa) < 1e-10


def test_float32_stays_within_its_rounding(isa: str) -> None:
    # 500 rows and sums of 100 terms in float32: about sqrt(500) units of 6e-8, and some room.
    assert run_function(float32_difference, isa=isa) < 1e-5


def chunked_difference(everything: bool) -> float:
    """A batch too large for scratch in one piece (4,096 rows of this network fit)."""
    options: dict[str, Any] = together("weight_decay", "sparsity", sparse_layer=0)
    if everything:
        # The oracle makes the Jacobian of every row: test_contraction.py has chunks of a small one.
        options |= together(*WEIGHTS, *CODE) | DROPOUT | {"tied_weights": True, "code_top_k": 4}
    return difference(
        [600, 800, 600],
        ["sigmoid", "sigmoid"],
        4_500,
        threads=(1, 3),
        weighted=True,
        **options,
    )


@pytest.mark.parametrize("everything", [False, True], ids=["penalties", "all"])
def test_rows_in_several_chunks_give_the_same_objective(everything: bool) -> None:
    assert run_function(chunked_difference, everything) < 1e-10
