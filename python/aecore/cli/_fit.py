"""`aecore fit`: every parameter of the estimator is an option."""

from __future__ import annotations

import ast
import inspect
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import aecore
from aecore._names import ON_COMMAND_LINE
from aecore._tables.reading import read_table
from aecore._tables.table import Table, TableError

_FILE = click.Path(path_type=Path)
# Objects, for which the command line has no words; `verbose` is what --quiet is about.
_LEFT_OUT = ("callbacks", "verbose")
_PARAMETERS = list(inspect.signature(aecore.Autoencoder).parameters.items())


def _value(ctx: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    del ctx, parameter
    if text is None:
        return None
    words = {"true": True, "false": False, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text  # a name


def _with_parameters(command: Callable[..., None]) -> Callable[..., None]:
    for name, parameter in reversed(_PARAMETERS):
        if name not in _LEFT_OUT:
            command = click.option(
                f"--{name.replace('_', '-')}",
                name,
                metavar="VALUE",
                callback=_value,
                help=f"[autoencoder: {parameter.default}]",
            )(command)
    return command


@click.command()
@click.argument("rows", type=_FILE)
@click.option("-o", "--output", "model", type=_FILE, required=True, help="File of the model.")
@click.option(
    "--estimator",
    type=click.Choice(list(ON_COMMAND_LINE)),
    default="autoencoder",
    show_default=True,
    help="Whose defaults hold.",
)
@click.option("--target", type=_FILE, help="What the output should be, if not ROWS.")
@click.option("--validation", type=_FILE, help="Rows whose loss is recorded, not learned from.")
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
@_with_parameters
def fit(  # noqa: PLR0917
    rows: Path,
    model: Path,
    estimator: str,
    target: Path | None,
    validation: Path | None,
    quiet: bool,
    **parameters: Any,
) -> None:
    """Train an autoencoder on ROWS and write it to a file.

    ROWS is a .npy, .npz, .csv or .parquet file. The options with a VALUE are the parameters of
    `aecore.Autoencoder`, written as in Python: --hidden-layer-sizes 128,32 --noise masking
    --learning-rate 1e-3. Those not given have the estimator's default.
    """
    given = click.get_current_context().get_parameter_source
    chosen = {
        name: value
        for name, value in parameters.items()
        if given(name) is click.core.ParameterSource.COMMANDLINE
    }
    if not model.parent.is_dir():
        msg = f"cannot write {model}: there is no folder {model.parent}"
        raise TableError(msg)
    kind = getattr(aecore, ON_COMMAND_LINE[estimator])
    learned = kind(**chosen, verbose=0 if quiet else 1)
    extra = {} if target is None else {"target": read_table(target).rows}
    if validation is not None:
        extra["validation_data"] = read_table(validation).rows
    table: Table = read_table(rows)
    begin = time.perf_counter()
    learned.fit(table.frame(), **extra)
    seconds = time.perf_counter() - begin
    learned.save(model)
    if not quiet:
        sizes = "-".join(map(str, learned.network_.layer_sizes))
        history = learned.history_
        losses = [f"{name} {history[name][-1]:.6g}" for name in history if name.endswith("loss")]
        click.echo(
            f"{sizes} on {table.rows.shape[0]:,} rows in {seconds:.1f} s: {', '.join(losses)}"
        )
        click.echo(f"written to {model}")
