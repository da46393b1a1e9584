"""One list of public names; the stub and the map say the same."""

from __future__ import annotations

import ast
import re

import aecore
from aecore._names import MODELS, MODULES, OBJECTS, ON_COMMAND_LINE
from helpers import ROOT

PACKAGE = ROOT / "python" / "aecore"


def test_the_stub_is_the_list() -> None:
    tree = ast.parse((PACKAGE / "__init__.pyi").read_text())
    imported = {
        name.asname: node.module
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    modules = dict.fromkeys(MODULES, "aecore")
    assert imported == {**OBJECTS, **modules, "__version__": "aecore._version"}
    listed = next(node for node in tree.body if isinstance(node, ast.Assign))
    assert sorted(ast.literal_eval(listed.value)) == sorted(imported) == aecore.__all__


def test_every_name_is_there() -> None:
    for name, module in OBJECTS.items():
        assert getattr(aecore, name).__module__ == module
    assert {type(getattr(aecore, name)) for name in MODULES} == {type(ast)}
    assert MODELS.keys() <= OBJECTS.keys()
    assert set(ON_COMMAND_LINE.values()) <= MODELS.keys()


def test_the_map_has_every_module() -> None:
    text = (ROOT / "python" / "README.md").read_text()
    named = set(re.findall(r"[\w.]+", text))
    for path in PACKAGE.rglob("*.py"):
        folder, *inside = path.relative_to(PACKAGE).parts
        if folder in {"cli", "demo", "reference"} or path.name == "__init__.py":
            continue
        assert (path.stem if inside else folder) in named, path
