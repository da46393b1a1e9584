"""What `import aecore` costs a program, beside `import numpy`."""

from __future__ import annotations


class Import:
    """How much longer does a program take to start."""

    param_names = ("impl",)
    params = (["aecore", "numpy"],)

    def timeraw_import(self, impl: str) -> str:
        """Import in a fresh interpreter."""
        return f"import {impl}"

    timeraw_import.number = 1  # type: ignore[attr-defined]

    def peakmem_import(self, impl: str) -> None:
        """Import in a process of asv's."""
        __import__(impl)
