"""The best constant by closed forms, and by a minimiser that knows none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize, minimize_scalar

from aecore import reference

DISTANCES = ("squared_error", "absolute_error", "huber")


def rows(loss: str) -> Any:
    rng = np.random.default_rng(3)
    if loss in ("poisson", "multinomial"):
        return rng.poisson(rng.gamma(2.0, 2.0, 5), (41, 5)).astype(float)
    if loss == "binary_cross_entropy":
        return rng.random((41, 5))
    return rng.standard_t(2, (41, 5)) * [0.1, 1.0, 5.0, 30.0, 1.0] + 7.0


def loss_of(loss: str, output: Any, x: Any, weight: Any) -> float:
    """The mean loss of rows with one output: that of a network of biases alone."""
    n = x.shape[1]
    activation = "softmax" if loss == "multinomial" else "identity"
    values = np.log(output) if loss == "multinomial" else output
    losses = reference.row_losses(
        [1, n],
        [activation],
        np.concatenate([np.zeros(n), values]),
        np.zeros((len(x), 1)),
        target=x,
        loss=loss,
        missing="mask" if np.isnan(x).any() else None,
    )
    return float(np.average(losses, weights=weight))


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", reference.LOSSES)
def test_no_constant_is_better(loss: str, weighted: bool, missing: bool) -> None:
    x = rows(loss)
    rng = np.random.default_rng(4)
    weight = rng.integers(0, 4, len(x)) if weighted else None
    if missing:
        x[rng.random(x.shape) < 0.2] = np.nan
    found = reference.constant_loss(x, loss, sample_weight=weight)
    constant = reference.best_constant(x, loss, sample_weight=weight)
    assert found == pytest.approx(loss_of(loss, constant, x, weight), rel=1e-12)
    if loss == "multinomial":

        def of_logits(z: Any) -> float:
            e = np.exp(z - z.max())
            return loss_of(loss, e / e.sum(), x, weight)

        least = minimize(of_logits, np.zeros(x.shape[1]), tol=1e-10).fun
    else:
        bounds = (np.nanmin(x), np.nanmax(x))
        least = sum(
            minimize_scalar(
                lambda c, j=j: loss_of(loss, np.array([c]), x[:, [j]], weight),
                bounds=bounds,
                method="bounded",
                options={"xatol": 1e-9},
            ).fun
            for j in range(x.shape[1])
        )
    # Bounds keep the minimiser a little away from where a clipped logarithm has its corner.
    assert found == pytest.approx(least, rel=1e-6)


def test_closed_forms() -> None:
    x = np.array([[0.0, 2.0], [1.0, 2.0], [1.0, 5.0], [1.0, 7.0]])
    bits, counts = x[:, :1], x[:, 1:]
    entropy = -0.25 * math.log(0.25) - 0.75 * math.log(0.75)
    assert reference.constant_loss(bits, "binary_cross_entropy") == pytest.approx(entropy)
    assert reference.constant_loss(counts) == pytest.approx(counts.var() / 2)
    assert reference.constant_loss(counts, "poisson") == pytest.approx(4 - 4 * math.log(4))
    assert reference.constant_loss(counts, "absolute_error") == pytest.approx((0 + 0 + 3 + 5) / 4)
    n, total = x.sum(axis=0), x.sum()
    expected = -(n * np.log(n / total)).sum() / 4
    assert reference.constant_loss(x, "multinomial") == pytest.approx(expected)


@pytest.mark.parametrize("loss", reference.LOSSES)
def test_weights_are_rows_again(loss: str) -> None:
    x, weight = rows(loss), np.arange(41) % 3
    for function in (reference.constant_loss, reference.saturated_loss):
        repeated = function(np.repeat(x, weight, axis=0), loss)
        assert function(x, loss, sample_weight=weight) == pytest.approx(repeated, rel=1e-12)


def test_trimming_leaves_out_what_no_constant_fits() -> None:
    x = np.concatenate([rows("squared_error"), np.full((3, 5), 1e6)])
    clean = reference.constant_loss(x[:41])
    assert reference.constant_loss(x, trim_fraction=0.07) == pytest.approx(clean, rel=1e-9)
    assert reference.constant_loss(x) > 1e9


def test_what_knows_each_row_has_the_least_loss() -> None:
    for loss in DISTANCES:
        assert reference.saturated_loss(rows(loss), loss) == 0.0
    x = rows("multinomial")
    for loss in ("poisson", "multinomial"):
        expected = np.mean(
            [
                loss_of(
                    loss,
                    (row + 1e-300) / (row.sum() if loss == "multinomial" else 1.0),
                    row[None],
                    None,
                )
                for row in x
            ]
        )
        assert reference.saturated_loss(x, loss) == pytest.approx(expected, rel=1e-5)
    p = rows("binary_cross_entropy")
    entropy = -(p * np.log(p) + (1 - p) * np.log1p(-p)).sum(axis=1).mean()
    assert reference.saturated_loss(p, "binary_cross_entropy") == pytest.approx(entropy)
