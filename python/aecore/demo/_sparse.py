"""The sparse autoencoder of UFLDL on rows in [0.1, 0.9]: train, print the figures, draw."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from aecore import reference
from aecore.demo import _pictures
from aecore.sparse_autoencoder import SparseAutoencoder

N_HIDDEN = 25
N_ITERATIONS = 400
# J as in the exercise: lambda, beta, rho.
PENALTIES: dict[str, Any] = {"weight_decay": 1e-4, "sparsity_weight": 3.0, "sparsity_target": 0.01}

_N_TIMED = 6


def maximal_inputs(W: NDArray[Any]) -> NDArray[Any]:
    """The input of norm 1 that excites each unit most: x_i = W_ij / sqrt(sum_i W_ij^2) of unit j.

    Parameters
    ----------
    W : ndarray of shape (n_features, n_units)

    Returns
    -------
    ndarray of shape (n_units, n_features)
    """
    norms = np.sqrt((W**2).sum(axis=0))
    return np.asarray((W / np.where(norms > 0.0, norms, 1.0)).T)


def show(rows: NDArray[np.float64], description: str, output: Path, seed: int) -> None:
    """Train on `rows`, print objective and times, write the pictures into `output`."""
    n_features = rows.shape[1]
    print(f"A sparse autoencoder {n_features}-{N_HIDDEN}-{n_features} on {description}")
    sys.stdout.flush()  # the progress bar goes to stderr
    model = SparseAutoencoder(
        (N_HIDDEN,),
        **PENALTIES,
        n_epochs=N_ITERATIONS,
        dtype="float64",
        random_state=seed,
        verbose=1,
    )
    started = time.perf_counter()
    model.fit(rows)
    seconds = time.perf_counter() - started

    _print_objective(model, rows)
    n_iterations = len(model.history_["loss"])
    print(f"  trained in {seconds:.2f} s: {n_iterations} iterations of L-BFGS, float64")
    per_evaluation = _time_reference(model, rows)
    print(
        f"  NumPy reference: {per_evaluation * n_iterations:.1f} s for {n_iterations} evaluations "
        f"of the objective, one per iteration\n"
        f"    (scaled up from the best of {_N_TIMED}, {per_evaluation * 1e3:.1f} ms)"
    )
    _pictures.write_all(
        output,
        features=maximal_inputs(model.network_.weights[0]),
        rows=rows,
        reconstructions=model.reconstruct(rows),
        losses=model.history_["loss"],
    )


def _print_objective(model: SparseAutoencoder, rows: NDArray[np.float64]) -> None:
    terms = model.network_.objective_terms(rows, **PENALTIES)
    print(f"  objective J       {sum(terms):.6f}")
    parts = {"squared error": terms.data, "weight decay": terms.weight_decay}
    for name, value in {**parts, "sparsity": terms.sparsity}.items():
        # No term is negative, but one that is 0 may come out as -1e-17.
        print(f"    {name:<15} {max(value, 0.0):.6f}")
    mean = model.transform(rows).mean()
    print(f"  mean activation   {mean:.4f} (target {PENALTIES['sparsity_target']})")


def _time_reference(model: SparseAutoencoder, rows: NDArray[np.float64]) -> float:
    """Seconds for one objective and gradient in NumPy.

    The fastest of a few, half of them with BLAS on one thread: on a busy machine more threads are
    slower, and what else the machine does must not count against NumPy.
    """
    network = model.network_
    arguments = (network.layer_sizes, network.activations, network.parameters, rows)
    seconds = []
    for n_threads in (None, 1):
        with threadpool_limits(n_threads, user_api="blas"):
            for _ in range(_N_TIMED // 2):
                started = time.perf_counter()
                reference.objective_and_gradient(*arguments, **PENALTIES)
                seconds.append(time.perf_counter() - started)
    return min(seconds)
