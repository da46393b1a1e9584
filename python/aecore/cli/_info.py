"""`aecore info`: what a model's file holds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import aecore


@click.command()
@click.argument("model", type=click.Path(path_type=Path))
def info(model: Path) -> None:
    """Print what the file MODEL holds."""
    learned = aecore.load(model)
    for name, value in _lines(learned):
        click.echo(f"{name:<12}{value}")


def _lines(learned: Any) -> list[tuple[str, str]]:
    lines = [("holds", type(learned).__name__)]
    network = learned
    if not isinstance(learned, aecore.Network):
        members = getattr(learned, "estimators_", [])  # of an outlier detector
        network = members[0].network_ if members else getattr(learned, "network_", None)
        defaults = type(learned)().get_params()
        lines += [
            ("parameter", f"{name} = {value!r}")
            for name, value in learned.get_params().items()
            if value != defaults[name]
        ]
        if members:
            lines.append(("networks", f"{len(members)}, each of them"))
    if network is None:
        return [*lines, ("network", "none: not fitted")]
    lines += [
        ("layers", "-".join(map(str, network.layer_sizes))),
        ("activations", ", ".join(network.activations)),
        ("numbers", f"{network.parameters.size:,} of {network.dtype}"),
    ]
    history = getattr(learned, "history_", {})
    if history:
        epochs, seconds = len(history["loss"]), sum(history["seconds"])
        lines.append(("trained", f"{epochs} epochs in {seconds:.1f} s"))
        lines += [(name, f"{history[name][-1]:.6g}") for name in history if name.endswith("loss")]
    return lines
