"""What autoencoders do besides codes: reconstructions, and how good they are."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_array, check_is_fitted

from aecore._checks.arrays import as_sample_weight
from aecore._checks.frames import plain_columns
from aecore._checks.ignored import TAKE_TARGET, ignore_labels
from aecore._checks.masked import from_lists, without_mask
from aecore._checks.naming import objects_named
from aecore._estimators.trainable import TrainableEncoder
from aecore._problem.input import refuse_target_of_scaled
from aecore.network import Network

# Losses and likelihoods that compare X itself, which they want >= 0.
_OF_POSITIVE = ("binary_cross_entropy", "poisson", "multinomial", "bernoulli")


class BaseAutoencoder(TrainableEncoder):
    """Reconstructions and scores besides codes."""

    _reproduces_input = True
    _gaussian_code = False
    # Whether other estimators may train it: not if its rows are images or its codes are drawn.
    _lends_training = True
    loss: str

    @property
    def _needs_positive(self) -> bool:
        asked = vars(self)  # `loss` is no parameter where `likelihood` says it
        loss = asked.get("loss", asked.get("likelihood"))
        return loss in _OF_POSITIVE and asked.get("scale") in {None, "maxabs"}

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
        Z = plain_columns(Z, "Z")
        Z = from_lists(without_mask(Z, "Z"), "Z")
        with objects_named("Z"):
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
        target = self._flat_target(target, network)
        return -network.row_losses(rows, target=target, loss=self.loss)

    def _flat_target(self, target: Any, network: Network) -> Any:
        """See the target of a call as rows, where one is given and may be."""
        if network._input.offset is not None:
            refuse_target_of_scaled(target)
        if target is None:
            return None
        self._check_columns_of(target, "target")
        target = without_mask(target, "target", missing=network._input.mask_missing)
        return self._flat_rows(target, reset=False, name="target")

    def score(
        self,
        X: ArrayLike,
        y: Any = None,
        *,
        target: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> float:
        """Compute the mean of `score_samples`: higher is better, so a grid search can use it.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : None
            Ignored, present for scikit-learn's sake, with a warning where it has the shape of X.
        target : array-like of shape (n_samples, n_features), default=None
            As in `score_samples`.
        sample_weight : array-like of shape (n_samples,), default=None
            Weights >= 0 of the rows in the mean.

        Returns
        -------
        float

        Raises
        ------
        NotFittedError, ValueError, TypeError
            As in `transform`.
        """
        ignore_labels(y, X, "" if target is not None else TAKE_TARGET)
        scores = self.score_samples(X, target=target)
        return float(np.average(scores, weights=as_sample_weight(sample_weight, len(scores))))
