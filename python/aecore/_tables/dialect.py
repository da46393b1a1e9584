"""How a file of text is written: found out from its first lines, or asked for."""

from __future__ import annotations

import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aecore._tables.cells import (
    FLAGS,
    GROUPED,
    THOUSANDS,
    has_decimal_comma,
    is_number,
    is_plain,
)
from aecore._tables.headers import columns_of, has_header
from aecore._tables.sources import open_text
from aecore._tables.table import TableError, TableFormat, check_names

_DELIMITERS = (",", ";", "\t", "|", " ")
# Characters that are looked at, at first: some rows of 2,000 columns.
_HEAD = 1 << 18
_LOOKED_AT = 1000  # rows
# What is or may be a number, with whatever marks.
_LIKELY = re.compile(r"[+-]?[\d.,' ]*\d[\d.,]*([eE][+-]?\d+)?")

Record = list[str]


@dataclass(frozen=True)
class Dialect:
    """How a file of text is written.

    Attributes
    ----------
    delimiter, decimal : str
    encoding : str or None
    n_skipped : int
        Lines before the first record: Excel's `sep=;`.
    names : list of str or None
        Of the columns, from the first record.
    width : int
        Number of columns.
    flags : frozenset of int
        Columns of true and false.
    missing : frozenset of str
        What stands for a missing number.
    """

    delimiter: str
    decimal: str
    encoding: str | None
    n_skipped: int
    names: list[str] | None
    width: int
    flags: frozenset[int]
    missing: frozenset[str]

    def records(self, path: Path) -> Iterator[tuple[int, Record]]:
        """Give the number of the last line of each record, and its cells, without the names."""
        with open_text(path, self.encoding) as text:
            lines = skipped(text, self.n_skipped)
            reader = parsed(lines, self.delimiter)
            if self.names is not None:
                next(reader, None)
            for cells in reader:
                yield reader.line_num + self.n_skipped, cells


def skipped(text: io.TextIOWrapper, n: int) -> Iterator[str]:
    """Give the lines behind the first n; no line is read before it is asked for."""
    for _ in range(n):
        text.readline()
    return iter(text.readline, "")


def parsed(lines: Iterator[str], delimiter: str) -> Any:
    """Parse lines into records; a name may go on in the next line."""
    return csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter != " ")


def find_dialect(path: Path, form: TableFormat) -> Dialect:
    """Find how a file of text is written.

    Raises
    ------
    TableError
        If it is empty, or if what it says can be understood in two ways.
    """
    head, is_whole = _head(path, form.encoding)
    if "\0" in head:
        msg = f"cannot read {path}: it has zero bytes; give its --encoding, such as utf-16-le"
        raise TableError(msg)
    delimiter, n_skipped = form.delimiter, 0
    first, _, rest = head.partition("\n")
    if re.fullmatch(r"sep=.\r?", first):  # Excel's own mark
        delimiter, n_skipped, head = delimiter or first[4], 1, rest
    if not head or not head.splitlines()[0].strip():
        msg = f"cannot read {path}: {'the first line is' if head.strip() else 'it is'} empty"
        raise TableError(msg)
    missing = form.all_missing
    if delimiter is None:
        is_tabs = kind_is_tabs(path) and "\t" in first_line(head)
        delimiter = "\t" if is_tabs else _delimiter(head, is_whole, form, missing)
    records = _records(head, is_whole, delimiter)
    start = records[0]
    decimal = form.decimal or _decimal(path, delimiter, records, missing)
    has_names = form.header
    if has_names is None:
        has_names = has_header(path, records, head, decimal, missing)
    body = [record for record in (records[1:] if has_names else records) if record]
    names = start if has_names else None
    _check_widths(path, names, body)
    if names is not None:
        check_names(path, names)
    return Dialect(
        delimiter=delimiter,
        decimal=decimal,
        encoding=form.encoding,
        n_skipped=n_skipped,
        names=names,
        width=len(start),
        flags=_flags(len(start), body, missing),
        missing=missing,
    )


def kind_is_tabs(path: Path) -> bool:
    """Whether the name says that tabs stand between cells."""
    return any(suffix.lower() == ".tsv" for suffix in path.suffixes[-2:])


def first_line(head: str) -> str:
    """The first line, whatever ends it."""
    return next(iter(head.splitlines()), "")


def _head(path: Path, encoding: str | None) -> tuple[str, bool]:
    """Read the first lines, two at least where there are two, and whether that is all."""
    size = _HEAD
    while True:
        with open_text(path, encoding) as text:
            head = text.read(size)
            is_whole = len(head) < size
        if is_whole or len(head.splitlines()) > 2:
            return head, is_whole
        size *= 8


def _records(head: str, is_whole: bool, delimiter: str) -> list[Record]:
    """Parse what is looked at, without a last record that may be cut off."""
    reader = parsed(iter(io.StringIO(head, newline="")), delimiter)
    records = list(itertools.islice(reader, _LOOKED_AT))
    return records if is_whole or len(records) in {1, _LOOKED_AT} else records[:-1]


def _delimiter(head: str, is_whole: bool, form: TableFormat, missing: frozenset[str]) -> str:
    """Choose the delimiter by which rows have the same width, and then the most numbers."""

    def is_likely(cell: str) -> bool:
        return bool(_LIKELY.fullmatch(cell.strip())) or is_plain(cell, ".", missing)

    def merit(delimiter: str) -> tuple[bool, float, int]:
        try:
            records = [record for record in _records(head, is_whole, delimiter) if record]
        except csv.Error:  # one cell has it all
            return False, 0.0, 0
        widths = {len(record) for record in records}
        body = records[1:] or records
        cells = [cell for record in body for cell in record]
        plain = sum(map(is_likely, cells)) / max(len(cells), 1)
        # R's write.table gives row names no name: one cell less in the first line.
        same = len({len(record) for record in body}) == 1 and len(body[0]) - len(records[0]) in {
            0,
            1,
        }
        return same and max(widths) > 1, plain, max(widths) if same else 0

    # A comma before the digits behind one is none between cells.
    candidates = [each for each in _DELIMITERS if each != form.decimal]
    best = max(candidates, key=merit)  # the first of equals
    return best if merit(best)[0] else candidates[0]


def _decimal(path: Path, delimiter: str, records: list[Record], missing: frozenset[str]) -> str:
    numbers = [cell for record in records for cell in record]
    cells = [cell for cell in numbers if "," in cell]
    if any(has_decimal_comma(cell) for cell in cells if cell not in missing):
        return ","
    unclear = next((cell for cell in cells if THOUSANDS.fullmatch(cell.strip())), None)
    if unclear is not None and "." not in unclear:
        msg = (
            f"cannot read {path}: the comma of {unclear.strip()} may stand between thousands or "
            "before the digits behind one; write numbers without marks between thousands, or give "
            "--decimal ,"
        )
        raise TableError(msg)
    points = [cell.strip() for cell in numbers if "." in cell and is_number(cell, ".")]
    # Where semicolons stand between cells, points may stand between thousands.
    if delimiter == ";" and points and all(map(GROUPED.fullmatch, points)):
        msg = (
            f"cannot read {path}: the point of {points[0]} may stand between thousands or before "
            "the digits behind one; write numbers without marks between thousands, or give "
            "--decimal ."
        )
        raise TableError(msg)
    return "."


def _flags(width: int, body: list[Record], missing: frozenset[str]) -> frozenset[int]:
    found = set()
    for i, column in enumerate(columns_of(body, width)):
        there = {cell for cell in column if cell not in missing}
        if there and there <= FLAGS:
            found.add(i)
    return frozenset(found)


def _check_widths(path: Path, names: Record | None, body: list[Record]) -> None:
    """Refuse a first line of names that is shorter or longer than all rows that are looked at."""
    if names is None or not body:
        return
    widths = {len(record) for record in body}
    if len(names) in widths:
        return
    row = len(body[0])
    more = ""
    if names[0].startswith("#"):
        more = ": a comment in the first line has to go"
    elif row == len(names) + 1:
        more = (
            ": R writes row names so, unless told row.names=FALSE, and commas before digits behind "
            "one look like that too (--decimal ,)"
        )
    msg = f"{path} must have a name for each column; got {len(names)} for {row} columns{more}"
    raise TableError(msg)
