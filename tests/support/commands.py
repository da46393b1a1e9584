"""Commands as they are called: in this process, or in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import aecore
from aecore._names import ON_COMMAND_LINE
from aecore.cli import main
from samples import three_factor_rows

ROWS = np.abs(three_factor_rows(40, 6)).astype(np.float32)
NAMES = ["a", "b", "c", "d", "e", "f"]
NUMBERS: NDArray[np.int64] = np.arange(40) % 2  # labels
# Of every estimator, quickly: the settings, and how the command line says them.
FAST: dict[str, dict[str, Any]] = {
    "autoencoder": {"hidden_layer_sizes": (4, 2), "n_epochs": 2, "random_state": 0},
    "sparse": {"hidden_layer_sizes": 3, "n_epochs": 5, "random_state": 1},
    "denoising": {"noise": "gaussian", "n_epochs": 2, "random_state": 0},
    "variational": {"hidden_layer_sizes": (4, 2), "n_epochs": 2, "random_state": 0},
    "conv": {
        "channels": 3,
        "image_shape": (2, 3),
        "kernel_size": 2,
        "n_epochs": 2,
        "random_state": 0,
    },
    "classifier": {"hidden_layer_sizes": 4, "n_epochs": 2, "random_state": 0},
    "outlier-detector": {"n_estimators": 2, "n_epochs": 2, "random_state": 0},
    "clustering": {
        "n_clusters": 3,
        "autoencoder": "Autoencoder((5, 2), n_epochs=2)",
        "refinement": "idec",
        "n_updates": 2,
        "random_state": 0,
    },
    "recommender": {"hidden_layer_sizes": 4, "n_epochs": 2, "random_state": 0},
    "ease": {"weight_decay": 2.0},
}
assert FAST.keys() == ON_COMMAND_LINE.keys()


def run(*words: object) -> int:
    """Call `aecore` in this process."""
    return main([str(word) for word in words])


def estimator(word: str) -> Any:
    """Make the estimator that the settings of FAST stand for."""
    settings = dict(FAST[word])
    if "autoencoder" in settings:
        settings["autoencoder"] = aecore.Autoencoder((5, 2), n_epochs=2)
    return getattr(aecore, ON_COMMAND_LINE[word])(**settings)


def fitted(word: str) -> Any:
    """Fit it as `fit` does, without the command line."""
    return estimator(word).fit(ROWS, *([NUMBERS] if word == "classifier" else []))


def options(settings: dict[str, Any]) -> list[str]:
    """Write settings as options."""
    words: list[str] = []
    for name, value in settings.items():
        text = ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
        words += [f"--{name.replace('_', '-')}", text]
    return words


def fit(word: str, folder: Path, *more: object) -> Path:
    """Fit an estimator to ROWS, with NUMBERS where it takes labels; return the file's path."""
    rows, model = folder / "rows.npy", folder / f"{word}.aecore"
    np.save(rows, ROWS)
    labels: list[object] = []
    if word == "classifier":
        np.save(folder / "labels.npy", NUMBERS[:, np.newaxis])
        labels = ["--labels", folder / "labels.npy"]
    words = [*labels, *options(FAST[word]), *more]
    assert run("fit", rows, "-o", model, "--estimator", word, "-q", *words) == 0
    return model


def refusal(capsys: Any, *words: object) -> str:
    """Call `aecore` with what it cannot use, and return the one sentence it says."""
    assert run(*words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith(f"aecore {words[0]}: error: ")
    assert said.err.count("\n") == 1
    return str(said.err)


def command(*words: object, **settings: Any) -> subprocess.CompletedProcess[str]:
    """Run `python -m aecore` in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "aecore", *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **settings.pop("env", {})},
        **settings,
    )
