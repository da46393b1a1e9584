"""`aecore sample`: rows that a model draws."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from aecore.cli._answers import need
from aecore.cli._files import PATH, load
from aecore.cli._rows import check_output, writing


@click.command()
@click.argument("model", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="File of a table.")
@click.option("-n", "n", type=int, default=10, show_default=True, help="How many rows.")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the draws.")
@click.option("-q", "--quiet", is_flag=True, help="No summary.")
def sample(model: Path, output: Path, n: int, seed: int, quiet: bool) -> None:
    """Write rows that MODEL draws: the means of random codes.

    MODEL is variational, or conv with --variational.
    """
    check_output(output, [model])
    learned = load(model)
    need(learned, "sample", model)
    drawn = learned.sample(n, random_state=seed)
    names = getattr(learned, "feature_names_in_", None)
    with writing(output, None if names is None else list(names)) as out:
        out.write(np.asarray(drawn).reshape(n, -1))
    if not quiet:
        click.echo(f"{n:,} rows written to {output}")
