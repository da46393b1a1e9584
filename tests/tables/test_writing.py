"""What is written is read again, bit for bit and name for name, or not written at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aecore._tables.reading import read_table, read_words
from aecore._tables.table import TableError
from aecore._tables.writing import check_can_write, write_table, writing

NAMED = [".csv", ".tsv", ".txt", ".csv.gz", ".csv.bz2", ".csv.xz", ".parquet", ".feather", ".arrow"]
NAMES = ["a,b", 'a "quoted" name', "two\nlines", "größe", "温度", " before", "after ", "#7", "a\tb"]
ODD = [0.1, -0.0, 1e-40, 3.4e38, 1.0, np.nan, 2**24 + 1, 1 / 3, -1e-7]


@pytest.mark.parametrize("suffix", NAMED)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bits_and_names_come_back(tmp_path: Path, suffix: str, dtype: Any) -> None:
    path = tmp_path / f"x{suffix}"
    draws = np.random.default_rng(0).normal(size=(40, 9)) * 10.0 ** np.arange(-4, 5)
    rows = np.vstack([draws, ODD]).astype(dtype)
    write_table(path, rows, NAMES)
    table = read_table(path)
    assert table.names == NAMES
    np.testing.assert_array_equal(table.rows.astype(dtype), rows)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize(
    "names", [[f"column {i}, of 2,000" for i in range(2000)], [str(i) for i in range(2000)]]
)
def test_many_columns(tmp_path: Path, suffix: str, names: list[str]) -> None:
    rows = np.random.default_rng(0).random((3, 2000)).astype(np.float32)
    write_table(tmp_path / f"x{suffix}", rows, names)
    table = read_table(tmp_path / f"x{suffix}")
    assert table.names == names
    np.testing.assert_array_equal(table.rows.astype(np.float32), rows)


@pytest.mark.parametrize("suffix", [*NAMED, ".npy", ".npz"])
def test_blocks_are_written_as_the_whole(tmp_path: Path, suffix: str) -> None:
    rows = np.random.default_rng(0).random((7, 3))
    write_table(tmp_path / f"whole{suffix}", rows)
    with writing(tmp_path / f"parts{suffix}") as out:
        for part in (rows[:2], rows[2:3], rows[3:]):
            out.write(part)
    for name in ("whole", "parts"):
        np.testing.assert_array_equal(read_table(tmp_path / f"{name}{suffix}").rows, rows)
    if suffix in {".csv", ".npy"}:
        parts = (tmp_path / f"parts{suffix}").read_bytes()
        assert parts == (tmp_path / f"whole{suffix}").read_bytes()


@pytest.mark.parametrize("name", ["null", "NA", "True", "7", "-1.5e3", "2020"])
def test_names_that_look_like_cells(tmp_path: Path, name: str) -> None:
    for names in ([name], [name, "b"], ["a", name]):
        rows = np.arange(2.0 * len(names)).reshape(2, -1)
        write_table(tmp_path / "x.csv", rows, names)
        table = read_table(tmp_path / "x.csv")
        assert table.names == names
        np.testing.assert_array_equal(table.rows, rows)


def test_one_number_and_one_word_per_row(tmp_path: Path) -> None:
    write_table(tmp_path / "x.csv", np.float32([0.5, 2]), ["score"])
    assert (tmp_path / "x.csv").read_text() == "score\n0.5\n2\n"
    write_table(tmp_path / "x.csv", np.array(["yes", "a, b"]), ["label"])
    assert (tmp_path / "x.csv").read_text() == 'label\n"yes"\n"a, b"\n'
    write_table(tmp_path / "x.parquet", np.array(["yes", "no"]), ["label"])
    assert read_words(tmp_path / "x.parquet", ["label"])[0].tolist() == ["yes", "no"]
    write_table(tmp_path / "x.npy", np.arange(3))
    np.testing.assert_array_equal(np.load(tmp_path / "x.npy"), np.arange(3))


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".parquet"])
def test_words_of_a_later_block_may_be_longer(tmp_path: Path, suffix: str) -> None:
    with writing(tmp_path / f"x{suffix}", ["label"]) as out:
        out.write(np.array(["a", "b"]))
        out.write(np.array(["longer"]))
    (words,) = read_words(tmp_path / f"x{suffix}", [0])
    assert words.tolist() == ["a", "b", "longer"]


def test_pandas_reads_what_is_written(tmp_path: Path) -> None:
    rows = np.random.default_rng(0).normal(size=(20, 3))
    write_table(tmp_path / "x.csv", rows, NAMES[:3])
    frame = pd.read_csv(tmp_path / "x.csv")
    assert list(frame.columns) == NAMES[:3]
    np.testing.assert_allclose(frame.to_numpy(), rows, rtol=1e-15)


def test_a_failure_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")

    def stop() -> None:
        with writing(path, ["a"]) as out:
            out.write(np.ones(3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("none/x.csv", "there is no folder"),
        ("x.json", "the file must be"),
        ("x.xlsx", "is a workbook"),
        ("x.csv.zip", "text is compressed as"),
        ("x.npy.gz", "the file must be"),
    ],
)
def test_what_cannot_be_written_is_said_before_the_work(
    tmp_path: Path, name: str, message: str
) -> None:
    for write in (check_can_write, lambda path: write_table(path, np.ones((2, 2)))):
        with pytest.raises(
            TableError, match=message.replace("there is no folder", "no folder|No such")
        ):
            write(tmp_path / name)


@pytest.mark.parametrize("library", ["pandas", "pyarrow"])
def test_without_the_extra_one_sentence_says_how_to_get_it(tmp_path: Path, library: str) -> None:
    np.save(tmp_path / "x.npy", np.ones((3, 2)))
    (tmp_path / "x.csv").write_text("a,b\n1,2\n")
    code = f"""
import importlib.util, sys
from pathlib import Path
found = importlib.util.find_spec
importlib.util.find_spec = lambda name, *more: None if name == {library!r} else found(name, *more)
from aecore._tables.reading import read_table
from aecore._tables.table import TableError
folder = Path({str(tmp_path)!r})
print(read_table(folder / "x.npy").rows.shape)
try:
    read_table(folder / "x.csv")
except TableError as error:
    print(error)
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    install = 'pip install "aecore[tables]"'
    expected = f"{tmp_path / 'x.csv'} needs pandas and pyarrow; install them with: {install}"
    assert said.stdout.splitlines() == ["(3, 2)", expected]
