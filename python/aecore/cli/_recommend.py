"""`aecore recommend`: who had what, from a file, and what some of them might like."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

import aecore
from aecore._recommending.ratings_file import read_ratings
from aecore._tables.table import TableError, TableFormat
from aecore._util.warn import warn
from aecore.cli._answers import need
from aecore.cli._files import PATH, load
from aecore.cli._output import json_option, print_json
from aecore.cli._rows import read_rows
from aecore.cli._tables import table_options

_KINDS = ("ease", "autoencoder")


@click.command()
@click.option(
    "--ratings",
    type=PATH,
    metavar="FILE",
    help="A user and an item in each line, then maybe a rating.",
)
@click.option(
    "--matrix",
    type=PATH,
    metavar="FILE",
    help="Instead: a row for each user, from 0, and a column for each item.",
)
@click.option(
    "--user", "users", multiple=True, metavar="ID", help="For whom; may be repeated.  [all]"
)
@click.option("-n", "n", type=int, default=10, show_default=True, help="Items for each.")
@click.option(
    "--model",
    default="ease",
    show_default=True,
    metavar="ease|autoencoder|FILE",
    help="EASE needs items^2 numbers of memory; the autoencoder takes longer. Or the file of a "
    "recommender, which is not fitted then.",
)
@click.option(
    "--columns",
    default="",
    metavar="NAMES",
    help="Columns of users, items and ratings: customer,product,stars.  [the first ones]",
)
@click.option("--at-least", type=float, metavar="RATING", help="Lower ratings do not count.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the autoencoder.")
@json_option
@table_options
def recommend(  # noqa: PLR0917
    ratings: Path | None,
    matrix: Path | None,
    users: tuple[str, ...],
    n: int,
    model: str,
    columns: str,
    at_least: float | None,
    seed: int,
    as_json: bool,
    form: TableFormat,
) -> None:
    """Print the items that users do not have yet and might like, the best first, with scores."""
    source = ratings or matrix
    if source is None or (ratings and matrix):
        msg = "one of --ratings and --matrix must be given"
        raise click.UsageError(msg)
    learned = _recommender(model, seed)
    if ratings is None:
        known = _of_matrix(source, form)
    else:
        names = [name.strip() for name in columns.split(",") if name.strip()]
        found = read_ratings(source, names, form, at_least=at_least)
        known = _History(found.matrix, list(map(str, found.users)), list(map(str, found.items)))
    strangers = sorted(set(users) - set(known.users))
    if strangers:
        msg = f"--user must have a line that counts in {source}; got {', '.join(strangers)}"
        raise TableError(msg)
    if model in _KINDS:
        learned.fit(known.matrix)
    else:
        known = known.for_items_of(learned, Path(model))
    asked = list(users) or known.users
    places = {user: row for row, user in enumerate(known.users)}
    ids, scores = learned.recommend(known.matrix[[places[user] for user in asked]], n)
    _print(asked, known.items, ids, scores, as_json=as_json)


class _History(NamedTuple):
    """Who had what: a row for each user, a column for each item."""

    matrix: Any
    users: list[str]
    items: list[str]

    def for_items_of(self, learned: Any, path: Path) -> _History:
        """Bring the columns into the order of a recommender's, which knows its items by name."""
        names = getattr(learned, "feature_names_in_", None)
        if names is None:
            if len(self.items) == learned.n_features_in_ and isinstance(self.matrix, np.ndarray):
                return self
            msg = (
                f"{path} knows its {learned.n_features_in_} items by number alone: --matrix must "
                "have a column for each; or fit it to a file with names"
            )
            raise TableError(msg)
        order = {name: column for column, name in enumerate(names)}
        known = [column for column, name in enumerate(self.items) if name in order]
        if len(known) < len(self.items):
            warn(f"{path} does not know {len(self.items) - len(known):,} of the items")
        had = csr_array(self.matrix)[:, known].tocoo()
        columns = np.array([order[self.items[column]] for column in known], dtype=np.int64)
        shape = (len(self.users), len(names))
        moved = csr_array((had.data, (had.row, columns[had.col])), shape=shape)
        return _History(moved, self.users, list(names))


def _recommender(model: str, seed: int) -> Any:
    if model == "ease":
        return aecore.EASE()
    if model == "autoencoder":
        return aecore.AutoencoderRecommender(random_state=seed)
    path = Path(model)
    if not path.exists():
        msg = f"--model must be one of {', '.join(_KINDS)}, or a file; got {model}"
        raise TableError(msg)
    learned = load(path)
    need(learned, "recommend", path)
    return learned


def _of_matrix(path: Path, form: TableFormat) -> _History:
    table = read_rows(path, form)
    n_users, n_items = table.rows.shape
    names = table.names or list(map(str, range(n_items)))
    return _History(np.asarray(table.rows), list(map(str, range(n_users))), names)


def _print(
    users: Sequence[str],
    items: Sequence[str],
    ids: NDArray[Any],
    scores: NDArray[Any],
    *,
    as_json: bool,
) -> None:
    ranked = [
        [(items[item], float(score)) for item, score in zip(*row, strict=True) if item >= 0]
        for row in zip(ids, scores, strict=True)
    ]
    if as_json:
        best = [[{"item": item, "score": score} for item, score in row] for row in ranked]
        found = [{"user": user, "items": row} for user, row in zip(users, best, strict=True)]
        print_json({"recommendations": found})
        return
    for user, row in zip(users, ranked, strict=True):
        if len(users) > 1:
            click.echo(f"{user}:")
        for item, score in row:
            click.echo(f"{item}\t{score:.4g}")
