"""`ConvAutoencoder`: images through layers that convolve, to scikit-learn's rules."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from aecore._checks.images import as_images, has_channels_first
from aecore._checks.rules import parameter_error
from aecore._estimators import likelihood
from aecore._estimators.generative import GenerativeAutoencoder
from aecore._problem.layer_list import input_shape_of
from aecore._saving.learned import Learned, Shape
from aecore.autoencoder import Autoencoder
from aecore.layers import AnyLayer, Conv2D, ConvTranspose2D, Dense, Gaussian

if TYPE_CHECKING:
    from sklearn.utils import Tags

    from aecore.callbacks import Callback
    from aecore.optimizers import Optimizer


class ConvAutoencoder(GenerativeAutoencoder, Autoencoder):
    """Learn codes of images through layers whose weights all positions share.

    The encoder convolves the image once for each of `channels`, each time with `stride`, which
    pools; a dense layer may make the code of what is left. The decoder mirrors it: each
    convolution's adjoint, with weights of its own, back to the size that the convolution had read,
    whatever that was. docs/convolutional.md says more.

    Parameters
    ----------
    channels : int or sequence of int, default=(16, 32)
        Channels of the encoder's layers, >= 1.
    kernel_size : int or pair of int, default=3
        Height and width of a window, >= 1, at most the size of what each layer reads.
    stride : int or pair of int, default=2
        From one window to the next, from 1 to the kernel's size. A layer of n rows makes
        ceil(n / stride), zeros around the image making up for what is missing.
    code_size : int, default=32
        Units of a dense code. None: the code is what the last convolution gives.
    image_shape : tuple (height, width) or (height, width, channels), default=None
        What flat rows are. None: X says it, and flat rows are images of height 1, whose kernel and
        stride have height 1 as well, and are no wider than what is left.
    activation : str, default="relu"
        Activation of the hidden layers but the code, as in `Autoencoder`.
    code_activation : str, default="identity"
        Activation of the code.
    variational : bool, default=False
        Whether the dense code is a normal distribution for each image, as in
        `VariationalAutoencoder`, and images can be drawn. The loss is "binary_cross_entropy"
        (independent bits) or "squared_error" (normal pixels of variance 1) then, and parameters
        that need a code which is not drawn must keep their defaults.
    beta : float, default=1.0
        With `variational`: the weight >= 0 of the divergence.
    beta_warmup_epochs : int, default=0
        With `variational`: epochs >= 0 over which the weight rises linearly from 0.
    output_activation : str, default="identity"
        As in `Autoencoder`, like the parameters that follow, but not "softmax". Units are those of
        the flat rows: of the code, of an image's positions and channels.
    initialization : str, default=None
        As in `Autoencoder`; taps times channels stand for the width of a layer.
    loss : str, default="squared_error"
        Not "multinomial".
    weight_decay : float, default=0.0
    weight_l1 : float, default=0.0
    sparsity_weight : float, default=0.0
    sparsity_target : float, default=0.05
    sparsity_layers : str, default="code"
    sparsity_momentum : float, default=0.0
    activity_l1 : float, default=0.0
    code_top_k : int, default=None
    dropout : float, default=0.0
    trim_fraction : float, default=0.0
    optimizer : str or Optimizer, default="adam"
    learning_rate : float, default=None
    learning_rate_schedule : str or callable, default=None
    clip_norm : float, default=None
    batch_size : int, default=128
    n_epochs : int, default=20
    shuffle : bool, default=True
    validation_fraction : float, default=0.0
    early_stopping : bool, default=False
    patience : int, default=10
    tolerance : float, default=1e-4
    warm_start : bool, default=False
    callbacks : object or sequence of objects, default=None
    input_scale : float, default=1.0
    scale : str, default=None
    missing : str, default=None
    noise : str, default=None
    noise_level : float, default=0.3
    noise_emphasis : float, default=1.0
    sparse_output : bool, default=False
    dtype : {"float32", "float64"}, default="float32"
    n_threads : int, default=None
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
    verbose : {0, 1}, default=0

    Attributes
    ----------
    network_ : Network
        The trained network, of flat rows; its `summary()` shows the shapes.
    image_shape_ : tuple (height, width, channels)
        What each row is.
    sample_shape_ : tuple of int
        Shape of each sample of X as `fit` was given them.
    history_, best_epoch_, offset_, factor_, n_features_in_, feature_names_in_
        As in `Autoencoder`.

    Notes
    -----
    All methods take images of shape (n, height, width) or (n, height, width, channels), in bytes or
    floats, and flat rows of the same numbers in C order. Images are not copied where they lie in
    one piece. `reconstruct` gives the shape of its X, `inverse_transform` that of the X of `fit`,
    `transform` flat codes. Rows must be dense. There are no tied weights, pretraining, or
    contractive penalty.

    References
    ----------
    J. Masci, U. Meier, D. Ciresan, J. Schmidhuber, "Stacked convolutional auto-encoders for
    hierarchical feature extraction", ICANN 2011. J. T. Springenberg, A. Dosovitskiy, T. Brox,
    M. Riedmiller, "Striving for simplicity: the all convolutional net", 2014 (pooling by stride).

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import ConvAutoencoder
    >>> X = np.random.default_rng(0).random((100, 9, 8))
    >>> ae = ConvAutoencoder((4, 8), code_size=5, n_epochs=2, random_state=0).fit(X)
    >>> ae.transform(X).shape, ae.reconstruct(X).shape
    ((100, 5), (100, 9, 8))
    """

    _learned: ClassVar[dict[str, Learned]] = {"sample_shape_": Shape()}

    def __init__(
        self,
        channels: int | Sequence[int] = (16, 32),
        *,
        kernel_size: int | tuple[int, int] = 3,
        stride: int | tuple[int, int] = 2,
        code_size: int | None = 32,
        image_shape: tuple[int, ...] | None = None,
        activation: str = "relu",
        code_activation: str = "identity",
        variational: bool = False,
        beta: float = 1.0,
        beta_warmup_epochs: int = 0,
        output_activation: str = "identity",
        initialization: str | None = None,
        loss: str = "squared_error",
        weight_decay: float = 0.0,
        weight_l1: float = 0.0,
        sparsity_weight: float = 0.0,
        sparsity_target: float = 0.05,
        sparsity_layers: str = "code",
        sparsity_momentum: float = 0.0,
        activity_l1: float = 0.0,
        code_top_k: int | None = None,
        dropout: float = 0.0,
        trim_fraction: float = 0.0,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        learning_rate_schedule: str | Callable[..., float] | None = None,
        clip_norm: float | None = None,
        batch_size: int = 128,
        n_epochs: int = 20,
        shuffle: bool = True,
        validation_fraction: float = 0.0,
        early_stopping: bool = False,
        patience: int = 10,
        tolerance: float = 1e-4,
        warm_start: bool = False,
        callbacks: Callback | Sequence[Callback] | None = None,
        input_scale: float = 1.0,
        scale: str | None = None,
        missing: str | None = None,
        noise: str | None = None,
        noise_level: float = 0.3,
        noise_emphasis: float = 1.0,
        sparse_output: bool = False,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.channels = channels
        self.kernel_size = kernel_size
        self.stride = stride
        self.code_size = code_size
        self.image_shape = image_shape
        self.activation = activation
        self.code_activation = code_activation
        self.variational = variational
        self.beta = beta
        self.beta_warmup_epochs = beta_warmup_epochs
        self.output_activation = output_activation
        self.initialization = initialization
        self.loss = loss
        self.weight_decay = weight_decay
        self.weight_l1 = weight_l1
        self.sparsity_weight = sparsity_weight
        self.sparsity_target = sparsity_target
        self.sparsity_layers = sparsity_layers
        self.sparsity_momentum = sparsity_momentum
        self.activity_l1 = activity_l1
        self.code_top_k = code_top_k
        self.dropout = dropout
        self.trim_fraction = trim_fraction
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
        self.missing = missing
        self.noise = noise
        self.noise_level = noise_level
        self.noise_emphasis = noise_emphasis
        self.sparse_output = sparse_output
        self.dtype = dtype
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    @property
    def _gaussian_code(self) -> bool:  # type: ignore[override]
        return bool(self.variational)

    @property
    def _distribution(self) -> likelihood.Likelihood:
        for each in likelihood.LIKELIHOODS.values():
            if each.loss == self.loss != "multinomial":
                return each
        rule = "be 'binary_cross_entropy' or 'squared_error' with variational"
        raise parameter_error("loss", rule, self.loss)

    @property
    def image_shape_(self) -> tuple[int, ...]:
        """Height, width and channels of each row."""
        try:
            network = self.network_
        except AttributeError:
            msg = f"this {type(self).__name__} is not fitted: it has no attribute 'image_shape_'"
            raise AttributeError(msg) from None
        return input_shape_of(network.layer_sizes[0], network.layers)

    def reconstruct(self, X: ArrayLike) -> NDArray[Any]:
        """Compute `inverse_transform(transform(X))` in one pass.

        Parameters
        ----------
        X : array-like of shape (n_samples, height, width[, channels]) or (n_samples, n_features)

        Returns
        -------
        ndarray of the shape of X
            As in `inverse_transform`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        return super().reconstruct(X).reshape(np.shape(X))

    def inverse_transform(self, Z: ArrayLike) -> NDArray[Any]:
        """Compute the images that codes stand for.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_code)

        Returns
        -------
        ndarray of shape (n_samples, *sample_shape_)
            Of `dtype`, on the scale of the target: `input_scale` times X unless one was given; with
            `scale` on that of X.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        rows = super().inverse_transform(Z)
        return rows.reshape(len(rows), *self.sample_shape_)

    def _flat_rows(self, X: Any, *, reset: bool, name: str = "X") -> Any:
        X = as_images(X, name)
        shape = getattr(X, "shape", None)
        if reset:
            self.sample_shape_ = tuple(
                map(int, (np.asarray(X).shape if shape is None else shape)[1:])
            )
        if shape is None or len(shape) not in {3, 4}:
            return X  # of the right width, or scikit-learn says so
        if reset and self.image_shape is None and has_channels_first(shape):
            rule = (
                "have its channels last, (n, height, width, channels), as np.moveaxis(X, 1, -1); "
                f"image_shape={tuple(shape[1:])} says that it has"
            )
            raise parameter_error(name, rule, tuple(shape))
        expected = self._image()
        found = tuple(shape[1:]) if len(shape) == 4 else (*shape[1:], 1)
        if found != expected:
            rule = f"have images of shape {expected}" + ("" if reset else ", as in fit")
            if found == (expected[2], *expected[:2]):
                rule += ", channels last"
            raise parameter_error(name, rule, found)
        return X.reshape(shape[0], math.prod(found))

    def _image(self) -> tuple[int, int, int]:
        """Height, width and channels by `image_shape`, else by the X of `fit`."""
        shape = self.sample_shape_ if self.image_shape is None else tuple(self.image_shape)
        if len(shape) == 1:
            return (1, int(shape[0]), 1)
        height, width, n_channels = (*shape, 1)[:3]
        return int(height), int(width), int(n_channels)

    def _make_layers(self, n_features: int, n_outputs: int) -> tuple[list[AnyLayer], int]:
        image = self._image()
        if math.prod(image) != n_features:
            rule = f"have {math.prod(image)} numbers in a row, as image_shape {image} says"
            raise parameter_error("X", rule, n_features)
        if n_outputs != n_features:
            raise parameter_error("target", f"have {n_features} numbers in a row", n_outputs)
        if self.output_activation == "softmax":
            rule = "be another one than 'softmax' where the output is an image"
            raise parameter_error("output_activation", rule, self.output_activation)
        if self.variational:
            self._check_variational()
        encoder: list[AnyLayer] = []
        decoder: list[AnyLayer] = []
        shape = image
        channels = self.channels if isinstance(self.channels, Sequence) else (self.channels,)
        for layer, n_channels in enumerate(map(int, channels)):
            kernel, stride = self._window(layer, shape)
            conv = Conv2D(n_channels, kernel, stride, "same", self.activation, shape)
            output = self.output_activation if layer == 0 else self.activation
            code = (conv.output_shape[0], conv.output_shape[1], conv.output_shape[2])
            encoder.append(conv)
            decoder.insert(
                0, ConvTranspose2D(shape[2], kernel, stride, "same", output, code, shape[:2])
            )
            shape = code
        if self.code_size is None:
            encoder[-1] = Conv2D(n_channels, kernel, stride, "same", self._code(), conv._shape())
        else:
            size = int(self.code_size)
            encoder.append(Gaussian(size) if self.variational else Dense(size, self._code()))
            decoder.insert(0, Dense(math.prod(shape), self.activation))
        return encoder + decoder, len(encoder) - 1

    def _check_variational(self) -> None:
        _ = self._distribution  # it raises for a loss that is no likelihood
        if self.code_size is None:
            raise parameter_error("code_size", "be a number of units with variational", None)
        if self._code() != "identity":
            rule = "be 'identity' with variational, whose code is a mean"
            raise parameter_error("code_activation", rule, self.code_activation)

    def _code(self) -> str:
        return self.activation if self.code_activation is None else self.code_activation

    def _window(
        self, layer: int, shape: tuple[int, int, int]
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Kernel and stride of a layer that reads images of this shape."""
        kernel, stride = (
            (int(value[0]), int(value[1])) if np.iterable(value) else (int(value), int(value))
            for value in (self.kernel_size, self.stride)
        )
        if self.image_shape is None and len(self.sample_shape_) == 1:
            kernel = (1, min(kernel[1], shape[1]))
            return kernel, (1, min(stride[1], kernel[1]))
        if kernel[0] > shape[0] or kernel[1] > shape[1]:
            rule = (
                f"be at most {shape[0]} x {shape[1]}, the image that layer {layer} reads, whose "
                "channels come last"
            )
            raise parameter_error("kernel_size", rule, f"{kernel[0]} x {kernel[1]}")
        if stride[0] > kernel[0] or stride[1] > kernel[1]:
            rule = f"be at most kernel_size, {kernel}, or there are pixels that no window sees"
            raise parameter_error("stride", rule, stride)
        return kernel, stride

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = False
        tags.input_tags.three_d_array = True
        return tags
