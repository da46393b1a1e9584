"""Sparse rows: SciPy's matrices and arrays, seen as CSR, and what is learned from their entries.

What is CSR already reaches the core as it is; SciPy converts other formats. Nothing here imports
SciPy before somebody else has: until then no argument can be sparse.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from aecore import _core

_BLOCK_ROWS = 256


def is_sparse(values: Any) -> bool:
    """Whether `values` is one of SciPy's sparse matrices or arrays."""
    module = sys.modules.get("scipy.sparse")
    return module is not None and bool(module.issparse(values))


def check_indices(values: Any, name: str) -> None:
    """Check the indices before SciPy gets them: its loops trust them, and write where they point.

    Parameters
    ----------
    values : scipy.sparse matrix or array
        In CSR, CSC, BSR or COO; other formats have no such arrays.
    name : str
        What the caller calls it, for the messages.

    Raises
    ------
    ValueError
        If an index leads out of the matrix, or out of the entries.
    """
    rows, columns = (1, *values.shape)[-2:]
    if values.format == "coo":
        _check_lengths(values, name)
        _check_range(values.row, rows, "row indices", name)
        _check_range(values.col, columns, "column indices", name)
    elif values.format in ("csr", "csc", "bsr"):
        if values.format == "csc":
            rows, columns = columns, rows
        elif values.format == "bsr":
            rows, columns = rows // values.blocksize[0], columns // values.blocksize[1]
        indptr = values.indptr
        _check_integers(indptr, "indptr", name)  # differences of unsigned ones are never negative
        ordered = indptr.shape == (rows + 1,) and indptr[0] == 0 and (np.diff(indptr) >= 0).all()
        if not ordered or indptr[-1] > min(len(values.indices), len(values.data)):
            msg = f"{name} must have an indptr that rises from 0 to its number of entries"
            raise ValueError(msg)
        _check_range(values.indices[: indptr[-1]], columns, "indices", name)


def _check_lengths(values: Any, name: str) -> None:
    """A COO matrix has as many rows and columns as numbers."""
    lengths = [len(array) for array in (values.data, values.row, values.col)]
    if len(set(lengths)) > 1:
        msg = f"{name} must have a row and a column for each of its numbers; got {lengths}"
        raise ValueError(msg)


def _check_integers(indices: Any, kind: str, name: str) -> None:
    if indices.dtype.kind != "i" or indices.ndim != 1:
        got = f"dtype {indices.dtype}, shape {indices.shape}"
        msg = f"{name} must have {kind} of signed integers in one dimension; got {got}"
        raise ValueError(msg)


def _check_range(indices: Any, size: int, kind: str, name: str) -> None:
    _check_integers(indices, kind, name)
    if indices.size > 0 and (indices.min() < 0 or indices.max() >= size):
        wrong = indices[(indices < 0) | (indices >= size)][0]
        msg = f"{name} must have {kind} in [0, {size}); got {wrong}"
        raise ValueError(msg)


def summable(values: Any) -> Any:
    """See sparse integers as float64 where they may have duplicates: sums of int8 wrap around.

    Booleans stay: SciPy sums them to True, and duplicates of booleans are one.
    """
    if values.dtype.kind not in "iu" or getattr(values, "has_canonical_format", True):
        return values
    return values.astype(np.float64)


def of_known_type(values: Any) -> Any:
    """See sparse half precision and foreign byte order as types that SciPy's loops have."""
    if values.dtype.kind == "f" and values.dtype.itemsize == 2:
        return values.astype(np.float32)
    return values if values.dtype.isnative else values.astype(values.dtype.newbyteorder("="))


def before_conversion(values: Any, name: str) -> Any:
    """Make sparse `values` ready for SciPy; the indices of CSR are checked and summed by the core.

    Raises
    ------
    ValueError
        As in `check_indices`.
    """
    if not is_sparse(values):
        return values
    if values.format == "csr" and values.ndim == 2:
        return of_known_type(values)
    check_indices(values, name)
    return summable(of_known_type(values))


def as_sparse_rows(values: Any, n_columns: int, name: str) -> Any:
    """See sparse `values` as rows in CSR; 1-D becomes one row.

    Parameters
    ----------
    values : scipy.sparse matrix or array of shape (n_rows, n_columns) or (n_columns,)
    n_columns : int
        The width the network asks for.
    name : str
        What the caller calls it, for the messages.
    """
    if values.dtype.kind not in "fiub":
        msg = f"{name} must hold real numbers; got dtype {values.dtype}"
        raise TypeError(msg)
    if values.ndim not in (1, 2):
        msg = f"{name} must be 2-D (n_rows, {n_columns}) or one row; got shape {values.shape}"
        raise ValueError(msg)
    values = before_conversion(values, name)
    rows = (values.reshape(1, -1) if values.ndim == 1 else values).tocsr()
    if rows.shape[1] != n_columns:
        msg = f"{name} must have {n_columns} columns; got {rows.shape[1]}, shape {values.shape}"
        raise ValueError(msg)
    if rows.shape[0] == 0:
        msg = f"{name} must have at least one row; got shape {values.shape}"
        raise ValueError(msg)
    return rows


def stack_rows(X: Any, more: Any, name: str) -> Any:
    """Copy the rows of X and `more` into one matrix, or one array.

    Raises
    ------
    ValueError
        If one is sparse and the other is not, or an index leads out of a matrix.
    """
    if is_sparse(X) != is_sparse(more):
        kinds = ["sparse" if is_sparse(rows) else "an array" for rows in (X, more)]
        msg = f"{name} must be {kinds[0]} as X is; got {kinds[1]}"
        raise ValueError(msg)
    if not is_sparse(X):
        return np.concatenate([X, more])
    from scipy.sparse import vstack

    _core.check_sparse(X, "X")
    _core.check_sparse(more, name)
    return vstack([X, more], format="csr")


def _blocks(X: Any, taken: NDArray[np.int64]) -> Iterator[tuple[int, Any]]:
    """Copy the `taken` rows in blocks, duplicates summed; yield each with the place of its start.

    Raises
    ------
    ValueError
        If an index leads out of the matrix: SciPy would read whatever memory lies there.
    """
    _core.check_sparse(X, "X")
    for start in range(0, taken.shape[0], _BLOCK_ROWS):
        block = summable(X[taken[start : start + _BLOCK_ROWS]])
        block.sum_duplicates()
        yield start, block


def sparse_sums(
    X: Any, taken: NDArray[np.int64], weights: NDArray[np.float64], dtype: DTypeLike
) -> NDArray[np.float64]:
    """Sum the `taken` rows of X, rounded to `dtype`, times their `weights`.

    The order of the additions is that of `aecore._network.initialization.column_means`.
    """
    total = np.zeros(X.shape[1])
    for start, block in _blocks(X, taken):
        values = block.data.astype(dtype).astype(np.float64)
        values *= np.repeat(weights[start : start + _BLOCK_ROWS], np.diff(block.indptr))
        total += np.bincount(block.indices, values, X.shape[1])
    return total


def sparse_row_sums(X: Any) -> NDArray[np.float64]:
    """Sum each row of X."""
    sums = np.empty(X.shape[0])
    for start, block in _blocks(X, np.arange(X.shape[0])):
        n_rows = block.shape[0]
        rows = np.repeat(np.arange(n_rows), np.diff(block.indptr))
        values = block.data.astype(np.float64)
        sums[start : start + n_rows] = np.bincount(rows, values, n_rows)
    return sums


def largest_magnitudes(X: Any, rows: NDArray[np.int64] | None) -> NDArray[np.float64]:
    """Find the largest magnitude in each column of the `rows` of X (None: all)."""
    largest = np.zeros(X.shape[1])
    for _, block in _blocks(X, np.arange(X.shape[0]) if rows is None else rows):
        np.fmax.at(largest, block.indices, np.abs(block.data.astype(np.float64)))
    return largest
