"""`Network`: the low-level contract, against the oracle."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from aecore import Network, reference

SIZES = [7, 5, 3, 5, 7]
NAMES = ["tanh", "sigmoid", "tanh", "sigmoid"]
SETTINGS: dict[str, Any] = {
    "weight_decay": 0.01,
    "sparsity_weight": 0.5,
    "sparsity_target": 0.1,
}


@pytest.fixture
def rows() -> NDArray[np.float64]:
    return np.random.default_rng(0).uniform(0.05, 0.95, (23, 7))


@pytest.fixture
def net() -> Network:
    return Network(SIZES, NAMES, dtype="float64", random_state=0)


def test_attributes(net: Network) -> None:
    assert net.layer_sizes == SIZES
    assert net.activations == NAMES
    assert net.dtype == np.float64
    assert net.input_scale == 1.0
    assert net.code_layer == 1
    assert net.n_threads is None
    assert repr(net).startswith("Network([7, 5, 3, 5, 7], ['tanh', 'sigmoid', 'tanh', 'sigmoid']")


def test_defaults() -> None:
    net = Network([4, 2, 4], ["relu", "sigmoid"])
    assert net.dtype == np.float32
    assert net.encode(np.eye(4)).dtype == np.float32


def test_parameters_are_one_plain_aligned_writable_vector(net: Network) -> None:
    parameters = net.parameters
    assert type(parameters) is np.ndarray
    assert parameters.shape == (7 * 5 + 5 + 5 * 3 + 3 + 3 * 5 + 5 + 5 * 7 + 7,)
    assert parameters.flags.c_contiguous
    assert parameters.flags.writeable
    assert parameters.ctypes.data % 64 == 0
    assert net.parameters is parameters


def test_weights_and_biases_are_views(net: Network) -> None:
    assert [weight.shape for weight in net.weights] == [(7, 5), (5, 3), (3, 5), (5, 7)]
    assert [bias.shape for bias in net.biases] == [(5,), (3,), (5,), (7,)]
    net.weights[0][2, 1] = 42.0
    net.biases[0][3] = 43.0
    assert net.parameters[2 * 5 + 1] == 42.0
    assert net.parameters[7 * 5 + 3] == 43.0
    pairs = zip(net.weights, net.biases, strict=True)
    for (weight, bias), (w, b) in zip(pairs, reference.unpack(SIZES, net.parameters), strict=True):
        np.testing.assert_array_equal(weight, w)
        np.testing.assert_array_equal(bias, b)


def test_glorot_start(net: Network) -> None:
    for weight, bias in zip(net.weights, net.biases, strict=True):
        bound = np.sqrt(6.0 / sum(weight.shape))
        assert np.abs(weight).max() <= bound
        assert np.abs(weight).max() > 0.5 * bound
        assert not bias.any()
    again = Network(SIZES, NAMES, dtype="float64", random_state=0, initialization="glorot")
    other = Network(SIZES, NAMES, dtype="float64", random_state=1)
    np.testing.assert_array_equal(again.parameters, net.parameters)
    assert (other.weights[0] != net.weights[0]).all()


def test_writes_to_parameters_take_effect(net: Network, rows: NDArray[np.float64]) -> None:
    before = net.reconstruct(rows)
    net.parameters[:] = 0.0
    assert (net.reconstruct(rows) == 0.5).all()
    assert (before != 0.5).all()


@pytest.mark.parametrize("code_layer", [None, 0, 1, 2])
def test_forward_passes_equal_the_reference(
    code_layer: int | None, rows: NDArray[np.float64]
) -> None:
    net = Network(
        SIZES, NAMES, dtype="float64", code_layer=code_layer, input_scale=0.5, random_state=3
    )
    codes = net.encode(rows)
    arguments = (SIZES, NAMES, net.parameters)
    expected = reference.encode(*arguments, rows, code_layer=code_layer, input_scale=0.5)
    np.testing.assert_allclose(codes, expected, rtol=1e-12)
    expected = reference.decode(*arguments, codes, code_layer=code_layer)
    np.testing.assert_allclose(net.decode(codes), expected, rtol=1e-12)
    expected = reference.reconstruct(*arguments, rows, input_scale=0.5)
    np.testing.assert_allclose(net.reconstruct(rows), expected, rtol=1e-12)
    np.testing.assert_array_equal(net.decode(codes), net.reconstruct(rows))


def test_one_row_in_one_row_out(net: Network, rows: NDArray[np.float64]) -> None:
    for method, given in ((net.encode, rows), (net.decode, rows[:, :3]), (net.reconstruct, rows)):
        together = method(given)
        alone = np.stack([method(row) for row in given])
        assert method(given[0]).shape == together.shape[1:]
        np.testing.assert_array_equal(alone, together)
        assert method(list(given[0])).shape == together.shape[1:]


def test_out_is_filled_and_returned(net: Network, rows: NDArray[np.float64]) -> None:
    out = np.full((23, 3), np.nan)
    assert net.encode(rows, out=out) is out
    np.testing.assert_array_equal(out, net.encode(rows))
    row = np.full(7, np.nan)
    assert net.reconstruct(rows[0], out=row) is row
    np.testing.assert_array_equal(row, net.reconstruct(rows[0]))
    code = np.full(7, np.nan)
    assert net.decode(np.zeros(3), out=code) is code


@pytest.mark.parametrize(
    "out",
    [
        np.empty((23, 4)),
        np.empty(23 * 3),
        np.empty((23, 3), np.float32),
        np.empty((23, 3), ">f8"),
        np.empty((3, 23)).T,
        np.empty((46, 3))[::2],
        np.empty((23, 3)).tolist(),
    ],
    ids=["shape", "1-D", "dtype", "byte order", "Fortran", "strided", "list"],
)
def test_out_that_does_not_fit(net: Network, rows: NDArray[np.float64], out: Any) -> None:
    with pytest.raises(
        ValueError, match=r"out must be a writable C-contiguous float64 array of sh"
    ):
        net.encode(rows, out=out)


def test_out_that_is_read_only(net: Network, rows: NDArray[np.float64]) -> None:
    out = np.zeros((23, 3))
    out.flags.writeable = False
    with pytest.raises(ValueError, match="out must be a writable"):
        net.encode(rows, out=out)
    assert not out.any()


def test_out_must_not_overlap(net: Network, rows: NDArray[np.float64]) -> None:
    kept = rows.copy()
    with pytest.raises(ValueError, match="out must not overlap X"):
        net.reconstruct(rows, out=rows)
    np.testing.assert_array_equal(rows, kept)
    with pytest.raises(ValueError, match="out must not overlap parameters"):
        net.reconstruct(rows[0], out=net.parameters[:7])


@pytest.mark.parametrize("loss", ["squared_error", "binary_cross_entropy"])
@pytest.mark.parametrize("layers", ["code", "hidden"])
@pytest.mark.parametrize("other_target", [False, True])
def test_objective_equals_the_reference(
    net: Network, rows: NDArray[np.float64], loss: str, layers: str, other_target: bool
) -> None:
    rng = np.random.default_rng(1)
    target = rng.uniform(0, 1, rows.shape) if other_target else None
    weights = rng.integers(0, 4, len(rows)).astype(float)
    common: dict[str, Any] = {"target": target, "sample_weight": weights, "loss": loss, **SETTINGS}
    terms = net.objective_terms(rows, **common, sparsity_layers=layers)
    value, gradient = net.objective_and_gradient(rows, **common, sparsity_layers=layers)
    assert net.objective(rows, **common, sparsity_layers=layers) == value == sum(terms)
    indices = [1] if layers == "code" else [0, 1, 2]
    arguments = (SIZES, NAMES, net.parameters, rows)
    expected = reference.objective_terms(*arguments, **common, sparsity_layers=indices)
    assert terms == pytest.approx(expected, rel=1e-10)
    assert terms._fields == expected._fields
    _, slope = reference.objective_and_gradient(*arguments, **common, sparsity_layers=indices)
    assert gradient.dtype == net.dtype
    np.testing.assert_allclose(gradient, slope, rtol=0, atol=1e-10 * np.abs(slope).max())


def test_row_losses_equal_the_reference(net: Network, rows: NDArray[np.float64]) -> None:
    for loss in ("squared_error", "binary_cross_entropy"):
        losses = net.row_losses(rows, loss=loss)
        expected = reference.row_losses(SIZES, NAMES, net.parameters, rows, loss=loss)
        np.testing.assert_allclose(losses, expected, rtol=1e-10)
        assert losses.mean() == pytest.approx(net.objective_terms(rows, loss=loss).data)
    target = rows[:, ::-1]
    expected = reference.row_losses(SIZES, NAMES, net.parameters, rows, target=target)
    np.testing.assert_allclose(net.row_losses(rows, target=target), expected, rtol=1e-10)


def test_input_scale_is_applied_to_x_and_to_x_as_target(rows: NDArray[np.float64]) -> None:
    scaled = Network(SIZES, NAMES, dtype="float64", input_scale=0.25, random_state=0)
    plain = Network(SIZES, NAMES, dtype="float64", random_state=0)
    np.testing.assert_array_equal(scaled.encode(rows), plain.encode(0.25 * rows))
    assert scaled.objective(rows) == plain.objective(0.25 * rows)
    assert scaled.objective(rows, target=rows) == plain.objective(0.25 * rows, target=rows)


def test_bits_do_not_depend_on_threads(n_threads: int, rows: NDArray[np.float64]) -> None:
    data = np.tile(rows, (40, 1))
    one = Network(SIZES, NAMES, n_threads=1, random_state=0)
    many = Network(SIZES, NAMES, n_threads=n_threads, random_state=0)
    np.testing.assert_array_equal(one.reconstruct(data), many.reconstruct(data))
    value, gradient = one.objective_and_gradient(data, **SETTINGS)
    other_value, other_gradient = many.objective_and_gradient(data, **SETTINGS)
    assert value == other_value
    np.testing.assert_array_equal(gradient, other_gradient)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_pickle(net: Network, rows: NDArray[np.float64], protocol: int) -> None:
    _check_copy(net, pickle.loads(pickle.dumps(net, protocol)), rows)


@pytest.mark.parametrize("make", [copy.copy, copy.deepcopy])
def test_copy(net: Network, rows: NDArray[np.float64], make: Any) -> None:
    _check_copy(net, make(net), rows)


def _check_copy(net: Network, other: Network, rows: NDArray[np.float64]) -> None:
    assert repr(other) == repr(net)
    assert other.parameters.ctypes.data % 64 == 0
    np.testing.assert_array_equal(other.parameters, net.parameters)
    np.testing.assert_array_equal(other.encode(rows), net.encode(rows))
    other.parameters[:] = 0.0
    assert net.parameters.any()


def test_with_parameters(net: Network) -> None:
    values = np.arange(net.parameters.size)
    other = net.with_parameters(values)
    np.testing.assert_array_equal(other.parameters, values)
    assert repr(other) == repr(net)
    assert not np.shares_memory(other.parameters, net.parameters)
    with pytest.raises(ValueError, match=r"parameters must have shape \(120,\); got \(3,\)"):
        net.with_parameters([1.0, 2.0, 3.0])


def test_with_an_optimiser_of_ones_own(rows: NDArray[np.float64]) -> None:
    net = Network([7, 3, 7], ["sigmoid", "sigmoid"], dtype="float64", random_state=0)
    first = net.objective(rows)
    for _ in range(200):
        net.parameters[:] -= 0.5 * net.objective_and_gradient(rows)[1]
    assert net.objective(rows) < 0.8 * first


def test_an_encoder_alone_has_two_sizes_and_nothing_to_decode() -> None:
    encoder = Network([6, 3], ["relu"], random_state=0)
    whole = Network([6, 3, 6], ["relu", "identity"], random_state=0)
    encoder.parameters[:] = whole.parameters[: encoder.parameters.size]
    X = np.random.default_rng(0).random((4, 6))
    np.testing.assert_array_equal(encoder.encode(X), whole.encode(X))
    with pytest.raises(ValueError, match="decode needs layers after the code"):
        encoder.decode(encoder.encode(X))
