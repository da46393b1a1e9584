"""The VAE of PyTorch's examples: `python -m benchmarks.quality.vae [--quick]`.

784-400-20 with relu, Bernoulli likelihood of the grey pixels of MNIST, Adam with rate 1e-3, batches
of 128, 10 epochs [1]_: minus the ELBO of a test image in nats, with one draw of its code. The
example ends at 105.6. Its time is printed beside ours where PyTorch is installed.

.. [1] github.com/pytorch/examples, vae/main.py
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aecore import VariationalAutoencoder
from benchmarks.quality import with_torch
from benchmarks.quality.common import (
    PIXEL,
    Benchmark,
    Goal,
    load_digits,
    mean_over_seeds,
    print_table,
)

SETTINGS: dict[str, Any] = {
    "hidden_layer_sizes": (400, 20),
    "learning_rate": 1e-3,
    "batch_size": 128,
    "n_threads": 1,
}


def by_torch(X: NDArray[np.float32], n_epochs: int) -> float:
    """Seconds of the same training in PyTorch, on one thread."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(1)
    torch.manual_seed(0)
    first, mean, log_variance = nn.Linear(784, 400), nn.Linear(400, 20), nn.Linear(400, 20)
    third, last = nn.Linear(20, 400), nn.Linear(400, 784)
    model = nn.ModuleList([first, mean, log_variance, third, last])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    rows = torch.from_numpy(X)
    begin = time.perf_counter()
    for _ in range(n_epochs):
        for batch in torch.randperm(len(X)).split(128):
            x = rows[batch]
            h = functional.relu(first(x))
            mu, v = mean(h), log_variance(h)
            z = mu + torch.exp(0.5 * v) * torch.randn_like(v)
            logits = last(functional.relu(third(z)))
            loss = functional.binary_cross_entropy_with_logits(logits, x, reduction="sum")
            loss = loss - 0.5 * torch.sum(1 + v - mu.pow(2) - v.exp())
            optimizer.zero_grad()
            (loss / len(batch)).backward()
            optimizer.step()
    return time.perf_counter() - begin


def main() -> int:
    """Run the benchmark."""
    benchmark = Benchmark("vae", __doc__)
    images, held_out = load_digits()
    n_epochs = 10
    if benchmark.quick:
        images, held_out, n_epochs = images[:10_000], held_out[:2_000], 5
    X, test = images * np.float32(PIXEL), held_out * np.float32(PIXEL)

    def run(seed: int) -> dict[str, float]:
        begin = time.perf_counter()
        model = VariationalAutoencoder(**SETTINGS, n_epochs=n_epochs, random_state=seed).fit(X)
        seconds = time.perf_counter() - begin
        bound = model.elbo(test, random_state=seed)
        exact = model.log_likelihood(test[::20], n_samples=100, random_state=seed)
        return {"minus ELBO": -bound.mean(), "NLL": -exact.mean(), "seconds": seconds}

    found = mean_over_seeds(run, benchmark.n_seeds)
    if not benchmark.quick and with_torch.is_installed():
        found["PyTorch seconds"] = by_torch(X, n_epochs)
    print_table(list(found), [[f"{figure:.2f}" for figure in found.values()]])
    low, high = (121.0, 129.0) if benchmark.quick else (0.0, 106.0)
    goals = [Goal("minus ELBO of a test image, nats", found["minus ELBO"], low, high)]
    return benchmark.finish(found, goals)


if __name__ == "__main__":
    raise SystemExit(main())
