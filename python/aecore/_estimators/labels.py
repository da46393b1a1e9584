"""Check labels of rows; make targets of a softmax and weights of rows from them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.class_weight import compute_sample_weight
from sklearn.utils.multiclass import check_classification_targets

from aecore._checks.arrays import as_sample_weight
from aecore._checks.masked import without_mask


def as_labels(X: Any, y: Any, name: str) -> NDArray[Any]:
    """See `y` as labels, 1-D, one for each row of X."""
    labels: NDArray[Any] = column_or_1d(without_mask(y, name), warn=True)
    try:
        check_consistent_length(X, labels)
    except ValueError as error:
        msg = f"{name} must have a label for each row. {error}"
        raise ValueError(msg) from None
    assert_all_finite(labels, input_name=name)
    check_classification_targets(labels)
    return labels


def one_hot(labels: NDArray[Any], classes: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Make a row of zeros with a 1 at its class for every label; `classes` are sorted."""
    places = np.searchsorted(classes, labels).clip(max=len(classes) - 1)
    unknown = classes[places] != labels
    if unknown.any():
        msg = f"{name} must hold labels of {classes}; got {labels[unknown].tolist()[0]!r}"
        raise ValueError(msg)
    target = np.zeros((len(labels), len(classes)), np.uint8)
    target[np.arange(len(labels)), places] = 1
    return target


def row_weights(
    class_weight: str | Mapping[Any, float] | None, labels: NDArray[Any], sample_weight: Any
) -> NDArray[np.float64] | None:
    """Weights of the rows: `sample_weight` times that of their class."""
    weights = as_sample_weight(sample_weight, len(labels))
    if class_weight is None:
        return weights
    of_class: NDArray[np.float64] = compute_sample_weight(class_weight, labels)
    return of_class if weights is None else of_class * weights
