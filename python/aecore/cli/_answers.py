"""A model's answers to the rows of a file, a block at a time: which there are, and their file."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray

import aecore
from aecore._tables.table import Table, TableError, TableFormat
from aecore._util.progress import Progress
from aecore.cli._files import a
from aecore.cli._rows import blocks, writing

_ROW = re.compile(r"\brow (\d+)\b")
# What a file must hold for a command, and what tells that it does.
_NEEDS: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "encode": (
        "an autoencoder",
        lambda model: isinstance(model, aecore.Network) or hasattr(model, "transform"),
    ),
    "reconstruct": ("an autoencoder", lambda model: hasattr(model, "reconstruct")),
    "predict": (
        "a classifier, an outlier detector or clusters",
        lambda model: isinstance(
            model,
            aecore.AutoencoderClassifier
            | aecore.AutoencoderOutlierDetector
            | aecore.DeepClustering,
        ),
    ),
    "score": (
        "an autoencoder, an outlier detector, a classifier or clusters",
        lambda model: hasattr(model, "score_samples") or _NEEDS["predict"][1](model),
    ),
    "sample": (
        "an estimator with a distribution as its code (variational, or conv with --variational)",
        lambda model: hasattr(model, "sample"),
    ),
    "recommend": ("a recommender", lambda model: hasattr(model, "recommend")),
}


class Answer(NamedTuple):
    """What is asked of rows, and the names of its columns; None: those of the rows."""

    ask: Callable[[Any], Any]
    names: list[str] | None


def need(learned: Any, command: str, path: Path) -> None:
    """Raise TableError where a command means nothing for a model, and say which do."""
    what, holds = _NEEDS[command]
    if not holds(learned):
        others = [name for name, (_, fits) in _NEEDS.items() if fits(learned)]
        msg = (
            f"{path} must hold {what}; got {a(type(learned).__name__)}, which is for aecore "
            f"{', '.join([*others, 'info'])}"
        )
        raise TableError(msg)


def answer_rows(
    learned: Any,
    answer: Answer,
    rows: Path,
    output: Path | None,
    form: TableFormat,
    *,
    quiet: bool,
    told: Callable[[NDArray[Any]], None] | None = None,
    check: Callable[[int], None] | None = None,
    without: Sequence[str] = (),
) -> None:
    """Write the answers to all rows of a file.

    Parameters
    ----------
    learned : Network or estimator
    answer : Answer
    rows, output : Path
        Without an output nothing is written.
    form : TableFormat
        Of the rows.
    quiet : bool
        Whether there is no progress bar on a terminal.
    told : callable, default=None
        Called with the answers to each block.
    check : callable, default=None
        Called with the number of rows before the output appears; what it raises prevents that.
    without : sequence of str, default=()
        Columns that are left out.
    """
    # Windows of a series reach over the ends of blocks.
    whole = getattr(learned, "window", 1) > 1
    visible = int(not quiet and sys.stderr.isatty())
    n_rows = 0
    source = blocks(rows, form, whole=whole, without=without)
    names = answer.names or source.names
    with writing(output, names) as out, Progress(visible, source.n_rows, "row") as progress:
        for table in source.blocks:
            found = _ask(learned, answer, table, n_rows)
            out.write(found)
            if told is not None:
                told(found)
            n_rows += len(found)
            progress.move_to(n_rows)
        if check is not None:
            check(n_rows)
    if output is not None and not quiet:
        click.echo(f"{n_rows:,} rows written to {output}")


def _ask(learned: Any, answer: Answer, table: Table, first: int) -> NDArray[Any]:
    """Ask for a block; an error names its row in the file."""
    try:
        found = answer.ask(table.rows if isinstance(learned, aecore.Network) else table.frame())
    except (ValueError, TypeError) as error:
        message = _ROW.sub(lambda row: f"row {int(row[1]) + first}", str(error))
        raise type(error)(message) from error
    return np.asarray(found.toarray() if hasattr(found, "toarray") else found)
