"""Sparse rows of every kind: the answer of the same numbers in an array, or an error."""

from __future__ import annotations

import contextlib
import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import event, given
from hypothesis import strategies as st

import aecore
from aecore import _core, metrics
from fuzzing import examples
from samples import may_learn_nothing
from sparse_arrays import Entries, sparse_arrays

pytestmark = may_learn_nothing
N_COLUMNS, N_ROWS = 6, 9
FAST: dict[str, Any] = {"n_epochs": 2, "batch_size": 4, "random_state": 0, "dtype": "float64"}
STEPS: dict[str, Any] = {"optimizer": "sgd", "learning_rate": 0.01, **FAST}  # smooth in X
LABELS = np.arange(N_ROWS) % 2
ROWS = (np.random.default_rng(0).integers(0, 9, (N_ROWS, N_COLUMNS)) / 8) * (
    np.random.default_rng(1).random((N_ROWS, N_COLUMNS)) < 0.6
)

# The others take arrays alone.
NEW: dict[str, Callable[[], Any]] = {
    "Autoencoder": lambda: aecore.Autoencoder((4,), scale="maxabs", **STEPS),
    "DenoisingAutoencoder": lambda: aecore.DenoisingAutoencoder((4,), **STEPS),
    "SparseAutoencoder": lambda: aecore.SparseAutoencoder((4,), **STEPS),
    "VariationalAutoencoder": lambda: aecore.VariationalAutoencoder(
        (4, 2), scale="maxabs", **STEPS
    ),
    "AutoencoderClassifier": lambda: aecore.AutoencoderClassifier((4,), **STEPS),
    "DeepClustering": lambda: aecore.DeepClustering(
        2, autoencoder=aecore.Autoencoder((4, 2), **STEPS), random_state=0
    ),
    "AutoencoderRecommender": lambda: aecore.AutoencoderRecommender((3,), **FAST),
    "EASE": lambda: aecore.EASE(1.0),
}
METHODS = ("transform", "reconstruct", "score_samples", "predict", "predict_proba", "score")
METHODS += ("decision_function", "feature_errors", "soft_assignment", "elbo", "recommend")


@functools.cache
def fitted(name: str) -> Any:
    """A model that nobody changes: `fit` gets a copy."""
    return fit(NEW[name](), ROWS)


def fit(model: Any, X: Any) -> Any:
    return (
        model.fit(X, LABELS) if hasattr(model, "classes_") or is_classifier(model) else model.fit(X)
    )


def is_classifier(model: Any) -> bool:
    return isinstance(model, aecore.AutoencoderClassifier)


def learned(model: Any) -> Any:
    """Numbers that a training has made."""
    if hasattr(model, "item_weights_"):
        return model.item_weights_
    if hasattr(model, "estimators_"):
        return [each.network_.parameters for each in model.estimators_]
    return model.network_.parameters


def asked(model: Any, method: str, X: Any) -> Any:
    """What a method says of X, or what `fit` and `partial_fit` learn from it."""
    if "fit" in method:
        model = copy.deepcopy(model)
        labels = (LABELS,) if is_classifier(model) else ()
        return learned(getattr(model, method)(X, *labels))
    if method == "elbo":
        return model.elbo(X, random_state=0)
    if method == "score" and is_classifier(model):
        return model.score(X, LABELS[: X.shape[0]])
    return getattr(model, method)(X)


def outcome(call: Callable[[], Any]) -> Any:
    """The result, or None for an error that a user understands."""
    with contextlib.suppress(ValueError, TypeError):
        return call()
    return None


def check(given: Any, entries: Entries, form: str, ask: Callable[[Any], Any]) -> None:
    """Ask of sparse rows what is asked of the same numbers."""
    numbers = entries.numbers()
    found = outcome(lambda: ask(given))
    if numbers is None:
        event("nonsense")
        assert found is None
        return
    expected = outcome(lambda: ask(numbers.T if form == "csc" else numbers))
    if found is None:
        event("refused" if expected is None else "refused, but not as an array")
        assert expected is None or not entries.usual
        return
    event("equal")
    assert expected is not None
    for one, other in zip(as_list(found), as_list(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-7)


def as_list(found: Any) -> list[Any]:
    return list(found) if isinstance(found, list | tuple) else [found]


@examples(150)
@given(
    data=st.data(),
    name=st.sampled_from(sorted(NEW)),
    method=st.sampled_from((*METHODS, "fit", "fit", "partial_fit")),
    form=st.sampled_from(("csr", "csc", "coo")),
)
def test_estimators(data: st.DataObject, name: str, method: str, form: str) -> None:
    model = fitted(name)
    if not hasattr(model, method):
        return
    n_rows = N_ROWS if "fit" in method else None
    if form == "csc":
        entries = data.draw(sparse_arrays(n_rows or 5, N_COLUMNS))
    else:
        entries = data.draw(sparse_arrays(N_COLUMNS, n_rows, form))
    check(entries.as_scipy(form), entries, form, lambda X: asked(model, method, X))


# --- the core -------------------------------------------------------------------------------------

NETWORK = _core.Network([N_COLUMNS, 4, N_COLUMNS], ["tanh", "sigmoid"])
PARAMETERS = np.random.default_rng(2).uniform(-1, 1, NETWORK.n_parameters)


def forward(X: Any) -> Any:
    out = np.empty((X.shape[0], N_COLUMNS))
    NETWORK.forward(PARAMETERS, X, out, first_layer=0, last_layer=2)
    return out


def row_losses(X: Any, **others: Any) -> Any:
    out = np.empty(X.shape[0])
    NETWORK.row_losses(PARAMETERS, _core.Data(X, **others), out, objective=_core.Objective())
    return out


def evaluate(X: Any, **others: Any) -> Any:
    gradient = np.empty_like(PARAMETERS)
    noise = _core.Noise(kind="masking", level=0.3)
    NETWORK.evaluate(
        PARAMETERS, _core.Data(X, **others), _core.Objective(noise=noise), gradient=gradient
    )
    return gradient


def train(X: Any, **others: Any) -> Any:
    trained, moments = PARAMETERS.copy(), np.zeros((0, PARAMETERS.size))
    NETWORK.train(
        trained,
        moments,
        _core.Data(X, **others),
        objective=_core.Objective(),
        optimizer=_core.Optimizer(name="sgd", learning_rate=0.01),
        schedule=_core.Schedule(batch_size=3),
        n_threads=2,
        on_epoch=lambda *_: False,
    )
    return trained


def dense_of(n_rows: int) -> Any:
    return np.resize(ROWS, (n_rows, N_COLUMNS))


DOORS: dict[str, Callable[[Any], Any]] = {
    "forward": forward,
    "row_losses": row_losses,
    "evaluate": evaluate,
    "train": train,
    "target of losses": lambda X: row_losses(dense_of(X.shape[0]), target=X),
    "target of gradient": lambda X: evaluate(dense_of(X.shape[0]), target=X),
    "target of training": lambda X: train(dense_of(X.shape[0]), target=X),
    "rows of it": lambda X: evaluate(X, rows=np.array([X.shape[0] - 1, 0, 0])),
}


@examples(150)
@given(entries=sparse_arrays(N_COLUMNS), door=st.sampled_from(sorted(DOORS)))
def test_the_core(entries: Entries, door: str) -> None:
    check(entries.bare(), entries, "csr", DOORS[door])


@examples(80)
@given(entries=sparse_arrays(N_COLUMNS), data=st.data())
def test_rankings(entries: Entries, data: st.DataObject) -> None:
    scores = np.random.default_rng(3).random((entries.shape[0], N_COLUMNS)).astype(np.float32)
    n = data.draw(st.integers(1, 8))
    ids = np.empty((len(scores), n), np.int32)
    values = np.empty(ids.shape, np.float32)
    index = {"indptr": entries.indptr, "indices": entries.indices}
    try:
        _core.top_n(scores, ids, values, **index)
    except (ValueError, TypeError):
        return
    index = {name: array.ravel() for name, array in index.items()}  # an empty one has any shape
    seen = entries._replace(data=np.ones(len(entries.indices)), **index).numbers()
    assert seen is not None
    scores[seen > 0] = -np.inf
    order = np.argsort(-scores, axis=1, kind="stable")[:, :n]
    expected = np.where(np.take_along_axis(scores, order, 1) > -np.inf, order, -1)
    np.testing.assert_array_equal(ids[:, : expected.shape[1]], expected)
    assert (ids[:, expected.shape[1] :] == -1).all()


@examples(50)
@given(data=st.data(), form=st.sampled_from(("csr", "coo")))
def test_metrics(data: st.DataObject, form: str) -> None:
    entries = data.draw(sparse_arrays(N_COLUMNS, form=form))
    ids = np.resize(np.arange(N_COLUMNS), (entries.shape[0], 3))
    check(entries.as_scipy(form), entries, form, lambda X: metrics.recall_at_k(ids, X))
