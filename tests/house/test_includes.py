"""The rooms of csrc: what a file may include, and that includes close no circle."""

from __future__ import annotations

import graphlib
import re
from pathlib import Path

import pytest

from helpers import ROOT

# From the lowest up. A file includes from its own room and from rows above its own in this table;
# rooms of one row stand beside each other and know nothing of each other.
ORDER = [
    ["core"],
    ["kernels"],
    ["nn/model"],
    ["nn/weights"],
    ["nn/data"],
    ["nn/sparse", "nn/codes"],
    ["nn/rows"],
    ["nn/terms", "nn/serve"],
    ["nn/step"],
    ["train"],
    ["bindings"],
]
LEVEL = {room: level for level, rooms in enumerate(ORDER) for room in rooms}


@pytest.fixture(scope="module")
def includes() -> dict[str, list[str]]:
    """The files of csrc that each of them includes, all by their paths below csrc."""
    source = ROOT / "csrc"
    if not source.is_dir():
        pytest.skip("there is no checkout around these tests")
    files = {path.relative_to(source).as_posix(): path for path in source.rglob("*.?pp")}
    pattern = re.compile(r'^\s*#\s*include\s*["<]([^">]+)[">]', re.MULTILINE)
    return {
        name: [found for found in pattern.findall(path.read_text()) if found in files]
        for name, path in files.items()
    }


def room(file: str) -> str:
    return Path(file).parent.as_posix()


def test_every_file_is_in_a_room_of_the_table(includes: dict[str, list[str]]) -> None:
    assert {room(file) for file in includes} == set(LEVEL)


def test_includes_go_down(includes: dict[str, list[str]]) -> None:
    wrong = [
        f"csrc/{file} includes {included}: {room(included)} is not below {room(file)}"
        for file, names in includes.items()
        for included in names
        if room(file) != room(included) and LEVEL[room(file)] <= LEVEL[room(included)]
    ]
    assert not wrong, "\n".join(wrong)


def test_includes_close_no_circle(includes: dict[str, list[str]]) -> None:
    try:
        graphlib.TopologicalSorter(includes).prepare()
    except graphlib.CycleError as error:
        pytest.fail("csrc: " + " is included by ".join(error.args[1]))
