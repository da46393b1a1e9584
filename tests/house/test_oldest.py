"""`make test-oldest` installs the lowest version of all that the package and its tests need."""

from __future__ import annotations

from importlib.metadata import requires

from packaging.requirements import Requirement

from oldest import BUILD_TOOLS, EXTRAS, lowest


def test_every_requirement_has_its_lowest_version() -> None:
    installed = [Requirement(text) for text in requires("aecore") or ()]
    needed = {
        each.name: each
        for each in installed
        if each.name not in {"aecore", *BUILD_TOOLS}
        and (each.marker is None or any(each.marker.evaluate({"extra": e}) for e in EXTRAS))
    }
    asked = [Requirement(text) for text in lowest()]
    asked = [each for each in asked if each.marker is None or each.marker.evaluate()]
    pinned = {each.name: str(each.specifier).removeprefix("==") for each in asked}
    assert pinned.keys() == needed.keys()
    for name, version in pinned.items():
        assert version in needed[name].specifier
