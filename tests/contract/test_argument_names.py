"""An error names the argument at fault, with that argument's own row and column."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.sparse import csr_array

import aecore
from aecore import Network

X = np.random.default_rng(0).random((300, 16))
LABELS = np.arange(300) % 2
CODERS: dict[str, dict[str, Any]] = {
    "Autoencoder": {"loss": "binary_cross_entropy", "output_activation": "sigmoid"},
    "SparseAutoencoder": {},
    "DenoisingAutoencoder": {},
    "VariationalAutoencoder": {},
    "ConvAutoencoder": {"channels": 2, "image_shape": (4, 4)},
}
SEPARATE_TARGET = ["Autoencoder", "ConvAutoencoder"]


def changed(value: float) -> NDArray[np.float64]:
    rows = X.copy()
    rows[290, 2] = value
    return rows


BAD: dict[str, tuple[Any, str]] = {
    "missing": (changed(np.nan), r"contains NaN at row 290, column 2\."),
    "infinite": (changed(np.inf), r"contains infinity .* at row 290, column 2\."),
    "narrow": (X[:, :3], "(has 3 features|must have 16 columns; got 3)"),
    "text": (X.astype(str), "(bytes/strings|must hold real numbers)"),
    "empty": (X[:0], "(0 sample|at least one row)"),
}


def coder(name: str) -> Any:
    return getattr(aecore, name)(n_epochs=1, random_state=0, **CODERS[name])


def said(call: Callable[[], Any]) -> str:
    with pytest.raises((ValueError, TypeError)) as raised:
        call()
    return str(raised.value).removeprefix("Input ")


@pytest.mark.parametrize("name", CODERS)
@pytest.mark.parametrize("kind", BAD)
def test_validation_rows(name: str, kind: str) -> None:
    rows, message = BAD[kind]
    text = said(lambda: coder(name).fit(X, validation_data=rows))
    assert text.startswith("validation_data")
    assert re.search(message, text)


@pytest.mark.parametrize("name", SEPARATE_TARGET)
@pytest.mark.parametrize("kind", BAD)
@pytest.mark.parametrize("part", ["X", "target"])
def test_parts_of_validation_data(name: str, kind: str, part: str) -> None:
    rows, _ = BAD[kind]
    held = (rows, X[: len(rows)]) if part == "X" else (X, rows)
    if kind == "empty" and part == "X":
        held = (rows, X)
    text = said(lambda: coder(name).fit(X, target=X, validation_data=held))
    assert text.startswith(f"{part} of validation_data")


@pytest.mark.parametrize("name", SEPARATE_TARGET)
@pytest.mark.parametrize("kind", BAD)
def test_targets(name: str, kind: str) -> None:
    rows, _ = BAD[kind]
    assert said(lambda: coder(name).fit(X, target=rows)).startswith("target ")
    fitted = coder(name).fit(X)
    assert said(lambda: fitted.score(X, target=rows)).startswith("target ")


OUTSIDE = changed(7.0)
CLASSIFIER: dict[str, Any] = {"n_epochs": 1, "random_state": 0}
OTHERS: dict[str, tuple[Callable[[], Any], str]] = {
    "a range": (
        lambda: coder("Autoencoder").fit(X, validation_data=OUTSIDE),
        r"validation_data must lie in \[0, 1\] .* got 7 at row 290, column 2",
    ),
    "the range of a likelihood": (
        lambda: (
            coder("VariationalAutoencoder")
            .set_params(likelihood="bernoulli")
            .fit(X, validation_data=OUTSIDE)
        ),
        r"validation_data must lie in \[0, 1\]",
    ),
    "sparse rows": (
        lambda: coder("Autoencoder").fit(csr_array(X), validation_data=csr_array(changed(np.nan))),
        "validation_data contains NaN at row 290, column 2",
    ),
    "elbo": (
        lambda: coder("VariationalAutoencoder").fit(X).elbo(OUTSIDE),
        r"X must lie in \[0, 1\] .* got 7 at row 290, column 2",
    ),
    "elbo of NaN": (
        lambda: coder("VariationalAutoencoder").fit(X).elbo(changed(np.nan)),
        "X contains NaN at row 290, column 2",
    ),
    "interpolate": (
        lambda: coder("VariationalAutoencoder").fit(X).interpolate(X[0], changed(np.nan)[290]),
        "b contains NaN",
    ),
    "X of a classifier": (
        lambda: aecore.AutoencoderClassifier(**CLASSIFIER).fit(
            X, LABELS, validation_data=(changed(np.nan), LABELS)
        ),
        "X of validation_data contains NaN at row 290",
    ),
    "labels held out": (
        lambda: aecore.AutoencoderClassifier(**CLASSIFIER).fit(
            X, LABELS, validation_data=(X, LABELS[:3])
        ),
        "y of validation_data must have a label for each row",
    ),
    "labels": (
        lambda: aecore.AutoencoderClassifier(**CLASSIFIER).fit(X, LABELS[:3]),
        "y must have a label for each row",
    ),
    "unlabeled": (
        lambda: aecore.AutoencoderClassifier(pretrain=True, **CLASSIFIER).fit(
            X, LABELS, unlabeled=changed(np.nan)
        ),
        "unlabeled contains NaN at row 290, column 2",
    ),
    "narrow unlabeled": (
        lambda: aecore.AutoencoderClassifier(pretrain=True, **CLASSIFIER).fit(
            X, LABELS, unlabeled=X[:, :3]
        ),
        "unlabeled has 3 features",
    ),
    "init": (
        lambda: coder("Autoencoder").fit(X, init=Network([3, 2, 3], ["tanh", "tanh"])),
        "init must have layer sizes",
    ),
    "counts": (
        lambda: aecore.AutoencoderRecommender((2,), n_epochs=1).fit(-np.eye(4)),
        "user_items must be >= 0",
    ),
}


@pytest.mark.parametrize(("call", "message"), OTHERS.values(), ids=OTHERS)
def test_other_arguments(call: Callable[[], Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^(Input )?{message}"):
        call()


class Counter:
    """Counts epochs."""

    n_epochs = 0

    def on_epoch_end(self, state: Any) -> None:
        del state
        self.n_epochs += 1


def test_nothing_is_trained_before_validation_rows_are_looked_at() -> None:
    counter = Counter()
    model = coder("SparseAutoencoder").set_params(callbacks=counter)
    with pytest.raises(ValueError, match="validation_data contains NaN"):
        model.fit(X, validation_data=changed(np.nan))
    assert counter.n_epochs == 0
