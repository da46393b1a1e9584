"""Check labels of rows; make targets of a softmax and factors of weights from them."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from aecore._checks.arrays import as_sample_weight, in_range
from aecore._checks.ignored import shape_of
from aecore._checks.masked import as_array, from_lists
from aecore._checks.rules import NOT_NEGATIVE, parameter_error


def as_labels(X: Any, y: Any, name: str) -> NDArray[Any]:
    """See `y` as labels, 1-D, one for each row of X."""
    given = as_array(y, name)
    if given.dtype.kind == "c":
        msg = f"{name} must hold numbers or words: Complex data not supported; got {given.dtype}"
        raise ValueError(msg)
    if given.dtype.kind == "V":
        msg = f"{name} must hold numbers or words; got dtype {given.dtype}"
        raise TypeError(msg)
    if given.ndim != 1 and (given.ndim != 2 or given.shape[1] != 1):
        msg = f"{name} should be a 1d array, got an array of shape {given.shape} instead."
        raise ValueError(msg)
    labels: NDArray[Any] = column_or_1d(given, warn=True)
    shape = shape_of(from_lists(X, "X"))  # of another kind: X is refused for what it is
    if len(shape) == 2 and min(shape) > 0 and shape[0] != len(labels):
        msg = f"{name} must have a label for each row, {shape[0]}; got {len(labels)}"
        raise ValueError(msg)
    assert_all_finite(labels, input_name=name)
    check_classification_targets(labels)
    return labels


def as_classes(classes: Any) -> NDArray[Any]:
    """See all labels that there will be, sorted."""
    given = as_array(classes, "classes")
    if given.ndim != 1 or given.size == 0:
        msg = f"classes must be a sequence of labels; got shape {given.shape}"
        raise ValueError(msg)
    try:
        if given.dtype.kind in "cV" or any(np.ndim(each) > 0 for each in given):
            raise TypeError
        return np.unique(given)
    except (TypeError, ValueError):  # not all of a kind, or no labels
        msg = f"classes must be all numbers or all words; got {reprlib.repr(given.tolist())}"
        raise TypeError(msg) from None


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


def class_factors(
    class_weight: str | Mapping[Any, float] | None,
    labels: NDArray[Any],
    classes: NDArray[Any],
    sample_weight: Any,
) -> NDArray[np.float64] | None:
    """Factors on the weights of rows, by their classes; None for no `class_weight`.

    "balanced" is m / (k m_c) for m rows, m_c of them of class c, as in scikit-learn, with the sums
    of their weights for their numbers and the k classes that have any.
    """
    if class_weight is None:
        return None
    weights = as_sample_weight(sample_weight, len(labels))
    places = np.searchsorted(classes, labels)
    sums = np.bincount(places, weights, minlength=len(classes)).astype(np.float64)
    if isinstance(class_weight, str):
        there = sums > 0
        of_class = np.zeros(len(classes))
        of_class[there] = sums.sum() / (there.sum() * sums[there])
    else:
        of_class = _named_weights(class_weight, classes)
        if not (of_class * sums).any():
            msg = f"class_weight must be > 0 for a class that has weight; got {dict(class_weight)}"
            raise ValueError(msg)
    return of_class[places]


def _named_weights(class_weight: Mapping[Any, float], classes: NDArray[Any]) -> NDArray[np.float64]:
    """Weights of all classes, 1 for those that are not named."""
    names = classes.tolist()
    for name, value in class_weight.items():
        if not NOT_NEGATIVE.holds(value):
            rule = f"be a finite number >= 0 for class {name!r}"
            raise parameter_error("class_weight", rule, value)
    # As in scikit-learn: a class may be missing in these rows, but a name is wrong that stands for
    # none while there are classes without a name.
    unknown = [name for name in class_weight if name not in names]
    if unknown and len(class_weight) - len(unknown) < len(names):
        raise parameter_error("class_weight", f"name classes of {reprlib.repr(names)}", unknown[0])
    return in_range(np.array([float(class_weight.get(name, 1.0)) for name in names]))
