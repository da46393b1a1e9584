"""`show_config`: what a bug report should say about the build and the machine."""

from __future__ import annotations

import os
import platform
from typing import Any

import numpy as np

from aecore import _core
from aecore._checks.calls import checked
from aecore._checks.rules import parameter_error
from aecore._version import __version__

# Variables that change which code runs, or on how many threads.
_VARIABLES = (
    "AECORE_ISA",
    "AECORE_PLACEMENT",
    "OMP_NUM_THREADS",
    "OMP_PROC_BIND",
    "OMP_PLACES",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
)


@checked
def show_config(mode: str = "stdout") -> dict[str, Any] | None:
    """Say how aecore was built and what it runs on; paste it into a bug report.

    Parameters
    ----------
    mode : {"stdout", "dict"}, default="stdout"
        Whether to print, or to return the same as a dictionary.

    Returns
    -------
    dict or None
        `aecore`, `python`, `numpy`, `platform`: versions and system. `compiler`, `build_type`,
        `isa` (in use), `isa_available`, `threading`: the compiled core. `n_threads`: what
        `n_threads=None` means now. `environment`: variables set that matter. `libraries`: the
        OpenMP and BLAS libraries loaded in this process, as threadpoolctl reports them.

    Raises
    ------
    ValueError
        If `mode` is another word.
    """
    if mode not in ("stdout", "dict"):
        raise parameter_error("mode", "be one of 'stdout', 'dict'", mode)
    config = _collect()
    if mode == "dict":
        return config
    for name, value in config.items():
        if name == "libraries":
            print("libraries:")
            for library in value:
                print(f"  {_describe(library)}")
        else:
            text = ", ".join(value) if isinstance(value, list | tuple) else value
            print(f"{name}: {text}")
    if sum(library["user_api"] == "openmp" for library in config["libraries"]) > 1:
        print("note: more than one OpenMP library is loaded; they may slow each other down")
    return None


def _collect() -> dict[str, Any]:
    from threadpoolctl import threadpool_info

    return {
        "aecore": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "platform": platform.platform(),
        **_core.show_build(),
        "n_threads": _core.default_n_threads(),
        "environment": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "libraries": threadpool_info(),
    }


def _describe(library: dict[str, Any]) -> str:
    details = [
        f"{name} {library[name]}"
        for name in ("version", "threading_layer", "architecture", "num_threads")
        if library.get(name) is not None
    ]
    return f"{library['user_api']}: {library['filepath']} ({', '.join(details)})"
