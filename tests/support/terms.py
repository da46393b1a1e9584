"""The terms of J, each registered once: every parametrised test of the core takes them from here.

A new penalty is one entry of `TERMS`. Its formula is checked in tests/reference, its parameter of
the estimators is an entry of `knobs.KNOBS`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from aecore import reference


class Term(NamedTuple):
    """`settings` that make it count, by the names of `aecore.reference` and the core."""

    settings: dict[str, Any]
    on: str  # "weights", or "code": the output of a hidden layer, which may not be drawn
    activations: Sequence[str] = reference.ACTIVATIONS  # of the encoder, for which it is defined
    convolves: bool = True


TERMS = {
    "weight_decay": Term({"weight_decay": 0.1}, "weights"),
    "weight_l1": Term({"weight_l1": 0.02}, "weights"),
    "activity_l1": Term({"activity_l1": 0.3}, "code"),
    "sparsity": Term({"sparsity_weight": 0.3, "sparsity_target": 0.2}, "code", ("sigmoid", "tanh")),
    "contractive": Term(
        {"contractive_weight": 0.2}, "code", ("sigmoid", "tanh", "relu", "identity"), False
    ),
}
DROPOUT = {"dropout": 0.3, "seed": 2**40 + 5}


def chosen(*, on: str | None = None, **properties: Any) -> list[str]:
    """Names of the terms with an `on` and further properties."""
    wanted = properties if on is None else {"on": on, **properties}
    return [
        name
        for name, term in TERMS.items()
        if all(getattr(term, each) == value for each, value in wanted.items())
    ]


def together(*names: str, sparse_layer: int | None = None) -> dict[str, Any]:
    """Settings of several terms; `sparse_layer` is the one of the sparsity."""
    settings = {key: value for name in names for key, value in TERMS[name].settings.items()}
    if sparse_layer is not None and "sparsity_weight" in settings:
        settings["sparsity_layers"] = [sparse_layer]
    return settings


def is_defined(name: str, encoder: Sequence[str]) -> bool:
    """Whether a network with these activations, of which the last is the code's, has the term."""
    allowed = TERMS[name].activations
    return set(encoder[-1:] if name == "sparsity" else encoder) <= set(allowed)


# On the weights, and on the code of any encoder: they go with one another and with all networks.
WEIGHTS = chosen(on="weights")
CODE = chosen(on="code", activations=reference.ACTIVATIONS)
