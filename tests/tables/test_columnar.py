"""Parquet, Feather and Arrow files: what is a number is one, what is none is named."""

from __future__ import annotations

import datetime as dt
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import feather, parquet

import aecore
from aecore._tables.reading import read_blocks, read_table, read_words
from aecore._tables.table import TableError
from aecore._tables.writing import write_table

SUFFIXES = [".parquet", ".feather", ".arrow"]
NAN = float("nan")


def write(path: Path, table: pa.Table) -> Path:
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
    elif path.suffix == ".feather":
        feather.write_feather(table, str(path))
    else:
        with pa.ipc.new_stream(str(path), table.schema) as stream:
            stream.write_table(table)
    return path


NUMBERS = {
    "bool": pa.array([True, None, False]),
    "int8": pa.array([1, -2, 3], pa.int8()),
    "uint64": pa.array([2**63, None, 0], pa.uint64()),
    "float16": pa.array(np.float16([1.5, 2, 3])),
    "decimal": pa.array([decimal.Decimal("0.10"), None, decimal.Decimal("-7.25")]),
    "null": pa.nulls(3),
}
EXPECTED = {
    "bool": [1, NAN, 0],
    "int8": [1, -2, 3],
    "uint64": [2.0**63, NAN, 0],
    "float16": [1.5, 2, 3],
    "decimal": [0.1, NAN, -7.25],
    "null": [NAN, NAN, NAN],
}


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_types_that_are_numbers(tmp_path: Path, suffix: str) -> None:
    table = pa.table(NUMBERS)
    if suffix == ".feather":
        table = table.drop_columns(["decimal"])
    found = read_table(write(tmp_path / f"x{suffix}", table))
    assert found.names == table.column_names
    for place, name in enumerate(table.column_names):
        np.testing.assert_array_equal(found.rows[:, place], EXPECTED[name], err_msg=name)


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("column", "advice"),
    [
        (["a", "b"], "encode it first"),
        (pa.array(["a", "b"]).dictionary_encode(), "encode it first"),
        ([dt.date(2020, 1, 31), None], "make a number of it first"),
        ([dt.datetime(2020, 1, 31), None], "make a number of it first"),
        ([dt.timedelta(1), None], "make a number of it first"),
        ([[1, 2], [3]], "take numbers out of it"),
        ([{"x": 1}, {"x": 2}], "take numbers out of it"),
        ([b"a", b"b"], "take numbers out of it"),
    ],
)
def test_types_that_are_none(tmp_path: Path, suffix: str, column: Any, advice: str) -> None:
    path = write(tmp_path / f"x{suffix}", pa.table({"a": [1.0, 2.0], "town": column}))
    with pytest.raises(TableError, match=f"in column 'town': {advice}"):
        read_table(path)
    assert read_table(path, without=["town"]).rows.shape == (2, 1)


def test_the_index_of_pandas_is_no_column(tmp_path: Path) -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=pd.Index([7, 9], name="id"))
    frame.to_parquet(tmp_path / "x.parquet")
    table = read_table(tmp_path / "x.parquet")
    assert table.names == ["a", "b"]
    np.testing.assert_array_equal(table.rows, frame.to_numpy())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_index_whose_note_is_lost(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x{suffix}"
    table = pa.table({"a": [1.0, 2.0], "__index_level_0__": [0, 1]})
    write(path, table)
    assert read_table(path).names == ["a"]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("dtype", ["int64", "uint64"])
def test_whole_numbers_that_are_no_float64(tmp_path: Path, suffix: str, dtype: str) -> None:
    path = tmp_path / f"x{suffix}"
    write(path, pa.table({"n": pa.array([2**53, None, 2**60], dtype)}))
    np.testing.assert_array_equal(read_table(path).rows[:, 0], [2**53, np.nan, 2**60])
    write(path, pa.table({"n": pa.array([1, 2**53 + 1], dtype)}))
    with pytest.raises(TableError, match="got 9007199254740993 in column 'n': an id is no number"):
        read_table(path)


def test_one_name_twice(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1.0]), pa.array([2.0])], names=["a", "a"])
    with pytest.raises(TableError, match="got 'a' more than once"):
        read_table(write(tmp_path / "x.parquet", table))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_damaged_files(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"x{suffix}", pa.table({"a": np.arange(5000.0)}))
    whole = path.read_bytes()
    for data in (whole[: len(whole) // 2], b"", b"a,b\n1,2\n"):
        path.write_bytes(data)
        with pytest.raises(TableError, match="cannot read"):
            read_table(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_blocks_and_columns(tmp_path: Path, suffix: str) -> None:
    X = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32)
    write_table(tmp_path / f"x{suffix}", X, ["a", "b", "c"])
    blocks = list(read_blocks(tmp_path / f"x{suffix}", n_rows=40))
    assert [len(block.rows) for block in blocks] == [40, 40, 10]
    np.testing.assert_array_equal(np.concatenate([block.rows for block in blocks]), X)
    (column,) = read_words(tmp_path / f"x{suffix}", ["b"])
    np.testing.assert_array_equal(column, X[:, 1])


# The digits of a float32 are those of another float64.
@pytest.mark.parametrize(
    ("dtype", "kind"),
    [("float32", np.float32), ("float32", np.float64), ("float64", np.float64)],
)
def test_the_same_data_lead_to_the_same_bits(tmp_path: Path, dtype: str, kind: Any) -> None:
    X = np.random.default_rng(0).normal(size=(60, 5)).astype(kind)
    names = ["a", "b,c", "größe", '"', "e"]
    expected = None
    for suffix in (".csv", ".tsv", ".csv.gz", *SUFFIXES):
        write_table(tmp_path / f"x{suffix}", X, names)
        frame = read_table(tmp_path / f"x{suffix}").frame()
        ae = aecore.Autoencoder(2, n_epochs=2, dtype=dtype, random_state=0).fit(frame)
        assert list(ae.feature_names_in_) == names
        bits = ae.network_.parameters.tobytes()
        expected = expected or bits
        assert bits == expected
