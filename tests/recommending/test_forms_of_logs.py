"""A log of events is one matrix in whatever form it comes: in any format, order and type."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import bsr_array, coo_array, csc_array, csr_array

from aecore import EASE, Autoencoder, AutoencoderRecommender, Network

# 300 plays of one item by one user: more than 8 bits count.
PLAYS = np.array([[300.0, 1, 0, 2], [0, 130, 1, 0], [2, 0, 1, 0], [0, 0, 3, 1]])
ONES: tuple[type[Any], ...] = (np.bool_, np.int8, np.uint8, np.int16, np.float32)


def log(dtype: Any, form: Callable[..., Any]) -> Any:
    """An entry of 1 for every play, the last ones first."""
    rows, columns = (np.repeat(each, PLAYS[PLAYS > 0].astype(int)) for each in np.nonzero(PLAYS))
    where = (rows[::-1], columns[::-1])
    coo = coo_array((np.ones(len(rows), dtype), where), shape=PLAYS.shape)
    if form is coo_array:
        return coo
    order = np.argsort(where[1 if form is csc_array else 0], kind="stable")
    major, minor = (each[order] for each in (where[::-1] if form is csc_array else where))
    starts = np.searchsorted(major, np.arange(5))
    if form is bsr_array:
        return bsr_array((np.ones((len(rows), 1, 1), dtype), minor, starts), shape=PLAYS.shape)
    return form((np.ones(len(rows), dtype), minor, starts), shape=PLAYS.shape)


def meant(dtype: Any) -> NDArray[np.float64]:
    return np.minimum(PLAYS, 1) if dtype is np.bool_ else PLAYS


def learned(X: Any) -> Iterator[Any]:
    """What depends on the numbers of X, from every door that they come in by."""
    for model in (
        EASE(1.0, dtype="float64"),
        *(
            AutoencoderRecommender((2,), feedback=kind, n_epochs=2, random_state=0)
            for kind in ("implicit", "explicit")
        ),
    ):
        model.fit(X)
        yield model.popularity_
        yield model.recommend(X, n=2)
        yield model.rank(X, np.eye(4)).data
        if isinstance(model, AutoencoderRecommender):
            yield model.network_.parameters
            yield model.predict(X, np.ones((4, 4))).data
            yield model.similar_users(X, X, n=2)
    network = Network([4, 2, 4], ["tanh", "identity"], dtype="float64", random_state=0)
    yield network.encode(X)
    yield network.row_losses(X, target=X)
    for scale in (None, "maxabs"):
        coder = Autoencoder((2,), scale=scale, n_epochs=2, dtype="float64", random_state=0)
        yield coder.fit(X).network_.parameters
        yield coder.transform(X)


@pytest.mark.parametrize("dtype", ONES)
@pytest.mark.parametrize("form", [csr_array, coo_array, csc_array, bsr_array])
def test_plays_one_by_one_are_their_number(dtype: Any, form: Callable[..., Any]) -> None:
    X = log(dtype, form)
    before = X.data.copy()
    for got, wanted in zip(learned(X), learned(csr_array(meant(dtype))), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)
    np.testing.assert_array_equal(X.data, before)  # nobody sorts the caller's matrix


@pytest.mark.parametrize("dtype", [np.float16, np.int8, np.bool_])
def test_arrays_of_small_types(dtype: Any) -> None:
    X = np.minimum(PLAYS, 100).astype(dtype)
    for got, wanted in zip(learned(X), learned(X.astype(np.float64)), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-5, atol=1e-7)


def test_a_sum_that_is_too_large() -> None:
    X = csr_array((np.full(2, 1e308), [1, 1], [0, 2]), shape=(1, 2))
    with pytest.raises(ValueError, match="user_items must hold finite numbers; got inf at row 0"):
        EASE(1.0).fit(X)
