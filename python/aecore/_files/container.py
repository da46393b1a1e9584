"""The container of a model: safetensors with one JSON string and a SHA-256, written whole or not.

The metadata of the file has one entry, "aecore": a JSON object that begins with `format`, `version`
(of the aecore that wrote it) and `sha256`, that of all bytes of the file with these 64 digits taken
as zeros; `arrays` has the names of all tensors. One entry, because safetensors writes several in
any order. Bytes are trusted, and tensors allocated, after the digest was found right; a pickle
holds the same bytes.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore._checks.rules import parameter_error
from aecore._files.streams import Source, Target, name_of, read_bytes, write_bytes
from aecore._version import __version__
from aecore.exceptions import ModelFileError

# Version of the meaning of what is in a file; later ones read all earlier ones.
FORMAT = 1
# The largest header that safetensors reads.
_MAX_HEADER = 100_000_000
_ZEROS = b"0" * 64
# Quotation marks within the JSON string are escaped in the header, which is JSON itself.
_BEGINNING = re.compile(
    rb'.{8}\{"__metadata__":\{"aecore":"\{\\"format\\":(\d{1,9}),\\"version\\":\\"([\w.+-]{1,100})\\"'
    rb',\\"sha256\\":\\"',
    re.DOTALL,
)
_DTYPES: dict[str, np.dtype[Any]] = {
    "F32": np.dtype("<f4"),
    "F64": np.dtype("<f8"),
    "I64": np.dtype("<i8"),
}
# Figures of epochs may be NaN or infinite, as may averages before the first batch; the squares that
# an optimiser keeps overflow long before a weight does.
_FIGURES = re.compile(r"(ensemble\.\d+\.)?(history|pretraining\.\d+|optimizer\.running)")
_SQUARES = re.compile(r"(ensemble\.\d+\.)?optimizer\.slots")
# What reading may raise that is not about memory or the machine.
_WRONG = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)


class Content(NamedTuple):
    """What a file holds: a JSON object, and arrays of float32, float64 or int64 by name."""

    document: dict[str, Any]
    tensors: dict[str, NDArray[Any]]


def pack(content: Content) -> list[Any]:
    """Return the bytes of a file, in parts.

    Raises
    ------
    ValueError
        If there are so many names of features that no file could be read again.
    """
    from safetensors.numpy import save

    head = {"format": FORMAT, "version": __version__, "sha256": _ZEROS.decode()}
    document = {**head, "arrays": sorted(content.tensors), **content.document}
    text = json.dumps(document, allow_nan=False, separators=(",", ":"))
    # safetensors stores the memory of a transposed array as if it were not.
    tensors = {name: np.ascontiguousarray(array) for name, array in content.tensors.items()}
    data = save(tensors, {"aecore": text})
    if int.from_bytes(data[:8], "little") > _MAX_HEADER:
        msg = f"a model file has room for {_MAX_HEADER} bytes of names and settings; got more"
        raise ValueError(msg)
    at = _check_beginning(data, len(data), "what safetensors makes of a model").end()
    digest = hashlib.sha256(data).hexdigest().encode()
    return [data[:at], digest, memoryview(data)[at + 64 :]]


def unpack(data: bytes, name: str) -> Content:
    """Check and read the bytes of a file; `name` is what errors call it.

    Raises
    ------
    ModelFileError
        If the bytes are not those that `pack` made, or those of a newer version.
    """
    from safetensors import deserialize

    header = _check_beginning(data, len(data), name)
    at = header.end()
    view = memoryview(data)
    digest = hashlib.sha256(view[:at])
    digest.update(_ZEROS)
    digest.update(view[at + 64 :])
    if digest.hexdigest().encode() != data[at : at + 64]:
        msg = f"{name} is damaged: its bytes do not have the SHA-256 that they were saved with"
        raise ModelFileError(msg)
    with valid(name):
        end = 8 + int.from_bytes(data[:8], "little")
        text = json.loads(data[8:end])["__metadata__"]["aecore"]
        document = json.loads(text, parse_float=_finite, parse_constant=_finite)
        tensors: dict[str, NDArray[Any]] = {
            tensor: np.ndarray(entry["shape"], _DTYPES[entry["dtype"]], entry["data"])
            for tensor, entry in deserialize(data)
        }
        missing = sorted(set(document.get("arrays", ())) - tensors.keys())
        if missing:
            msg = f"{missing[0]}, which it was saved with, is not there"
            raise ValueError(msg)
    return Content(document, tensors)


def _check_beginning(data: bytes, size: int | None, name: str) -> re.Match[bytes]:
    """Match the first bytes of a file of `size` bytes, if that is known, and its format."""
    beginning = _BEGINNING.match(data)
    n_header = int.from_bytes(data[:8], "little")
    room = _MAX_HEADER if size is None else min(size - 8, _MAX_HEADER)
    if beginning is None or n_header > room:
        msg = f"{name} is not an aecore model file, or it is cut off in its first bytes"
        raise ModelFileError(msg)
    found, version = int(beginning[1]), beginning[2].decode()
    if found > FORMAT:
        msg = (
            f"{name} was written by aecore {version} in format {found}; aecore {__version__} "
            f"reads formats up to {FORMAT}"
        )
        raise ModelFileError(msg)
    return beginning


def _finite(digits: str) -> float:
    """Read a number in JSON, which has digits for infinity, and Python's reader words for NaN."""
    number = float(digits)
    if not math.isfinite(number):
        msg = f"a number must be finite; got {digits}"
        raise ValueError(msg)
    return number


def _check_finite(tensors: Mapping[str, NDArray[Any]]) -> None:
    """Raise ValueError where weights, scales or other learned numbers are NaN or infinite."""
    for name, array in tensors.items():
        if array.dtype.kind != "f" or _FIGURES.fullmatch(name):
            continue
        wrong = np.isnan(array) if _SQUARES.fullmatch(name) else ~np.isfinite(array)
        if wrong.any():
            raise parameter_error(name, "be finite", float(array[wrong][0]))


@contextlib.contextmanager
def valid(name: str) -> Iterator[None]:
    """Turn what goes wrong with content, which has the right digest, into ModelFileError."""
    from safetensors import SafetensorError

    try:
        yield
    except ModelFileError:
        raise
    except (*_WRONG, SafetensorError) as error:
        msg = f"{name} is not valid: {type(error).__name__}: {error}"
        raise ModelFileError(msg) from error


def read(source: Source) -> Content:
    """Read a path, a file object or the bytes of a file.

    Raises
    ------
    ModelFileError
        If it is not a whole file of this version or an earlier one.
    OSError
        If it is not there or cannot be read.
    TypeError
        If it is nothing to read from.
    """
    name = name_of(source)
    data = read_bytes(source, lambda data, size: _check_beginning(data, size, name))
    content = unpack(data, name)
    with valid(name):
        _check_finite(content.tensors)
    return content


def write(target: Target, content: Content) -> None:
    """Write `content` to a path, or a file object.

    Raises
    ------
    OSError
        If it cannot be written.
    TypeError
        If it is nothing to write to.
    ValueError
        If a learned number is NaN or infinite, or as `pack`.
    """
    _check_finite(content.tensors)
    write_bytes(target, pack(content))
