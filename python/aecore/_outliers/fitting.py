"""What an outlier detector's `fit` and `partial_fit` do: networks, spreads, the threshold."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import validate_data

from aecore._checks.arrays import as_rows
from aecore._checks.rules import check_params, parameter_error
from aecore._network.initialization import seed_from
from aecore._outliers import thresholds
from aecore._outliers.row_errors import RowErrors, spread
from aecore._outliers.windows import windows_of
from aecore._parallel.members import side_by_side
from aecore._problem.input import InputSettings, fit_scaling
from aecore._training import fitting
from aecore._training.minibatches import TrainingData, split_rows
from aecore._util.progress import Progress
from aecore.autoencoder import Autoencoder

if TYPE_CHECKING:
    from aecore.outlier_detector import AutoencoderOutlierDetector as Detector

# Updates that each network gets with `n_epochs=None`, about.
_N_UPDATES = 400
# Units of a hidden layer, and of the code for single rows, with `hidden_layer_sizes=None`.
_HIDDEN, _CODE = 32, 2


def fit(detector: Detector, X: Any) -> dict[str, Any]:
    """Train from the start; return all learned attributes, `detector` is not changed."""
    _check_settings(detector)
    learned: dict[str, Any] = {}
    rows = rows_of(detector, X, learned)
    seed = seed_from(detector.random_state)
    training, held = _split(detector, rows, seed)
    entry = _entry(detector, rows, training)
    view, at = _seen(detector, rows, training)
    data = TrainingData(view, None, None, rows=at)
    members = _members(detector, rows.shape[1], data.n_training_rows)

    def train(member: Autoencoder, its_seed: int) -> None:
        fitting.fit_layer(member, data, entry, its_seed, "")

    _train(detector, train, members, seed)
    learned["estimators_"] = members
    learned["spreads_"] = [spread(member.network_, view, at) for member in members]
    found = errors(detector, learned).by_row(rows if held is None else held)
    learned["offset_"] = -_threshold(detector, found)
    return {**learned, "_seed": seed, "_n_seen": rows.shape[0]}


def partial_fit(detector: Detector, X: Any) -> dict[str, Any]:
    """Pass over the rows once; return all learned attributes, `detector` is not changed."""
    _check_settings(detector)
    first = not hasattr(detector, "estimators_")
    learned: dict[str, Any] = {}
    rows = rows_of(detector, X, learned if first else None)
    seed = seed_from(detector.random_state) if first else detector._seed
    view, _ = _seen(detector, rows, None)
    data = TrainingData(view, None, None)
    members = _members(detector, rows.shape[1], len(view))
    entry = _entry(detector, rows, None) if first else _take_over(detector, members)

    def train(member: Autoencoder, its_seed: int) -> None:
        fitting.pass_over(member, data, entry, its_seed)

    _train(detector, train, members, seed)
    learned["estimators_"] = members
    spreads = [spread(member.network_, view, None) for member in members]
    n_before = 0 if first else detector._n_seen
    part = rows.shape[0] / (n_before + rows.shape[0])
    if not first:
        before = detector.spreads_
        spreads = [old + part * (new - old) for old, new in zip(before, spreads, strict=True)]
    learned["spreads_"] = spreads
    offset = -_threshold(detector, errors(detector, learned).by_row(rows))
    if not first:
        offset = detector.offset_ + part * (offset - detector.offset_)
    return {**learned, "offset_": offset, "_seed": seed, "_n_seen": n_before + rows.shape[0]}


def rows_of(detector: Detector, X: Any, learned: dict[str, Any] | None = None) -> NDArray[Any]:
    """Rows as they are, checked; in the first call of a fit what they tell goes to `learned`."""
    reset = learned is not None
    # scikit-learn's validation writes n_features_in_ and feature_names_in_: not on the original.
    probe = copy.copy(detector)
    least = {"ensure_min_samples": 2} if reset else {}
    checks = {"dtype": "numeric", "ensure_all_finite": False, **least}
    rows: NDArray[Any] = validate_data(probe, X, reset=reset, **checks)
    rows = as_rows(rows, rows.shape[1], "X")
    if learned is not None:
        for name in ("n_features_in_", "feature_names_in_"):
            if name in vars(probe):
                learned[name] = vars(probe)[name]
    if rows.shape[0] < detector.window:
        rule = f"be at most {rows.shape[0]}, the number of rows"
        raise parameter_error("window", rule, detector.window)
    _check_finite(rows, missing=detector.missing == "mask")
    return rows


def errors(detector: Detector, learned: dict[str, Any]) -> RowErrors:
    """What tells the errors of rows, by the learned attributes."""
    networks = [member.network_ for member in learned["estimators_"]]
    settings = (detector.error, detector.window, detector._threads)
    return RowErrors(networks, learned["spreads_"], *settings)


def _check_settings(detector: Detector) -> None:
    check_params(detector.get_params(deep=False), may_be_none=detector._sized_from_data)
    fitting.check_settings(_member(detector, 1, 1))


def _check_finite(rows: NDArray[Any], *, missing: bool) -> None:
    """Say where; the core would count within a window, or a block of rows."""
    if rows.dtype.kind != "f":
        return
    for start in range(0, rows.shape[0], 4096):
        block = rows[start : start + 4096]
        wrong = np.isinf(block) if missing else ~np.isfinite(block)
        if wrong.any():
            row, column = (int(i) for i in np.argwhere(wrong)[0])
            got = f"{block[row, column]} in row {start + row}, column {column}"
            msg = f"X must not contain NaN or infinity; got {got}"
            raise ValueError(msg)


def _split(
    detector: Detector, rows: NDArray[Any], seed: int
) -> tuple[NDArray[np.int64] | None, NDArray[Any] | None]:
    """Indices of the rows to learn from (None: all), and the rows for calibration."""
    if detector.threshold != "conformal":
        return None, None
    n_rows, window = rows.shape[0], detector.window
    if window == 1:
        training, held = split_rows(n_rows, detector.calibration_fraction, seed)
        return training, rows[held]
    n_held = max(1, round(detector.calibration_fraction * n_rows))
    for n, use in ((n_held, "for calibration"), (n_rows - n_held, "to learn from")):
        if n < window:
            raise parameter_error("window", f"be at most {n}, the rows {use}", window)
    return np.arange(n_rows - n_held), rows[n_rows - n_held :]


def _seen(
    detector: Detector, rows: NDArray[Any], training: NDArray[np.int64] | None
) -> tuple[NDArray[Any], NDArray[np.int64] | None]:
    """What the networks see: windows of the rows, and which of them to learn from."""
    if detector.window == 1:
        return rows, training
    if training is not None:
        rows = rows[: len(training)]
    return windows_of(rows, detector.window), None


def _entry(
    detector: Detector, rows: NDArray[Any], training: NDArray[np.int64] | None
) -> InputSettings:
    """Scales by column, the same ones for every place in a window."""
    mask = detector.missing == "mask"
    if detector.scale is None:
        return InputSettings(1.0, mask_missing=mask)
    offset, factor = fit_scaling(rows, training, detector.scale)
    offset, factor = np.tile(offset, detector.window), np.tile(factor, detector.window)
    return InputSettings(1.0, offset, factor, mask_missing=mask)


def _members(detector: Detector, n_features: int, n_rows: int) -> list[Autoencoder]:
    return [_member(detector, n_features, n_rows) for _ in range(detector.n_estimators)]


def _member(detector: Detector, n_features: int, n_rows: int) -> Autoencoder:
    """One autoencoder of the ensemble."""
    n_epochs = detector.n_epochs
    if n_epochs is None:
        n_epochs = max(1, round(_N_UPDATES / math.ceil(n_rows / detector.batch_size)))
    sizes = detector.hidden_layer_sizes
    if sizes is None:
        width = detector.window * n_features
        code = round(_CODE * (1 + math.log2(detector.window)))
        sizes = (_HIDDEN, max(1, min(code, width - 1)))
    return Autoencoder(
        sizes,
        activation=detector.activation,
        weight_decay=detector.weight_decay,
        trim_fraction=detector.trim_fraction,
        noise=detector.noise,
        noise_level=detector.noise_level,
        missing=detector.missing,
        optimizer=detector.optimizer,
        learning_rate=detector.learning_rate,
        batch_size=detector.batch_size,
        n_epochs=n_epochs,
        dtype=detector.dtype,
        n_threads=detector._threads if detector.n_estimators == 1 else 1,
    )


def _take_over(detector: Detector, members: list[Autoencoder]) -> InputSettings:
    """Let new members go on from the present ones; return what happens to their rows."""
    present = detector.estimators_
    if len(present) != len(members):
        rule = f"be {len(present)}, as in the first call"
        raise parameter_error("n_estimators", rule, detector.n_estimators)
    for member, before in zip(members, present, strict=True):
        for name in ("network_", "_history", "_optimizer_state"):
            setattr(member, name, getattr(before, name))
    entry: InputSettings = present[0].network_._input
    return entry


def _train(
    detector: Detector,
    train: Callable[[Autoencoder, int], None],
    members: list[Autoencoder],
    seed: int,
) -> None:
    """Call train(member, its seed) for all of them."""
    words = np.random.SeedSequence(seed).generate_state(len(members), np.uint64)
    jobs = list(zip(members, (int(word) for word in words >> np.uint64(1)), strict=True))
    with Progress(detector.verbose, len(members), "network") as progress:
        side_by_side(lambda job: train(*job), jobs, detector._threads, progress.move_to)


def _threshold(detector: Detector, found: NDArray[np.float64]) -> float:
    if detector.threshold == "tail":
        return thresholds.by_tail(found, detector.false_alarm_rate)
    if detector.threshold == "conformal":
        return thresholds.by_conformal(found, detector.false_alarm_rate)
    if isinstance(detector.contamination, str):
        return thresholds.by_deviation(found)
    return thresholds.by_share(found, detector.contamination)
