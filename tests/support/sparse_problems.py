"""Problems with sparse rows: networks, terms of J, and rows with everything that CSR allows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from aecore import _core
from core_options import core_objective
from terms import CODE, DROPOUT, TERMS, WEIGHTS, chosen, is_defined, together

# Output and loss; the first and last have one layer alone.
PROBLEMS: dict[str, tuple[list[int], list[str], str]] = {
    "one layer": ([40, 40], ["sigmoid"], "squared_error"),
    "cross entropy": ([700, 33, 700], ["sigmoid", "sigmoid"], "binary_cross_entropy"),
    "squared error": ([300, 20, 300], ["relu", "identity"], "squared_error"),
    "absolute error": ([257, 12, 257], ["elu", "identity"], "absolute_error"),
    "huber": ([513, 12, 513], ["tanh", "tanh"], "huber"),
    "poisson": ([513, 12, 9, 12, 513], ["silu", "tanh", "gelu", "softplus"], "poisson"),
    "multinomial": ([700, 70, 5, 70, 700], ["tanh", "sigmoid", "relu", "softmax"], "multinomial"),
    "softmax regression": ([40, 40], ["softmax"], "multinomial"),
}
ON_CODE = chosen(on="code")
CASES: dict[str, dict[str, Any]] = {
    "loss": {},
    "weights": together(*WEIGHTS),
    "masking": {"noise": "masking", "noise_level": 0.3, "seed": 2**40 + 5},
    "scale": {"input_scale": 0.5},
    "tied": {"tied": True},
    **{name: together(name, sparse_layer=0) for name in ON_CODE if name not in CODE},
    "units left out": {**together(*CODE), **DROPOUT, "top_k": 3},
}


def messy_rows(n_rows: int, n_columns: int, seed: int = 0, dtype: str = "float64") -> Any:
    """CSR with empty and full rows, unsorted and duplicate entries and explicit zeros.

    Values are multiples of 1/64 in [0, 1], whose sums are exact in any order.
    """
    rng = np.random.default_rng(seed)
    columns, values = [], []
    for row in range(n_rows):
        n = {1: 0, 2: n_columns}.get(row % 7, rng.binomial(n_columns, 0.05))
        here = rng.choice(n_columns, n, replace=False)
        x = rng.integers(0, 33, n) / 64
        twice = rng.random(n) < 0.1
        columns.append(np.concatenate([here, here[twice]]))
        values.append(np.concatenate([x, x[twice]]))
    indptr = np.concatenate([[0], np.cumsum([len(each) for each in columns])])
    data = np.concatenate(values)
    data = data > 0 if dtype == "bool" else (data * (1 if dtype[0] == "f" else 64)).astype(dtype)
    return sparse.csr_array((data, np.concatenate(columns), indptr), shape=(n_rows, n_columns))


def evaluate(
    problem: str,
    X: Any,
    target: Any = None,
    *,
    n_threads: int = 1,
    dtype: str = "float64",
    **terms: Any,
) -> tuple[float, NDArray[Any]]:
    """J and its gradient at random parameters."""
    sizes, activations, loss = PROBLEMS[problem]
    code = (len(sizes) - 2) // 2
    network = _core.Network(
        sizes,
        activations,
        tied_weights=terms.pop("tied", False),
        code_layer=code,
        code_top_k=terms.pop("top_k", 0),
    )
    parameters = np.random.default_rng(1).uniform(-0.3, 0.3, network.n_parameters).astype(dtype)
    weight = np.random.default_rng(2).random(X.shape[0])
    objective = core_objective(loss=loss, code_layer=code, **terms)
    gradient = np.full(network.n_parameters, np.nan, dtype)
    data = _core.Data(X, target=target, sample_weight=weight)
    parts = network.evaluate(
        parameters, data, objective, gradient=gradient, n_threads=n_threads, epoch=3
    )
    return sum(parts.values()), gradient


def fits(problem: str, case: dict[str, Any]) -> bool:
    """Whether the network of a problem may have the terms of a case."""
    sizes, activations, _ = PROBLEMS[problem]
    names = [name for name in ON_CODE if TERMS[name].settings.keys() & case.keys()]
    if len(sizes) == 2:
        return not names and "tied" not in case
    return all(is_defined(name, activations[:1]) for name in names)
