"""What every estimator does with the network that it has learned."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array, check_is_fitted

from aecore._checks.sparse import check_before_conversion
from aecore._estimators import intake
from aecore._saving import models
from aecore._training import start

if TYPE_CHECKING:
    from sklearn.utils import Tags
    from typing_extensions import Self

    from aecore._history import History
    from aecore._training.minibatches import TrainingData
    from aecore._training.recorder import Measure
    from aecore.layers import AnyLayer
    from aecore.network import Network
    from aecore.schedules import Schedule


class BaseEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Codes by `network_`, to scikit-learn's rules."""

    network_: Network
    # Whether the target is X itself, or something on its scale.
    _reproduces_input: bool
    _observed_only = False  # entries that a sparse target does not hold are left out of the loss
    _gaussian_code = False
    _takes_rows = True  # and not images

    def transform(self, X: ArrayLike) -> Any:
        """Compute the codes of rows.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray or scipy.sparse.csr_array of shape (n_samples, n_code)
            Of `dtype`; sparse with `sparse_output`.

        Raises
        ------
        NotFittedError
            Before `fit`.
        ValueError, TypeError
            As in `fit`.
        """
        network, rows = self._fitted(X)
        codes = network.encode(rows)
        if self._reader.sparse_output:
            from scipy.sparse import csr_array

            return csr_array(codes)
        return codes

    def _fitted(self, X: ArrayLike) -> tuple[Network, NDArray[Any]]:
        """Take the network once: another thread may publish the next one meanwhile."""
        check_is_fitted(self, "network_")
        network = self.network_
        check_before_conversion(X, "X")
        X = self._flat_rows(X, reset=False)
        return network, intake.validated(self, X, reset=False)

    @property
    def _reader(self) -> Any:
        """The estimator whose parameters say what happens to rows on their way to the code."""
        return self

    @property
    def history_(self) -> dict[str, list[float]]:
        """Numbers of the epochs so far; see the class."""
        try:
            history: History = self._history
        except AttributeError:
            msg = f"this {type(self).__name__} is not fitted: it has no attribute 'history_'"
            raise AttributeError(msg) from None
        return dict(history)

    @property
    def _n_features_out(self) -> int:
        network = self.network_
        return network.layer_sizes[network.code_layer + 1]

    def _flat_rows(self, X: Any, *, reset: bool, name: str = "X") -> Any:
        """X as rows, from what else this estimator takes; `reset`: in the first call of a fit."""
        del reset, name
        return X

    def _make_layers(self, n_features: int, n_outputs: int) -> tuple[list[AnyLayer], int]:
        """Make the layers of the network, and say which is the code."""
        del n_features
        return start.dense_layers(self, n_outputs)

    def _divergence_settings(self) -> dict[str, float]:
        """Settings of the objective that a Gaussian code needs."""
        return {}

    def _beta_schedule(self) -> Schedule | None:
        """Factor on beta in each epoch; None is 1."""
        return None

    def _measure(self, data: TrainingData) -> Measure | None:
        """What finds figures for `history_` at the end of an epoch besides the losses."""
        del data
        return None

    def save(self, path: str | os.PathLike[str], *, optimizer_state: bool = True) -> None:
        """Write the estimator to a file that `aecore.load` reads.

        The file is safetensors with a checksum, written whole or not at all: a crash leaves what
        was there before. It holds the parameters and all that was learned, so that `partial_fit`
        after `load` gives the same bits as without it. What no file can hold is left out and loads
        as None: `callbacks`, a `random_state` that is no integer, and a `learning_rate_schedule`
        or `beta_schedule` that is, or contains, a function of yours. So are attributes and settings
        that are not aecore's, such as those of `set_output`. Pickle keeps all of them.
        docs/models.md says more.

        Parameters
        ----------
        path : str or path-like
        optimizer_state : bool, default=True
            Whether `partial_fit` can go on with the optimiser's state, as large as the parameters
            or (Adam) twice as large; without it the optimiser begins anew.

        Raises
        ------
        OSError
            If the file cannot be written.
        TypeError
            If the estimator is of a class of your own.
        ValueError
            If a parameter breaks its rule, or `optimizer` is of a class of your own.
        """
        models.save_estimator(self, path, optimizer_state=optimizer_state)

    def __getstate__(self) -> dict[str, Any]:
        return models.estimator_pickle(self)

    def __setstate__(self, state: dict[str, Any]) -> None:
        models.restore_estimator(self, state)

    def __copy__(self) -> Self:
        # A copy made while another thread trains the original is itself not in training.
        copied = type(self).__new__(type(self))
        copied.__dict__.update(self.__dict__.copy())
        copied.__dict__.pop("_training_token", None)
        return copied

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [np.dtype(self.dtype).name]
        reader = self._reader
        tags.input_tags.sparse = (
            reader.scale in {None, "maxabs"}
            and reader.missing is None
            and reader.noise in {None, "masking"}
            and reader.noise_emphasis == 1
        )
        tags.input_tags.allow_nan = reader.missing == "mask"
        return tags


class BaseAutoencoder(BaseEncoder):
    """Reconstructions and scores besides codes."""

    _reproduces_input = True

    def inverse_transform(self, Z: ArrayLike) -> NDArray[Any]:
        """Compute the rows that codes stand for.

        Parameters
        ----------
        Z : array-like of shape (n_samples, n_code)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            Of `dtype`, on the scale of the target: `input_scale` times X unless one was given; with
            `scale` on that of X.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        check_is_fitted(self, "network_")
        network = self.network_
        rows = check_array(Z, dtype="numeric", ensure_all_finite=False, input_name="Z")
        return network._input.undo(network.decode(rows))

    def reconstruct(self, X: ArrayLike) -> NDArray[Any]:
        """Compute `inverse_transform(transform(X))` in one pass.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        ndarray of shape (n_samples, n_features)
            As in `inverse_transform`.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        network, rows = self._fitted(X)
        return network._input.undo(network.reconstruct(rows))

    def score_samples(self, X: ArrayLike, *, target: ArrayLike | None = None) -> NDArray[Any]:
        """Compute minus the loss of each row, a sum over features without penalty terms.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        target : array-like of shape (n_samples, n_features), default=None
            What the output should be. None means X times `input_scale`.

        Returns
        -------
        ndarray of shape (n_samples,), float64
            Higher is better.

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        network, rows = self._fitted(X)
        if network._input.offset is not None:
            intake.refuse_target_of_scaled(target)
        if target is not None:
            target = self._flat_rows(target, reset=False, name="target")
        return -network.row_losses(rows, target=target, loss=self.loss)

    def score(self, X: ArrayLike, y: Any = None, *, target: ArrayLike | None = None) -> float:
        """Compute the mean of `score_samples`: higher is better, so a grid search can use it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored, present for scikit-learn's sake.
        target : array-like of shape (n_samples, n_features), default=None
            As in `score_samples`.

        Returns
        -------
        float

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        del y
        return float(self.score_samples(X, target=target).mean())
