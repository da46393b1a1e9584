"""The options of `aecore fit`: every parameter of every estimator, described; and values."""

from __future__ import annotations

import inspect
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aecore
from aecore import optimizers, schedules
from aecore._names import ON_COMMAND_LINE
from aecore.cli._values import value_of
from commands import FAST, ROWS, fit, refusal, run


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    np.save(tmp_path / "rows.npy", ROWS)
    return tmp_path / "rows.npy"


@pytest.mark.parametrize("word", FAST)
def test_help_describes_every_parameter(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("fit", "--estimator", word, "--help") == 0
    said = " ".join(capsys.readouterr().out.split())
    kind = getattr(aecore, ON_COMMAND_LINE[word])
    for name in inspect.signature(kind).parameters:
        if name in {"callbacks", "beta_schedule", "verbose"}:
            assert f"--{name.replace('_', '-')} VALUE" not in said
            continue
        _, found, after = said.partition(f"--{name.replace('_', '-')} VALUE ")
        assert found, name
        description = after.partition(" --")[0]
        assert "default: " in description
        assert len(description.rpartition("[")[0].split()) > 1, (name, description)


@pytest.mark.parametrize(
    ("word", "option", "words"),
    [
        ("autoencoder", "--n-epochs", "Passes over the rows, >= 1"),
        ("sparse", "--batch-size", "Rows per update"),  # described by Autoencoder alone
        ("sparse", "--sparsity-target", "default: 0.01"),
        ("outlier-detector", "--window", "Rows of a time series, in the order of time"),
        ("outlier-detector", "--noise", "one of masking, gaussian, salt_and_pepper, uniform"),
        ("clustering", "--n-clusters", "How many clusters, from 1 to the number of rows"),
        ("ease", "--weight-decay", "lambda >= 0, of the order of 100 to 1000"),
    ],
)
def test_descriptions_are_those_of_the_docstrings(
    word: str, option: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    run("fit", "--estimator", word, "--help")
    said = " ".join(capsys.readouterr().out.split())
    assert words in said.partition(f"{option} VALUE ")[2].partition(" --")[0]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--window", "3"], "no option of fit for the estimator autoencoder; outlier-detector has"),
        (["--estimator", "ease", "--n-epochs", "3"], "autoencoder, sparse, denoising, variational"),
        (["--labels", "kind"], "classifier has it"),
        (["--epochs", "3"], "did you mean --n-epochs?"),
        (["--lr", "0.1"], "did you mean --learning-rate?"),
        (["--estimator", "outlier"], "must be one of autoencoder, sparse"),
        (["--estimator", "classifer"], "did you mean classifier?"),
        (["--noise", "maskin"], "did you mean 'masking'?"),
        (["--optimizer", "Adm(0.1)"], "did you mean Adam?"),
        (["--optimizer", "Adam(beta_1=2)"], "beta_1 must be a number in [0, 1)"),
        (["--optimizer", "Adam(beta=2)"], "unexpected keyword argument 'beta'"),
        (["--learning-rate", "0"], "--learning-rate must be None or a finite number > 0; got 0"),
        (["--optimizer", "lbfgs", "--learning-rate", "1"], "--learning-rate must be None"),
        (["--estimator", "classifier"], "--labels must name a column of ROWS"),
        (["--hidden-layer-sizes"], "requires an argument"),
    ],
)
def test_a_wrong_option_is_one_sentence(
    words: list[str], message: str, rows: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = refusal(capsys, "fit", rows, "-o", rows.with_name("m"), *words)
    assert message in said
    assert not rows.with_name("m").exists()


def test_parameters_are_checked_before_rows_are_read(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "rows.npy").write_bytes(b"no rows")
    assert run("fit", tmp_path / "rows.npy", "-o", tmp_path / "m", "--n-epochs", "-1") == 2
    assert "--n-epochs must be" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3", 3),
        ("1e-3", 1e-3),
        ("-2", -2),
        ("8,2", (8, 2)),
        ("(8, 2)", (8, 2)),
        ("[8]", (8,)),
        ("None", None),
        ("true", True),
        ("False", False),
        ("adam", "adam"),
        ("salt_and_pepper", "salt_and_pepper"),
        ("{'no': 2.0}", {"no": 2.0}),
        ("Adam(beta_1=0.8)", optimizers.Adam(beta_1=0.8)),
        ("optimizers.Nesterov(0.1, momentum=0.5)", optimizers.Nesterov(0.1, momentum=0.5)),
        ("WarmUp(3, then=Cosine())", schedules.WarmUp(3, then=schedules.Cosine())),
        ({"name": "Adam", "beta_1": 0.8}, optimizers.Adam(beta_1=0.8)),
        ({"no": 2.0}, {"no": 2.0}),
        ([8, 2], (8, 2)),
        (0.5, 0.5),
        ("__import__('os')", ValueError),
        ("Adam(exec)", "Adam(exec)"),
        ("3 4", "3 4"),
        ("(" * 500, "(" * 500),
    ],
)
def test_values(text: Any, value: Any) -> None:
    if value is ValueError:
        with pytest.raises(ValueError, match="an object must be one of"):
            value_of(text)
    else:
        assert value_of(text) == value
        assert type(value_of(text)) is type(value)


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_objects_and_sequences_of_them(tmp_path: Path) -> None:
    model = fit(
        "autoencoder",
        tmp_path,
        "--optimizer",
        "Adam(0.01, beta_1=0.8)",
        "--learning-rate-schedule",
        "WarmUp(2)",
        "--pretrain",
        "[DenoisingAutoencoder(n_epochs=1), Autoencoder(n_epochs=1)]",
    )
    learned = aecore.load(model)
    assert learned.optimizer == optimizers.Adam(0.01, beta_1=0.8)
    assert learned.learning_rate_schedule == schedules.WarmUp(2)
    assert [type(each).__name__ for each in learned.pretrain] == [
        "DenoisingAutoencoder",
        "Autoencoder",
    ]
