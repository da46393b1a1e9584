"""Options that say how a file of text is written, where it does not say so itself."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from aecore._tables.table import TableFormat

_TAB = {"\\t": "\t", "tab": "\t", "space": " "}


def table_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of files of text, as one argument `form`."""

    @functools.wraps(command)
    def called(
        *args: Any,
        delimiter: str | None,
        decimal: str | None,
        encoding: str | None,
        header: bool | None,
        na_value: tuple[str, ...],
        **kwargs: Any,
    ) -> Any:
        if delimiter is not None:
            delimiter = _TAB.get(delimiter.lower(), delimiter)
        form = TableFormat(delimiter, decimal, encoding, header, na_value)
        return command(*args, form=form, **kwargs)

    for option in reversed(_OPTIONS):
        called = option(called)
    return called


_OPTIONS = (
    click.option("--delimiter", metavar="C", help="Between cells of text: ; or tab. [found out]"),
    click.option("--decimal", metavar="C", help="Before digits behind one: . or , [found out]"),
    click.option("--encoding", metavar="NAME", help="Of text: cp1252, utf-16-le. [utf-8]"),
    click.option(
        "--header/--no-header",
        default=None,
        help="Whether the first line of text has names. [found out, or asked for]",
    ),
    click.option(
        "--na-value",
        multiple=True,
        metavar="TEXT",
        help="What stands for a missing number, beside NA and its kin.",
    ),
)
