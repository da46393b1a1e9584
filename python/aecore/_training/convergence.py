"""Whether a training came to anything: its loss beside that of the best constant, dead layers.

A network that has learned something about rows has a lower loss than one output for all of them:
column means, for a squared error. Both losses are of the same rows, at most some thousand, with
their weights, without noise, dropout and penalties.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import _core, reference
from aecore._checks.sparse import is_sparse, sparse_sums
from aecore._history import History
from aecore._problem.input import InputSettings
from aecore._problem.plan import Plan
from aecore._training.data import TrainingData
from aecore._training.passes import by_epoch
from aecore.network import Network

# Rows that are compared, evenly spaced, and numbers of theirs as an array of float64; rows that
# hidden layers are looked at with.
_ROWS, _NUMBERS, _FEWEST, _HIDDEN_ROWS = 4096, 2**22, 64, 512
# Of what there is to explain, the deviance: loss above that of an output that knows each row.
_LEAST_SHARE = 0.005
# After so many updates the last quarter of the epochs has to promise a lower loss than the
# constant's within as many epochs again. Before, a training is on its way unless its losses rose by
# so much, or stand still: all within a thousandth of what is missing.
_ENOUGH_UPDATES, _RISE, _STILL = 100, 0.2, 0.001
# Units that differ by less over the rows, relative to their size, are constant but for rounding.
_ROUNDING = {"float32": 1e-6, "float64": 1e-14}


@dataclass(frozen=True)
class Rival:
    """The best constant output for the rows of a training.

    Attributes
    ----------
    plan : Plan
    data : TrainingData
    entry : InputSettings
        What happens to rows before the first layer.
    """

    plan: Plan
    data: TrainingData
    entry: InputSettings

    @cached_property
    def taken(self) -> NDArray[np.int64]:
        """Indices of the rows that are compared; those of weight 0 are not among them."""
        data = self.data
        most = _ROWS
        if not self._by_entries:
            most = min(_ROWS, max(_FEWEST, _NUMBERS // data.n_outputs))
        if data.rows is None and data.sample_weight is None:
            return np.arange(0, data.X.shape[0], -(-data.X.shape[0] // most))
        rows = np.arange(data.X.shape[0]) if data.rows is None else data.rows
        if data.sample_weight is not None:
            rows = rows[data.sample_weight[rows] > 0.0]
        return np.ascontiguousarray(rows[:: max(1, -(-len(rows) // most))])

    @cached_property
    def loss(self) -> float:
        """Its mean loss of a row; NaN where a number is not finite, or no row counts."""
        if len(self.taken) == 0:
            return np.nan
        if is_sparse(self._given):  # SciPy trusts its indices
            _core.check_sparse(self._given, "X" if self.data.target is None else "target")
        with np.errstate(all="ignore"):
            found = self._of_entries if self._by_entries else self._of_numbers("constant_loss")
        return found if np.isfinite(found) else np.nan

    @cached_property
    def deviance(self) -> float:
        """Its loss above the lowest that there is."""
        if self._by_entries and self.plan.objective.loss == "squared_error":
            return self.loss
        with np.errstate(all="ignore"):
            return self.loss - self._of_numbers("saturated_loss")

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """Weights of the rows that are compared."""
        given = self.data.sample_weight
        return np.ones(len(self.taken)) if given is None else given[self.taken]

    @property
    def _given(self) -> Any:
        return self.data.X if self.data.target is None else self.data.target

    @property
    def _by_entries(self) -> bool:
        """Whether the target stays sparse: its constant is a mean, and no row is left out."""
        objective = self.plan.objective
        means = objective.loss not in ("absolute_error", "huber") and objective.trim_fraction == 0
        return is_sparse(self._given) and means

    def _of_numbers(self, name: str) -> float:
        """A figure of the reference, of the rows as an array."""
        rows = self._given[self.taken]
        x = np.asarray(rows.toarray() if is_sparse(rows) else rows, dtype=np.float64)
        objective = self.plan.objective
        if self.data.target is None:
            x = self.entry.apply(x)
        settings: dict[str, Any] = {"sample_weight": self.weight}
        if name == "constant_loss":
            settings["trim_fraction"] = objective.trim_fraction
        return float(getattr(reference, name)(x, objective.loss, **settings))

    @property
    def _of_entries(self) -> float:
        """The mean loss by stored entries: what they add to that of a row of zeros."""
        objective, given = self.plan.objective, self._given
        factor: Any = self.entry.input_scale if self.entry.factor is None else self.entry.factor
        factor = factor if self.data.target is None else 1.0
        constant = self._means(given, factor)
        rows = given[self.taken].copy()
        rows.sum_duplicates()
        x = rows.data * np.broadcast_to(factor, rows.shape[1])[rows.indices]
        c = constant[rows.indices]
        weight = np.repeat(self.weight, np.diff(rows.indptr))
        terms, zeros = _terms(objective.loss, x, c), _terms(objective.loss, np.zeros_like(c), c)
        total = float((weight * (terms if objective.observed_only else terms - zeros)).sum())
        if not objective.observed_only:
            of_zeros = _terms(objective.loss, np.zeros_like(constant), constant).sum()
            total += float(self.weight.sum() * of_zeros)
        return total / float(self.weight.sum())

    def _means(self, given: Any, factor: Any) -> NDArray[np.float64]:
        """The constant from all rows: few of many columns have an entry in some thousand rows."""
        rows = np.arange(given.shape[0]) if self.data.rows is None else self.data.rows
        weight = self.data.sample_weight
        weight = np.ones(len(rows)) if weight is None else weight[rows]
        sums = sparse_sums(given, rows, weight, np.float64) * factor
        if self.plan.objective.loss == "multinomial":
            return np.asarray(sums / sums.sum())
        if not self.plan.objective.observed_only:
            return np.asarray(sums / weight.sum())
        ones = type(given)((np.ones(len(given.data)), given.indices, given.indptr), given.shape)
        n = sparse_sums(ones, rows, weight, np.float64)
        return np.asarray(sums / np.where(n > 0.0, n, 1.0))


def _terms(loss: str, x: NDArray[np.float64], c: NDArray[np.float64]) -> NDArray[np.float64]:
    if loss == "squared_error":
        return 0.5 * (c - x) ** 2
    log_c = np.log(np.where(c > 0.0, c, 1.0))
    if loss == "binary_cross_entropy":
        return np.asarray(-x * log_c - (1.0 - x) * np.log(np.where(c < 1.0, 1.0 - c, 1.0)))
    return np.asarray((c if loss == "poisson" else 0.0) - x * log_c)


def complaint(rival: Rival, network: Network, history: History, n_updates: int) -> str | None:
    """Say what a training with this history failed in, and what helps; None: nothing.

    Parameters
    ----------
    rival : Rival
    network : Network
        What was learned.
    history : History
        J of the epochs, or of the calls of passes.
    n_updates : int
        Steps of the optimiser.
    """
    loss = _data_loss(rival, network)
    dead = _dead_layer(rival, network)
    # Most trainings end here: the lowest loss, which is costly, does not matter.
    if dead is None and 0.0 <= loss < (1.0 - _LEAST_SHARE) * rival.loss:
        return None
    if not rival.deviance > 1e-12 * abs(rival.loss):  # all targets are the same, or not finite
        return None
    losses = by_epoch(history)["loss"]
    if dead is None and _is_on_its_way(rival, losses, loss - rival.loss, n_updates):
        return None
    said = (
        f"training ended with a loss of {loss:.6g}, no better than the {rival.loss:.6g} of the "
        "best constant output: "
    )
    if dead is None:
        return f"{said}nothing was learned about rows. Try {_advice(rival, losses)}"
    return (
        f"{said}{dead} is dead, none of its units changes over the training rows. Try a smaller "
        "learning_rate, an activation like 'leaky_relu' or 'elu', scaled columns or another "
        "random_state"
    )


def _is_on_its_way(rival: Rival, losses: list[float], above: float, n_updates: int) -> bool:
    """Whether a training is better than the constant, by `above` < 0, or more of it may be."""
    n, first, last = len(losses), losses[0], losses[-1]
    if n_updates >= _ENOUGH_UPDATES:
        missing = above + _LEAST_SHARE * rival.deviance
        return missing < 0.0 or (n > 1 and 4 * (losses[-1 - -(-n // 4)] - last) >= missing)
    if above < 0.0 or n == 1:
        return True
    # The divergence of a code that is drawn may rise while it learns.
    may_rise = rival.plan.layers.gaussian is not None
    rose = max(losses) - first > _RISE * (above + rival.deviance) and not may_rise
    return not rose and max(losses) - min(losses) > _STILL * above


def _advice(rival: Rival, losses: list[float]) -> str:
    optimization, objective = rival.plan.optimization, rival.plan.objective
    found = ["scaled columns", "another activation"]
    if not optimization.full_batch:
        is_falling = losses[-1] < losses[0]
        other = "larger learning_rate or more epochs" if is_falling else "smaller learning_rate"
        found.insert(0, f"a {other}")
    if rival.plan.layers.gaussian is not None:
        found.insert(1, "a smaller beta or a warm-up of it")
    numbers = ("weight_decay", "weight_l1", "sparsity_weight", "activity_l1", "contractive_weight")
    penalties = [name for name in numbers if getattr(objective, name) > 0]
    if penalties:
        found.append(f"a smaller {penalties[0]}")
    return f"{', '.join(found[:-1])} or {found[-1]}"


def not_finite(plan: Plan, data: TrainingData, network: Network, losses: list[float]) -> str | None:
    """Say which validation rows made these losses of theirs infinite or NaN; None: all are finite.

    Parameters
    ----------
    plan, data
        Of the training.
    network : Network
        What was learned.
    losses : list of float
        `validation_loss` of the epochs.
    """
    wrong = [epoch for epoch, loss in enumerate(losses, 1) if not np.isfinite(loss)]
    if not wrong or data.validation is None:
        return None
    X, target, rows = data.validation
    held: Any = X
    said = f"validation_loss is not finite in {len(wrong)} of {len(losses)} epochs"
    found = np.flatnonzero(~np.isfinite(_row_losses(plan, network, X, target, rows)))
    if len(found) > 0:
        name, row = ("validation_data", found[0]) if rows is None else ("X", rows[found[0]])
        numbers = held[[row]].toarray()[0] if is_sparse(held) else held[row].astype(np.float64)
        column = int(np.nanargmax(np.abs(numbers)))
        said += (
            f": the loss of row {row} of {name}, whose largest number is {numbers[column]:g} in "
            f"column {column}, leaves the range of {network.dtype}"
        )
    return f"{said}. Try validation rows on the scale of the others, or a smaller learning_rate"


def _row_losses(
    plan: Plan, network: Network, X: Any, target: Any, rows: NDArray[np.int64] | None
) -> NDArray[np.float64]:
    """The loss of each of the `rows` of X, without noise, dropout and penalties."""
    losses = np.empty(X.shape[0] if rows is None else len(rows))
    network._core.row_losses(
        network.parameters,
        _core.Data(X, target=target, rows=rows),
        losses,
        objective=plan.objective.core(plan.layers, network._input),
        n_threads=plan.run.n_threads or 0,
    )
    return losses


def _data_loss(rival: Rival, network: Network) -> float:
    """The mean loss of the network on the rows that are compared."""
    plan, data = rival.plan, rival.data
    losses = _row_losses(plan, network, data.X, data.target, rival.taken)
    kept = np.argsort(losses, kind="stable")
    kept = kept[: len(kept) - int(plan.objective.trim_fraction * len(kept))]
    return float(np.average(losses[kept], weights=rival.weight[kept]))


def _dead_layer(rival: Rival, network: Network) -> str | None:
    """Name the first hidden layer whose units are all the same for all rows."""
    rows = rival.data.X[rival.taken[:: max(1, len(rival.taken) // _HIDDEN_ROWS)]]
    if not is_sparse(rows) and bool((rows == rows[:1]).all()):
        return None
    sizes, entry = network.layer_sizes, network._input
    tolerance = _ROUNDING[network.dtype.name]
    for layer in range(len(sizes) - 2):
        out = np.empty((rows.shape[0], sizes[layer + 1]), network.dtype)
        network._core.forward(
            network.parameters,
            rows,
            out,
            first_layer=layer,
            last_layer=layer + 1,
            entry=entry.core,
            n_threads=rival.plan.run.n_threads or 0,
        )
        low, high = out.min(axis=0), out.max(axis=0)
        if np.all(high - low <= tolerance * np.maximum(np.abs(low), np.abs(high))):
            name = "the code" if layer == network.code_layer else f"hidden layer {layer + 1}"
            return f"{name} ({network.activations[layer]})"
        rows, entry = out, InputSettings()
    return None
