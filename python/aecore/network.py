"""`Network`: layer sizes and activations in, arrays out. The thin layer over the compiled core."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from aecore import _core
from aecore._arrays import (
    aligned_zeros,
    as_rows,
    as_sample_weight,
    as_target,
    output_rows,
    refuse_overlap,
)
from aecore._initialization import seed_from
from aecore._input import InputSettings
from aecore._network_state import NetworkState
from aecore._objective import Terms, make_objective
from aecore._parameters import check_activations, check_params, parameter_error

_PLAIN = InputSettings()  # of codes


class Network(NetworkState):
    """A fully connected autoencoder: its shape, its parameters, and what can be computed with them.

    For people with their own optimiser, and the model inside every fitted estimator
    (`network_`). Methods do not change the network, so many threads may use one at the same time.

    Parameters
    ----------
    layer_sizes : sequence of int
        Width of the input and of every layer after it, at least two numbers >= 1. Two make an
        encoder alone.
    activations : sequence of str
        One of "identity", "sigmoid", "tanh", "relu", "leaky_relu", "elu", "softplus", "silu",
        "gelu" for every layer after the input, or "softmax" for the last.
    dtype : {"float32", "float64"}, default="float32"
        Type of the parameters, of the computation and of every result, whatever the input.
    input_scale : float, default=1.0
        Factor > 0 on every number of X, applied while rows are read (1/255 for bytes).
    code_layer : int, default=None
        Which layer output is the code: 0 is the first hidden layer. None takes the middle.
    initialization : {None, "glorot"}, default=None
        How weights start: Glorot uniform [1]_ either way. Biases start at zero.
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

    Examples
    --------
    >>> import numpy as np
    >>> import aecore
    >>> net = aecore.Network([4, 2, 4], ["sigmoid", "sigmoid"], random_state=0)
    >>> net.encode(np.eye(4)).shape
    (4, 2)
    """

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activations: Sequence[str],
        *,
        dtype: DTypeLike = "float32",
        input_scale: float = 1.0,
        code_layer: int | None = None,
        initialization: str | None = None,
        n_threads: int | None = None,
        random_state: Any = None,
    ) -> None:
        check_params(
            {
                "layer_sizes": layer_sizes,
                "dtype": dtype,
                "input_scale": input_scale,
                "code_layer": code_layer,
                "initialization": initialization,
                "n_threads": n_threads,
                "random_state": random_state,
            }
        )
        n_layers = len(layer_sizes) - 1
        check_activations(activations, n_layers)
        if code_layer is None:
            code_layer = (n_layers - 1) // 2
        if not 0 <= code_layer < n_layers:
            rule = f"be None or an integer from 0 to {n_layers - 1}, one of the layers"
            raise parameter_error("code_layer", rule, code_layer)
        core = _core.Network([int(size) for size in layer_sizes], list(activations))
        parameters = aligned_zeros(core.n_parameters, dtype)
        core.initialize(parameters, seed_from(random_state))
        super().__init__(
            core, parameters, InputSettings(float(input_scale)), int(code_layer), n_threads
        )

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
            msg = "decode needs layers after the code; this network ends with it"
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
            On the scale of `input_scale` times X.

        Raises
        ------
        ValueError, TypeError
            As in `encode`.
        """
        return self._forward(X, 0, len(self._sizes) - 1, out, self._input, "X")

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
        array = np.asarray(values)
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
            first_layer,
            last_layer,
            settings.core,
            self._n_threads or 0,
            name,
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
        objective = self._objective(loss=loss)
        rows = as_rows(X, self._sizes[0], "X")
        targets = as_target(target, rows.shape[0], self._sizes[-1])
        losses = np.empty(rows.shape[0])
        self._core.row_losses(
            self._parameters, rows, targets, None, losses, objective, self._n_threads or 0
        )
        return losses

    def objective(
        self,
        X: ArrayLike,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        loss: str = "squared_error",
        weight_decay: float = 0.0,
        sparsity_weight: float = 0.0,
        sparsity_target: float = 0.05,
        sparsity_layers: str = "code",
    ) -> float:
        """Compute J over all rows given, the sum of `objective_terms`.

        Parameters
        ----------
        X, target, sample_weight, loss, weight_decay, sparsity_weight, sparsity_target, \
sparsity_layers
            As in `objective_terms`.

        Returns
        -------
        float
        """
        terms = self._evaluate(
            X,
            target,
            sample_weight,
            None,
            loss=loss,
            weight_decay=weight_decay,
            sparsity_weight=sparsity_weight,
            sparsity_target=sparsity_target,
            sparsity_layers=sparsity_layers,
        )
        return sum(terms)

    def objective_and_gradient(
        self,
        X: ArrayLike,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        loss: str = "squared_error",
        weight_decay: float = 0.0,
        sparsity_weight: float = 0.0,
        sparsity_target: float = 0.05,
        sparsity_layers: str = "code",
    ) -> tuple[float, NDArray[Any]]:
        """Compute J over all rows given and its exact gradient.

        Parameters
        ----------
        X, target, sample_weight, loss, weight_decay, sparsity_weight, sparsity_target, \
sparsity_layers
            As in `objective_terms`.

        Returns
        -------
        objective : float
        gradient : ndarray of shape (n_parameters,)
            dJ/dparameters, of `dtype`, in the order of `parameters`.
        """
        gradient = np.empty_like(self._parameters)
        terms = self._evaluate(
            X,
            target,
            sample_weight,
            gradient,
            loss=loss,
            weight_decay=weight_decay,
            sparsity_weight=sparsity_weight,
            sparsity_target=sparsity_target,
            sparsity_layers=sparsity_layers,
        )
        return sum(terms), gradient

    def objective_terms(
        self,
        X: ArrayLike,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
        loss: str = "squared_error",
        weight_decay: float = 0.0,
        sparsity_weight: float = 0.0,
        sparsity_target: float = 0.05,
        sparsity_layers: str = "code",
    ) -> Terms:
        """Compute the three parts of J [1]_ over all rows given.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features) or (n_features,)
            Read as in `encode`.
        target : array-like of the shape of X, default=None
            What the output should be; None means `input_scale` times X.
        sample_weight : array-like of shape (n_rows,), default=None
            Weights >= 0 in the means over rows, of the loss and of rho_hat. None weighs alike.
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

        Returns
        -------
        data, weight_decay, sparsity : float
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
        """
        return self._evaluate(
            X,
            target,
            sample_weight,
            None,
            loss=loss,
            weight_decay=weight_decay,
            sparsity_weight=sparsity_weight,
            sparsity_target=sparsity_target,
            sparsity_layers=sparsity_layers,
        )

    def _objective(self, **settings: Any) -> _core.Objective:
        return make_objective(self.activations, self._code_layer, self._input, **settings)

    def _evaluate(
        self,
        X: ArrayLike,
        target: ArrayLike | None,
        sample_weight: ArrayLike | None,
        gradient: NDArray[Any] | None,
        **settings: Any,
    ) -> Terms:
        objective = self._objective(**settings)
        rows = as_rows(X, self._sizes[0], "X")
        n_rows = rows.shape[0]
        terms = self._core.evaluate(
            self._parameters,
            rows,
            as_target(target, n_rows, self._sizes[-1]),
            as_sample_weight(sample_weight, n_rows),
            None,
            objective,
            gradient,
            self._n_threads or 0,
        )
        return Terms(*terms)
