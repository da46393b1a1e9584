"""`DenoisingAutoencoder`: `Autoencoder` with the defaults of the denoising autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike

from aecore.autoencoder import Autoencoder
from aecore.optimizers import Optimizer

if TYPE_CHECKING:
    from aecore.callbacks import Callback


class DenoisingAutoencoder(Autoencoder):
    """Learn features that bring back clean rows from corrupted ones [1]_.

    An `Autoencoder` with other defaults: masking noise on the training rows and a code that may be
    wide, because undoing the noise is task enough. `reconstruct` then cleans rows that come with
    noise of their own. Scale X to numbers near 1, for instance by `scale="standard"`.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(128,)
        As in `Autoencoder`, like everything that is not listed with another default below.
    decoder_layer_sizes : int or sequence of int, default=None
    activation : str, default="relu"
    code_activation : str, default=None
    output_activation : str, default="identity"
    tied_weights : bool, default=False
    initialization : str, default=None
    loss : str, default="squared_error"
    weight_decay : float, default=0.0
    weight_l1 : float, default=0.0
    sparsity_weight : float, default=0.0
    sparsity_target : float, default=0.05
    sparsity_layers : {"code", "hidden"}, default="code"
    sparsity_momentum : float, default=0.0
    activity_l1 : float, default=0.0
    code_top_k : int, default=None
    dropout : float, default=0.0
    optimizer : str or Optimizer, default="adam"
    learning_rate : float, default=None
    learning_rate_schedule : str or callable, default=None
    clip_norm : float, default=None
    batch_size : int, default=256
    n_epochs : int, default=50
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
    noise : str or None, default="masking"
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
        As in `Autoencoder`, like the others: `history_`, `n_features_in_`, `feature_names_in_`.

    See Also
    --------
    Autoencoder : What every parameter means.

    References
    ----------
    .. [1] P. Vincent, H. Larochelle, Y. Bengio, P.-A. Manzagol. Extracting and composing robust
       features with denoising autoencoders. ICML 2008.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import DenoisingAutoencoder
    >>> X = np.random.default_rng(0).random((200, 16))
    >>> dae = DenoisingAutoencoder((32,), noise_level=0.5, n_epochs=5, random_state=0).fit(X)
    >>> dae.reconstruct(X).shape
    (200, 16)
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (128,),
        *,
        decoder_layer_sizes: int | Sequence[int] | None = None,
        activation: str = "relu",
        code_activation: str | None = None,
        output_activation: str = "identity",
        tied_weights: bool = False,
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
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        learning_rate_schedule: str | Callable[..., float] | None = None,
        clip_norm: float | None = None,
        batch_size: int = 256,
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
        missing: str | None = None,
        noise: str | None = "masking",
        noise_level: float = 0.3,
        noise_emphasis: float = 1.0,
        sparse_output: bool = False,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        super().__init__(
            hidden_layer_sizes,
            decoder_layer_sizes=decoder_layer_sizes,
            activation=activation,
            code_activation=code_activation,
            output_activation=output_activation,
            tied_weights=tied_weights,
            initialization=initialization,
            loss=loss,
            weight_decay=weight_decay,
            weight_l1=weight_l1,
            sparsity_weight=sparsity_weight,
            sparsity_target=sparsity_target,
            sparsity_layers=sparsity_layers,
            sparsity_momentum=sparsity_momentum,
            activity_l1=activity_l1,
            code_top_k=code_top_k,
            dropout=dropout,
            optimizer=optimizer,
            learning_rate=learning_rate,
            learning_rate_schedule=learning_rate_schedule,
            clip_norm=clip_norm,
            batch_size=batch_size,
            n_epochs=n_epochs,
            shuffle=shuffle,
            validation_fraction=validation_fraction,
            early_stopping=early_stopping,
            patience=patience,
            tolerance=tolerance,
            warm_start=warm_start,
            callbacks=callbacks,
            input_scale=input_scale,
            scale=scale,
            missing=missing,
            noise=noise,
            noise_level=noise_level,
            noise_emphasis=noise_emphasis,
            sparse_output=sparse_output,
            dtype=dtype,
            n_threads=n_threads,
            random_state=random_state,
            verbose=verbose,
        )
