"""Which rows are odd, and why? `python examples/detect.py [FILE.csv] [OUTPUT.png]`.

Learns from a table with a line of names (columns of numbers only; empty cells are missing), or
from scikit-learn's wines with a few of one kind among those of another. Draws the errors of all
rows with the threshold, and the errors of the features of the oddest rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import AutoencoderOutlierDetector

N_SHOWN = 8
N_FEATURES = 15


def load(table: Path | None) -> tuple[NDArray[np.float64], list[str]]:
    """Rows and the names of their columns."""
    if table is not None:
        names = table.read_text().splitlines()[0].split(",")
        X = np.genfromtxt(table, delimiter=",", skip_header=1, ndmin=2)
        of_numbers = ~np.isnan(X).all(axis=0)
        return X[:, of_numbers], [
            name.strip() for name, keep in zip(names, of_numbers, strict=True) if keep
        ]
    from sklearn.datasets import load_wine

    wines = load_wine()
    kept = np.concatenate(
        [np.flatnonzero(wines.target != 2), np.flatnonzero(wines.target == 2)[:9]]
    )
    return wines.data[kept], list(wines.feature_names)


def draw(
    errors: NDArray[np.float64], threshold: float, names: list[str], path: Path
) -> NDArray[np.int64]:
    """Write the picture, and return the oddest rows."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    by_row = errors.sum(axis=1)
    oddest = np.argsort(-by_row)[:N_SHOWN]
    of_row = dict(zip(oddest.tolist(), range(len(oddest)), strict=True))
    shown = np.argsort(-errors[oddest].max(axis=0))[:N_FEATURES]
    figure, axes = plt.subplots(1, 2, figsize=(13, 5), width_ratios=(3, 4), layout="constrained")
    colours: Any = np.where(by_row > threshold, "tab:red", "tab:blue")
    axes[0].scatter(np.arange(len(by_row)), by_row, s=10, c=colours)
    axes[0].axhline(threshold, color="black", linewidth=1, label="threshold")
    for row in of_row:
        axes[0].annotate(str(row), (row, by_row[row]), fontsize=8)
    axes[0].set(xlabel="row", ylabel="error", yscale="log", title="errors of rows")
    axes[0].legend()
    picture = axes[1].imshow(errors[np.ix_(oddest, shown)], aspect="auto", cmap="Reds")
    axes[1].set_yticks(range(len(oddest)), [f"row {row}" for row in oddest])
    axes[1].set_xticks(range(len(shown)), [names[i] for i in shown], rotation=60, ha="right")
    axes[1].set_title("errors of their features")
    figure.colorbar(picture, ax=axes[1])
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return oddest


def main() -> None:
    """Fit, draw, and say what was found."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    files = parser.parse_args().files
    pictures = [path for path in files if path.suffix == ".png"]
    tables = [path for path in files if path.suffix != ".png"]
    if len(pictures) > 1 or len(tables) > 1:
        parser.error("one table and one picture, please")
    path = pictures[0] if pictures else Path("outliers.png")
    path.parent.mkdir(parents=True, exist_ok=True)
    X, names = load(tables[0] if tables else None)
    detector = AutoencoderOutlierDetector(missing="mask", random_state=0).fit(X)
    errors = detector.feature_errors(X)
    n_odd = int((detector.predict(X) == -1).sum())
    print(f"{len(X)} rows of {X.shape[1]} numbers, {n_odd} of them odd")
    for row in draw(errors, -detector.offset_, names, path)[:N_SHOWN]:
        worst = errors[row].argsort()[::-1][:3]
        reasons = ", ".join(f"{names[i]} = {X[row, i]:.4g}" for i in worst)
        print(f"row {row}: error {errors[row].sum():.1f}, mostly {reasons}")
    print(f"picture: {path}")


if __name__ == "__main__":
    main()
