"""The reader of MNIST's files: what it reads, and what it says of files it cannot read."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from helpers import ROOT

if not (ROOT / "examples").is_dir():
    pytest.skip("the examples are not beside the tests", allow_module_level=True)

from examples.idx import read_idx

IMAGES = bytes([0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 3, 1, 2, 3, 4, 5, 6])


def packed(content: bytes) -> bytes:
    return gzip.compress(content, mtime=0)  # a name of a test has no time in it


def write(folder: Path, content: bytes) -> Path:
    path = folder / "images.gz"
    path.write_bytes(content)
    return path


def test_shapes_are_those_of_the_file(tmp_path: Path) -> None:
    images = read_idx(write(tmp_path, packed(IMAGES)))
    assert images.dtype == np.uint8
    assert images.tolist() == [[[1, 2, 3]], [[4, 5, 6]]]
    labels = bytes([0, 0, 8, 1, 0, 0, 1, 2]) + bytes(258)
    assert read_idx(write(tmp_path, packed(labels))).shape == (258,)


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (IMAGES, "is not compressed by gzip"),
        (packed(IMAGES)[:-9], "is cut off"),
        (packed(b""), "is no IDX file of bytes: it begins with $"),
        (packed(b"PNG..."), "is no IDX file of bytes: it begins with 50 4e 47 2e"),
        (packed(bytes([0, 0, 13, 1])), "is no IDX file of bytes: .* 00 00 0d 01"),
        (packed(IMAGES[:9]), "is cut off: 9 of 16 bytes of its header"),
        (packed(IMAGES[:-1]), "is cut off: it states 2 x 1 x 3 bytes and holds 5"),
        (packed(IMAGES + b"."), "goes on after its end: .* 2 x 1 x 3 bytes and holds 7"),
    ],
)
def test_another_file_is_an_error(content: bytes, text: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"images.gz {text}"):
        read_idx(write(tmp_path, content))
