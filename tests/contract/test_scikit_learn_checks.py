"""scikit-learn's checks of defaults, recommenders and thresholds: each failure has its reason."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sklearn.utils.estimator_checks import parametrize_with_checks

from aecore import (
    EASE,
    Autoencoder,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    ConvAutoencoder,
    DenoisingAutoencoder,
)
from samples import may_learn_nothing


def _because(reason: str, names: str) -> dict[str, str]:
    return {f"check_{name}": reason for name in names.split()}


OWN_WORDS = _because(
    "the error names user_items, what these rows are, in words of its own",
    "complex_data dtype_object estimators_empty_data_messages estimators_nan_inf",
)
ONE_USER = _because("a row alone is one user, here as in recommend", "fit1d")
PLACES = _because(
    "predict asks for the places as well: predict(user_items, at)",
    "estimators_unfitted n_features_in_after_fitting estimators_dtypes estimator_sparse_array "
    "estimator_sparse_matrix estimators_pickle f_contiguous_array_estimator "
    "methods_sample_order_invariance methods_subset_invariance dict_unchanged fit_idempotent "
    "fit2d_predict1d",
)
NEGATIVE = _because(
    "the error names the argument and the losses that want numbers >= 0, in words of its own",
    "positive_only_tag_during_fit",
)
FEW_ROWS = _because(
    "a tail is not fitted to fewer than 100 rows",
    "fit_score_takes_y estimators_overwrite_params dont_overwrite_parameters "
    "estimators_fit_returns_self readonly_memmap_input n_features_in_after_fitting "
    "estimators_dtypes dtype_object pipeline_consistency estimators_nan_inf estimators_pickle "
    "f_contiguous_array_estimator classifier_data_not_an_array methods_sample_order_invariance "
    "methods_subset_invariance fit2d_1feature dict_unchanged fit_idempotent fit2d_predict1d "
    "sample_weights_pandas_series sample_weights_not_an_array sample_weights_list "
    "sample_weights_shape sample_weights_not_overwritten",
)
BATCHES = _because(
    "repeated rows make other minibatches than weighted ones",
    "sample_weight_equivalence_on_dense_data sample_weight_equivalence_on_sparse_data",
)
OTHER_RATE = _because(
    "the threshold goes by false_alarm_rate, and contamination is of no effect",
    "outliers_fit_predict outliers_train",
)
CLEAN = _because(
    "one of some clean points is asked to be odd, and 'auto' calls few or none of those odd",
    "outliers_fit_predict outliers_train outliers_train(readonly_memmap=True)",
)
WEIGHTED = _because(
    "repeated rows make other minibatches than weighted ones",
    "sample_weight_equivalence_on_dense_data",
)
IN_ORDER = _because(
    "with a window rows are a series, and a row's error depends on its neighbours",
    "methods_sample_order_invariance methods_subset_invariance",
)


def _expected(model: Any) -> dict[str, str]:
    if isinstance(model, Autoencoder | ConvAutoencoder):
        return {**BATCHES, **(NEGATIVE if model.loss in {"poisson", "multinomial"} else {})}
    if isinstance(model, AutoencoderOutlierDetector):
        if model.threshold == "quantile":
            return {**WEIGHTED, **CLEAN, **(IN_ORDER if model.window > 1 else {})}
        few = FEW_ROWS if model.threshold == "tail" else {}
        return {**WEIGHTED, **OTHER_RATE, **few}
    if isinstance(model, EASE):
        return {**OWN_WORDS, **ONE_USER}
    ratings = model.feedback == "explicit"
    return {**OWN_WORDS, **ONE_USER, **PLACES, **({} if ratings else NEGATIVE)}


QUICK: dict[str, Any] = {"n_estimators": 1, "n_epochs": 3}
MODELS: Iterable[Any] = [
    DenoisingAutoencoder(),
    ConvAutoencoder(),
    Autoencoder(loss="poisson", output_activation="softplus", n_epochs=3),
    Autoencoder(loss="multinomial", output_activation="softmax", n_epochs=3),
    EASE(),
    AutoencoderRecommender(n_epochs=2),
    AutoencoderRecommender(n_epochs=2, feedback="explicit"),
    AutoencoderOutlierDetector(),
    AutoencoderOutlierDetector(threshold="tail", **QUICK),
    AutoencoderOutlierDetector(threshold="conformal", false_alarm_rate=0.4, **QUICK),
    AutoencoderOutlierDetector(window=2, **QUICK),
]


@may_learn_nothing
@parametrize_with_checks(MODELS, expected_failed_checks=_expected)
def test_scikit_learn_contract(estimator: Any, check: Callable[[Any], None]) -> None:
    check(estimator)
