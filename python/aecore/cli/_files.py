"""Files that commands are given: checked before the work, refused in one sentence."""

from __future__ import annotations

import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

import aecore
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


def check_can_read(path: Path) -> None:
    """Raise TableError for what is no file: to open a pipe would wait for its other end.

    Raises
    ------
    OSError
        If there is nothing of that name.
    """
    try:
        mode = path.stat().st_mode
    except OSError as error:
        msg = f"cannot read {path}: {error.strerror}"
        raise TableError(msg) from error
    if not stat.S_ISREG(mode):
        kinds = {stat.S_IFDIR: "folder", stat.S_IFIFO: "pipe", stat.S_IFSOCK: "socket"}
        msg = f"cannot read {path}: it is a {kinds.get(stat.S_IFMT(mode), 'device')}, not a file"
        raise TableError(msg)


def load(path: Path) -> Any:
    """Load a model."""
    check_can_read(path)
    return aecore.load(path)


def a(word: str) -> str:
    """Put the article before a word: names of classes are said in sentences."""
    return f"{'an' if word[0] in 'AEIOUaeiou' else 'a'} {word}"
