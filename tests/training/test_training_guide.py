"""The blocks of docs/training.md run as they stand."""

from __future__ import annotations

import csv
import sys
import types
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from aecore.optimizers import _KINDS
from helpers import ROOT, python_blocks

if TYPE_CHECKING:
    from typing_extensions import Self

GUIDE = ROOT / "docs" / "training.md"
WRITTEN: list[tuple[str, float, int]] = []


class Writer:
    """Stands for PyTorch's SummaryWriter, which the tests do not install."""

    def __init__(self, folder: str) -> None:
        assert folder == "runs"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def add_scalar(self, tag: str, value: float, step: int) -> None:
        WRITTEN.append((tag, value, step))


def test_the_blocks_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    module = types.ModuleType("torch.utils.tensorboard")
    module.SummaryWriter = Writer  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    logged = None
    for block in python_blocks(GUIDE):
        exec(compile(block, str(GUIDE), "exec"), names)
        if "CSVLogger" in block:
            logged = names["ae"].history_
    assert "[0.0125, 0.025, 0.03750" in capsys.readouterr().out
    assert logged is not None
    rows = list(csv.DictReader(Path("training.csv").read_text().splitlines()))
    assert [int(row["epoch"]) for row in rows] == list(range(5))
    for column in ("loss", "learning_rate", "seconds"):
        assert [float(row[column]) for row in rows] == logged[column]
    assert [step for tag, _, step in WRITTEN if tag == "loss"] == [0, 1, 2]
    assert [value for tag, value, _ in WRITTEN if tag == "learning_rate"] == [1e-3] * 3


def test_the_table_has_every_optimizer_with_its_defaults() -> None:
    table = GUIDE.read_text()
    for kind in _KINDS:
        settings = kind().settings()
        rate = settings.pop("learning_rate", None)
        arguments = ", ".join(f"{name}={value}" for name, value in settings.items())
        row = f'`"{kind.name}"`'
        (line,) = [line for line in table.splitlines() if line.startswith(f"| {row}")]
        shown = arguments.replace("1e-08", "1e-8")
        assert f"`{kind.__name__}({shown})`" in line
        if rate is not None:
            assert f"| {rate} |" in line
