"""`VariationalAutoencoder`: rows as draws from a Gaussian code, to scikit-learn's rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from aecore._checks.rules import check_params
from aecore._checks.sparse import is_sparse
from aecore._estimators import likelihood
from aecore._estimators.generative import GenerativeAutoencoder
from aecore._problem.layers import dense_layers
from aecore._training.data import TrainingData
from aecore._training.long_rows import long_row_factors
from aecore.autoencoder import Autoencoder
from aecore.layers import AnyLayer
from aecore.network import Network

if TYPE_CHECKING:
    from aecore.callbacks import Callback
    from aecore.optimizers import Optimizer


class VariationalAutoencoder(GenerativeAutoencoder, Autoencoder):
    """Learn a distribution of rows, to draw new ones from it [1]_.

    The encoder gives each row x the distribution q(z|x) = N(mean(x), diag(std(x)^2)) of its code,
    the decoder each code z the distribution p(x|z) of rows; codes have the prior p(z) = N(0, I).
    Training minimises

        J = 1/m sum_i (-log p(x_i|z_i) + beta KL(q(z|x_i) || p(z))) + lambda/2 sum_l ||W_l||^2

    over m rows, with one draw z_i from q(z|x_i) each, new in every epoch. With beta = 1 it is minus
    the evidence lower bound (ELBO) of log p(x).

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(400, 20)
        Widths of the encoder's layers, >= 1; the last one is the code.
    decoder_layer_sizes : int or sequence of int, default=None
        Widths of the layers between code and output, >= 1, maybe none. None mirrors the encoder.
    activation : str, default="relu"
        Activation of the hidden layers but the code, as in `Autoencoder`.
    likelihood : {"bernoulli", "gaussian", "multinomial"}, default=None
        p(x|z): independent bits, for X in [0, 1] (numbers between are probabilities, whose cross
        entropy is taken); normal numbers of variance 1 (scale X to say how large their noise is);
        or counts, for X >= 0, of categories that share one total, up to the multinomial
        coefficient, which no parameter changes. The outputs are the means, or the categories'
        probabilities.

        None takes "bernoulli" where what is reconstructed, X as it is scaled or the target, lies
        in [0, 1], validation rows included, and "gaussian" elsewhere. That then has standardised
        columns, `scale="standard"` ("maxabs" for sparse X), unless `scale`, `input_scale` or a
        target is given. Whoever goes on from a network (`init`, `warm_start`, `partial_fit`) has
        the network's.

        With "multinomial" the encoder reads sign(x) log(1 + abs(x)), the output starts at the
        frequencies of the categories, and a row whose total is more than ten times the median
        counts for less: its weight is that of `aecore.reference.long_row_weights`.
    beta : float, default=1.0
        Weight >= 0 of the divergence [2]_.
    beta_warmup_epochs : int, default=0
        Epochs >= 0 over which the weight rises linearly, from 0 in the first to `beta` in the one
        after them: epoch e has beta min(1, e / beta_warmup_epochs) [3]_.
    beta_schedule : callable, default=None
        Instead of `beta_warmup_epochs`: a function (epoch, n_epochs, history) -> factor >= 0 on
        `beta`, maybe an object of `aecore.schedules`.
    free_bits : float, default=0.0
        Nats >= 0 that each unit of the code may tell of a row for nothing: max(free_bits, KL_j) is
        what it counts with [4]_. The paper takes the maximum of a group of units' mean over the
        batch; here it is taken for each unit of each row.
    initialization : str, default=None
        As in `Autoencoder`, like the parameters that follow.
    weight_decay : float, default=0.0
    weight_l1 : float, default=0.0
    dropout : float, default=0.0
        Of the hidden layers but the code.
    optimizer : str or Optimizer, default="adam"
        Not "lbfgs", which wants the same J at every step.
    learning_rate : float, default=None
    learning_rate_schedule : str or callable, default=None
    clip_norm : float, default=None
    batch_size : int, default=128
    n_epochs : int, default=50
    shuffle : bool, default=True
    validation_fraction : float, default=0.0
    early_stopping : bool, default=False
        By the validation loss, if there is one: while `beta` warms up, J of the training rows rises
        with it.
    patience : int, default=10
    tolerance : float, default=1e-4
    warm_start : bool, default=False
    callbacks : object or sequence of objects, default=None
    input_scale : float, default=1.0
    scale : {"minmax", "standard", "robust", "pooled", "maxabs"}, default=None
    missing : {"mask"}, default=None
    noise : str, default=None
        Noise on the rows that enter, while p(x|z) is that of the clean ones.
    noise_level : float, default=0.3
    noise_emphasis : float, default=1.0
    dtype : {"float32", "float64"}, default="float32"
    n_threads : int, default=None
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        As in `Autoencoder`; codes are drawn from it as well.
    verbose : {0, 1}, default=0

    Attributes
    ----------
    network_ : Network
        The trained network, with a `Gaussian` layer; its `encode` gives the mean of the code.
    likelihood_ : {"bernoulli", "gaussian", "multinomial"}
        That of the network, whatever `likelihood` has become.
    history_ : dict of str to list of float
        As in `Autoencoder`. `loss` is J, with the epoch's weight of the divergence;
        `validation_loss` is the mean over the validation rows of the data term and the divergence,
        with the full `beta` and the same draws in every epoch. `reconstruction` and `divergence`
        are these two parts of `loss`, `validation_reconstruction` and `validation_divergence` those
        of `validation_loss`.
    best_epoch_, offset_, factor_, n_features_in_, feature_names_in_
        As in `Autoencoder`.

    See Also
    --------
    Autoencoder : What the other parameters mean.
    aecore.layers.Gaussian : The code.

    Notes
    -----
    `score_samples` and `score` are about the reconstruction at the mean of the code: they do not
    depend on random numbers. `elbo` and `log_likelihood` are about the distribution.

    References
    ----------
    .. [1] D. P. Kingma, M. Welling. Auto-encoding variational Bayes. ICLR 2014.
    .. [2] I. Higgins et al. beta-VAE: learning basic visual concepts with a constrained
       variational framework. ICLR 2017.
    .. [3] C. K. Sonderby, T. Raiko, L. Maaloe, S. K. Sonderby, O. Winther. Ladder variational
       autoencoders. NIPS 2016, section 2.3.
    .. [4] D. P. Kingma et al. Improving variational inference with inverse autoregressive flow.
       NIPS 2016, appendix C.8.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import VariationalAutoencoder
    >>> X = np.random.default_rng(0).random((200, 16))
    >>> vae = VariationalAutoencoder((8, 2), n_epochs=5, random_state=0).fit(X)
    >>> vae.sample(3, random_state=0).shape
    (3, 16)
    """

    _gaussian_code = True

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (400, 20),
        *,
        decoder_layer_sizes: int | Sequence[int] | None = None,
        activation: str = "relu",
        likelihood: str | None = None,
        beta: float = 1.0,
        beta_warmup_epochs: int = 0,
        beta_schedule: Callable[..., float] | None = None,
        free_bits: float = 0.0,
        initialization: str | None = None,
        weight_decay: float = 0.0,
        weight_l1: float = 0.0,
        dropout: float = 0.0,
        optimizer: str | Optimizer = "adam",
        learning_rate: float | None = None,
        learning_rate_schedule: str | Callable[..., float] | None = None,
        clip_norm: float | None = None,
        batch_size: int = 128,
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
        noise: str | None = None,
        noise_level: float = 0.3,
        noise_emphasis: float = 1.0,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.decoder_layer_sizes = decoder_layer_sizes
        self.activation = activation
        self.likelihood = likelihood
        self.beta = beta
        self.beta_warmup_epochs = beta_warmup_epochs
        self.beta_schedule = beta_schedule
        self.free_bits = free_bits
        self.initialization = initialization
        self.weight_decay = weight_decay
        self.weight_l1 = weight_l1
        self.dropout = dropout
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
        self.dtype = dtype
        self.n_threads = n_threads
        self.random_state = random_state
        self.verbose = verbose

    @property
    def likelihood_(self) -> str:
        """The likelihood that goes with the output of the network; see the class."""
        try:
            network = self.network_
        except AttributeError:
            msg = f"this {type(self).__name__} is not fitted: it has no attribute 'likelihood_'"
            raise AttributeError(msg) from None
        found = likelihood.by_output(network.activations[-1])
        assert found is not None
        return found

    @property
    def loss(self) -> str:  # type: ignore[override]
        """The loss whose row is minus the log likelihood, up to a constant."""
        return self._distribution.loss

    @property
    def output_activation(self) -> str:  # type: ignore[override]
        """The activation of the output that goes with it."""
        return self._distribution.output_activation

    @property
    def _distribution(self) -> likelihood.Likelihood:
        check_params({"likelihood": self.likelihood})
        return likelihood.LIKELIHOODS[self.likelihood_]

    def _settle(self, data: TrainingData, start: Any) -> None:
        check_params({"scale": self.scale, "input_scale": self.input_scale})
        if self.likelihood is None:
            outputs = start.activations if isinstance(start, Network) else [None]
            self._choose(data, likelihood.by_output(outputs[-1]), start)

    def _factors(self, data: TrainingData) -> NDArray[np.float64] | None:
        return long_row_factors(data) if self.likelihood == "multinomial" else None

    def _choose(self, data: TrainingData, known: str | None, start: Any) -> None:
        """Set what `likelihood` None leaves open."""
        bits = self.scale == "minmax" or likelihood.is_of_bits(data, self.scale, self.input_scale)
        self.likelihood = known or ("bernoulli" if bits else "gaussian")
        given = self.scale is not None or self.input_scale != 1 or data.target is not None
        if self.likelihood != "gaussian" or given:
            return
        if known is None or start._input.offset is not None:
            self.scale = "maxabs" if is_sparse(data.X) else "standard"

    def _make_layers(self, n_features: int, n_outputs: int) -> tuple[list[AnyLayer], int]:
        del n_features
        return dense_layers(
            self.hidden_layer_sizes,
            self.decoder_layer_sizes,
            n_outputs,
            (self.activation, "gaussian", self._asked.output_activation),
        )

    def _facts(self) -> dict[str, Any]:
        counts = self.likelihood == "multinomial"
        return {**super()._facts(), "loss": self._asked.loss, "log1p": counts}

    @property
    def _asked(self) -> likelihood.Likelihood:
        """What a training is to have; `_settle` has set it."""
        assert self.likelihood is not None
        return likelihood.LIKELIHOODS[self.likelihood]
