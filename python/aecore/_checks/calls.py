"""Calls by their users: what was meant by a keyword or an attribute that is not there."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import FunctionType
from typing import Any, NamedTuple, ParamSpec, TypeVar

from aecore._checks.advice import advise
from aecore._checks.near_misses import argument_meant, attributes_meant

P = ParamSpec("P")
R = TypeVar("R")
C = TypeVar("C", bound=type[Any])


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Make of a public function one that says what was meant by a keyword it does not have.

    The signature stays, for `help` and for scikit-learn.
    """
    names = _keywords(function)

    @functools.wraps(function)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs and not kwargs.keys() <= names:
            raise _wrong_call(function, names, args, kwargs)
        return function(*args, **kwargs)

    return called


def answered(method: Callable[P, R]) -> Callable[P, R]:
    """Make of an estimator's method a `checked` one whose errors say what helps."""
    names = _keywords(method)

    @functools.wraps(method)
    def called(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs and not kwargs.keys() <= names:
            raise _wrong_call(method, names, args, kwargs)
        try:
            return method(*args, **kwargs)
        except (ValueError, TypeError) as error:
            advise(error, method, args, kwargs)
            raise

    return called


def check_calls(cls: C, wrap: Callable[[Any], Any] = checked) -> C:
    """Make the constructor and the public methods that a class defines what `wrap` makes of them.

    What takes keywords of any name stays as it is.
    """
    for name, value in list(vars(cls).items()):
        if name.startswith("_") and name != "__init__":
            continue
        if isinstance(value, FunctionType) and not _takes_any(value):
            setattr(cls, name, wrap(value))
        elif isinstance(value, classmethod):
            setattr(cls, name, classmethod(wrap(value.__func__)))
    return cls


def _keywords(function: Callable[..., Any]) -> frozenset[str]:
    return frozenset(inspect.signature(function).parameters)


def _takes_any(function: Callable[..., Any]) -> bool:
    """Whether it takes keywords of any name."""
    parameters = inspect.signature(function).parameters.values()
    return any(each.kind is each.VAR_KEYWORD for each in parameters)


def _wrong_call(
    function: Callable[..., Any], names: Collection[str], args: Sequence[Any], given: Iterable[str]
) -> TypeError:
    """Build the error of a call with keywords beside `names`; a method's first argument is self."""
    unknown = next(name for name in given if name not in names)
    owner = args[0] if {"self", "cls"} & set(names) else None
    return unknown_keyword(unknown, function.__name__, names, owner)


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
    # scikit-learn asks for names that are not there in every call: no list of all unless it counts.
    likely = [] if name.startswith("_") or hasattr(kind, name) else attributes_meant(name)
    if likely:
        inside = ("network_.weights", "network_.biases") if "network_" in vars(owner) else ()
        there = {*dir(kind), *vars(owner), *inside}
        meant = next((each for each in likely if each in there), None)
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
