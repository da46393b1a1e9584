"""A problem's numbers as files: the driver makes them once, every worker loads a copy."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import load_npz, save_npz

from benchmarks.peers.session import CHECK_EPOCHS, Problem
from benchmarks.workloads import Workload, workload

if TYPE_CHECKING:
    import aecore

_SEED = 1
# What tests make smaller.
_CUT = ("n_rows", "batch_size", "layer_sizes", "n_recommended")


def make_network(workload: Workload, **settings: Any) -> aecore.Network:
    """Make the network of a workload."""
    import aecore
    from aecore.layers import Conv2D, ConvTranspose2D, Dense, Gaussian

    n_in, *widths = workload.layer_sizes
    layers: list[Any] = list(map(Dense, widths, workload.activations))
    if workload.gaussian:
        layers[workload.code_layer] = Gaussian(widths[workload.code_layer])
    for at, each in enumerate(workload.windows):
        if each is None:
            continue
        kind: Any = ConvTranspose2D if each.transposed else Conv2D
        layers[at] = kind(
            each.written[2],
            kernel_size=3,
            stride=2,
            activation=workload.activations[at],
            input_shape=each.read,
        )
    return aecore.Network(n_in, layers, **settings)


def make_problem(workload: Workload, n_threads: int = 1) -> Problem:
    """Make rows, orders and initial parameters; needs aecore, whose shuffling is the order."""
    import aecore
    from benchmarks.rows import make_rows

    n_orders = CHECK_EPOCHS + 1 if workload.kind == "train" else 1
    network = make_network(workload, random_state=_SEED)
    return Problem(
        workload=workload,
        X=make_rows(workload.rows, workload.n_rows, workload.layer_sizes[0]),
        orders=np.stack(
            [aecore._core.permutation(workload.n_rows, _SEED, epoch) for epoch in range(n_orders)]
        ),
        parameters=network.parameters,
        seed=_SEED,
        n_threads=n_threads,
    )


def save_problem(folder: Path, problem: Problem) -> None:
    """Write a problem into `folder`: its arrays, and how its workload was cut."""
    work = problem.workload
    cut = {name: getattr(work, name) for name in ("name", *_CUT)}
    (folder / "problem.json").write_text(json.dumps({**cut, "n_threads": problem.n_threads}))
    if problem.workload.density < 1:
        save_npz(folder / "X.npz", problem.X, compressed=False)
    else:
        np.save(folder / "X.npy", problem.X)
    np.save(folder / "orders.npy", problem.orders)
    np.save(folder / "parameters.npy", problem.parameters)


def load_problem(folder: Path) -> Problem:
    """Read what `save_problem` wrote."""
    cut = json.loads((folder / "problem.json").read_text())
    work = replace(workload(cut["name"]), **{name: cut[name] for name in _CUT})
    work = replace(work, layer_sizes=tuple(work.layer_sizes))
    return Problem(
        workload=work,
        X=load_npz(folder / "X.npz") if work.density < 1 else np.load(folder / "X.npy"),
        orders=np.load(folder / "orders.npy"),
        parameters=np.load(folder / "parameters.npy"),
        seed=_SEED,
        n_threads=cut["n_threads"],
    )
