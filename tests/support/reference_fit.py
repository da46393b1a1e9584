"""What `fit` does with minibatches, by `aecore.reference` from an estimator's parameters."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore import _core, reference
from aecore.optimizers import _as_optimizer
from aecore.reference._layers import layer_shapes
from aecore.schedules import _as_schedule

Vector = NDArray[np.float64]


class Fitted(NamedTuple):
    parameters: Vector
    loss: list[float]
    validation_loss: list[float]


class Updates:
    """The steps of an optimiser with its moments."""

    def __init__(
        self,
        params: dict[str, Any],
        sizes: list[int],
        gaussian: int | None,
        convolutions: Any = None,
    ) -> None:
        rule = _as_optimizer(params["optimizer"])
        self._name = rule.name
        self._settings = {**rule.settings(), "learning_rate": None}
        self._clip_norm = params["clip_norm"]
        self.rate = params["learning_rate"] or rule.settings()["learning_rate"] or 1 / sizes[-1]
        if self._name == "adamw":
            widths = [(math.prod(W), b) for W, b in layer_shapes(sizes, convolutions)]
            if gaussian is not None:
                widths.insert(gaussian, widths[gaussian])
            decay = [np.repeat([params["weight_decay"], 0.0], pair) for pair in widths]
            self._settings["weight_decay"] = np.concatenate(decay)
        self._moments: tuple[Any, ...] = (0.0,) * (2 if "adam" in self._name else 1)
        self._n = 0

    def step(self, parameters: Vector, gradient: Vector, rate: float) -> Vector:
        self._n += 1
        if self._clip_norm is not None:
            gradient = reference.clip_by_norm(gradient, self._clip_norm)
        settings = {**self._settings, "learning_rate": rate}
        if self._name == "sgd":
            return reference.sgd_step(parameters, gradient, learning_rate=rate)
        if self._name in ("momentum", "nesterov"):
            settings["nesterov"] = self._name == "nesterov"
            kind: Any = reference.momentum_step
        else:
            kind = getattr(reference, f"{self._name.removesuffix('w')}_step")
        count = (self._n,) if "adam" in self._name else ()
        parameters, *moments = kind(parameters, gradient, *self._moments, *count, **settings)
        self._moments = tuple(moments)
        return parameters


def start(
    params: dict[str, Any],
    sizes: list[int],
    names: list[str],
    settings: dict[str, Any],
    X: Vector,
    weight: Vector,
) -> Vector:
    """Weights by `initialization`; biases that start a sigmoid near the mean it has to produce.

    So does the softmax of rows of counts.
    """
    tied = params["tied_weights"]
    gaussian = settings["code_layer"] if settings["gaussian_code"] else None
    kinds: dict[str, Any] = {
        "tied_weights": tied,
        "gaussian_layer": gaussian,
        "convolutions": settings["convolutions"],
    }
    parameters = reference.initial_parameters(
        sizes, names, params["initialization"], seed=params["random_state"], **kinds
    )
    mean = np.nanmean(X, axis=0)
    scaling = settings["scaling"]
    mean = params["input_scale"] * mean if scaling is None else scaling.apply(mean)
    layers = reference.unpack(sizes, parameters, **kinds)[: len(names)]
    if params["sparsity_weight"] > 0:
        code = settings["code_layer"]
        for layer in [code] if params["sparsity_layers"] == "code" else range(len(names) - 1):
            W, b = layers[layer]
            if names[layer] == "sigmoid":
                shifts = layer == 0 and W.ndim == 2
                b[:] = logit(params["sparsity_target"]) - (mean @ W if shifts else 0)
    if names[-1] == "sigmoid":
        b = layers[-1][1]
        b[:] = logit(np.clip(mean.reshape(-1, len(b)).mean(axis=0), 1e-3, 1 - 1e-3))
    if params["log1p"]:
        layers[-1][1][:] = reference.start_biases(X, weight)
    return parameters


def logit(p: Any) -> Any:
    return np.log(p / (1 - p))


def shape(
    params: dict[str, Any], n_features: int, n_outputs: int
) -> tuple[list[int], list[str], int, Any]:
    """Layer sizes, activations, the index of the code, and convolutions if there are any."""
    if "channels" in params:
        return image_shape(params)
    hidden = list(np.atleast_1d(params["hidden_layer_sizes"]))
    decoder = params["decoder_layer_sizes"]
    decoder = hidden[-2::-1] if decoder is None else list(np.atleast_1d(decoder))
    sizes = [int(size) for size in (n_features, *hidden, *decoder, n_outputs)]
    names = [params["activation"]] * (len(sizes) - 2) + [params["output_activation"]]
    names[len(hidden) - 1] = params["code_activation"] or params["activation"]
    if params["gaussian_code"]:
        names[len(hidden) - 1] = "identity"
    return sizes, names, len(hidden) - 1, None


def image_shape(
    params: dict[str, Any],
) -> tuple[list[int], list[str], int, list[reference.Convolution | None]]:
    """What `shape` returns, of a network that convolves."""
    image = params["image_shape"]
    encoder: list[reference.Convolution] = []
    for n_channels in params["channels"]:
        shape = encoder[-1].code if encoder else (*image, 1)[:3]
        windows = {"kernel": params["kernel_size"], "stride": params["stride"]}
        encoder.append(reference.convolution_of(shape, n_channels, **windows))
    decoder = [each._replace(transposed=True) for each in encoder[::-1]]
    dense: list[None] = [] if params["code_size"] is None else [None, None]
    kinds = [*encoder, *dense, *decoder]
    sizes = [math.prod(encoder[0].image), *(math.prod(each.code) for each in encoder)]
    code = len(encoder) - 1
    if dense:
        sizes += [params["code_size"], sizes[-1]]
        code += 1
    sizes += [math.prod(each.image) for each in decoder]
    names = [params["activation"]] * (len(kinds) - 1) + [params["output_activation"]]
    names[code] = params["code_activation"] or params["activation"]
    return sizes, names, code, kinds


def split(n: int, fraction: float, seed: int) -> tuple[Any, Any]:
    """Rows to learn from, and rows that are held back."""
    order = np.random.default_rng(seed).permutation(n)
    n_held = round(fraction * n)
    return np.sort(order[n_held:]), np.sort(order[:n_held])


def weights_of(params: dict[str, Any], X: Vector, rows: Any, given: Vector | None) -> Vector:
    """The weights of all rows; of counts, those of long ones among the rows to learn from."""
    weight = np.ones(len(X)) if given is None else given.copy()
    if params["log1p"]:
        weight[rows] = reference.long_row_weights(X[rows], weight[rows])
    return weight


def settings_of(params: dict[str, Any], code: int, convolutions: Any) -> dict[str, Any]:
    """The reference's settings among the parameters."""
    settings = {
        name: params[name]
        for name in reference.Settings.__annotations__ | reference.Inference.__annotations__
        if name in params
    }
    settings["code_layer"], settings["seed"] = code, params["random_state"]
    settings["convolutions"] = convolutions
    return settings


def fit(
    params: dict[str, Any], X: Vector, target: Vector | None = None, weight: Vector | None = None
) -> Fitted:
    """Train on X as an estimator with these parameters does; `weight` are sample weights.

    A variational one has `gaussian_code`, and `warm_up` as a schedule of its beta.
    """
    drawn = {"gaussian_code": False, "warm_up": None, "beta": 1.0, "free_bits": 0.0}
    params = {**drawn, "log1p": False, **params}
    seed = params["random_state"]
    sizes, names, code, convolutions = shape(
        params, X.shape[1], (X if target is None else target).shape[1]
    )
    rows, held = split(len(X), params["validation_fraction"], seed)
    weight = weights_of(params, X, rows, weight)
    settings = settings_of(params, code, convolutions)
    settings["scaling"] = reference.fit_scaling(X[rows], params["scale"])
    if params["optimizer"] == "adamw":
        settings["weight_decay"] = 0.0
    updates = Updates(params, sizes, code if params["gaussian_code"] else None, convolutions)
    parameters = start(params, sizes, names, settings, X[rows], weight[rows])
    schedule = _as_schedule(params["learning_rate_schedule"])
    judged = (*reference.Inference.__annotations__, "loss", "beta", "free_bits", "seed")
    data_term = {"rows": held, **{name: settings[name] for name in judged}}
    warm_up = _as_schedule(params["warm_up"])
    fitted = Fitted(parameters, [], [])
    running: dict[int, Vector] = {}
    best, lowest, level, waited = parameters, np.inf, np.inf, 0
    for epoch in range(params["n_epochs"]):
        order = _core.permutation(len(rows), seed, epoch) if params["shuffle"] else slice(None)
        rate = updates.rate * schedule(epoch, params["n_epochs"], fitted._asdict())
        beta = params["beta"] * warm_up(epoch, params["n_epochs"], fitted._asdict())
        total = 0.0
        shuffled = rows[order]
        for first in range(0, len(rows), params["batch_size"]):
            batch = shuffled[first : first + params["batch_size"]]
            given = {**settings, "epoch": epoch, "rows": batch, "sparsity_running": running}
            given |= {"beta": beta, "sample_weight": weight[batch]}
            if target is not None:
                given["target"] = target[batch]
            arguments = (sizes, names, parameters, X[batch])
            loss, gradient = reference.objective_and_gradient(*arguments, **given)
            running = reference.training_mean_activations(*arguments, **given)
            parameters = updates.step(parameters, gradient, rate)
            total += loss * len(batch)
        fitted.loss.append(total / len(rows))
        if len(held):
            if target is not None:
                data_term["target"] = target[held]
            loss = reference.objective(sizes, names, parameters, X[held], **data_term)
            fitted.validation_loss.append(loss)
        if not params["early_stopping"]:
            continue
        watched = (fitted.validation_loss or fitted.loss)[-1]
        if watched < lowest:
            lowest, best = watched, parameters
        waited = waited + 1 if watched >= level * (1 - params["tolerance"]) else 0
        level = level if waited else watched
        if waited >= params["patience"]:
            break
    return fitted._replace(parameters=best if params["early_stopping"] else parameters)
