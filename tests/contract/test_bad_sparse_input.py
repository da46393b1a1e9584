"""Sparse rows that lie about themselves: an error from every door, and no model changes by it."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from aecore import (
    EASE,
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderRecommender,
    Network,
    metrics,
)

N_ROWS, N_COLUMNS = 12, 8
FAST: dict[str, Any] = {"n_epochs": 1, "batch_size": 4, "random_state": 0}


def good() -> Any:
    rng = np.random.default_rng(0)
    dense = (rng.random((N_ROWS, N_COLUMNS)) < 0.5) * rng.integers(1, 5, (N_ROWS, N_COLUMNS)) / 4
    dense[3] = 0.25
    return sparse.csr_array(dense)


def broken(kind: str, part: str, place: Any, value: Any) -> Any:
    """Change one number of one array behind SciPy's back."""
    rows = good()
    X: Any = sparse.bsr_array(rows, blocksize=(2, 2)) if kind == "bsr" else rows.asformat(kind)
    getattr(X, part)[place] = value
    return X


# An index of a million leads out of every array.
STRUCTURE: dict[str, tuple[str, str, Any, Any]] = {
    "csr negative": ("csr", "indices", 9, -1),
    "csr too large": ("csr", "indices", 9, N_COLUMNS),
    "csr far": ("csr", "indices", 9, 1_000_000),
    "csr falling": ("csr", "indptr", 3, 10**6),
    "csr too many": ("csr", "indptr", -1, 10**6),
    "csr before": ("csr", "indptr", 0, -5),
    "csc negative": ("csc", "indices", 9, -1),
    "csc far": ("csc", "indices", 9, 1_000_000),
    "csc falling": ("csc", "indptr", 3, 10**6),
    "csc too many": ("csc", "indptr", -1, 10**6),
    "coo negative": ("coo", "col", 9, -1),
    "coo far column": ("coo", "col", 9, 1_000_000),
    "coo far row": ("coo", "row", 9, 1_000_000),
    "bsr far": ("bsr", "indices", 3, 1_000_000),
    "bsr falling": ("bsr", "indptr", 2, 10**6),
}
NUMBERS: dict[str, tuple[str, str, Any, Any]] = {
    "NaN": ("csr", "data", 9, np.nan),
    "infinity": ("csr", "data", 9, np.inf),
    "NaN by column": ("csc", "data", 9, np.nan),
}


LABELS = np.arange(N_ROWS) % 2
DOORS: dict[str, dict[str, Callable[[Any, Any], Any]]] = {
    "autoencoder": {
        "fit": lambda m, X: m.fit(X),
        "target": lambda m, X: m.fit(good(), target=X),
        "validation": lambda m, X: m.fit(good(), validation_data=X),
        "partial_fit": lambda m, X: m.partial_fit(X),
        "transform": lambda m, X: m.transform(X),
        "reconstruct": lambda m, X: m.reconstruct(X),
        "score": lambda m, X: m.score(X),
        "target of score": lambda m, X: m.score(good(), target=X),
        "lbfgs": lambda m, X: clone(m).set_params(optimizer="lbfgs").fit(X),
        "maxabs": lambda m, X: clone(m).set_params(scale="maxabs").fit(X),
        "mean of sigmoid": lambda m, X: clone(m).set_params(output_activation="sigmoid").fit(X),
    },
    "network": {
        "encode": lambda m, X: m.encode(X),
        "reconstruct": lambda m, X: m.reconstruct(X),
        "row_losses": lambda m, X: m.row_losses(X),
        "objective": lambda m, X: m.objective(X),
        "target": lambda m, X: m.objective(good(), target=X),
        "gradient": lambda m, X: m.objective_and_gradient(X),
    },
    "classifier": {
        "fit": lambda m, X: m.fit(X, LABELS),
        "unlabeled": lambda m, X: m.fit(good(), LABELS, unlabeled=X),
        "partial_fit": lambda m, X: m.partial_fit(X, LABELS),
        "predict": lambda m, X: m.predict(X),
        "predict_proba": lambda m, X: m.predict_proba(X),
    },
    "recommender": {
        "fit": lambda m, X: m.fit(X),
        "recommend": lambda m, X: m.recommend(X),
        "rank": lambda m, X: m.rank(X, good()),
        "predict": lambda m, X: m.predict(X, good()),
        "similar_users": lambda m, X: m.similar_users(X, good()),
        "among": lambda m, X: m.similar_users(good(), X),
    },
    "EASE": {
        "fit": lambda m, X: m.fit(X),
        "recommend": lambda m, X: m.recommend(X),
        "rank": lambda m, X: m.rank(X, good()),
    },
}
# Arguments of which only the places of entries count, not their numbers.
PATTERNS: dict[str, dict[str, Callable[[Any, Any], Any]]] = {
    "recommender": {
        "held out": lambda m, X: m.rank(good(), X),
        "exclude": lambda m, X: m.recommend(good(), exclude=X),
        "at": lambda m, X: m.predict(good(), X),
    },
    "EASE": {
        "held out": lambda m, X: m.rank(good(), X),
        "exclude": lambda m, X: m.recommend(good(), exclude=X),
    },
}
MAKE: dict[str, Callable[[], Any]] = {
    "autoencoder": lambda: Autoencoder((3,), **FAST).fit(good()),
    "network": lambda: Network([N_COLUMNS, 3, N_COLUMNS], ["tanh", "identity"], random_state=0),
    "classifier": lambda: AutoencoderClassifier((3,), pretrain=True, **FAST).fit(good(), LABELS),
    "recommender": lambda: AutoencoderRecommender((3,), **FAST).fit(good()),
    "EASE": lambda: EASE(1.0).fit(good()),
}


def refused(model: Any, doors: dict[str, Callable[[Any, Any], Any]], X: Any, message: str) -> None:
    """Every door refuses X, and nothing of the model has changed."""
    for name, door in doors.items():
        before = pickle.dumps(model)
        with pytest.raises(ValueError, match=message):
            door(model, X)
        assert pickle.dumps(model) == before, name


@pytest.mark.parametrize("case", STRUCTURE.values(), ids=STRUCTURE.keys())
@pytest.mark.parametrize("kind", DOORS)
def test_indices_that_lead_astray(kind: str, case: tuple[str, str, Any, Any]) -> None:
    doors = {**DOORS[kind], **PATTERNS.get(kind, {})}
    message = "indptr that rises|indptr must rise|indices (must lie )?in "
    refused(MAKE[kind](), doors, broken(*case), message)


@pytest.mark.parametrize("case", NUMBERS.values(), ids=NUMBERS.keys())
@pytest.mark.parametrize("kind", DOORS)
def test_numbers_that_are_none(kind: str, case: tuple[str, str, Any, Any]) -> None:
    refused(MAKE[kind](), DOORS[kind], broken(*case), "contains (NaN|infinity)|finite numbers")


@pytest.mark.parametrize("case", STRUCTURE.values(), ids=STRUCTURE.keys())
def test_metrics(case: tuple[str, str, Any, Any]) -> None:
    ids = np.zeros((N_ROWS, 2), np.int32)
    with pytest.raises(ValueError, match="relevant must have"):
        metrics.recall_at_k(ids, broken(*case))


def ragged(X: Any) -> Any:
    """Arrays of which one is too short."""
    X.indices = X.indices[:-3]
    return X


def short_indptr(X: Any) -> Any:
    X.indptr = X.indptr[:-2]
    return X


@pytest.mark.parametrize("change", [ragged, short_indptr])
@pytest.mark.parametrize("form", ["csr", "csc"])
@pytest.mark.parametrize("kind", DOORS)
def test_arrays_that_are_too_short(kind: str, form: str, change: Callable[[Any], Any]) -> None:
    refused(MAKE[kind](), DOORS[kind], change(good().asformat(form)), "indptr")


@pytest.mark.parametrize("index", [-1, 1_000_000])
@pytest.mark.parametrize("kind", ["coo", "csr"])
def test_one_row_of_one_dimension(kind: str, index: int) -> None:
    row = sparse.coo_array(good().toarray()[3]).asformat(kind)
    (row.col if kind == "coo" else row.indices)[2] = index
    for model, door in (
        (MAKE["network"](), "encode"),
        (MAKE["recommender"](), "recommend"),
        (MAKE["EASE"](), "recommend"),
    ):
        with pytest.raises(ValueError, match=r"indices (must lie )?in \[0, 8\)"):
            getattr(model, door)(row)


def test_index_arrays_at_any_address() -> None:
    X = good()
    expected = MAKE["network"]().encode(X)
    for name in ("indices", "indptr"):
        values = getattr(X, name).astype(np.int64)
        at = np.zeros(values.nbytes + 12, np.uint8)[4 : 4 + values.nbytes].view(np.int64)
        at[:] = values
        setattr(X, name, at)
    np.testing.assert_array_equal(MAKE["network"]().encode(X), expected)


# --- what has a documented result -----------------------------------------------------------------


def negative_counts(X: Any) -> Any:
    X.data[9] = -1.0
    return X


@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
def test_negative_counts(form: str) -> None:
    bad = negative_counts(good()).asformat(form)
    settings: dict[str, Any] = {"loss": "multinomial", "output_activation": "softmax", **FAST}
    model = Autoencoder((3,), **settings).fit(good())
    doors = {name: DOORS["autoencoder"][name] for name in ("fit", "target", "partial_fit", "score")}
    refused(model, doors, bad, "must be >= 0 for losses 'poisson' and 'multinomial'; got -1")
    recommender = MAKE["recommender"]()
    refused(recommender, {"fit": DOORS["recommender"]["fit"]}, bad, "must be >= 0")


RECOMMENDERS: dict[str, Callable[[], Any]] = {
    "EASE": MAKE["EASE"],
    "implicit": MAKE["recommender"],
    "ratings": lambda: AutoencoderRecommender((3,), feedback="explicit", **FAST).fit(good()),
    "columns": lambda: AutoencoderRecommender(
        (3,), feedback="explicit", orientation="item", **FAST
    ).fit(good()),
}


@pytest.mark.parametrize("make", RECOMMENDERS.values(), ids=RECOMMENDERS.keys())
def test_more_than_the_catalogue_and_nothing_left(make: Callable[[], Any]) -> None:
    model, rows = make(), good()
    ids, scores = model.recommend(rows, n=20)
    left = N_COLUMNS - np.diff(rows.indptr)
    np.testing.assert_array_equal((ids >= 0).sum(axis=1), left)
    np.testing.assert_array_equal(np.isneginf(scores), ids == -1)
    ids, scores = model.recommend(rows, n=20, filter_seen=False)
    np.testing.assert_array_equal(np.sort(ids)[:, -N_COLUMNS:], [range(N_COLUMNS)] * N_ROWS)
    everything = sparse.csr_array(np.ones(rows.shape))
    for nothing in ({"items": []}, {"exclude": range(N_COLUMNS)}, {"exclude": everything}):
        ids, scores = model.recommend(rows, **nothing)
        assert (ids == -1).all()
        assert np.isneginf(scores).all()
    neighbours, cosines = model.similar_items(range(N_COLUMNS), n=20)
    assert ((neighbours >= 0).sum(axis=1) == N_COLUMNS - 1).all()
    assert np.isneginf(cosines[:, N_COLUMNS - 1 :]).all()


@pytest.mark.parametrize("make", RECOMMENDERS.values(), ids=RECOMMENDERS.keys())
def test_a_matrix_of_users_without_history(make: Callable[[], Any]) -> None:
    model = make()
    ids, scores = model.recommend(sparse.csr_array((N_ROWS, N_COLUMNS)), n=3)
    order = np.argsort(-model.popularity_, kind="stable")[:3]
    np.testing.assert_array_equal(ids, [order] * N_ROWS)
    np.testing.assert_array_equal(scores, [model.popularity_[order]] * N_ROWS)


@pytest.mark.parametrize("make", RECOMMENDERS.values(), ids=RECOMMENDERS.keys())
@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda m: m.similar_items([N_COLUMNS]), ValueError, r"ids must lie in \[0, 8\); got 8"),
        (lambda m: m.similar_items([-1]), ValueError, r"ids must lie in \[0, 8\); got -1"),
        (lambda m: m.similar_items([0.5]), TypeError, "ids must hold integers"),
        (lambda m: m.similar_items([[0]]), ValueError, "ids must be 1-D"),
        (lambda m: m.similar_items([0], n=-1), ValueError, "n must be an integer"),
        (lambda m: m.recommend(good(), n=2**31), ValueError, "n must be an integer"),
        (lambda m: m.recommend(good(), n=2.0), ValueError, "n must be an integer"),
        (lambda m: m.recommend(good(), items=[-1]), ValueError, r"items must lie in \[0, 8\)"),
        (lambda m: m.recommend(good(), items=[2**63]), ValueError, r"items must lie in \[0, 8\)"),
        (lambda m: m.recommend(good(), exclude=["a"]), TypeError, "exclude must hold integers"),
        (lambda m: m.recommend(good()[:0]), ValueError, "user_items must be 2-D"),
        (lambda m: m.recommend(good()[:, :3]), ValueError, "user_items must have 8 columns"),
        (lambda m: m.rank(good(), good()[:, :3]), ValueError, "held_out must have 8 columns"),
        (lambda m: m.rank(good(), good()[:4]), ValueError, "held_out must have as many rows"),
    ],
)
def test_questions_that_make_no_sense(
    make: Callable[[], Any], call: Callable[[Any], Any], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        call(make())


def test_unlabeled_rows_of_another_kind() -> None:
    with pytest.raises(ValueError, match="unlabeled must be sparse as X is; got an array"):
        MAKE["classifier"]().fit(good(), LABELS, unlabeled=good().toarray())
    with pytest.raises(ValueError, match="unlabeled must be an array as X is; got sparse"):
        MAKE["classifier"]().fit(good().toarray(), LABELS, unlabeled=good())


def coo_cut_short(X: Any) -> Any:
    """COO with a number less than it has places."""
    cut = X.tocoo()
    cut.data = cut.data[:-1]
    return cut


def unsigned_indptr(X: Any) -> Any:
    """CSC whose indptr falls, in numbers whose differences are never negative."""
    columns = X.tocsc()
    columns.indptr = columns.indptr.astype(np.uint64)
    columns.indptr[3] = 10**6
    return columns


@pytest.mark.parametrize("change", [coo_cut_short, unsigned_indptr])
@pytest.mark.parametrize("kind", DOORS)
def test_arrays_of_another_kind(kind: str, change: Callable[[Any], Any]) -> None:
    refused(MAKE[kind](), DOORS[kind], change(good()), "each of its numbers|indptr of signed")


def learned(model: Any) -> Any:
    return model.recommend(good())[1] if hasattr(model, "recommend") else model.transform(good())


@pytest.mark.parametrize("dtype", ["float16", ">f8"])
@pytest.mark.parametrize("form", ["csr", "csc", "coo"])
@pytest.mark.parametrize("kind", ["autoencoder", "recommender", "EASE"])
def test_types_that_scipy_does_not_compute_with(kind: str, form: str, dtype: str) -> None:
    X = good().asformat(form)
    X.data = X.data.astype(dtype)
    for name in ("fit", "maxabs", "lbfgs", "mean of sigmoid"):
        if name in DOORS[kind]:
            found, expected = (DOORS[kind][name](MAKE[kind](), rows) for rows in (X, good()))
            np.testing.assert_allclose(learned(found), learned(expected), rtol=1e-6)
