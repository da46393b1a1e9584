"""What the arrays of `fit` become: checked rows, rows held back, and what happens to them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.utils.validation import validate_data

from aecore._checks.arrays import as_rows, as_sample_weight, as_target
from aecore._checks.rules import parameter_error
from aecore._checks.sparse import check_before_conversion
from aecore._problem.input import InputSettings, fit_scaling
from aecore._training.minibatches import TrainingData, split_rows

if TYPE_CHECKING:
    from aecore._training.fitting import Estimator
    from aecore.network import Network


def as_data(
    probe: Estimator, X: Any, target: Any, sample_weight: Any, *, reset: bool
) -> TrainingData:
    rows = as_x(probe, X, reset=reset)
    return TrainingData(
        X=rows,
        target=_as_target(probe, target, rows),
        sample_weight=as_sample_weight(sample_weight, rows.shape[0]),
    )


def as_x(probe: Estimator, X: Any, *, reset: bool) -> Any:
    check_before_conversion(X, "X")
    X = probe._flat_rows(X, reset=reset)
    rows = validated(probe, X, reset=reset)
    # scikit-learn lets a list with None, or dates, through as they are.
    return as_rows(rows, rows.shape[1], "X")


def validated(estimator: Any, X: Any, *, reset: bool) -> Any:
    """See X as scikit-learn does, with its errors: rows whose numbers nobody has looked at yet.

    `reset`: write `n_features_in_` and `feature_names_in_`, else compare.
    """
    named = hasattr(estimator, "feature_names_in_")
    if _is_plain(X) and not named and (reset or X.shape[1] == estimator.n_features_in_):
        if reset:
            estimator.n_features_in_ = X.shape[1]
        return X  # as from validate_data, which takes 100 us to see that
    return validate_data(
        estimator, X, reset=reset, accept_sparse="csr", dtype="numeric", ensure_all_finite=False
    )


def _is_plain(X: Any) -> bool:
    """Whether X is an array that scikit-learn would take as it is."""
    return type(X) is np.ndarray and X.dtype.kind in "fiub" and X.ndim == 2 and X.size > 0


def _as_target(probe: Estimator, target: Any, rows: Any) -> Any:
    """See what the output should be: of the width of X, or of its own for a classifier."""
    width = rows.shape[1] if probe._reproduces_input else target.shape[1]
    if target is not None:
        target = probe._flat_rows(target, reset=False, name="target")
    return as_target(target, rows.shape[0], width)


def hold_back(
    probe: Estimator, data: TrainingData, validation_data: Any, seed: int
) -> TrainingData:
    """Add the validation rows: the caller's, a drawn share of X, or none."""
    fraction = probe.validation_fraction
    if validation_data is None:
        if fraction == 0:
            return data
        training, validation = split_rows(data.X.shape[0], fraction, seed)
        return TrainingData(
            data.X,
            data.target,
            data.sample_weight,
            rows=training,
            validation=(data.X, data.target, validation),
        )
    if fraction != 0:
        raise parameter_error("validation_fraction", "be 0 when validation_data is given", fraction)
    pair = validation_data if isinstance(validation_data, tuple) else (validation_data, None)
    if len(pair) != 2:
        msg = f"validation_data must be X or a tuple (X, target); got a tuple of {len(pair)}"
        raise ValueError(msg)
    X, target = pair
    if (target is None) != (data.target is None):
        msg = (
            "validation_data must be a tuple (X, target) exactly when target is given; got "
            f"target {'given' if data.target is not None else 'None'}"
        )
        raise ValueError(msg)
    rows = as_x(probe, X, reset=False)
    return TrainingData(
        data.X,
        data.target,
        data.sample_weight,
        validation=(rows, _as_target(probe, target, rows), None),
    )


def input_settings(
    estimator: Estimator, data: TrainingData, previous: Network | None = None
) -> InputSettings:
    """What happens to rows before the first layer; scales of `previous` are kept."""
    mask = estimator.missing == "mask"
    if estimator.scale is None:
        return InputSettings(float(estimator.input_scale), mask_missing=mask)
    if estimator._reproduces_input:
        refuse_target_of_scaled(data.target)
    if previous is not None and previous._input.offset is not None:
        offset, factor = previous._input.offset, previous._input.factor
    else:
        offset, factor = fit_scaling(data.X, data.rows, estimator.scale)
    return InputSettings(1.0, offset, factor, mask)


def refuse_target_of_scaled(target: Any) -> None:
    """Raise ValueError for a target where `scale` says what the target is: X, scaled."""
    if target is not None:
        msg = (
            "target must be None with scale, which makes it X on the new scale; got an array of "
            f"shape {np.shape(target)}"
        )
        raise ValueError(msg)
