"""Estimators stay in their modules: whoever trains takes a Plan, and these are all exceptions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from aecore._names import ESTIMATORS
from helpers import ROOT

PACKAGE = ROOT / "python" / "aecore"
# Modules of an estimator, and of what estimators are made of.
HOMES = {module.removeprefix("aecore.") for module in ESTIMATORS.values()}
HOMES |= {f"_estimators.{path.stem}" for path in (PACKAGE / "_estimators").glob("*.py")}
HOMES |= {"_recommending.base", "_saving.model"}
# The command line and the demo use estimators as users do.
ABOVE = {"cli", "demo"}
# What a parameter that is an estimator is called, or annotated with.
NAMES = {
    "estimator",
    "estimators",
    "detector",
    "recommender",
    "model",
    "models",
    "member",
    "source",
}
TYPES = re.compile(rf"\b({'|'.join(ESTIMATORS)}|\w*(Encoder|Autoencoder)|Estimator|Planned)\b")
# By module: making a Plan, files and pickles, and what is given estimators by the user.
ALLOWED = {
    "_problem.plan": {"check_own", "of", "parameters_of"},
    "_saving.models": {
        "description",
        "estimator_pickle",
        "identity",
        "restore_estimator",
        "save_estimator",
    },
    "_files.kinds": {"kind_of"},
    "_parallel.fit_many": {"fit_many", "_clones_with_data", "_wrong_number", "__init__"},
    "_outliers.pyod_view": {"__init__"},  # a fitted one, by PyOD's names
    "_training.pretraining": {"_layer_plan", "_lent"},
    "exceptions": {"__init__"},  # of FitManyError, which holds those that were fitted
}


def module_of(path: Path) -> str:
    return ".".join(path.relative_to(PACKAGE).with_suffix("").parts)


def takes_estimator(function: ast.FunctionDef) -> bool:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    return any(
        each.arg in NAMES
        or (each.annotation is not None and TYPES.search(ast.unparse(each.annotation)) is not None)
        for each in every
    )


def takers() -> Iterator[tuple[str, str]]:
    """(module, function) of all functions away from home that take an estimator."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = module_of(path)
        if module in HOMES or module.split(".")[0] in ABOVE:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef) and takes_estimator(node):
                yield module, node.name


def test_few_functions_take_an_estimator() -> None:
    found: dict[str, set[str]] = {}
    for module, name in takers():
        found.setdefault(module, set()).add(name)
    assert found == ALLOWED
