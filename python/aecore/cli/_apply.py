"""`aecore encode`, `reconstruct`, `predict`: a model's answer to each row of a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

import aecore
from aecore.cli._answers import Answer, answer_rows, need
from aecore.cli._files import PATH, load
from aecore.cli._rows import check_output, without_option
from aecore.cli._tables import table_options


def _command(function: Callable[..., None]) -> click.Command:
    for decorate in (
        table_options,
        without_option,
        click.option("-q", "--quiet", is_flag=True, help="No progress bar."),
        click.option(
            "-o",
            "--output",
            type=PATH,
            required=True,
            help="File of a table.",
        ),
        click.argument("rows", type=PATH),
        click.argument("model", type=PATH),
    ):
        function = decorate(function)
    return click.command()(function)


@_command
def encode(model: Path, rows: Path, output: Path, **more: Any) -> None:
    """Write the codes of ROWS."""
    check_output(output, [model, rows])
    learned = load(model)
    need(learned, "encode", model)
    if isinstance(learned, aecore.Network):
        n_code = learned.layer_sizes[learned.code_layer + 1]
        codes = Answer(learned.encode, [f"code{unit}" for unit in range(n_code)])
    else:
        codes = Answer(learned.transform, list(learned.get_feature_names_out()))
    answer_rows(learned, codes, rows, output, **more)


@_command
def reconstruct(model: Path, rows: Path, output: Path, **more: Any) -> None:
    """Write what the network makes of ROWS."""
    check_output(output, [model, rows])
    learned = load(model)
    need(learned, "reconstruct", model)
    answer_rows(learned, Answer(learned.reconstruct, None), rows, output, **more)


@_command
@click.option("--proba", is_flag=True, help="Write how probable each label is.")
def predict(model: Path, rows: Path, output: Path, proba: bool, **more: Any) -> None:
    """Write the label of each of ROWS: its class, its cluster, or -1 where it is odd, else 1.

    With --proba a column for each class or cluster; of an outlier detector how far the row is on
    the way from usual to odd.
    """
    check_output(output, [model, rows])
    learned = load(model)
    need(learned, "predict", model)
    answer_rows(learned, _labels(learned, proba), rows, output, **more)


def _labels(learned: Any, proba: bool) -> Answer:
    if not proba:
        named = "cluster" if isinstance(learned, aecore.DeepClustering) else "label"
        return Answer(learned.predict, [named])
    if isinstance(learned, aecore.AutoencoderOutlierDetector):
        return Answer(learned.odd_probability, ["odd_probability"])
    if isinstance(learned, aecore.DeepClustering):
        names = [f"cluster{each}" for each in range(getattr(learned, "n_clusters_", 0))]
        return Answer(learned.soft_assignment, names)
    return Answer(learned.predict_proba, list(map(str, getattr(learned, "classes_", []))))
