"""Sparse rows as three arrays that may say anything, and what they say if it is something."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import sparse

VALUE_TYPES = ("float64", "float32", ">f8", "float16", "bool", "int8", "uint8", "int64", "uint64")
INDEX_TYPES = ("int32", "int64")
OUTSIDE = (-1, 1, 2**15, 2**31 - 1, -(2**31), 2**40)


class Entries(NamedTuple):
    """The arrays of CSR or, of the transposed matrix, of CSC; `indptr` None: `rows` of COO."""

    data: NDArray[Any]
    indices: NDArray[Any]
    indptr: NDArray[Any] | None
    rows: NDArray[Any] | None
    shape: tuple[int, int]

    @property
    def usual(self) -> bool:
        """Whether nothing about the arrays but their order is out of the ordinary."""
        index = [each for each in (self.indices, self.indptr, self.rows) if each is not None]
        plain = all(each.dtype in ("i4", "i8") and each.flags.c_contiguous for each in index)
        return plain and (self.indptr is None or not self.indptr[:1].any())

    def numbers(self) -> NDArray[np.float64] | None:
        """The matrix, duplicates summed (of booleans: true if one is); None if it is nonsense."""
        arrays = [each for each in self[:4] if each is not None]
        if any(each.ndim != 1 or each.dtype.kind not in "fiub" for each in arrays):
            return None
        if any(each.dtype.kind not in "iu" for each in arrays[1:]):
            return None
        places = self._places()
        if places is None or not np.isfinite(self.data[[at for at, _ in places]]).all():
            return None
        found = np.zeros(self.shape)
        for at, row in places:
            column = int(self.indices[at])
            if not (0 <= row < self.shape[0] and 0 <= column < self.shape[1]):
                return None
            found[row, column] += float(self.data[at])
        return np.minimum(found, 1.0) if self.data.dtype == bool else found

    def _places(self) -> list[tuple[int, int]] | None:
        """(place, row) of each entry, in order."""
        n = min(len(self.data), len(self.indices))
        if self.rows is not None:
            same = len(self.data) == len(self.indices) == len(self.rows)
            return list(enumerate(self.rows.tolist())) if same else None
        assert self.indptr is not None
        ends = self.indptr.tolist()
        if (
            len(ends) != self.shape[0] + 1
            or ends != sorted(ends)
            or not 0 <= ends[0] <= ends[-1] <= n
        ):
            return None
        return [(at, row) for row in range(len(ends) - 1) for at in range(*ends[row : row + 2])]

    def as_scipy(self, form: str) -> Any:
        """A SciPy array that holds exactly these arrays, behind the back of SciPy's checks."""
        if self.rows is not None:
            made = sparse.coo_array(self.shape)
            made.data, made.coords = self.data, (self.rows, self.indices)
            made.has_canonical_format = False  # as SciPy says of an empty one
            return made
        kind = sparse.csc_array if form == "csc" else sparse.csr_array
        made = kind(self.shape[::-1] if form == "csc" else self.shape)
        made.data, made.indices, made.indptr = self.data, self.indices, self.indptr
        return made

    def bare(self) -> Any:
        """What the core looks at, and nothing else."""
        return SimpleNamespace(**self._asdict())

    def by_coordinates(self) -> Entries:
        """COO with the same entries."""
        assert self.indptr is not None
        n, lengths = self.indptr[-1], np.diff(self.indptr)
        rows = np.repeat(np.arange(len(lengths), dtype=self.indices.dtype), lengths)
        return Entries(self.data[:n], self.indices[:n], None, rows, self.shape)


@st.composite
def well_formed(draw: Any, n_columns: int, n_rows: int | None = None) -> Entries:
    """Rows in any order of columns, with duplicates, empty rows, spare entries and every dtype."""
    n = n_rows or draw(st.integers(1, 9))
    row = st.lists(st.integers(0, n_columns - 1), max_size=n_columns + 2)
    columns = draw(st.lists(row, min_size=n, max_size=n))
    if draw(st.booleans()):
        columns = [sorted(set(each)) for each in columns]
    ends = np.cumsum([0, *map(len, columns)])
    spare = draw(st.integers(0, 2))
    indices = [column for each in columns for column in each] + [0] * spare
    size = len(indices)
    values = draw(st.lists(st.integers(0, 8), min_size=size, max_size=size))
    dtype = np.dtype(draw(st.sampled_from(VALUE_TYPES)))
    data = np.array(values) / (8 if dtype.kind == "f" else 1)
    step = draw(st.sampled_from((1, 1, 2, -1)))
    return Entries(
        np.repeat(data.astype(dtype), abs(step))[::step],
        np.array(indices, dtype=draw(st.sampled_from(INDEX_TYPES))),
        ends.astype(draw(st.sampled_from(INDEX_TYPES))),
        None,
        (n, n_columns),
    )


@st.composite
def damaged(draw: Any, entries: Entries) -> Entries:
    """The same with one of the arrays wrong, mostly."""
    there = [
        name for name in ("data", "indices", "indptr", "rows") if getattr(entries, name) is not None
    ]
    name = draw(st.sampled_from(there))
    array = getattr(entries, name)
    kind = draw(st.sampled_from(("number", "number", "number", "shorter", "type", "axes")))
    if kind == "shorter":
        array = array[: draw(st.integers(0, len(array)))]
    elif kind == "type":
        array = array.astype(draw(st.sampled_from(("uint8", "uint32", "f4", "c16", "U4", "O"))))
    elif kind == "axes":
        array = draw(st.sampled_from((array[:, None], np.repeat(array, 2)[::2], array[::-1])))
    elif len(array):
        array = array.copy()
        place = draw(st.integers(0, len(array) - 1))
        if name == "data":
            if array.dtype.kind == "f":
                array[place] = draw(st.sampled_from((np.nan, np.inf, -np.inf)))
        else:
            outside = draw(st.sampled_from(OUTSIDE) | st.integers(-3, 30))
            array[place] = outside if array.dtype == np.int64 or abs(outside) < 2**31 else -1
    return entries._replace(**{name: array})


def sparse_arrays(
    n_columns: int, n_rows: int | None = None, form: str = "csr"
) -> st.SearchStrategy[Entries]:
    """Well-formed ones and damaged ones."""
    good = well_formed(n_columns, n_rows)
    if form == "coo":
        good = good.map(Entries.by_coordinates)
    return good | good.flatmap(damaged)
