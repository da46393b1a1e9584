"""Three pictures, drawn without a display: features, reconstructions, history."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore._util.atomic import replacing
from aecore.demo._errors import DemoError
from aecore.demo._rows import image_side

_N_RECONSTRUCTIONS = 12


def write_all(
    folder: Path,
    *,
    features: NDArray[Any],
    rows: NDArray[Any],
    reconstructions: NDArray[Any],
    losses: Sequence[float],
) -> None:
    """Write features.png, reconstructions.png and history.png.

    Parameters
    ----------
    folder : Path
        Where to; it exists.
    features : ndarray of shape (n_units, n_features)
        Drawn each to its own range; as images if n_features is a square number, else as bars.
    rows, reconstructions : ndarray of shape (n_rows, n_features)
        A few of both are drawn one above the other, black being 0 and white 1.
    losses : sequence of float
        J of each iteration.

    Raises
    ------
    DemoError
        If a file cannot be written.
    """
    chosen = _high_contrast(rows)
    pictures = {
        "features.png": _features(features),
        "reconstructions.png": _reconstructions(rows[chosen], reconstructions[chosen]),
        "history.png": _history(losses),
    }
    for name, figure in pictures.items():
        path = folder / name
        try:
            with replacing(path) as file:
                figure.savefig(file, format="png", dpi=100)
        except OSError as error:
            msg = f"cannot write {path}: {error.strerror or error}"
            raise DemoError(msg) from error
        print(f"  wrote {path}")


def _high_contrast(rows: NDArray[Any]) -> NDArray[np.intp]:
    """Some rows out of the tenth that varies most: sparse units are silent for a flat patch."""
    by_contrast = np.argsort(rows.std(axis=1), kind="stable")[-max(len(rows) // 10, 1) :]
    n_chosen = min(_N_RECONSTRUCTIONS, len(by_contrast))
    return np.asarray(by_contrast[np.linspace(0, len(by_contrast) - 1, n_chosen).astype(int)])


def _figure(width: float, height: float) -> Any:
    # Not pyplot: a Figure of its own needs no display and leaves no global state.
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _draw_row(axes: Any, values: NDArray[Any], low: float, high: float) -> None:
    """One row as a grey image if it can be one, otherwise as bars."""
    side = image_side(values.size)
    if side:
        axes.imshow(values.reshape(side, side), cmap="gray", vmin=low, vmax=high)
    else:
        axes.bar(np.arange(values.size), values, width=1.0, color="0.3")
        axes.set_ylim(low, high)
    axes.set_xticks([])
    axes.set_yticks([])


def _features(features: NDArray[Any]) -> Any:
    n_columns = math.ceil(math.sqrt(len(features)))
    n_rows = math.ceil(len(features) / n_columns)
    figure = _figure(1.2 * n_columns, 1.2 * n_rows + 0.4)
    figure.suptitle("The input that excites each hidden unit most", fontsize=10)
    for axes, feature in zip(
        figure.subplots(n_rows, n_columns, squeeze=False).flat, features, strict=False
    ):
        # Grey, or the line of the bars, is 0 in every feature.
        limit = float(np.abs(feature).max()) or 1.0
        _draw_row(axes, feature, -limit, limit)
    for axes in figure.axes[len(features) :]:
        axes.set_axis_off()
    return figure


def _reconstructions(rows: NDArray[Any], reconstructions: NDArray[Any]) -> Any:
    figure = _figure(1.0 * len(rows) + 2.0, 2.7)
    figure.suptitle("Rows out of the tenth with the highest contrast", fontsize=10)
    grid = figure.subplots(2, len(rows), squeeze=False)
    for line, name, values in zip(grid, ("input", "output"), (rows, reconstructions), strict=True):
        line[0].set_ylabel(name)
        for axes, row in zip(line, values, strict=True):
            _draw_row(axes, row, 0.0, 1.0)
    return figure


def _history(losses: Sequence[float]) -> Any:
    figure = _figure(6.0, 4.0)
    axes = figure.subplots()
    axes.plot(np.arange(1, len(losses) + 1), losses, color="0.2")
    axes.set_xlabel("iteration of L-BFGS")
    axes.set_ylabel("objective J")
    axes.grid(visible=True, alpha=0.3)
    return figure
