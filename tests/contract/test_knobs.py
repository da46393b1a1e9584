"""No parameter does nothing: each one is turned, changes the result, and does what it should.

`knobs.KNOBS` has an entry for every parameter of every estimator; a new one without it fails.
Whatever has a formula is compared with the same training by `aecore.reference`.
"""

from __future__ import annotations

import copy
import inspect
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator

import aecore
from aecore import (
    Autoencoder,
    AutoencoderOutlierDetector,
    DeepClustering,
)
from aecore._recommending.base import BaseRecommender
from knob_checks import fit
from knobs import COMMON, KNOBS
from samples import three_factor_rows

ESTIMATORS = [
    value
    for value in (getattr(aecore, name) for name in aecore.__all__)
    if isinstance(value, type)
    and issubclass(value, BaseEstimator)
    # These have walks of their own, in test_recommender_, _detector_ and _clustering_knobs.py.
    and not issubclass(value, (BaseRecommender, AutoencoderOutlierDetector, DeepClustering))
]


def observed(
    model: Autoencoder, X: NDArray[np.float64], capsys: pytest.CaptureFixture[str]
) -> dict[str, Any]:
    """Everything of a fit that a parameter may change."""
    try:
        fit(model, X)
    except ValueError as error:
        return {"weights": str(error)}
    err = capsys.readouterr().err
    return {
        "weights": (model.network_.parameters.tobytes(), model.history_["loss"]),
        "codes": type(model.transform(X)),
        "threads": model.network_.n_threads,
        "progress": err,
        "second fit": fit(copy.deepcopy(model), X).network_.parameters.tobytes(),
    }


PARAMETERS = [(cls, name) for cls in ESTIMATORS for name in inspect.signature(cls).parameters]


@pytest.mark.parametrize(
    ("cls", "name"), PARAMETERS, ids=[f"{cls.__name__}-{name}" for cls, name in PARAMETERS]
)
def test_turning_it(cls: type[Autoencoder], name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert name in KNOBS, f"a new parameter needs an entry in KNOBS that turns it: {name}"
    knob = KNOBS[name]
    X = three_factor_rows(50)
    if name == "missing":
        X[::3, 4] = X[7] = np.nan
    known = inspect.signature(cls).parameters
    common = {key: value for key, value in {**COMMON, **knob.base}.items() if key in known}
    before, after = cls(**common), cls(**{**common, name: knob.value})
    assert before.get_params()[name] != knob.value
    one, other = observed(before, X, capsys), observed(after, X, capsys)
    assert one[knob.changes] != other[knob.changes]
    if knob.changes != "weights":
        assert one["weights"] == other["weights"]
    knob.check(after, X)


def test_every_entry_is_a_parameter() -> None:
    assert set(KNOBS) == {name for _, name in PARAMETERS}
