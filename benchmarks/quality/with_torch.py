"""The same training in PyTorch: same initial weights, same rows in the same order."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from aecore import Network


def is_installed() -> bool:
    """Whether PyTorch can be imported."""
    return importlib.util.find_spec("torch") is not None


def train(  # noqa: PLR0917
    network: Network,
    X: NDArray[np.float32],
    orders: Iterable[NDArray[np.int64]],
    loss: str,
    optimizer: str,
    learning_rate: float,
    batch_size: int,
) -> Network:
    """Train a copy of `network`, on one thread.

    Parameters
    ----------
    network : Network
        With relu or sigmoid layers, and a sigmoid output.
    X : ndarray of shape (n_rows, n_features), float32
    orders : iterable of ndarray of int64
        Rows of each epoch, in order; the last batch of an epoch may be shorter.
    loss : {"squared_error", "binary_cross_entropy"}
        As in aecore: summed over features, the mean over rows, 1/2 before squares.
    optimizer : {"adam", "sgd"}
    learning_rate : float
    batch_size : int

    Returns
    -------
    Network
        What PyTorch has learned.
    """
    import torch
    from torch import nn
    from torch.nn import functional

    torch.set_num_threads(1)
    modules: list[nn.Module] = []
    for weight, bias, name in zip(
        network.weights, network.biases, network.activations, strict=True
    ):
        linear = nn.Linear(*weight.shape)
        with torch.no_grad():
            linear.weight.copy_(torch.from_numpy(weight.T.copy()))
            linear.bias.copy_(torch.from_numpy(bias.copy()))
        modules += [linear, nn.ReLU() if name == "relu" else nn.Sigmoid()]
    model = nn.Sequential(*modules)
    kind = torch.optim.Adam if optimizer == "adam" else torch.optim.SGD
    rule = kind(model.parameters(), lr=learning_rate)
    rows = torch.from_numpy(X)
    for order in orders:
        for batch in torch.from_numpy(order).split(batch_size):
            x = rows.index_select(0, batch)
            if loss == "binary_cross_entropy":
                total = functional.binary_cross_entropy(model(x), x, reduction="sum")
            else:
                total = 0.5 * functional.mse_loss(model(x), x, reduction="sum")
            rule.zero_grad()
            (total / len(batch)).backward()
            rule.step()
    parts = [part.detach().numpy().T.ravel() for each in modules[::2] for part in each.parameters()]
    return network.with_parameters(np.concatenate(parts))
