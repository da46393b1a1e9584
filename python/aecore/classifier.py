"""`AutoencoderClassifier`: pretrained layers under a softmax, to scikit-learn's rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from aecore._checks.arrays import as_sample_weight
from aecore._checks.calls import answered
from aecore._checks.rules import parameter_error
from aecore._estimators.labels import as_classes, as_labels, class_factors, one_hot
from aecore._estimators.trainable import TrainableEncoder, trains_in_batches
from aecore._files.networks import require
from aecore._problem.layers import dense_layers
from aecore._problem.plan import check_own
from aecore._saving.learned import Classes, Learned
from aecore._training.data import TrainingData
from aecore._training.recorder import Measure
from aecore.autoencoder import Autoencoder
from aecore.layers import AnyLayer
from aecore.optimizers import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Self

    from aecore.callbacks import Callback
    from aecore.checkpoint import Checkpoint
    from aecore.network import Network


class AutoencoderClassifier(ClassifierMixin, TrainableEncoder):  # type: ignore[misc]
    """Classify rows by layers that first learn as autoencoders, without labels.

    Every hidden layer is pretrained to reproduce the codes of the layers before it [1]_ [2]_; a
    softmax layer follows, and all of them are trained on the cross entropy of the labels,

        J = -1/m sum_i log p(y_i | x_i) + lambda/2 sum_l ||W_l||^2

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(128,)
        Widths of the hidden layers, >= 1; `transform` gives the last one.
    pretrain : bool, Autoencoder, or sequence of one for each hidden layer, default=True
        How layers start, as in `Autoencoder`: True trains them with this estimator's settings on
        squared errors (a linear output for X, above it the activation of the layer below); an
        `Autoencoder`, for instance a `DenoisingAutoencoder` or a `SparseAutoencoder`, with its own
        settings, also for its output. False starts from random weights.
    activation : {"identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", \
"gelu"}, default="relu"
        Activation of the hidden layers.
    initialization : str, default=None
        How weights start, by a name as in `Network`; None is Glorot uniform.
    weight_decay, weight_l1, dropout : float, default=0.0
        As in `Autoencoder`.
    noise : {"masking", "gaussian", "salt_and_pepper", "uniform"}, default=None
        Noise on the scaled input of training rows, new in each epoch, as in `Autoencoder`.
    noise_level : float, default=0.3
        Its strength.
    class_weight : dict or "balanced", default=None
        Weight of each class in J, 1 for one that is not named; "balanced" gives all classes the
        same sum of weights. It multiplies `sample_weight`.
    optimizer : str or Optimizer, default="adam"
        As in `Autoencoder`, like the following.
    learning_rate : float, default=None
        None means the optimizer's; for "sgd", "momentum" and "nesterov" 1/n_classes.
    learning_rate_schedule : str or callable, default=None
    clip_norm : float, default=None
    batch_size : int, default=64
    n_epochs : int, default=50
        Of the training with labels, and of each layer's with `pretrain=True`.
    shuffle : bool, default=True
    validation_fraction : float, default=0.0
        Share in [0, 1) of the rows, drawn at random, that is held back for
        `history_["validation_loss"]` and `history_["validation_score"]`.
    early_stopping : bool, default=False
        By the loss of the validation rows, or by J without them.
    patience : int, default=10
    tolerance : float, default=1e-4
    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of `network_`, without pretraining; the number of
        classes must be the same.
    callbacks : object or sequence of objects, default=None
        Called after every epoch with labels.
    input_scale : float, default=1.0
        Factor > 0 on every number of X, applied while rows are read (1/255 for bytes).
    scale : {"minmax", "standard", "robust", "pooled", "maxabs"}, default=None
        Scale of each column, as in `Autoencoder`; `unlabeled` rows count.
    dtype : {"float32", "float64"}, default="float32"
    n_threads : int, default=None
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
    verbose : {0, 1}, default=0

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        The labels, sorted.
    network_ : Network
        The layers with the softmax at their end, whose code is the last hidden layer.
    history_ : dict of str to list of float
        As in `Autoencoder`, of the training with labels; with validation also `validation_score`,
        the share of rows with the right label.
    pretraining_history_ : list of dict
        With `pretrain`: the `history_` of each layer's own training.
    best_epoch_, offset_, factor_, n_features_in_, feature_names_in_
        As in `Autoencoder`.

    See Also
    --------
    Autoencoder : What the parameters mean.
    stack : Joins autoencoders that were trained one by one.

    References
    ----------
    .. [1] Y. Bengio, P. Lamblin, D. Popovici, H. Larochelle. Greedy layer-wise training of deep
       networks. NIPS 2006.
    .. [2] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol. Stacked denoising
       autoencoders. JMLR 11, 2010.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import AutoencoderClassifier
    >>> X = np.random.default_rng(0).random((200, 16))
    >>> y = np.where(X[:, 0] > X[:, 1], "more", "less")
    >>> clf = AutoencoderClassifier((8,), n_epochs=20, random_state=0).fit(X, y)
    >>> clf.predict_proba(X).shape
    (200, 2)
    """

    _learned: ClassVar[dict[str, Learned]] = {"classes_": Classes()}
    _always_learned = ("classes_",)
    _reproduces_input = False

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (128,),
        *,
        pretrain: bool | Autoencoder | Sequence[Autoencoder] = True,
        activation: str = "relu",
        initialization: str | None = None,
        weight_decay: float = 0.0,
        weight_l1: float = 0.0,
        dropout: float = 0.0,
        noise: str | None = None,
        noise_level: float = 0.3,
        class_weight: str | Mapping[Any, float] | None = None,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        learning_rate_schedule: str | Callable[..., float] | None = None,
        clip_norm: float | None = None,
        batch_size: int = 64,
        n_epochs: int = 50,
        shuffle: bool = True,
        validation_fraction: float = 0.0,
        early_stopping: bool = False,
        patience: int = 10,
        tolerance: float = 1e-4,
        warm_start: bool = False,
        callbacks: Callback | Sequence[Callback] | None = None,
        input_scale: float = 1.0,
        scale: str | None = None,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.pretrain = pretrain
        self.activation = activation
        self.initialization = initialization
        self.weight_decay = weight_decay
        self.weight_l1 = weight_l1
        self.dropout = dropout
        self.noise = noise
        self.noise_level = noise_level
        self.class_weight = class_weight
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.learning_rate_schedule = learning_rate_schedule
        self.clip_norm = clip_norm
        self.batch_size = batch_size
        self.n_epochs = n_epochs
        self.shuffle = shuffle
        self.validation_fraction = validation_fraction
        self.early_stopping = early_stopping
        self.patience = patience
        self.tolerance = tolerance
        self.warm_start = warm_start
        self.callbacks = callbacks
        self.input_scale = input_scale
        self.scale = scale
        self.dtype = dtype
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        validation_data: Any = None,
        unlabeled: ArrayLike | None = None,
        init: Network | None = None,
        checkpoint: Checkpoint | None = None,
        resume_from: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Pretrain the hidden layers, then train all of them with labels.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real numbers of any dtype and layout; never copied or cast as a whole.
        y : array-like of shape (n_samples,)
            Labels, numbers or strings.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows in the means of J. None gives all rows the same weight.
        validation_data : tuple (X, y), default=None
            Rows whose loss and score are recorded after every epoch; no layer learns from them.
        unlabeled : array-like of shape (n_unlabeled, n_features), default=None
            Rows that take part in pretraining, besides X; both are copied into one array for that.
            Sparse where X is, an array where X is one.
        init : Network, default=None
            Start from these parameters, for instance of `aecore.stack`, instead of pretraining;
            layer sizes and activations must be those of this estimator. It is not changed, and
            its scales stay, as in `Autoencoder.fit`.
        checkpoint : Checkpoint, default=None
            Where and how often to write a file that `resume_from` can go on from; pretraining is
            not in it.
        resume_from : str or path-like, default=None
            A checkpoint of this training, as in `Autoencoder.fit`; nothing is pretrained again.

        Returns
        -------
        self : AutoencoderClassifier

        Raises
        ------
        ValueError
            If a parameter breaks its rule, a shape is wrong, a number is not finite, or `y` does
            not hold labels.
        TypeError
            If an array does not hold real numbers.
        TrainingDivergedError
            If the loss or a weight stops being finite.
        RuntimeError
            If another thread is training this estimator.
        """
        check_own(self)
        labels = as_labels(X, y, "y")
        classes = np.unique(labels)
        if validation_data is not None:
            if not isinstance(validation_data, tuple) or len(validation_data) != 2:
                msg = (
                    f"validation_data must be a tuple (X, y); got {type(validation_data).__name__}"
                )
                raise ValueError(msg)
            X_held, y_held = validation_data
            held = as_labels(X_held, y_held, "y of validation_data")
            validation_data = (X_held, one_hot(held, classes, "y of validation_data"))
        with self._exclusive():
            self._fit(
                X,
                one_hot(labels, classes, "y"),
                sample_weight,
                validation_data=validation_data,
                init=init,
                checkpoint=checkpoint,
                resume_from=resume_from,
                unlabeled=unlabeled,
                learned={"classes_": classes},
                of_class=class_factors(self.class_weight, labels, classes, sample_weight),
            )
        return self

    @available_if(trains_in_batches)  # type: ignore[untyped-decorator]
    @answered
    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        *,
        sample_weight: ArrayLike | None = None,
        epoch: int | None = None,
    ) -> Self:
        """Go on training: one pass over X, unshuffled, in batches of `batch_size`.

        As in `Autoencoder.partial_fit`; nothing is pretrained. Not available for "lbfgs".

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `fit`.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), default=None
            All labels there will be; needed in the first call alone.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.
        epoch : int, default=None
            As in `Autoencoder.partial_fit`.

        Returns
        -------
        self : AutoencoderClassifier

        Raises
        ------
        ValueError, TypeError, TrainingDivergedError, RuntimeError
            As in `fit`; ValueError also for `classes` that are missing in the first call or others
            than before, and for class_weight="balanced", which needs all rows at once.
        """
        check_own(self)
        if isinstance(self.class_weight, str):
            msg = "class_weight must be None or a dict in partial_fit; got 'balanced'"
            raise ValueError(msg)
        known: NDArray[Any] | None = getattr(self, "classes_", None)
        if classes is not None:
            given = as_classes(classes)
            if known is not None and not np.array_equal(known, given):
                msg = f"classes must be those of the calls before, {known}; got {given}"
                raise ValueError(msg)
            known = given
        if known is None:
            msg = "classes must be given in the first call of partial_fit; got None"
            raise ValueError(msg)
        labels = as_labels(X, y, "y")
        with self._exclusive():
            self._partial_fit(
                X,
                one_hot(labels, known, "y"),
                sample_weight,
                learned={"classes_": known},
                of_class=class_factors(self.class_weight, labels, known, sample_weight),
                epoch=epoch,
            )
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the probability of every class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Of `dtype`, in the order of `classes_`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            As in `fit`.
        """
        network, rows = self._fitted(X)
        return network.reconstruct(rows)

    def predict_log_proba(self, X: ArrayLike) -> NDArray[Any]:
        """Compute the logarithm of the probability of every class.

        From what enters the softmax: finite where the probability itself is too small for its type.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_classes)
            Of `dtype`, in the order of `classes_`; <= 0.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict_proba`.
        """
        z = self._before_softmax(X)
        log_p = z.astype(np.float64)
        log_p -= log_p.max(axis=1, keepdims=True)
        log_p -= np.log(np.exp(log_p).sum(axis=1, keepdims=True))
        return log_p.astype(z.dtype)

    def decision_function(self, X: ArrayLike) -> NDArray[Any]:
        """Compute what enters the softmax: the larger, the more probable the class.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,) or (n_samples, n_classes)
            Of `dtype`. For two classes the logarithm of the odds of the second, > 0 where that is
            more probable; else a column for each class, in the order of `classes_`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict_proba`.
        """
        z = self._before_softmax(X)
        return z[:, 1] - z[:, 0] if z.shape[1] == 2 else z

    def _before_softmax(self, X: ArrayLike) -> NDArray[Any]:
        network, rows = self._fitted(X)
        return network._without_output_activation().reconstruct(rows)

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Find the most probable label of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples,)
            Of the dtype of `classes_`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict_proba`.
        """
        check_is_fitted(self, "network_")
        classes: NDArray[Any] = self.classes_
        places = self.predict_proba(X).argmax(axis=1)
        return np.asarray(classes[places])

    def score(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Compute the share of rows with the right label.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows in the share.

        Returns
        -------
        float
            In [0, 1].

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `predict_proba`.
        """
        found = self.predict(X)
        labels = as_labels(X, y, "y")
        if len(labels) != len(found) or (labels.dtype.kind in "US") != (found.dtype.kind in "US"):
            rule = f"hold {len(found)} labels such as {self.classes_}"
            raise parameter_error("y", rule, labels)
        weights = as_sample_weight(sample_weight, len(labels))
        return float(np.average(labels == found, weights=weights))

    def _make_layers(self, n_features: int, n_outputs: int) -> tuple[list[AnyLayer], int]:
        del n_features
        activations = (self.activation, None, "softmax")
        return dense_layers(self.hidden_layer_sizes, (), n_outputs, activations)

    def _facts(self) -> dict[str, Any]:
        return {**super()._facts(), "loss": "multinomial"}

    @classmethod
    def _check_learned(cls, learned: Mapping[str, Any]) -> None:
        super()._check_learned(learned)
        if "classes_" in learned and "network_" in learned:
            n_classes, n_outputs = len(learned["classes_"]), learned["network_"].layer_sizes[-1]
            rule = f"be {n_outputs}, the outputs of the network"
            require("classes_", n_classes == n_outputs, rule, n_classes)

    def _measure(self, data: TrainingData) -> Measure | None:
        if data.validation is None:
            return None
        X, target, rows = data.validation

        def score(network: Network) -> dict[str, float]:
            assert target is not None
            held, labels = (X, target) if rows is None else (X[rows], target[rows])
            right = network.reconstruct(held).argmax(axis=1) == labels.argmax(axis=1)
            return {"validation_score": data.mean_of_held(right)}

        return score
