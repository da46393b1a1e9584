"""Everything that J depends on besides the network, its parameters and the rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aecore.reference._layers import Convolutions, Inference
from aecore.reference._noise import check_noise
from aecore.reference._scaling import Scaling


class Settings(Inference, total=False):
    """The keyword arguments of `objective`, described there."""

    target: ArrayLike | None
    sample_weight: ArrayLike | None
    loss: str
    weight_decay: float
    weight_l1: float
    sparsity_weight: float
    sparsity_target: float
    sparsity_layers: str | Sequence[int]
    sparsity_momentum: float
    sparsity_running: Mapping[int, ArrayLike] | None
    activity_l1: float
    contractive_weight: float
    beta: float
    free_bits: float
    n_clusters: int
    clustering_weight: float
    target_distribution: ArrayLike | None
    dropout: float
    trim_fraction: float
    noise: str | None
    noise_level: float
    noise_emphasis: float
    seed: int
    epoch: int
    rows: ArrayLike | None


# Penalties on the code, which has to be a hidden layer for them.
CODE_PENALTIES = ("activity_l1", "contractive_weight")
# Settings that must be 0 or None with a Gaussian code, because they need one that is not drawn.
_NOT_OF_A_DRAWN_CODE = ("sparsity_weight", *CODE_PENALTIES, "code_top_k", "trim_fraction")


@dataclass(frozen=True)
class Options:
    """The settings with their defaults, each number within its range."""

    target: ArrayLike | None = None
    sample_weight: ArrayLike | None = None
    loss: str = "squared_error"
    weight_decay: float = 0.0
    weight_l1: float = 0.0
    sparsity_weight: float = 0.0
    sparsity_target: float = 0.05
    sparsity_layers: str | Sequence[int] = "code"
    sparsity_momentum: float = 0.0
    sparsity_running: Mapping[int, ArrayLike] | None = None
    activity_l1: float = 0.0
    contractive_weight: float = 0.0
    beta: float = 1.0
    free_bits: float = 0.0
    n_clusters: int = 0
    clustering_weight: float = 1.0
    target_distribution: ArrayLike | None = None
    dropout: float = 0.0
    trim_fraction: float = 0.0
    noise: str | None = None
    noise_level: float = 0.0
    noise_emphasis: float = 1.0
    seed: int = 0
    epoch: int = 0
    rows: ArrayLike | None = None
    input_scale: float = 1.0
    scaling: Scaling | None = None
    missing: str | None = None
    log1p: bool = False
    tied_weights: bool = False
    code_layer: int | None = None
    code_top_k: int | None = None
    convolutions: Convolutions | None = None
    gaussian_code: bool = False

    def __post_init__(self) -> None:
        for name in (
            "weight_decay",
            "weight_l1",
            "sparsity_weight",
            *CODE_PENALTIES,
            "beta",
            "free_bits",
            "clustering_weight",
            "noise_emphasis",
        ):
            if not 0.0 <= getattr(self, name) < np.inf:
                raise ValueError(f"{name} must be a finite number >= 0; got {getattr(self, name)}")
        for name in _NOT_OF_A_DRAWN_CODE if self.gaussian_code else ():
            if getattr(self, name):
                rule = "of no effect (0 or None) with a Gaussian code"
                raise ValueError(f"{name} must be {rule}; got {getattr(self, name)}")
        for name in ("sparsity_momentum", "dropout", "trim_fraction"):
            if not 0.0 <= getattr(self, name) < 1.0:
                raise ValueError(f"{name} must be in [0, 1); got {getattr(self, name)}")
        check_noise(self.noise, self.noise_level)


def row_weights(sample_weight: ArrayLike | None, n_samples: int) -> NDArray[np.float64]:
    """w_i / sum w, shape (n_samples,)."""
    if n_samples == 0:
        raise ValueError("X must have at least one row; got 0")
    if sample_weight is None:
        return np.full(n_samples, 1.0 / n_samples)
    w = np.asarray(sample_weight, dtype=np.float64)
    if w.shape != (n_samples,):
        raise ValueError(f"sample_weight must have shape ({n_samples},); got {w.shape}")
    if not (np.all(w >= 0.0) and 0.0 < w.sum() < np.inf):
        raise ValueError(
            "sample_weight must be non-negative and finite with a positive sum; "
            f"got minimum {w.min():g} and sum {w.sum():g}"
        )
    return np.asarray(w / w.sum())
