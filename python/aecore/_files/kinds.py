"""The classes that a file may name."""

from __future__ import annotations

import importlib
from typing import Any

from aecore._names import MODELS


def kind_of(model: Any) -> str:
    """Return the name of the model's class.

    Raises
    ------
    TypeError
        If it is not one of aecore's own: a file could not say what it adds.
    """
    kind = type(model)
    if MODELS.get(kind.__name__) != kind.__module__:
        msg = (
            f"a model file holds objects of aecore's own classes; got one of {kind.__module__}."
            f"{kind.__qualname__}, which pickle keeps"
        )
        raise TypeError(msg)
    return kind.__name__


def class_of(name: str) -> Any:
    """Return the class of a name; LookupError for one that is not in the closed list."""
    return getattr(importlib.import_module(MODELS[name]), name)


def known_base(kind: type[Any]) -> Any:
    """Return the nearest of aecore's own classes that a class, maybe a user's, comes from."""
    return next(base for base in kind.__mro__ if MODELS.get(base.__name__) == base.__module__)
