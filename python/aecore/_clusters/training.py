"""Refinement by DEC and IDEC: rounds of a new target distribution and training towards it.

The centres are the last parameters of the core's network, W (n_code x n_clusters); what is trained
is the encoder alone (DEC) or, with the reconstruction loss, the whole network (IDEC).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aecore import _core
from aecore._checks.arrays import aligned_zeros
from aecore._clusters.rules import of_nearest_center, soft_assignment
from aecore._history import History
from aecore._problem.plan import Plan
from aecore._training.recorder import Audience, Recorder
from aecore._training.steps import Steps
from aecore._util.progress import Progress
from aecore.network import Network


@dataclass(frozen=True)
class Refinement:
    """What a refinement is asked to do.

    Attributes
    ----------
    name : {"dec", "idec"}
        Which parts of the network it trains, and on what.
    plan : Plan
        Of those parts, with the weight of the clusters in J; its epochs are rounds.
    update_interval : int or None
        Batches of a round; None is a pass over the rows.
    tolerance : float
        It ends when fewer than this share of the rows change their cluster in a round.
    """

    name: str
    plan: Plan
    update_interval: int | None
    tolerance: float


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


class Rounds:
    """The parameters of a network and its centres while they are trained.

    Parameters
    ----------
    refinement : Refinement
    network : Network
        The start; not changed.
    centers : ndarray of shape (n_clusters, n_code)
    rows : array or CSR of shape (n_rows, n_features)
    """

    def __init__(
        self, refinement: Refinement, network: Network, centers: NDArray[Any], rows: Any
    ) -> None:
        plan = refinement.plan
        self._network, self._rows = network, rows
        self._keeps_decoder = refinement.name == "dec"
        trained = network.encoder if self._keeps_decoder else network
        self._n_center_numbers = centers.size
        self._n_clusters = len(centers)
        core = plan.layers.core(len(centers))
        parameters = aligned_zeros(core.n_parameters, network.dtype)
        parameters[:] = np.concatenate([trained.parameters, centers.T.ravel()])
        objective = plan.objective.core(plan.layers, trained._input)
        self._steps = Steps(plan, core, parameters, objective)
        self._n_threads = plan.run.n_threads or 0
        self.batch_size = min(plan.optimization.batch_size, rows.shape[0])

    @property
    def parameters(self) -> NDArray[Any]:
        """The parameters that are trained, the centres last."""
        return self._steps.parameters

    @property
    def learning_rate(self) -> float:
        """The learning rate, the same in every round."""
        return self._steps.rule.learning_rate

    def targets(self, codes: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Compute the target distribution and the labels of codes by the present centres."""
        centers = self.centers
        q = soft_assignment(codes, centers, self._n_threads)
        p = np.empty_like(q)
        _core.target_distribution(q, p)
        return p, of_nearest_center(codes, centers)

    @property
    def centers(self) -> NDArray[Any]:
        """A copy, of shape (n_clusters, n_code)."""
        W = self.parameters[-self._n_center_numbers :].reshape(-1, self._n_clusters)
        return np.ascontiguousarray(W.T)

    def network_parameters(self) -> NDArray[Any]:
        """Copy the parameters of the whole network; DEC has not trained those of the decoder."""
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

        schedule = _core.Schedule(
            batch_size=self.batch_size,
            n_epochs=1,
            shuffle=False,
            first_step=self._steps.state.n_updates,
        )
        rows = _core.Data(self._rows, rows=order, target_distribution=p)
        self._steps.run(rows, schedule, on_epoch)
        return losses[0]


def clustering_weight(refinement: str, asked: float | None, n_features: int) -> float:
    """Return gamma of J: the number asked for, or else the default of the refinement.

    IDEC's authors take 0.1 beside the mean over features of the squared error; the loss here is
    half the sum.
    """
    if asked is not None:
        return float(asked)
    return 1.0 if refinement == "dec" else 0.1 * n_features / 2


def refine(
    refinement: Refinement,
    network: Network,
    centers: NDArray[Any],
    rows: Any,
    publish: Callable[[Refined], None],
    *,
    owner: object,
) -> None:
    """Train until fewer than `tolerance` of the rows change their cluster in a round.

    `publish` is called after every round: whoever interrupts finds the last finished one. `owner`
    is what callbacks see as the estimator.

    Raises
    ------
    TrainingDivergedError
        If J or a parameter stops being finite.
    """
    run, n_rounds = refinement.plan.run, refinement.plan.optimization.n_epochs
    state = Rounds(refinement, network, centers, rows)
    interval = refinement.update_interval
    orders = batches_of_rounds(rows.shape[0], state.batch_size, interval, run.seed)
    p, by_center = state.targets(network.encode(rows))
    changed = 0.0

    def take(published: Network, history: History, best_epoch: int | None) -> None:
        del best_epoch
        publish(Refined(published, state.centers, by_center, history))

    audience = Audience(take, owner=owner, measure=lambda _: {"changed": changed})
    with Progress(run.verbose, n_rounds, "round", f"{refinement.name} refinement") as bar:
        recorder = Recorder(
            network, History.empty(), n_rounds, audience, bar, callbacks=run.callbacks
        )
        while not recorder.has_ended:
            start = time.perf_counter()
            loss = state.round(next(orders), p)
            parameters = state.network_parameters()
            if np.isfinite(loss) and np.isfinite(state.parameters.sum()):
                codes = network.with_parameters(parameters).encode(rows)
                if np.isfinite(codes).all():
                    before = by_center
                    p, by_center = state.targets(codes)
                    changed = float(np.mean(by_center != before))
                else:
                    loss = np.nan
            seconds = time.perf_counter() - start
            rate = state.learning_rate
            stop = recorder.epoch(parameters, loss, np.nan, seconds, learning_rate=rate)
            bar.move_to(recorder.n_epochs)
            if stop or changed < refinement.tolerance:
                break
    recorder.raise_if_diverged("a smaller learning_rate or clustering_weight")
