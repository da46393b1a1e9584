"""Bad input gets one clear sentence and leaves the model, byte for byte, as it was."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy import sparse
from sklearn.exceptions import NotFittedError

from aecore import Autoencoder, Network, SparseAutoencoder, _core
from aecore.optimizers import LBFGS
from knobs import ACTIVATIONS, KNOBS, NUMBER
from samples import three_factor_rows

ROWS = three_factor_rows(60, 6)
SETTINGS: dict[str, Any] = {"n_epochs": 2, "batch_size": 16, "random_state": 0}


def marked(value: Any, row: int = 41, column: int = 3) -> NDArray[np.float64]:
    rows = ROWS.copy()
    rows[row, column] = value
    return rows


def state(estimator: Autoencoder) -> bytes:
    """Everything that was learned, and every parameter, as bytes."""
    return pickle.dumps(estimator)


@pytest.fixture(params=["adam", "lbfgs"])
def fitted(request: pytest.FixtureRequest) -> Iterator[Autoencoder]:
    """A fitted estimator that must be the same after the test."""
    sae = SparseAutoencoder((3,), optimizer=request.param, **SETTINGS).fit(ROWS)
    before = state(sae)
    yield sae
    assert state(sae) == before


@pytest.fixture
def net() -> Iterator[Network]:
    """A network that must be the same after the test."""
    network = Network([6, 3, 6], ["sigmoid", "sigmoid"], random_state=0)
    before = pickle.dumps(network)
    yield network
    assert pickle.dumps(network) == before


NOT_FINITE = {
    "NaN": (np.nan, r"Input {} contains NaN at row 41, column 3\.( missing=|$)"),
    "infinity": (
        np.inf,
        r"Input {} contains infinity .* dtype\('float32'\) at row 41, column 3\.$",
    ),
    "-infinity": (-np.inf, r"Input {} contains infinity .* at row 41, column 3\.$"),
    "too large for float32": (
        1e300,
        r"Input {} contains infinity or a value too large .* row 41, c",
    ),
}


@pytest.mark.parametrize(("value", "message"), NOT_FINITE.values(), ids=NOT_FINITE.keys())
def test_not_finite(fitted: Autoencoder, value: float, message: str) -> None:
    bad = marked(value)
    for call in (fitted.fit, fitted.transform, fitted.reconstruct, fitted.score_samples):
        with pytest.raises(ValueError, match=message.format("X")):
            call(bad)
    with pytest.raises(ValueError, match=message.format("target")):
        fitted.fit(ROWS, target=bad)
    with pytest.raises(ValueError, match=message.format("target")):
        fitted.score(ROWS, target=bad)
    with pytest.raises(ValueError, match=message.format("validation_data")):
        fitted.fit(ROWS, validation_data=bad)
    if fitted.optimizer != "lbfgs":
        with pytest.raises(ValueError, match=message.format("X")):
            fitted.partial_fit(bad)
    with pytest.raises(ValueError, match=r"Input Z contains .* at row 41, column 0"):
        fitted.inverse_transform(bad[:, 3:])


@pytest.mark.parametrize(("value", "message"), NOT_FINITE.values(), ids=NOT_FINITE.keys())
def test_not_finite_in_a_network(net: Network, value: float, message: str) -> None:
    bad = marked(value)
    methods = (net.encode, net.reconstruct, net.objective, net.objective_and_gradient)
    for method in methods:
        with pytest.raises(ValueError, match=message.format("X")):
            method(bad)
    with pytest.raises(ValueError, match=message.format("X").replace("41", "0")):
        net.encode(bad[41])
    with pytest.raises(ValueError, match=message.format("target")):
        net.objective(ROWS, target=bad)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", [a for a in _core.ACTIVATIONS if a != "softmax"])
def test_not_finite_in_rows_read_in_place(activation: str, dtype: str) -> None:
    # Nobody copies these rows: their first layer has to find out.
    bad = marked(np.nan).astype(dtype)
    network = Network((6, 4, 6), (activation, "identity"), dtype=dtype, random_state=0)
    with pytest.raises(ValueError, match=r"Input X contains NaN at row 41, column 3\.$"):
        network.objective_and_gradient(bad)
    estimator = Autoencoder((4,), activation=activation, dtype=dtype, shuffle=False)
    with pytest.raises(ValueError, match=r"Input X contains NaN at row 41, column 3\. missing="):
        estimator.partial_fit(bad)


@pytest.mark.parametrize(
    "settings", [{"activation": "silu"}, {"dropout": 0.2}, {"code_top_k": 1}], ids=str
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_not_finite_where_slopes_are_kept_of_rows_read_in_place(
    settings: dict[str, Any], dtype: str
) -> None:
    bad = marked(np.nan).astype(dtype)
    ae = Autoencoder((3,), dtype=dtype, shuffle=False, n_epochs=1, random_state=0, **settings)
    with pytest.raises(ValueError, match="row 41, column 3"):
        ae.fit(bad)


def test_features_of_a_failed_fit_are_not_taken_over(fitted: Autoencoder) -> None:
    frame = pd.DataFrame(marked(np.nan)[:, 1:], columns=list("abcde"))
    with pytest.raises(ValueError, match="row 41, column 2"):
        fitted.fit(frame)
    assert fitted.n_features_in_ == 6


def test_the_first_of_several_is_named(net: Network) -> None:
    bad = marked(np.nan)
    bad[52, 0] = bad[41, 5] = np.nan
    for _ in range(5):
        with pytest.raises(ValueError, match="row 41, column 3"):
            net.encode(bad)


SHAPES: dict[str, tuple[Any, str]] = {
    "5 features": (ROWS[:, :5], "X has 5 features, but SparseAutoencoder is expecting 6 features"),
    "1-D": (ROWS[0], "Expected 2D array, got 1D array instead"),
    "a number": (0.5, "Expected 2D array, got scalar array instead"),
    "3-D": (ROWS[None], "Found array with dim 3"),
    "no rows": (ROWS[:0], r"Found array with 0 sample\(s\) .* while a minimum of 1 is required"),
    "no features": (ROWS[:, :0], r"Found array with 0 feature\(s\) .* minimum of 1 is required"),
    "ragged": ([[0.1, 0.2], [0.3]], "inhomogeneous shape"),
}


@pytest.mark.parametrize(("bad", "message"), SHAPES.values(), ids=SHAPES.keys())
def test_shape(fitted: Autoencoder, bad: Any, message: str) -> None:
    for call in (fitted.transform, fitted.reconstruct, fitted.score):
        with pytest.raises(ValueError, match=message):
            call(bad)
    if "expecting" not in message:  # fit takes any number of features
        with pytest.raises(ValueError, match=message):
            fitted.fit(bad)
    if fitted.optimizer != "lbfgs":
        with pytest.raises(ValueError, match=message):
            fitted.partial_fit(bad)


def test_shape_of_a_network(net: Network) -> None:
    with pytest.raises(ValueError, match=r"X must have 6 columns; got 5, shape \(60, 5\)"):
        net.encode(ROWS[:, :5])
    with pytest.raises(ValueError, match=r"Z must have 3 columns; got 6, shape \(6,\)"):
        net.decode(ROWS[0])
    with pytest.raises(ValueError, match=r"X must have at least one row; got shape \(0, 6\)"):
        net.objective(ROWS[:0])
    for bad in (ROWS[None], np.array(0.5)):
        with pytest.raises(ValueError, match=r"X must be 2-D \(n_rows, 6\) or one row; got shape"):
            net.reconstruct(bad)


KINDS: dict[str, tuple[Any, type[Exception], str]] = {
    "strings": (ROWS.astype(str), ValueError, "not compatible with arrays of bytes/strings"),
    "words": (np.full((9, 6), "a", object), ValueError, "could not convert string to float: 'a'"),
    "objects": (np.full((9, 6), object()), TypeError, "must be a string or a real number"),
    "complex": (ROWS + 1j, ValueError, "Complex data not supported"),
    "dates": (
        ROWS.astype("M8[s]"),
        TypeError,
        "X must hold real numbers; got dtype datetime64",
    ),
    "long double": (ROWS.astype("g"), TypeError, "X must hold real numbers of at most 64 bits"),
    "complex sparse": (sparse.csr_array(ROWS + 1j), ValueError, "Complex data not supported"),
}


@pytest.mark.parametrize(("bad", "error", "message"), KINDS.values(), ids=KINDS.keys())
def test_kind(fitted: Autoencoder, bad: Any, error: type[Exception], message: str) -> None:
    for call in (fitted.fit, fitted.transform, fitted.score):
        with pytest.raises(error, match=message):
            call(bad)


@pytest.mark.parametrize("bad", [KINDS[kind][0] for kind in KINDS], ids=KINDS.keys())
def test_kind_in_a_network(net: Network, bad: Any) -> None:
    with pytest.raises(TypeError, match=r"^X must hold real numbers.*; got dtype"):
        net.encode(bad)
    with pytest.raises(TypeError, match=r"^target must hold real numbers.*; got dtype"):
        net.objective(ROWS[: bad.shape[0]], target=bad)


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_cross_entropy_wants_targets_in_the_unit_interval(
    fitted: Autoencoder, value: float
) -> None:
    bad = marked(value)
    sae = SparseAutoencoder((3,), loss="binary_cross_entropy", **SETTINGS)
    sae.set_params(optimizer=fitted.optimizer)
    rule = rf"must lie in \[0, 1\] for loss 'binary_cross_entropy'; got {value} at row 41, column 3"
    for name in ("X", "target", "validation_data"):
        keywords = {} if name == "X" else {name: bad}
        with pytest.raises(ValueError, match=f"^{name} {rule}"):
            sae.fit(ROWS if keywords else bad, **keywords)
    with pytest.raises(NotFittedError):
        sae.transform(ROWS)
    with pytest.raises(ValueError, match=f"^X {rule}"):
        fitted.network_.objective(bad, loss="binary_cross_entropy")
    ends = np.where(ROWS < 0.5, 0.0, 1.0)
    assert np.isfinite(sae.fit(ends).history_["loss"]).all()


TARGETS: dict[str, tuple[dict[str, Any], str]] = {
    "target columns": ({"target": ROWS[:, :5]}, "target must have 6 columns; got 5"),
    "target rows": ({"target": ROWS[:9]}, r"target must have as many rows as X \(60\); got 9"),
    "weight shape": (
        {"sample_weight": [1, 2]},
        r"sample_weight must have shape \(60,\); got \(2,\)",
    ),
    "weight sign": (
        {"sample_weight": np.r_[1.0, -2.0, ROWS[:58, 0]]},
        "and >= 0; got -2.0 at row 1",
    ),
    "weight NaN": (
        {"sample_weight": np.full(60, np.nan)},
        "must be finite and >= 0; got nan at row 0",
    ),
    "weight zero": (
        {"sample_weight": np.zeros(60)},
        "at least one number > 0; got zero weight for",
    ),
}


@pytest.mark.parametrize(("keywords", "message"), TARGETS.values(), ids=TARGETS.keys())
def test_target_and_weights(
    fitted: Autoencoder, net: Network, keywords: dict[str, Any], message: str
) -> None:
    for call in (fitted.fit, net.objective, net.objective_and_gradient):
        with pytest.raises(ValueError, match=message):
            call(ROWS, **keywords)


def test_weights_that_are_words(fitted: Autoencoder) -> None:
    with pytest.raises(TypeError, match="sample_weight must hold real numbers; got dtype"):
        fitted.fit(ROWS, sample_weight=["a"] * 60)


def test_validation(fitted: Autoencoder) -> None:
    with pytest.raises(ValueError, match=r"^validation_data has 5 features, but SparseAutoencoder"):
        fitted.fit(ROWS, validation_data=ROWS[:, :5])
    for keywords in ({"target": ROWS, "validation_data": ROWS}, {"validation_data": (ROWS, ROWS)}):
        with pytest.raises(
            ValueError, match=r"must be a tuple \(X, target\) exactly when target is"
        ):
            fitted.fit(ROWS, **keywords)
    with pytest.raises(
        ValueError, match=r"validation_data must be X or a tuple \(X, target\); got"
    ):
        fitted.fit(ROWS, validation_data=(ROWS, ROWS, ROWS))
    sae = SparseAutoencoder(validation_fraction=0.9)
    with pytest.raises(
        ValueError, match="validation_fraction must be 0 when validation_data is giv"
    ):
        sae.fit(ROWS, validation_data=ROWS)
    with pytest.raises(ValueError, match="must leave at least one row to learn from; got 0"):
        sae.fit(ROWS[:1])


def test_init(fitted: Autoencoder) -> None:
    other = Network([6, 4, 6], ["sigmoid", "sigmoid"])
    with pytest.raises(ValueError, match=r"init must have layer sizes \[6, 3, 6\] and activations"):
        fitted.fit(ROWS, init=other)
    with pytest.raises(ValueError, match="init must be None or a Network; got 'zeros'"):
        fitted.fit(ROWS, init="zeros")


@pytest.mark.parametrize("target", [None, -ROWS], ids=["X", "target"])
@pytest.mark.parametrize(("loss", "output"), [("poisson", "softplus"), ("multinomial", "softmax")])
def test_counts_are_not_negative(loss: str, output: str, target: Any) -> None:
    net = Network([6, 3, 6], ["relu", output], random_state=0)
    X = ROWS.copy()
    if target is None:
        X[3, 2] = -0.25
        place = r"X must be >= 0 .*; got -0.25 at row 3, column 2"
    else:
        place = "target must be >= 0 for losses 'poisson' and 'multinomial'; got .* at row 0, col"
    with pytest.raises(ValueError, match=place):
        net.objective(X, target=target, loss=loss)


PARAMETERS = [(name, KNOBS[name].rule, KNOBS[name].bad) for name in Autoencoder().get_params()]


@pytest.mark.parametrize(("name", "rule", "values"), PARAMETERS, ids=[p[0] for p in PARAMETERS])
def test_parameter(name: str, rule: str, values: Sequence[Any]) -> None:
    for cls in (Autoencoder, SparseAutoencoder):
        ae = cls((3,), **SETTINGS).fit(ROWS)
        for value in values:
            ae.set_params(**{name: value})
            before = state(ae)
            with pytest.raises(ValueError, match=rf"^{name} must {rule}.*; got ") as caught:
                ae.fit(ROWS)
            assert repr(value) in str(caught.value)
            assert state(ae) == before


def test_every_parameter_has_a_bad_value() -> None:
    assert all(rule and values for _, rule, values in PARAMETERS)


COMBINATIONS: dict[str, tuple[dict[str, Any], str]] = {
    "KL on relu": ({"sparsity_weight": 1.0}, "got activation 'relu': use 'sigmoid' or 'tanh'"),
    "KL on identity": (
        {"sparsity_weight": 1.0, "activation": "identity"},
        "sparsity_weight must be 0 where a sparse layer has no range .* got activation 'identity'",
    ),
    "cross entropy of identity": (
        {"loss": "binary_cross_entropy"},
        r"output_activation must be 'sigmoid', whose range is \(0, 1\), .*; got 'identity'",
    ),
    "norm of L-BFGS": (
        {"optimizer": LBFGS(), "clip_norm": 1.0},
        "clip_norm must be None with optimizer 'lbfgs', .*; got 1.0",
    ),
    "schedule of L-BFGS": (
        {"optimizer": "lbfgs", "learning_rate_schedule": "cosine"},
        "learning_rate_schedule must be None with optimizer 'lbfgs', .*; got 'cosine'",
    ),
    "rate of L-BFGS": (
        {"optimizer": "lbfgs", "learning_rate": 0.1},
        "learning_rate must be None with optimizer 'lbfgs', .*; got 0.1",
    ),
}


@pytest.mark.parametrize(("parameters", "message"), COMBINATIONS.values(), ids=COMBINATIONS.keys())
def test_parameters_together(parameters: dict[str, Any], message: str) -> None:
    ae = Autoencoder((3,), **SETTINGS).fit(ROWS).set_params(**parameters)
    before = state(ae)
    with pytest.raises(ValueError, match=message):
        ae.fit(ROWS)
    assert state(ae) == before


NETWORKS: dict[str, tuple[dict[str, Any], str]] = {
    "no layers": ({"layer_sizes": []}, "layer_sizes must be a sequence of at least two integers"),
    "one size": ({"layer_sizes": [4]}, r"must be a sequence of at least two .*; got \[4\]"),
    "negative": ({"layer_sizes": [4, -2, 4]}, r"integers from 1 to .*; got \[4, -2, 4\]"),
    "overflow": ({"layer_sizes": [2**31 - 1] * 3}, "must"),
    "one name": (
        {"activations": ["relu"]},
        r"activations must be a sequence of 2 names, .*; got \[",
    ),
    "a string": (
        {"activations": "relu"},
        "activations must be a sequence of 2 names, .*; got 'relu'",
    ),
    "unknown": (
        {"activations": ["relu", "swish"]},
        f"activations must each {ACTIVATIONS}, 'softmax'; got 'swish'",
    ),
    "softmax inside": (
        {"activations": ["softmax", "relu"]},
        f"activations must each {ACTIVATIONS}; got 'softmax'",
    ),
    "code": ({"code_layer": 2}, "code_layer must be None or an integer from 0 to 1, .*; got 2"),
    "negative code": ({"code_layer": -1}, "code_layer must be None or an integer .*; got -1"),
    "start": (
        {"initialization": "zeros"},
        "initialization must be one of None, 'glorot', .*; got 'zeros'",
    ),
    "threads": ({"n_threads": 0}, "n_threads must be None or an integer from 1 to 1024; got 0"),
    "scale": ({"input_scale": 0}, "input_scale must be a finite number > 0; got 0"),
    "dtype": ({"dtype": "int8"}, "dtype must be 'float32' or 'float64'; got 'int8'"),
    "seed": ({"random_state": -1}, "random_state must be None, an integer from 0 to .*; got -1"),
}


@pytest.mark.parametrize(("parameters", "message"), NETWORKS.values(), ids=NETWORKS.keys())
def test_parameter_of_a_network(parameters: dict[str, Any], message: str) -> None:
    arguments = {"layer_sizes": [4, 2, 4], "activations": ["relu", "sigmoid"], **parameters}
    with pytest.raises(ValueError, match=message):
        Network(**arguments)


OPTIONS: dict[str, tuple[dict[str, Any], str]] = {
    "loss": (
        {"loss": "mse"},
        "loss must be one of 'squared_error', .*, 'multinomial'; got 'm",
    ),
    "multinomial": (
        {"loss": "multinomial"},
        "loss must be 'multinomial' exactly when the output's activation is 'softmax'; got 'multi",
    ),
    "decay": ({"weight_decay": -1}, f"weight_decay must {NUMBER}; got -1"),
    "beta": ({"sparsity_weight": np.nan}, f"sparsity_weight must {NUMBER}; got nan"),
    "rho": ({"sparsity_target": 1}, r"sparsity_target must be a number in \(0, 1\); got 1"),
    "layers": ({"sparsity_layers": [0]}, r"sparsity_layers must be one of 'code', .*; got \[0\]"),
}


@pytest.mark.parametrize(("options", "message"), OPTIONS.values(), ids=OPTIONS.keys())
def test_option_of_the_objective(net: Network, options: dict[str, Any], message: str) -> None:
    for method in (net.objective, net.objective_terms, net.objective_and_gradient):
        with pytest.raises(ValueError, match=message):
            method(ROWS, **options)


@pytest.mark.parametrize("cls", [Autoencoder, SparseAutoencoder])
def test_not_fitted(cls: type[Autoencoder]) -> None:
    calls: list[Callable[[Autoencoder], Any]] = [
        lambda ae: ae.transform(ROWS),
        lambda ae: ae.inverse_transform(ROWS),
        lambda ae: ae.reconstruct(ROWS),
        lambda ae: ae.score_samples(ROWS),
        lambda ae: ae.score(ROWS),
        lambda ae: ae.get_feature_names_out(),
    ]
    for call in calls:
        with pytest.raises(NotFittedError, match=f"This {cls.__name__} instance is not fitted yet"):
            call(cls())


def test_a_long_value_is_shortened() -> None:
    with pytest.raises(ValueError, match="activation must be one of") as caught:
        Autoencoder(activation="x" * 10_000).fit(ROWS)
    assert len(str(caught.value)) < 200


def test_one_row_works() -> None:
    for cls in (Autoencoder, SparseAutoencoder):
        ae = cls((3,), **SETTINGS).fit(ROWS[:1])
        assert ae.transform(ROWS[:1]).shape == (1, 3)
        assert np.isfinite(ae.history_["loss"]).all()
