"""The work that autoencoders really do, each workload once, as data: all benchmarks read it here.

Numbers of rows are multiples of the batch, so that all steps of a workload are alike. Training is
in float32 on shuffled batches that are gathered from the full array, with Adam's or SGD's state
kept from step to step; the loss is J as in `aecore.Network.objective_terms`.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

Layer: TypeAlias = tuple[NDArray[np.float32], NDArray[np.float32]]

# Losses that agree to this, relative, count as the same training.
LOSS_TOLERANCE = 1e-3
# The same where every implementation draws its own codes.
_DRAWN_TOLERANCE = 2e-2


@dataclass(frozen=True)
class Goal:
    """What aecore is held to, on one core: None where no goal is set.

    `best_peer` and `pytorch` are factors, `peak` is the fraction of the multiply-add peak,
    `microseconds` a limit on the time itself.
    """

    best_peer: float | None = None
    pytorch: float | None = None
    peak: float | None = None
    microseconds: float | None = None


class Windows(NamedTuple):
    """A layer that convolves: kernel 3 x 3, stride 2, a row and a column of zeros behind the image.

    A convolution reads the image and writes the code, a transposed one reads the code and writes
    the image. Weights have the shape (3, 3, channels of the image, channels of the code) for both.
    """

    image: tuple[int, int, int]
    code: tuple[int, int, int]
    transposed: bool

    @property
    def read(self) -> tuple[int, int, int]:
        """What the layer reads."""
        return self.code if self.transposed else self.image

    @property
    def written(self) -> tuple[int, int, int]:
        """What the layer writes."""
        return self.image if self.transposed else self.code

    @property
    def weights_shape(self) -> tuple[int, int, int, int]:
        """Shape of the weights."""
        return (3, 3, self.image[2], self.code[2])


@dataclass(frozen=True)
class Workload:
    """One piece of work.

    `kind` says what a unit is: "train", one step on a batch; "objective", J and its gradient over
    all rows; "latency", one row encoded by a call from Python; "encode", all rows encoded by one
    call; "recommend", the `n_recommended` best new items of all rows by one call.
    `rows` names the data of `benchmarks.rows`; `quick_rows` replaces `n_rows` in short runs.
    `density` is the part of X that sparse rows store, 1 for arrays.
    `channels` are those of layers that convolve at both ends, of images of shape `image`.
    `gaussian` makes the code that of a variational autoencoder: it has a second product for its log
    variance, J gains the divergence, and every implementation draws random numbers of its own.
    `input_scale` multiplies uint8 rows. `into` asks for results in an array made beforehand.
    """

    name: str
    kind: Literal["train", "objective", "latency", "encode", "recommend"]
    layer_sizes: tuple[int, ...]
    activations: tuple[str, ...]
    rows: Literal["mnist", "mnist-bytes", "patches", "uniform", "normal", "ratings", "ratings-ml"]
    n_rows: int
    quick_rows: int
    batch_size: int = 1
    optimizer: str = "adam"
    learning_rate: float = 1e-3
    loss: str = "squared_error"
    weight_decay: float = 0.0
    sparsity_weight: float = 0.0
    sparsity_target: float = 0.05
    input_scale: float = 1.0
    into: bool = False
    density: float = 1.0
    n_recommended: int = 0
    image: tuple[int, int, int] = (1, 1, 1)
    channels: tuple[int, ...] = ()
    gaussian: bool = False
    goal: Goal = Goal()

    @property
    def n_steps(self) -> int:
        """Steps of an epoch."""
        return self.n_rows // self.batch_size

    @property
    def unit(self) -> str:
        """What the time is given for."""
        names = {"train": "step", "objective": "evaluation", "latency": "call"}
        return names.get(self.kind, "pass")

    @property
    def hidden_layer_sizes(self) -> tuple[int, ...]:
        """The widths of the encoder, as the estimators take them; all networks are mirrored."""
        return self.layer_sizes[1 : len(self.layer_sizes) // 2 + 1]

    @property
    def sizes(self) -> list[tuple[int, int]]:
        """(n_in, n_out) of each layer."""
        return list(zip(self.layer_sizes[:-1], self.layer_sizes[1:], strict=True))

    @property
    def code_layer(self) -> int:
        """Index of the code among the layers."""
        return (len(self.sizes) - 1) // 2

    @property
    def products(self) -> list[tuple[int, int]]:
        """(n_in, n_out) of each weight matrix, as the parameters have them."""
        code = self.code_layer
        twice = self.sizes[code : code + 1] if self.gaussian else []
        return [*self.sizes[: code + 1], *twice, *self.sizes[code + 1 :]]

    @property
    def loss_tolerance(self) -> float:
        """How far losses of the same training may be apart, relative."""
        return _DRAWN_TOLERANCE if self.gaussian else LOSS_TOLERANCE

    @property
    def windows(self) -> list[Windows | None]:
        """What each product convolves, None for one that is dense."""
        shapes = [self.image]
        for n in self.channels:
            height, width, _ = shapes[-1]
            shapes.append((height // 2, width // 2, n))
        pairs = list(itertools.pairwise(shapes))
        n_dense = len(self.products) - 2 * len(pairs)
        encoder = [Windows(image, code, False) for image, code in pairs]
        decoder = [Windows(image, code, True) for image, code in reversed(pairs)]
        return [*encoder, *[None] * n_dense, *decoder]

    @property
    def shapes(self) -> list[tuple[tuple[int, ...], int]]:
        """Shape of the weights and length of the bias of each product."""
        return [
            (sizes, sizes[1]) if each is None else (each.weights_shape, each.written[2])
            for sizes, each in zip(self.products, self.windows, strict=True)
        ]

    def views(self, parameters: NDArray[np.float32]) -> list[Layer]:
        """Views (weight, bias) of flat parameters; a log variance's behind the mean's."""
        views, start = [], 0
        for shape, n_bias in self.shapes:
            middle = start + math.prod(shape)
            stop = middle + n_bias
            views.append((parameters[start:middle].reshape(shape), parameters[middle:stop]))
            start = stop
        return views

    @property
    def n_parameters(self) -> int:
        """Weights and biases."""
        return sum(math.prod(weights) + n_bias for weights, n_bias in self.shapes)

    @property
    def operations(self) -> float:
        """Floating point operations of the matrix products of one unit.

        Each weight takes part in the forward product, the weight gradient and, but for the first
        layer, the backward product: once for each row, or for each window of a convolution. In the
        first layer only the entries of X count.
        """
        weights: list[float] = [
            math.prod(shape) * (1 if each is None else each.code[0] * each.code[1])
            for (shape, _), each in zip(self.shapes, self.windows, strict=True)
        ]
        weights[0] *= self.density
        if self.kind == "train":
            return 2.0 * self.batch_size * (3 * sum(weights) - weights[0])
        if self.kind == "objective":
            return 2.0 * self.n_rows * (3 * sum(weights) - weights[0])
        return 2.0 * (1 if self.kind == "latency" else self.n_rows) * sum(weights)

    def quick(self) -> Workload:
        """The same work on `quick_rows` rows."""
        return replace(self, n_rows=self.quick_rows)


_RECOMMENDER = (20_000, 600, 200, 600, 20_000)
_DEEP = (784, 500, 500, 2000, 10, 2000, 500, 500, 784)

WORKLOADS = (
    Workload(
        "keras",
        "train",
        (784, 32, 784),
        ("relu", "sigmoid"),
        "mnist",
        n_rows=234 * 256,
        quick_rows=40 * 256,
        batch_size=256,
        loss="binary_cross_entropy",
        goal=Goal(best_peer=4.0, pytorch=4.0, peak=0.63),
    ),
    Workload(
        "sparse",
        "train",
        (784, 196, 784),
        ("sigmoid", "sigmoid"),
        "mnist",
        n_rows=234 * 256,
        quick_rows=20 * 256,
        batch_size=256,
        weight_decay=3e-3,
        sparsity_weight=3.0,
        sparsity_target=0.1,
        goal=Goal(best_peer=1.3, pytorch=3.5, peak=0.83),
    ),
    Workload(
        "patches",
        "objective",
        (64, 25, 64),
        ("sigmoid", "sigmoid"),
        "patches",
        n_rows=10_000,
        quick_rows=10_000,
        weight_decay=1e-4,
        sparsity_weight=3.0,
        sparsity_target=0.01,
        goal=Goal(best_peer=2.3, pytorch=6.0, peak=0.65),
    ),
    Workload(
        "deep",
        "train",
        _DEEP,
        ("relu",) * 7 + ("identity",),
        "mnist",
        n_rows=40 * 256,
        quick_rows=4 * 256,
        batch_size=256,
        goal=Goal(best_peer=1.2, pytorch=2.3, peak=0.80),
    ),
    Workload(
        "wide",
        "train",
        (1024, 4096, 1024),
        ("relu", "identity"),
        "normal",
        n_rows=16 * 512,
        quick_rows=2 * 512,
        batch_size=512,
        goal=Goal(best_peer=1.2, pytorch=2.2, peak=0.82),
    ),
    Workload(
        "conv",
        "train",
        (784, 3136, 1568, 32, 1568, 3136, 784),
        ("relu", "relu", "identity", "relu", "relu", "sigmoid"),
        "mnist",
        n_rows=80 * 128,
        quick_rows=8 * 128,
        batch_size=128,
        loss="binary_cross_entropy",
        image=(28, 28, 1),
        channels=(16, 32),
        goal=Goal(best_peer=1.5, pytorch=1.5),
    ),
    Workload(
        "vae",
        "train",
        (784, 400, 20, 400, 784),
        ("relu", "identity", "relu", "sigmoid"),
        "mnist",
        n_rows=468 * 128,
        quick_rows=40 * 128,
        batch_size=128,
        loss="binary_cross_entropy",
        gaussian=True,
        goal=Goal(best_peer=1.5),
    ),
    Workload(
        "ratings",
        "train",
        _RECOMMENDER,
        ("tanh", "tanh", "tanh", "softmax"),
        "ratings",
        n_rows=8 * 500,
        quick_rows=2 * 500,
        batch_size=500,
        loss="multinomial",
        density=0.0075,
        goal=Goal(best_peer=2.5, pytorch=2.5, peak=0.65),
    ),
    Workload(
        "ratings-ml",
        "train",
        (3_706, 600, 200, 600, 3_706),
        ("tanh", "tanh", "tanh", "softmax"),
        "ratings-ml",
        n_rows=12 * 500,
        quick_rows=2 * 500,
        batch_size=500,
        loss="multinomial",
        density=0.0447,
        goal=Goal(best_peer=2.5, pytorch=2.5, peak=0.65),
    ),
    Workload(
        "recommend",
        "recommend",
        _RECOMMENDER,
        ("tanh", "tanh", "tanh", "softmax"),
        "ratings",
        n_rows=10_000,
        quick_rows=2_000,
        loss="multinomial",
        density=0.0075,
        n_recommended=100,
        goal=Goal(best_peer=2.0),
    ),
    Workload(
        "recommend-200",
        "recommend",
        (20_000, 200, 20_000),
        ("tanh", "softmax"),
        "ratings",
        n_rows=10_000,
        quick_rows=2_000,
        loss="multinomial",
        density=0.0075,
        n_recommended=100,
        goal=Goal(best_peer=3.0),
    ),
    Workload(
        "online",
        "train",
        (784, 32, 784),
        ("sigmoid", "sigmoid"),
        "mnist",
        n_rows=20_000,
        quick_rows=2_000,
        batch_size=1,
        optimizer="sgd",
        learning_rate=0.01,
        goal=Goal(best_peer=3.0, pytorch=30.0),
    ),
    Workload(
        "online-dense",
        "train",
        (784, 32, 784),
        ("sigmoid", "sigmoid"),
        "uniform",
        n_rows=20_000,
        quick_rows=2_000,
        batch_size=1,
        optimizer="sgd",
        learning_rate=0.01,
        goal=Goal(best_peer=1.8, pytorch=30.0),
    ),
    Workload(
        "tabular",
        "train",
        (30, 16, 8, 16, 30),
        ("relu", "relu", "relu", "identity"),
        "normal",
        n_rows=20_000,
        quick_rows=100 * 32,
        batch_size=32,
        goal=Goal(best_peer=3.5, pytorch=50.0),
    ),
    Workload(
        "encode-one",
        "latency",
        (784, 32),
        ("relu",),
        "mnist",
        n_rows=1,
        quick_rows=1,
        goal=Goal(best_peer=2.0, pytorch=5.0, microseconds=1.5),
    ),
    Workload(
        "encode-one-out",
        "latency",
        (784, 32),
        ("relu",),
        "mnist",
        n_rows=1,
        quick_rows=1,
        into=True,
        goal=Goal(best_peer=2.0, pytorch=5.0, microseconds=1.5),
    ),
    Workload(
        "encode-all",
        "encode",
        (784, 32),
        ("relu",),
        "mnist",
        n_rows=60_000,
        quick_rows=20_000,
        goal=Goal(best_peer=1.6, pytorch=3.0),
    ),
    Workload(
        "encode-all-bytes",
        "encode",
        (784, 32),
        ("relu",),
        "mnist-bytes",
        n_rows=60_000,
        quick_rows=20_000,
        input_scale=1.0 / 255.0,
        goal=Goal(best_peer=3.0, pytorch=3.0),
    ),
)


def workload(name: str) -> Workload:
    """Find a workload by its name.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    for each in WORKLOADS:
        if each.name == name:
            return each
    msg = f"workload must be one of {', '.join(each.name for each in WORKLOADS)}; got {name!r}"
    raise ValueError(msg)
