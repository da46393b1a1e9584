"""Whether the first line of a text names its columns, or is asked about."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from pathlib import Path

from aecore._tables.cells import FLAGS, is_number, is_plain
from aecore._tables.table import TableError

_YEARS = range(1900, 2101)
_IN_ORDER = 8  # so many different numbers are hardly in order by chance
# A record whose cells are all in quotes, and its line end.
_ALL_QUOTED = re.compile(r'"(?:[^"]|"")*"(?:[^"\r\n] ?"(?:[^"]|"")*")*(?:\r\n?|\n)')

Record = list[str]


def has_header(
    path: Path, records: list[Record], head: str, decimal: str, missing: frozenset[str]
) -> bool:
    """Whether the first record has names, not a row.

    Words are names, and so are years and numbers in steps beside words. Numbers alone are a row
    unless they may be names.

    Raises
    ------
    TableError
        If it may be either.
    """
    first, body = records[0], [record for record in records[1:] if record]
    numbers = [cell for cell in first if is_number(cell, decimal) and cell.strip() not in missing]
    words = [cell for cell in first if not is_plain(cell, decimal, missing)]
    if words and not numbers:
        return True
    # R quotes names, all of them; other numbers are quoted for their decimal commas.
    quoted = None if any("," in cell for cell in numbers) else _ALL_QUOTED.match(head)
    if body and quoted and head[quoted.end() : quoted.end() + 1] != '"':
        return True
    if words and _look_like_names([float(cell.replace(",", ".")) for cell in numbers]):
        return True
    if words or _may_be_names(first, body, decimal, missing):
        msg = (
            f"{path} must say whether its first line, {_some(first)}, has names or numbers: give "
            "--header or --no-header"
        )
        raise TableError(msg)
    return False


def columns_of(body: list[Record], width: int) -> list[list[str]]:
    """The cells of each column."""
    return [[record[i].strip() for record in body if i < len(record)] for i in range(width)]


def _look_like_names(numbers: list[float]) -> bool:
    """Whether these are years, or numbers in equal steps: 0, 1, 2 or 400.5, 401, 401.5."""
    if numbers and all(number in _YEARS for number in numbers):
        return True
    if len(numbers) < 2:
        return False
    step = numbers[1] - numbers[0]
    if step == 0 or (len(numbers) == 2 and abs(step) != 1):
        return False
    pairs = itertools.pairwise(numbers)
    return all(abs(after - before - step) <= 1e-6 * abs(step) for before, after in pairs)


def _may_be_names(first: Record, body: list[Record], decimal: str, missing: frozenset[str]) -> bool:
    """Whether numbers may be names: years, in steps, in order, or whole ones unlike those below."""
    cells = [cell.strip() for cell in first if cell.strip() not in missing]
    if not cells:
        return any(cell.strip() for cell in first)  # NA is sodium, too
    if any(cell in FLAGS for cell in cells):
        return False
    numbers = _numbers(cells, decimal)
    if len(numbers) == 1 and len(first) == 1:
        below = _numbers([record[0] for record in body], decimal)
        return numbers[0] in _YEARS and not any(number in _YEARS for number in below)
    if len(numbers) >= _IN_ORDER and _in_order(numbers):
        return not all(_in_order(_numbers(record, decimal)) for record in body)
    return _look_like_names(numbers) or (
        len(cells) == len(first) and _are_outside(cells, columns_of(body, len(first)), decimal)
    )


def _are_outside(cells: list[str], columns: list[list[str]], decimal: str) -> bool:
    """Whether different whole numbers are each outside the range of the column below it."""
    if len(set(cells)) < len(cells) or not all(cell.isdecimal() for cell in cells):
        return False
    below = [_numbers(column, decimal) for column in columns]
    return all(
        len(column) > 0 and not min(column) <= float(cell) <= max(column)
        for cell, column in zip(cells, below, strict=True)
    )


def _numbers(cells: Sequence[str], decimal: str) -> list[float]:
    return [float(cell.strip().replace(",", ".")) for cell in cells if is_number(cell, decimal)]


def _in_order(numbers: list[float]) -> bool:
    pairs = list(itertools.pairwise(numbers))
    return all(a < b for a, b in pairs) or all(a > b for a, b in pairs)


def _some(cells: Sequence[str]) -> str:
    shown = ", ".join(cells[:4])
    return f"{shown}, ..." if len(cells) > 4 else shown
