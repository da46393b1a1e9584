"""`aecore info`: what a model's file holds."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np

import aecore
from aecore._files.container import read, valid
from aecore._names import ON_COMMAND_LINE
from aecore._saving.models import build
from aecore._tables.sources import check_can_read
from aecore.cli._facts import changed, facts
from aecore.cli._files import PATH
from aecore.cli._output import json_option, one_line, plain, print_json, some


@click.command()
@click.argument("model", type=PATH)
@json_option
@click.option(
    "--config", "as_config", is_flag=True, help="Print settings for `aecore fit --config`."
)
def info(model: Path, as_json: bool, as_config: bool) -> None:
    """Print what the file MODEL holds: any model of aecore's, or a checkpoint."""
    check_can_read(model)
    content = read(model)
    with valid(repr(str(model))):
        learned = build(content)
    if as_config:
        click.echo(_settings(learned, model), nl=False)
        return
    of_file = {"version": content.document["version"], "checkpoint": "run" in content.document}
    found = {**of_file, **facts(learned)}
    if as_json:
        print_json(found)
    else:
        for name, value in _lines(found):
            click.echo(f"{name:<11} {value}")


def _lines(found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Say the facts, a line each."""
    yield "holds", found["holds"] + (" (a checkpoint)" if found["checkpoint"] else "")
    for name in found.get("changed", ()):
        yield "parameter", f"{name} = {one_line(repr(found['parameters'][name]))}"
    if not found["fitted"]:
        yield "network", "none: not fitted"
        return
    if found.get("feature_names"):
        yield "columns", some(found["feature_names"])
    if found.get("n_networks", 1) > 1:
        yield "networks", f"{found['n_networks']}, each of them"
    if "layers" in found:
        yield "layers", "-".join(map(str, found["layers"]))
        yield "activations", ", ".join(found["activations"])
        yield "numbers", f"{found['n_numbers']:,} of {found['dtype']}"
    if "image_shape" in found:
        yield "images", " x ".join(map(str, found["image_shape"]))
    if "classes" in found:
        yield "classes", some(found["classes"])
    if "threshold" in found:
        yield "odd", f"rows with an error above {found['threshold']:.6g}"
    if "cluster_sizes" in found:
        sizes, noise = found["cluster_sizes"], found["n_noise"]
        yield "clusters", f"{len(sizes)}, of {some(sizes)} rows" + f"; noise: {noise}" * (noise > 0)
    if "n_items" in found:
        users = "" if found["n_users"] is None else f", from {found['n_users']:,} users"
        yield "items", f"{found['n_items']:,}{users}"
    if "n_epochs" in found:
        yield "trained", f"{found['n_epochs']} epochs in {found['seconds']:.1f} s"
    yield from ((name, f"{found[name]:.6g}") for name in found if name.endswith("loss"))


def _settings(learned: Any, model: Path) -> str:
    """Write the parameters as a file of settings."""
    if isinstance(learned, aecore.Network):
        msg = f"{model} must hold an estimator, which has settings; got a Network"
        raise ValueError(msg)
    words = {name: word for word, name in ON_COMMAND_LINE.items()}
    values = learned.get_params(deep=False)
    lines = [f"{name} = {_toml(values[name])}" for name in changed(learned) if name != "verbose"]
    return "\n".join(["[estimator]", f'name = "{words[type(learned).__name__]}"', *lines, ""])


def _toml(value: Any) -> str:
    value = plain(value) if isinstance(value, np.generic | tuple) else value
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return repr(value)
    if value is None or isinstance(value, bool | str):
        return json.dumps("none" if value is None else value, ensure_ascii=False)
    return json.dumps(one_line(repr(value)), ensure_ascii=False)
