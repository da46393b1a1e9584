"""Constructors that differ from another one in their defaults alone."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec

P = ParamSpec("P")


def with_defaults(init: Callable[P, None], **defaults: Any) -> Callable[P, None]:
    """`init` with other defaults, which its signature shows to `help` and to scikit-learn."""
    signature = inspect.signature(init)
    names = list(signature.parameters)
    unknown = set(defaults) - set(names)
    if unknown:
        msg = f"{init.__qualname__} has no parameters {sorted(unknown)}"
        raise TypeError(msg)

    @functools.wraps(init)
    def __init__(*args: P.args, **kwargs: P.kwargs) -> None:  # noqa: N807
        free = {name: value for name, value in defaults.items() if name not in names[: len(args)]}
        init(*args, **{**free, **kwargs})

    changed = __init__
    changed.__signature__ = signature.replace(  # type: ignore[attr-defined]
        parameters=[
            parameter.replace(default=defaults.get(name, parameter.default))
            for name, parameter in signature.parameters.items()
        ]
    )
    return changed
