"""`aecore recommend`: learn from a file who had what, and say what some of them might like."""

from __future__ import annotations

from pathlib import Path

import click

import aecore
from aecore._recommending.ratings_file import read_ratings
from aecore._tables.table import TableFormat


@click.command()
@click.option(
    "--ratings",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE.csv",
    help="A user and an item in each line, then maybe a rating.",
)
@click.option("--user", "users", multiple=True, required=True, metavar="ID", help="For whom.")
@click.option("-n", "n", type=int, default=10, show_default=True, help="Items for each.")
@click.option(
    "--model",
    type=click.Choice(["ease", "autoencoder"]),
    default="ease",
    show_default=True,
    help="EASE needs items^2 numbers of memory; the autoencoder takes longer.",
)
@click.option(
    "--columns",
    default="",
    metavar="NAMES",
    help="Columns of users, items and ratings: customer,product,stars. [the first ones]",
)
@click.option("--no-header", is_flag=True, help="The first line is data, not names.")
@click.option("--at-least", type=float, metavar="RATING", help="Lower ratings do not count.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the autoencoder.")
def recommend(  # noqa: PLR0917
    ratings: Path,
    users: tuple[str, ...],
    n: int,
    model: str,
    columns: str,
    no_header: bool,
    at_least: float | None,
    seed: int,
) -> None:
    """Print the items that users do not have yet and might like, the best first, with scores."""
    names = [name.strip() for name in columns.split(",")] if columns else []
    form = TableFormat(header=not no_header)
    known = read_ratings(ratings, names, form, at_least=at_least)
    strangers = sorted(set(users) - set(known.users.tolist()))
    if strangers:
        msg = f"--user must have a line that counts in {ratings}; got {', '.join(strangers)}"
        raise ValueError(msg)
    learned = aecore.EASE() if model == "ease" else aecore.AutoencoderRecommender(random_state=seed)
    ids, scores = learned.fit(known.matrix).recommend(known.rows(list(users)), n)
    for user, row, row_scores in zip(users, known.item_names(ids), scores, strict=True):
        if len(users) > 1:
            click.echo(f"{user}:")
        for item, score in zip(row, row_scores, strict=True):
            if item is not None:
                click.echo(f"{item}\t{score:.4g}")
