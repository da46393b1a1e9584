"""Read the files that MNIST comes in.

This is the one reader, for the benchmarks too. It is no part of aecore, which takes arrays and
knows no data sets; and it lies here because an example can import only what lies beside it, whereas
the benchmarks, which run from the checkout, can import an example's module.
"""

from __future__ import annotations

import gzip
import math
import struct
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_UNSIGNED_BYTES = 8


def read_idx(path: Path) -> NDArray[np.uint8]:
    """Read a compressed IDX file of bytes, such as `train-images-idx3-ubyte.gz`.

    Parameters
    ----------
    path : Path

    Returns
    -------
    ndarray of uint8
        In the shape that the file states; read-only.

    Raises
    ------
    ValueError
        If the file is no such file, or is cut off.
    """
    try:
        with gzip.open(path, "rb") as file:
            content = file.read()
    except gzip.BadGzipFile as error:
        raise ValueError(f"{path} is not compressed by gzip") from error
    except EOFError as error:
        raise ValueError(f"{path} is cut off") from error
    # Two zeros, the kind of number, the number of dimensions; the length of each, most significant
    # byte first; the numbers.
    if len(content) < 4 or content[:3] != bytes([0, 0, _UNSIGNED_BYTES]):
        raise ValueError(f"{path} is no IDX file of bytes: it begins with {content[:4].hex(' ')}")
    n_dimensions = content[3]
    start = 4 + 4 * n_dimensions
    if len(content) < start:
        raise ValueError(f"{path} is cut off: {len(content)} of {start} bytes of its header")
    shape = struct.unpack_from(f">{n_dimensions}I", content, 4)
    n_bytes, n_stated = len(content) - start, math.prod(shape)
    if n_bytes != n_stated:
        how = "is cut off" if n_bytes < n_stated else "goes on after its end"
        size = " x ".join(map(str, shape))
        raise ValueError(f"{path} {how}: it states {size} bytes and holds {n_bytes}")
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
