"""What commands print: lines for people, or JSON for programs."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

import click
import numpy as np

_MANY = 8  # values that are listed

json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for a program to read."
)


def print_json(facts: Mapping[str, Any]) -> None:
    """Print facts as strict JSON: numbers that are not finite are null."""
    click.echo(json.dumps(plain(facts), ensure_ascii=False, allow_nan=False, indent=1))


def plain(value: Any) -> Any:
    """Make of a value what JSON can say; of objects their words."""
    if isinstance(value, np.ndarray | np.generic):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else one_line(repr(value))


def one_line(text: str) -> str:
    """Put a text that may have several lines into one."""
    return " ".join(text.split())


def some(values: Sequence[Any]) -> str:
    """List the first of some values, and how many more there are."""
    more = f" and {len(values) - _MANY:,} more" if len(values) > _MANY else ""
    return ", ".join(map(str, values[:_MANY])) + more
