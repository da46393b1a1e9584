"""Matrices of users by items from outside, checked before anything is read by their indices."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, issparse

from aecore._checks.frames import plain_columns
from aecore._checks.masked import as_array
from aecore._checks.sparse import check_indices, of_known_type, summable


def as_interactions(values: Any, name: str, n_items: int | None = None) -> csr_array:
    """See `values` in canonical form, without a copy where they have it already.

    The numbers of duplicates are summed; of booleans they are one. Parameters, shape and errors are
    those of `as_entries`.

    Returns
    -------
    csr_array of shape (n_rows, n_items)
        Each item once in a row, indices sorted; explicit zeros are kept.
    """
    rows = as_entries(values, name, n_items)
    if rows.has_canonical_format:
        return rows
    rows = rows.copy()
    rows.sum_duplicates()
    _check_finite(rows, name)
    return rows


def as_entries(values: Any, name: str, n_items: int | None = None) -> csr_array:
    """See `values` as CSR, without a copy where it is CSR already.

    Parameters
    ----------
    values : sparse matrix or array of shape (n_rows, n_items) or (n_items,)
        Any SciPy format, or dense; one row may be 1-D. Duplicates, any order of the indices and
        explicit zeros are welcome and kept.
    name : str
        What the caller calls it, for the messages.
    n_items : int, default=None
        The number of columns asked for.

    Returns
    -------
    csr_array of shape (n_rows, n_items)
        With int32 or int64 indices, all of them in range, and finite numbers.

    Raises
    ------
    ValueError
        If the shape is wrong, the indices are not those of a CSR matrix, or a number is not finite.
    TypeError
        If it does not hold real numbers.
    """
    values = plain_columns(values, name)
    given = values if issparse(values) else as_array(values, name)
    if given.dtype.kind not in "fiub":
        msg = f"{name} must hold real numbers; got dtype {given.dtype}"
        raise TypeError(msg)
    if issparse(given):
        check_indices(given, name)
        given = summable(of_known_type(given))
    elif given.dtype.itemsize == 2 and given.dtype.kind == "f":
        given = given.astype(np.float32)  # SciPy has no sparse float16
    if given.ndim == 1:
        given = given.reshape(1, -1)
    if given.ndim != 2 or 0 in given.shape:
        msg = f"{name} must be 2-D (n_users, n_items), or one row; got shape {given.shape}"
        raise ValueError(msg)
    if n_items is not None and given.shape[1] != n_items:
        msg = f"{name} must have {n_items} columns, one for each item; got shape {given.shape}"
        raise ValueError(msg)
    rows = csr_array(given)
    _check_finite(rows, name)
    return rows


def _check_finite(rows: csr_array, name: str) -> None:
    if not np.isfinite(rows.data).all():
        place = int(np.flatnonzero(~np.isfinite(rows.data))[0])
        row = int(np.searchsorted(rows.indptr, place, side="right")) - 1
        msg = (
            f"{name} must hold finite numbers; got {rows.data[place]} at row {row}, "
            f"column {rows.indices[place]}"
        )
        raise ValueError(msg)


def pattern(rows: csr_array) -> csr_array:
    """Ones in float32 at the entries of `rows`, whose indices are shared."""
    ones = np.ones(rows.nnz, np.float32)
    return csr_array((ones, rows.indices, rows.indptr), shape=rows.shape)


def without_zeros(rows: csr_array) -> csr_array:
    """Leave out entries that are stored but 0; `rows` itself is returned if it has none."""
    if rows.data.all():
        return rows
    kept = rows.copy()
    kept.eliminate_zeros()
    return kept


def popularity(rows: csr_array) -> NDArray[np.float32]:
    """Count the rows that have an entry for each item, (n_items,)."""
    return np.bincount(rows.indices, minlength=rows.shape[1]).astype(np.float32)


def unit_rows(rows: csr_array) -> csr_array:
    """Rows in canonical form divided by their Euclidean lengths."""
    squares = _row_sums(rows, rows.data.astype(np.float64) ** 2)
    lengths = np.sqrt(np.where(squares > 0, squares, 1.0))
    return _with_data(rows, rows.data / np.repeat(lengths, np.diff(rows.indptr)))


def row_means(rows: csr_array, prior: float, weight: float = 5.0) -> NDArray[Any]:
    """Average the entries of each row as if there were `weight` more of them, all equal to `prior`.

    Returns an array of shape (n_rows,), of the dtype of the rows.
    """
    sums = _row_sums(rows, rows.data.astype(np.float64)) + weight * prior
    means: NDArray[Any] = (sums / (np.diff(rows.indptr) + weight)).astype(rows.dtype)
    return means


def centre(rows: csr_array, means: NDArray[Any]) -> csr_array:
    """Subtract means[i] from the entries of row i; entries that become 0 stay."""
    return _with_data(rows, rows.data - np.repeat(means, np.diff(rows.indptr)))


def _with_data(rows: csr_array, data: NDArray[Any]) -> csr_array:
    typed = data.astype(rows.dtype, copy=False)
    return csr_array((typed, rows.indices, rows.indptr), shape=rows.shape)


def _row_sums(rows: csr_array, values: NDArray[np.float64]) -> NDArray[np.float64]:
    # One row after the other: the sum of a row does not depend on its neighbours.
    n_rows = rows.shape[0]
    where = np.repeat(np.arange(n_rows), np.diff(rows.indptr))
    return np.bincount(where, weights=values, minlength=n_rows).astype(np.float64)
