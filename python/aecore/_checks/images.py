"""Images from outside: in whatever container, and with their channels last."""

from __future__ import annotations

from typing import Any

import numpy as np

from aecore._checks.masked import from_lists
from aecore._checks.sparse import is_sparse

# What a channel axis and the sides of an image are told apart by.
_FEW_CHANNELS = 4
_LEAST_SIDE = 8


def as_images(X: Any, name: str) -> Any:
    """See images in any container as an array: lists, HDF5, whatever NumPy can read.

    Frames stay, for the names of their columns, and so do sparse rows.
    """
    if isinstance(X, np.ndarray) or is_sparse(X):
        return X
    if isinstance(X, list | tuple):
        return from_lists(X, name)
    shape = getattr(X, "shape", None)
    readable = hasattr(X, "__array__") if shape is None else len(shape) in {3, 4}
    return np.asarray(X) if readable else X


def has_channels_first(shape: tuple[int, ...]) -> bool:
    """Whether (n, a, b, c) looks like images with a channels: few of them, before b x c pixels."""
    return len(shape) == 4 and shape[1] <= _FEW_CHANNELS and min(shape[2:]) >= _LEAST_SIDE
