"""`Autoencoder`: the general estimator, to scikit-learn's rules."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from numpy.typing import ArrayLike, DTypeLike
from sklearn.utils.metaestimators import available_if

from aecore._checks.calls import answered
from aecore._checks.ignored import TAKE_TARGET, ignore_labels
from aecore._estimators.autoencoding import BaseAutoencoder
from aecore._estimators.trainable import trains_in_batches
from aecore._problem.layers import dense_layers
from aecore.layers import AnyLayer
from aecore.optimizers import Optimizer

if TYPE_CHECKING:
    from typing_extensions import Self

    from aecore.callbacks import Callback
    from aecore.checkpoint import Checkpoint
    from aecore.network import Network


class Autoencoder(BaseAutoencoder):
    """Learn to reproduce rows through a narrow or sparse code.

    A fully connected network with `hidden_layer_sizes` down to the code and their mirror back,
    trained on

        J = 1/m sum_i loss(x_hat_i, x_i)
            + lambda/2 sum_l ||W_l||^2 + beta sum_j KL(rho || rho_hat_j)

    over m rows, where rho_hat_j is the mean activation of unit j [1]_.

    Parameters
    ----------
    hidden_layer_sizes : int or sequence of int, default=(32,)
        Widths of the encoder's layers, >= 1; the last one is the code.
    decoder_layer_sizes : int or sequence of int, default=None
        Widths of the layers between code and output, >= 1, maybe none. None mirrors the encoder.
    activation : {"identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu", \
"gelu"}, default="relu"
        Activation of the hidden layers; formulas and sources are in `aecore.reference`.
    code_activation : str, default=None
        Activation of the code; None means `activation`.
    output_activation : one of the above or "softmax", default="identity"
        Activation of the output.
    tied_weights : bool, default=False
        Whether the decoder has the transposes of the encoder's weights, with biases of its own; it
        must mirror the encoder.
    initialization : str, default=None
        How weights start, by a name as in `Network`; None is Glorot uniform.
    pretrain : bool, Autoencoder, or sequence of one for each hidden layer of the encoder, \
default=False
        Greedy layer-wise pretraining in `fit` [9]_: each layer of the encoder is first trained,
        with a decoder of its own, to reproduce the codes of the layers before it, and the whole
        network starts from there. True takes this estimator's settings for every layer (above the
        first one "squared_error", where cross entropy would need a "sigmoid"). An estimator, or
        one for each layer, lends its loss, penalties, noise and training; widths, activations,
        `dtype`, and what happens to X, are those of this one. Nothing is pretrained with `init`,
        after the first `warm_start`, or in `partial_fit`.
    loss : {"squared_error", "binary_cross_entropy", "absolute_error", "huber", "poisson", \
"multinomial"}, default="squared_error"
        Loss of a row, the sum over features, with e = x_hat - x, of 1/2 e^2; the cross entropy,
        which needs a "sigmoid" output and targets in [0, 1]; abs(e); 1/2 e^2 where abs(e) <= 1
        and abs(e) - 1/2 beyond; x_hat - x log(x_hat); or -x log(x_hat), which needs a "softmax"
        output. The last two need targets >= 0.
    weight_decay : float, default=0.0
        lambda >= 0 of J; biases carry none. With "adamw" it is decoupled: not in J, instead weights
        shrink by the factor 1 - learning rate * weight_decay at each step.
    weight_l1 : float, default=0.0
        mu >= 0: J gains mu sum_l |W_l|, with derivative 0 at 0.
    sparsity_weight : float, default=0.0
        beta >= 0 of J. Above 0 the sparse layers must be "sigmoid", or "tanh" taken as (a + 1)/2.
        In minibatches rho_hat is the mean of the batch.
    sparsity_target : float, default=0.05
        rho of J, in (0, 1).
    sparsity_layers : {"code", "hidden"}, default="code"
        Whether the code or every hidden layer carries the KL term.
    sparsity_momentum : float, default=0.0
        In [0, 1): the part of rho_hat that comes from the batch before, so that rho_hat is steady
        in small batches. Must be 0 for "lbfgs".
    activity_l1 : float, default=0.0
        alpha >= 0: J gains alpha 1/m sum_i |h(x_i)| of the code h.
    contractive_weight : float, default=0.0
        gamma >= 0: J gains gamma 1/m sum_i ||dh(x_i)/dx_i||^2, the squared Frobenius norm of the
        code's Jacobian by what enters the first layer [6]_. Above 0 the encoder's activations must
        be among "sigmoid", "tanh", "relu" and "identity". One layer costs next to nothing, a deep
        encoder about as many evaluations of itself as the code is wide.
    code_top_k : int, default=None
        How many units of each row's code are kept, the largest; the others become 0, in training
        and after it [7]_. None keeps all.
    dropout : float, default=0.0
        In [0, 1): while training with minibatches, each hidden unit is left out with this
        probability and multiplied by 1/(1 - dropout) otherwise [8]_. Must be 0 for "lbfgs".
    trim_fraction : float, default=0.0
        In [0, 1): robust training, in which the rows of each batch that have the largest losses
        are left out of J: trim_fraction * m of its m rows, rounded down, and of rows with equal
        losses the later ones [10]_. With weights, as many as have up to this share of the batch's.
        For "lbfgs" m is all rows. Validation and scores leave out nothing.
    optimizer : {"adam", "sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adamw", "lbfgs"} \
or Optimizer, default="adam"
        An object of `aecore.optimizers`, where the formulas are, or the name of one with its
        defaults. Adam [2]_ and the others work on minibatches; L-BFGS-B [3]_ on all rows at once,
        with `batch_size` and `shuffle` unused.
    learning_rate : float, default=None
        Step size > 0. None means the optimizer's: 1e-3 for "adam" and "adamw", 0.01 for "adagrad"
        and "rmsprop", and 1/n_features for "sgd", "momentum" and "nesterov", because losses are
        sums over features: a rate published for a mean over d features of squared errors is
        multiplied by 2/d here, one for cross entropy by 1/d. Must be None for "lbfgs".
    learning_rate_schedule : {"constant", "cosine", "reduce_on_plateau"} or callable, default=None
        Factor on the learning rate from epoch to epoch: an object of `aecore.schedules`, the name
        of one with its defaults, or a function (epoch, n_epochs, history) -> factor >= 0. None is
        constant. Must be None for "lbfgs".
    clip_norm : float, default=None
        Largest norm > 0 of the gradient of J by all parameters, biases included: a longer one is
        scaled down [4]_. None clips nothing. Must be None for "lbfgs".
    batch_size : int, default=256
        Rows per update, >= 1; the last batch of an epoch may be shorter.
    n_epochs : int, default=50
        Passes over the rows, >= 1; for "lbfgs" the largest number of iterations.
    shuffle : bool, default=True
        Whether to visit the rows in a new order in each epoch.
    validation_fraction : float, default=0.0
        Share in [0, 1) of the rows, drawn at random, that is held back for
        `history_["validation_loss"]`. 0 holds nothing back.
    early_stopping : bool, default=False
        Whether `fit` stops when the loss has not fallen for `patience` epochs, and goes back to
        the weights of the epoch where it was lowest. The loss is that of the validation rows, or
        J of the training rows if there are none. `partial_fit` never stops early.
    patience : int, default=10
        Epochs in a row, >= 1, that early stopping waits.
    tolerance : float, default=1e-4
        The loss has fallen when it is below the level of the last fall by more than `tolerance`
        >= 0 times that level.
    warm_start : bool, default=False
        Whether `fit` goes on from the parameters of `network_`, if there are any and `init` is
        not given. The optimiser and `history_` begin anew; layer sizes and activations must be
        the same.
    callbacks : object or sequence of objects, default=None
        Each has `on_epoch_end(state)`, called after every epoch with an
        `aecore.callbacks.EpochState`; True ends the training cleanly. An exception ends it too
        and goes to the caller, and the estimator keeps that epoch.
    input_scale : float, default=1.0
        Factor > 0 on every number of X, applied while rows are read (1/255 for bytes).
    scale : {"minmax", "standard", "robust", "pooled", "maxabs"}, default=None
        Scale of each column, fitted to the rows that `fit` learns from (`partial_fit`: to those of
        its first call), with their weights, and applied while rows are read: x' = (x - offset) *
        factor. Offset and 1/factor are the minimum and the range ("minmax"); the mean and the
        standard deviation ("standard"); the same of the numbers within three spreads of the median,
        by quantiles, x' being limited to [-10, 10], so that a few per cent of numbers may be
        anything ("robust", `aecore.reference.fit_scaling`); the mean, and one number for the whole
        table, the root of the columns' mean variance ("pooled": columns keep their proportions, as
        pixels should); 0 and the largest magnitude ("maxabs"). A column that is constant, but for
        rounding, has 1/factor 1. The network, J and scores are about x'; `reconstruct` and
        `inverse_transform` go back to the scale of X. Where the loss has no value outside the
        range of the training rows, other rows are limited to it: with "minmax" to [0, 1] for cross
        entropy. Not with a `target`, nor with an `input_scale` other than 1.
    missing : {"mask"}, default=None
        None: NaN or a masked number in X is an error. "mask": it is a missing number, which enters
        the network as 0 while the others of its row are multiplied by n_features / n_observed, so
        that a unit's input keeps its size; in the target (X itself, or `target`) it is left out of
        the loss.
        `reconstruct` gives every number, the missing ones too. Infinity is an error either way.
    noise : {"masking", "gaussian", "salt_and_pepper", "uniform"}, default=None
        Noise on the scaled input of training rows, new in each epoch, while the target stays clean
        [5]_: numbers set to 0 (masking), or to 0 or 1 alike (salt_and_pepper), or N(0, 1) or
        U(-1, 1) times `noise_level` added. For "lbfgs" it is drawn once. Validation, `transform`,
        `reconstruct` and scores know no noise. It is drawn from `random_state`.
    noise_level : float, default=0.3
        Probability in [0, 1] that a number is set (masking, salt_and_pepper), or the factor >= 0 on
        what is added (gaussian, uniform). Of no effect without `noise`.
    noise_emphasis : float, default=1.0
        Weight >= 0 in the loss of the features whose input is corrupted; the others have 1 [5]_.
        gaussian and uniform corrupt all. Of no effect without `noise`.
    sparse_output : bool, default=False
        Whether `transform` returns a SciPy CSR array, for codes that are mostly zero.
    dtype : {"float32", "float64"}, default="float32"
        Type of the computation and of every result, whatever the input.
    n_threads : int, default=None
        Threads, >= 1. None takes what OpenMP, the CPU affinity and the control group allow. The
        result has the same bits for every number.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Where initial weights, the order of rows, noise and the validation rows are drawn from. None
        uses NumPy's global state, as everywhere in scikit-learn.
    verbose : {0, 1}, default=0
        1 shows a progress bar.

    Attributes
    ----------
    network_ : Network
        The trained network. A new object after every epoch, or, where epochs are brief and nobody
        watches each of them, at least every 25 ms; it never changes afterwards.
    history_ : dict of str to list of float
        One number per epoch, or per iteration of "lbfgs": `loss` (J, for minibatches the mean
        over the batches weighted by their rows), `seconds`, `learning_rate` (not of "lbfgs"),
        `constant_loss` (mean loss of a row, the same in every epoch, where the output is the best
        constant: column means for a squared error; of `partial_fit` in every tenth pass, else NaN)
        and, with validation, `validation_loss` (mean loss of a row without penalties). Every access
        gives a copy.
    pretraining_history_ : list of dict
        With `pretrain`: the `history_` of each layer's own training.
    best_epoch_ : int
        With `early_stopping`: the index in `history_` of the epoch whose weights `network_` has.
    offset_, factor_ : ndarray of shape (n_features_in_,), float64
        With `scale`: x' = (x - offset_) * factor_.
    n_features_in_ : int
        Number of features seen in `fit`.
    feature_names_in_ : ndarray of shape (n_features_in_,)
        Names of the features, when X has string column names.

    See Also
    --------
    SparseAutoencoder, DenoisingAutoencoder : The same with other defaults.
    AutoencoderClassifier : Pretrained layers under labels.
    Network : The network without training.

    Notes
    -----
    Through their biases, a sigmoid output starts at the mean of its target and a sparse sigmoid
    layer at `sparsity_target`; other biases start at zero.

    `fit` works on a private copy and publishes a network after an epoch: other threads may use
    the estimator meanwhile. Bad input leaves it as it was, Ctrl-C leaves it with the last finished
    batch (or iteration of "lbfgs").

    References
    ----------
    .. [1] A. Ng. Sparse autoencoder. CS294A lecture notes, Stanford University, 2011.
    .. [2] D. P. Kingma, J. Ba. Adam: a method for stochastic optimization. ICLR 2015.
    .. [3] R. H. Byrd, P. Lu, J. Nocedal, C. Zhu. A limited memory algorithm for bound constrained
       optimization. SIAM Journal on Scientific Computing 16(5), 1995.
    .. [4] R. Pascanu, T. Mikolov, Y. Bengio. On the difficulty of training recurrent neural
       networks. ICML 2013; as torch.nn.utils.clip_grad_norm_ does it.
    .. [5] P. Vincent, H. Larochelle, I. Lajoie, Y. Bengio, P.-A. Manzagol. Stacked denoising
       autoencoders. JMLR 11, 2010; emphasis in section 4.2.
    .. [6] S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio. Contractive auto-encoders:
       explicit invariance during feature extraction. ICML 2011.
    .. [7] A. Makhzani, B. Frey. k-sparse autoencoders. ICLR 2014.
    .. [8] N. Srivastava et al. Dropout: a simple way to prevent neural networks from overfitting.
       JMLR 15, 2014.
    .. [9] Y. Bengio, P. Lamblin, D. Popovici, H. Larochelle. Greedy layer-wise training of deep
       networks. NIPS 2006.
    .. [10] P. J. Rousseeuw. Least median of squares regression. Journal of the American
       Statistical Association 79, 1984.

    Examples
    --------
    >>> import numpy as np
    >>> from aecore import Autoencoder
    >>> X = np.random.default_rng(0).random((200, 16))
    >>> ae = Autoencoder((4,), n_epochs=5, random_state=0).fit(X)
    >>> ae.transform(X).shape
    (200, 4)
    """

    def __init__(
        self,
        hidden_layer_sizes: int | Sequence[int] = (32,),
        *,
        decoder_layer_sizes: int | Sequence[int] | None = None,
        activation: str = "relu",
        code_activation: str | None = None,
        output_activation: str = "identity",
        tied_weights: bool = False,
        initialization: str | None = None,
        pretrain: bool | Autoencoder | Sequence[Autoencoder] = False,
        loss: str = "squared_error",
        weight_decay: float = 0.0,
        weight_l1: float = 0.0,
        sparsity_weight: float = 0.0,
        sparsity_target: float = 0.05,
        sparsity_layers: str = "code",
        sparsity_momentum: float = 0.0,
        activity_l1: float = 0.0,
        contractive_weight: float = 0.0,
        code_top_k: int | None = None,
        dropout: float = 0.0,
        trim_fraction: float = 0.0,
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
        noise: str | None = None,
        noise_level: float = 0.3,
        noise_emphasis: float = 1.0,
        sparse_output: bool = False,
        dtype: DTypeLike = "float32",
        n_threads: int | None = None,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        self.hidden_layer_sizes = hidden_layer_sizes
        self.decoder_layer_sizes = decoder_layer_sizes
        self.activation = activation
        self.code_activation = code_activation
        self.output_activation = output_activation
        self.tied_weights = tied_weights
        self.initialization = initialization
        self.pretrain = pretrain
        self.loss = loss
        self.weight_decay = weight_decay
        self.weight_l1 = weight_l1
        self.sparsity_weight = sparsity_weight
        self.sparsity_target = sparsity_target
        self.sparsity_layers = sparsity_layers
        self.sparsity_momentum = sparsity_momentum
        self.activity_l1 = activity_l1
        self.contractive_weight = contractive_weight
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

    def fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        validation_data: Any = None,
        init: Network | None = None,
        checkpoint: Checkpoint | None = None,
        resume_from: str | os.PathLike[str] | None = None,
    ) -> Self:
        """Train from the start, or with `warm_start` from where the last training ended.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Real numbers of any dtype and layout; never copied or cast as a whole.
        y : None
            Ignored, present for scikit-learn's sake, with a warning where it has the shape of X:
            clean rows are a `target`.
        target : array-like of shape (n_samples, n_features), default=None
            What the output should be. None means X times `input_scale`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows in the means of J. None gives all rows the same weight.
        validation_data : array-like or tuple (X, target), default=None
            Rows whose loss is recorded after every epoch; with a `target`, a tuple.
        init : Network, default=None
            Start from these parameters instead of random ones; layer sizes and activations must
            be those of this estimator. It is not changed. If it scales its columns, as the network
            of an estimator with `scale` does, these scales stay, whatever `scale` says here.
        checkpoint : Checkpoint, default=None
            Where and how often to write a file that `resume_from` can go on from.
        resume_from : str or path-like, default=None
            A checkpoint of this training, called with the same parameters and data but for
            `n_epochs`, `n_threads`, `verbose` and `callbacks`: go on from there, with the bits of a
            training that never stopped. "lbfgs" goes on from its last iterate, without its memory
            of earlier ones. `init`, `warm_start` and the state of `random_state` are of no effect.

        Returns
        -------
        self : Autoencoder

        Raises
        ------
        ValueError
            If a parameter breaks its rule, a shape is wrong, or a number is not finite (with row
            and column) or outside [0, 1] for cross entropy. If `resume_from` is a checkpoint of
            another training, with what differs.
        ModelFileError
            If `resume_from` is damaged or something else.
        OSError
            If `resume_from` cannot be read, or a checkpoint cannot be written: the estimator keeps
            the epoch.
        TypeError
            If an array does not hold real numbers.
        TrainingDivergedError
            If the loss or a weight stops being finite.
        RuntimeError
            If another thread is training this estimator, or a callback of this call fits it again.

        Warns
        -----
        ConvergenceWarning
            Of scikit-learn: if the loss at the end is no better than that of the best constant
            output and not on its way there, or a hidden layer is dead.
            If the loss of the validation rows is not finite: early stopping never takes such an
            epoch, but for the first where none is finite.
        """
        ignore_labels(y, X, "" if target is not None else TAKE_TARGET)
        with self._exclusive():
            self._fit(
                X,
                target,
                sample_weight,
                validation_data=validation_data,
                init=init,
                checkpoint=checkpoint,
                resume_from=resume_from,
            )
        return self

    @available_if(trains_in_batches)  # type: ignore[untyped-decorator]
    @answered
    def partial_fit(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        epoch: int | None = None,
    ) -> Self:
        """Go on training: one pass over X, unshuffled, in batches of `batch_size`.

        The optimiser's state is kept from call to call and from `fit`: k calls have the same bits
        as `fit` with `n_epochs=k, shuffle=False`, and Ctrl-C loses nothing but the batch at hand.
        It starts anew after a divergence, a change of `optimizer`, or where early stopping went
        back to an earlier epoch. Not available for "lbfgs".

        Data may come in chunks, a call for each. Schedules go by passes over all of them: a new one
        begins where the rows of its first call come again, or where `epoch` says; `history_` has a
        number for each call, and its pass as `epoch`. After every tenth pass of `partial_fit` a
        network that learned nothing is warned of, as in `fit`, by the rows of its last call, if
        these are at least 32.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            As in `fit`.
        y : None
            Ignored, present for scikit-learn's sake, with a warning where it has the shape of X:
            clean rows are a `target`.
        target : array-like of shape (n_samples, n_features), default=None
            As in `fit`.
        sample_weight : array-like of shape (n_samples,), default=None
            As in `fit`.
        epoch : int, default=None
            Which pass over the data the call belongs to, counted from 0, the epochs of `fit`
            included: for chunks whose rows are mixed anew in each pass. None finds it.

        Returns
        -------
        self : Autoencoder

        Raises
        ------
        ValueError, TypeError, TrainingDivergedError, RuntimeError
            As in `fit`.

        Warns
        -----
        UserWarning
            In the first call, of `validation_fraction` and `early_stopping`, which are of `fit`
            alone.
        """
        ignore_labels(y, X, "" if target is not None else TAKE_TARGET)
        with self._exclusive():
            self._partial_fit(X, target, sample_weight, epoch=epoch)
        return self

    def _make_layers(self, n_features: int, n_outputs: int) -> tuple[list[AnyLayer], int]:
        del n_features
        return dense_layers(
            self.hidden_layer_sizes,
            self.decoder_layer_sizes,
            n_outputs,
            (self.activation, self.code_activation, self.output_activation),
            tied_weights=self.tied_weights,
        )
