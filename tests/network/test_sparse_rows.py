"""Sparse rows against the same rows in an array: the same bits in every direction."""

from __future__ import annotations

import copy
import itertools
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import sparse

from aecore import Autoencoder, AutoencoderClassifier, DenoisingAutoencoder, Network, _core
from helpers import ROOT, python_blocks, run_function
from samples import THREADS, may_learn_nothing
from sparse_problems import CASES, PROBLEMS, evaluate, fits, messy_rows


def unequal_bits(dtype: str) -> list[str]:
    """Where sparse rows give other bits than an array: nowhere."""
    wrong = []
    for problem, (name, terms) in itertools.product(PROBLEMS, CASES.items()):
        if not fits(problem, terms):
            continue
        # An array's rows come in pieces of 256, after which gradients of two sources meet.
        for n_rows in (1, 37, 250 if name in {"tied", "contractive"} else 300):
            X = messy_rows(n_rows, PROBLEMS[problem][0][0])
            value, gradient = evaluate(problem, X.toarray(), dtype=dtype, **terms)
            assert np.isfinite(gradient).all()
            for n_threads in THREADS:
                found = evaluate(problem, X, n_threads=n_threads, dtype=dtype, **terms)
                if found[0] != value or not np.array_equal(found[1], gradient):
                    wrong.append(f"{problem}, {name}, {n_rows} rows, {n_threads} threads")
    return wrong


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_gradients_are_those_of_an_array(isa: str, dtype: str) -> None:
    assert run_function(unequal_bits, dtype, isa=isa, timeout=300) == []


@pytest.mark.parametrize("index", ["int32", "int64"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "bool", "uint8", "int16", ">i8", ">f4"])
def test_kinds_of_entries(dtype: str, index: str) -> None:
    X = messy_rows(50, 300, dtype=dtype)
    X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
    dense = X.astype(X.dtype.newbyteorder("=")).toarray()
    for scale in (1.0, 1 / 64):
        expected = evaluate("squared error", dense, input_scale=scale)
        found = evaluate("squared error", X, input_scale=scale)
        assert found[0] == expected[0]
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("twice", [[False, True], [True, False], [True, True], [False, False]])
def test_of_boolean_duplicates_one_has_to_be_true(twice: list[bool]) -> None:
    X = sparse.csr_array((1, 4), dtype=bool)
    X.data, X.indices, X.indptr = np.array([True, *twice]), np.array([0, 2, 2]), np.array([0, 3])
    network = Network([4, 3, 4], ["tanh", "identity"], random_state=0)
    expected = network.encode(np.array([[1.0, 0.0, any(twice), 0.0]]))
    np.testing.assert_array_equal(network.encode(X), expected)


@pytest.mark.parametrize("problem", ["multinomial", "cross entropy", "squared error"])
def test_one_side_alone_is_sparse(problem: str) -> None:
    n = PROBLEMS[problem][0][0]
    X, target = messy_rows(60, n), messy_rows(60, n, seed=1)
    expected = evaluate(problem, X.toarray(), target.toarray())
    for x, y in ((X, target), (X.toarray(), target), (X, target.toarray())):
        found = evaluate(problem, x, y)
        assert found[0] == expected[0]
        np.testing.assert_array_equal(found[1], expected[1])


@pytest.mark.parametrize("noise", ["gaussian", "salt_and_pepper", "masking"])
def test_noise_on_an_array_leaves_a_sparse_target_alone(noise: str) -> None:
    X, target = messy_rows(60, 300), messy_rows(60, 300, seed=1)
    terms = {"noise": noise, "noise_level": 0.3, "noise_emphasis": 2.0}
    expected = evaluate("squared error", X.toarray(), target.toarray(), **terms)
    found = evaluate("squared error", X.toarray(), target, **terms)
    np.testing.assert_array_equal(found[1], expected[1])


def test_observed_only_of_a_network() -> None:
    X = messy_rows(60, 300)
    net = Network([300, 20, 300], ["tanh", "identity"], random_state=0)
    there = sparse.csr_array((np.ones(X.nnz), X.indices, X.indptr), shape=X.shape).toarray() > 0
    squares = (net.reconstruct(X).astype(float) - X.toarray()) ** 2
    expected = 0.5 * squares[there].sum() / 60
    assert net.objective(X, observed_only=True) == pytest.approx(expected, rel=1e-5)
    with pytest.raises(ValueError, match="observed_only must be False unless the target is sparse"):
        net.objective(X.toarray(), observed_only=True)
    with pytest.raises(ValueError, match="observed_only must be True or False; got 'yes'"):
        net.objective(X, observed_only="yes")  # type: ignore[typeddict-item]
    softmax = Network([300, 20, 300], ["tanh", "softmax"], random_state=0)
    with pytest.raises(ValueError, match="observed_only must be False with loss 'multinomial'"):
        softmax.objective(X, loss="multinomial", observed_only=True)


FORMATS = ("bsr", "coo", "csc", "csr", "dok", "lil")


@pytest.mark.parametrize("n_rows", [1, 3, 300])
def test_forward_has_the_bits_of_an_array(n_rows: int) -> None:
    net = Network([300, 20, 5, 20, 300], ["tanh", "relu", "tanh", "softmax"], random_state=0)
    X = messy_rows(n_rows, 300)
    for method in (net.encode, net.reconstruct, lambda X: net.row_losses(X, loss="multinomial")):
        expected = method(X.toarray())
        for kind in FORMATS:
            np.testing.assert_array_equal(method(X.asformat(kind)), expected)
        np.testing.assert_array_equal(method(sparse.csr_matrix(X)), expected)
    np.testing.assert_array_equal(net.encode(X[[n_rows - 1]]), net.encode(X)[n_rows - 1 :])
    np.testing.assert_array_equal(net.decode(sparse.csr_array(net.encode(X))), net.reconstruct(X))


def test_one_row_may_be_one_dimensional() -> None:
    net = Network([300, 20, 300], ["tanh", "identity"], random_state=0)
    row = sparse.coo_array(messy_rows(1, 300).toarray()[0])
    np.testing.assert_array_equal(net.encode(row), net.encode(row.toarray()))


SETTINGS: dict[str, dict[str, Any]] = {
    "adam": {"n_epochs": 20},
    "sigmoid": {"output_activation": "sigmoid", "loss": "binary_cross_entropy"},
    "maxabs": {"scale": "maxabs", "validation_fraction": 0.2},
    "lbfgs": {"optimizer": "lbfgs", "dtype": "float64"},
    "masking": {"noise": "masking", "clip_norm": 0.1},
    "multinomial": {"output_activation": "softmax", "loss": "multinomial", "input_scale": 2.0},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_training_has_the_bits_of_an_array(settings: dict[str, Any]) -> None:
    X = messy_rows(150, 80)
    untouched = copy.deepcopy(X)
    made = [
        Autoencoder((6,), batch_size=30, random_state=0, **{"n_epochs": 3, **settings})
        for _ in range(2)
    ]
    fitted, expected = made[0].fit(X), made[1].fit(X.toarray())
    np.testing.assert_array_equal(fitted.network_.parameters, expected.network_.parameters)
    for loss in ("loss", "validation_loss"):
        assert fitted.history_.get(loss) == expected.history_.get(loss)
    np.testing.assert_array_equal(fitted.reconstruct(X), expected.reconstruct(X.toarray()))
    assert fitted.score(X) == expected.score(X.toarray())
    for part in ("data", "indices", "indptr"):
        np.testing.assert_array_equal(getattr(X, part), getattr(untouched, part))


def test_partial_fit_and_validation_data() -> None:
    X, held = messy_rows(90, 40), messy_rows(20, 40, seed=1)
    fitted = Autoencoder((6,), n_epochs=2, shuffle=False, random_state=0)
    expected = copy.deepcopy(fitted).fit(X.toarray(), validation_data=held.toarray())
    fitted.fit(X, validation_data=held)
    assert fitted.history_["validation_loss"] == expected.history_["validation_loss"]
    steps = Autoencoder((6,), n_epochs=2, shuffle=False, random_state=0)
    steps.partial_fit(X).partial_fit(sparse.csc_matrix(X))
    np.testing.assert_array_equal(steps.network_.parameters, fitted.network_.parameters)


def test_rows_one_by_one() -> None:
    # An array has a path of its own for single rows, with another order of sums.
    X = messy_rows(40, 60)
    fitted = Autoencoder((6,), optimizer="sgd", batch_size=1, dtype="float64", random_state=0)
    expected = copy.deepcopy(fitted).fit(X.toarray()).network_.parameters
    np.testing.assert_allclose(fitted.fit(X).network_.parameters, expected, rtol=0, atol=1e-12)


def broken(n_rows: int = 9, **parts: Any) -> Any:
    """Rows of 6 columns whose arrays are changed at single places behind SciPy's back."""
    X = sparse.csr_array(np.arange(1.0, 6 * n_rows + 1).reshape(n_rows, 6) / 64)
    for name, (place, value) in parts.items():
        getattr(X, name)[place] = value
    return X


BROKEN: dict[str, tuple[dict[str, Any], str]] = {
    "negative index": ({"indices": (20, -1)}, r"X.indices must lie in \[0, 6\); got -1 at row 3"),
    "index too large": ({"indices": (20, 6)}, r"X.indices must lie in \[0, 6\); got 6 at row 3"),
    "falling indptr": ({"indptr": (4, 12)}, r"X.indptr must rise .*; got 18 and 12 at row 3"),
    "negative indptr": ({"indptr": (0, -6)}, r"X.indptr must rise .*; got -6 and 6 at row 0"),
    "indptr too large": ({"indptr": (9, 60)}, r"X.indptr must rise .*; got 48 and 60 at row 8"),
    "NaN": ({"data": (20, np.nan)}, "X contains NaN at row 3, column 2"),
    "infinity": ({"data": (20, -np.inf)}, "X contains infinity .* at row 3, column 2"),
}


@may_learn_nothing
@pytest.mark.parametrize(("parts", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_rows(parts: dict[str, Any], message: str) -> None:
    net = Network([6, 3, 6], ["tanh", "sigmoid"], random_state=0)
    bad = broken(**parts)
    fitted = Autoencoder((3,), output_activation="sigmoid", n_epochs=2).fit(broken())
    before = fitted.network_
    calls = (net.encode, net.reconstruct, net.row_losses, net.objective_and_gradient, fitted.fit)
    for call in calls:
        with pytest.raises(ValueError, match=message):
            call(bad)
    with pytest.raises(ValueError, match=message.replace("X", "target", 1)):
        net.objective(broken(), target=bad)
    assert fitted.network_ is before


def test_broken_rows_that_are_not_asked_for_do_no_harm() -> None:
    net = Network([6, 3, 6], ["tanh", "sigmoid"], random_state=0)
    out = np.empty(2)
    rows = np.array([0, 8])
    bad = broken(indices=(20, -1))
    data = _core.Data(bad, rows=rows)
    net._core.row_losses(net.parameters, data, out, objective=_core.Objective())
    np.testing.assert_array_equal(out, net.row_losses(broken())[rows])


@pytest.mark.parametrize(
    ("loss", "output", "value", "message"),
    [
        ("multinomial", "softmax", -1.0, "X must be >= 0 for losses"),
        ("poisson", "softplus", -0.5, "X must be >= 0 for losses"),
        ("binary_cross_entropy", "sigmoid", 1.25, r"X must lie in \[0, 1\] for loss"),
        ("binary_cross_entropy", "sigmoid", -0.25, r"X must lie in \[0, 1\] for loss"),
    ],
)
def test_values_a_loss_refuses(loss: str, output: str, value: float, message: str) -> None:
    net = Network([6, 3, 6], ["tanh", output], random_state=0)
    with pytest.raises(ValueError, match=f"{message}.*; got {value:g} at row 3, column 2"):
        net.objective(broken(data=(20, value)), loss=loss)


def test_arrays_that_are_not_csr() -> None:
    net = _core.Network([6, 3, 6], ["tanh", "sigmoid"])
    parameters, out = np.zeros(net.n_parameters), np.empty((9, 3))
    wrong = broken()
    wrong.indices = wrong.indices.astype(np.float64)
    with pytest.raises(ValueError, match=r"X\.indices must be a contiguous 1-D array of int32"):
        net.forward(parameters, wrong, out, first_layer=0, last_layer=1)
    wrong = broken()
    wrong.indptr = wrong.indptr[:-1]
    with pytest.raises(ValueError, match=r"X\.indptr must have n_rows \+ 1 = 10 numbers; got 9"):
        net.forward(parameters, wrong, out, first_layer=0, last_layer=1)
    with pytest.raises(TypeError, match=r"X must be an array or sparse rows \(CSR\); got list"):
        net.forward(parameters, [[0.0] * 6], out, first_layer=0, last_layer=1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"scale": "minmax"}, "scale must be None or 'maxabs' where X is sparse"),
        ({"scale": "standard"}, "scale must be None or 'maxabs' where X is sparse"),
        (
            {"noise": "gaussian"},
            "noise must be None or 'masking' where X is sparse; got 'gaussian'",
        ),
        ({"noise": "uniform"}, "noise must be None or 'masking' where X is sparse; got 'uniform'"),
        ({"noise": "masking", "noise_emphasis": 2.0}, "noise_emphasis must be 1 where X is sparse"),
        ({"missing": "mask"}, "missing must be None where X is sparse, whose absent entries are"),
    ],
)
def test_what_sparse_rows_cannot_have(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Autoencoder((3,), **settings).fit(messy_rows(20, 6))


def test_scale_of_an_array_stays_with_arrays() -> None:
    X = messy_rows(40, 6)
    fitted = Autoencoder((3,), scale="minmax", n_epochs=1).fit(X.toarray() + 1)
    with pytest.raises(ValueError, match="scale must be None or 'maxabs' where X is sparse"):
        fitted.transform(X)


def memory_now(what: str) -> float:
    """Megabytes of this process; not of getrusage, which counts what the parent had at the fork."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split(f"{what}:")[1].split()[0]) / 1024


def growth_in_megabytes() -> float:
    """Megabytes by which a gradient over 300 rows of 1,000,000 columns lets a process grow."""
    rng = np.random.default_rng(0)
    columns = rng.integers(0, 1_000_000, 30_000)
    X = sparse.csr_array((np.ones(30_000), columns, np.arange(0, 30_001, 100)))
    X.resize((300, 1_000_000))
    net = Network([1_000_000, 2, 3], ["tanh", "identity"], random_state=0)
    before = memory_now("VmRSS")
    _, gradient = net.objective_and_gradient(X, target=np.ones((300, 3)))
    assert gradient.any()
    net.encode(X)
    return memory_now("VmHWM") - before


@pytest.mark.skipif(sys.platform != "linux", reason="reads the peak from /proc")
def test_a_batch_is_never_dense() -> None:
    assert run_function(growth_in_megabytes) < 600  # 256 dense rows would take 1,000 more


def test_denoising_autoencoder_takes_sparse_rows() -> None:
    X = messy_rows(60, 40)
    codes = DenoisingAutoencoder((5,), noise="masking", n_epochs=2, random_state=0).fit_transform(X)
    assert codes.shape == (60, 5)
    assert np.isfinite(codes).all()


def test_a_classifier_with_sparse_unlabeled_rows() -> None:
    X, more = messy_rows(40, 20), messy_rows(15, 20, seed=1)
    y = np.arange(40) % 3
    settings: dict[str, Any] = {"pretrain": True, "n_epochs": 2, "random_state": 0}
    fitted = AutoencoderClassifier((6, 4), **settings).fit(X, y, unlabeled=more)
    expected = AutoencoderClassifier((6, 4), **settings).fit(
        X.toarray(), y, unlabeled=more.toarray()
    )
    np.testing.assert_array_equal(fitted.network_.parameters, expected.network_.parameters)
    np.testing.assert_array_equal(fitted.predict_proba(X), expected.predict_proba(X.toarray()))


def test_the_blocks_of_the_guide(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in python_blocks(ROOT / "docs" / "sparse.md"):
        exec(compile(block, "sparse.md", "exec"), names)
    assert capsys.readouterr().out == "True\n" * 3
