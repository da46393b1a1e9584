"""`show_config` says what a bug report needs."""

from __future__ import annotations

import ast

import pytest

import aecore
from aecore import _core
from helpers import run_python

KEYS = {
    "aecore",
    "python",
    "numpy",
    "platform",
    "compiler",
    "build_type",
    "isa",
    "isa_available",
    "threading",
    "n_threads",
    "environment",
    "libraries",
}


def test_dict_has_every_fact() -> None:
    config = aecore.show_config("dict")
    assert config is not None
    assert set(config) >= KEYS
    assert config["aecore"] == aecore.__version__
    assert config["isa"] in config["isa_available"]
    assert config["n_threads"] == _core.default_n_threads() >= 1


def test_print_says_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    config = aecore.show_config("dict")
    assert aecore.show_config() is None
    lines = capsys.readouterr().out.splitlines()
    assert config is not None
    assert {line.split(":")[0] for line in lines if not line.startswith(("  ", "note"))} >= KEYS
    assert f"isa: {config['isa']}" in lines
    for library in config["libraries"]:
        assert any(library["filepath"] in line for line in lines)


def test_names_the_blas_of_numpy() -> None:
    config = aecore.show_config("dict")
    assert config is not None
    assert any(library["user_api"] == "blas" for library in config["libraries"])


def test_forced_instruction_set_and_variables(isa: str) -> None:
    code = "import aecore; print(aecore.show_config('dict'))"
    config = ast.literal_eval(run_python(code, isa=isa, env={"OMP_NUM_THREADS": "1"}))
    assert config["isa"] == isa
    assert config["environment"]["AECORE_ISA"] == isa
    assert config["environment"]["OMP_NUM_THREADS"] == "1"
    assert config["n_threads"] == 1


def test_unknown_mode() -> None:
    with pytest.raises(ValueError, match=r"mode must be one of 'stdout', 'dict'; got 'yaml'"):
        aecore.show_config("yaml")
