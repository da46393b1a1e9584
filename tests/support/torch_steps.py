"""A hundred steps of each optimiser in PyTorch, and the same training in the core.

`tests/data/torch_steps.json` holds what `torch_parameters` returns for every case, from PyTorch
2.13 on CPU in float64; `python tests/support/torch_steps.py` writes it anew where there is torch.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

STORED = Path(__file__).resolve().parents[1] / "data" / "torch_steps.json"
SIZES = [5, 3, 5]
N_STEPS = 100
# Name: the core's optimiser, PyTorch's class and settings, the decoupled decay, the norm allowed.
CASES: dict[str, dict[str, Any]] = {
    "sgd": {"name": "sgd", "torch": "SGD", "learning_rate": 0.05},
    "momentum": {"name": "momentum", "torch": "SGD", "learning_rate": 0.02, "momentum": 0.8},
    "nesterov": {
        "name": "nesterov",
        "torch": "SGD",
        "learning_rate": 0.02,
        "momentum": 0.8,
        "extra": {"nesterov": True},
    },
    "adagrad": {"name": "adagrad", "torch": "Adagrad", "learning_rate": 0.05, "epsilon": 1e-10},
    "rmsprop": {
        "name": "rmsprop",
        "torch": "RMSprop",
        "learning_rate": 0.01,
        "rho": 0.95,
        "epsilon": 1e-8,
    },
    "adam": {"name": "adam", "torch": "Adam", "learning_rate": 0.02, "epsilon": 1e-8},
    "adamw": {
        "name": "adamw",
        "torch": "AdamW",
        "learning_rate": 0.02,
        "epsilon": 1e-8,
        "weight_decay": 0.3,
    },
    "sgd clipped": {"name": "sgd", "torch": "SGD", "learning_rate": 0.2, "clip_norm": 0.1},
    "adam clipped": {"name": "adam", "torch": "Adam", "learning_rate": 0.02, "clip_norm": 0.1},
}


def rows_and_start() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Seven rows and 38 parameters by a formula, so that any machine has the same."""
    rows = 0.5 + 0.45 * np.sin(1.7 * np.arange(35.0)).reshape(7, 5)
    return rows, 0.5 * np.cos(2.3 * np.arange(38.0))


def torch_parameters(case: dict[str, Any]) -> list[float]:
    """Parameters after the steps on 1/2 ||x_hat - x||^2 of a tanh code, summed over features."""
    import torch

    rows, start = rows_and_start()
    ends = np.cumsum([15, 3, 15, 5])
    W1, b1, W2, b2 = (
        torch.tensor(part.reshape(shape), requires_grad=True)
        for part, shape in zip(np.split(start, ends[:-1]), [(5, 3), 3, (3, 5), 5], strict=True)
    )
    decay = case.get("weight_decay", 0.0)
    groups = [
        {"params": [W1, W2], "weight_decay": decay},
        {"params": [b1, b2], "weight_decay": 0.0},
    ]
    settings = {"lr": case["learning_rate"], **case.get("extra", {})}
    for ours, theirs in (("momentum", "momentum"), ("rho", "alpha"), ("epsilon", "eps")):
        if ours in case:
            settings[theirs] = case[ours]
    optimizer = getattr(torch.optim, case["torch"])(groups, **settings)
    X = torch.tensor(rows)
    for _ in range(N_STEPS):
        optimizer.zero_grad()
        x_hat = torch.tanh(X @ W1 + b1) @ W2 + b2
        (0.5 * ((x_hat - X) ** 2).sum() / len(rows)).backward()
        if "clip_norm" in case:
            torch.nn.utils.clip_grad_norm_([W1, b1, W2, b2], case["clip_norm"])
        optimizer.step()
    parameters = torch.cat([p.detach().flatten() for p in (W1, b1, W2, b2)])
    return [float(p) for p in parameters]


def expected_parameters(name: str) -> NDArray[np.float64]:
    """PyTorch's parameters: of a run now where it is installed, else the stored ones."""
    try:
        import torch  # noqa: F401
    except ImportError:
        return np.array(json.loads(STORED.read_text())[name])
    return np.array(torch_parameters(CASES[name]))


if __name__ == "__main__":
    STORED.parent.mkdir(exist_ok=True)
    parameters = {name: torch_parameters(case) for name, case in CASES.items()}
    STORED.write_text(json.dumps(parameters, indent=1) + "\n")
