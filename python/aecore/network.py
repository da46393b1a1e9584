"""`Network`: layer sizes and activations in, arrays out. The thin layer over the compiled core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from aecore import _core
from aecore._checks.arrays import (
    aligned_zeros,
    as_rows,
    as_sample_weight,
    as_target,
    output_rows,
    refuse_overlap,
)
from aecore._checks.calls import check_calls, unknown_keyword
from aecore._checks.frames import plain_columns
from aecore._checks.masked import as_array
from aecore._checks.random_state import seed_from
from aecore._checks.rules import check_params, parameter_error
from aecore._checks.sparse import is_sparse
from aecore._network.initialization import initialize
from aecore._network.state import NetworkState
from aecore._problem.input import InputSettings
from aecore._problem.layer_list import gaussian_layer, resolve_layers
from aecore._problem.layers import Layers
from aecore._problem.objective import Objective, Settings, Terms, running_vector
from aecore.layers import AnyLayer

if TYPE_CHECKING:
    from typing_extensions import Unpack

_PLAIN = InputSettings()  # codes enter the decoder as they are


@check_calls
class Network(NetworkState):
    """A fully connected autoencoder: its shape, its parameters, and what can be computed with them.

    For people with their own optimiser, and the model inside every fitted estimator
    (`network_`). Methods do not change the network, so many threads may use one at the same time.

    Parameters
    ----------
    layer_sizes : int or sequence of int
        Width of the input and of every layer after it, at least two numbers >= 1. Two make an
        encoder alone. With a list of layers: the width of the input.
    activations : sequence of str, or of the layers of `aecore.layers`
        One of "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu",
        "gelu" for every layer after the input, or "softmax" for the last.
    dtype : {"float32", "float64"}, default="float32"
        Type of the parameters, of the computation and of every result, whatever the input.
    input_scale : float, default=1.0
        Factor > 0 on every number of X, applied while rows are read (1/255 for bytes).
    code_layer : int, default=None
        Which layer output is the code: 0 is the first hidden layer. None takes the Gaussian layer
        or else the middle.
    initialization : {None, "glorot_uniform", "glorot_normal", "he_uniform", "he_normal", \
"lecun_normal", "fan_in_uniform", "orthogonal", "uniform", "normal"}, default=None
        How weights start, with the formulas of `aecore.reference.initial_weights`; "glorot", "he"
        and "lecun" are short for the uniform, normal and normal one. None is Glorot uniform [1]_.
        Biases start at zero.
    tied_weights : bool, default=False
        Whether layer L-1-l of the decoder has the transpose of layer l's weights, with a bias of
        its own; the sizes must read the same backwards, with an even number of layers.
    code_top_k : int, default=None
        How many units of each row's code are kept, the largest; the others become 0 [2]_. None
        keeps all.
    n_threads : int, default=None
        Threads for each call, >= 1. None takes what OpenMP, the CPU affinity and the control
        group allow. The result has the same bits for every number.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Where the initial weights are drawn from; None uses NumPy's global state.

    Raises
    ------
    ValueError
        If a parameter breaks its rule: `<name> must <rule>; got <value>`.

    References
    ----------
    .. [1] X. Glorot, Y. Bengio. Understanding the difficulty of training deep feedforward neural
       networks. AISTATS 2010.
    .. [2] A. Makhzani, B. Frey. k-sparse autoencoders. ICLR 2014.

    Examples
    --------
    >>> import numpy as np
    >>> import aecore
    >>> net = aecore.Network([4, 2, 4], ["sigmoid", "sigmoid"], random_state=0)
    >>> net.encode(np.eye(4)).shape
    (4, 2)
    >>> from aecore.layers import Dense, Gaussian
    >>> layers = [Dense(8, "relu"), Gaussian(2), Dense(8, "relu"), Dense(4, "sigmoid")]
    >>> aecore.Network(4, layers, random_state=0).layer_sizes
    [4, 8, 2, 8, 4]
    """

    def __init__(
        self,
        layer_sizes: int | Sequence[int],
        activations: Sequence[str] | Sequence[AnyLayer],
        *,
        dtype: DTypeLike = "float32",
        input_scale: float = 1.0,
        code_layer: int | None = None,
        initialization: str | None = None,
        tied_weights: bool = False,
        code_top_k: int | None = None,
        n_threads: int | None = None,
        random_state: Any = None,
    ) -> None:
        check_params(
            {
                "dtype": dtype,
                "input_scale": input_scale,
                "code_layer": code_layer,
                "initialization": initialization,
                "tied_weights": tied_weights,
                "code_top_k": code_top_k,
                "n_threads": n_threads,
                "random_state": random_state,
            }
        )
        n_in, layers = resolve_layers(layer_sizes, activations)
        n_layers = len(layers)
        if code_layer is None:
            code_layer = gaussian_layer(layers)
        if code_layer is None:
            code_layer = (n_layers - 1) // 2
        if not 0 <= code_layer < n_layers:
            rule = f"be None or an integer from 0 to {n_layers - 1}, one of the layers"
            raise parameter_error("code_layer", rule, code_layer)
        shape = Layers(n_in, layers, int(code_layer), code_top_k, bool(tied_weights))
        core = shape.core()
        parameters = aligned_zeros(core.n_parameters, dtype)
        settings = InputSettings(float(input_scale))
        super().__init__(shape, parameters, settings, n_threads, core=core)
        initialize(self, initialization, seed_from(random_state))

    def encode(self, X: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Compute the codes of rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_features,)
            Real numbers of any dtype, byte order and strides; read where they are. One row in
            gives one row out.
        out : ndarray of shape (n_rows, n_code) or (n_code,), default=None
            C-contiguous array of `dtype` to write into; it must not overlap X.

        Returns
        -------
        ndarray of shape (n_rows, n_code) or (n_code,)
            `out`, or a fresh array of `dtype`.

        Raises
        ------
        ValueError
            If the shape is wrong, X holds NaN or infinity (with row and column), or `out` cannot
            be written into.
        TypeError
            If X does not hold real numbers.
        """
        return self._forward(X, 0, self._code_layer + 1, out, self._input, "X")

    def decode(self, Z: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Compute the outputs that belong to codes.

        Parameters
        ----------
        Z : array-like of shape (n_rows, n_code) or (n_code,)
            Codes, read like X in `encode` but without `input_scale`.
        out : ndarray of shape (n_rows, n_features) or (n_features,), default=None
            C-contiguous array of `dtype` to write into; it must not overlap Z.

        Returns
        -------
        ndarray of shape (n_rows, n_features) or (n_features,)
            On the scale of `input_scale` times X.

        Raises
        ------
        ValueError, TypeError
            As in `encode`.
        """
        if self._code_layer == len(self._sizes) - 2:
            msg = (
                "decode needs layers after the code; this network ends with it. A decoder gives "
                "the outputs of codes by reconstruct"
            )
            raise ValueError(msg)
        return self._forward(Z, self._code_layer + 1, len(self._sizes) - 1, out, _PLAIN, "Z")

    def reconstruct(self, X: ArrayLike, *, out: NDArray[Any] | None = None) -> NDArray[Any]:
        """Compute `decode(encode(X))` in one pass.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_features,)
            As in `encode`.
        out : ndarray of shape (n_rows, n_features) or (n_features,), default=None
            C-contiguous array of `dtype` to write into; it must not overlap X.

        Returns
        -------
        ndarray of shape (n_rows, n_features) or (n_features,)
            On the scale of `input_scale` times X; of the scaled rows, in a network of an estimator
            with `scale`, but of its X from the `decoder` alone.

        Raises
        ------
        ValueError, TypeError
            As in `encode`.
        """
        result = self._forward(X, 0, len(self._sizes) - 1, out, self._input, "X")
        if self._output is not None and self._input.offset is None:
            self._output.undo(result.reshape(-1, self._sizes[-1]))
        return result

    def _forward(  # noqa: PLR0917
        self,
        values: ArrayLike,
        first_layer: int,
        last_layer: int,
        out: NDArray[Any] | None,
        settings: InputSettings,
        name: str,
    ) -> NDArray[Any]:
        if type(values) is np.ndarray:
            row = self._core.one_row(
                self._parameters, values, out, first_layer, last_layer, settings.core
            )
            if row is not None:
                return row
        values = plain_columns(values, name)
        array: Any = (
            values if is_sparse(values) else as_array(values, name, missing=settings.mask_missing)
        )
        rows = as_rows(array, self._sizes[first_layer], name)
        shape = (*array.shape[:-1], self._sizes[last_layer])
        result = output_rows(out, shape, self._parameters.dtype)
        if out is not None:
            refuse_overlap(result, rows, name)
            refuse_overlap(result, self._parameters, "parameters")
        self._core.forward(
            self._parameters,
            rows,
            result.reshape(rows.shape[0], shape[-1]),
            first_layer=first_layer,
            last_layer=last_layer,
            entry=settings.core,
            n_threads=self._n_threads or 0,
            name=name,
        )
        return result

    def row_losses(
        self, X: ArrayLike, *, target: ArrayLike | None = None, loss: str = "squared_error"
    ) -> NDArray[np.float64]:
        """Compute the loss of every row, a sum over features, without penalty terms.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_features,)
        target : array-like of the shape of X, default=None
            What the output should be; None means `input_scale` times X.
        loss : str, default="squared_error"
            As in `objective_terms`.

        Returns
        -------
        ndarray of shape (n_rows,), float64
        """
        objective = self._objective(Objective(loss=loss))
        rows, targets = self._rows_and_target(X, target)
        losses = np.empty(rows.shape[0])
        self._core.row_losses(
            self._parameters,
            _core.Data(rows, target=targets),
            losses,
            objective=objective,
            n_threads=self._n_threads or 0,
        )
        return losses

    def code_distribution(self, X: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
        """Compute mean and log variance of the Gaussian codes of rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_features,)
            As in `encode`.

        Returns
        -------
        mean, log_variance : ndarray of shape (n_rows, n_code) or (n_code,)
            The mean is what `encode` gives; the log variance is cut to [-20, 20].

        Raises
        ------
        ValueError
            If there is no Gaussian layer.
        ValueError, TypeError
            As in `encode`.
        """
        if self.gaussian_layer is None:
            msg = f"code_distribution needs a Gaussian layer; got layers {self.layers}"
            raise ValueError(msg)
        mean = self.encode(X)
        rows = as_rows(X, self._sizes[0], "X", missing=self._input.mask_missing)
        log_variance = np.empty((rows.shape[0], mean.shape[-1]), mean.dtype)
        self._core.forward(
            self._parameters,
            rows,
            log_variance,
            first_layer=0,
            last_layer=self._code_layer + 1,
            entry=self._input.core,
            n_threads=self._n_threads or 0,
            log_variance=True,
        )
        limit = _core.LOG_VARIANCE_LIMIT
        return mean, np.clip(log_variance, -limit, limit).reshape(mean.shape)

    def objective(
        self,
        X: ArrayLike,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **settings: Unpack[Settings],
    ) -> float:
        """Compute J over all rows given, the sum of `objective_terms`.

        Parameters
        ----------
        X, target, sample_weight, **settings
            As in `objective_terms`.

        Returns
        -------
        float
        """
        _check_settings(self, "objective", settings)
        return sum(self._evaluate(X, target, sample_weight, None, **settings))

    def objective_and_gradient(
        self,
        X: ArrayLike,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **settings: Unpack[Settings],
    ) -> tuple[float, NDArray[Any]]:
        """Compute J over all rows given and its exact gradient.

        Parameters
        ----------
        X, target, sample_weight, **settings
            As in `objective_terms`.

        Returns
        -------
        objective : float
        gradient : ndarray of shape (n_parameters,)
            dJ/dparameters, of `dtype`, in the order of `parameters`.
        """
        _check_settings(self, "objective_and_gradient", settings)
        gradient = np.empty_like(self._parameters)
        terms = self._evaluate(X, target, sample_weight, gradient, **settings)
        return sum(terms), gradient

    def objective_terms(
        self,
        X: ArrayLike,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        **settings: Unpack[Settings],
    ) -> Terms:
        """Compute the parts of J [1]_ over all rows given.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_features,)
            Read as in `encode`.
        target : array-like of the shape of X, default=None
            What the output should be; None means `input_scale` times X.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights >= 0 in the means over rows, of the loss and of rho_hat. None: all the same.
        loss : {"squared_error", "binary_cross_entropy", "absolute_error", "huber", "poisson", \
"multinomial"}, default="squared_error"
            Loss of a row, a sum over features; the formulas are those of
            `aecore.reference.row_losses`.
        weight_decay : float, default=0.0
            lambda >= 0.
        sparsity_weight : float, default=0.0
            beta >= 0; above 0 the sparse layers must be "sigmoid" or "tanh".
        sparsity_target : float, default=0.05
            rho in (0, 1), the mean activation asked for.
        sparsity_layers : {"code", "hidden"}, default="code"
            Whether the code or every hidden layer carries the KL term.
        sparsity_momentum : float, default=0.0
            In [0, 1): the part of rho_hat that comes from `sparsity_running`, a constant of the
            gradient.
        sparsity_running : mapping of int to array-like of shape (n_units,), default=None
            rho_hat used in the batch before, by index of the sparse layer. Without it rho_hat is
            the mean over the rows.
        weight_l1 : float, default=0.0
            mu >= 0, on the sum of the weights' magnitudes. Tied weights count once here and in
            the decay.
        activity_l1 : float, default=0.0
            alpha >= 0, on the magnitudes of the code.
        contractive_weight : float, default=0.0
            gamma >= 0, on the squared Frobenius norm of the code's Jacobian by what enters the
            first layer [2]_; above 0 the encoder's activations must be among "sigmoid", "tanh",
            "relu" and "identity".
        beta : float, default=1.0
            Weight >= 0 of the divergence of a Gaussian code from N(0, I).
        free_bits : float, default=0.0
            Nats >= 0: what each unit of a Gaussian code counts with at least in each row's
            divergence, which has no gradient below.
        dropout : float, default=0.0
            In [0, 1): each hidden unit, but those of a Gaussian code, is left out with this
            probability, and multiplied by 1/(1 - dropout) otherwise [3]_.
        trim_fraction : float, default=0.0
            In [0, 1): J is that of the other rows where as many with the largest losses are left
            out, of equal losses the later ones, as have up to this share of the weight: of m rows
            trim_fraction * m, rounded down [4]_. Not with a Gaussian code nor `observed_only`.
        observed_only : bool, default=False
            Whether features that a row of a sparse target has no entry for are left out of its
            loss, as ratings nobody gave; stored zeros count. Not with a target in an array, nor
            with loss "multinomial", where 0 adds nothing.
        seed : int, default=0
            Of dropout and of the draws of a Gaussian code, in [0, 2**64).
        epoch : int, default=0
            Units are drawn anew in each; in [0, 2**32).

        Returns
        -------
        data, weight_decay, sparsity, weight_l1, activity_l1, contractive, divergence : float
            As a named tuple; J is their sum.

        Raises
        ------
        ValueError
            If a setting breaks its rule, a shape is wrong, or a number is not finite.
        TypeError
            If an array does not hold real numbers.

        References
        ----------
        .. [1] A. Ng. Sparse autoencoder. CS294A lecture notes, Stanford University, 2011.
        .. [2] S. Rifai, P. Vincent, X. Muller, X. Glorot, Y. Bengio. Contractive auto-encoders:
           explicit invariance during feature extraction. ICML 2011.
        .. [3] N. Srivastava et al. Dropout: a simple way to prevent neural networks from
           overfitting. JMLR 15, 2014.
        .. [4] P. J. Rousseeuw. Least median of squares regression. Journal of the American
           Statistical Association 79, 1984.
        """
        _check_settings(self, "objective_terms", settings)
        return self._evaluate(X, target, sample_weight, None, **settings)

    def _objective(self, objective: Objective, seed: int = 0) -> _core.Objective:
        objective.check(self._layers)
        return objective.core(self._layers, self._input, seed=seed)

    def _rows_and_target(self, X: Any, target: Any) -> tuple[Any, Any]:
        missing = self._input.mask_missing
        rows = as_rows(X, self._sizes[0], "X", missing=missing)
        return rows, as_target(target, rows.shape[0], self._sizes[-1], missing=missing)

    def _evaluate(
        self,
        X: ArrayLike,
        target: ArrayLike | None,
        sample_weight: ArrayLike | None,
        gradient: NDArray[Any] | None,
        **settings: Any,
    ) -> Terms:
        epoch, seed = settings.pop("epoch", 0), settings.pop("seed", 0)
        running = settings.pop("sparsity_running", None)
        check_params({"epoch": epoch, "seed": seed})
        objective = Objective(**settings)
        before = None
        if running is not None and objective.sparsity_weight > 0:
            before = running_vector(running, *objective.sparse_widths(self._layers))
        rows, targets = self._rows_and_target(X, target)
        weights = as_sample_weight(sample_weight, rows.shape[0])
        data = _core.Data(rows, target=targets, sample_weight=weights)
        terms = self._core.evaluate(
            self._parameters,
            data,
            self._objective(objective, int(seed)),
            gradient=gradient,
            n_threads=self._n_threads or 0,
            epoch=int(epoch),
            running=before,
        )
        return Terms(**terms)


def _check_settings(network: Network, method: str, settings: Settings) -> None:
    names = Settings.__annotations__.keys()
    for name in settings.keys() - names:
        arguments = (*names, "X", "target", "sample_weight")
        raise unknown_keyword(name, method, arguments, network)
