"""What every quality benchmark needs: the data's folder, the machine's name, a table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import aecore
from benchmarks.machine import processor
from benchmarks.rows import data_root


def data_folder(name: str) -> Path:
    """Folder of a data set: below AECORE_DATA, or below shared/data beside the checkout.

    Raises
    ------
    SystemExit
        If it is not there.
    """
    root = data_root()
    folder = root / name
    if not folder.is_dir():
        msg = f"{name} is not in {root}: set AECORE_DATA to the folder that holds the data"
        raise SystemExit(msg)
    return folder


def machine() -> str:
    """Version of aecore, instruction set and processor: what a figure depends on."""
    return f"aecore {aecore.__version__} ({aecore._core.show_build()['isa']}) on {processor()}"


def print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print columns, right-aligned, under their names."""
    lines = [header, *rows]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        cells = [cell.rjust(width) for cell, width in zip(line, widths, strict=True)]
        print("  " + "  ".join(cells))
