"""A class of a user's own is refused where what it changes would never be called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import (
    Autoencoder,
    AutoencoderClassifier,
    AutoencoderOutlierDetector,
    AutoencoderRecommender,
    ConvAutoencoder,
    DeepClustering,
    Network,
    VariationalAutoencoder,
    layers,
    optimizers,
    schedules,
)
from samples import may_learn_nothing

pytestmark = may_learn_nothing
X = np.random.default_rng(0).random((20, 4))
CALLED = "reads its fields and calls no method"


class Clipped(optimizers.Adam):
    def update(self, gradient: NDArray[Any]) -> NDArray[Any]:
        return np.clip(gradient, -1, 1)


class Falling(optimizers.SGD):
    @property
    def learning_rate(self) -> float:  # type: ignore[override]
        return 0.1

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        pass


class Renamed(optimizers.Adam):
    name = "sgd"


class Warm(optimizers.AdamW):
    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "learning_rate": 1.0}


@dataclass(frozen=True)
class WithMore(optimizers.Momentum):
    dampening: float = 0.1


@dataclass(frozen=True)
class Slow(optimizers.Adam):
    """Other defaults alone."""

    learning_rate: float = 1e-5


class Named:
    """Nothing but a name that is known."""

    name = "adam"


ESTIMATORS = {
    "Autoencoder": lambda optimizer: Autoencoder(2, n_epochs=1, optimizer=optimizer),
    "Variational": lambda optimizer: VariationalAutoencoder(2, n_epochs=1, optimizer=optimizer),
    "Conv": lambda optimizer: ConvAutoencoder(2, n_epochs=1, optimizer=optimizer),
    "detector": lambda optimizer: AutoencoderOutlierDetector(
        n_estimators=1, n_epochs=1, optimizer=optimizer
    ),
    "clusters": lambda optimizer: DeepClustering(
        2, autoencoder=Autoencoder(2, n_epochs=1), refinement="dec", optimizer=optimizer
    ),
    "recommender": lambda optimizer: AutoencoderRecommender((2,), n_epochs=1, optimizer=optimizer),
}


@pytest.mark.parametrize(
    ("kind", "what"),
    [(Clipped, "update"), (Renamed, "name"), (Warm, "settings"), (WithMore, "dampening")],
)
@pytest.mark.parametrize("name", ESTIMATORS)
def test_optimisers(name: str, kind: Any, what: str) -> None:
    said = f"^optimizer must be of a class .* {CALLED}; got '{kind.__name__} with {what}'$"
    with pytest.raises(ValueError, match=said):
        ESTIMATORS[name](kind()).fit(X)


def test_a_setting_that_is_a_property() -> None:
    with pytest.raises(ValueError, match="got 'Falling with learning_rate'"):
        Autoencoder(2, optimizer=Falling.__new__(Falling)).fit(X)


def test_what_is_no_optimiser() -> None:
    for given in (Named(), optimizers.Adam, 3, None):
        with pytest.raises(ValueError, match=r"^optimizer must be one of 'sgd', .* got"):
            Autoencoder(2, optimizer=given).fit(X)


def test_other_defaults_are_welcome() -> None:
    mine, same = (
        Autoencoder(2, n_epochs=2, random_state=0, optimizer=each).fit(X).network_.parameters
        for each in (Slow(), optimizers.Adam(1e-5))
    )
    np.testing.assert_array_equal(mine, same)


class Sparse(layers.Dense):
    def forward(self, x: NDArray[Any]) -> NDArray[Any]:
        return x


class Wide(layers.Dense):
    def parameter_shapes(self, n_in: int) -> Any:
        return (n_in, 2 * self.n_units), self.n_units


class Dilated(layers.Conv2D):
    dilation = 2


class Code(layers.Gaussian):
    """Nothing changed."""


def test_layers() -> None:
    for layer, what in (
        (Sparse(2), "Sparse with forward"),
        (Wide(2), "Wide with parameter_shapes"),
        (Dilated(1, input_shape=(2, 2, 1)), "Dilated with dilation"),
    ):
        with pytest.raises(
            ValueError, match=f"^layers must be of a class .*{CALLED}; got '{what}'"
        ):
            Network(4, [layer, layers.Dense(4)])
    assert Network(4, [Code(2), layers.Dense(4)], random_state=0).gaussian_layer == 0


class Halving(schedules.Constant):
    def __call__(self, epoch: int, n_epochs: int, history: Mapping[str, list[float]]) -> float:
        return super().__call__(epoch, n_epochs, history) * 0.5**epoch


def test_schedules_are_called() -> None:
    model = Autoencoder(2, n_epochs=3, learning_rate=1.0, learning_rate_schedule=Halving())
    assert model.fit(X).history_["learning_rate"] == [1.0, 0.5, 0.25]


class Loud(Autoencoder):
    def fit(self, X: Any, y: Any = None, **given: Any) -> Any:
        return super().fit(X, y, **given)


class Shifted(Autoencoder):
    def transform(self, X: Any) -> Any:
        return super().transform(X) + 1


class Helped(Autoencoder):
    def n_units(self) -> int:
        return 3


def test_estimators_that_lend_their_training() -> None:
    for lent in (Loud(2, n_epochs=1), Shifted(2, n_epochs=1)):
        for model in (
            Autoencoder((3, 2), pretrain=lent),
            AutoencoderClassifier((3,), pretrain=lent),
        ):
            labels = () if isinstance(model, Autoencoder) else (np.arange(20) % 2,)
            with pytest.raises(ValueError, match=r"keeps the methods of Autoencoder, .*not called"):
                model.fit(X, *labels)
    Autoencoder((3, 2), pretrain=Helped(2, n_epochs=1), n_epochs=1).fit(X)


def test_an_autoencoder_of_clusters() -> None:
    with pytest.raises(ValueError, match=r"^autoencoder must .*got 'Shifted with transform'"):
        DeepClustering(2, autoencoder=Shifted(2, n_epochs=1)).fit(X)
    DeepClustering(2, autoencoder=Loud(2, n_epochs=1), random_state=0).fit(X)
