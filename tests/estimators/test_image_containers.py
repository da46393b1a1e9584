"""Images come in many containers, and their channels come last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import ConvAutoencoder

IMAGES = np.random.default_rng(0).random((12, 8, 9, 3)).astype(np.float32)


class Stored:
    """Has a shape and can be read, but is no array: like data sets of HDF5 and xarray."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values
        self.shape, self.dtype, self.ndim = values.shape, values.dtype, values.ndim

    def __len__(self) -> int:
        return len(self._values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        del copy
        return self._values.astype(dtype or self._values.dtype)


class Readable:
    """Can be read, and says nothing of a shape."""

    def __init__(self, values: NDArray[Any]) -> None:
        self._values = values

    def __len__(self) -> int:
        return len(self._values)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        del copy
        return self._values.astype(dtype or self._values.dtype)


CONTAINERS: dict[str, Callable[[NDArray[Any]], Any]] = {
    "stored": Stored,
    "readable": Readable,
    "list of stored": lambda values: [Stored(each) for each in values],
    "tuple of arrays": tuple,
    "nested lists": lambda values: values.tolist(),
}


def fitted(X: Any, **arguments: Any) -> ConvAutoencoder:
    return ConvAutoencoder(2, code_size=3, n_epochs=2, random_state=0).fit(X, **arguments)


@pytest.mark.parametrize("form", CONTAINERS.values(), ids=CONTAINERS)
def test_containers(form: Callable[[NDArray[Any]], Any]) -> None:
    X, wanted = form(IMAGES), fitted(IMAGES)
    model = fitted(X)
    assert model.image_shape_ == (8, 9, 3)
    for method in ("transform", "reconstruct", "score_samples", "score"):
        np.testing.assert_array_equal(getattr(model, method)(X), getattr(wanted, method)(IMAGES))
    np.testing.assert_array_equal(
        fitted(X, target=form(IMAGES / 2), validation_data=(X, X)).transform(X),
        fitted(IMAGES, target=IMAGES / 2, validation_data=(IMAGES, IMAGES)).transform(IMAGES),
    )


@pytest.mark.parametrize("form", CONTAINERS.values(), ids=CONTAINERS)
def test_grey_images(form: Callable[[NDArray[Any]], Any]) -> None:
    grey = IMAGES[..., 0]
    assert fitted(form(grey)).image_shape_ == (8, 9, 1)


@pytest.mark.parametrize("shape", [(6, 3, 32, 32), (6, 1, 28, 28), (6, 4, 8, 20)])
@pytest.mark.parametrize("channels", [(4,), (4, 8)])
def test_channels_first_are_refused(shape: tuple[int, ...], channels: tuple[int, ...]) -> None:
    X = np.zeros(shape)
    with pytest.raises(ValueError, match=r"^X must have its channels last, .*moveaxis.*_shape="):
        ConvAutoencoder(channels, n_epochs=1).fit(X)
    model = ConvAutoencoder(2, n_epochs=1, random_state=0).fit(np.moveaxis(X, 1, -1))
    with pytest.raises(ValueError, match=r"X must have images .*, as in fit, channels last; got"):
        model.transform(X)


def test_an_image_that_is_low_and_has_many_channels_is_said_to_be_one() -> None:
    X = np.random.default_rng(0).random((6, 3, 16, 12))
    model = ConvAutoencoder(2, image_shape=X.shape[1:], n_epochs=1, random_state=0).fit(X)
    assert model.image_shape_ == (3, 16, 12)


@pytest.mark.parametrize("shape", [(6, 1, 20, 6), (6, 5, 20, 20), (6, 3, 9, 3)])
def test_what_may_be_meant_is_taken(shape: tuple[int, ...]) -> None:
    model = ConvAutoencoder(2, kernel_size=(1, 3), stride=1, n_epochs=1).fit(np.zeros(shape))
    assert model.image_shape_ == shape[1:]


def test_a_window_higher_than_the_image_says_where_channels_are() -> None:
    with pytest.raises(ValueError, match=r"kernel_size must be at most 2 x 9, .* come last; got"):
        ConvAutoencoder(2, n_epochs=1).fit(np.zeros((6, 2, 9, 3)))
