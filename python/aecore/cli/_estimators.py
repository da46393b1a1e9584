"""Commands that fit: their options are those of an estimator, which arguments or a file name."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from aecore._checks.near_misses import argument_meant
from aecore._names import ON_COMMAND_LINE
from aecore.cli._files import PATH
from aecore.cli._parameters import (
    EstimatorName,
    as_typed,
    check,
    class_of,
    names_of,
    options_of,
)
from aecore.cli._settings import check_names, estimator_of, read_settings
from aecore.cli._tables import table_options

_DEFAULT = "autoencoder"
_WORD, _OPTIONS, _CONFIG = "aecore.estimator", "aecore.options", "aecore.config"
_ESTIMATOR = click.Option(
    ["--estimator"],
    type=EstimatorName(),
    metavar="NAME",
    help=f"What to fit: {', '.join(ON_COMMAND_LINE)}, or the name of a class. Together with "
    f"--help it shows the options of that one.  [default: {_DEFAULT}]",
)
_FILE = click.Option(
    ["--config"],
    type=PATH,
    metavar="FILE.toml",
    help="Settings in sections [estimator] (name, parameters), [fit] and [tables] (other "
    "options); the command line wins.",
)
# Options of tables: how files of text are read.
_TABLES = tuple(each.name or "" for each in click.command()(table_options(lambda: None)).params)
# What `fit` takes besides rows, by the argument's name.
_DATA = {
    "y": click.Option(
        ["--labels"],
        metavar="COLUMN",
        help="The column of ROWS that holds the labels, or a file of one column.",
    ),
    "target": click.Option(
        ["--target"], type=PATH, metavar="FILE", help="What the output should be, if not ROWS."
    ),
    "validation_data": click.Option(
        ["--validation"],
        type=PATH,
        metavar="FILE",
        help="Rows whose loss is recorded, not learned from.",
    ),
    "unlabeled": click.Option(
        ["--unlabeled"], type=PATH, metavar="FILE", help="More rows for the pretraining."
    ),
    "checkpoint": click.Option(
        ["--checkpoint"], type=PATH, metavar="FILE", help="Written after every epoch."
    ),
    "resume_from": click.Option(
        ["--resume-from"], type=PATH, metavar="FILE", help="A checkpoint to go on from."
    ),
}
_RATINGS = (
    click.Option(
        ["--ratings"],
        is_flag=True,
        help="ROWS has a user and an item in each line, then maybe a rating; without it, a row "
        "for each user and a column for each item.",
    ),
    click.Option(
        ["--columns"],
        default="",
        metavar="NAMES",
        help="Columns of users, items and ratings: customer,product,stars.  [the first ones]",
    ),
    click.Option(["--at-least"], type=float, metavar="RATING", help="Lower ratings do not count."),
)


class EstimatorCommand(click.Command):
    """A command with the options of the estimator that `--estimator` or `--config` names.

    Parameters
    ----------
    fixed : str, default=None
        The word of the estimator where there is no choice.
    """

    def __init__(self, *args: Any, fixed: str | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._fixed = fixed
        self.params += [_FILE] if fixed else [_ESTIMATOR, _FILE]

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Find the estimator, then read the arguments by its options."""
        word, config = _look(args)
        settings = {} if config is None else read_settings(config)
        word = self._fixed or word or estimator_of(settings) or _DEFAULT
        _choose(ctx, word, config)
        if config is not None:
            parameters = names_of(word)
            others = {each.name or "" for each in self.get_params(ctx)}
            others -= {*parameters, *_TABLES, "rows", "output", "model", "estimator", "config"}
            known = {"estimator": ["name", *parameters], "fit": others, "tables": _TABLES}
            check_names(settings, known, config, word)
            given = [values.items() for values in settings.values()]
            ctx.default_map = {name: value for items in given for name, value in items}
            ctx.default_map.pop("name", None)
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise click.UsageError(self._no_such(error.option_name, ctx), ctx) from None

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """List the options: this command's, and those of the estimator."""
        if _OPTIONS not in ctx.meta:
            _choose(ctx, self._fixed or _DEFAULT)
        *own, help_ = super().get_params(ctx)
        return [*own, *ctx.meta[_OPTIONS], help_]

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options, the parameters of the estimator under a heading of their own."""
        records: dict[bool, list[tuple[str, str]]] = {False: [], True: []}
        parameters = names_of(ctx.meta[_WORD])
        for each in self.get_params(ctx):
            record = each.get_help_record(ctx) if isinstance(each, click.Option) else None
            if record is not None:
                records[each.name in parameters].append(record)
        with formatter.section("Options"):
            formatter.write_dl(records[False])
        with formatter.section(f"Parameters of aecore.{ON_COMMAND_LINE[ctx.meta[_WORD]]}"):
            formatter.write_dl(records[True])

    def _no_such(self, option: str, ctx: click.Context) -> str:
        word = ctx.meta[_WORD]
        msg = f"{option} is no option of {ctx.info_name} for the estimator {word}"
        others = [each for each in ON_COMMAND_LINE if option in _spelled(each)]
        if others and not self._fixed:
            return f"{msg}; {', '.join(others)} {'has' if len(others) == 1 else 'have'} it"
        known = {each.name: each.opts[-1] for each in self.get_params(ctx) if each.name}
        meant = argument_meant(option.lstrip("-").replace("-", "_"), list(known))
        return msg if meant is None else f"{msg}: did you mean {known[meant]}?"


def _choose(ctx: click.Context, word: str, config: Path | None = None) -> None:
    options = [*_data_of(word), *options_of(word)]
    ctx.meta.update({_WORD: word, _CONFIG: config, _OPTIONS: options})


def word_of(ctx: click.Context) -> str:
    """Give the word of the estimator that a command fits."""
    word: str = ctx.meta[_WORD]
    return word


def make_estimator(ctx: click.Context, *, verbose: int) -> Any:
    """Make the estimator with the parameters that were given, and check them."""
    kind = class_of(word_of(ctx))
    given = {name: ctx.params[name] for name in names_of(word_of(ctx)) if _is_given(ctx, name)}
    if "verbose" in inspect.signature(kind).parameters:
        given["verbose"] = verbose
    estimator = kind(**given)
    check(estimator)
    return estimator


@contextlib.contextmanager
def by_options(ctx: click.Context) -> Iterator[None]:
    """Say what is wrong with a parameter by the name it was given with."""
    names = names_of(word_of(ctx))
    source = click.core.ParameterSource.DEFAULT_MAP
    typed = {
        name: f"{name} of {ctx.meta[_CONFIG]}"
        if ctx.get_parameter_source(name) is source
        else f"--{name.replace('_', '-')}"
        for name in names
    }
    try:
        yield
    except (ValueError, TypeError) as error:
        message = as_typed(str(error), typed)
        if message == str(error):
            raise
        raise ValueError(message) from error


def estimator_command(**settings: Any) -> Callable[[Callable[..., Any]], EstimatorCommand]:
    """Make a command of a function, as `click.command` does."""

    def decorate(function: Callable[..., Any]) -> EstimatorCommand:
        command = click.command(cls=EstimatorCommand, **settings)(function)
        assert isinstance(command, EstimatorCommand)
        return command

    return decorate


def takes(word: str) -> Mapping[str, inspect.Parameter]:
    """List the arguments of an estimator's `fit`."""
    return inspect.signature(class_of(word).fit).parameters


def _is_given(ctx: click.Context, name: str) -> bool:
    given = (click.core.ParameterSource.COMMANDLINE, click.core.ParameterSource.DEFAULT_MAP)
    return ctx.get_parameter_source(name) in given


def _data_of(word: str) -> list[click.Option]:
    """List the options that say what `fit` takes besides rows."""
    arguments = takes(word)
    if "user_items" in arguments:
        return list(_RATINGS)
    asked = [name for name in _DATA if name in arguments]
    if "y" in asked and arguments["y"].default is not inspect.Parameter.empty:
        asked.remove("y")  # scikit-learn's, ignored
    return [_DATA[name] for name in asked]


def _spelled(word: str) -> list[str]:
    parameters = [f"--{name.replace('_', '-')}" for name in names_of(word)]
    return [*parameters, *(each.opts[-1] for each in _data_of(word))]


def _look(args: Sequence[str]) -> tuple[str | None, Path | None]:
    """Look for the two options that say what the other options are."""
    looking = click.Command("look", params=[_ESTIMATOR, _FILE], add_help_option=False)
    ctx = looking.make_context(
        "look", list(args), ignore_unknown_options=True, allow_extra_args=True
    )
    return ctx.params["estimator"], ctx.params["config"]
