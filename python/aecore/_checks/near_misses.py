"""What was meant by a name that is almost right, or right in another library."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Mapping
from typing import Any

from aecore._checks.elsewhere import ARGUMENTS, ATTRIBUTES, VALUES

_QUOTED = re.compile(r"'([^']+)'")
_LONGEST = 40


def proposal(value: Any, rule: str) -> str:
    """Say which of the names quoted in `rule` was meant by `value`; nothing if none is near."""
    names = _QUOTED.findall(rule)
    if not isinstance(value, str) or value in names:
        return ""
    meant = VALUES.get(_plain(value))
    found = meant if meant in names else nearest(value, names)
    return "" if found is None else f": did you mean {found!r}?"


def argument_meant(name: str, names: Collection[str]) -> str | None:
    """Find which of the arguments `names` was meant by `name`, if that can be told."""
    found = next((each for each in _elsewhere(ARGUMENTS, name) if each in names), None)
    return found or nearest(name, names)


def attributes_meant(name: str) -> list[str]:
    """Find the attributes, "a.b" being one of a's, that another library calls `name`.

    Names that are almost right are left to Python, which proposes the nearest itself.
    """
    return _elsewhere(ATTRIBUTES, name)


def nearest(name: str, names: Collection[str]) -> str | None:
    """Find the name that differs from `name` in a few letters, capitals or underscores."""
    if len(name) > _LONGEST:
        return None
    plain = _plain(name)
    for each in names:
        if each.lower().replace("_", "") == plain.replace("_", ""):
            return each
    near = difflib.get_close_matches(plain, names, n=1, cutoff=0.75)
    return near[0] if near else None


def _elsewhere(table: Mapping[tuple[str, ...], str], name: str) -> list[str]:
    return [
        each
        for meanings, words in table.items()
        if name in words.split()
        for each in meanings
        if each != name
    ]


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(" ", "_")
