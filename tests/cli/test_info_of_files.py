"""`aecore info` of what else a file may hold: networks and checkpoints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import aecore
from commands import ROWS, run


def test_a_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    aecore.Network([6, 3, 6], ["tanh", "identity"], random_state=0).save(tmp_path / "net")
    assert run("info", tmp_path / "net") == 0
    assert "layers      6-3-6\n" in capsys.readouterr().out
    assert run("info", tmp_path / "net", "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["holds"], found["layers"], found["dtype"]) == ("Network", [6, 3, 6], "float32")
    assert run("info", tmp_path / "net", "--config") == 2
    assert "must hold an estimator" in capsys.readouterr().err


def test_a_checkpoint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "checkpoint"
    model = aecore.Autoencoder((4,), activation="tanh", n_epochs=9, random_state=0)
    model.fit(ROWS, checkpoint=aecore.Checkpoint(path))
    assert run("info", path) == 0
    said = capsys.readouterr().out
    assert "holds       Autoencoder (a checkpoint)\n" in said
    assert "9 epochs in" in said
    assert run("info", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["checkpoint"] is True
    assert found["n_epochs"] == 9


def test_numbers_that_json_does_not_know(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "model"
    aecore.VariationalAutoencoder(beta=0.5, n_epochs=2).save(path)
    assert run("info", path, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert found["parameters"]["hidden_layer_sizes"] == [400, 20]
    assert found["parameters"]["beta_schedule"] is None
    assert found["changed"] == ["beta", "n_epochs"]
