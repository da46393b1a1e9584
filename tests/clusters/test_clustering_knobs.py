"""No parameter of `DeepClustering` does nothing; the refinement is that of the reference."""

from __future__ import annotations

import inspect
from typing import Any, NamedTuple

import numpy as np
import pytest
from numpy.typing import NDArray

import reference_refinement
from aecore import Autoencoder, DeepClustering
from knobs import Stop
from samples import three_factor_rows

ROWS = three_factor_rows(60)
ENCODER = Autoencoder((6, 3), code_activation="identity", n_epochs=2, batch_size=16)
COMMON: dict[str, Any] = {
    "n_clusters": 3,
    "autoencoder": ENCODER,
    "refinement": "dec",
    "batch_size": 16,
    "learning_rate": 0.01,
    "n_updates": 3,
    "tolerance": 0.0,
    "dtype": "float64",
    "n_threads": 1,
    "random_state": 0,
}


class Knob(NamedTuple):
    value: Any
    base: dict[str, Any] = {}  # noqa: RUF012
    changes: str = "centers"


KNOBS = {
    "n_clusters": Knob(4),
    "autoencoder": Knob(
        Autoencoder(
            (4, 5, 2),
            code_activation="identity",
            loss="huber",
            weight_decay=0.1,
            clip_norm=0.05,
            n_epochs=2,
        ),
        {"refinement": "idec"},
    ),
    "clusterer": Knob("agglomerative"),
    "refinement": Knob("idec"),
    "clustering_weight": Knob(0.3),
    "optimizer": Knob("adamw", {"autoencoder": Autoencoder((4, 3), weight_decay=0.3, n_epochs=2)}),
    "learning_rate": Knob(0.02),
    "batch_size": Knob(13),
    "update_interval": Knob(3),
    "n_updates": Knob(2),
    "tolerance": Knob(0.2, {"n_updates": 20}),
    "n_clusters_range": Knob((2, 3), {"n_clusters": "auto"}, "silhouettes"),
    "callbacks": Knob(Stop()),
    "dtype": Knob("float32"),
    "n_threads": Knob(2, {}, "threads"),
    "random_state": Knob(1),
    "verbose": Knob(1, {}, "progress"),
}


def observed(model: DeepClustering, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    model.fit(ROWS)
    err = capsys.readouterr().err
    return {
        "centers": model.cluster_centers_.tobytes(),
        "silhouettes": getattr(model, "silhouettes_", None),
        "threads": model.network_.n_threads,
        "progress": err,
    }


def like_reference(model: DeepClustering, X: NDArray[np.float64]) -> None:
    expected = reference_refinement.refine(model, X)
    tolerance = 1e-9 if np.dtype(model.dtype) == np.float64 else 2e-4
    network = model.network_.encoder if model.refinement == "dec" else model.network_
    for mine, others in (
        (network.parameters, expected.parameters),
        (model.cluster_centers_, expected.centers),
    ):
        assert np.abs(mine - others).max() < tolerance * np.abs(others).max()
    assert model.history_["loss"] == pytest.approx(expected.loss, rel=tolerance)
    np.testing.assert_array_equal(model.labels_, expected.labels)
    assert model.history_["changed"] == expected.changed


@pytest.mark.parametrize("name", inspect.signature(DeepClustering).parameters)
def test_turning_it(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert name in KNOBS, f"a new parameter needs an entry in KNOBS that turns it: {name}"
    knob = KNOBS[name]
    before = DeepClustering(**{**COMMON, **knob.base})
    after = DeepClustering(**{**COMMON, **knob.base, name: knob.value})
    assert before.get_params()[name] != knob.value
    one, other = observed(before, capsys), observed(after, capsys)
    assert one[knob.changes] != other[knob.changes]
    if knob.changes in ("threads", "progress"):
        assert one["centers"] == other["centers"]
    like_reference(after, ROWS)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("refinement", ["dec", "idec"])
def test_refinement_equals_the_reference(refinement: str, dtype: str) -> None:
    settings = {**COMMON, "refinement": refinement, "dtype": dtype, "n_updates": 5}
    like_reference(DeepClustering(**settings).fit(ROWS), ROWS)
    wide = Autoencoder((20, 12), n_epochs=2, tied_weights=refinement == "idec")
    if refinement == "dec":
        like_reference(DeepClustering(**{**settings, "autoencoder": wide}).fit(ROWS), ROWS)


def test_every_entry_is_a_parameter() -> None:
    assert list(KNOBS) == list(inspect.signature(DeepClustering).parameters)
