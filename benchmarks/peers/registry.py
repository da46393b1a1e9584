"""Who takes part: one entry for each implementation, nothing imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Entry:
    """One implementation.

    `module` below `benchmarks.peers` has a function `make` that gives its `Implementation`;
    `options` are its arguments. `packages` have to be installed. `environment` is set for its
    process. Entries of one `family` are the same program in other settings: the best one counts.
    `in_quick` is False for what cannot start in the time of a short run.
    """

    name: str
    title: str
    family: str
    module: str
    packages: tuple[str, ...]
    options: Mapping[str, bool] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    in_quick: bool = True

    def missing(self) -> list[str]:
        """Packages that are not installed."""
        return [name for name in self.packages if importlib.util.find_spec(name) is None]


# On some processors with AVX-512 OpenBLAS chooses its AVX2 kernels by itself.
_SKYLAKEX = {"OPENBLAS_CORETYPE": "SkylakeX"}

OURS = "aecore"

ENTRIES = (
    Entry(OURS, "aecore", "aecore", "with_aecore", ()),
    Entry("numpy", "NumPy", "NumPy", "with_numpy", ()),
    Entry(
        "numpy-skylakex",
        "NumPy, SkylakeX kernels",
        "NumPy",
        "with_numpy",
        (),
        environment=_SKYLAKEX,
    ),
    Entry("sklearn", "scikit-learn", "scikit-learn", "with_sklearn", ("sklearn",)),
    Entry(
        "sklearn-skylakex",
        "scikit-learn, SkylakeX kernels",
        "scikit-learn",
        "with_sklearn",
        ("sklearn",),
        environment=_SKYLAKEX,
    ),
    Entry("pytorch", "PyTorch", "PyTorch", "with_torch", ("torch",), {"compiled": False}),
    Entry(
        "pytorch-sparse",
        "PyTorch, sparse rows",
        "PyTorch",
        "with_torch",
        ("torch",),
        {"compiled": False, "sparse": True},
    ),
    Entry(
        "pytorch-compile",
        "torch.compile",
        "torch.compile",
        "with_torch",
        ("torch",),
        {"compiled": True},
        # Workers of the compiler would outlive the compilation on the measured core.
        environment={"TORCHINDUCTOR_COMPILE_THREADS": "1"},
        in_quick=False,
    ),
    Entry("jax", "JAX", "JAX", "with_jax", ("jax", "optax")),
    Entry("onnxruntime", "ONNX Runtime", "ONNX Runtime", "with_onnx", ("onnxruntime", "onnx")),
)


def needs_avx512(entry: Entry) -> bool:
    """Whether the entry's environment forces kernels that only processors with AVX-512 run."""
    return entry.environment.get("OPENBLAS_CORETYPE") == "SkylakeX"


def entry(name: str) -> Entry:
    """Find an entry by its name.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    for each in ENTRIES:
        if each.name == name:
            return each
    msg = f"implementation must be one of {', '.join(each.name for each in ENTRIES)}; got {name!r}"
    raise ValueError(msg)
