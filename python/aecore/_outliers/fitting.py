"""The trainings of an outlier detector: networks, spreads, the threshold."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from aecore._checks.random_state import seeds_from
from aecore._outliers.detection import Detection, Seen
from aecore._outliers.row_errors import spread
from aecore._parallel.members import side_by_side
from aecore._util.progress import Progress

Member = TypeVar("Member")


class Stream(NamedTuple):
    """What earlier calls of `partial_fit` have learned, and how many rows they have seen."""

    spreads: Sequence[NDArray[np.float64]]
    offset: float
    n_seen: int


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

    With `before`, spreads and threshold become means over all calls, weighted by their rows.
    """
    jobs = list(zip(members, seeds_from(seed, len(members)), strict=True))
    with Progress(detection.verbose, len(members), "network") as progress:
        side_by_side(lambda job: train(*job), jobs, detection.threads, progress.move_to)
    networks = [member.network_ for member in members]  # type: ignore[attr-defined]
    spreads = [spread(network, seen.data.X, seen.data.rows) for network in networks]
    n_rows = seen.judged.shape[0]
    part = 1.0 if before is None else n_rows / (before.n_seen + n_rows)
    if before is not None:
        pairs = zip(before.spreads, spreads, strict=True)
        spreads = [old + part * (new - old) for old, new in pairs]
    found = detection.errors(networks, spreads).by_row(seen.judged)
    offset = -detection.threshold_of(found)
    if before is not None:
        offset = before.offset + part * (offset - before.offset)
    return {"estimators_": list(members), "spreads_": spreads, "offset_": offset, "_seed": seed}
