"""The rows of one training: which to learn from, which are held back, what is known of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.sparse import stack_rows
from aecore._network.initialization import column_means
from aecore.network import Network


@dataclass(frozen=True)
class TrainingData:
    """The rows of one fit, as the caller gave them: nothing copied or cast.

    X is (n_rows, n_features), target None or (n_rows, n_outputs), sample_weight None or
    (n_rows,); `rows` are the indices to learn from (None: all); `validation` is (X, target, rows)
    in the same sense, `held_weight` None or the weights of its X.
    """

    X: NDArray[Any]
    target: NDArray[Any] | None
    sample_weight: NDArray[np.float64] | None
    rows: NDArray[np.int64] | None = None
    validation: tuple[NDArray[Any], NDArray[Any] | None, NDArray[np.int64] | None] | None = None
    held_weight: NDArray[np.float64] | None = None

    @property
    def n_outputs(self) -> int:
        """How wide the output has to be."""
        return int((self.X if self.target is None else self.target).shape[1])

    @property
    def n_training_rows(self) -> int:
        """How many rows an epoch visits."""
        return int(self.X.shape[0] if self.rows is None else self.rows.shape[0])

    def core(self) -> _core.Data:
        """The rows to learn from, for the core."""
        return _core.Data(
            self.X, target=self.target, sample_weight=self.sample_weight, rows=self.rows
        )

    def core_validation(self) -> _core.Data | None:
        """The rows held back, if there are any."""
        if self.validation is None:
            return None
        X, target, rows = self.validation
        return _core.Data(X, target=target, sample_weight=self.held_weight, rows=rows)

    def mean_of_held(self, values: NDArray[Any]) -> float:
        """Weighted mean of a number for each of the rows held back."""
        if self.held_weight is None or self.validation is None:
            return float(values.mean())
        rows = self.validation[2]
        weights = self.held_weight if rows is None else self.held_weight[rows]
        return float(np.average(values, weights=weights))

    def counting(self) -> TrainingData:
        """Leave out the rows without weight, as if they were not there."""
        if self.sample_weight is None:
            return self
        there = self.own_rows
        rows = there[self.sample_weight[there] > 0]
        return self if len(rows) == len(there) else replace(self, rows=rows)

    def times(self, factor: NDArray[np.float64] | None) -> TrainingData:
        """Multiply the weights of rows to learn from by a factor of each row (None: 1)."""
        if factor is None:
            return self
        weights = factor if self.sample_weight is None else factor * self.sample_weight
        return replace(self, sample_weight=weights).counting()

    @property
    def own_rows(self) -> NDArray[np.int64]:
        """Indices of the rows to learn from."""
        return np.arange(self.X.shape[0]) if self.rows is None else self.rows

    def held_back(self, fraction: float, seed: int) -> TrainingData:
        """Hold back a drawn share of the rows for validation; a `fraction` of 0 holds back none."""
        if fraction == 0:
            return self
        own = self.own_rows
        training, held = split_rows(len(own), fraction, seed)
        return replace(
            self,
            rows=own[training],
            validation=(self.X, self.target, own[held]),
            held_weight=self.sample_weight,
        )


def input_means(network: Network, data: TrainingData) -> NDArray[np.float64]:
    """Mean of each column of X as the network sees it, missing numbers left out."""
    mean = column_means(
        data.X,
        data.rows,
        data.sample_weight,
        network.dtype,
        skip_nan=network._input.mask_missing,
    )
    return network._input.apply(mean)


def with_unlabeled(data: TrainingData, unlabeled: Any) -> TrainingData:
    """Append unlabeled rows, of weight 1, to the rows to learn from, and drop the target."""
    n_rows, n_more = data.X.shape[0], unlabeled.shape[0]
    X = stack_rows(data.X, unlabeled, "unlabeled")
    rows, sample_weight, validation = data.rows, data.sample_weight, data.validation
    held_weight = data.held_weight
    if rows is not None:
        rows = np.concatenate([rows, np.arange(n_rows, n_rows + n_more)])
    if sample_weight is not None:
        sample_weight = np.concatenate([sample_weight, np.ones(n_more)])
    if validation is not None:
        X_held, _, rows_held = validation
        if held_weight is not None and X_held is data.X:
            held_weight = np.concatenate([held_weight, np.ones(n_more)])
        validation = (X if X_held is data.X else X_held, None, rows_held)
    return TrainingData(X, None, sample_weight, rows, validation, held_weight)


def split_rows(
    n_rows: int, fraction: float, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw round(fraction * n_rows) rows, at least one, for validation; both parts sorted.

    Raises
    ------
    ValueError
        If no row would be left to learn from.
    """
    n_validation = max(1, round(fraction * n_rows))
    if n_validation >= n_rows:
        msg = (
            f"validation_fraction must leave at least one row to learn from; got {fraction} "
            f"of {n_rows}"
        )
        raise ValueError(msg)
    order = np.random.default_rng(seed).permutation(n_rows)
    return np.sort(order[n_validation:]), np.sort(order[:n_validation])
