"""Tests stand in rooms: what they share is in tests/support, and no test imports another."""

from __future__ import annotations

import ast
from collections import Counter

from helpers import SUPPORT, TESTS

MODULES = sorted(TESTS.rglob("*.py"))


def imported(source: str) -> set[str]:
    """The first names of all modules that a source imports, inside functions too."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {each.name.split(".")[0] for each in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add((node.module or "").split(".")[0])
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # Programs for a child that are written in a string.
            words = [line.split() for line in node.value.splitlines()]
            names |= {line[1] for line in words if len(line) > 1 and line[0] in ("from", "import")}
    return names


def test_no_test_imports_another() -> None:
    tests = {path.stem for path in MODULES if path.stem.startswith("test_")}
    found = {path.name: imported(path.read_text()) & tests for path in MODULES}
    assert {name: others for name, others in found.items() if others} == {}


def test_names_are_unique() -> None:
    """Pytest and the children of `helpers.run_function` find a module by its name alone."""
    names = Counter(path.stem for path in MODULES if path.parent != TESTS)
    assert {name for name, count in names.items() if count > 1} == set()


def test_tests_are_in_rooms_and_helpers_in_one() -> None:
    for path in MODULES:
        if path.stem.startswith("test_"):
            assert path.parent.parent == TESTS
            assert path.parent != SUPPORT
        else:
            assert path.parent in (SUPPORT, TESTS)
