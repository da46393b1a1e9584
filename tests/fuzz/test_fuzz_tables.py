"""Tables in files: what is written comes back, and no row is lost of what is read."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from aecore._tables.reading import read_blocks, read_table
from aecore._tables.table import TableError, TableFormat
from aecore._tables.writing import write_table
from fuzzing import examples

NAN = float("nan")
SUFFIXES = [".csv", ".tsv", ".csv.gz", ".parquet", ".arrow"]
NAMES = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)
NUMBERS = st.one_of(
    st.integers(-(10**6), 10**6).map(float), st.floats(allow_infinity=False, width=32)
)


def written(content: bytes, name: str = "x.csv") -> Path:
    folder = tempfile.mkdtemp(prefix="aecore-fuzz-")
    path = Path(folder) / name
    path.write_bytes(content)
    return path


def removed(path: Path) -> None:
    path.unlink(missing_ok=True)
    path.parent.rmdir()


@examples(60)
@given(st.data(), st.sampled_from(SUFFIXES))
def test_what_is_written_comes_back(data: st.DataObject, suffix: str) -> None:
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    shape = data.draw(st.tuples(st.integers(1, 6), st.integers(1, 5)))
    rows: NDArray[Any] = data.draw(
        arrays.arrays(dtype, shape, elements=st.floats(width=np.dtype(dtype).itemsize * 8))
    )
    names = data.draw(st.lists(NAMES, min_size=shape[1], max_size=shape[1], unique=True))
    path = written(b"", f"x{suffix}")
    try:
        write_table(path, rows, names)
        table = read_table(path)
    finally:
        removed(path)
    assert table.names == names
    np.testing.assert_array_equal(table.rows.astype(dtype), rows)


@examples(100)
@given(st.data())
def test_text_is_read_right_or_refused(data: st.DataObject) -> None:
    n_rows, n_columns = data.draw(st.tuples(st.integers(1, 8), st.integers(1, 5)))
    delimiter = data.draw(st.sampled_from([",", ";", "\t", "|", " "]))
    decimal = data.draw(st.sampled_from([".", ","]))
    line_end = data.draw(st.sampled_from(["\n", "\r\n", "\r"]))
    # One column of decimal commas without a name looks like two.
    header = data.draw(st.booleans()) or (n_columns == 1 and decimal == ",")
    rows = [
        [data.draw(st.one_of(st.just(NAN), NUMBERS)) for _ in range(n_columns)]
        for _ in range(n_rows)
    ]
    missing = data.draw(st.sampled_from(["NA", "", "#N/A", "null"]))
    cells = [
        [missing if x != x else repr(x).replace(".", decimal) for x in row]  # noqa: PLR0124
        for row in rows
    ]
    text = io.StringIO(newline="")
    lines = csv.writer(text, delimiter=delimiter, lineterminator=line_end)
    if header:
        lines.writerow([f"c{i}" for i in range(n_columns)])
    lines.writerows(cells)
    path = written(text.getvalue().encode())
    said = data.draw(
        st.sampled_from(
            [TableFormat(), TableFormat(delimiter=delimiter, decimal=decimal, header=header)]
        )
    )
    try:
        table = read_table(path, said)
    except TableError:
        # Only where nothing was said may there be two ways to read it.
        event("refused")
        assert said == TableFormat()
        return
    finally:
        removed(path)
    event("read")
    assert (table.names is not None) == header
    np.testing.assert_array_equal(table.rows, rows)


BYTES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from(list('0123456789.,;"\n\r\t |-eNA#=xy')), max_size=80).map(
        lambda some: "".join(some).encode()
    ),
)


@examples(200)
@given(
    BYTES, st.sampled_from(["x.csv", "x.tsv", "x.txt", "x.csv.gz", "x.parquet", "x.arrow", "x.npz"])
)
def test_any_bytes_are_rows_or_one_sentence(content: bytes, name: str) -> None:
    path = written(content, name)
    try:
        table = read_table(path)
        parts = [block.rows for block in read_blocks(path, n_rows=2)]
    except TableError as error:
        event("refused")
        said = str(error)
        assert "\n" not in said
        return
    finally:
        removed(path)
    event("read")
    np.testing.assert_array_equal(np.concatenate(parts), table.rows)
    if b'"' not in content:
        lines = content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").split("\n")
        if lines[0].startswith("sep="):
            del lines[0]
        if table.rows.shape[1] > 1:
            while not lines[-1]:
                del lines[-1]
        elif not lines[-1]:
            del lines[-1]
        assert len(table.rows) == len(lines) - (table.names is not None)
