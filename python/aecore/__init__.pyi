from aecore import callbacks as callbacks
from aecore import layers as layers
from aecore import metrics as metrics
from aecore import optimizers as optimizers
from aecore import reference as reference
from aecore import schedules as schedules
from aecore._estimators.stacking import stack as stack
from aecore._parallel.config import show_config as show_config
from aecore._parallel.fit_many import fit_many as fit_many
from aecore._saving.models import load as load
from aecore._version import __version__ as __version__
from aecore.autoencoder import Autoencoder as Autoencoder
from aecore.autoencoder_recommender import AutoencoderRecommender as AutoencoderRecommender
from aecore.checkpoint import Checkpoint as Checkpoint
from aecore.classifier import AutoencoderClassifier as AutoencoderClassifier
from aecore.conv_autoencoder import ConvAutoencoder as ConvAutoencoder
from aecore.deep_clustering import DeepClustering as DeepClustering
from aecore.denoising_autoencoder import DenoisingAutoencoder as DenoisingAutoencoder
from aecore.ease import EASE as EASE
from aecore.exceptions import FitManyError as FitManyError
from aecore.exceptions import ModelFileError as ModelFileError
from aecore.exceptions import TrainingDivergedError as TrainingDivergedError
from aecore.interactions import Interactions as Interactions
from aecore.network import Network as Network
from aecore.outlier_detector import AutoencoderOutlierDetector as AutoencoderOutlierDetector
from aecore.sparse_autoencoder import SparseAutoencoder as SparseAutoencoder
from aecore.variational_autoencoder import VariationalAutoencoder as VariationalAutoencoder

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
