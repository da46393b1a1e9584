"""`aecore score`: how well a model knows the rows of a file, and why it does not."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray

import aecore
from aecore._tables.table import TableError, TableFormat
from aecore.cli._answers import Answer, answer_rows, need
from aecore.cli._files import PATH, a, load
from aecore.cli._output import json_option, print_json
from aecore.cli._rows import check_output, read_labels, read_rows, without_option
from aecore.cli._tables import table_options


@click.command()
@click.argument("model", type=PATH)
@click.argument("rows", type=PATH)
@click.option("-o", "--output", type=PATH, help="File of a table.")
@click.option(
    "--explain",
    is_flag=True,
    help="Of an outlier detector: write the error of each column beside the score.",
)
@click.option(
    "--labels",
    metavar="COLUMN",
    help="Of a classifier or clusters: the column of ROWS with labels, or a file of one column.",
)
@click.option("-q", "--quiet", is_flag=True, help="No progress bar and no summary.")
@json_option
@table_options
@without_option
def score(  # noqa: PLR0917
    model: Path,
    rows: Path,
    output: Path | None,
    explain: bool,
    labels: str | None,
    quiet: bool,
    as_json: bool,
    form: TableFormat,
    without: tuple[str, ...],
) -> None:
    """Write the score of each of ROWS: the lower, the less MODEL knows such a row.

    Of an autoencoder it is minus the loss, of an outlier detector minus the error, which --explain
    splits by columns. Of a classifier, with --labels, it is the logarithm of the probability of the
    row's label. Clusters are judged as a whole: without -o.
    """
    if output is not None:
        check_output(output, [model, rows])
    learned = load(model)
    if isinstance(learned, aecore.Network):
        msg = f"{model} must hold an estimator, which knows its loss; got a Network"
        raise TableError(msg)
    need(learned, "score", model)
    got = f"got {a(type(learned).__name__)} in {model}"
    if explain and not hasattr(learned, "feature_errors"):
        msg = f"--explain is for an outlier detector; {got}"
        raise TableError(msg)
    if labels is not None and hasattr(learned, "score_samples"):
        msg = f"--labels is for a classifier or clusters; {got}"
        raise TableError(msg)
    asked = _Asked(learned, rows, output, labels, form, without, quiet=quiet or as_json)
    if isinstance(learned, aecore.DeepClustering):
        found = asked.of_clusters()
    elif isinstance(learned, aecore.AutoencoderClassifier):
        found = asked.of_classes()
    else:
        found = asked.of_rows(explain)
    if as_json:
        print_json(found)
    elif not quiet:
        click.echo(
            ", ".join(
                f"{name} {value:,}" if isinstance(value, int) else f"{name} {value:.6g}"
                for name, value in found.items()
            )
        )


@dataclass(frozen=True)
class _Asked:
    """A model, and the rows that it is asked about."""

    learned: Any
    rows: Path
    output: Path | None
    labels: str | None
    form: TableFormat
    without: Sequence[str]
    quiet: bool

    def of_rows(self, explain: bool) -> dict[str, Any]:
        """Score rows by an autoencoder or an outlier detector."""
        learned = self.learned
        detects = hasattr(learned, "feature_errors")
        summary = _Summary(getattr(learned, "offset_", -math.inf) if detects else -math.inf)
        answer = Answer(learned.score_samples, ["score"])
        if explain:
            answer = Answer(lambda X: _explained(learned, X), _error_names(learned))
        self._write(answer, summary)
        return {**summary.facts(), **({"odd": summary.n_odd} if detects else {})}

    def of_classes(self) -> dict[str, Any]:
        """Score rows by how probable a classifier finds their labels."""
        if self.labels is None:
            msg = "--labels must be given to score a classifier; got none"
            raise TableError(msg)
        judge = _Judge(self.learned, read_labels(self.rows, self.labels, self.form))
        summary = _Summary()
        self._write(Answer(judge.scores, ["score"]), summary, check=judge.check)
        return {"accuracy": judge.n_right / max(1, summary.n_rows), **summary.facts()}

    def of_clusters(self) -> dict[str, Any]:
        """Judge clusters by where their rows lie."""
        if self.output is not None:
            msg = "clusters are judged as a whole and have no scores of rows: leave out --output"
            raise TableError(msg)
        table = read_rows(self.rows, self.form, without=self._left_out)
        known = None
        if self.labels is not None:
            known = read_labels(self.rows, self.labels, self.form)
        return {"rows": len(table.rows), **self.learned.evaluate(table.frame(), known)}

    @property
    def _left_out(self) -> Sequence[str]:
        return self.without if self.labels is None else (*self.without, self.labels)

    def _write(
        self, answer: Answer, summary: _Summary, check: Callable[[int], None] | None = None
    ) -> None:
        answer_rows(
            self.learned,
            answer,
            self.rows,
            self.output,
            self.form,
            quiet=self.quiet,
            told=summary.add,
            check=check,
            without=self._left_out,
        )


@dataclass
class _Summary:
    """Mean and range of scores that come in blocks."""

    offset: float = -math.inf
    n_rows: int = 0
    n_odd: int = 0
    total: float = 0.0
    lowest: float = math.inf
    highest: float = -math.inf

    def add(self, scores: NDArray[Any]) -> None:
        """Count the scores of a block: all of a table, or its first column."""
        scores = scores.reshape(len(scores), -1)[:, 0]
        self.n_rows += len(scores)
        self.n_odd += int(np.count_nonzero(scores < self.offset))
        self.total += float(scores.sum(dtype=np.float64))
        self.lowest = min(self.lowest, float(scores.min()))
        self.highest = max(self.highest, float(scores.max()))

    def facts(self) -> dict[str, Any]:
        """Give what is printed."""
        return {
            "rows": self.n_rows,
            "mean_score": self.total / max(1, self.n_rows),
            "lowest": self.lowest,
            "highest": self.highest,
        }


def _error_names(learned: Any) -> list[str]:
    names = getattr(learned, "feature_names_in_", None)
    if names is None:
        names = [f"error{column}" for column in range(getattr(learned, "n_features_in_", 0))]
    return ["score", *names]


def _explained(learned: Any, X: Any) -> NDArray[Any]:
    """The score of each row, and the errors of its columns, whose sum is minus the score."""
    return np.column_stack([learned.score_samples(X), learned.feature_errors(X)])


@dataclass
class _Judge:
    """Holds the labels of all rows against what a classifier says of a block after the other."""

    classifier: Any
    labels: NDArray[Any]
    n_rows: int = 0
    n_right: int = 0

    def scores(self, X: Any) -> NDArray[Any]:
        """The logarithm of the probability of each row's label."""
        log_p = self.classifier.predict_log_proba(X)
        here = self.labels[self.n_rows : self.n_rows + len(log_p)]
        classes = self.classifier.classes_
        if len(here) != len(log_p):
            msg = f"--labels must give a label for each row; got {len(self.labels)}"
            raise TableError(msg)
        strangers = here[~np.isin(here, classes)]
        if len(strangers):
            msg = f"--labels must hold classes of the model, {classes}; got {strangers[0]}"
            raise TableError(msg)
        places = np.searchsorted(classes, here)
        self.n_rows += len(log_p)
        self.n_right += int(np.count_nonzero(log_p.argmax(axis=1) == places))
        own: NDArray[Any] = log_p[np.arange(len(log_p)), places]
        return own

    def check(self, n_rows: int) -> None:
        """Raise TableError where there are more labels than rows."""
        if n_rows != len(self.labels):
            msg = f"--labels must give a label for each row, {n_rows}; got {len(self.labels)}"
            raise TableError(msg)
