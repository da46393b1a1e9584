"""Compare two builds of aecore bit by bit: what a refactoring must not change.

    python tests/support/compare_builds.py PYTHON_A PYTHON_B

Each interpreter has an aecore of its own. Both run every case of `fitted_cases.py`, which uses the
public API alone, for every instruction set of the machine and with 1, 2 and 3 threads. Hashes are
compared on one machine and never stored, because machines differ. A case that the first build
cannot run, of a knob that is new, is named and not compared.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import issparse
from sklearn.base import BaseEstimator

THREADS = (1, 2, 3)
_FAILED = "failed:"
_ISAS = "import aecore; print(*aecore.show_config('dict')['isa_available'])"
_BUILD = "import aecore; print(aecore.__version__, aecore.__file__)"


def parts(value: Any) -> Iterator[bytes]:
    """Bytes that are the same for two results exactly when the results are."""
    from aecore import Network

    if isinstance(value, float):
        yield value.hex().encode()
    elif value is None or isinstance(value, str | bool | int | np.bool_ | np.integer):
        yield repr(value).encode()
    elif isinstance(value, np.ndarray) and value.dtype != object:
        yield f"{value.dtype.str}{value.shape}".encode()
        yield value.tobytes()
    elif issparse(value):
        yield from parts((value.shape, value.data, value.indices, value.indptr))
    elif isinstance(value, Mapping):
        for name in sorted(value, key=str):
            if name != "seconds":
                yield from parts((name, value[name]))
    elif isinstance(value, tuple | list | np.ndarray):
        yield f"[{len(value)}".encode()
        for each in value:
            yield from parts(each)
    elif isinstance(value, Network):
        shape = (repr(value.layers), value.code_layer, value.tied_weights, value.code_top_k)
        yield from parts((shape, value.input_scale, value.parameters))
    elif isinstance(value, BaseEstimator):
        yield from parts((type(value).__name__, learned(value)))
    else:
        msg = f"say in `parts` how to hash a {type(value)}"
        raise TypeError(msg)


def learned(model: BaseEstimator) -> dict[str, Any]:
    """What the model shows of what it learned; of scikit-learn's models nothing."""
    if not type(model).__module__.startswith("aecore."):
        return {}
    names = [name for name in dir(model) if name.endswith("_") and not name.startswith("_")]
    return {name: getattr(model, name) for name in names if hasattr(model, name)}


def hash_of(case: Callable[..., Any], **common: Any) -> str:
    try:
        bits = b"\0".join(parts(case(**common)))
    except Exception as error:  # an older build lacks a knob
        return f"{_FAILED} {error!r}".replace("\n", " ")
    return hashlib.sha256(bits).hexdigest()


def print_hashes(n_threads: int) -> None:
    """Run all cases in this interpreter and print `<case> <dtype> <sha256>`."""
    from called_cases import CASES

    for name, case in CASES.items():
        for dtype in ("float32", "float64"):
            print(name, dtype, hash_of(case, dtype=dtype, n_threads=n_threads), sep="\t")


def run(python: str, *arguments: str, **env: str) -> str:
    """Run an interpreter that sees no aecore but the one installed in it."""
    return subprocess.run(
        [python, "-E", "-s", "-W", "ignore", *arguments],
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", **env},
        cwd="/",
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def hashes(python: str, isa: str, n_threads: int) -> dict[str, str]:
    """The hash of each case, computed by another interpreter."""
    env = {"AECORE_ISA": isa, "OMP_NUM_THREADS": str(n_threads)}
    printed = run(python, str(Path(__file__).resolve()), "--print", str(n_threads), **env)
    lines = (line.split("\t") for line in printed.splitlines())
    return {f"{name}, {dtype}": value for name, dtype, value in lines}


def compare(a: str, b: str) -> int:
    """Print what differs and return how much."""
    print(f"A: {run(a, '-c', _BUILD)}B: {run(b, '-c', _BUILD)}", end="", flush=True)
    isas = run(a, "-c", _ISAS).split()
    n_cases = n_different = 0
    for isa, n_threads in itertools.product(isas, THREADS):
        expected, found = (hashes(python, isa, n_threads) for python in (a, b))
        n_cases = len(expected)
        for name, value in expected.items():
            where = f"{name} ({isa}, {n_threads} threads)"
            if value.startswith(_FAILED):
                n_cases -= 1
                print(f"not compared, because A cannot: {where} {value}", flush=True)
            elif found[name] != value:
                n_different += 1
                why = found[name] if found[name].startswith(_FAILED) else ""
                print(f"different: {where} {why}", flush=True)
    if not n_different:
        print(f"equal: {n_cases} cases x {', '.join(isas)} x {THREADS} threads")
    return n_different


if __name__ == "__main__":
    if sys.argv[1:2] == ["--print"]:
        print_hashes(int(sys.argv[2]))
    elif len(sys.argv) == 3:
        sys.exit(compare(*sys.argv[1:]) > 0)
    else:
        sys.exit(__doc__)
