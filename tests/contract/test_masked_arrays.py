"""The mask of a NumPy array says which numbers are missing, at every door."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import aecore
from aecore import Interactions, metrics
from samples import may_learn_nothing

rng = np.random.default_rng(3)
VALUES = rng.random((24, 16))
HIDDEN = rng.random(VALUES.shape) < 0.15
HIDDEN[0, 0], HIDDEN[0, 1:3] = False, True
LABELS = np.arange(24) % 2
SETTINGS: dict[str, dict[str, Any]] = {
    "Autoencoder": {"scale": "standard"},
    "SparseAutoencoder": {},
    "DenoisingAutoencoder": {},
    "VariationalAutoencoder": {"likelihood": "gaussian"},
    "ConvAutoencoder": {"channels": 2, "image_shape": (4, 4)},
    "AutoencoderOutlierDetector": {"n_estimators": 1, "window": 2, "scale": "minmax"},
    "DeepClustering": {"n_clusters": 2, "refinement": None},
    "AutoencoderClassifier": {},
}
WITH_MISSING = [*SETTINGS][:-1]
REFUSAL = 'must have no masked numbers without missing="mask"; got one at row 0, column 1'


def masked(dtype: Any = np.float64) -> Any:
    """Rows with an absurd number under each masked place."""
    numbers = (VALUES * 50).astype(dtype)
    numbers[HIDDEN] = 99
    return np.ma.masked_array(numbers, HIDDEN)


def with_nan(rows: Any) -> NDArray[Any]:
    kind = rows.dtype if rows.dtype.kind == "f" else np.float64
    return np.where(rows.mask, np.nan, rows.data).astype(kind)


def made(name: str, missing: str | None = None) -> Any:
    options: dict[str, Any] = {**SETTINGS[name], "random_state": 0}
    if name == "DeepClustering":
        reader = aecore.Autoencoder((2,), n_epochs=2, batch_size=8, missing=missing)
        return aecore.DeepClustering(autoencoder=reader, **options)
    if name in WITH_MISSING:
        options["missing"] = missing
    return getattr(aecore, name)(n_epochs=2, batch_size=8, **options)


def answers(name: str, rows: Any) -> Iterator[Any]:
    """What a fitted estimator of the class says of rows in all of its methods."""
    model = made(name, "mask").fit(rows)
    for method in (
        *("transform", "reconstruct", "score_samples", "predict", "feature_errors"),
        *("soft_assignment", "score"),
    ):
        if hasattr(model, method):
            yield getattr(model, method)(rows)
    if hasattr(model, "score_samples") and hasattr(model, "transform") and model.scale is None:
        yield model.score_samples(VALUES, target=rows)
        yield made(name, "mask").fit(VALUES, target=rows).network_.parameters
    if name == "VariationalAutoencoder":
        yield model.interpolate(rows[0], rows[1], 3)
        yield model.elbo(rows, random_state=0)
    if hasattr(model, "partial_fit"):
        again = made(name, "mask").partial_fit(rows)
        yield again.score_samples(rows)
    if hasattr(model, "network_"):
        net = model.network_
        yield from (net.encode(rows), net.encode(rows[0]), net.row_losses(rows))
        yield from (net.objective_terms(VALUES * 0, target=rows), net.reconstruct(rows))
    if name not in {"AutoencoderOutlierDetector", "DeepClustering"}:
        held = made(name, "mask").fit(VALUES, validation_data=rows)
        yield held.history_["validation_loss"]


@may_learn_nothing
@pytest.mark.parametrize("name", WITH_MISSING)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int16])
def test_masked_numbers_are_missing(name: str, dtype: Any) -> None:
    rows = masked(dtype)
    for got, wanted in zip(answers(name, rows), answers(name, with_nan(rows)), strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert rows.data[HIDDEN].max() == 99  # nobody writes into the caller's array


@pytest.mark.parametrize("name", SETTINGS)
def test_masked_numbers_are_refused_where_none_may_be_missing(name: str) -> None:
    rows, model = masked(), made(name)
    y = (LABELS,) if name == "AutoencoderClassifier" else ()
    with pytest.raises(ValueError, match=f"^X {REFUSAL}"):
        model.fit(rows, *y)
    model.fit(VALUES, *y)
    for method in ("transform", "predict", "score_samples", "reconstruct", "predict_proba"):
        if hasattr(model, method):
            with pytest.raises(ValueError, match=f"^X {REFUSAL}"):
                getattr(model, method)(rows)
    if hasattr(model, "network_"):
        for method in (model.network_.encode, model.network_.row_losses):
            with pytest.raises(ValueError, match=f"^X {REFUSAL}"):
                method(rows)


@pytest.mark.parametrize("name", SETTINGS)
def test_a_mask_that_hides_nothing(name: str) -> None:
    whole = np.ma.masked_array(VALUES, np.zeros(VALUES.shape, bool))
    y = (LABELS,) if name == "AutoencoderClassifier" else ()
    for method in ("transform", "predict"):
        models = [made(name).fit(rows, *y) for rows in (whole, VALUES)]
        if hasattr(models[0], method):
            found = [getattr(model, method)(VALUES) for model in models]
            np.testing.assert_array_equal(*found)


HALF = np.ma.masked_equal(LABELS, 1)
ROWS = np.ma.masked_equal([[1, 0, 2], [0, 1, 1]], 2)
REFUSED: dict[str, tuple[Callable[[], Any], str]] = {
    "target": (
        lambda: made("SparseAutoencoder").fit(VALUES, target=masked()),
        f"^target {REFUSAL}",
    ),
    "sample_weight": (
        lambda: made("Autoencoder").fit(VALUES, sample_weight=HALF),
        "^sample_weight must have no masked numbers; got one at row 1",
    ),
    "y": (
        lambda: made("AutoencoderClassifier").fit(VALUES, HALF),
        "^y must have no masked numbers; got one at row 1",
    ),
    "Z": (
        lambda: made("Autoencoder").fit(VALUES).inverse_transform(np.ma.masked_less(VALUES, 0.5)),
        "^Z must have no masked numbers",
    ),
    "labels": (
        lambda: made("DeepClustering").fit(VALUES).evaluate(VALUES, HALF),
        "^labels must have no masked numbers",
    ),
    "user_items": (
        lambda: aecore.EASE().fit(ROWS),
        "^user_items must have no masked numbers; got one at row 0, column 2",
    ),
    "relevant": (lambda: metrics.recall_at_k([[0]] * 2, ROWS), "^relevant must have no masked"),
    "ids": (lambda: metrics.recall_at_k(ROWS, [[1, 0, 0]] * 2), "^ids must have no masked"),
    "value": (
        lambda: Interactions.from_columns([1, 2], [1, 2], np.ma.masked_equal([3, 4], 4)),
        "^value must have no masked numbers; got one at row 1",
    ),
    "a list of rows": (
        lambda: made("Autoencoder").fit(list(masked())),
        f"^X {REFUSAL}",
    ),
}


@pytest.mark.parametrize(("call", "message"), REFUSED.values(), ids=REFUSED)
def test_masks_where_numbers_are_never_missing(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


def test_images_with_a_mask() -> None:
    rows = masked()
    images = rows.reshape(24, 4, 4)
    options: dict[str, Any] = {"channels": 2, "missing": "mask", "n_epochs": 2, "random_state": 0}
    fitted = [aecore.ConvAutoencoder(**options).fit(X) for X in (images, list(images))]
    wanted = aecore.ConvAutoencoder(**options).fit(with_nan(rows).reshape(24, 4, 4))
    for model in fitted:
        np.testing.assert_array_equal(model.transform(images), wanted.transform(with_nan(images)))
