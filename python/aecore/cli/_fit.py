"""`aecore fit` and `aecore cluster`: every parameter of the estimator is an option."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Any

import click

from aecore._tables.table import TableFormat
from aecore.cli import _data
from aecore.cli._estimators import by_options, estimator_command, make_estimator, word_of
from aecore.cli._facts import learned_facts
from aecore.cli._files import PATH, check_can_write
from aecore.cli._output import json_option, print_json, some
from aecore.cli._rows import check_output, without_option, writing
from aecore.cli._tables import table_options

_quiet = click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")


@estimator_command()
@click.argument("rows", type=PATH)
@click.option(
    "-o", "--output", "model", type=PATH, required=True, metavar="MODEL", help="File of the model."
)
@_quiet
@json_option
@table_options
@without_option
@click.pass_context
def fit(  # noqa: PLR0917
    ctx: click.Context,
    /,
    rows: Path,
    model: Path,
    quiet: bool,
    as_json: bool,
    form: TableFormat,
    **given: Any,
) -> None:
    """Fit an estimator to ROWS and write it to a file.

    Parameters have the names and defaults of the class, and values as in Python:
    --hidden-layer-sizes 128,32 --noise masking --learning-rate 1e-3 --shuffle false
    --optimizer "Adam(beta_1=0.8)".
    """
    check_can_write(model, [rows])
    learned, n_rows, seconds = _fit(ctx, rows, form, given, verbose=not quiet)
    learned.save(model)
    _summarize(learned, word_of(ctx), n_rows, seconds, model, quiet=quiet, as_json=as_json)


def _fit(
    ctx: click.Context, rows: Path, form: TableFormat, given: dict[str, Any], *, verbose: bool
) -> tuple[Any, int, float]:
    """Make the estimator, read its data, and fit it."""
    with by_options(ctx):
        learned = make_estimator(ctx, verbose=int(verbose and sys.stderr.isatty()))
        data = _data.read(word_of(ctx), rows, form, given)
        begin = time.perf_counter()
        learned.fit(*data.args, **data.kwargs)
        seconds = time.perf_counter() - begin
    if data.item_names is not None:
        learned.feature_names_in_ = data.item_names
    return learned, data.n_rows, seconds


def _summarize(
    learned: Any,
    word: str,
    n_rows: int,
    seconds: float,
    output: Path,
    *,
    quiet: bool,
    as_json: bool,
) -> None:
    found = learned_facts(learned)
    if as_json:
        done = {"estimator": word, "n_rows": n_rows, "fit_seconds": seconds, "output": str(output)}
        print_json({**done, **found})
    elif not quiet:
        what = "-".join(map(str, found["layers"])) if "layers" in found else word
        details = [f"{name} {found[name]:.6g}" for name in found if name.endswith("loss")]
        if "threshold" in found:
            details.append(f"{found['n_networks']} networks, odd above {found['threshold']:.6g}")
        if "cluster_sizes" in found:
            sizes = found["cluster_sizes"]
            details.append(f"{len(sizes)} clusters, of {some(sizes)} rows")
        if "n_items" in found:
            details.append(f"{found['n_items']:,} items")
        click.echo(f"{what} on {n_rows:,} rows in {seconds:.1f} s: {', '.join(details)}")
        click.echo(f"written to {output}")


@estimator_command(fixed="clustering")
@click.argument("rows", type=PATH)
@click.option("-o", "--output", type=PATH, required=True, help="Table of labels.")
@click.option("--model", type=PATH, metavar="MODEL", help="File for the model, too.")
@_quiet
@json_option
@table_options
@without_option
@click.pass_context
def cluster(  # noqa: PLR0917
    ctx: click.Context,
    /,
    rows: Path,
    output: Path,
    model: Path | None,
    quiet: bool,
    as_json: bool,
    form: TableFormat,
    **given: Any,
) -> None:
    """Cluster ROWS, and write the cluster of each: from 0, or -1 for noise.

    The options are those of `aecore fit --estimator clustering`, which keeps the model.
    """
    check_output(output, [rows])
    if model is not None:
        check_can_write(model, [rows])
    learned, n_rows, seconds = _fit(ctx, rows, form, given, verbose=not quiet)
    with writing(output, ["cluster"]) as out:
        out.write(learned.labels_)
    if model is not None:
        learned.save(model)
    _summarize(learned, word_of(ctx), n_rows, seconds, output, quiet=quiet, as_json=as_json)
