"""`aecore encode`, `reconstruct` and `score`: a model's answer to the rows of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import aecore
from aecore._tables.reading import read_table
from aecore._tables.table import Table, TableError
from aecore._tables.writing import check_can_write, write_table

_FILE = click.Path(path_type=Path)


def _command(function: Callable[..., None]) -> click.Command:
    option = click.option(
        "-o", "--output", type=_FILE, required=True, help=".npy, .npz, .csv or .parquet"
    )
    for decorate in (
        option,
        click.argument("rows", type=_FILE),
        click.argument("model", type=_FILE),
    ):
        function = decorate(function)
    return click.command()(function)


def _load(model: Path, rows: Path, output: Path) -> tuple[Any, Table]:
    check_can_write(output)
    return aecore.load(model), read_table(rows)


def _check_autoencoder(learned: Any, model: Path, method: str) -> None:
    if not hasattr(learned, method):
        msg = f"{model} must hold an autoencoder; got an {type(learned).__name__}"
        raise TableError(msg)


@_command
def encode(model: Path, rows: Path, output: Path) -> None:
    """Write the codes of ROWS."""
    learned, table = _load(model, rows, output)
    if isinstance(learned, aecore.Network):
        codes = learned.encode(table.rows)
        names = [f"code{unit}" for unit in range(codes.shape[1])]
    else:
        _check_autoencoder(learned, model, "transform")
        codes = learned.transform(table.frame())
        names = list(learned.get_feature_names_out())
    write_table(output, codes.toarray() if hasattr(codes, "toarray") else codes, names)


@_command
def reconstruct(model: Path, rows: Path, output: Path) -> None:
    """Write what the network makes of ROWS."""
    learned, table = _load(model, rows, output)
    X = table.rows if isinstance(learned, aecore.Network) else table.frame()
    _check_autoencoder(learned, model, "reconstruct")
    write_table(output, learned.reconstruct(X), table.names)


@_command
def score(model: Path, rows: Path, output: Path) -> None:
    """Write minus the loss of each of ROWS: the lower, the less the model knows such a row.

    Of an outlier detector, minus the error.
    """
    learned, table = _load(model, rows, output)
    if isinstance(learned, aecore.Network):
        msg = f"{model} must hold an estimator, which knows its loss; got a Network"
        raise TableError(msg)
    _check_autoencoder(learned, model, "score_samples")
    write_table(output, learned.score_samples(table.frame()), ["score"])
