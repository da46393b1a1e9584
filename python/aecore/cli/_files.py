"""Files that commands are given: checked before the work, refused in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import aecore
from aecore._tables.sources import check_can_read
from aecore._tables.table import TableError
from aecore._util.atomic import check_writable

PATH = click.Path(path_type=Path)


def check_can_write(path: Path, inputs: Sequence[Path] = ()) -> None:
    """Raise TableError if a file could not be written there: before minutes of work, not after.

    Nor may it be one of those that the command reads.
    """
    reason = None
    try:
        check_writable(path)
    except OSError as error:
        known = path.parent.is_dir()
        reason = error.strerror if known else f"there is no folder {path.parent}"
    if path.is_file() and any(each.is_file() and path.samefile(each) for each in inputs):
        reason = "it is what is to be read"
    if reason is not None:
        msg = f"cannot write {path}: {reason}"
        raise TableError(msg)


def load(path: Path) -> Any:
    """Load a model."""
    check_can_read(path)
    return aecore.load(path)


def a(word: str) -> str:
    """Put the article before a word: names of classes are said in sentences."""
    return f"{'an' if word[0] in 'AEIOUaeiou' else 'a'} {word}"
