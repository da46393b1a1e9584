"""What a recommender has to beat: popularity, and item-kNN by cosine."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack

from aecore._checks.interactions import popularity
from aecore._recommending.base import BaseRecommender

_BLOCK = 512


class Popularity(BaseRecommender):
    """Recommends to everybody what most users had."""

    n_threads = None

    def fit(self, user_items: csr_array) -> Popularity:
        """Count."""
        self.popularity_ = popularity(user_items)
        return self

    def _scorer(self, rows: csr_array) -> Any:
        del rows
        return lambda part: np.tile(self.popularity_, (part.stop - part.start, 1))

    def _similarities(self, ids: NDArray[np.int64]) -> NDArray[Any]:
        """Items are as similar to each other as they are popular."""
        return np.tile(self.popularity_, (len(ids), 1))


class ItemKNN(Popularity):
    """An item's score is the sum of its cosines to the items that the user had.

    Of each item's cosines the `n_neighbours` largest count. B. Sarwar, G. Karypis, J. Konstan,
    J. Riedl. Item-based collaborative filtering recommendation algorithms. WWW 2001.
    """

    def __init__(self, n_neighbours: int) -> None:
        self.n_neighbours = n_neighbours

    def fit(self, user_items: csr_array) -> ItemKNN:
        """Find the neighbours of each item."""
        super().fit(user_items)
        lengths = np.sqrt(np.maximum(self.popularity_, 1.0))
        unit = csr_array(user_items.multiply(1.0 / lengths)).tocsc()
        rows = [
            _largest((unit[:, start : start + _BLOCK].T @ unit).toarray(), start, self.n_neighbours)
            for start in range(0, unit.shape[1], _BLOCK)
        ]
        self.neighbours_ = vstack(rows).T.tocsr()
        return self

    def _scorer(self, rows: csr_array) -> Any:
        return lambda part: (rows[part] @ self.neighbours_).toarray()

    def _similarities(self, ids: NDArray[np.int64]) -> NDArray[Any]:
        cosines: NDArray[Any] = self.neighbours_[:, ids].T.toarray()
        return cosines


def _largest(cosines: NDArray[Any], start: int, n: int) -> csr_array:
    """The n largest of each row, without the cosine of an item with itself."""
    own = np.arange(len(cosines))
    cosines[own, start + own] = 0
    n = min(n, cosines.shape[1])
    columns = np.argpartition(-cosines, n - 1, axis=1)[:, :n]
    values = np.take_along_axis(cosines, columns, axis=1)
    indptr = np.arange(len(cosines) + 1) * n
    kept = csr_array((values.ravel(), columns.ravel(), indptr), shape=cosines.shape)
    kept.eliminate_zeros()
    return kept
