"""The public names and the modules they are in: the one list of them.

`aecore` loads them by it, model files know their classes by it, and the command line its
estimators. `__init__.pyi` says the same to type checkers.
"""

from __future__ import annotations

ESTIMATORS = {
    "Autoencoder": "aecore.autoencoder",
    "AutoencoderClassifier": "aecore.classifier",
    "AutoencoderOutlierDetector": "aecore.outlier_detector",
    "AutoencoderRecommender": "aecore.autoencoder_recommender",
    "ConvAutoencoder": "aecore.conv_autoencoder",
    "DeepClustering": "aecore.deep_clustering",
    "DenoisingAutoencoder": "aecore.denoising_autoencoder",
    "EASE": "aecore.ease",
    "SparseAutoencoder": "aecore.sparse_autoencoder",
    "VariationalAutoencoder": "aecore.variational_autoencoder",
}
# Their words on the command line.
ON_COMMAND_LINE = {
    "autoencoder": "Autoencoder",
    "sparse": "SparseAutoencoder",
    "denoising": "DenoisingAutoencoder",
    "variational": "VariationalAutoencoder",
    "conv": "ConvAutoencoder",
    "classifier": "AutoencoderClassifier",
    "outlier-detector": "AutoencoderOutlierDetector",
    "clustering": "DeepClustering",
    "recommender": "AutoencoderRecommender",
    "ease": "EASE",
}
# All classes that a file may name.
MODELS = {**ESTIMATORS, "Network": "aecore.network"}
OBJECTS = {
    **MODELS,
    "Checkpoint": "aecore.checkpoint",
    "FitManyError": "aecore.exceptions",
    "Interactions": "aecore.interactions",
    "ModelFileError": "aecore.exceptions",
    "TrainingDivergedError": "aecore.exceptions",
    "fit_many": "aecore._parallel.fit_many",
    "load": "aecore._saving.models",
    "show_config": "aecore._parallel.config",
    "stack": "aecore._estimators.stacking",
}
MODULES = ("callbacks", "layers", "metrics", "optimizers", "reference", "schedules")
