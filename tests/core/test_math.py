"""Accuracy of the vector exp, log, sigmoid, Phi, ... over their whole range.

Bounds are in units in the last place (ULP) of the result, against a wider type.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from helpers import run_function

# The bound that each function states, in ULP. Results below the smallest normal number may be
# flushed to zero where a function is built on exp(-|x|).
BOUNDS = {
    "exp": 2.0,
    "log": 2.5,
    "log1p": 2.0,
    "sigmoid": 3.0,
    "tanh": 3.0,
    "expm1": 3.0,
    "softplus": 3.0,
    # exp(-x^2/2) magnifies the rounding of its argument, which is below 18 for |x| < 6.
    "normal_cdf": 24.0,
}


def sample(name: str, dtype: str) -> NDArray[np.float64]:
    """Arguments in every binade of the range, both signs where they are allowed."""
    rng = np.random.default_rng(1)
    info = np.finfo(dtype)
    if name == "log1p":
        return np.concatenate([10 ** rng.uniform(-30, 0, 200_000), rng.random(200_000), [0.0, 1.0]])
    if name == "log":
        exponents = rng.uniform(np.log10(float(info.tiny)) + 0.01, 37, 200_000)
        return np.concatenate([10**exponents, rng.uniform(0.5, 2.0, 200_000), [1.0]])
    if name == "normal_cdf":
        return np.concatenate([rng.uniform(-6, 6, 100_000), 10 ** rng.uniform(-30, 2, 10_000)])
    limit = 104.0 if dtype == "float32" else 746.0
    small = 10 ** rng.uniform(-30, 0, 100_000)
    wide = rng.uniform(0, limit, 200_000)
    near = rng.uniform(0, 12, 200_000)
    positive = np.concatenate([small, wide, near, [0.0]])
    return -positive if name == "expm1" else np.concatenate([positive, -positive])


def phi(x: NDArray[np.longdouble]) -> NDArray[np.longdouble]:
    """The normal distribution: erfc of the rounded argument, and its slope for the rest."""
    u = -x / np.sqrt(np.longdouble(2))
    rounded = u.astype(np.float64)
    values = np.array([math.erfc(v) for v in rounded], np.longdouble)
    slope = -2 / np.sqrt(np.longdouble(np.pi)) * np.exp(-(rounded.astype(np.longdouble) ** 2))
    return (values + slope * (u - rounded)) / 2


def exact(name: str, x: NDArray[np.longdouble]) -> NDArray[np.longdouble]:
    """The function in long double."""
    one = np.longdouble(1)
    if name == "sigmoid":
        e = np.exp(-np.abs(x))
        return np.where(x >= 0, one / (one + e), e / (one + e))
    if name == "softplus":
        return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))
    if name == "normal_cdf":
        # 1/2 erfc(-x / sqrt 2) in double, by glibc to an ULP: the argument's rounding is undone.
        return phi(x)
    functions = {
        "exp": np.exp,
        "expm1": np.expm1,
        "log": np.log,
        "log1p": np.log1p,
        "tanh": np.tanh,
    }
    return np.asarray(functions[name](x))


def worst_ulp(name: str, dtype: str) -> float:
    """Largest error in ULP where the exact result is a normal number of `dtype`."""
    from aecore import _core

    x = sample(name, dtype).astype(dtype)
    with np.errstate(all="ignore"):
        expected = exact(name, x.astype(np.longdouble))
        found = _core.apply_unary(name, x)
        info = np.finfo(dtype)
        normal = (np.abs(expected) >= info.tiny) & (np.abs(expected) <= info.max)
        rest = ~normal & (np.abs(expected) < info.tiny)
        spacing = np.spacing(np.abs(expected[normal]).astype(dtype)).astype(np.longdouble)
        error = np.abs(found[normal].astype(np.longdouble) - expected[normal]) / spacing
        assert np.all(np.abs(found[rest]) <= 2 * info.tiny)
    return float(error.max())


def specials(dtype: str) -> dict[str, list[float]]:
    """Results at infinities, NaN and zeros."""
    from aecore import _core

    x = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype=dtype)
    return {
        name: [float(v) for v in _core.apply_unary(name, x)]
        for name in ("exp", "sigmoid", "tanh", "softplus", "normal_cdf")
    }


WIDE = np.finfo(np.longdouble).eps < np.finfo(np.float64).eps


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", list(BOUNDS))
def test_error_stays_below_the_stated_bound(isa: str, name: str, dtype: str) -> None:
    if dtype == "float64" and not WIDE:
        pytest.skip("long double is no wider than double here: nothing to compare float64 with")
    assert run_function(worst_ulp, name, dtype, isa=isa) <= BOUNDS[name]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_special_values(isa: str, dtype: str) -> None:
    results = run_function(specials, dtype, isa=isa)
    np.testing.assert_array_equal(results["exp"], [np.inf, 0.0, np.nan, 1.0, 1.0])
    np.testing.assert_allclose(results["sigmoid"], [1.0, 0.0, np.nan, 0.5, 0.5], atol=1e-37)
    np.testing.assert_array_equal(results["tanh"], [1.0, -1.0, np.nan, 0.0, -0.0])
    log_2 = np.log(2.0)
    expected = [np.inf, 0.0, np.nan, log_2, log_2]
    np.testing.assert_allclose(results["softplus"], expected, rtol=1e-6, atol=1e-37)
    np.testing.assert_allclose(results["normal_cdf"], [1.0, 0.0, np.nan, 0.5, 0.5], atol=1e-6)
