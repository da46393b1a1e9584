"""Columns of a table that are no numbers are refused by their names, at every door."""

from __future__ import annotations

import datetime as dt
import inspect
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

import aecore
from aecore._names import ESTIMATORS

RNG = np.random.default_rng(0)
NUMBERS = pd.DataFrame(RNG.random((12, 4)).round(2), columns=["a", "b", "c", "d"])
LABELS = np.arange(12) % 2
SETTINGS: dict[str, dict[str, Any]] = {
    "ConvAutoencoder": {"channels": 2},
    "DeepClustering": {"n_clusters": 2, "autoencoder": aecore.Autoencoder(2, n_epochs=1)},
    "VariationalAutoencoder": {"hidden_layer_sizes": (3, 2)},
    "AutoencoderOutlierDetector": {"n_estimators": 1},
}
DOORS = {
    "fit": lambda model, X: model.fit(X),
    "partial_fit": lambda model, X: model.partial_fit(X),
    "transform": lambda model, X: model.transform(X),
    "reconstruct": lambda model, X: model.reconstruct(X),
    "score": lambda model, X: model.score(X),
    "score_samples": lambda model, X: model.score_samples(X),
    "predict": lambda model, X: model.predict(X),
    "predict_proba": lambda model, X: model.predict_proba(X),
    "feature_errors": lambda model, X: model.feature_errors(X),
    "soft_assignment": lambda model, X: model.soft_assignment(X),
    "recommend": lambda model, X: model.recommend(X, 2),
}


def with_column(values: Any) -> pd.DataFrame:
    return NUMBERS.assign(c=values)


def column(kind: str) -> Any:
    return {
        "numbers as categories": pd.Categorical(np.arange(12) % 3),
        "words as categories": pd.Categorical(["red", "blue"] * 6),
        "words": ["red", "blue"] * 6,
        "numbers as words": np.array(["1.5", "2"] * 6, object),
        "mixed": np.array([1.0, "two"] * 6, object),
        "dates": pd.date_range("2020-01-01", periods=12),
        "spans": pd.to_timedelta(np.arange(12), unit="h"),
        "intervals": pd.cut(np.arange(12), 3),
    }[kind]


KINDS = ["numbers as categories", "words as categories", "words", "numbers as words", "mixed"]
KINDS += ["dates", "spans", "intervals"]


def model_of(name: str) -> Any:
    kind = getattr(aecore, name)
    quick = {"n_epochs": 1, "random_state": 0}
    there = inspect.signature(kind).parameters
    known = {each: value for each, value in quick.items() if each in there}
    return kind(**known, **SETTINGS.get(name, {}))


def fitted(name: str) -> Any:
    return fit(model_of(name), NUMBERS)


def fit(model: Any, X: Any) -> Any:
    if isinstance(model, aecore.AutoencoderClassifier):
        return model.fit(X, LABELS)
    return model.fit(X)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_fit_names_the_column(name: str, kind: str) -> None:
    said = (
        r"^(X|user_items) must hold real numbers; got \S.* in column 'c': .*(encode|number of it)"
    )
    with pytest.raises(TypeError, match=said):
        fit(model_of(name), with_column(column(kind)))


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_method_names_the_column(name: str) -> None:
    model = fitted(name)
    X = with_column(column("numbers as categories"))
    for door, call in DOORS.items():
        if hasattr(model, door) and not (door == "predict" and name.endswith("Recommender")):
            if isinstance(model, aecore.AutoencoderClassifier) and door.endswith(("fit", "score")):
                continue
            if isinstance(model, aecore.EASE) and door == "predict":
                continue
            with pytest.raises(TypeError, match="got category in column 'c'"):
                call(model, X)


@pytest.mark.parametrize("name", ["Autoencoder", "SparseAutoencoder", "ConvAutoencoder"])
def test_other_arguments(name: str) -> None:
    bad = with_column(column("numbers as categories"))
    with pytest.raises(TypeError, match=r"^validation_data must hold .* in column 'c'"):
        model_of(name).fit(NUMBERS, validation_data=bad)
    with pytest.raises(TypeError, match=r"^target must hold .* in column 'c'"):
        model_of(name).fit(NUMBERS, target=bad)
    with pytest.raises(TypeError, match=r"^target of validation_data must hold .* in column 'c'"):
        model_of(name).fit(NUMBERS, target=NUMBERS, validation_data=(NUMBERS, bad))
    with pytest.raises(TypeError, match=r"^target must hold .* in column 'c'"):
        fitted(name).score(NUMBERS, target=bad)


@pytest.mark.parametrize(
    "values",
    [
        np.arange(12) % 2 == 0,
        pd.array(np.arange(12), dtype="Int64"),
        np.array([1, 2.5] * 6, object),
        np.arange(12, dtype=np.uint8),
    ],
    ids=["flags", "nullable", "objects", "bytes"],
)
def test_numbers_in_any_form_are_taken(values: Any) -> None:
    model = aecore.Autoencoder(2, n_epochs=1, random_state=0)
    plain = NUMBERS.assign(c=np.asarray(values, np.float64)).to_numpy()
    expected = model.fit(plain).network_.parameters
    np.testing.assert_array_equal(model.fit(with_column(values)).network_.parameters, expected)


def test_a_network_names_the_column() -> None:
    network = aecore.Network([4, 2, 4], ["tanh", "tanh"], random_state=0)
    for call in (network.encode, network.reconstruct, network.objective, network.row_losses):
        with pytest.raises(
            TypeError, match=r"^X must hold real numbers; got category in column 'c'"
        ):
            call(with_column(column("numbers as categories")))


class Polars:
    """A table as polars has it: types as objects of its own, columns by place."""

    columns = ("a", "b")
    dtypes = ("Float64", "Categorical(ordering='physical')")
    shape = (12, 2)


def test_tables_of_another_library() -> None:
    with pytest.raises(TypeError, match=r"got Categorical.* in column 'b'"):
        aecore.Autoencoder(2).fit(Polars())


NAN = float("nan")
ARROW = {
    "flags": (pa.array([True, None, False] * 4), [1, NAN, 0] * 4),
    "integers": (pa.array([1, None, 3] * 4), [1, NAN, 3] * 4),
    "decimals": (pa.array([Decimal("0.10"), None, Decimal(-2)] * 4), [0.1, NAN, -2] * 4),
}


@pytest.mark.parametrize("kind", ARROW)
@pytest.mark.parametrize("name", ["Autoencoder", "AutoencoderOutlierDetector"])
def test_columns_of_arrow(name: str, kind: str) -> None:
    values, expected = ARROW[kind]
    table = pa.Table.from_pandas(NUMBERS).append_column("e", values)
    plain = NUMBERS.assign(e=expected)
    model = model_of(name).set_params(missing="mask").fit(plain)
    scores = model.score_samples(plain)
    for each in (table, table.to_batches()[0]):
        fitted_to = model_of(name).set_params(missing="mask").fit(each)
        assert list(fitted_to.feature_names_in_) == list("abcde")
        np.testing.assert_array_equal(fitted_to.score_samples(each), scores)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (pa.array(["red", "blue"] * 6), "got string in column 'e': encode"),
        (pa.array(["red", "blue"] * 6).dictionary_encode(), "in column 'e': encode"),
        (pa.array([dt.date(2020, 1, 1)] * 12), "got date32.* in column 'e': make a number"),
        (pa.array([[1.0]] * 12), "got list.* in column 'e'"),
    ],
)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_columns_of_arrow_that_are_none(name: str, values: Any, said: str) -> None:
    table = pa.Table.from_pandas(NUMBERS).append_column("e", values)
    with pytest.raises(TypeError, match=said):
        fit(model_of(name), table)


def test_objects_with_missing_values_of_pandas() -> None:
    values = [1, pd.NA, None, 2.5] * 3
    X = NUMBERS.astype(object).assign(e=values)
    plain = NUMBERS.assign(e=[1, NAN, NAN, 2.5] * 3)
    model = aecore.Autoencoder(2, n_epochs=1, random_state=0, missing="mask")
    expected = model.fit(plain).network_.parameters
    np.testing.assert_array_equal(model.fit(X).network_.parameters, expected)
    assert X["e"].iloc[1] is pd.NA


def test_a_plan_of_a_table_is_none() -> None:
    class LazyFrame:
        columns = ("a",)

        def collect_schema(self) -> None: ...

    with pytest.raises(TypeError, match=r"^X must be a table; got a LazyFrame: collect it first$"):
        aecore.Autoencoder(2).fit(LazyFrame())


def test_a_target_of_arrow_has_the_order_of_x() -> None:
    model = aecore.Autoencoder(2, n_epochs=1, random_state=0)
    turned = pa.Table.from_pandas(NUMBERS[["b", "a", "c", "d"]])
    with pytest.raises(ValueError, match=r"^target must have its columns in the order of X's"):
        model.fit(NUMBERS, target=turned)
    model.fit(pa.Table.from_pandas(NUMBERS), target=turned.select(list("abcd")))


def test_labels_may_be_categories() -> None:
    model = aecore.AutoencoderClassifier((2,), n_epochs=1, random_state=0)
    labels = pd.Series(pd.Categorical(np.where(LABELS == 0, "no", "yes")))
    assert set(model.fit(NUMBERS, labels).predict(NUMBERS)) <= {"no", "yes"}


def test_a_target_has_the_order_of_x() -> None:
    model = aecore.Autoencoder(2, n_epochs=1, random_state=0)
    turned = NUMBERS[["b", "a", "c", "d"]]
    said = r"^target must have its columns in the order of X's; got 'b' where X has 'a'$"
    with pytest.raises(ValueError, match=said):
        model.fit(NUMBERS, target=turned)
    with pytest.raises(ValueError, match=r"^target of validation_data must have its columns"):
        model.fit(NUMBERS, target=NUMBERS, validation_data=(NUMBERS, turned))
    model.fit(NUMBERS, target=NUMBERS)
    with pytest.raises(ValueError, match=said):
        model.score(NUMBERS, target=turned)
    renamed = turned.rename(columns=str.upper)  # another quantity: the caller's business
    model.fit(NUMBERS, target=renamed).score(NUMBERS, target=renamed)
