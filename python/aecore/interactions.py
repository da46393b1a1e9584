"""`Interactions`: tables of who had what, with ids of any kind, as sparse matrices and back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse import coo_array, csr_array

from aecore._checks.calls import check_calls
from aecore._checks.masked import without_mask
from aecore._checks.rules import parameter_error

if TYPE_CHECKING:
    from typing_extensions import Self

_DUPLICATES = ("sum", "last")


@check_calls
@dataclass(frozen=True, eq=False)
class Interactions:
    """A user x item matrix, with the ids of its rows and columns.

    Made by `from_columns` or `from_frame`; `recommend` of a recommender takes `matrix`, or rows of
    it, and `item_names` says what its answers are called outside.

    Attributes
    ----------
    matrix : csr_array of shape (n_users, n_items), float32
        What each user had: sorted, each item once.
    users : ndarray of shape (n_users,)
        The id of each row, ascending.
    items : ndarray of shape (n_items,)
        The id of each column, ascending.

    Examples
    --------
    >>> from aecore import EASE, Interactions
    >>> bought = Interactions.from_columns(
    ...     ["ann", "ann", "bob", "bob", "eve"], ["tea", "cup", "tea", "pot", "tea"]
    ... )
    >>> bought.matrix.toarray()
    array([[1., 0., 1.],
           [0., 1., 1.],
           [0., 0., 1.]], dtype=float32)
    >>> model = EASE(weight_decay=1.0).fit(bought.matrix)
    >>> ids, scores = model.recommend(bought.rows(["eve"]), n=1)
    >>> bought.item_names(ids)
    array([['cup']], dtype=object)
    """

    matrix: csr_array
    users: NDArray[Any]
    items: NDArray[Any]

    @classmethod
    def from_columns(
        cls,
        user: ArrayLike,
        item: ArrayLike,
        value: ArrayLike | None = None,
        *,
        duplicates: str = "sum",
    ) -> Self:
        """Number users and items, and gather who had what.

        Parameters
        ----------
        user, item : array-like of shape (n,)
            Ids of one kind each: integers, strings, or whatever else sorts.
        value : array-like of shape (n,), default=None
            How much, or a rating: finite numbers. None is 1, and 1 again for a pair that comes
            more than once.
        duplicates : {"sum", "last"}, default="sum"
            What a pair that comes more than once has: the sum of its values, or the last one.

        Returns
        -------
        Interactions

        Raises
        ------
        ValueError
            If there are no rows, lengths differ, an id is missing (None, NaN), or a value is not
            finite.
        TypeError
            If ids do not sort, or values are not real numbers.
        """
        if duplicates not in _DUPLICATES:
            rule = f"be one of {', '.join(map(repr, _DUPLICATES))}"
            raise parameter_error("duplicates", rule, duplicates)
        users, rows = _numbered(user, "user")
        items, columns = _numbered(item, "item")
        _check_length(columns, len(rows), "item")
        values = np.ones(len(rows)) if value is None else _as_values(value, len(rows))
        if value is None or duplicates == "last":
            # The last of each pair: the first one from behind.
            _, last = np.unique((rows * len(items) + columns)[::-1], return_index=True)
            kept = len(rows) - 1 - last
            rows, columns, values = rows[kept], columns[kept], values[kept]
        shape = (len(users), len(items))
        matrix = coo_array((values, (rows, columns)), shape=shape).tocsr().astype(np.float32)
        return cls(matrix, users, items)

    @classmethod
    def from_frame(
        cls,
        frame: Any,
        *,
        user: str = "user",
        item: str = "item",
        value: str | None = None,
        duplicates: str = "sum",
    ) -> Self:
        """Do what `from_columns` does with named columns of a table.

        Parameters
        ----------
        frame : DataFrame, or mapping of str to array-like of shape (n,)
            Of pandas or of any other library whose columns are had by `frame[name]`.
        user, item : str, default="user", "item"
            Names of the columns with ids.
        value : str, default=None
            Name of the column with numbers. None is 1 for every pair.
        duplicates : {"sum", "last"}, default="sum"
            As in `from_columns`.

        Returns
        -------
        Interactions

        Raises
        ------
        KeyError
            If there is no such column.
        ValueError, TypeError
            As in `from_columns`.
        """
        values = None if value is None else frame[value]
        return cls.from_columns(frame[user], frame[item], values, duplicates=duplicates)

    def rows(self, users: ArrayLike) -> csr_array:
        """Take what known users had.

        Parameters
        ----------
        users : id or array-like of ids of shape (n,)

        Returns
        -------
        csr_array of shape (n, n_items), float32

        Raises
        ------
        KeyError
            If one of them is not in `users`.
        """
        return self.matrix[_numbers_of(users, self.users, "user")]

    def row(self, items: ArrayLike, values: ArrayLike | None = None) -> csr_array:
        """Make the row of a user who is not in the matrix, to be given to `recommend`.

        Parameters
        ----------
        items : id or array-like of ids of shape (n,)
            What the user had.
        values : array-like of shape (n,), default=None
            How much of each, or ratings, summed where an item comes again. None is 1, and 1 again
            for an item that comes more than once.

        Returns
        -------
        csr_array of shape (1, n_items), float32

        Raises
        ------
        KeyError
            If one of them is not in `items`.
        ValueError, TypeError
            As in `from_columns`.
        """
        columns = _numbers_of(items, self.items, "item")
        if values is None:
            columns = np.unique(columns)
        data = np.ones(len(columns)) if values is None else _as_values(values, len(columns))
        zeros = np.zeros_like(columns)
        row = coo_array((data, (zeros, columns)), shape=(1, len(self.items)))
        return row.tocsr().astype(np.float32)

    def item_numbers(self, items: ArrayLike) -> NDArray[np.int64]:
        """Find the columns of items: what `items`, `exclude` and `similar_items` are given.

        Parameters
        ----------
        items : id or array-like of ids of shape (n,)

        Returns
        -------
        ndarray of shape (n,), int64

        Raises
        ------
        KeyError
            If one of them is not in `items`.
        """
        return _numbers_of(items, self.items, "item")

    def item_names(self, ids: NDArray[Any]) -> NDArray[Any]:
        """Say which items the answers of a recommender are.

        Parameters
        ----------
        ids : ndarray of int of any shape
            Columns of `matrix`; -1 is none.

        Returns
        -------
        ndarray of the same shape, object
            Their ids; None where there is none.
        """
        ids = np.asarray(ids)
        names: NDArray[Any] = self.items.astype(object)[ids]
        names[ids < 0] = None
        return names


def _numbered(values: ArrayLike, name: str) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Give the different ids, ascending, and which of them each one is."""
    array = _as_column(values, name)
    if array.size == 0:
        msg = f"{name} must hold at least one id; got none"
        raise ValueError(msg)
    missing = _missing(values, array)
    if missing.any():
        msg = f"{name} must hold an id in every row; got {array[missing][0]} at {missing.argmax()}"
        raise ValueError(msg)
    try:
        ids, numbers = np.unique(array, return_inverse=True)
    except TypeError as error:
        msg = f"{name} must hold ids of one kind, which sort; got {error}"
        raise TypeError(msg) from None
    return ids, numbers.astype(np.int64)


def _missing(values: ArrayLike, array: NDArray[Any]) -> NDArray[np.bool_]:
    """Say which of the `values`, seen as `array`, stand for no id."""
    if isinstance(values, np.ma.MaskedArray):
        return np.atleast_1d(np.ma.getmaskarray(values))
    if array.dtype.kind in "US" and not hasattr(values, "dtype"):
        array = np.atleast_1d(np.asarray(values, object))  # NumPy would write NaN as "nan"
    if array.dtype.kind == "O":
        return np.array([_is_missing(each) for each in array])
    missing: NDArray[np.bool_] = np.not_equal(array, array)  # NaN and NaT are not themselves
    return missing


def _is_missing(value: Any) -> bool:
    try:
        return value is None or bool(value != value)  # noqa: PLR0124
    except TypeError:  # of pandas.NA nobody knows what it is equal to
        return True


def _numbers_of(values: ArrayLike, known: NDArray[Any], name: str) -> NDArray[np.int64]:
    array = _as_column(values, name)
    try:
        places = np.minimum(np.searchsorted(known, array), len(known) - 1)
        strange = known[places] != array
    except TypeError:  # of another kind than those known
        places, strange = np.zeros(len(array), np.int64), np.ones(len(array), bool)
    if np.any(strange):
        which = np.broadcast_to(strange, array.shape)
        msg = f"{name} {array[which][0]!r} is not among the {len(known)} that are known"
        raise KeyError(msg)
    return places.astype(np.int64)


def _as_column(values: ArrayLike, name: str) -> NDArray[Any]:
    array = np.atleast_1d(np.asarray(values))
    if array.ndim != 1:
        msg = f"{name} must be 1-D; got shape {array.shape}"
        raise ValueError(msg)
    return array


def _as_values(values: ArrayLike, n: int) -> NDArray[np.float64]:
    array = _as_column(without_mask(values, "value"), "value")
    if array.dtype.kind not in "fiub":
        msg = f"value must hold real numbers; got dtype {array.dtype}"
        raise TypeError(msg)
    _check_length(array, n, "value")
    if not np.isfinite(array).all():
        place = int(np.argmin(np.isfinite(array)))
        msg = f"value must hold finite numbers; got {array[place]} at {place}"
        raise ValueError(msg)
    return array.astype(np.float64)


def _check_length(array: NDArray[Any], n: int, name: str) -> None:
    if len(array) != n:
        msg = f"{name} must have {n} elements, one for each user; got {len(array)}"
        raise ValueError(msg)
