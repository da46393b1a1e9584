"""JAX: an epoch is one jitted `lax.scan` over its batches, with donated buffers; optax updates."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from numpy.typing import NDArray

from benchmarks.peers.session import FullObjective, Implementation, Problem, Training
from benchmarks.workloads import Windows, Workload

_ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "identity": lambda z: z,
    "relu": jax.nn.relu,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
}


def make() -> Implementation:
    """Give the implementation."""
    return WithJax()


class WithJax(Implementation):
    """The documented way to train without leaving the device between steps."""

    def settings(self) -> dict[str, str]:
        return {
            "jax": jax.__version__,
            "optax": optax.__version__,
            "training": "jit of a scanned epoch, parameters and optimiser state donated",
            "encoding": "jit, rows on the device beforehand, block_until_ready",
            "sparse rows": "as arrays, on the device beforehand",
            "threads": "as many as cores: XLA counts those of its process",
        }

    def can(self, workload: Workload) -> bool:
        return workload.kind != "recommend"

    def training(self, problem: Problem) -> Training:
        return _Training(problem)

    def objective(self, problem: Problem) -> FullObjective:
        return _Objective(problem)

    def encoder(self, problem: Problem) -> tuple[Callable[[], Any], Callable[[], Any]]:
        workload = problem.workload
        layers = _layers(problem, problem.parameters)
        scale = np.float32(workload.input_scale)

        @jax.jit
        def encode(layers: Any, x: Any) -> Any:
            x = x if x.dtype == jnp.float32 else x.astype(jnp.float32) * scale
            return _outputs(workload, layers, x)[-1]

        X = jnp.asarray(problem.X[0] if workload.kind == "latency" else problem.X)
        if not workload.into:

            def call() -> Any:
                return encode(layers, X).block_until_ready()

            return call, call
        out = np.empty(workload.layer_sizes[-1], np.float32)

        def call_into() -> NDArray[np.float32]:
            out[:] = encode(layers, X)
            return out

        return call_into, call_into


def _layers(problem: Problem, parameters: NDArray[np.float32]) -> list[tuple[Any, Any]]:
    layers, start = [], 0
    for shape, n_bias in problem.workload.shapes:
        middle = start + math.prod(shape)
        stop = middle + n_bias
        weight = jnp.array(parameters[start:middle].reshape(shape))
        layers.append((weight, jnp.array(parameters[middle:stop])))
        start = stop
    return layers


def _outputs(workload: Workload, layers: Any, x: Any) -> list[Any]:
    """Layer outputs; logits for the last one before cross entropy and multinomial loss."""
    names = list(workload.activations)
    if workload.loss in ("binary_cross_entropy", "multinomial"):
        names[-1] = "identity"
    outputs = []
    for (weight, bias), name, each in zip(layers, names, workload.windows, strict=True):
        x = _ACTIVATIONS[name](_product(each, x, weight) + bias)
        if each is not None:
            x = x.reshape(*x.shape[:-3], -1)
        outputs.append(x)
    return outputs


def _product(each: Windows | None, x: Any, weight: Any) -> Any:
    """A dense product, or a convolution (NHWC, HWIO) or its adjoint."""
    if each is None:
        return x @ weight
    numbers = ("NHWC", "HWIO", "NHWC")
    if not each.transposed:
        x = x.reshape(-1, *each.image)
        return lax.conv_general_dilated(
            x, weight, (2, 2), ((0, 1), (0, 1)), dimension_numbers=numbers
        )
    kernel = jnp.flip(weight, (0, 1)).swapaxes(2, 3)
    return lax.conv_general_dilated(
        x.reshape(-1, *each.code),
        kernel,
        (1, 1),
        ((2, 1), (2, 1)),
        lhs_dilation=(2, 2),
        dimension_numbers=numbers,
    )


def _draw(mean: Any, v: Any, key: Any) -> tuple[Any, Any]:
    """A draw of a Gaussian code, and its divergence summed over rows."""
    z = mean + jnp.exp(0.5 * v) * jax.random.normal(key, v.shape)
    return z, 0.5 * (jnp.square(mean) + jnp.exp(v) - 1 - v).sum()


def _variational_loss(problem: Problem, layers: Any, x: Any, key: Any) -> Any:
    code, names = problem.workload.code_layer, problem.workload.activations
    values = x
    for (weight, bias), name in zip(layers[:code], names, strict=False):
        values = _ACTIVATIONS[name](values @ weight + bias)
    mean, v = (values @ weight + bias for weight, bias in layers[code : code + 2])
    values, divergence = _draw(mean, v, key)
    for (weight, bias), name in zip(layers[code + 2 : -1], names[code + 1 :], strict=False):
        values = _ACTIVATIONS[name](values @ weight + bias)
    logits = values @ layers[-1][0] + layers[-1][1]
    total = optax.losses.sigmoid_binary_cross_entropy(logits, x).sum()
    return (total + divergence) / x.shape[0]


def _loss(problem: Problem, layers: Any, x: Any, key: Any = None) -> Any:
    workload = problem.workload
    if workload.gaussian:
        return _variational_loss(problem, layers, x, key)
    outputs = _outputs(workload, layers, x)
    if workload.loss == "binary_cross_entropy":
        total = optax.losses.sigmoid_binary_cross_entropy(outputs[-1], x).sum()
    elif workload.loss == "multinomial":
        total = -(jax.nn.log_softmax(outputs[-1]) * x).sum()
    else:
        total = 0.5 * jnp.square(outputs[-1] - x).sum()
    result = total / x.shape[0]
    if workload.weight_decay:
        squares = sum(jnp.square(weight).sum() for weight, _ in layers)
        result += 0.5 * workload.weight_decay * squares
    if problem.sparse_layer >= 0:
        rho, mean = workload.sparsity_target, outputs[problem.sparse_layer].mean(0)
        kl = rho * jnp.log(rho / mean) + (1 - rho) * jnp.log((1 - rho) / (1 - mean))
        result += workload.sparsity_weight * kl.sum()
    return result


class _Training(Training):
    def __init__(self, problem: Problem) -> None:
        workload = problem.workload
        optimizer = {"adam": optax.adam, "sgd": optax.sgd}[workload.optimizer](
            workload.learning_rate
        )
        self._X = jnp.asarray(problem.X.toarray() if workload.density < 1 else problem.X)
        self._layers = _layers(problem, problem.parameters)
        self._state = optimizer.init(self._layers)
        value_and_grad = jax.value_and_grad(partial(_loss, problem))

        @partial(jax.jit, donate_argnums=(0, 1))
        def epoch(layers: Any, state: Any, X: Any, batches: Any, key: Any) -> Any:
            keys = jax.random.split(key, len(batches)) if workload.gaussian else None

            def step(carry: Any, drawn: Any) -> Any:
                layers, state = carry
                rows, key = drawn
                loss, gradients = value_and_grad(layers, X[rows], key)
                updates, state = optimizer.update(gradients, state, layers)
                return (optax.apply_updates(layers, updates), state), loss

            (layers, state), losses = lax.scan(step, (layers, state), (batches, keys))
            return layers, state, losses.mean()

        shape = (workload.n_steps, workload.batch_size)
        batches = jax.ShapeDtypeStruct(shape, jnp.int32)
        self._key = jax.random.key(0)
        self._compiled = epoch.lower(
            self._layers, self._state, self._X, batches, self._key
        ).compile()

    def epoch(self, batches: NDArray[np.int64]) -> float:
        self._key, key = jax.random.split(self._key)
        self._layers, self._state, loss = self._compiled(
            self._layers, self._state, self._X, jnp.asarray(batches, jnp.int32), key
        )
        return float(loss)


class _Objective(FullObjective):
    def __init__(self, problem: Problem) -> None:
        self._problem = problem
        self._X = jnp.asarray(problem.X)
        self._value_and_grad = jax.jit(jax.value_and_grad(partial(_loss, problem)))

    def set(self, parameters: NDArray[np.float32]) -> None:
        self._layers = _layers(self._problem, parameters)

    def evaluate(self) -> float:
        value, self._gradient = self._value_and_grad(self._layers, self._X)
        jax.block_until_ready(self._gradient)
        return float(value)

    def gradient(self) -> NDArray[np.float32]:
        pieces = [np.asarray(piece).ravel() for layer in self._gradient for piece in layer]
        return np.concatenate(pieces)
