"""Print the lowest versions that pyproject.toml allows, as requirements for pip.

What the package needs, and the tests; without the tools that build, whose newest ones are used.
"""

from __future__ import annotations

import re
from pathlib import Path

try:
    import tomllib  # type: ignore[import-not-found,unused-ignore]
except ModuleNotFoundError:  # before Python 3.11
    from pip._vendor import tomli as tomllib  # type: ignore[import-untyped,no-redef,unused-ignore]

EXTRAS = ("demo", "tables", "test")
BUILD_TOOLS = {"cmake", "cython", "setuptools"}


def lowest() -> list[str]:
    """A requirement `name==version` for each `name>=version` of the package and of its tests."""
    text = (Path(__file__).parents[2] / "pyproject.toml").read_text()
    project = tomllib.loads(text)["project"]
    extras = project["optional-dependencies"]
    named = (each for name in EXTRAS for each in extras[name])
    requirements = [*project["dependencies"], *named]
    pairs = (re.fullmatch(r"([\w-]+)>=([\d.]+)(;.*)?", each) for each in requirements)
    return [
        f"{pair[1]}=={pair[2]}{pair[3] or ''}"
        for pair in pairs
        if pair and pair[1] not in BUILD_TOOLS
    ]


if __name__ == "__main__":
    print("\n".join(lowest()))
