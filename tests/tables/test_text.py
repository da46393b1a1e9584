"""Files of text as people have them: read right, or refused with a sentence that names the trap."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from aecore._tables import text
from aecore._tables.reading import read_blocks, read_table, read_words
from aecore._tables.table import MISSING, TableError, TableFormat

NAN = float("nan")
ABC = [[1.5, 2.5, 3.0], [4.0, NAN, -6.0]]


def file_of(
    folder: Path, content: str | bytes, name: str = "x.csv", encoding: str = "utf-8"
) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode(encoding))
    return path


def refusal(path: Path, **form: Any) -> str:
    with pytest.raises(TableError) as found:
        read_table(path, TableFormat(**form))
    assert "\n" not in str(found.value)
    return str(found.value)


# Name: text, encoding, and what has to be said of it.
READ: dict[str, tuple[str, str, dict[str, Any]]] = {
    "Excel in English": ("a,b,c\r\n1.5,2.5,3\r\n4,,-6\r\n", "utf-8-sig", {}),
    "Excel in German": ("a;b;c\r\n1,5;2,5;3\r\n4;;-6\r\n", "utf-8-sig", {}),
    "Excel in French, old": ("a;b;c\r\n1,5;2,5;3\r\n4;;-6\r\n", "cp1252", {"encoding": "cp1252"}),
    "Excel, Unicode text": ("a\tb\tc\r\n1.5\t2.5\t3\r\n4\t\t-6\r\n", "utf-16", {}),
    "Excel with its own mark": ("sep=;\r\na;b;c\r\n1.5;2.5;3\r\n4;;-6\r\n", "utf-8", {}),
    "old Macintosh": ("a,b,c\r1.5,2.5,3\r4,NA,-6\r", "utf-8", {}),
    "R's write.csv": ('"a","b","c"\n1.5,2.5,3\n4,NA,-6\n', "utf-8", {}),
    "R's write.csv2": ('"a";"b";"c"\n1,5;2,5;3\n4;NA;-6\n', "utf-8", {}),
    "R's write.table": ('"a" "b" "c"\n1.5 2.5 3\n4 NA -6\n', "utf-8", {}),
    "no line end at the end": ("a,b,c\n1.5,2.5,3\n4,,-6", "utf-8", {}),
    "empty lines at the end": ("a,b,c\n1.5,2.5,3\n4,,-6\n\n\r\n\n", "utf-8", {}),
    "quoted numbers": ('a,b,c\n"1.5","2.5","3"\n"4","","-6"\n', "utf-8", {}),
    "quoted decimal commas": ('a,b,c\n"1,5","2,5","3"\n"4","","-6"\n', "utf-8", {}),
    "bars": ("a|b|c\n1.5|2.5|3\n4|NULL|-6\n", "utf-8", {}),
    "spaces around": ("a, b, c\n 1.5, 2.5 ,\t3\n4, NA, -6\n", "utf-8", {}),
    "exponents and signs": ("a,b,c\n15e-1,+2.5,.3E1\n4.,,-6\n", "utf-8", {}),
    "a missing number of one's own": ("a,b,c\n1.5,2.5,3\n4,?,-6\n", "utf-8", {"missing": ("?",)}),
    "no thousands": ("a;b;c\n1.500;2.500;3\n4;;-6\n", "utf-8", {"decimal": "."}),
    "said to have names": ("a,b,c\n1.5,2.5,3\n4,,-6\n", "utf-8", {"header": True}),
}


@pytest.mark.parametrize("case", READ)
def test_read_right(tmp_path: Path, case: str) -> None:
    text, encoding, form = READ[case]
    table = read_table(file_of(tmp_path, text, encoding=encoding), TableFormat(**form))
    assert table.names == ["a", "b", "c"]
    np.testing.assert_array_equal(table.rows, ABC)


REFUSED: dict[str, tuple[str | bytes, dict[str, Any], str]] = {
    "years": ("2019,2020,2021\n1,2,3\n4,5,6\n", {}, "2019, 2020, 2021, has names or numbers"),
    "numbers of columns": ("0,1,2,3\n.1,.2,.3,.4\n", {}, "give --header or --no-header"),
    "unlike the rows": ("10,30,20\n1,2,3\n4,5,6\n", {}, "give --header or --no-header"),
    "one year": ("2020\n1\n2\n", {}, "give --header or --no-header"),
    "pandas' index": (",a,b\n0,1,2\n1,3,4\n", {}, "none for column 1: pandas and R write row numb"),
    "R's row names": ('"a" "b"\n"one" 1 2\n"two" 3 4\n', {}, "got 2 for 3 columns: R writes row"),
    "words": ("a,city\n1,2\n3,Rome\n", {}, "got 'Rome' in column 'city', line 3: encode it first"),
    "dates": (
        "a,day\n1,2020-01-31\n",
        {},
        "got '2020-01-31' in column 'day', line 2: make a number",
    ),
    "times": ("a,at\n1,12:30\n", {}, "got '12:30' in column 'at', line 2: make a number"),
    "thousands": ('a,b\n"1,234.5",3\n', {}, "without marks between thousands"),
    "thousands with dots": ("a;b\n1.234,5;3\n", {}, "without marks between thousands"),
    "thousands or decimals": ("a;b\n1,234;5\n", {}, "the comma of 1,234 may stand between thousan"),
    "two kinds of decimals": ("a;b\n1,5;5\n1.5;3\n", {}, "got '1.5' in column 'a', line 3"),
    "percent": (
        "a,b\n12 %,3\n",
        {},
        "got '12 %' in column 'a', line 2: write the number without its",
    ),
    "money": ("a,b\n1,$3.5\n", {}, r"got '\$3.5' in column 'b'"),
    "hexadecimal": ("a,b\n0x1F,1\n", {}, "got '0x1F' in column 'a'"),
    "underscores": ("a,b\n1_000,1\n", {}, "got '1_000' in column 'a'"),
    "a dash": (
        "a,b\n-,1\n",
        {},
        "got '-' in column 'a', line 2: if that stands for a missing numb",
    ),
    "yes and no": ("a,b\nyes,1\nno,2\n", {}, "got 'yes' in column 'a'"),
    "true, far down": ("a\n" + 2000 * "1\n" + "True\n", {}, "got 'True' in column 'a', line 2002"),
    "a wave length above each column": ("400.5,401,401.5\n.1,.2,.3\n", {}, "give --header or"),
    "eight in order": ("1,2,4,7,9,12,15,19\n5,2,8,1,9,3,7,4\n", {}, "give --header or"),
    "an index above numbers": (",0,1,2\n0,5,6,3\n1,2,5,1\n", {}, "give --header or --no-header"),
    "a word in a first row": ("1,x,3\n4,5,6\n", {}, "give --header or --no-header"),
    "names that are missing values": ("NA,NaN\n1,2\n", {}, "give --header or --no-header"),
    "German thousands": ("a;b\n1.234;2\n3;4\n", {}, "the point of 1.234 may stand between"),
    "an id of 16 digits": ("a,id\n1,9007199254740993\n", {}, "got 9007199254740993 in column 'id'"),
    "a long id far down": ("a\n" + 2000 * "1\n" + 20 * "9" + "\n", {}, "column 'a', line 2002"),
    "a cell of 200 KB": ('a,b\n1,2\n1,"' + 100_000 * "9\n", {}, "field larger than field limit"),
    "a zero byte far down": ("a\n" + 200_000 * "1\n" + "\0\n", {}, "column 'a', line 200002"),
    "a short row": ("a,b\n1,2\n3\n", {}, "line 3 has 1 cells, not 2"),
    "a long row": ("a,b\n1,2\n3,4,5\n", {}, "line 3 has 3 cells, not 2"),
    "a mark at every end": ("a,b,\n1,2,\n", {}, "got none for column 3"),
    "a comment": ("# of May\na,b\n1,2\n", {}, "a comment in the first line has to go"),
    "a comment among rows": ("a,b\n1,2\n# May\n3,4\n", {}, "line 3 has 1 cells, not 2"),
    "the same name twice": ("a,b,a\n1,2,3\n", {}, "got 'a' more than once"),
    "one name for decimal commas": ("a\n1,5\n2,7\n", {}, "--decimal ,"),
    "an open quote": ('a,"b\n1,2\n3,4\n', {}, "no rows"),
    "nothing": ("", {}, "it is empty"),
    "an empty first line": ("\n1,2\n", {}, "the first line is empty"),
    "names alone": ("a,b\n", {}, "there are column names but no rows"),
    "Latin letters": (
        "größe,b\n1,2\n".encode("latin-1"),
        {},
        "not UTF-8 (byte 0xf6); give its --enc",
    ),
    "UTF-16 without its mark": ("a,b\n1,2\n".encode("utf-16-le"), {}, "zero bytes; give its --enc"),
    "a zero byte": (b"a,b\n1,2\n\0\n", {}, "zero bytes"),
    "a workbook": (b"PK\x03\x04\x14\0\x06\0", {}, "a workbook of Excel, or an archive: save the"),
    "an old workbook": (b"\xd0\xcf\x11\xe0\xa1\xb1", {}, "an old workbook of Excel"),
    "Parquet": (b"PAR1\x15\0", {}, "a Parquet file: name it .parquet"),
    "compressed": (gzip.compress(b"a,b\n1,2\n"), {}, "compressed: name it .gz"),
    "a page": ("<!doctype html><html><body>404", {}, "a page of HTML"),
    "another encoding": ("a,b\n1,2\n", {"encoding": "ascii-2"}, "encoding must be one that Python"),
    "two delimiters": ("a,b\n1,2\n", {"delimiter": ";;"}, "delimiter must be one ASCII character"),
    "another decimal": ("a,b\n1,2\n", {"decimal": "'"}, "decimal must be '.' or ','"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused_by_name(tmp_path: Path, case: str) -> None:
    content, form, message = REFUSED[case]
    with pytest.raises(TableError) as found:
        read_table(file_of(tmp_path, content), TableFormat(**form))
    said = str(found.value)
    assert message.replace("\\", "") in said
    assert "\n" not in said


@pytest.mark.parametrize("missing", MISSING)
def test_what_stands_for_a_missing_number(tmp_path: Path, missing: str) -> None:
    table = read_table(file_of(tmp_path, f"a,b\n{missing},2\n3,  {missing} \n"))
    np.testing.assert_array_equal(table.rows, [[NAN, 2], [3, NAN]])


def test_an_empty_line_of_one_column_is_a_missing_number(tmp_path: Path) -> None:
    rows = read_table(file_of(tmp_path, "a\n1\n\n3\n\n")).rows
    np.testing.assert_array_equal(rows, [[1], [NAN], [3], [NAN]])
    rows = read_table(file_of(tmp_path, "a,b\n1,2\n\n5,6\n\n")).rows
    np.testing.assert_array_equal(rows, [[1, 2], [NAN, NAN], [5, 6]])


@pytest.mark.parametrize(
    ("text", "names", "n_rows"),
    [
        ("0.5,2\n0.1,2\n", None, 2),
        ("5\n1\n2\n", None, 3),
        ("0,0,7\n1,0,3\n", None, 2),
        ("5,3,9\n6,4,8\n1,2,10\n", None, 3),
        ("NA,3\n1,2\n", None, 2),
        (",3\n1,2\n", None, 2),
        ('"1","2"\n1,2\n3,4\n', ["1", "2"], 2),
        ('"0,5",NA\nNA,3\n', None, 2),
        ("NA,Cl\n1,2\n", ["NA", "Cl"], 1),
        ("a,2020\n1,2\n", ["a", "2020"], 1),
        ("1,2,3,4,5,6,7,9\n2,3,4,5,6,7,8,10\n", None, 2),
        ("id,2019,2020\n1,2,3\n", ["id", "2019", "2020"], 1),
    ],
)
def test_whether_the_first_line_has_names(
    tmp_path: Path, text: str, names: list[str] | None, n_rows: int
) -> None:
    table = read_table(file_of(tmp_path, text))
    assert table.names == names
    assert len(table.rows) == n_rows


def test_what_is_said_of_the_first_line_holds(tmp_path: Path) -> None:
    path = file_of(tmp_path, "2019,2020,2021\n1,2,3\n")
    assert read_table(path, TableFormat(header=True)).names == ["2019", "2020", "2021"]
    assert read_table(path, TableFormat(header=False)).rows.shape == (2, 3)


def test_commas_in_a_file_that_is_named_after_tabs(tmp_path: Path) -> None:
    path = file_of(tmp_path, "a,b\n1,2\n", "x.tsv")
    np.testing.assert_array_equal(read_table(path).rows, [[1, 2]])


def test_a_row_wider_than_a_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "_BLOCK", 1 << 12)
    n = 500
    rows = [",".join([cell.ljust(60, "0")] * n) for cell in ("1.25", "7.")]  # 30 KB each
    lines = [",".join(f"c{i}" for i in range(n)), *rows]
    assert read_table(file_of(tmp_path, "\n".join(lines))).rows.sum() == n * 8.25


def test_true_and_false_are_1_and_0(tmp_path: Path) -> None:
    path = file_of(tmp_path, "a,b\nTRUE,1\nfalse,2\n,3\n")
    np.testing.assert_array_equal(read_table(path).rows, [[1, 1], [0, 2], [NAN, 3]])


def test_numbers_are_rounded_once(tmp_path: Path) -> None:
    # Readers that multiply by powers of ten miss the last bit of these.
    cells = ["0.1", "2.2250738585072011e-308", "9007199254740993.0", "1.7976931348623157e308"]
    draws = np.random.default_rng(0).normal(size=200) * 10.0 ** np.arange(-100, 100)
    cells += [repr(float(each)) for each in draws]
    rows = read_table(file_of(tmp_path, "a\n" + "\n".join(cells) + "\n")).rows
    assert rows[:, 0].tolist() == [float(cell) for cell in cells]


PACKED = {
    ".gz": gzip.compress,
    ".bz2": bz2.compress,
    ".xz": lzma.compress,
}
TEXT = b"a,b\n1,2\n3,4\n"


@pytest.mark.parametrize("suffix", [*PACKED, ".zst", ".zip"])
def test_compressed_text(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"x.csv{suffix}"
    if suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("inside.csv", TEXT)
    elif suffix == ".zst":
        import pyarrow as pa

        with pa.CompressedOutputStream(str(path), "zstd") as stream:
            stream.write(TEXT)
    else:
        path.write_bytes(PACKED[suffix](TEXT))
    np.testing.assert_array_equal(read_table(path).rows, [[1, 2], [3, 4]])
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert "cannot read" in refusal(path)
    path.write_bytes(TEXT)
    assert "cannot read" in refusal(path)


def test_archives_of_no_table(tmp_path: Path) -> None:
    path = tmp_path / "x.csv.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.csv", TEXT)
        archive.writestr("two.csv", TEXT)
    assert "must hold one file; got 2" in refusal(path)
    data = bytearray((tmp_path / "x.csv.zip").read_bytes())
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("one.csv", TEXT)
    data = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        data[data.index(mark) + place] |= 1  # says that it is encrypted
    path.write_bytes(bytes(data))
    assert "encrypted" in refusal(path)


@pytest.mark.parametrize("name", ["x.xlsx", "x.ods", "x.json", "x", "x.gz", ".csv"])
def test_names_of_other_kinds(tmp_path: Path, name: str) -> None:
    said = refusal(file_of(tmp_path, TEXT, name))
    assert "save the sheet as CSV UTF-8" in said or "the file must be .npy, .npz, .csv" in said


def test_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "x.csv").mkdir()
    assert "it is a folder, not a file" in refusal(tmp_path / "x.csv")
    assert "No such file" in refusal(tmp_path / "y.csv")


def test_pandas_writes_what_is_read(tmp_path: Path) -> None:
    frame = pd.DataFrame(np.random.default_rng(0).normal(size=(30, 4)), columns=list("abcd"))
    frame["flag"] = frame["a"] > 0
    frame["count"] = pd.array([1] * 29 + [None], dtype="Int64")
    frame.iloc[3, 1] = np.nan
    frame.to_csv(tmp_path / "x.csv", index=False)
    table = read_table(tmp_path / "x.csv")
    np.testing.assert_array_equal(table.rows, frame.to_numpy(dtype=float, na_value=np.nan))
    frame.to_csv(tmp_path / "x.csv")
    assert "none for column 1" in refusal(tmp_path / "x.csv")


def test_columns_as_they_are_written(tmp_path: Path) -> None:
    path = file_of(tmp_path, "id,x,label\n007,1.50,NA\n008,2,yes\n")
    ids, labels = read_words(path, ["id", "label"])
    assert ids.tolist() == ["007", "008"]
    assert labels.tolist() == ["NA", "yes"]
    with pytest.raises(TableError, match="must have the column town; got id, x, label"):
        read_words(path, ["town"])


def test_columns_that_are_left_out_may_be_words(tmp_path: Path) -> None:
    path = file_of(tmp_path, "id,x,label\n007,1.50,NA\n008,2,yes\n")
    table = read_table(path, without=["label", "elsewhere"])
    assert table.names == ["id", "x"]
    np.testing.assert_array_equal(table.rows, [[7, 1.5], [8, 2]])


def test_blocks_are_parts_of_the_whole(tmp_path: Path) -> None:
    X = np.random.default_rng(0).normal(size=(30_000, 7))
    path = tmp_path / "x.csv"
    pd.DataFrame(X, columns=list("abcdefg")).to_csv(path, index=False)
    for most in (None, 1000):
        parts = [block.rows for block in read_blocks(path, n_rows=most)]
        assert len(parts) > 2
        assert most is None or max(map(len, parts)) <= most
        np.testing.assert_array_equal(np.concatenate(parts), X)
    blocks = read_blocks(path)
    assert [len(block.rows) for block in blocks] == [len(block.rows) for block in blocks]


def test_a_word_far_down_is_found_by_its_line(tmp_path: Path) -> None:
    path = file_of(tmp_path, "a,b\n" + 300_000 * "1,2\n" + "1,Rome\n")
    blocks = iter(read_blocks(path))
    assert len(next(blocks).rows) > 1000
    with pytest.raises(TableError, match="'Rome' in column 'b', line 300002"):
        list(blocks)
