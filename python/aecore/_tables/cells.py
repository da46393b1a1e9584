"""What a cell of text is: a number, a missing one, a flag, or something to say a sentence about."""

from __future__ import annotations

import re

from aecore._checks.frames import COUNT, ENCODE

TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
FLAGS = frozenset((*TRUE, *FALSE))
_NUMBER = re.compile(
    r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity|nan)", re.IGNORECASE
)
# 1,234 and 1,234,567.8 have thousands; so have 1.234,5 and 1.234.567.
THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d*)?")
# One point, and three digits behind it.
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}\.\d{3}")
_OTHER_THOUSANDS = re.compile(
    r"[+-]?\d{1,3}((\.\d{3})+,\d+|(\.\d{3}){2,}|([ '\u00a0\u202f\u2019]\d{3})+.*)"
)
_UNIT = re.compile(r"[+-]?[$€£¥]?\s*[+-]?\d[\d.,]*\s*([%‰$€£¥°]|[a-zA-Z]{1,3}\d?)?")
_TIME = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([T ].*)?|\d{1,2}:\d{2}(:\d{2}.*)?.*")

_NOT_THERE = "if that stands for a missing number, say so with --na-value"


def is_number(cell: str, decimal: str) -> bool:
    """Whether a cell is a number with digits behind `decimal`."""
    cell = cell.strip()
    if decimal == ",":
        if "." in cell:
            return False
        cell = cell.replace(",", ".")
    return _NUMBER.fullmatch(cell) is not None


def is_plain(cell: str, decimal: str, missing: frozenset[str]) -> bool:
    """Whether a cell may stand in a table of numbers."""
    text = cell.strip()
    return text in missing or text in FLAGS or is_number(text, decimal)


def has_decimal_comma(cell: str) -> bool:
    """Whether a cell is a number in which a comma stands before the digits behind one."""
    return "," in cell and is_number(cell, ",") and THOUSANDS.fullmatch(cell.strip()) is None


def fault(cell: str, decimal: str) -> str:
    """Say why a cell that is no number is none, and what helps."""
    text = cell.strip()
    other = "." if decimal == "," else ","
    reasons = (
        (not text, "leave the cell empty if its number is missing"),
        (
            THOUSANDS.fullmatch(text) or _OTHER_THOUSANDS.fullmatch(text),
            "write numbers without marks between thousands",
        ),
        (is_number(text, other), f"{decimal!r} stands before digits in others; --decimal {other}?"),
        (_TIME.fullmatch(text), COUNT),
        (text in FLAGS, "the column did not begin with true and false: write 1 and 0"),
        (_UNIT.fullmatch(text), "write the number without its unit"),
        (re.fullmatch(r"[^\w\s]+", text), _NOT_THERE),
    )
    return next((said for holds, said in reasons if holds), f"{ENCODE}; {_NOT_THERE}")
