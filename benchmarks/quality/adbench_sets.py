"""The 22 sets of ADBench below AECORE_DATA, and the protocol under which others were measured.

At most 10,000 rows drawn by the seed, 70 % of them for training, columns scaled to [0, 1] by the
training rows; detectors are fitted without labels and judged by the area under the ROC curve on the
other 30 %. S. Han et al., "ADBench: anomaly detection benchmark", NeurIPS 2022; the figures of
others, by set and seed, are in `peers.csv` beside the data.
"""

from __future__ import annotations

import csv
import functools
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import MinMaxScaler

from benchmarks.quality.common import data_folder

_MOST_ROWS = 10_000
_ERROR_CODES = 0.01


class Split(NamedTuple):
    """Training rows, test rows, and which of these are odd (1)."""

    X: NDArray[np.float32]
    X_test: NDArray[np.float32]
    y_test: NDArray[Any]


def names() -> list[str]:
    """Names of the sets, by their number in the benchmark."""
    files = data_folder("adbench-classical").glob("*.npz")
    return sorted((path.stem for path in files), key=lambda name: int(name.split("_")[0]))


@functools.cache
def _load(name: str) -> tuple[NDArray[np.float32], NDArray[Any]]:
    with np.load(data_folder("adbench-classical") / f"{name}.npz") as arrays:
        return arrays["X"].astype(np.float32), arrays["y"]


@functools.cache
def split(name: str, seed: int) -> Split:
    """Rows of a set as the protocol has them."""
    X, y = _load(name)
    if len(X) > _MOST_ROWS:
        drawn = np.random.RandomState(seed).choice(len(X), _MOST_ROWS, replace=False)
        X, y = X[drawn], y[drawn]
    train, test, _, y_test = train_test_split(X, y, test_size=0.3, stratify=y, random_state=seed)
    scaler = MinMaxScaler().fit(train)
    return Split(scaler.transform(train), scaler.transform(test), y_test)


def with_error_codes(rows: Split, seed: int) -> Split:
    """The same, but one in a hundred numbers of the training rows is 1e6."""
    wrong = np.random.default_rng(seed + 1000).random(rows.X.shape) < _ERROR_CODES
    return rows._replace(X=np.where(wrong, np.float32(1e6), rows.X))


def peers() -> dict[str, dict[str, dict[int, tuple[float, float]]]]:
    """AUROC and seconds of a fit, by method, set and seed."""
    found: dict[str, dict[str, dict[int, tuple[float, float]]]] = {}
    with (data_folder("adbench-classical") / "peers.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            of_set = found.setdefault(row["method"], {}).setdefault(row["dataset"], {})
            of_set[int(row["seed"])] = float(row["auroc"]), float(row["fit_s"])
    return found
