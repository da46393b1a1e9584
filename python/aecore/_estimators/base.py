"""What every estimator does with the network that it has learned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted, validate_data

from aecore._checks.arrays import as_rows
from aecore._checks.frames import plain_columns
from aecore._checks.masked import from_lists, without_mask
from aecore._checks.naming import named, objects_named
from aecore._checks.sparse import before_conversion
from aecore._files.networks import require
from aecore._history import History
from aecore._problem.input import Input
from aecore._problem.plan import part_of
from aecore._saving.learned import (
    COUNT,
    Epochs,
    EpochsOfLayers,
    Learned,
    Names,
    OfNetwork,
    TrainedNetwork,
)
from aecore._saving.model import Model
from aecore.network import Network

if TYPE_CHECKING:
    from sklearn.utils import Tags


class BaseEncoder(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Model, BaseEstimator):  # type: ignore[misc]
    """Codes by `network_`, to scikit-learn's rules."""

    network_: Network
    n_features_in_: int
    _learned: ClassVar[dict[str, Learned]] = {
        "n_features_in_": COUNT,
        "feature_names_in_": Names(),
        "network_": TrainedNetwork(),
        "offset_": OfNetwork("offset"),
        "factor_": OfNetwork("factor"),
        "_history": Epochs(),
        "pretraining_history_": EpochsOfLayers(),
    }
    _always_learned: ClassVar[tuple[str, ...]] = ("n_features_in_", "network_")

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
        if getattr(self._reader, "sparse_output", False):
            from scipy.sparse import csr_array

            return csr_array(codes)
        return codes

    def _fitted(self, X: ArrayLike) -> tuple[Network, NDArray[Any]]:
        """Take the network once: another thread may publish the next one meanwhile."""
        check_is_fitted(self, "network_")
        network = self.network_
        X = before_conversion(X, "X")
        X = plain_columns(X, "X")
        X = without_mask(X, "X", missing=network._input.mask_missing)
        return network, self._validated(self._flat_rows(X, reset=False), reset=False)

    def _as_x(self, X: Any, *, reset: bool, name: str = "X") -> Any:
        """See X as rows that the core can read; `reset`: in the first call of a fit."""
        X = plain_columns(X, name)
        X = without_mask(before_conversion(X, name), name, missing=self._takes_missing)
        X = self._flat_rows(X, reset=reset, name=name)
        with named({"X": name}, about=None if name == "X" else name):
            rows = self._validated(X, reset=reset)
        # scikit-learn lets a list with None, or dates, through as they are.
        return as_rows(rows, rows.shape[1], name)

    def _validated(self, X: Any, *, reset: bool) -> Any:
        """Validate X by scikit-learn's rules, with its errors; the numbers are not looked at yet.

        `reset`: write `n_features_in_` and `feature_names_in_`, else compare.
        """
        named = hasattr(self, "feature_names_in_")
        if _is_plain(X) and not named and (reset or X.shape[1] == self.n_features_in_):
            if reset:
                self.n_features_in_ = X.shape[1]
            return X  # as from validate_data, which takes 100 us to see that
        with objects_named("X"):
            return validate_data(
                self,
                from_lists(X, "X"),
                reset=reset,
                accept_sparse="csr",
                dtype="numeric",
                ensure_all_finite=False,
            )

    @property
    def _reader(self) -> Any:
        """The estimator whose parameters say what happens to rows on their way to the code."""
        return self

    @property
    def _needs_positive(self) -> bool:
        """Whether negative numbers in X are refused."""
        return False

    @property
    def _takes_missing(self) -> bool:
        return part_of(Input, vars(self._reader)).missing == "mask"

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

    @classmethod
    def _check_learned(cls, learned: Mapping[str, Any]) -> None:
        super()._check_learned(learned)
        if "network_" in learned:
            n_in, n_features = learned["network_"].layer_sizes[0], learned["n_features_in_"]
            rule = f"be {n_in}, as in the network"
            require("n_features_in_", n_features == n_in, rule, n_features)

    def _flat_rows(self, X: Any, *, reset: bool, name: str = "X") -> Any:
        """X as rows, from what else this estimator takes; `reset`: in the first call of a fit."""
        del reset, name
        return X

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = [np.dtype(self.dtype).name]
        asked = part_of(Input, vars(self._reader))
        tags.input_tags.sparse = asked.takes_sparse
        tags.input_tags.allow_nan = asked.missing == "mask"
        tags.input_tags.positive_only = self._reader._needs_positive
        return tags


def _is_plain(X: Any) -> bool:
    """Whether X is an array that scikit-learn would take as it is."""
    return type(X) is np.ndarray and X.dtype.kind in "fiub" and X.ndim == 2 and X.size > 0
