"""A name that is almost right has the right one proposed, and no other has."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import aecore
from aecore import Autoencoder

X = np.random.default_rng(0).random((8, 4))
NEAR: dict[str, tuple[dict[str, Any], str]] = {
    "another library's loss": ({"loss": "mse"}, "squared_error"),
    "in capitals": ({"loss": "MSE"}, "squared_error"),
    "one word": ({"loss": "binary_crossentropy"}, "binary_cross_entropy"),
    "short": ({"loss": "bce"}, "binary_cross_entropy"),
    "capitals": ({"activation": "ReLU"}, "relu"),
    "no underscore": ({"activation": "LeakyReLU"}, "leaky_relu"),
    "another name": ({"activation": "swish"}, "silu"),
    "output": ({"output_activation": "linear"}, "identity"),
    "a hyphen": ({"scale": "min-max"}, "minmax"),
    "an ending": ({"scale": "standardize"}, "standard"),
    "spaces": ({"noise": "salt and pepper"}, "salt_and_pepper"),
    "a start": ({"initialization": "xavier_uniform"}, "glorot_uniform"),
    "an optimiser": ({"optimizer": "Adam"}, "adam"),
}


@pytest.mark.parametrize(("settings", "meant"), NEAR.values(), ids=NEAR)
def test_near_misses(settings: dict[str, Any], meant: str) -> None:
    with pytest.raises(ValueError, match=rf"got '[^']*': did you mean '{meant}'\?$"):
        Autoencoder((2,), n_epochs=1, **settings).fit(X)


@pytest.mark.parametrize(
    "settings", [{"loss": "hinge"}, {"loss": 3}, {"scale": "quantiles"}, {"activation": "x" * 100}]
)
def test_what_is_far_from_all_names_has_no_proposal(settings: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="must be one of") as raised:
        Autoencoder((2,), n_epochs=1, **settings).fit(X)
    assert "did you mean" not in str(raised.value)


def test_other_estimators_and_networks() -> None:
    with pytest.raises(ValueError, match="did you mean 'implicit'"):
        aecore.AutoencoderRecommender(feedback="implict").fit(X)
    with pytest.raises(ValueError, match="did you mean 'squared_error'"):
        aecore.Network([4, 4], ["tanh"]).objective(X, loss="mse")
