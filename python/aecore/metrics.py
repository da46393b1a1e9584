"""How good rankings are: recall, NDCG, hit rate, MAP and coverage of recommendations.

All take `ids`, the recommended items of each row, the best first, as `recommend` gives them, and
`relevant`, the items held out: a sparse matrix of as many rows, where the entries that are not 0
are relevant, whatever their number. -1 in `ids` recommends nothing, nor does an item that comes
again in a row. Rows without relevant items say nothing about a ranking and are left out of every
mean; with `per_row` they are NaN.

With g_i = 1 where the i-th item is relevant, R relevant items and a cut at k:

    recall@k    sum_{i<=k} g_i / R
    ndcg@k      sum_{i<=k} g_i / log2(i + 1)  /  sum_{i<=min(k, R)} 1 / log2(i + 1)
    hit rate@k  1 if any g_i with i <= k is 1
    MAP@k       1 / min(k, R)  sum_{i<=k} g_i (sum_{j<=i} g_j) / i
    coverage@k  items in any of the first k columns / all items

References
----------
.. [1] K. Jarvelin, J. Kekalainen. Cumulated gain-based evaluation of IR techniques. ACM TOIS
   20(4), 2002. The ideal ranking is cut at k too, as in [2]_ and [3]_.
.. [2] D. Liang, R. G. Krishnan, M. D. Hoffman, T. Jebara. Variational autoencoders for
   collaborative filtering. WWW 2018. Its recall divides by min(k, R): `truncate=True`.
.. [3] X. He et al. LightGCN: simplifying and powering graph convolution network for recommendation.
   SIGIR 2020. Its recall divides by R.
.. [4] C. D. Manning, P. Raghavan, H. Schutze. Introduction to Information Retrieval. Cambridge
   University Press 2008, section 8.4: average precision.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore._checks.calls import checked
from aecore._checks.interactions import as_interactions
from aecore._checks.masked import without_mask
from aecore._checks.rules import check_params, parameter_error

__all__ = ["coverage_at_k", "hit_rate_at_k", "map_at_k", "ndcg_at_k", "recall_at_k"]


@checked
def recall_at_k(
    ids: ArrayLike,
    relevant: Any,
    k: int | None = None,
    *,
    truncate: bool = False,
    per_row: bool = False,
) -> Any:
    """Share of a row's relevant items that are among the first k.

    Parameters
    ----------
    ids : array-like of shape (n_rows, n), int
        Recommended items, the best first; -1 is none, and so is an item that a row has already.
    relevant : sparse matrix or array of shape (n_rows, n_items)
        Entries that are not 0 are relevant.
    k : int, default=None
        Columns of `ids` looked at, from 1 to n. None takes all.
    truncate : bool, default=False
        Whether to divide by min(k, R), the most that k items can reach, not by R.
    per_row : bool, default=False
        Whether to return one number for each row, not their mean.

    Returns
    -------
    float or ndarray of shape (n_rows,), float64
        In [0, 1]; the mean is NaN when no row has relevant items.

    Raises
    ------
    ValueError
        If shapes do not fit, an id is not an item, or k is not in 1 to n.
    TypeError
        If `ids` are not integers.
    """
    hits, counts = _hits(ids, relevant, k)
    most = np.minimum(counts, hits.shape[1]) if truncate else counts
    return _mean(hits.sum(axis=1), most, per_row)


@checked
def ndcg_at_k(ids: ArrayLike, relevant: Any, k: int | None = None, *, per_row: bool = False) -> Any:
    """Discounted gain of the first k, relative to a ranking with all relevant items first.

    Parameters
    ----------
    ids, relevant, k, per_row
        As in `recall_at_k`.

    Returns
    -------
    float or ndarray of shape (n_rows,), float64
        In [0, 1]. The ideal is that of min(k, R) relevant items.

    Raises
    ------
    ValueError, TypeError
        As in `recall_at_k`.
    """
    hits, counts = _hits(ids, relevant, k)
    discounts = 1.0 / np.log2(np.arange(2, hits.shape[1] + 2))
    ideal = np.concatenate([[0.0], np.cumsum(discounts)])
    return _mean(hits @ discounts, ideal[np.minimum(counts, hits.shape[1])], per_row)


@checked
def hit_rate_at_k(
    ids: ArrayLike, relevant: Any, k: int | None = None, *, per_row: bool = False
) -> Any:
    """Share of rows with a relevant item among the first k.

    Parameters
    ----------
    ids, relevant, k, per_row
        As in `recall_at_k`.

    Returns
    -------
    float or ndarray of shape (n_rows,), float64

    Raises
    ------
    ValueError, TypeError
        As in `recall_at_k`.
    """
    hits, counts = _hits(ids, relevant, k)
    return _mean(np.asarray(hits.any(axis=1)), np.minimum(counts, 1), per_row)


@checked
def map_at_k(ids: ArrayLike, relevant: Any, k: int | None = None, *, per_row: bool = False) -> Any:
    """Mean over rows of the average precision of the first k.

    Parameters
    ----------
    ids, relevant, k, per_row
        As in `recall_at_k`.

    Returns
    -------
    float or ndarray of shape (n_rows,), float64
        In [0, 1]: the sum of precisions at the hits is divided by min(k, R).

    Raises
    ------
    ValueError, TypeError
        As in `recall_at_k`.
    """
    hits, counts = _hits(ids, relevant, k)
    precision = np.cumsum(hits, axis=1) / np.arange(1, hits.shape[1] + 1)
    total = np.where(hits, precision, 0.0).sum(axis=1)
    return _mean(total, np.minimum(counts, hits.shape[1]), per_row)


@checked
def coverage_at_k(ids: ArrayLike, n_items: int, k: int | None = None) -> float:
    """Share of all items that are recommended to anybody.

    Parameters
    ----------
    ids : array-like of shape (n_rows, n), int
        As in `recall_at_k`.
    n_items : int
        Items in the catalogue, >= 1.
    k : int, default=None
        As in `recall_at_k`.

    Returns
    -------
    float
        In [0, 1].

    Raises
    ------
    ValueError, TypeError
        As in `recall_at_k`.
    """
    check_params({"n_items": n_items})
    shown = _checked_ids(ids, n_items, k)
    return float(np.unique(shown[shown >= 0]).size / n_items)


def _checked_ids(ids: ArrayLike, n_items: int, k: Any) -> NDArray[Any]:
    array = np.asarray(without_mask(ids, "ids"))
    if array.dtype.kind not in "iu":
        msg = f"ids must hold integers; got dtype {array.dtype}"
        raise TypeError(msg)
    if array.ndim != 2 or array.shape[1] == 0:
        msg = f"ids must be 2-D (n_rows, n) with columns; got shape {array.shape}"
        raise ValueError(msg)
    n = array.shape[1]
    if k is not None and not (isinstance(k, int | np.integer) and 1 <= k <= n):
        raise parameter_error("k", f"be None or an integer from 1 to {n}, the columns of ids", k)
    cut = array[:, :k]
    wrong = (cut < -1) | (cut >= n_items)
    if wrong.any():
        msg = f"ids must lie in [-1, {n_items}); got {cut[wrong][0]}"
        raise ValueError(msg)
    return _once(cut.astype(np.int64))


def _once(ids: NDArray[np.int64]) -> NDArray[np.int64]:
    """Put -1 where a row has an item again."""
    order = np.argsort(ids, axis=1, kind="stable")  # equal items by their places: the first stays
    ordered = np.take_along_axis(ids, order, axis=1)
    ordered[:, 1:][ordered[:, 1:] == ordered[:, :-1]] = -1
    np.put_along_axis(ids, order, ordered, axis=1)
    return ids


def _hits(
    ids: ArrayLike, relevant: Any, k: int | None
) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the first k of each row are relevant, (n_rows, k), and how many items are."""
    held = as_interactions(relevant, "relevant")
    n_rows, n_items = held.shape
    cut = _checked_ids(ids, n_items, k)
    if cut.shape[0] != n_rows:
        msg = f"ids must have as many rows as relevant ({n_rows}); got {cut.shape[0]}"
        raise ValueError(msg)
    rows = np.repeat(np.arange(n_rows, dtype=np.int64), np.diff(held.indptr))
    there = held.data != 0
    # One number for a pair of row and item: both are found by one sorted search.
    keys = rows[there] * n_items + held.indices[there]
    counts = np.bincount(keys // n_items, minlength=n_rows)
    asked = np.arange(n_rows, dtype=np.int64)[:, None] * n_items + cut
    hits = np.zeros(cut.shape, dtype=bool)
    if keys.size > 0:
        places = np.minimum(np.searchsorted(keys, asked), keys.size - 1)
        hits = (keys[places] == asked) & (cut >= 0)
    return hits, counts


def _mean(gain: NDArray[Any], most: NDArray[Any], per_row: bool) -> Any:
    shares = np.full(gain.shape, np.nan)
    np.divide(gain, most, out=shares, where=most > 0)
    if per_row:
        return shares
    counted = shares[most > 0]
    return float(counted.mean()) if counted.size > 0 else float("nan")
