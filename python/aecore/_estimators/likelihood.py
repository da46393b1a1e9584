"""The likelihoods of variational autoencoders, and estimates of log p(x) by drawing codes.

References
----------
D. P. Kingma, M. Welling, "Auto-encoding variational Bayes", ICLR 2014, eq. 7.
Y. Burda, R. Grosse, R. Salakhutdinov, "Importance weighted autoencoders", ICLR 2016, eq. 8.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from aecore._checks.naming import named
from aecore._checks.sparse import is_sparse, summable
from aecore._problem.input import InputSettings

if TYPE_CHECKING:
    from aecore._training.data import TrainingData
    from aecore.network import Network

Vector: TypeAlias = NDArray[np.float64]
Estimate: TypeAlias = "Callable[[Network, Likelihood, Rows, int, np.random.Generator], Vector]"

# Rows whose codes are drawn together; the draws depend on it.
_BLOCK_ROWS = 1000


class Likelihood(NamedTuple):
    """log p(x|z) of a row is minus its loss, minus a constant for each feature."""

    loss: str
    output_activation: str
    constant: float = 0.0


LIKELIHOODS = {
    "bernoulli": Likelihood("binary_cross_entropy", "sigmoid"),
    "gaussian": Likelihood("squared_error", "identity", 0.5 * math.log(2 * math.pi)),
    "multinomial": Likelihood("multinomial", "softmax"),
}


def by_output(activation: str | None) -> str | None:
    """Name the likelihood of a network by the activation of its output."""
    found = (name for name, each in LIKELIHOODS.items() if each.output_activation == activation)
    return next(found, None)


def is_of_bits(data: TrainingData, scale: str | None, input_scale: float) -> bool:
    """Whether all that is to be reconstructed lies in [0, 1], validation rows included."""
    parts = [(data.X, data.target)]
    if data.validation is not None:
        parts.append(data.validation[:2])
    bounds = [_range(X if target is None else target) for X, target in parts]
    low, high = min(low for low, _ in bounds), max(high for _, high in bounds)
    if scale == "maxabs":
        return low >= 0
    factor = input_scale if data.target is None else 1.0
    return scale is None and low >= 0 and high * factor <= 1


def _range(rows: Any) -> tuple[float, float]:
    """The smallest and the largest number, NaN left out."""
    if not is_sparse(rows):
        return float(np.fmin.reduce(rows, axis=None)), float(np.fmax.reduce(rows, axis=None))
    if not rows.has_canonical_format:  # duplicates count with their sum
        rows = summable(rows).copy()
        rows.sum_duplicates()
    numbers = np.append(rows.data, 0)
    return float(np.fmin.reduce(numbers)), float(np.fmax.reduce(numbers))


def generator(seed: int) -> np.random.Generator:
    """Random numbers for one call."""
    return np.random.Generator(np.random.Philox(seed))


class Rows(NamedTuple):
    """Rows, and what they are to make: `target`, or the rows themselves, scaled."""

    X: Any
    target: Any = None


class _Block(NamedTuple):
    """Some rows with the distribution of their codes."""

    place: slice
    target: Any
    mean: Vector
    log_variance: Vector
    constant: Any  # of each row


def _blocks(network: Network, likelihood: Likelihood, rows: Rows) -> Iterator[_Block]:
    for start in range(0, rows.X.shape[0], _BLOCK_ROWS):
        part = rows.X[start : start + _BLOCK_ROWS]
        place = slice(start, start + part.shape[0])
        with named({"X": "X"}, first_row=start):
            found = network.code_distribution(part)
        mean, log_variance = (each.astype(np.float64) for each in found)
        compared = part if rows.target is None else rows.target[place]
        n_features: Any = network.layer_sizes[-1]
        if network._input.mask_missing:
            n_features = n_features - np.isnan(compared).sum(axis=1)
        target = _scaled(part, network._input) if rows.target is None else compared
        yield _Block(place, target, mean, log_variance, likelihood.constant * n_features)


def _scaled(rows: Any, entry: InputSettings) -> Any:
    if entry.offset is None and entry.input_scale == 1:
        return rows
    if is_sparse(rows):
        factor = entry.input_scale if entry.factor is None else entry.factor
        scaled = rows.astype(np.float64).multiply(factor).tocsr()
        np.clip(scaled.data, entry.low, entry.high, out=scaled.data)
        return scaled
    return entry.apply(np.asarray(rows, dtype=np.float64))


def _decoder(network: Network) -> Network:
    decoder = network.decoder
    decoder._input = replace(InputSettings(), mask_missing=network._input.mask_missing)
    return decoder


@dataclass(frozen=True)
class _Sampler:
    """Draws z from q(z|x) and computes what a draw costs: minus log p(x|z) but for the constant."""

    decoder: Network
    loss: str
    n_samples: int
    draws: np.random.Generator
    name: str  # of what the output is compared with, for errors

    def of(self, block: _Block) -> Iterator[tuple[Vector, Vector, Vector]]:
        """Yield, for each sample, epsilon, z = mean + exp(log_variance / 2) epsilon, row losses."""
        deviation = np.exp(block.log_variance / 2)
        for _ in range(self.n_samples):
            epsilon = self.draws.standard_normal(block.mean.shape)
            z = block.mean + deviation * epsilon
            with named({"target": self.name}, first_row=block.place.start):
                losses = self.decoder.row_losses(z, target=block.target, loss=self.loss)
            yield epsilon, z, losses


def _sampler(
    network: Network,
    likelihood: Likelihood,
    rows: Rows,
    n_samples: int,
    draws: np.random.Generator,
) -> _Sampler:
    name = "X" if rows.target is None else "target"
    return _Sampler(_decoder(network), likelihood.loss, n_samples, draws, name)


def elbo(
    network: Network,
    likelihood: Likelihood,
    rows: Rows,
    n_samples: int,
    draws: np.random.Generator,
) -> Vector:
    """Mean of log p(x|z) over the draws, minus KL(q(z|x) || N(0, I)), of each row."""
    bound = np.empty(rows.X.shape[0])
    sampler = _sampler(network, likelihood, rows, n_samples, draws)
    for block in _blocks(network, likelihood, rows):
        variance = np.exp(block.log_variance)
        divergence = 0.5 * (block.mean**2 + variance - 1 - block.log_variance).sum(axis=1)
        mean_loss = sum(losses for _, _, losses in sampler.of(block)) / n_samples
        bound[block.place] = -mean_loss - block.constant - divergence
    return bound


def importance_weighted(
    network: Network,
    likelihood: Likelihood,
    rows: Rows,
    n_samples: int,
    draws: np.random.Generator,
) -> Vector:
    """Estimate log p(x) of each row by the log of the mean of p(x, z) / q(z|x) over the draws."""
    result = np.empty(rows.X.shape[0])
    sampler = _sampler(network, likelihood, rows, n_samples, draws)
    for block in _blocks(network, likelihood, rows):
        sum_of_logs = np.full(block.mean.shape[0], -np.inf)
        for epsilon, z, losses in sampler.of(block):
            # log p(z) - log q(z|x): the constants cancel
            ratio = 0.5 * (epsilon**2 + block.log_variance - z**2).sum(axis=1)
            np.logaddexp(sum_of_logs, ratio - losses, out=sum_of_logs)
        result[block.place] = sum_of_logs - math.log(n_samples) - block.constant
    return result
