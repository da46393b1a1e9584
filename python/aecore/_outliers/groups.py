"""Columns taken together: the error of a one-hot block is that of the category."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._checks.rules import parameter_error


def sums_by_group(
    errors: NDArray[np.float64], groups: Any, names: NDArray[Any] | None
) -> NDArray[np.float64]:
    """Sum the columns of each group; `names` are those of the columns, if they have some."""
    columns = _columns(groups, errors.shape[1], names)
    return np.stack([errors[:, each].sum(axis=1) for each in columns], axis=1)


def _columns(groups: Any, n_columns: int, names: NDArray[Any] | None) -> list[list[int]]:
    lists = list(groups.values()) if isinstance(groups, Mapping) else groups
    if not _is_list(lists) or len(lists) == 0 or not all(map(_is_list, lists)):
        rule = "be lists of columns, or a dict of names and such lists"
        raise parameter_error("groups", rule, groups)
    places = {} if names is None else {name: place for place, name in enumerate(names)}
    found = []
    for each in lists:
        for column in each:
            is_place = isinstance(column, Integral) and not isinstance(column, bool | np.bool_)
            is_name = isinstance(column, Hashable) and column in places
            if not (0 <= column < n_columns if is_place else is_name):
                rule = f"name columns of X, from 0 to {n_columns - 1} or by their names in fit"
                raise parameter_error("groups", rule, column)
        found.append([places[c] if c in places else int(c) for c in each])
    taken = [column for each in found for column in each]
    if len(set(taken)) < len(taken):
        raise parameter_error("groups", "name a column once at most", groups)
    return found


def _is_list(value: Any) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0
    return isinstance(value, Sequence) and not isinstance(value, str | bytes)
