"""The command `aecore`: arguments in, exit code out; each command has a module of its own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module

import click

from aecore._tables.table import TableError
from aecore._version import __version__
from aecore.demo._errors import DemoError
from aecore.exceptions import TrainingDivergedError

# The module of a command is imported when the command is called: scikit-learn takes a second.
_COMMANDS = ("fit", "encode", "reconstruct", "score", "info", "recommend", "demo")
_SAID = (TableError, DemoError, TrainingDivergedError)
_MODULES = {"encode": "apply", "reconstruct": "apply", "score": "apply"}


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = import_module(f"aecore.cli._{_MODULES.get(cmd_name, cmd_name)}")
        command: click.Command = getattr(module, cmd_name)
        return command


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="aecore", message="%(prog)s %(version)s")
def commands() -> None:
    """Autoencoders on CPUs."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        By default those of the process.

    Returns
    -------
    int
        0 if all went well, 2 for arguments, input or files that cannot be used, 130 after Ctrl-C.
    """
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = commands.main(given, prog_name="aecore", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        print(f"aecore{_command(given)}: interrupted", file=sys.stderr)
        return 130
    # What the library and its files say about input is meant for users.
    except (*_SAID, ValueError, TypeError, OSError, MemoryError) as error:
        print(f"aecore{_command(given)}: error: {error}", file=sys.stderr)
        return 2
    return int(code or 0)


def _command(arguments: list[str]) -> str:
    """Name the command that was called; nothing where none was, as with --version."""
    return next((f" {word}" for word in arguments if word in _COMMANDS), "")
