"""aecore: autoencoders on CPUs, a C++ core under a scikit-learn API.

`import aecore` loads NumPy and the compiled core alone. The public names below are loaded from
their modules when they are first used, and with them scikit-learn, SciPy and the rest.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from aecore import _core as _core
from aecore._version import __version__

if TYPE_CHECKING:
    from aecore import callbacks, layers, metrics, optimizers, reference, schedules
    from aecore._parallel.fit_many import fit_many
    from aecore._saving.models import load
    from aecore._stacked.stacking import stack
    from aecore._util.config import show_config
    from aecore.autoencoder import Autoencoder
    from aecore.autoencoder_recommender import AutoencoderRecommender
    from aecore.checkpoint import Checkpoint
    from aecore.classifier import AutoencoderClassifier
    from aecore.conv_autoencoder import ConvAutoencoder
    from aecore.deep_clustering import DeepClustering
    from aecore.denoising_autoencoder import DenoisingAutoencoder
    from aecore.ease import EASE
    from aecore.exceptions import FitManyError, ModelFileError, TrainingDivergedError
    from aecore.interactions import Interactions
    from aecore.network import Network
    from aecore.outlier_detector import AutoencoderOutlierDetector
    from aecore.sparse_autoencoder import SparseAutoencoder
    from aecore.variational_autoencoder import VariationalAutoencoder

__all__ = [
    "EASE",
    "Autoencoder",
    "AutoencoderClassifier",
    "AutoencoderOutlierDetector",
    "AutoencoderRecommender",
    "Checkpoint",
    "ConvAutoencoder",
    "DeepClustering",
    "DenoisingAutoencoder",
    "FitManyError",
    "Interactions",
    "ModelFileError",
    "Network",
    "SparseAutoencoder",
    "TrainingDivergedError",
    "VariationalAutoencoder",
    "__version__",
    "callbacks",
    "fit_many",
    "layers",
    "load",
    "metrics",
    "optimizers",
    "reference",
    "schedules",
    "show_config",
    "stack",
]

_SUBMODULES = ("callbacks", "layers", "metrics", "optimizers", "reference", "schedules")
_MODULES = {
    "EASE": "aecore.ease",
    "Autoencoder": "aecore.autoencoder",
    "AutoencoderClassifier": "aecore.classifier",
    "AutoencoderOutlierDetector": "aecore.outlier_detector",
    "AutoencoderRecommender": "aecore.autoencoder_recommender",
    "Checkpoint": "aecore.checkpoint",
    "ConvAutoencoder": "aecore.conv_autoencoder",
    "DeepClustering": "aecore.deep_clustering",
    "DenoisingAutoencoder": "aecore.denoising_autoencoder",
    "FitManyError": "aecore.exceptions",
    "Interactions": "aecore.interactions",
    "ModelFileError": "aecore.exceptions",
    "Network": "aecore.network",
    "SparseAutoencoder": "aecore.sparse_autoencoder",
    "TrainingDivergedError": "aecore.exceptions",
    "VariationalAutoencoder": "aecore.variational_autoencoder",
    "fit_many": "aecore._parallel.fit_many",
    "load": "aecore._saving.models",
    "show_config": "aecore._util.config",
    "stack": "aecore._stacked.stacking",
}


def __getattr__(name: str) -> Any:
    if name in _SUBMODULES:
        return importlib.import_module(f"aecore.{name}")
    if name not in _MODULES:
        msg = f"module 'aecore' has no attribute {name!r}"
        raise AttributeError(msg)
    value = getattr(importlib.import_module(_MODULES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
