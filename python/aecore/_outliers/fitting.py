"""The trainings of an outlier detector: networks, spreads, the threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from aecore._checks.random_state import seeds_from
from aecore._outliers.detection import Detection, Seen, by_weight
from aecore._outliers.deviations import sample_of, spread
from aecore._outliers.thresholds import tail_scale
from aecore._parallel.members import side_by_side
from aecore._util.progress import Progress

Member = TypeVar("Member")
Vector = NDArray[np.float64]

# The most scores of a stream that are kept for its threshold.
N_KEPT = 4096
# Rows over which spreads of a stream are averaged, about: networks get better, and spreads follow.
_MEMORY = 256


class Stream(NamedTuple):
    """What earlier calls of `partial_fit` have learned, and how many rows they have seen.

    `scores` are those kept for the threshold.
    """

    spreads: Sequence[Vector]
    usual: Vector | None
    scores: Vector
    n_seen: int

    def with_more(self, scores: Vector) -> Vector:
        """The scores to keep, with more: the newer half, by networks that had learned."""
        n_half = min(N_KEPT, max(_MEMORY, (self.n_seen + len(scores)) // 2))
        return np.concatenate([self.scores, scores])[-max(n_half, len(scores)) :]


def fit_members(
    detection: Detection,
    members: Sequence[Member],
    seen: Seen,
    seed: int,
    *,
    train: Callable[[Member, int], Any],
    before: Stream | None = None,
) -> dict[str, Any]:
    """Train all members, each by `train(member, its seed)`; return all that was learned.

    With `before`, spreads and usual errors become means over the last calls, weighted by their
    rows, and the threshold is that of the scores kept.
    """
    jobs = list(zip(members, seeds_from(seed, len(members)), strict=True))
    with Progress(detection.verbose, len(members), "network") as progress:
        side_by_side(lambda job: train(*job), jobs, detection.threads, progress.move_to)
    networks = [member.network_ for member in members]  # type: ignore[attr-defined]
    sample = sample_of(seen.data.X, seen.data.rows, seen.data.sample_weight)
    spreads = [spread(network, sample, seen.least) for network in networks]
    part = 1.0
    if before is not None:
        part = len(seen.rows) / (min(before.n_seen, _MEMORY) + len(seen.rows))
    if before is not None:
        spreads = [_mean(*both, part) for both in zip(before.spreads, spreads, strict=True)]
    usual = None
    if detection.missing is not None:
        nothing = np.zeros(sample.shape[1])
        usual = detection.errors(networks, spreads, nothing).medians(sample)
        if before is not None and before.usual is not None:
            usual = _mean(before.usual, usual, part)
    errors = detection.errors(networks, spreads, usual)
    scores = -errors.by_row(seen.rows)
    weights = seen.weights
    judged, counts = scores, weights
    if seen.held is not None:
        # A series that is held back is judged by its own windows alone.
        alone = detection.window > 1
        judged = -errors.by_row(seen.rows[seen.held]) if alone else scores[seen.held]
        counts = None if weights is None else weights[seen.held]
    if before is not None:
        judged = scores = before.with_more(scores)
    learned = {
        "estimators_": list(members),
        "spreads_": spreads,
        "offset_": -detection.threshold_of(-judged, counts),
        "train_scores_": scores,
        "_tail_scale": tail_scale(by_weight(-judged, counts)),
        "_seed": seed,
    }
    optional = {"_usual": usual, "_least_spread": seen.least, "_train_weight": weights}
    return learned | {name: value for name, value in optional.items() if value is not None}


def _mean(old: Vector, new: Vector, part: float) -> Vector:
    return old + part * (new - old)
