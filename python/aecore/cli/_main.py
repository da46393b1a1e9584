"""What all commands have in common: where they are, how they end, and what they say then."""

from __future__ import annotations

import contextlib
import os
import sys
import warnings
from collections.abc import Iterator, Sequence
from importlib import import_module
from typing import Any

import click

from aecore._tables.table import TableError
from aecore._util.starting import started
from aecore._version import __version__
from aecore.cli._output import one_line
from aecore.demo._errors import DemoError
from aecore.exceptions import TrainingDivergedError

# The commands by their modules, imported when called: scikit-learn takes a second.
_COMMANDS = {
    "fit": "fit",
    "cluster": "fit",
    "encode": "apply",
    "reconstruct": "apply",
    "predict": "apply",
    "score": "score",
    "sample": "sample",
    "recommend": "recommend",
    "info": "info",
    "demo": "demo",
}
# What the library and its files say about input is meant for users.
_SAID = (TableError, DemoError, TrainingDivergedError, ValueError, TypeError, OSError, MemoryError)
# Of click 8.2 and later.
_HELP = getattr(click.exceptions, "NoArgsIsHelpError", ())


class _ClosedPipeError(Exception):
    """Nobody reads the output any more. Of a BrokenPipeError click makes exit code 1."""


class _Commands(click.Group):
    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        with _closed_pipes():
            return super().make_context(*args, **kwargs)

    def invoke(self, ctx: click.Context) -> Any:
        with _closed_pipes():
            return super().invoke(ctx)

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"aecore.cli._{_COMMANDS[cmd_name]}")
        started()
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="aecore", message="%(prog)s %(version)s")
def commands() -> None:
    """Autoencoders on CPUs: trained, described and asked from files.

    Rows are tables: .npy, .npz, text (.csv, .tsv, .txt, also compressed), .parquet, .feather or
    .arrow. Models are what `aecore.load` reads. Every command says what it takes with --help;
    docs/command-line.md has examples.

    \b
    Exit codes:
      0    done; also where the reader of the output went away, as in `| head`
      1    a fault of aecore's own, with a traceback
      2    arguments, rows or files that cannot be used; stderr says why in one sentence
      130  ended by Ctrl-C
    """  # noqa: D301


def run(given: Sequence[str]) -> int:
    """Run the command line with these arguments and return its exit code."""
    # The program alone where no command is named, as with --version.
    who = " ".join(["aecore", *[word for word in given if word in _COMMANDS][:1]])
    with warnings.catch_warnings():
        warnings.showwarning = _in_one_line(who)
        try:
            return _run(list(given), who)
        finally:
            for stream in (sys.stdout, sys.stderr):
                _end(stream)


def _run(given: list[str], who: str) -> int:
    code: Any = 0
    try:
        code = commands.main(given, prog_name="aecore", standalone_mode=False)
        sys.stdout.flush()
    except SystemExit as end:  # of click, when a shell has its completions
        code = end.code
    except (_ClosedPipeError, BrokenPipeError):
        code = 0
    except click.ClickException as error:
        code = error.exit_code
        if isinstance(error, _HELP):
            error.show()
        else:
            _refuse(who, error.format_message())
    except (click.Abort, KeyboardInterrupt):
        code = 130
        click.echo(f"{who}: interrupted", err=True)
    except (*_SAID, Warning) as error:  # a warning is raised with `python -W error`
        code = 2
        _refuse(who, str(error) or type(error).__name__)
    return int(code or 0)


def _refuse(who: str, message: str) -> None:
    with contextlib.suppress(BrokenPipeError):
        click.echo(f"{who}: error: {one_line(message)}", err=True)


def _in_one_line(who: str) -> Any:
    """Say a warning as the program's: the line of Python it came from helps nobody here."""

    def show(message: Warning | str, *_: Any, **__: Any) -> None:
        click.echo(f"{who}: warning: {one_line(str(message))}", err=True)

    return show


@contextlib.contextmanager
def _closed_pipes() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        raise _ClosedPipeError from error


def _end(stream: Any) -> None:
    """Write what is left; where that fails, nothing may be left when Python ends."""
    try:
        stream.flush()
    except (OSError, ValueError, AttributeError):
        with contextlib.suppress(OSError, ValueError, AttributeError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
