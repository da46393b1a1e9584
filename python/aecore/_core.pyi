"""The compiled core. Private: `aecore.Network` and the estimators are the way to all of it.

`parameters`, `gradient` and each row of `optimizer_state` are 1-D C-contiguous arrays of one dtype
(float32 or float64), laid out W1 (n_in x n_out, C order), b1, W2, b2, ...  `X` and `target` are 2-D
arrays of any real dtype, byte order and strides, or sparse rows; rows are converted as they are
gathered, never as a whole. Every call releases the GIL while it computes, answers Ctrl-C within
0.2 s, and raises `ValueError` (value, shape, NaN) or `TypeError` (complex, string, object) with a
full sentence.
"""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, TypeAlias, TypeVar

import numpy as np
from numpy.typing import NDArray
from typing_extensions import dataclass_transform

Array: TypeAlias = NDArray[Any]
# An array, or sparse rows: SciPy's CSR matrices and arrays, of which `data`, `indices`, `indptr`
# and `shape` are read.
Rows: TypeAlias = Any
_R = TypeVar("_R")
_T = TypeVar("_T")

ACTIVATIONS: tuple[str, ...]
LOSSES: tuple[str, ...]
NOISES: tuple[str, ...]
OPTIMIZERS: tuple[str, ...]
# The terms of J, in the order in which they are added.
TERMS: tuple[str, ...]
# Log variances of Gaussian codes are cut to plus and minus this.
LOG_VARIANCE_LIMIT: float

@dataclass_transform(kw_only_default=True)
def _options(cls: type[_T]) -> type[_T]:
    """Made by keywords; every field can be read and set, and a number out of its range is an error
    at once. `__fields__` are the names, `__rules__` what those of numbers must be."""

@_options
class Input:
    """What happens to rows of X: x' = input_scale x or, where they are given, (x - offset) * factor
    by column, in float64 and limited to [`low`, `high`]; with `log1p` sign(x') log(1 + |x'|)
    enters, with `mask_missing` NaN as 0 and the other numbers of its row times
    n_features / n_observed, otherwise it is an error."""

    __fields__: ClassVar[tuple[str, ...]]
    input_scale: float = 1.0
    offset: Sequence[float] | NDArray[np.float64] = ()
    factor: Sequence[float] | NDArray[np.float64] = ()
    mask_missing: bool = False
    low: float = -1e999
    high: float = 1e999
    log1p: bool = False

@_options
class Noise:
    """How the input is corrupted in training: `kind` is one of NOISES or None, `level` a
    probability or the factor on N(0, 1) or U(-1, 1), `emphasis` the weight in the loss of features
    whose input is corrupted."""

    __fields__: ClassVar[tuple[str, ...]]
    kind: str | None = None
    level: float = 0.0
    emphasis: float = 1.0

@_options
class Objective:
    """What is minimised: J of `aecore.reference`. `sparsity_layers` index the layer outputs
    (0 is the first hidden layer); `input` changes X in the gather, and the target when it is X
    itself (a separate target is taken as it is). With `input.mask_missing` NaN in the target is
    left out. Noise and dropout are keyed by (seed, epoch, row of X, column); noise leaves the
    target clean. `train` counts its own epochs; `row_losses` and validation know neither of them,
    nor penalties. `observed_only`: entries that a sparse target does not hold are left out of the
    loss. A Gaussian code is drawn by (seed, epoch, row of X, unit) unless `draws_code` is False, as
    it is for `row_losses`, which takes its mean; validation draws it too, with epoch 0. `warm_up`
    is a factor on `beta`; `on_epoch` of `train` may set it, for the epochs that follow."""

    __fields__: ClassVar[tuple[str, ...]]
    __rules__: ClassVar[dict[str, str]]
    loss: str = "squared_error"
    weight_decay: float = 0.0
    sparsity_weight: float = 0.0
    sparsity_target: float = 0.05
    sparsity_layers: Sequence[int] = ()
    sparsity_momentum: float = 0.0
    weight_l1: float = 0.0
    activity_l1: float = 0.0
    contractive_weight: float = 0.0
    draws_code: bool = True
    beta: float = 1.0
    free_bits: float = 0.0
    clustering_weight: float = 1.0
    code_layer: int = -1
    input: Input = ...
    noise: Noise = ...
    observed_only: bool = False
    trim_fraction: float = 0.0
    dropout: float = 0.0
    seed: int = 0
    warm_up: float = 1.0

@_options
class Optimizer:
    """Minibatch update rule, one of OPTIMIZERS. Settings that its formula does not have are not
    looked at; `weight_decay` is the decoupled one of adamw, `clip_norm` 0 clips nothing. `on_epoch`
    of `train` may set `learning_rate`, for the epochs that follow."""

    __fields__: ClassVar[tuple[str, ...]]
    name: str = "adam"
    learning_rate: float = 1e-3
    momentum: float = 0.9
    rho: float = 0.99
    beta_1: float = 0.9
    beta_2: float = 0.999
    epsilon: float = 1e-8
    weight_decay: float = 0.0
    clip_norm: float = 0.0

    @property
    def n_slots(self) -> int:
        """Rows of `optimizer_state`: 0 for sgd, 2 (m, v) for adam and adamw, 1 for the others."""

@_options
class Schedule:
    """How rows become batches. Epochs are numbered from `first_epoch`, updates from `first_step`,
    so that training in pieces draws the same numbers as training in one go. Up to
    `epochs_per_report` epochs wait for their `on_epoch`, at most about 25 ms."""

    __fields__: ClassVar[tuple[str, ...]]
    batch_size: int = 256
    n_epochs: int = 1
    shuffle: bool = True
    seed: int = 0
    first_epoch: int = 0
    first_step: int = 0
    epochs_per_report: int = 1

class Data:
    """The rows of one call, as the caller has them: nothing is copied or cast. `target` None is X
    itself; `rows` are the indices of those to take (None: all). `sample_weight` (float64) and
    `target_distribution` (n_rows x n_clusters, any real dtype, for a network with clusters) have an
    entry for every row of X. The network that takes the data checks the arrays."""

    def __init__(
        self,
        X: Rows,
        *,
        target: Rows | None = None,
        sample_weight: NDArray[np.float64] | None = None,
        rows: NDArray[np.int64] | None = None,
        target_distribution: Array | None = None,
    ) -> None: ...
    @property
    def X(self) -> Rows: ...  # noqa: N802
    @property
    def target(self) -> Rows | None: ...
    @property
    def sample_weight(self) -> NDArray[np.float64] | None: ...
    @property
    def rows(self) -> NDArray[np.int64] | None: ...
    @property
    def target_distribution(self) -> Array | None: ...

class Progress:
    """How far `train` came, however it ended."""

    @property
    def steps(self) -> int:
        """Updates made."""
    @property
    def waiting(self) -> list[tuple[int, float, float, float, float, float, float, float]]:
        """(epoch, loss, validation_loss, seconds, data, divergence, and these two parts of the
        validation loss) of epochs that ended while `on_epoch` has not returned for them yet. While
        it runs, the last entry is the epoch that it was called for, and `parameters` belong to
        that; the epochs before ended with finite parameters."""

class Network:
    """Layer sizes and activations, no weights: immutable and safe to share between threads."""

    def __init__(
        self,
        layer_sizes: Sequence[int],
        activations: Sequence[str],
        *,
        tied_weights: bool = False,
        code_layer: int = -1,
        code_top_k: int = 0,
        gaussian: bool = False,
        convolutions: Sequence[tuple[Any, ...] | None] = ...,
        n_clusters: int = 0,
    ) -> None:
        """`code_top_k` 0 keeps all units of the output of `code_layer`; `gaussian` says that it is
        a Gaussian layer. `convolutions`: one `aecore.reference.Convolution` for each layer, None
        for one that is dense; or an empty list. With `n_clusters` the parameters end with W
        (n_code x n_clusters), whose columns are the centres of clusters of that output; where it is
        the last layer's, nothing is compared with a target."""
    @property
    def tied_weights(self) -> bool: ...
    @property
    def layer_sizes(self) -> list[int]: ...
    @property
    def activations(self) -> list[str]: ...
    @property
    def n_parameters(self) -> int: ...
    def initialize(self, parameters: Array, seed: int) -> None:
        """Glorot uniform weights, zero biases, drawn from Philox(seed)."""
    def forward(
        self,
        parameters: Array,
        X: Rows,
        out: Array,
        *,
        first_layer: int,
        last_layer: int,
        entry: Input = ...,
        n_threads: int = 0,
        name: str = "X",
        log_variance: bool = False,
    ) -> None:
        """Layers [first_layer, last_layer) applied to the rows of X; `out` is C-contiguous
        (n_rows, layer_sizes[last_layer]) of the parameters' dtype. `n_threads` 0: automatic.
        `log_variance`: that of the last of these layers, a Gaussian one, instead of its mean."""
    def one_row(
        self,
        parameters: Array,
        X: Any,
        out: Any,
        first_layer: int,
        last_layer: int,
        entry: Input,
    ) -> Array | None:
        """`forward` for a plain row, made for latency: X (and `out`) 1-D, C-contiguous and of the
        parameters' dtype. None, and nothing done, for anything else."""
    def row_losses(
        self,
        parameters: Array,
        data: Data,
        out: NDArray[np.float64],
        *,
        objective: Objective,
        n_threads: int = 0,
    ) -> None:
        """Per-row loss (no penalty terms, no weights) of the data into `out`, float64."""
    def evaluate(
        self,
        parameters: Array,
        data: Data,
        objective: Objective,
        *,
        gradient: Array | None = None,
        n_threads: int = 0,
        epoch: int = 0,
        running: NDArray[np.float64] | None = None,
    ) -> dict[str, float]:
        """The TERMS of J over the data by name; J is their sum. rho_hat is over all of its rows.
        The gradient of J is written to `gradient` unless it is None. `epoch` is that of noise,
        dropout and draws.
        `running` holds rho_hat of the batch before, layer by layer (NaN: none), and is updated."""
    def train(
        self,
        parameters: Array,
        optimizer_state: Array,
        data: Data,
        *,
        validation: Data | None = None,
        objective: Objective,
        optimizer: Optimizer,
        schedule: Schedule,
        n_threads: int = 0,
        on_epoch: Callable[[int, float, float, float], bool],
        on_progress: Callable[[int, int], None] | None = None,
        progress: Progress | None = None,
        running: NDArray[np.float64] | None = None,
    ) -> int:
        """Minibatch training in place: `parameters` and `optimizer_state` (n_slots, n_parameters)
        are updated and hold the last finished batch whatever happens. After each epoch
        `on_epoch(epoch, loss, validation_loss, seconds)` is called with the GIL held (loss: mean of
        the batches' J weighted by their rows; validation_loss: mean per-row loss without penalties
        but the divergence of a Gaussian code, NaN if there is none); True stops.
        `on_progress(epoch, rows_done)` comes every 25 ms.
        Returns the number of updates made, which `progress` has after an exception too."""

def soft_assignment(codes: Array, centers: Array, out: Array, n_threads: int = 0) -> None:
    """`aecore.reference.soft_assignment` to `out` (n_rows, n_clusters), in the dtype of
    `centers`."""

def target_distribution(q: Array, out: Array) -> None:
    """`aecore.reference.target_distribution` of q to `out`, of the same dtype."""

def top_n(
    scores: Array,
    ids: NDArray[np.int32],
    values: NDArray[np.float32],
    *,
    indptr: NDArray[Any] | None = None,
    indices: NDArray[Any] | None = None,
    allowed: NDArray[np.uint8] | None = None,
    n_threads: int = 0,
) -> None:
    """Write the columns of the largest scores of each row to `ids` (n_rows, n), the lower column
    first in a tie, and their scores to `values`; -1 and -inf where none is left. Left out are the
    row's columns in a CSR matrix (int32 or int64 indices, in any order), those where `allowed` is
    0, and scores that are NaN or -inf."""

def top_n_of_outputs(
    network: Network,
    parameters: Array,
    hidden: Array,
    ids: NDArray[np.int32],
    values: NDArray[np.float32],
    *,
    indptr: NDArray[Any] | None = None,
    indices: NDArray[Any] | None = None,
    allowed: NDArray[np.uint8] | None = None,
    n_threads: int = 0,
) -> None:
    """Rank, as `top_n` does, the network's outputs for `hidden` (n_rows, n_hidden), the outputs of
    the layer before the last. They are computed block by block and never held all at once."""

def places(
    scores: Array,
    asked_indptr: NDArray[Any],
    asked_indices: NDArray[Any],
    out: NDArray[np.int32],
    *,
    indptr: NDArray[Any] | None = None,
    indices: NDArray[Any] | None = None,
    allowed: NDArray[np.uint8] | None = None,
    n_threads: int = 0,
) -> None:
    """Write the place, from 1, that each column asked for has in the whole ranking of its row by
    `top_n`, 0 for a column that is in none, to `out` (number of asked_indices,)."""

def serving_entry(
    network: Network, parameters: Array, code_layer: int, input_scale: float, log1p: bool
) -> object:
    """Capsule of C functions for `aecore.serving`. It reads `parameters` at every call, so the
    array has to outlive it."""

def show_build() -> dict[str, Any]:
    """compiler, build_type, isa, isa_available, threading ("openmp" or "std::thread")."""

def default_n_threads() -> int:
    """What `n_threads=None` means now: min(OpenMP maximum, CPU affinity, cgroup quota)."""

class StopFlag:
    """Ends what runs under `run_alone`; `set` may be called from any thread."""

    def set(self) -> None: ...

def run_alone(stop: StopFlag, function: Callable[[], _R]) -> _R:
    """Return function(). What this thread computes in it is computed without helpers, and raises
    KeyboardInterrupt once `stop` is set."""

def runs_alone() -> bool:
    """Whether this thread is in `run_alone`."""

def philox(counter: tuple[int, int, int, int], key: tuple[int, int]) -> tuple[int, int, int, int]:
    """One Philox4x32-10 block, for the known-answer test."""

def permutation(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which `train` visits n rows in `epoch` when it shuffles."""

def apply_unary(name: str, values: Array) -> Array:
    """exp, log, log1p, sigmoid or tanh by the vector kernels, for the test of their accuracy."""

def check_sparse(X: Rows, name: str) -> None:
    """Raise ValueError for the first row whose indptr or indices lead out of the matrix."""

def matmul(product: str, a: Array, b: Array, c: Array, repeats: int = 1) -> list[float]:
    """One product of training on row-major operands, packing included; seconds of each repeat.

    "forward": c = a b; "backward": c = a b^T; "weights": c = a^T b.
    """

def multiply_add_peak(dtype: str, rounds: int) -> tuple[float, float]:
    """(floating point operations, seconds) of independent multiply-adds in registers."""
