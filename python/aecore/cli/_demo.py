"""`aecore demo`."""

from __future__ import annotations

from pathlib import Path

import click

from aecore._checks.rules import MAX_SEED
from aecore._tables.table import TableFormat
from aecore.cli._tables import table_options


def _seed(ctx: click.Context, parameter: click.Parameter, text: str) -> int:
    del ctx, parameter
    try:
        value = int(text)
    except ValueError:
        value = -1
    if not 0 <= value <= MAX_SEED:
        msg = f"seed must be an integer from 0 to 2**63 - 1; got {text!r}"
        raise click.BadParameter(msg)
    return value


@click.command()
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Rows to learn from: .npy, .npz (one 2-D array, or one named X), .csv or .parquet.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    metavar="DIR",
    default=Path("aecore-demo"),
    show_default=True,
    help="Folder for the pictures.",
)
@click.option(
    "--seed",
    metavar="N",
    callback=_seed,
    default="0",
    show_default=True,
    help="Seed of all random numbers.",
)
@table_options
def demo(data: Path | None, output: Path, seed: int, form: TableFormat) -> None:
    """Train a sparse autoencoder and look at what it learned.

    Learn the 4-2-4 identity code, then edge detectors from natural images. With --data, learn
    features of your own rows instead.
    """
    from aecore.demo import run

    run(data=data, output=output, seed=seed, form=form)
