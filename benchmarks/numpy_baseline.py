"""What a careful NumPy user would write: float32, buffers made once, everything in place.

It is the baseline of all benchmarks and does not change with aecore. The formulas, one by one and
in float64, are in `aecore.reference`; here they are merged and reordered for speed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.numpy_products import Convolution, Dense, Floats
from benchmarks.workloads import Workload

_BETA_1, _BETA_2, _EPSILON = 0.9, 0.999, 1e-8
# Elements of one piece of the update: six arrays of it stay in a second-level cache.
_PIECE = 1 << 15
# Rows encoded at once, for the same reason.
_BLOCK = 1024


class NumpyNetwork:
    """A workload's network: parameters, gradient and optimiser state, each one flat array.

    Parameters
    ----------
    workload : Workload
    parameters : ndarray of shape (n_parameters,), float32
        Copied; in the order W1, b1, W2, b2, ..., in the shapes of the workload.
    n_rows : int
        Rows of a batch.
    """

    def __init__(self, workload: Workload, parameters: Floats, n_rows: int) -> None:
        self.workload = workload
        self.parameters = np.array(parameters, np.float32)
        self.gradient = np.zeros_like(self.parameters)
        self._layers = workload.views(self.parameters)
        self._gradients = workload.views(self.gradient)
        self._products = [
            Dense() if windows is None else Convolution(windows, n_rows)
            for windows in workload.windows
        ]
        self._code = -1
        if workload.gaussian:
            self._code = workload.code_layer
            self._log_variance = self._layers.pop(self._code + 1)
            self._log_variance_gradient = self._gradients.pop(self._code + 1)
            del self._products[self._code + 1]
            self._random = np.random.default_rng(0)
        self._outputs = [np.empty((n_rows, n), np.float32) for n in workload.layer_sizes]
        self._deltas = [np.empty_like(output) for output in self._outputs]
        self._scratch = np.empty(n_rows * max(workload.layer_sizes), np.float32)
        self._moments = np.zeros((2, self.parameters.size), np.float32)
        self._pieces = np.empty((2, min(_PIECE, self.parameters.size)), np.float32)
        self._n_updates = 0

    def train_epoch(self, X: Any, batches: NDArray[np.int64]) -> float:
        """Take a step for each row of `batches` (n_steps, batch_size); return the mean of J."""
        total = 0.0
        for rows in batches:
            if self.workload.density < 1:
                X[rows].toarray(out=self._outputs[0])
            else:
                np.take(X, rows, axis=0, out=self._outputs[0], mode="clip")
            total += self._objective_and_gradient(self._outputs[0])
            self._update()
        return total / len(batches)

    def objective_and_gradient(self, X: Floats) -> float:
        """J over the rows of X, as many as the network was made for; fills `gradient`."""
        return self._objective_and_gradient(X)

    def encode(self, X: NDArray[Any], out: Floats) -> Floats:
        """Apply dense layers to the rows of X, block by block; the last output goes into `out`."""
        scale = np.float32(self.workload.input_scale)
        for start in range(0, X.shape[0], _BLOCK):
            block = X[start : start + _BLOCK]
            values: NDArray[Any] = block
            if block.dtype != np.float32:
                values = np.multiply(block, scale)
            for (weight, bias), name in zip(self._layers, self.workload.activations, strict=True):
                last = weight is self._layers[-1][0]
                target = out[start : start + _BLOCK] if last else None
                values = np.matmul(values, weight, out=target)
                values += bias
                activate(name, values)
        return out

    def _objective_and_gradient(self, x: Floats) -> float:
        self._forward(x)
        total = self._loss_and_last_delta(x) + self._weight_decay()
        n_rows = np.float32(x.shape[0])
        for i in reversed(range(len(self._layers))):
            if i < len(self._layers) - 1:
                total += self._divergence if i == self._code else self._sparsity(i)
                self._through_activation(i)
            by_log_variance = self._back_through_draw(i, n_rows) if i == self._code else None
            delta = self._deltas[i + 1]
            weight, bias = self._gradients[i]
            self._products[i].by_weight(self._outputs[i] if i else x, delta, weight)
            delta.reshape(-1, bias.size).sum(axis=0, out=bias)
            weight /= n_rows
            bias /= n_rows
            if self.workload.weight_decay:
                weight += np.float32(self.workload.weight_decay) * self._layers[i][0]
            if i:
                self._products[i].by_input(delta, self._layers[i][0], self._deltas[i])
                if by_log_variance is not None:
                    self._deltas[i] += by_log_variance @ self._log_variance[0].T
        return total

    def _forward(self, x: Floats) -> None:
        values = x
        last = len(self._layers) - 1
        for i, (weight, bias) in enumerate(self._layers):
            self._products[i].forward(values, weight, self._outputs[i + 1])
            values = self._outputs[i + 1]
            values.reshape(-1, bias.size)[:] += bias
            if i < last or self.workload.loss != "binary_cross_entropy":
                activate(self.workload.activations[i], values)
            if i == self._code:
                self._draw(i)

    def _draw(self, i: int) -> None:
        """Put a draw in the mean's place; keep what the way back needs."""
        mean = self._outputs[i + 1]
        v = self._outputs[i] @ self._log_variance[0]
        v += self._log_variance[1]
        deviation = np.exp(np.float32(0.5) * v)
        noise = self._random.standard_normal(v.shape, np.float32)
        noise *= deviation
        self._excess = deviation * deviation - np.float32(1.0)
        self._mean = mean.copy()
        total = float(np.dot(mean.reshape(-1), mean.reshape(-1)))
        self._divergence = 0.5 * (total + float((self._excess - v).sum())) / mean.shape[0]
        mean += noise
        self._slope = noise
        self._slope *= np.float32(0.5)

    def _loss_and_last_delta(self, x: Floats) -> float:
        output, delta = self._outputs[-1], self._deltas[-1]
        if self.workload.loss == "multinomial":  # `output` holds softmax's
            n = x.sum(axis=1, keepdims=True)
            np.log(np.maximum(output, np.finfo(np.float32).tiny, out=delta), out=delta)
            total = -float(np.dot(delta.reshape(-1), x.reshape(-1)))
            np.multiply(output, n, out=delta)
            delta -= x
            return float(total / x.shape[0])
        if self.workload.loss == "binary_cross_entropy":  # `output` holds logits
            scratch = self._scratch_like(output)
            decay = np.abs(output, out=delta)
            np.exp(np.negative(decay, out=decay), out=decay)
            total = float(np.log1p(decay, out=scratch).sum())
            total += float(np.maximum(output, 0.0, out=scratch).sum())
            total -= float(np.dot(output.reshape(-1), x.reshape(-1)))
            decay += 1.0
            np.divide(1.0, decay, out=scratch)  # the sigmoid of |output|
            scratch -= 0.5
            np.copysign(scratch, output, out=delta)
            delta += 0.5
            delta -= x
            return float(total / x.shape[0])
        np.subtract(output, x, out=delta)
        flat = delta.reshape(-1)
        total = 0.5 * float(np.dot(flat, flat))
        self._through_activation(len(self._layers) - 1)
        return float(total / x.shape[0])

    def _through_activation(self, i: int) -> None:
        output, delta = self._outputs[i + 1], self._deltas[i + 1]
        name = self.workload.activations[i]
        if name == "relu":
            delta *= output > 0.0
        elif name == "tanh":
            scratch = np.multiply(output, output, out=self._scratch_like(output))
            delta *= np.subtract(1.0, scratch, out=scratch)
        elif name == "sigmoid":
            delta *= output
            delta *= np.subtract(1.0, output, out=self._scratch_like(output))

    def _back_through_draw(self, i: int, n_rows: np.float32) -> Floats:
        """Turn dJ/dz into dJ/dmean; return dJ/dlog_variance, whose weights get their gradient."""
        delta = self._deltas[i + 1]  # dJ/dz
        by_log_variance = delta * self._slope
        by_log_variance += np.float32(0.5) * self._excess
        delta += self._mean
        weight, bias = self._log_variance_gradient
        np.matmul(self._outputs[i].T, by_log_variance, out=weight)
        by_log_variance.sum(axis=0, out=bias)
        weight /= n_rows
        bias /= n_rows
        return by_log_variance

    def _scratch_like(self, values: Floats) -> Floats:
        return self._scratch[: values.size].reshape(values.shape)

    def _weight_decay(self) -> float:
        if not self.workload.weight_decay:
            return 0.0
        squares = sum(float(np.dot(w.reshape(-1), w.reshape(-1))) for w, _ in self._layers)
        return 0.5 * self.workload.weight_decay * squares

    def _sparsity(self, i: int) -> float:
        """Add the KL term's part to the gradient at the code's output; return the term."""
        beta, rho = self.workload.sparsity_weight, self.workload.sparsity_target
        if not beta or i != (len(self._layers) - 1) // 2:
            return 0.0
        mean = self._outputs[i + 1].mean(axis=0)
        # The sum over rows is divided by their number with the weights, hence no 1/m here.
        self._deltas[i + 1] += np.float32(beta) * ((1.0 - rho) / (1.0 - mean) - rho / mean)
        term = rho * np.log(rho / mean) + (1.0 - rho) * np.log((1.0 - rho) / (1.0 - mean))
        return beta * float(term.sum())

    def _update(self) -> None:
        rate = self.workload.learning_rate
        if self.workload.optimizer == "sgd":
            self.gradient *= np.float32(rate)
            self.parameters -= self.gradient
            return
        self._n_updates += 1
        t = self._n_updates
        # With both corrections of the bias in scalars, a piece takes nine passes.
        root = (1.0 - _BETA_2**t) ** 0.5
        step = np.float32(rate * root / (1.0 - _BETA_1**t))
        epsilon = np.float32(_EPSILON * root)
        for start in range(0, self.parameters.size, _PIECE):
            piece = slice(start, start + _PIECE)
            g, m, v = self.gradient[piece], self._moments[0, piece], self._moments[1, piece]
            a, b = self._pieces[:, : g.size]
            m += np.multiply(np.subtract(g, m, out=a), np.float32(1.0 - _BETA_1), out=a)
            np.multiply(g, g, out=a)
            v += np.multiply(np.subtract(a, v, out=a), np.float32(1.0 - _BETA_2), out=a)
            np.sqrt(v, out=b)
            b += epsilon
            np.divide(m, b, out=b)
            b *= step
            self.parameters[piece] -= b


def activate(name: str, values: Floats) -> None:
    """Apply an activation in place."""
    if name == "relu":
        np.maximum(values, 0.0, out=values)
    elif name == "tanh":
        np.tanh(values, out=values)
    elif name == "softmax":
        values -= values.max(axis=1, keepdims=True)
        np.exp(values, out=values)
        values /= values.sum(axis=1, keepdims=True)
    elif name == "sigmoid":
        np.negative(values, out=values)
        with np.errstate(over="ignore"):  # exp(89) is infinity, and 1 / (1 + infinity) is right
            np.exp(values, out=values)
        values += 1.0
        np.divide(1.0, values, out=values)
