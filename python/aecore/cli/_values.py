"""What a word on the command line or in a file of settings stands for: values as in Python."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Mapping
from typing import Any

import click

from aecore._checks.near_misses import nearest
from aecore._names import ESTIMATORS

_WORDS = {"true": True, "false": False, "none": None}
# What may be made by its name, by the module it is in: settings of estimators that are objects.
_OBJECTS = {
    **dict.fromkeys(
        ("SGD", "Momentum", "Nesterov", "Adagrad", "RMSprop", "Adam", "AdamW", "LBFGS"),
        "aecore.optimizers",
    ),
    **dict.fromkeys(
        ("Constant", "Step", "Exponential", "Cosine", "Linear", "WarmUp", "ReduceOnPlateau"),
        "aecore.schedules",
    ),
    **dict.fromkeys(
        ("AgglomerativeClustering", "DBSCAN", "HDBSCAN", "KMeans", "MiniBatchKMeans"),
        "sklearn.cluster",
    ),
    "GaussianMixture": "sklearn.mixture",
    **ESTIMATORS,
}


class Value(click.ParamType):  # type: ignore[type-arg]
    """A value as in Python: a number, numbers between commas, true, none, a name, or an object.

    Objects are calls of a closed list of names, such as ``Adam(beta_1=0.8)``; nothing else is
    executed. In a file of settings they may also be tables with a `name`.
    """

    name = "value"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Make the value."""
        try:
            return value_of(value)
        except (ValueError, TypeError) as error:
            self.fail(str(error), param, ctx)


def value_of(value: Any) -> Any:
    """Make a value of a word, or of what a file of settings has.

    Raises
    ------
    ValueError, TypeError
        If it is an object of an unknown name, or with settings that break their rules.
    """
    if isinstance(value, str):
        return _of_text(value)
    if isinstance(value, list):
        return tuple(map(value_of, value))
    if isinstance(value, Mapping):
        fields = {key: value_of(item) for key, item in value.items()}
        return _make(fields.pop("name"), (), fields) if "name" in fields else fields
    return value


def words_of(value: Any) -> str:
    """Write a value as it may be given."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple | list) and value:
        return ",".join(map(words_of, value))
    return value if isinstance(value, str) else repr(value)


def _of_text(text: str) -> Any:
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    try:
        tree = ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return text
    try:
        return _of_tree(tree)
    except _IsNameError:
        return text


class _IsNameError(Exception):
    """What is written is no value of Python's: a name."""


def _of_tree(tree: ast.expr) -> Any:
    if isinstance(tree, ast.Call):
        name = ast.unparse(tree.func).rpartition(".")[2]
        given = {each.arg: _of_tree(each.value) for each in tree.keywords if each.arg is not None}
        return _make(name, tuple(map(_of_tree, tree.args)), given)
    if isinstance(tree, ast.Tuple | ast.List):
        return tuple(map(_of_tree, tree.elts))
    try:
        return ast.literal_eval(tree)
    except (ValueError, TypeError, RecursionError, MemoryError):
        raise _IsNameError from None


def _make(name: str, args: tuple[Any, ...], given: Mapping[str, Any]) -> Any:
    if name not in _OBJECTS:
        known = {each.lower(): each for each in _OBJECTS}
        meant = nearest(name, known)
        msg = f"an object must be one of {', '.join(sorted(_OBJECTS))}; got {name}"
        raise ValueError(msg if meant is None else f"{msg}: did you mean {known[meant]}?")
    return getattr(importlib.import_module(_OBJECTS[name]), name)(*args, **given)
