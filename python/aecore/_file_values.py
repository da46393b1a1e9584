"""Settings as JSON and back: plain values, and aecore's own optimisers and schedules by name.

What decodes is a closed list. Nothing is imported, looked up or called by a name from a file.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

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

    return {kind.__name__: kind for kind in (*optimizers._KINDS, *schedules._KINDS)}


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
    if _kinds().get(type(value).__name__) is type(value):
        fields = {
            field.name: encode(getattr(value, field.name), exact=exact)
            for field in dataclasses.fields(value)
        }
        return {"name": type(value).__name__, "fields": fields}
    plain = value if exact else _plain(value)
    if plain is value:
        msg = f"a model file has no form for {value!r}"
        raise NoFileFormError(msg)
    return encode(plain)


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
        kind = _kinds()[value["name"]]
        return kind(**{name: decode(item) for name, item in value["fields"].items()})
    return value
