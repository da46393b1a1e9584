"""What damaged model files meet: `python -m benchmarks.quality.model_files [--quick]`.

A small file of every class is cut off at every length and has every byte of its header changed; a
larger one (0.1 to 0.3 MB) is cut off in many places and has random bytes changed, 10,000 of them
for each seed over all classes. Each must be refused with `ModelFileError`. What the worst refusal
took is printed beside the limits: processor time, which other programs do not make longer, the time
on the clock, and the peak of memory by tracemalloc as a multiple of the file's size.
"""

from __future__ import annotations

import os
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy.sparse import csr_array

import aecore
from benchmarks.quality.common import Benchmark, Goal, print_table

# Columns and hidden units of the two sizes.
_SHAPES = {"small": (6, 3), "larger": (200, 60)}
_N_FLIPS = 10_000
_MOST_SECONDS = 0.1
_MOST_MEMORY = 2.0
# One of so many attempts is repeated with tracemalloc, which is slow.
_MEMORY_EVERY = 20


def make(n_columns: int, n_hidden: int) -> dict[str, Any]:
    """Make a model of every class."""
    rng = np.random.default_rng(0)
    X = rng.random((40, n_columns))
    labels = np.array(["no", "yes"])[np.arange(40) % 2]
    user_items = csr_array((rng.random((40, n_columns)) < 0.3).astype(np.float32))
    fast: dict[str, Any] = {"n_epochs": 2, "random_state": 0}
    layers = (n_hidden,)
    return {
        "Network": aecore.Network([n_columns, n_hidden, n_columns], ["tanh", "identity"]),
        "Autoencoder": aecore.Autoencoder(layers, scale="standard", **fast).fit(X),
        "DenoisingAutoencoder": aecore.DenoisingAutoencoder(layers, **fast).fit(X),
        "SparseAutoencoder": aecore.SparseAutoencoder(layers, **fast).fit(X),
        "AutoencoderClassifier": aecore.AutoencoderClassifier(layers, **fast).fit(X, labels),
        "AutoencoderRecommender": aecore.AutoencoderRecommender(layers, **fast).fit(user_items),
        "EASE": aecore.EASE(2.0).fit(user_items),
    }


class Attempts:
    """Loads of damaged files: how many, those not refused, and what the worst of them took."""

    def __init__(self) -> None:
        self.n = self.not_refused = 0
        self.seconds = self.clock = self.memory = 0.0

    def attempt(self, path: Path, size: int) -> None:
        """Load `path`, which is damaged; the peak is compared with `size`, if that is not 0."""
        start, clock = time.process_time(), time.perf_counter()
        self.not_refused += not self._is_refused(path)
        self.seconds = max(self.seconds, time.process_time() - start)
        self.clock = max(self.clock, time.perf_counter() - clock)
        self.n += 1
        if size > 0 and self.n % _MEMORY_EVERY == 1:
            tracemalloc.start()
            self._is_refused(path)
            self.memory = max(self.memory, tracemalloc.get_traced_memory()[1] / size)
            tracemalloc.stop()

    def add(self, other: Attempts) -> None:
        """Count the attempts of another, too."""
        self.n += other.n
        self.not_refused += other.not_refused
        self.seconds = max(self.seconds, other.seconds)
        self.clock = max(self.clock, other.clock)
        self.memory = max(self.memory, other.memory)

    def cells(self) -> list[str]:
        """Say what was found."""
        times = (f"{1e3 * seconds:.1f}" for seconds in (self.seconds, self.clock))
        memory = f"{self.memory:.2f}" if self.memory > 0 else ""
        return [f"{self.n:,}", str(self.not_refused), *times, memory]

    @staticmethod
    def _is_refused(path: Path) -> bool:
        try:
            aecore.load(path)
        except aecore.ModelFileError:
            return True
        return False


def flip(path: Path, places: Iterator[int], draw: random.Random, each: Callable[[], None]) -> None:
    """Change one byte of a file at a time, to any other, and back."""
    with path.open("r+b", buffering=0) as file:
        for at in places:
            byte = os.pread(file.fileno(), 1, at)
            os.pwrite(file.fileno(), bytes([byte[0] ^ draw.randrange(1, 256)]), at)
            each()
            os.pwrite(file.fileno(), byte, at)


def damage(path: Path, kind: str, n_flips: int, step: int, draw: random.Random) -> Attempts:
    """Damage a file in every way; at the end it is cut off."""
    attempts, data = Attempts(), path.read_bytes()
    size = len(data)
    end = 8 + int.from_bytes(data[:8], "little")
    compared = size if kind == "larger" else 0

    def each() -> None:
        attempts.attempt(path, compared)

    flip(path, iter(range(0, end, step)), draw, each)
    if kind == "larger":
        flip(path, (draw.randrange(size) for _ in range(n_flips)), draw, each)
        sizes = sorted({draw.randrange(size) for _ in range(200)}, reverse=True)
    else:
        sizes = list(range(size - 1, -1, -step))
    aecore.load(path)  # it is whole again
    for shorter in sizes:
        os.truncate(path, shorter)
        each()
    return attempts


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("model_files", __doc__)
    n_flips, step = (1_000, 7) if benchmark.quick else (_N_FLIPS, 1)
    lines, worst = [], Attempts()
    with tempfile.TemporaryDirectory() as folder:
        for kind, shape in _SHAPES.items():
            models = make(*shape)
            share = -(-n_flips // len(models))
            for name, model in models.items():
                path, found = Path(folder) / name, Attempts()
                for seed in range(benchmark.n_seeds):
                    model.save(path)
                    size = path.stat().st_size
                    found.add(damage(path, kind, share, step, random.Random(seed)))
                worst.add(found)
                lines.append([name, f"{size:,}", *found.cells()])
    every = "every" if step == 1 else f"one in {step}"
    print(f"{n_flips:,} random bytes; {every} byte of each header and length of small files")
    header = ["file", "bytes", "damages", "not refused", "most ms", "on the clock", "memory / file"]
    print_table(header, lines)
    figures = {
        "damages": worst.n,
        "not_refused": worst.not_refused,
        "most_ms": 1e3 * worst.seconds,
        "memory": worst.memory,
    }
    goals = [
        Goal("damaged files not refused", worst.not_refused, 0, 0),
        Goal("most ms of a refusal", 1e3 * worst.seconds, 0.0, 1e3 * _MOST_SECONDS),
        Goal("peak memory in sizes of the file", worst.memory, 0.0, _MOST_MEMORY),
    ]
    return benchmark.finish(figures, goals)


if __name__ == "__main__":
    raise SystemExit(main())
