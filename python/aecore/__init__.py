"""aecore: autoencoders on CPUs, a C++ core under a scikit-learn API.

`import aecore` loads NumPy and the compiled core alone. The public names are loaded from their
modules when they are first used, and with them scikit-learn, SciPy and the rest. Their types are in
`__init__.pyi`: whoever imports the core imports this file, so it may import nothing else.
"""

from __future__ import annotations

import importlib
from typing import Any

from aecore._util.starting import end_on_ctrl_c

end_on_ctrl_c()

from aecore import _core as _core  # noqa: E402
from aecore._names import MODULES, OBJECTS  # noqa: E402
from aecore._version import __version__ as __version__  # noqa: E402

__all__ = sorted((*OBJECTS, *MODULES, "__version__"))  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    if name in MODULES:
        return importlib.import_module(f"aecore.{name}")
    if name not in OBJECTS:
        msg = f"module 'aecore' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(OBJECTS[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
