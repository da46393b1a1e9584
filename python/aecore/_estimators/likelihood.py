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
from aecore._checks.sparse import is_sparse
from aecore._problem.input import InputSettings

if TYPE_CHECKING:
    from aecore.network import Network

Vector: TypeAlias = NDArray[np.float64]
Estimate: TypeAlias = "Callable[[Network, Likelihood, Any, int, np.random.Generator], Vector]"

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


def generator(seed: int) -> np.random.Generator:
    """Random numbers for one call."""
    return np.random.Generator(np.random.Philox(seed))


class _Block(NamedTuple):
    """Some rows with the distribution of their codes."""

    place: slice
    target: Any  # the scaled rows
    mean: Vector
    log_variance: Vector
    constant: Any  # of each row


def _blocks(network: Network, likelihood: Likelihood, rows: Any) -> Iterator[_Block]:
    for start in range(0, rows.shape[0], _BLOCK_ROWS):
        part = rows[start : start + _BLOCK_ROWS]
        with named({"X": "X"}, first_row=start):
            found = network.code_distribution(part)
        mean, log_variance = (each.astype(np.float64) for each in found)
        n_features: Any = network.layer_sizes[-1]
        if network._input.mask_missing:
            n_features = n_features - np.isnan(part).sum(axis=1)
        place = slice(start, start + part.shape[0])
        target = _scaled(part, network._input)
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

    def of(self, block: _Block) -> Iterator[tuple[Vector, Vector, Vector]]:
        """Yield, for each sample, epsilon, z = mean + exp(log_variance / 2) epsilon, row losses."""
        deviation = np.exp(block.log_variance / 2)
        for _ in range(self.n_samples):
            epsilon = self.draws.standard_normal(block.mean.shape)
            z = block.mean + deviation * epsilon
            with named({"target": "X"}, first_row=block.place.start):
                losses = self.decoder.row_losses(z, target=block.target, loss=self.loss)
            yield epsilon, z, losses


def elbo(
    network: Network,
    likelihood: Likelihood,
    rows: Any,
    n_samples: int,
    draws: np.random.Generator,
) -> Vector:
    """Mean of log p(x|z) over the draws, minus KL(q(z|x) || N(0, I)), of each row."""
    bound = np.empty(rows.shape[0])
    sampler = _Sampler(_decoder(network), likelihood.loss, n_samples, draws)
    for block in _blocks(network, likelihood, rows):
        variance = np.exp(block.log_variance)
        divergence = 0.5 * (block.mean**2 + variance - 1 - block.log_variance).sum(axis=1)
        mean_loss = sum(losses for _, _, losses in sampler.of(block)) / n_samples
        bound[block.place] = -mean_loss - block.constant - divergence
    return bound


def importance_weighted(
    network: Network,
    likelihood: Likelihood,
    rows: Any,
    n_samples: int,
    draws: np.random.Generator,
) -> Vector:
    """Estimate log p(x) of each row by the log of the mean of p(x, z) / q(z|x) over the draws."""
    result = np.empty(rows.shape[0])
    sampler = _Sampler(_decoder(network), likelihood.loss, n_samples, draws)
    for block in _blocks(network, likelihood, rows):
        sum_of_logs = np.full(block.mean.shape[0], -np.inf)
        for epsilon, z, losses in sampler.of(block):
            # log p(z) - log q(z|x): the constants cancel
            ratio = 0.5 * (epsilon**2 + block.log_variance - z**2).sum(axis=1)
            np.logaddexp(sum_of_logs, ratio - losses, out=sum_of_logs)
        result[block.place] = sum_of_logs - math.log(n_samples) - block.constant
    return result
