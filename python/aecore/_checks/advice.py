"""What helps against an error, said at its end: by the estimator whose method was called."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from aecore._checks.frames import column_names
from aecore._checks.sparse import is_sparse

_SUBJECT = re.compile(r"^(?:Input )?(\w+)(?: of (validation_data))?\b")
_COLUMN = re.compile(r"\bcolumn (\d+)\b")
_MISSING = re.compile(r"contains NaN|must not contain NaN or infinity; got nan")
_IMAGES = re.compile(r"^Found array with dim [34]")


def advise(
    error: Exception, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> None:
    """Add to an error of an estimator's method the name of the column, and what helps.

    A method that has called another one says it anew: the user knows its estimator and arguments.

    Parameters
    ----------
    error : Exception
        Of which only the message changes.
    function, args, kwargs : callable, tuple, mapping
        What was called, the estimator first.
    """
    if type(error) not in {ValueError, TypeError}:
        return
    text = getattr(error, "_unadvised", str(error))
    arguments = inspect.signature(function).bind_partial(*args, **kwargs).arguments
    found = _SUBJECT.match(text)
    if hasattr(error, "_unadvised") and (found is None or found[1] not in arguments):
        return
    error._unadvised = text  # type: ignore[attr-defined]
    given, owner = _subject(text, arguments), args[0]
    text = _with_column_name(text, given, owner)
    help_ = _help(text, given, owner)
    error.args = (f"{text.rstrip('.')}. {help_}" if help_ else text,)


def _subject(text: str, arguments: Mapping[str, Any]) -> Any:
    """Find the argument that a message begins with; None if that is none."""
    found = _SUBJECT.match(text)
    if found is None:
        return None
    name, whole = found[1], found[2]
    if whole is None:
        return arguments.get(name)
    pair = arguments.get(whole)
    return pair[0 if name == "X" else 1] if isinstance(pair, tuple) and len(pair) == 2 else None


def _with_column_name(text: str, given: Any, owner: Any) -> str:
    names = column_names(given)
    if names is None:
        known = getattr(owner, "feature_names_in_", None)
        names = None if known is None else list(known)

    def named(found: re.Match[str]) -> str:
        place = int(found[1])
        known = names is not None and place < len(names) and isinstance(names[place], str)
        return f"{found[0]} ({names[place]!r})" if names is not None and known else found[0]

    return _COLUMN.sub(named, text)


def _help(text: str, given: Any, owner: Any) -> str:
    """What helps, as a sentence, or nothing."""
    if _MISSING.search(text) and not text.startswith(("Input y", "Input Z", "y of")):
        return _help_with_missing(given, owner)
    if "must lie in [0, 1] for loss" in text:
        return _help_with_range(given, owner)
    if _IMAGES.match(text):
        return (
            "Images go to ConvAutoencoder, as (n, height, width, channels), or are flattened "
            "to rows: X.reshape(len(X), -1)"
        )
    return ""


def _help_with_missing(given: Any, owner: Any) -> str:
    parameters = owner.get_params(deep=False)
    fill = "fill them in first, as sklearn.impute.SimpleImputer does"
    if is_sparse(given):
        return f"Missing numbers of sparse rows cannot be told from zeros: {fill}"
    if "autoencoder" in parameters:
        return f'Its autoencoder may have missing="mask", which leaves them out; or {fill}'
    if "missing" not in parameters:
        return f"{type(owner).__name__} takes no missing numbers: {fill}"
    return "" if parameters["missing"] else f'missing="mask" leaves them out of the loss; or {fill}'


def _help_with_range(given: Any, owner: Any) -> str:
    parameters = owner.get_params(deep=False)
    if parameters.get("input_scale", 1.0) != 1.0 or parameters.get("scale") is not None:
        return ""
    kind = getattr(given, "dtype", np.asarray(given).dtype)
    if kind == np.uint8 and "input_scale" in parameters:
        return "input_scale=1/255 makes numbers from 0 to 1 of bytes"
    if "scale" in parameters:
        return "scale='minmax' makes numbers from 0 to 1 of every column"
    return ""
