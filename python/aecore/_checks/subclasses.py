"""Classes of users derived from ours: what nobody would call is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

from aecore._checks.rules import parameter_error


def refuse_additions(value: Any, name: str, user: str) -> None:
    """Raise ValueError for a description whose class has more than other defaults of its fields.

    Parameters
    ----------
    value : optimiser, layer
        A dataclass of ours, or of a class derived from one.
    name : str
        The parameter, for the message.
    user : str
        Who reads the fields and calls nothing.
    """
    if _is_ours(type(value)):
        return
    base = _base(type(value))
    fields = {field.name for field in dataclasses.fields(base)}
    added = [field.name for field in dataclasses.fields(value) if field.name not in fields]
    for member, what in _own_members(type(value)):
        is_default = member in fields and not callable(what) and not hasattr(what, "__get__")
        if not is_default and member not in added:
            added.append(member)
    if added:
        rule = (
            f"be of a class that has no more than {base.__name__} but other defaults, for {user} "
            "reads its fields and calls no method"
        )
        raise parameter_error(name, rule, f"{type(value).__name__} with {', '.join(added)}")


def refuse_overrides(value: Any, name: str, *, called: frozenset[str] = frozenset()) -> None:
    """Raise ValueError for an estimator whose class has public methods of its own for ours.

    Parameters
    ----------
    value : estimator
    name : str
        The parameter, for the message.
    called : frozenset of str
        Methods that are called.
    """
    base = _base(type(value))
    changed = [
        member
        for member, _ in _own_members(type(value))
        if not member.startswith("_") and member not in called and hasattr(base, member)
    ]
    if changed:
        rule = (
            f"be of a class that keeps the methods of {base.__name__}, for its parameters and "
            "layers are used and these are not called"
        )
        raise parameter_error(name, rule, f"{type(value).__name__} with {', '.join(changed)}")


def _base(kind: type[Any]) -> type[Any]:
    """The nearest class of ours that `kind` is derived from."""
    return next(each for each in kind.__mro__ if _is_ours(each))


def _is_ours(kind: type[Any]) -> bool:
    return kind.__module__.partition(".")[0] == "aecore"


def _own_members(kind: type[Any]) -> list[tuple[str, Any]]:
    """What users' classes define; what Python, `abc` and scikit-learn add is left out."""
    found = []
    for each in kind.__mro__:
        if _is_ours(each):
            break
        found += [
            (name, what)
            for name, what in vars(each).items()
            if not name.startswith(("__", "_abc_")) and not name.endswith("_request")
        ]
    return found
