"""`EASE`: the closed-form linear autoencoder that a neural recommender has to beat."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy.linalg import lapack
from scipy.sparse import csr_array
from threadpoolctl import threadpool_limits

from aecore import _core
from aecore._checks.ignored import ignore_labels
from aecore._checks.interactions import as_interactions, popularity, without_zeros
from aecore._checks.rules import check_params
from aecore._recommending.base import BaseRecommender, Scorer
from aecore._saving.learned import Array, Learned
from aecore._util.memory import available_memory, size_text

if TYPE_CHECKING:
    from typing_extensions import Self

_BLOCK = 1024  # columns of a square matrix that are worked on at a time


class EASE(BaseRecommender):
    """Recommend by a linear model from all items to all items, solved in closed form [1]_.

    The item weights B minimise ||X - X B||^2 + lambda ||B||^2 under diag(B) = 0 for the user x item
    matrix X: with P = (X^T X + lambda I)^-1,

        B_ij = -P_ij / P_jj  for i != j,  B_jj = 0

    and a user with row x has the scores x B. Time grows with the cube of the number of items,
    memory with its square.

    Parameters
    ----------
    weight_decay : float, default=500.0
        lambda >= 0, of the order of 100 to 1000 for 0 and 1 in X.
    dtype : {"float32", "float64"}, default="float32"
        Type of B and of the solve.
    n_threads : int, default=None
        Threads, >= 1, of the solve by LAPACK and of the rankings. None takes what OpenMP, the CPU
        affinity and the control group allow. The last bits of B depend on it.

    Attributes
    ----------
    item_weights_ : ndarray of shape (n_items, n_items)
        B, of `dtype`.
    popularity_ : ndarray of shape (n_items,), float32
        Users who had each item.
    n_features_in_ : int
        Number of items.

    See Also
    --------
    AutoencoderRecommender : The same interface, with hidden layers.

    Notes
    -----
    `similar_items` has B_ij as the score of j beside i: how much having i counts for j.

    References
    ----------
    .. [1] H. Steck. Embarrassingly shallow autoencoders for sparse data. WWW 2019.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import EASE
    >>> user_items = np.array([[1, 1, 0, 0], [1, 1, 1, 0], [0, 1, 1, 0], [0, 0, 1, 1]])
    >>> ids, scores = EASE(weight_decay=1.0).fit(user_items).recommend([1, 0, 0, 0], n=2)
    >>> ids
    array([[1, 3]], dtype=int32)
    """

    _learned: ClassVar[dict[str, Learned]] = {
        "item_weights_": Array("n_features_in_", "n_features_in_")
    }
    _always_learned = ("item_weights_",)

    def __init__(
        self,
        weight_decay: float = 500.0,
        *,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
    ) -> None:
        self.weight_decay = weight_decay
        self.dtype = dtype
        self.n_threads = n_threads

    def fit(self, user_items: Any, y: Any = None) -> Self:
        """Solve for the item weights.

        Parameters
        ----------
        user_items : sparse matrix or array of shape (n_users, n_items)
            1 for what a user had, or numbers that say how much of it; nothing for the others.
        y : None
            Ignored, present for scikit-learn's sake, with a warning where it has the shape of
            `user_items`.

        Returns
        -------
        self : EASE

        Raises
        ------
        ValueError
            If a parameter breaks its rule, `user_items` is not a valid matrix of finite numbers, or
            `weight_decay` is too small for a solve in `dtype`.
        TypeError
            If `user_items` does not hold real numbers.
        MemoryError
            If n_items^2 numbers do not fit into the memory that is available.
        RuntimeError
            If another thread is fitting this estimator.
        """
        ignore_labels(y, user_items)
        with self._exclusive():
            self._publish(self._solved(user_items))
        return self

    def _solved(self, user_items: Any) -> dict[str, Any]:
        """Compute all that `fit` learns."""
        check_params(self.get_params())
        X = without_zeros(as_interactions(user_items, "user_items"))
        dtype = np.dtype(self.dtype)
        _check_memory(X.shape[1], dtype)
        with threadpool_limits(self.n_threads or _core.default_n_threads(), user_api="blas"):
            weights = _solve(X, float(self.weight_decay), dtype)
        return {
            "popularity_": popularity(X),
            "n_features_in_": X.shape[1],
            "item_weights_": weights,
        }

    def _scorer(self, rows: csr_array) -> Scorer:
        typed = rows.astype(self.item_weights_.dtype, copy=False)
        return lambda part: typed[part] @ self.item_weights_

    def _similarities(self, ids: NDArray[np.int64]) -> NDArray[Any]:
        return np.ascontiguousarray(self.item_weights_[ids])


def _check_memory(n_items: int, dtype: np.dtype[Any]) -> None:
    needed = n_items * n_items * dtype.itemsize
    there = available_memory()
    if there is not None and needed > there:
        msg = (
            f"EASE needs {size_text(needed)} ({needed} bytes) for {n_items} x {n_items} item "
            f"weights of {dtype}; {size_text(there)} are available. Take fewer items, or "
            "AutoencoderRecommender, whose memory grows with the number of items alone"
        )
        raise MemoryError(msg)


def _solve(X: csr_array, weight_decay: float, dtype: np.dtype[Any]) -> NDArray[Any]:
    """B of X in one square matrix: the Gram matrix, its factor and its inverse take its place."""
    square = _upper_gram(X.astype(dtype, copy=False))
    diagonal = np.einsum("ii->i", square)
    diagonal += dtype.type(weight_decay)
    # LAPACK works by columns: for it the upper triangle of the rows is the lower one.
    factorise, invert = (lapack.spotrf, lapack.spotri)
    if dtype == np.float64:
        factorise, invert = (lapack.dpotrf, lapack.dpotri)
    _, failed = factorise(square.T, lower=1, clean=0, overwrite_a=1)
    if failed == 0:
        _, failed = invert(square.T, lower=1, overwrite_c=1)
    if failed != 0:
        rule = "be larger: the Gram matrix of the items plus weight_decay is singular in"
        msg = f"weight_decay must {rule} {dtype}; got {weight_decay}"
        raise ValueError(msg)
    scale = -1.0 / diagonal
    _mirror(square)
    for start in range(0, len(square), _BLOCK):
        square[start : start + _BLOCK] *= scale
    diagonal[:] = 0
    return square


def _upper_gram(X: csr_array) -> NDArray[Any]:
    """Rows of X^T X from the diagonal on; what is left of it is not set."""
    n_items = X.shape[1]
    gram = np.empty((n_items, n_items), X.dtype)
    by_item = X.T.tocsr()
    for start in range(0, n_items, _BLOCK):
        stop = min(start + _BLOCK, n_items)
        gram[start:stop, start:] = (by_item[start:stop] @ by_item[start:].T).toarray()
    return gram


def _mirror(square: NDArray[Any]) -> None:
    """Copy the upper triangle to the lower one."""
    n = len(square)
    for start in range(0, n, _BLOCK):
        stop = min(start + _BLOCK, n)
        corner = square[start:stop, start:stop]
        corner[:] = np.triu(corner) + np.triu(corner, 1).T
        for next_start in range(stop, n, _BLOCK):
            next_stop = min(next_start + _BLOCK, n)
            square[next_start:next_stop, start:stop] = square[start:stop, next_start:next_stop].T
