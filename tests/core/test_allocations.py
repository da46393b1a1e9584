"""Memory is taken before an epoch begins: the number of batches does not change how often."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from aecore import Autoencoder, ConvAutoencoder
from aecore.callbacks import EpochState
from helpers import run_function

N_EPOCHS = 4
TRAININGS: dict[str, dict[str, Any]] = {
    "adam": {},
    "adam, shorter last batch": {"batch_size": 30},
    "clipped": {"optimizer": "momentum", "clip_norm": 0.1},
    "sparse": {"activation": "sigmoid", "sparsity_weight": 3.0, "weight_decay": 1e-4},
    "trimmed": {"trim_fraction": 0.4, "dropout": 0.1},
    "validated": {"validation_fraction": 0.25},
    "row by row": {"optimizer": "sgd", "batch_size": 1},
    "row by row in tiles": {"batch_size": 1},
    "float64": {"dtype": "float64"},
    "convolutional": {"channels": (3, 17), "image_shape": (7, 10), "dropout": 0.1},
}


class Counter:
    """The requests for memory so far, noted at every epoch's end; noting asks for none."""

    def __init__(self, count: Callable[[], int]) -> None:
        self.count = count
        self.noted = np.zeros(N_EPOCHS, np.int64)

    def on_epoch_end(self, state: EpochState) -> None:
        """Note the count."""
        self.noted[state.epoch] = self.count()


def requests_by_epoch(
    settings: dict[str, Any], n_rows: int, n_threads: int, count: Callable[[], int]
) -> list[int]:
    """How often memory is asked for between the ends of two epochs."""
    X = np.random.default_rng(0).random((n_rows, 70), dtype=np.float32)
    kind: Any = ConvAutoencoder if "channels" in settings else Autoencoder
    sizes = {} if "channels" in settings else {"hidden_layer_sizes": (40, 9)}
    model = kind(
        **{**sizes, "batch_size": 32, **settings},
        n_epochs=N_EPOCHS,
        n_threads=n_threads,
        random_state=0,
    )
    model.fit(X)  # loads what is loaded once
    counter = Counter(count)
    model.set_params(callbacks=counter).fit(X)
    requests: list[int] = np.diff(counter.noted).tolist()
    return requests


def requests_of_trainings(n_threads: int) -> dict[int, dict[str, list[int]]]:
    """The same for epochs of 4 and of 40 batches of all trainings."""
    count = ctypes.CDLL(None).count_allocations
    count.restype = ctypes.c_long
    before = count()
    kept = [bytearray(5000) for _ in range(100)]
    assert count() - before >= len(kept)  # it counts
    return {
        n_batches: {
            name: requests_by_epoch(settings, 32 * n_batches, n_threads, count)
            for name, settings in TRAININGS.items()
        }
        for n_batches in (4, 40)
    }


@pytest.mark.parametrize("n_threads", [1, 2])
def test_batches_allocate_nothing(n_threads: int, allocator: dict[str, str]) -> None:
    # What Python asks for at an epoch's end is there however many batches there are.
    requests = run_function(requests_of_trainings, n_threads, env=allocator)
    assert requests[4] == requests[40]
