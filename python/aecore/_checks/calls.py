"""Calls by their users: what was meant by a keyword or an attribute that is not there."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Mapping
from types import FunctionType
from typing import Any, NamedTuple, ParamSpec, TypeVar

from aecore._checks.near_misses import argument_meant, attribute_meant

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type[Any])


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make of a public function one that says what was meant by a keyword it does not have.

    The signature stays, for `help` and for scikit-learn.
    """
    given = inspect.signature(function).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in given):
        return function
    names = frozenset(each.name for each in given if each.kind is not each.VAR_POSITIONAL)

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs and not kwargs.keys() <= names:
            unknown = next(name for name in kwargs if name not in names)
            owner = args[0] if "self" in names or "cls" in names else None
            raise unknown_keyword(unknown, function.__name__, names, owner)
        return function(*args, **kwargs)

    return called


def check_calls(cls: C) -> C:
    """Make the constructor and the public methods that a class defines `checked`."""
    for name, value in list(vars(cls).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(value, FunctionType):
            setattr(cls, name, checked(value))
        elif isinstance(value, classmethod):
            setattr(cls, name, classmethod(checked(value.__func__)))
    return cls


def unknown_keyword(
    keyword: str, function: str, names: Collection[str], owner: Any = None
) -> TypeError:
    """Build the error of a call that has a keyword beside `names`.

    Parameters
    ----------
    keyword : str
    function : str
        What was called; "__init__" is the class.
    names : collection of str
    owner : Any
        The object whose method was called, or the class; None for a function.
    """
    kind = owner if isinstance(owner, type) else type(owner)
    makes = function == "__init__"
    called = (
        function if owner is None else kind.__name__ if makes else f"{kind.__name__}.{function}"
    )
    msg = f"{called}() got an unexpected keyword argument {keyword!r}"
    other = None if owner is None else _Other.of(kind, "fit" if makes else "__init__")
    meant = _meant(keyword, set(names) - {"self", "cls"}, other)
    return TypeError(msg if meant is None else f"{msg}: did you mean {meant}?")


class _Other(NamedTuple):
    """Another function of a class, whose argument may have been meant."""

    called: str
    names: frozenset[str]

    @classmethod
    def of(cls, kind: type[Any], name: str) -> _Other | None:
        function = getattr(kind, name, None)
        if function is None:
            return None
        names = frozenset(inspect.signature(function).parameters) - {"self"}
        return cls(kind.__name__ if name == "__init__" else name, names)


def _meant(keyword: str, names: set[str], other: _Other | None) -> str | None:
    """Find what was meant, the likeliest first; a function's own argument in quotes."""
    if other is not None and keyword in other.names:
        return f"{other.called}({keyword}=...)"
    own = argument_meant(keyword, names)
    if own is not None:
        return repr(own)
    theirs = None if other is None else argument_meant(keyword, other.names)
    return None if theirs is None or other is None else f"{other.called}({theirs}=...)"


def missing_attribute(owner: Any, name: str) -> Any:
    """Answer for `owner.__getattr__(name)`: raise what Python does, or say what was meant.

    A property or a method that is not there for a reason says that itself, once more.
    """
    kind = type(owner)
    if not name.startswith("_") and not hasattr(kind, name):
        inside = ("network_.weights", "network_.biases") if "network_" in vars(owner) else ()
        meant = attribute_meant(name, {*dir(kind), *vars(owner), *inside})
        if meant is not None:
            msg = f"{kind.__name__!r} object has no attribute {name!r}: did you mean {meant!r}?"
            raise AttributeError(msg)
    return object.__getattribute__(owner, name)


def check_parameter_names(owner: Any, given: Mapping[str, Any]) -> None:
    """Raise ValueError, as `set_params` does, for a parameter that was meant to be another one."""
    names = owner.get_params(deep=False)
    for name in given:
        meant = None if name.partition("__")[0] in names else argument_meant(name, names)
        if meant is not None:
            msg = f"Invalid parameter {name!r} for estimator {owner}: did you mean {meant!r}?"
            raise ValueError(msg)
