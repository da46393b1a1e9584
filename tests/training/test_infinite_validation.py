"""A validation loss that is not finite is warned of, and early stopping does without it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    ConvAutoencoder,
    DenoisingAutoencoder,
    SparseAutoencoder,
    VariationalAutoencoder,
)
from samples import same_bits, three_factor_rows

X, HELD = three_factor_rows(200), three_factor_rows(40)
HELD[7, 3] = 1e30
MODELS: dict[str, Any] = {
    "autoencoder": Autoencoder((4,)),
    "denoising": DenoisingAutoencoder((4,)),
    "sparse": SparseAutoencoder((4,)),
    "drawn code": VariationalAutoencoder((4, 2), likelihood="gaussian"),
    "images": ConvAutoencoder((3,), code_size=2),
}


@pytest.mark.parametrize("early_stopping", [False, True])
@pytest.mark.parametrize("name", MODELS)
def test_the_row_and_column_are_named(name: str, early_stopping: bool) -> None:
    rows, held = X, HELD
    if name == "images":
        rows, held = (each[:, :9].reshape(-1, 3, 3) for each in (X, HELD))
    settings: dict[str, Any] = {"n_epochs": 3, "early_stopping": early_stopping, "random_state": 0}
    message = (
        r"validation_loss is not finite in 3 of 3 epochs: the loss of row 7 of validation_data, "
        r"whose largest number is 1e\+30 in column 3, leaves the range of float32"
    )
    with pytest.warns(ConvergenceWarning, match=message):
        model = MODELS[name].set_params(**settings).fit(rows, validation_data=held)
    assert not np.isfinite(model.history_["validation_loss"]).any()
    assert hasattr(model, "best_epoch_") == early_stopping
    if early_stopping:
        assert model.best_epoch_ == 0


def test_classes_of_rows_far_away() -> None:
    far = np.full((20, 10), 3e38)
    y = np.arange(200) % 2
    model = AutoencoderClassifier(
        (64,), pretrain=False, n_epochs=2, early_stopping=True, random_state=0
    )
    with pytest.warns(ConvergenceWarning, match=r"row \d+ of validation_data"):
        model.fit(X, y, validation_data=(far, y[:20]))
    assert model.best_epoch_ == 0


def test_rows_held_back_are_rows_of_x() -> None:
    rows = X.copy()
    ae = Autoencoder((4,), n_epochs=2, validation_fraction=0.2, early_stopping=True, random_state=0)
    calm = ae.fit(rows).history_["validation_loss"]
    held = [row for row in range(200) if _moves(row, calm)][:1]
    rows[held, 5] = -1e30
    message = rf"row {held[0]} of X, whose largest number is -1e\+30 in column 5"
    with pytest.warns(ConvergenceWarning, match=message):
        ae.fit(rows)


def _moves(row: int, calm: list[float]) -> bool:
    """Whether a row is held back: then it moves the validation loss of the first epoch alone."""
    rows = X.copy()
    rows[row] += 0.5
    ae = Autoencoder((4,), n_epochs=1, validation_fraction=0.2, random_state=0).fit(rows)
    first = Autoencoder((4,), n_epochs=1, validation_fraction=0.2, random_state=0).fit(X)
    return ae.history_["loss"] == first.history_["loss"] and ae.history_["validation_loss"] != calm


def test_finite_epochs_are_better_than_others() -> None:
    losses = iter([np.inf, np.nan, 2.0, 1.0, np.inf])
    from aecore._training.recorder import EarlyStopping

    stopping, network = EarlyStopping(10, 0.0), Autoencoder((4,), n_epochs=1).fit(X).network_
    best = []
    for epoch, loss in enumerate(losses):
        stopping.epoch(epoch, network, loss)
        assert stopping.best is not None
        best.append(stopping.best[0])
    assert best == [0, 0, 2, 3, 3]


def test_float64_holds_such_a_number() -> None:
    ae = Autoencoder((4,), n_epochs=2, dtype="float64", early_stopping=True, random_state=0)
    ae.fit(X, validation_data=HELD)
    assert np.isfinite(ae.history_["validation_loss"]).all()
    alone = Autoencoder((4,), n_epochs=ae.best_epoch_ + 1, dtype="float64", random_state=0).fit(X)
    assert same_bits(ae.network_, alone.network_)
