"""Tables with ids of any kind to matrices and back."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aecore import Interactions

USER = ["ann", "bob", "ann", "eve", "ann"]
ITEM = [30, 10, 10, 20, 30]
VALUE = [1.0, 2.0, 3.0, 4.0, 5.0]


@pytest.mark.parametrize(
    ("value", "duplicates", "first"),
    [
        (None, "sum", [1, 0, 1]),
        (None, "last", [1, 0, 1]),
        (VALUE, "sum", [3, 0, 6]),
        (VALUE, "last", [3, 0, 5]),
    ],
)
@pytest.mark.parametrize("strings", [str, object])
def test_who_had_what(value: Any, duplicates: str, first: list[int], strings: Any) -> None:
    got = Interactions.from_columns(np.array(USER, strings), ITEM, value, duplicates=duplicates)
    assert got.users.tolist() == ["ann", "bob", "eve"]
    assert got.items.tolist() == [10, 20, 30]
    assert got.matrix.dtype == np.float32
    assert got.matrix.has_canonical_format
    v = [1, 1] if value is None else [2, 4]
    np.testing.assert_array_equal(got.matrix.toarray(), [first, [v[0], 0, 0], [0, v[1], 0]])


def test_frame() -> None:
    frame = pd.DataFrame({"who": USER, "what": ITEM, "stars": VALUE})
    got = Interactions.from_frame(frame, user="who", item="what", value="stars")
    expected = Interactions.from_columns(USER, ITEM, VALUE)
    np.testing.assert_array_equal(got.matrix.toarray(), expected.matrix.toarray())
    with pytest.raises(KeyError, match="user"):
        Interactions.from_frame(frame)


def test_there_and_back() -> None:
    known = Interactions.from_columns(USER, ITEM, VALUE)
    np.testing.assert_array_equal(known.rows(["eve", "ann"]).toarray(), [[0, 4, 0], [3, 0, 6]])
    np.testing.assert_array_equal(known.rows("eve").toarray(), [[0, 4, 0]])
    np.testing.assert_array_equal(known.row([30, 10]).toarray(), [[1, 0, 1]])
    np.testing.assert_array_equal(known.row(20, [7]).toarray(), [[0, 7, 0]])
    np.testing.assert_array_equal(known.row([]).toarray(), [[0, 0, 0]])
    names = known.item_names(np.array([[2, -1], [0, 1]]))
    assert names.tolist() == [[30, None], [10, 20]]
    assert known.item_names(known.item_numbers([20, 10])).tolist() == [20, 10]


def test_a_row_with_an_item_again_is_that_of_from_columns() -> None:
    known = Interactions.from_columns(USER, ITEM)
    again = [ITEM[0], ITEM[0]]
    one, two = known.row(again), known.row(again, [1, 1])
    assert (one.sum(), two.sum()) == (1, 2)


@pytest.mark.parametrize("strange", ["zoe", "aaa", 7, None])
def test_strangers(strange: Any) -> None:
    with pytest.raises(KeyError, match="is not among the 3 that are known"):
        Interactions.from_columns(USER, ITEM).rows([strange])


class Unknown:
    """A missing value that is neither equal nor unequal to anything, as that of pandas."""

    def __eq__(self, other: object) -> bool:
        raise TypeError

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return "unknown"


BAD: dict[str, tuple[tuple[Any, ...], type[Exception], str]] = {
    "lengths": (([1, 2], [1]), ValueError, "item must have 2 elements, one for each user; got 1"),
    "values": (([1, 2], [1, 2], [1]), ValueError, "value must have 2 elements"),
    "none": (([], []), ValueError, "user must hold at least one id"),
    "missing": (
        (["a", None], [1, 2]),
        ValueError,
        "user must hold an id in every row; got None at 1",
    ),
    "text and nan": ((["a", np.nan], [1, 2]), ValueError, "user must hold an id .* got nan at 1"),
    "no date": (
        (np.array(["2024-01-01", "NaT"], "M8[s]"), [1, 2]),
        ValueError,
        "user must hold an id in every row; got NaT at 1",
    ),
    "no span": (([1, 2], np.array(["NaT", 3], "m8[s]")), ValueError, "item .* got NaT at 0"),
    "no decimal": (([1, 2], [Decimal(3), Decimal("NaN")]), ValueError, "item .* got NaN at 1"),
    "unknown": (([1, 2], ["a", Unknown()]), ValueError, "item .* got unknown at 1"),
    "masked": ((np.ma.masked_equal([3, 4], 4), [1, 2]), ValueError, "user .* got 4 at 1"),
    "nan": (([1, 2], [np.nan, 2.0]), ValueError, "item must hold an id in every row; got nan at 0"),
    "mixed": ((np.array(["a", 1], object), [1, 2]), TypeError, "user must hold ids of one kind"),
    "value nan": (([1], [1], [np.nan]), ValueError, "value must hold finite numbers; got nan at 0"),
    "value kind": (([1], [1], ["x"]), TypeError, "value must hold real numbers"),
    "shape": (([[1]], [1]), ValueError, "user must be 1-D"),
}


@pytest.mark.parametrize(("columns", "error", "message"), BAD.values(), ids=BAD)
def test_bad_columns(columns: tuple[Any, ...], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        Interactions.from_columns(*columns)
    with pytest.raises(ValueError, match="duplicates must be one of 'sum', 'last'; got 'max'"):
        Interactions.from_columns(USER, ITEM, duplicates="max")
