"""PyTorch, eager or through torch.compile: fused optimisers, denormals flushed, inference mode.

Sparse rows become arrays, a batch at a time, or enter through `EmbeddingBag`, which reads the
weights of their entries alone; its target is then those entries of the log softmax.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.peers.session import FullObjective, Implementation, Problem, Training
from benchmarks.workloads import Workload


class _Flat(nn.Module):
    """(n, channels, height, width) as rows in the order height, width, channels."""

    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


class _Image(nn.Module):
    """Rows as (n, channels, height, width), channels last in memory."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self._shape = shape

    def forward(self, x: Tensor) -> Tensor:
        return x.unflatten(1, self._shape).permute(0, 3, 1, 2)


_MODULES: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh}


def make(*, compiled: bool, sparse: bool = False) -> Implementation:
    """Give the implementation, with or without torch.compile; `sparse`: rows by their entries."""
    return WithTorch(compiled=compiled, sparse=sparse)


class WithTorch(Implementation):
    """The documented way to train and to serve on a CPU."""

    def __init__(self, *, compiled: bool, sparse: bool) -> None:
        self._compiled = compiled
        self._sparse = sparse
        self._inference: torch.inference_mode | None = None
        torch.set_flush_denormal(True)

    def settings(self) -> dict[str, str]:
        mode = "loss through torch.compile" if self._compiled else "eager"
        return {
            "torch": torch.__version__,
            "training": f"{mode}, fused Adam or SGD, gradients set to None, denormals flushed"
            + (", EmbeddingBag" if self._sparse else ""),
            "encoding": "inference_mode, tensors made beforehand"
            + (", torch.compile" if self._compiled else ""),
            "MKL, oneDNN": f"{torch.backends.mkl.is_available()}, "
            f"{torch.backends.mkldnn.is_available()}",
        }

    def can(self, workload: Workload) -> bool:
        if workload.kind == "recommend":
            return False
        return workload.density < 1 if self._sparse else True

    def training(self, problem: Problem) -> Training:
        self._begin(problem, inference=False)
        return _Training(problem, self._prepare, sparse=self._sparse)

    def objective(self, problem: Problem) -> FullObjective:
        self._begin(problem, inference=False)
        return _Objective(problem, self._prepare)

    def encoder(self, problem: Problem) -> tuple[Callable[[], Any], Callable[[], Any]]:
        self._begin(problem, inference=True)
        model = _model(problem).eval()
        scale = problem.workload.input_scale
        X = torch.from_numpy(problem.X)
        x = X[0] if problem.workload.kind == "latency" else X

        def encode(rows: Tensor) -> Tensor:
            return model(rows if rows.dtype == torch.float32 else rows.float().mul_(scale))

        encode = self._prepare(encode)
        if not problem.workload.into:
            return lambda: encode(x), lambda: encode(x).numpy()
        out = torch.empty(problem.workload.layer_sizes[-1])
        return lambda: out.copy_(encode(x)), lambda: out.copy_(encode(x)).numpy()

    def _begin(self, problem: Problem, *, inference: bool) -> None:
        """Set the threads, and inference mode for the whole workload: entering it takes 1 us."""
        torch.set_num_threads(problem.n_threads)
        if self._inference is not None:
            self._inference.__exit__(None, None, None)
            self._inference = None
        if inference:
            self._inference = torch.inference_mode()
            self._inference.__enter__()

    def _prepare(self, function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        return torch.compile(function) if self._compiled else function


class _Entries(NamedTuple):
    """Rows of a batch by their entries (CSR)."""

    indptr: Tensor
    columns: Tensor
    values: Tensor

    @property
    def shape(self) -> tuple[int]:
        return (len(self.indptr) - 1,)

    @property
    def rows(self) -> Tensor:
        return torch.repeat_interleave(torch.arange(*self.shape), self.indptr.diff())


class _EntriesLinear(nn.Module):
    """A linear layer of such rows."""

    def __init__(self, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> None:
        super().__init__()
        table = torch.from_numpy(weight.copy())
        self.table = nn.EmbeddingBag(*weight.shape, mode="sum", include_last_offset=True)
        self.table.weight = nn.Parameter(table)
        self.bias = nn.Parameter(torch.from_numpy(bias.copy()))

    def forward(self, x: _Entries) -> Tensor:
        found: Tensor = self.table(x.columns, x.indptr, per_sample_weights=x.values)
        return found + self.bias


def _linear(weight: NDArray[np.float32], bias: NDArray[np.float32]) -> nn.Linear:
    linear = nn.Linear(*weight.shape)
    with torch.no_grad():
        linear.weight.copy_(torch.from_numpy(weight.T.copy()))
        linear.bias.copy_(torch.from_numpy(bias))
    return linear


def _model(problem: Problem, *, sparse: bool = False) -> nn.Sequential:
    """Linear layers with the initial parameters; the loss applies the last sigmoid or softmax."""
    workload = problem.workload
    modules: list[nn.Module] = []
    names = list(workload.activations)
    if workload.loss in ("binary_cross_entropy", "multinomial"):
        names[-1] = "identity"
    if workload.channels:
        return _convolutional_model(problem, names)
    layers = [
        _EntriesLinear(weight, bias) if sparse and i == 0 else _linear(weight, bias)
        for i, (weight, bias) in enumerate(problem.layers())
    ]
    if workload.gaussian:
        code = workload.code_layer
        layers[code : code + 2] = [_Gaussian(*layers[code : code + 2])]
    for layer, name in zip(layers, names, strict=True):
        modules.append(layer)
        if name != "identity":
            modules.append(_MODULES[name]())
    return nn.Sequential(*modules)


class _Gaussian(nn.Module):
    """A draw of the code, and its divergence summed over rows."""

    def __init__(self, mean: nn.Module, log_variance: nn.Module) -> None:
        super().__init__()
        self.mean, self.log_variance = mean, log_variance

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        mean, v = self.mean(x), self.log_variance(x)
        z = mean + torch.exp(0.5 * v) * torch.randn_like(v)
        return z, 0.5 * torch.sum(mean.square() + v.exp() - 1 - v)


def _convolutional_model(problem: Problem, names: list[str]) -> nn.Sequential:
    """Layers that convolve with PyTorch's own padding.

    PyTorch puts the row and the column of zeros before the image, the workload behind it. Turning
    the images by 180 degrees, and with them the kernels and the rows of dense weights, takes one to
    the other: PyTorch computes the same numbers, and nobody has to pad images by hand.
    """
    modules: list[nn.Module] = [_Image(problem.workload.image)]
    before = None
    for (weights, biases), name, each in zip(
        problem.layers(), names, problem.workload.windows, strict=True
    ):
        values, bias = torch.from_numpy(weights.copy()), torch.from_numpy(biases.copy())
        made: nn.Conv2d | nn.ConvTranspose2d | nn.Linear
        if each is None:
            grid = problem.workload.windows[len(problem.workload.channels) - 1]
            assert grid is not None
            if before is not None:  # from images, which are turned
                values = values.view(*grid.code, -1).flip(0, 1).flatten(0, 2)
                modules.append(_Flat())
            else:
                values = values.view(-1, *grid.code).flip(1, 2).flatten(1)
                bias = bias.view(grid.code).flip(0, 1).flatten()
            made = nn.Linear(*values.shape)
            values = values.T
        elif each.transposed:
            if before is None:
                modules.append(_Image(each.code))
            made = nn.ConvTranspose2d(
                each.code[2], each.image[2], 3, stride=2, padding=1, output_padding=1
            )
            values = values.flip(0, 1).permute(3, 2, 0, 1)
        else:
            made = nn.Conv2d(each.image[2], each.code[2], 3, stride=2, padding=1)
            values = values.flip(0, 1).permute(3, 2, 0, 1)
        with torch.no_grad():
            made.weight.copy_(values)
            assert made.bias is not None
            made.bias.copy_(bias)
        before = each
        modules.append(made)
        if name != "identity":
            modules.append(_MODULES[name]())
    modules.append(_Flat())
    return nn.Sequential(*modules).to(memory_format=torch.channels_last)


def _turned(problem: Problem) -> Tensor:
    """Rows as the model takes them."""
    X = torch.from_numpy(problem.X)
    if not problem.workload.channels:
        return X
    images = X.unflatten(1, problem.workload.image)
    return images.flip(1, 2).flatten(1).contiguous()


def _loss(problem: Problem, model: nn.Sequential) -> Callable[[Tensor], Tensor]:
    workload = problem.workload
    sparse_output = -1
    if workload.sparsity_weight:  # every layer before it has an activation
        sparse_output = 2 * problem.sparse_layer + 1
    weights = [module.weight for module in model if isinstance(module, nn.Linear)]
    rho = workload.sparsity_target

    def loss(x: Tensor | _Entries) -> Tensor:
        values: Any = x
        code, divergence = None, None
        for i, module in enumerate(model):
            if isinstance(module, _Gaussian):
                values, divergence = module(values)
                continue
            values = module(values)
            if i == sparse_output:
                code = values
        if isinstance(x, _Entries):
            total = -(functional.log_softmax(values, 1)[x.rows, x.columns] * x.values).sum()
        elif workload.loss == "multinomial":
            total = -(functional.log_softmax(values, 1) * x).sum()
        elif workload.loss == "binary_cross_entropy":
            total = functional.binary_cross_entropy_with_logits(values, x, reduction="sum")
        else:
            total = 0.5 * functional.mse_loss(values, x, reduction="sum")
        if divergence is not None:
            total = total + divergence
        result: Tensor = total / x.shape[0]
        if code is not None:
            mean = code.mean(0)
            kl = rho * torch.log(rho / mean) + (1 - rho) * torch.log((1 - rho) / (1 - mean))
            result = result + workload.sparsity_weight * kl.sum()
        if workload.weight_decay:
            squares = sum(weight.square().sum() for weight in weights)
            result = result + 0.5 * workload.weight_decay * squares
        return result

    return loss


def _batches(problem: Problem, *, sparse: bool) -> Callable[[Any], Tensor | _Entries]:
    """Give a function that takes a batch's rows, by a number if it is one, else by a tensor."""
    if problem.workload.density == 1:
        X = _turned(problem)
        if problem.workload.batch_size == 1:
            return lambda row: X.narrow(0, row, 1)
        return lambda rows: X.index_select(0, rows)
    if not sparse:
        return lambda rows: torch.from_numpy(problem.X[rows.numpy()].toarray())

    def entries(rows: Tensor) -> _Entries:
        found = problem.X[rows.numpy()]
        index = (torch.from_numpy(each.astype(np.int64)) for each in (found.indptr, found.indices))
        return _Entries(*index, torch.from_numpy(found.data))

    return entries


class _Training(Training):
    def __init__(
        self, problem: Problem, prepare: Callable[..., Callable[..., Tensor]], *, sparse: bool
    ) -> None:
        workload = problem.workload
        model = _model(problem, sparse=sparse)
        self._batch = _batches(problem, sparse=sparse)
        self._one_row = workload.batch_size == 1
        self._loss = prepare(_loss(problem, model))
        make_optimizer = torch.optim.Adam if workload.optimizer == "adam" else torch.optim.SGD
        self._optimizer = make_optimizer(model.parameters(), lr=workload.learning_rate, fused=True)

    def epoch(self, batches: NDArray[np.int64]) -> float:
        total = torch.zeros(())
        # The number of a single row gives a view: nothing is gathered.
        orders = batches.ravel().tolist() if self._one_row else torch.from_numpy(batches)
        for rows in orders:
            loss = self._loss(self._batch(rows))
            loss.backward()
            self._optimizer.step()
            self._optimizer.zero_grad(set_to_none=True)
            total += loss.detach()
        return float(total) / len(batches)


class _Objective(FullObjective):
    def __init__(self, problem: Problem, prepare: Callable[..., Callable[..., Tensor]]) -> None:
        self._model = _model(problem)
        self._X = torch.from_numpy(problem.X)
        self._loss = prepare(_loss(problem, self._model))

    def _linear(self) -> list[nn.Linear]:
        return [module for module in self._model if isinstance(module, nn.Linear)]

    def set(self, parameters: NDArray[np.float32]) -> None:
        start = 0
        with torch.no_grad():
            for layer in self._linear():
                n_out, n_in = layer.weight.shape
                middle, stop = start + n_in * n_out, start + n_in * n_out + n_out
                weight = parameters[start:middle].reshape(n_in, n_out)
                layer.weight.copy_(torch.from_numpy(weight.T.copy()))
                layer.bias.copy_(torch.from_numpy(parameters[middle:stop].copy()))
                start = stop

    def evaluate(self) -> float:
        self._model.zero_grad(set_to_none=True)
        loss = self._loss(self._X)
        loss.backward()
        return loss.item()

    def gradient(self) -> NDArray[np.float32]:
        pieces = []
        for layer in self._linear():
            pieces += [layer.weight.grad.numpy().T.ravel(), layer.bias.grad.numpy()]
        return np.concatenate(pieces)
