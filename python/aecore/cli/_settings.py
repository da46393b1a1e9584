"""Files of settings: what the options of `aecore fit` are where the command line does not say."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import click

from aecore._checks.near_misses import argument_meant, nearest
from aecore._tables.sources import check_can_read
from aecore.cli._parameters import EstimatorName, having

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

SECTIONS = ("estimator", "fit", "tables")


def read_settings(path: Path) -> dict[str, dict[str, Any]]:
    """Read a file of settings, by sections; names may have hyphens, as options do.

    Raises
    ------
    TableError, OSError, click.UsageError
        If the file cannot be read, is no TOML, or has another section.
    """
    check_can_read(path)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        msg = f"cannot read {path} as TOML: {error}"
        raise click.UsageError(msg) from error
    for name, section in found.items():
        if name not in SECTIONS or not isinstance(section, Mapping):
            known = ", ".join(f"[{each}]" for each in SECTIONS)
            meant = nearest(name, SECTIONS)
            hint = "" if meant in {None, name} else f": did you mean [{meant}]?"
            msg = f"{path} must have the sections {known} alone; got {name}{hint}"
            raise click.UsageError(msg)
    return {
        name: {key.replace("-", "_"): value for key, value in section.items()}
        for name, section in found.items()
    }


def estimator_of(settings: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Give the word of the estimator that settings name, if they do."""
    name = settings.get("estimator", {}).get("name")
    return None if name is None else EstimatorName().convert(name, None, None)


def check_names(
    settings: Mapping[str, Mapping[str, Any]],
    known: Mapping[str, Collection[str]],
    path: Path,
    word: str,
) -> None:
    """Raise click.UsageError for the first setting of a section that is not known there."""
    for section, values in settings.items():
        for name in values:
            if name not in known[section]:
                where = f"[{section}] of {path}"
                msg = f"{where} has {name}, {unknown(name, known[section], section, word)}"
                raise click.UsageError(msg)


def unknown(name: str, known: Collection[str], section: str, word: str) -> str:
    """Say of a name that is not `known` what was meant, or whose it is."""
    others = having(name) if section == "estimator" else []
    if others:
        return f"which is no parameter of {word}; {_listed(others)} it"
    meant = argument_meant(name, known)
    return "which is unknown" + ("" if meant is None else f": did you mean {meant}?")


def _listed(words: list[str]) -> str:
    return f"{', '.join(words)} {'has' if len(words) == 1 else 'have'}"
