"""The demonstration behind `aecore demo`: the 4-2-4 identity code and features of images.

It uses the public API alone, and may be read as an example of it.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from aecore._tables.reading import AS_FOUND
from aecore._tables.table import TableFormat
from aecore.demo._errors import DemoError

__all__ = ["DemoError", "run"]


def run(data: Path | None, output: Path, seed: int, form: TableFormat = AS_FOUND) -> None:
    """Train, print what was learned, and write three pictures.

    Parameters
    ----------
    data : Path or None
        File with the user's rows; None takes the identity code and natural image patches.
    output : Path
        Folder for features.png, reconstructions.png and history.png; made if it is not there.
    seed : int
        Where all random numbers come from, >= 0.
    form : TableFormat
        Of the data, where it is text.

    Raises
    ------
    DemoError
        If a package is missing, the data cannot be used, or the folder cannot be written to.
    """
    missing = [name for name in ("matplotlib", "PIL") if find_spec(name) is None]
    if missing:
        msg = 'it needs matplotlib and pillow; install them with: pip install "aecore[demo]"'
        raise DemoError(msg)
    # Before minutes of work, not after them.
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        msg = f"cannot make the folder {output}: {error.strerror}"
        raise DemoError(msg) from error

    from aecore.demo import _identity, _patches, _rows, _sparse

    if data is None:
        _identity.show(seed)
        print()
        rows = _patches.natural_patches(seed)
        _sparse.show(rows, _patches.describe(rows), output, seed)
    else:
        rows, description = _rows.load(data, seed, form)
        _sparse.show(rows, description, output, seed)
