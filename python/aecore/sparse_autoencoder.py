"""`SparseAutoencoder`: `Autoencoder` with the defaults of the sparse autoencoder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike

from aecore.autoencoder import Autoencoder
from aecore.optimizers import Optimizer

if TYPE_CHECKING:
    from aecore.callbacks import Callback


class SparseAutoencoder(Autoencoder):
    """Learn sparse features: sigmoid units that are active for few rows [1]_.

    An `Autoencoder` with other defaults: sigmoid layers, weight decay, the KL penalty, and L-BFGS
    on all rows. Scale X to [0, 1], better [0.1, 0.9], because that is what a sigmoid output can
    produce.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(25,)
        As in `Autoencoder`, like everything that is not listed with another default below.
    decoder_layer_sizes : int or sequence of int, default=None
    activation : str, default="sigmoid"
    code_activation : str, default=None
    output_activation : str, default="sigmoid"
    tied_weights : bool, default=False
    initialization : str, default=None
    loss : str, default="squared_error"
    weight_decay : float, default=1e-4
    weight_l1 : float, default=0.0
    sparsity_weight : float, default=3.0
    sparsity_target : float, default=0.01
    sparsity_layers : {"code", "hidden"}, default="code"
    sparsity_momentum : float, default=0.0
    activity_l1 : float, default=0.0
    code_top_k : int, default=None
    dropout : float, default=0.0
    optimizer : str or Optimizer, default="lbfgs"
    learning_rate : float, default=None
    learning_rate_schedule : str or callable, default=None
    clip_norm : float, default=None
    batch_size : int, default=256
    n_epochs : int, default=400
        For "lbfgs" the largest number of iterations.
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
        As in `Autoencoder`, like the others: `history_`, `n_features_in_`, `feature_names_in_`.

    See Also
    --------
    Autoencoder : What every parameter means.

    References
    ----------
    .. [1] A. Ng. Sparse autoencoder. CS294A lecture notes, Stanford University, 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import SparseAutoencoder
    >>> X = np.random.default_rng(0).uniform(0.1, 0.9, size=(200, 16))
    >>> sae = SparseAutoencoder((4,), n_epochs=20, random_state=0).fit(X)
    >>> sae.transform(X).shape
    (200, 4)
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (25,),
        *,
        decoder_layer_sizes: int | Sequence[int] | None = None,
        activation: str = "sigmoid",
        code_activation: str | None = None,
        output_activation: str = "sigmoid",
        tied_weights: bool = False,
        initialization: str | None = None,
        loss: str = "squared_error",
        weight_decay: float = 1e-4,
        weight_l1: float = 0.0,
        sparsity_weight: float = 3.0,
        sparsity_target: float = 0.01,
        sparsity_layers: str = "code",
        sparsity_momentum: float = 0.0,
        activity_l1: float = 0.0,
        code_top_k: int | None = None,
        dropout: float = 0.0,
        optimizer: str | Optimizer = "lbfgs",
        learning_rate: float | None = None,
        learning_rate_schedule: str | Callable[..., float] | None = None,
        clip_norm: float | None = None,
        batch_size: int = 256,
        n_epochs: int = 400,
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
