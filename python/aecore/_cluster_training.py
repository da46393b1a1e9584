"""Refinement by DEC and IDEC: rounds of a new target distribution and training towards it.

The centres are the last parameters of the core's network, W (n_code x n_clusters); what is trained
is the encoder alone (DEC) or, with the reconstruction loss, the whole network (IDEC).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._arrays import aligned_zeros
from aecore._cluster_rules import soft_assignment
from aecore._history import History
from aecore._network_state import make_core
from aecore._objective import make_objective
from aecore._optimization import as_callbacks, core_optimizer
from aecore._progress import Progress
from aecore._recorder import Audience, Recorder
from aecore.network import Network
from aecore.optimizers import AdamW, _as_optimizer

if TYPE_CHECKING:
    from aecore.deep_clustering import DeepClustering


class Refined(NamedTuple):
    """Where a refinement stands after a round."""

    network: Network
    centers: NDArray[Any]
    labels: NDArray[np.int64]
    history: History


def batches_of_rounds(
    n_rows: int, batch_size: int, update_interval: int | None, seed: int
) -> Iterator[NDArray[np.int64]]:
    """Rows of each round in the order of training: shuffled passes, one after the other.

    A round is a pass, or `update_interval` batches.
    """
    ahead = np.empty(0, dtype=np.int64)
    n_wanted = n_rows if update_interval is None else update_interval * batch_size
    epoch = 0
    while True:
        while len(ahead) < n_wanted:
            ahead = np.concatenate([ahead, _core.permutation(n_rows, seed, epoch)])
            epoch += 1
        yield np.ascontiguousarray(ahead[:n_wanted])
        ahead = ahead[n_wanted:]


class Refinement:
    """The parameters of a network and its centres while they are trained.

    Parameters
    ----------
    model : DeepClustering
        Whose parameters say how; not changed.
    network : Network
        The start; not changed.
    centers : ndarray of shape (n_clusters, n_code)
    rows : array or CSR of shape (n_rows, n_features)
    """

    def __init__(
        self, model: DeepClustering, network: Network, centers: NDArray[Any], rows: Any
    ) -> None:
        self._network, self._rows = network, rows
        self._keeps_decoder = model.refinement == "dec"
        trained = network.encoder if self._keeps_decoder else network
        self._n_center_numbers = centers.size
        self._n_clusters = len(centers)
        self._core = make_core(
            network.layer_sizes[0],
            trained.layers,
            trained.tied_weights,
            network.code_layer,
            network._code_top_k,
            len(centers),
        )
        self.parameters = aligned_zeros(self._core.n_parameters, network.dtype)
        self.parameters[:] = np.concatenate([trained.parameters, centers.T.ravel()])
        self._n_threads = network.n_threads or 0
        self._batch_size = min(model.batch_size, rows.shape[0])
        self._make_steps(model, trained)
        self._n_steps = 0

    def _make_steps(self, model: DeepClustering, trained: Network) -> None:
        optimizer = _as_optimizer(model.optimizer)
        reader = model._reader
        decay = float(reader.weight_decay)
        decoupled = isinstance(optimizer, AdamW)
        own = optimizer.settings()["learning_rate"] or 1.0 / trained.layer_sizes[-1]
        self.learning_rate = float(model.learning_rate or own)
        self._optimizer = core_optimizer(reader, optimizer, self.learning_rate)
        self._slots = np.zeros((self._optimizer.n_slots, len(self.parameters)), trained.dtype)
        self._objective = make_objective(
            trained.activations,
            trained.code_layer,
            trained._input,
            loss="squared_error" if self._keeps_decoder else reader.loss,
            weight_decay=0.0 if decoupled else decay,
            weight_l1=reader.weight_l1,
            clustering_weight=clustering_weight(model, trained.layer_sizes[0]),
        )

    def targets(self, codes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Target distribution and labels by the centres as they are."""
        q = soft_assignment(codes, self.centers, self._n_threads)
        p = np.empty_like(q)
        _core.target_distribution(q, p)
        return p, q.argmax(axis=1).astype(np.int64)

    @property
    def centers(self) -> NDArray[Any]:
        """A copy, of shape (n_clusters, n_code)."""
        W = self.parameters[-self._n_center_numbers :].reshape(-1, self._n_clusters)
        return np.ascontiguousarray(W.T)

    def network_parameters(self) -> NDArray[Any]:
        """A copy of those of the whole network; the decoder's are old ones where it is left out."""
        mine = self.parameters[: -self._n_center_numbers]
        if not self._keeps_decoder:
            return np.array(mine)
        network = self._network.with_parameters(self._network.parameters)
        network.encoder.parameters[:] = mine
        return np.asarray(network.parameters)

    def round(self, order: NDArray[np.int64], p: NDArray[Any]) -> float:
        """Train on these rows, batch by batch, towards p; return the mean of J."""
        losses: list[float] = []

        def on_epoch(epoch: int, loss: float, validation_loss: float, seconds: float) -> bool:
            del epoch, validation_loss, seconds
            losses.append(loss)
            return False

        self._n_steps += self._core.train(
            self.parameters,
            self._slots,
            _core.Data(self._rows, rows=order, target_distribution=p),
            objective=self._objective,
            optimizer=self._optimizer,
            schedule=_core.Schedule(
                batch_size=self._batch_size, n_epochs=1, shuffle=False, first_step=self._n_steps
            ),
            n_threads=self._n_threads,
            on_epoch=on_epoch,
        )
        return losses[0]


def clustering_weight(model: DeepClustering, n_features: int) -> float:
    """Gamma of J, where it is left to the refinement.

    IDEC's authors take 0.1 beside the mean over features of the squared error; the loss here is
    half the sum.
    """
    if model.clustering_weight is not None:
        return float(model.clustering_weight)
    return 1.0 if model.refinement == "dec" else 0.1 * n_features / 2


def refine(  # noqa: PLR0917
    model: DeepClustering,
    network: Network,
    centers: NDArray[Any],
    rows: Any,
    seed: int,
    publish: Callable[[Refined], None],
) -> None:
    """Train until fewer than `tolerance` of the rows change their cluster in a round.

    `publish` is called after every round: whoever interrupts finds the last finished one.

    Raises
    ------
    TrainingDivergedError
        If J or a parameter stops being finite.
    """
    state = Refinement(model, network, centers, rows)
    orders = batches_of_rounds(rows.shape[0], state._batch_size, model.update_interval, seed)
    p, by_center = state.targets(network.encode(rows))
    changed = 0.0

    def take(published: Network, history: History, best_epoch: int | None) -> None:
        del best_epoch
        publish(Refined(published, state.centers, by_center, history))

    with Progress(model.verbose, model.n_updates, "round", f"{model.refinement} refinement") as bar:
        audience = Audience(
            model,
            model.n_updates,
            as_callbacks(model.callbacks),
            measure=lambda _: {"changed": changed},
        )
        recorder = Recorder(network, History.empty(), take, bar, audience)
        while not recorder.has_ended:
            start = time.perf_counter()
            loss = state.round(next(orders), p)
            parameters = state.network_parameters()
            if np.isfinite(loss) and np.isfinite(state.parameters.sum()):
                codes = network.with_parameters(parameters).encode(rows)
                if np.isfinite(codes.sum(dtype=np.float64)):
                    before = by_center
                    p, by_center = state.targets(codes)
                    changed = float(np.mean(by_center != before))
                else:
                    loss = np.nan
            seconds = time.perf_counter() - start
            rate = state.learning_rate
            stop = recorder.epoch(parameters, loss, np.nan, seconds, learning_rate=rate)
            bar.move_to(recorder.n_epochs)
            if stop or changed < model.tolerance:
                break
    recorder.raise_if_diverged("a smaller learning_rate or clustering_weight")
