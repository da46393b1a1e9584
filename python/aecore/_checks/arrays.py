"""The one place where arrays from outside are looked at before the core takes their pointers.

Nothing is cast or copied here: the core converts rows as it gathers them, and checks there that
they are finite. `TypeError` means the wrong kind (strings, objects, complex), `ValueError` the
wrong shape.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from aecore._checks.frames import plain_columns
from aecore._checks.masked import as_array
from aecore._checks.sparse import as_sparse_rows, is_sparse

# Weights of up to 2 to this power and down to its inverse stay as they are.
_LARGEST_EXPONENT = 300
_ALIGNMENT = 64  # bytes: a cache line, and the widest vector register


def aligned_zeros(size: int, dtype: DTypeLike) -> NDArray[Any]:
    """Make zeros of shape (size,) that start on a 64-byte boundary, in a plain array."""
    n_bytes = size * np.dtype(dtype).itemsize
    buffer = np.zeros(n_bytes + _ALIGNMENT, dtype=np.uint8)
    # Not buffer.ctypes.data: that makes an object of ctypes first, which takes 5 us.
    address: int = buffer.__array_interface__["data"][0]
    start = -address % _ALIGNMENT
    return buffer[start : start + n_bytes].view(dtype)


def as_rows(values: Any, n_columns: int, name: str, *, missing: bool = False) -> Any:
    """See rows of numbers as a 2-D array of their own dtype and strides; 1-D becomes one row.

    SciPy's sparse rows become CSR.

    Parameters
    ----------
    values : array-like of shape (n_rows, n_columns) or (n_columns,)
    n_columns : int
        The width the network asks for.
    name : str
        What the caller calls it, for the messages.
    missing : bool, default=False
        Whether masked numbers become NaN, or an error.
    """
    if is_sparse(values):
        return as_sparse_rows(values, n_columns, name)
    values = plain_columns(values, name)
    array = as_array(values, name, missing=missing)
    if array.dtype.kind not in "fiub":
        msg = f"{name} must hold real numbers; got dtype {array.dtype}"
        raise TypeError(msg)
    if array.ndim not in (1, 2):
        msg = f"{name} must be 2-D (n_rows, {n_columns}) or one row; got shape {array.shape}"
        raise ValueError(msg)
    rows = array.reshape(1, -1) if array.ndim == 1 else array
    if rows.shape[1] != n_columns:
        msg = f"{name} must have {n_columns} columns; got {rows.shape[1]}, shape {array.shape}"
        raise ValueError(msg)
    if rows.shape[0] == 0:
        msg = f"{name} must have at least one row; got shape {array.shape}"
        raise ValueError(msg)
    return rows


def as_target(
    target: Any, n_rows: int, n_columns: int, *, name: str = "target", missing: bool = False
) -> Any:
    """See `target` as rows, one for each row of X; None stays (the target is X itself)."""
    if target is None:
        return None
    rows = as_rows(target, n_columns, name, missing=missing)
    if rows.shape[0] != n_rows:
        msg = f"{name} must have as many rows as X ({n_rows}); got {rows.shape[0]}"
        raise ValueError(msg)
    return rows


def as_sample_weight(sample_weight: Any, n_rows: int) -> NDArray[np.float64] | None:
    """Read weights as float64 of shape (n_rows,): finite, >= 0, not all zero; None stays."""
    if sample_weight is None:
        return None
    array = as_array(sample_weight, "sample_weight")
    if array.dtype.kind not in "fiub":
        msg = f"sample_weight must hold real numbers; got dtype {array.dtype}"
        raise TypeError(msg)
    if array.shape != (n_rows,):
        msg = f"sample_weight must have shape ({n_rows},); got {array.shape}"
        raise ValueError(msg)
    with np.errstate(over="ignore"):  # infinite then
        weights = np.ascontiguousarray(array, dtype=np.float64)
    wrong = ~(np.isfinite(weights) & (weights >= 0))
    if wrong.any():
        row = int(np.argmax(wrong))
        msg = f"sample_weight must be finite and >= 0; got {weights[row]} at row {row}"
        raise ValueError(msg)
    if not weights.any():
        msg = "sample_weight must hold at least one number > 0; got zero weight for every row"
        raise ValueError(msg)
    return in_range(weights)


def in_range(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply huge and tiny weights >= 0 by a power of two, so that sums and products are finite.

    Only their ratios matter, which stay as they are; and so do weights of usual size.
    """
    exponent = int(np.frexp(weights.max())[1])
    return weights if abs(exponent) <= _LARGEST_EXPONENT else np.ldexp(weights, -exponent)


def output_rows(out: Any, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Make a result of this shape, or take `out` if the core can write into it."""
    if out is None:
        return np.empty(shape, dtype)
    fits = (
        isinstance(out, np.ndarray)
        and out.shape == shape
        and out.dtype == dtype
        and out.dtype.isnative
        and out.flags.c_contiguous
        and out.flags.writeable
        and out.flags.aligned
    )
    if not fits:
        got = f"{out.dtype} of shape {out.shape}" if isinstance(out, np.ndarray) else type(out)
        msg = f"out must be a writable C-contiguous {dtype} array of shape {shape}; got {got}"
        raise ValueError(msg)
    return out  # type: ignore[no-any-return]


def refuse_overlap(out: NDArray[Any], other: Any, name: str) -> None:
    """Raise ValueError when `out` lies on memory that is still to be read."""
    parts = (other.data, other.indices, other.indptr) if is_sparse(other) else (other,)
    if any(np.may_share_memory(out, part) for part in parts):
        msg = f"out must not overlap {name}; got memory that both share"
        raise ValueError(msg)
