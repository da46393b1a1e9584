"""Settings as JSON and back: plain values, and aecore's optimisers, schedules, estimators by name.

What decodes is a closed list. Nothing is imported, looked up or called by a name from a file.
"""

from __future__ import annotations

import dataclasses
import functools
import importlib
import math
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from numbers import Integral, Real
from typing import Any

import numpy as np

from aecore._files import clusterers
from aecore._names import ESTIMATORS

# Parameters of estimators that may be objects no file can hold; those load as None.
MAY_BE_LEFT_OUT = ("beta_schedule", "callbacks", "learning_rate_schedule", "random_state")

_PLAIN: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (str, str.__str__),
    (Integral, int),
    (Real, float),
    (Sequence, tuple),
)


class NoFileFormError(ValueError):
    """A value that no file can hold: a function, a generator, an object of a user's class."""


@functools.cache
def _kinds() -> dict[str, type[Any]]:
    from aecore import optimizers, schedules

    estimators = (
        getattr(importlib.import_module(module), name)
        for name, module in (*ESTIMATORS.items(), *clusterers.MODULES.items())
    )
    kinds = (*optimizers._KINDS, *schedules._KINDS, *estimators)
    return {kind.__name__: kind for kind in kinds}


def encode(value: Any, *, exact: bool = False) -> Any:
    """Return what JSON says for `value`.

    Parameters
    ----------
    value : object
    exact : bool, default=False
        Whether only values are taken that `decode` gives back with the same type. Otherwise NumPy's
        numbers become Python's, dtypes their names and sequences tuples.

    Raises
    ------
    NoFileFormError
        If there is no form for it.
    """
    if value is None or type(value) in (bool, int, str):
        return value
    if type(value) is float and math.isfinite(value):
        return value
    if type(value) is tuple:
        return [encode(item, exact=exact) for item in value]
    if type(value) is dict:  # as pairs: keys may be numbers
        return {"name": "dict", "pairs": encode(tuple(value.items()), exact=exact)}
    if _is_of_a_kind(value):
        return {"name": type(value).__name__, "fields": _fields(value, exact=exact)}
    plain = value if exact else _plain(value)
    if plain is value:
        msg = f"a model file has no form for {value!r}"
        raise NoFileFormError(msg)
    return encode(plain)


def _is_of_a_kind(value: Any) -> bool:
    # The module is looked at first: `_kinds` imports scikit-learn, which networks do without.
    kind = type(value)
    of_a_library = kind.__module__.startswith(("aecore.", "sklearn."))
    return of_a_library and _kinds().get(kind.__name__) is kind


def _fields(value: Any, *, exact: bool) -> dict[str, Any]:
    if dataclasses.is_dataclass(value):
        names = (field.name for field in dataclasses.fields(value))
        return {name: encode(getattr(value, name), exact=exact) for name in names}
    parameters = value.get_params(deep=False)
    if exact and vars(value).keys() != parameters.keys():
        msg = f"a setting has no form for what {value!r} has learned"
        raise NoFileFormError(msg)
    if type(value).__name__ in clusterers.MODULES:
        return _settings(value, exact=exact)
    return {name: _parameter(name, item, exact=exact) for name, item in parameters.items()}


def _parameter(name: str, value: Any, *, exact: bool) -> Any:
    try:
        return encode(value, exact=exact)
    except NoFileFormError:
        if exact or name not in MAY_BE_LEFT_OUT:
            raise
        return None


def _settings(clusterer: Any, *, exact: bool) -> dict[str, Any]:
    """The parameters of a clusterer, those that may be in a file."""
    parameters = clusterers.settings_of(clusterer).items()
    return {name: _setting(name, value, exact=exact) for name, value in parameters}


def _setting(name: str, value: Any, *, exact: bool) -> Any:
    try:
        encoded = encode(value, exact=exact)
        clusterers.check_setting(name, decode(encoded))
    except ValueError as error:
        if exact or name not in clusterers.LEFT_OUT:
            raise NoFileFormError(str(error)) from error
        return None
    return encoded


def _plain(value: Any) -> Any:
    """Return the same as one of Python's own types; a value of another kind as it is."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    if isinstance(value, type | np.dtype):
        return np.dtype(value).name if value in (np.float32, np.float64) else value
    for kind, make in _PLAIN:
        if isinstance(value, kind):
            return make(value)
    return value


def move(
    attributes: dict[str, Any], names: Iterable[str], section: dict[str, Any], *, exact: bool
) -> None:
    """Move those attributes that have a form in a file."""
    for name in names:
        if name in attributes:
            with suppress(NoFileFormError):
                section[name] = encode(attributes[name], exact=exact)
                del attributes[name]


def decode(value: Any) -> Any:
    """Invert `encode`; arrays of JSON become tuples.

    Raises
    ------
    KeyError, TypeError, ValueError
        If a name is not in the closed lists, or a setting breaks its rule.
    """
    if isinstance(value, list):
        return tuple(decode(item) for item in value)
    if isinstance(value, dict):
        if value["name"] == "dict":
            return dict(decode(value["pairs"]))
        kind = _kinds()[value["name"]]
        fields = {name: decode(item) for name, item in value["fields"].items()}
        if kind.__name__ in clusterers.MODULES:
            for name, item in fields.items():
                clusterers.check_setting(name, item)
        return kind(**fields)
    return value
