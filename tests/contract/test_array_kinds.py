"""An array of any kind gives the bits of its contiguous copy in `dtype`, and is not changed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Autoencoder, Network, SparseAutoencoder
from samples import may_learn_nothing, same_bits, three_factor_rows

SMALL = 3.0 * three_factor_rows(61, 10)  # rows and columns that fill no tile


def _read_only(array: NDArray[Any]) -> NDArray[Any]:
    array.flags.writeable = False
    return array


def _unaligned(array: NDArray[Any]) -> NDArray[Any]:
    buffer = np.zeros(array.nbytes + 1, np.uint8)
    view = buffer[1:].view(array.dtype).reshape(array.shape)
    view[:] = array
    assert not view.flags.aligned
    return view


LAYOUTS: dict[str, Callable[[], NDArray[Any]]] = {
    "contiguous": SMALL.copy,
    "every second row": lambda: SMALL[::2],
    "every third column": lambda: np.repeat(SMALL, 3, axis=1)[:, ::3],
    "Fortran": lambda: np.asfortranarray(SMALL),
    "transposed view": lambda: np.ascontiguousarray(SMALL.T).T,
    "rows backwards": lambda: SMALL[::-1],
    "columns backwards": lambda: SMALL[:, ::-1],
    "both backwards, strided": lambda: np.repeat(SMALL, 2, axis=1)[::-2, ::-2],
    "one row many times": lambda: np.broadcast_to(SMALL[0], SMALL.shape),
    "read-only": lambda: _read_only(SMALL.copy()),
    "unaligned": lambda: _unaligned(SMALL),
    "big-endian float64": lambda: SMALL.astype(">f8"),
    "big-endian float32": lambda: SMALL.astype(">f4"),
    "big-endian float16": lambda: SMALL.astype(">f2"),
    "big-endian int16": lambda: (100 * SMALL).astype(">i2"),
    "big-endian strided": lambda: SMALL.astype(">f4")[::-2, ::-1],
    "float16": lambda: SMALL.astype(np.float16),
    "float16 Fortran": lambda: np.asfortranarray(SMALL.astype(np.float16)),
    "float32": lambda: SMALL.astype(np.float32),
    "bool": lambda: SMALL > 1.5,
    "bool strided": lambda: (SMALL > 1.5)[::2, ::-1],
    **{
        name: lambda name=name: (SMALL * (20 if "8" in name else 10_000)).astype(name)
        for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64")
    },
}


@pytest.fixture(params=[*LAYOUTS, "memmap", "memmap strided"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> NDArray[Any]:
    """One kind of array after the other."""
    if request.param in LAYOUTS:
        return LAYOUTS[request.param]()
    mapped = np.memmap(tmp_path / "rows", SMALL.dtype, "w+", shape=SMALL.shape)
    mapped[:] = SMALL
    mapped.flush()
    mapped = np.memmap(tmp_path / "rows", SMALL.dtype, "r", shape=SMALL.shape)
    return mapped if request.param == "memmap" else mapped[::3, ::-1]


@pytest.fixture(params=["float32", "float64"])
def dtype(request: pytest.FixtureRequest) -> str:
    """Each type of computation."""
    return str(request.param)


def test_network(odd: NDArray[Any], dtype: str) -> None:
    net = Network([10, 4, 10], ["tanh", "sigmoid"], dtype=dtype, input_scale=0.25, random_state=0)
    plain = np.ascontiguousarray(odd, dtype=dtype)
    before = odd.tobytes()
    for method in (net.encode, net.reconstruct, net.row_losses):
        assert method(odd).tobytes() == method(plain).tobytes()
        assert method(odd[3:4]).tobytes() == method(plain[3:4]).tobytes()
    assert net.encode(odd[3]).tobytes() == net.encode(plain[3]).tobytes()
    assert net.decode(odd[:, 2:6]).tobytes() == net.decode(plain[:, 2:6].copy()).tobytes()
    weights = np.linspace(0, 1, len(odd))
    for options in ({}, {"target": odd}, {"sample_weight": weights}):
        same = {"target": plain} if "target" in options else options
        value, gradient = net.objective_and_gradient(odd, **options)
        expected, slope = net.objective_and_gradient(plain, **same)
        assert value == expected
        assert gradient.tobytes() == slope.tobytes()
    assert odd.tobytes() == before


@may_learn_nothing
@pytest.mark.parametrize("cls", [Autoencoder, SparseAutoencoder])
def test_estimators(cls: type[Autoencoder], odd: NDArray[Any], dtype: str) -> None:
    plain = np.ascontiguousarray(odd, dtype=dtype)
    before = odd.tobytes()
    scale = 1.0 / max(1.0, float(np.abs(plain).max()))
    one, other = (
        cls((4,), input_scale=scale, dtype=dtype, batch_size=16, n_epochs=4, random_state=0).fit(
            X, target=target, validation_data=(X, target)
        )
        for X, target in ((odd, odd[:, ::-1]), (plain, plain[:, ::-1]))
    )
    assert same_bits(one.network_, other.network_)
    assert one.history_["loss"] == other.history_["loss"]
    assert one.history_["validation_loss"] == other.history_["validation_loss"]
    assert one.transform(odd).tobytes() == other.transform(plain).tobytes()
    assert one.score_samples(odd).tobytes() == other.score_samples(plain).tobytes()
    assert odd.tobytes() == before


def test_weights_of_any_kind() -> None:
    net = Network([10, 4, 10], ["tanh", "sigmoid"], random_state=0)
    weights = np.arange(61)
    expected = net.objective(SMALL, sample_weight=weights.astype(float))
    kinds = (weights, weights.tolist(), weights.astype(">i4"), np.repeat(weights, 2)[::2])
    for kind in kinds:
        assert net.objective(SMALL, sample_weight=kind) == expected
