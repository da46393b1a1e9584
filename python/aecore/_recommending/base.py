"""What every recommender does with its scores of all items: rankings, a block of rows at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import csr_array, issparse
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from aecore import _core
from aecore._checks.interactions import as_entries, as_interactions, pattern, without_zeros
from aecore._checks.masked import as_array
from aecore._checks.rules import check_params
from aecore._files.streams import Target
from aecore._saving.learned import COUNT, Array, Learned
from aecore._saving.model import Model

if TYPE_CHECKING:
    from sklearn.utils import Tags

# Scores held at a time: 64 MB of float32.
_BLOCK_SCORES = 2**24

Scorer = Callable[[slice], NDArray[Any]]


class BaseRecommender(Model, BaseEstimator, ABC):  # type: ignore[misc]
    """Recommendations from scores: a subclass learns, and scores items for rows.

    `fit` leaves `popularity_`. A subclass has `_scorer(rows)`, which gives a function from a slice
    of the rows to their scores (n, n_items), float32 or float64 to be written to, and
    `_similarities(ids)`, the scores of all items as neighbours of some.
    """

    popularity_: NDArray[np.float32]
    _learned: ClassVar[dict[str, Learned]] = {
        "n_features_in_": COUNT,
        "popularity_": Array("n_features_in_"),
    }
    _always_learned: ClassVar[tuple[str, ...]] = ("n_features_in_", "popularity_")

    def recommend(
        self,
        user_items: Any,
        n: int = 10,
        *,
        filter_seen: bool = True,
        items: ArrayLike | None = None,
        exclude: Any = None,
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Rank items for users by what they had so far, known users or new ones alike.

        Scores of all users at once are never held. A user without history gets the most popular
        items, with the number of users who had them in `fit` as scores.

        Parameters
        ----------
        user_items : sparse matrix or array of shape (n_users, n_items) or (n_items,)
            A row for each user, on the scale of `fit`; 1-D is one user. Zeros that are stored
            count as nothing, except among ratings.
        n : int, default=10
            Items to recommend, >= 1; may be more than there are.
        filter_seen : bool, default=True
            Whether items that have an entry in a user's row are left out.
        items : array-like of int, default=None
            Recommend none but these. None allows all.
        exclude : array-like of int, or sparse matrix of shape (n_users, n_items), default=None
            Recommend none of these: to anybody, or to the user in whose row there is an entry
            other than 0.

        Returns
        -------
        ids : ndarray of shape (n_users, n), int32
            Items, the best first, the lower id first in a tie; -1 where no item is left.
        scores : ndarray of shape (n_users, n), float32
            Their scores, comparable within a row; -inf beside -1.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError
            If a shape is wrong, an index is not an item, or a number is not finite.
        TypeError
            If `user_items` does not hold real numbers, or ids are not integers.
        """
        check_is_fitted(self, "popularity_")
        check_params({"n": n, "filter_seen": filter_seen})
        rows = self._had(user_items, "user_items")
        excluded, allowed = self._excluded(rows, filter_seen, items, exclude)
        ids = np.empty((rows.shape[0], n), np.int32)
        scores = np.empty((rows.shape[0], n), np.float32)
        self._top_n(rows, excluded, allowed, ids, scores)
        return ids, scores

    def rank(
        self,
        user_items: Any,
        held_out: Any,
        *,
        filter_seen: bool = True,
        items: ArrayLike | None = None,
        exclude: Any = None,
    ) -> csr_array:
        """Find the places of held-out items in the whole ranking of each user.

        `recommend(user_items, k)` holds the items with a place of at most k, so that any figure for
        any k can be had from them: a hit at k, the mean reciprocal rank, the mean percentile.

        Parameters
        ----------
        user_items, filter_seen, items, exclude
            As in `recommend`.
        held_out : sparse matrix or array of shape (n_users, n_items)
            Its entries are the items to be placed, whatever their numbers.

        Returns
        -------
        csr_array of shape (n_users, n_items), int32
            The entries of `held_out` in its order: 1 for the best item of a user, 0 for one that
            is filtered out.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `recommend`.
        """
        check_is_fitted(self, "popularity_")
        check_params({"filter_seen": filter_seen})
        rows = self._had(user_items, "user_items")
        asked = same_rows(as_entries(held_out, "held_out", self._n_items), rows, "held_out")
        excluded, allowed = self._excluded(rows, filter_seen, items, exclude)
        places = np.empty(asked.nnz, np.int32)
        for part, block in self._score_blocks(rows):
            asked_indptr, asked_indices = entries(asked, part)
            indptr, indices = entries(excluded, part)
            _core.places(
                block,
                asked_indptr,
                asked_indices,
                places[asked.indptr[part.start] : asked.indptr[part.stop]],
                indptr=indptr,
                indices=indices,
                allowed=allowed,
                n_threads=self._core_threads,
            )
        return csr_array((places, asked.indices, asked.indptr), shape=asked.shape)

    def similar_items(
        self, ids: ArrayLike, n: int = 10
    ) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
        """Find the items nearest to each of some; the class says by which measure.

        Parameters
        ----------
        ids : int or array-like of int of shape (n_rows,)
            Items.
        n : int, default=10
            Neighbours of each, >= 1; an item is not its own neighbour.

        Returns
        -------
        ids : ndarray of shape (n_rows, n), int32
        scores : ndarray of shape (n_rows, n), float32
            As in `recommend`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `recommend`.
        """
        check_is_fitted(self, "popularity_")
        check_params({"n": n})
        rows = _as_ids(ids, self._n_items, "ids")
        own = rows[:, None].astype(np.int32)
        neighbours = np.empty((len(rows), n), np.int32)
        scores = np.empty((len(rows), n), np.float32)
        for part in blocks(len(rows), self._n_items):
            block = self._similarities(rows[part])
            indptr = np.arange(len(block) + 1, dtype=np.int32)
            _core.top_n(
                block,
                neighbours[part],
                scores[part],
                indptr=indptr,
                indices=own[part].ravel(),
                n_threads=self._core_threads,
            )
        return neighbours, scores

    def save(self, path: Target) -> None:  # type: ignore[override]
        """Write the recommender to a file that `aecore.load` reads; docs/models.md says more.

        Parameters
        ----------
        path : str, path-like or binary file object
            A file object is open for writing in binary mode; it is written to where it stands and
            stays open, and what it has got of a write that fails is left there.

        Raises
        ------
        OSError
            If the file cannot be written.
        TypeError
            If it is of a class of your own, or `path` is none of these.
        ValueError
            If a parameter breaks its rule, or is an object of a class of your own.
        """
        super().save(path)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    @abstractmethod
    def _scorer(self, rows: csr_array) -> Scorer:
        """Return a function that computes the scores of all items for a slice of `rows`."""

    @abstractmethod
    def _similarities(self, ids: NDArray[np.int64]) -> NDArray[Any]:
        """Score all items as neighbours of each of these."""

    def _had(self, values: Any, name: str) -> csr_array:
        """Read what users had; zeros that are stored stand for nothing and are left out."""
        return without_zeros(as_interactions(values, name, self._n_items))

    @property
    def _n_items(self) -> int:
        return int(self.popularity_.shape[0])

    @property
    def _core_threads(self) -> int:
        return int(self.n_threads or 0)

    def _top_n(
        self,
        rows: csr_array,
        excluded: csr_array | None,
        allowed: NDArray[np.uint8] | None,
        ids: NDArray[np.int32],
        scores: NDArray[np.float32],
    ) -> None:
        """Write the best of each row."""
        for part, block in self._score_blocks(rows):
            indptr, indices = entries(excluded, part)
            _core.top_n(
                block,
                ids[part],
                scores[part],
                indptr=indptr,
                indices=indices,
                allowed=allowed,
                n_threads=self._core_threads,
            )

    def _score_blocks(self, rows: csr_array) -> Iterator[tuple[slice, NDArray[Any]]]:
        score = self._scorer(rows)
        without_history = np.diff(rows.indptr) == 0
        for part in blocks(*rows.shape):
            block = np.ascontiguousarray(score(part))
            block[without_history[part]] = self.popularity_
            yield part, block

    def _excluded(
        self, rows: csr_array, filter_seen: bool, items: ArrayLike | None, exclude: Any
    ) -> tuple[csr_array | None, NDArray[np.uint8] | None]:
        """Return what is left out of each row's ranking, and which items may be ranked at all."""
        excluded = rows if filter_seen else None
        allowed = None
        if items is not None:
            allowed = np.zeros(self._n_items, np.uint8)
            allowed[_as_ids(items, self._n_items, "items")] = 1
        if issparse(exclude):
            more = as_interactions(exclude, "exclude", self._n_items)
            more = same_rows(without_zeros(more), rows, "exclude")
            excluded = more if excluded is None else pattern(excluded) + pattern(more)
        elif exclude is not None:
            allowed = np.ones(self._n_items, np.uint8) if allowed is None else allowed
            allowed[_as_ids(exclude, self._n_items, "exclude")] = 0
        return excluded, allowed


def blocks(n_rows: int, n_items: int) -> Iterator[slice]:
    """Cut rows into blocks of at most 64 MB of scores, or one row."""
    size = max(1, _BLOCK_SCORES // n_items)
    for start in range(0, n_rows, size):
        yield slice(start, min(start + size, n_rows))


def entries(rows: csr_array | None, part: slice) -> tuple[Any, Any]:
    """Give indptr and indices of the rows in `part`; None and None where `rows` is None."""
    if rows is None:
        return None, None
    start, end = rows.indptr[part.start], rows.indptr[part.stop]
    indptr = rows.indptr[part.start : part.stop + 1] - start
    return indptr, np.ascontiguousarray(rows.indices[start:end])


def same_rows(asked: csr_array, rows: csr_array, name: str) -> csr_array:
    """Return `asked`, or raise ValueError unless it has a row for each of `rows`."""
    if asked.shape[0] != rows.shape[0]:
        msg = f"{name} must have as many rows as user_items ({rows.shape[0]}); got {asked.shape[0]}"
        raise ValueError(msg)
    return asked


def _as_ids(values: ArrayLike, n_items: int, name: str) -> NDArray[np.int64]:
    array = np.atleast_1d(as_array(values, name))
    if array.size == 0:
        array = array.astype(np.int64)
    if array.dtype.kind not in "iu":
        msg = f"{name} must hold integers; got dtype {array.dtype}"
        raise TypeError(msg)
    if array.ndim != 1:
        msg = f"{name} must be 1-D; got shape {array.shape}"
        raise ValueError(msg)
    wrong = (array < 0) | (array >= n_items)
    if wrong.any():
        msg = f"{name} must lie in [0, {n_items}); got {array[wrong][0]}"
        raise ValueError(msg)
    return array.astype(np.int64)
