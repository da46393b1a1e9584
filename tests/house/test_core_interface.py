"""The way into the core: a stub that says what is there, everything beyond the arrays by name."""

from __future__ import annotations

import ast
import dataclasses
from collections.abc import Iterator
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aecore
from aecore import _core, reference
from aecore._problem.objective import Objective, Settings, Terms
from aecore.reference._settings import Options

MOST_POSITIONAL = 6
PACKAGE = Path(aecore.__file__).parent
STUB = ast.parse((PACKAGE / "_core.pyi").read_text())
CLASSES = {node.name: node for node in STUB.body if isinstance(node, ast.ClassDef)}
OPTIONS = [name for name, node in CLASSES.items() if node.decorator_list]
Function = ast.FunctionDef


def functions(body: list[ast.stmt]) -> dict[str, Function]:
    return {node.name: node for node in body if isinstance(node, Function)}


def fields(options: ast.ClassDef) -> dict[str, Any]:
    """Default of each field; an Ellipsis where it is a struct of its own."""
    return {
        node.target.id: ast.literal_eval(node.value)
        for node in options.body
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value
    }


def stub_signature(function: Function) -> tuple[list[str], list[str]]:
    """Names that may be positional, and names that may not."""
    arguments = function.args
    return [a.arg for a in arguments.args], [a.arg for a in arguments.kwonlyargs]


def core_signature(function: Any) -> tuple[list[str], list[str]]:
    """The same from the first line that pybind11 writes into a docstring."""
    (parsed,) = ast.parse(f"def {function.__doc__.splitlines()[0]}: ...").body
    assert isinstance(parsed, Function)
    return stub_signature(parsed)


def public(names: Any) -> set[str]:
    return {name for name in names if not name.startswith("_")}


def test_the_stub_has_the_names_of_the_module() -> None:
    constants = {node.target.id for node in STUB.body if isinstance(node, ast.AnnAssign)}
    mine = constants - {"Array", "Rows"} | set(CLASSES) | set(functions(STUB.body))
    assert public(mine) == public(vars(_core))


@pytest.mark.parametrize("name", CLASSES)
def test_the_stub_has_the_members_of_the_class(name: str) -> None:
    node, bound = CLASSES[name], getattr(_core, name)
    assert public({*functions(node.body), *fields(node)}) == public(vars(bound))


def every_function() -> Iterator[Any]:
    for name, function in functions(STUB.body).items():
        if not name.startswith("_"):
            yield pytest.param(function, name, id=name)
    for owner, node in CLASSES.items():
        for name, function in functions(node.body).items():
            if not function.decorator_list:
                yield pytest.param(function, f"{owner}.{name}", id=f"{owner}.{name}")


@pytest.mark.parametrize(("function", "path"), [*every_function()])
def test_the_stub_has_the_signature_of_the_function(function: Function, path: str) -> None:
    bound: Any = _core
    for part in path.split("."):
        bound = getattr(bound, part)
    positional, keywords = stub_signature(function)
    assert core_signature(bound) == (positional, keywords)
    assert len(positional) - ("." in path) <= MOST_POSITIONAL


@pytest.mark.parametrize("name", OPTIONS)
def test_options_go_by_the_list_of_the_core(name: str) -> None:
    bound = getattr(_core, name)
    default = bound()
    stub = fields(CLASSES[name])
    assert bound.__fields__ == tuple(stub)
    for field, value in stub.items():
        found = getattr(default, field)
        assert (
            found is value
            or (found == (list(value) if value == () else value))
            or (value is ... and type(found).__name__ == field.capitalize())
        ), field


def test_options_are_the_classes_with_fields() -> None:
    assert set(OPTIONS) == {name for name in CLASSES if hasattr(getattr(_core, name), "__fields__")}
    assert "Objective" in OPTIONS


def test_the_terms_of_j_are_those_of_the_core() -> None:
    assert Terms._fields == reference.Terms._fields == _core.TERMS


def defaults(options: type[Any]) -> dict[str, Any]:
    return {each.name: each.default for each in dataclasses.fields(options)}


def test_j_has_the_same_settings_everywhere() -> None:
    """In the Plan, the core, the reference, `Network.objective`, and the estimators."""
    ours, core = defaults(Objective), _core.Objective()
    assert set(Settings.__annotations__) ^ set(ours) == {
        "clustering_weight",
        "sparsity_running",
        "seed",
        "epoch",
    }
    oracle = {**defaults(Options), "observed_only": False}
    assert ours == {name: oracle[name] for name in ours}
    oracle["sparsity_layers"] = []  # the core has their indices
    assert {name: getattr(core, name) for name in ours} == {name: oracle[name] for name in ours}


@pytest.mark.parametrize("kind", [aecore.Autoencoder, aecore.ConvAutoencoder])
def test_settings_of_j_are_parameters(kind: type[Any]) -> None:
    ours = defaults(Objective)
    found = {name: each.default for name, each in signature(kind).parameters.items()}
    assert ours.items() >= {name: found[name] for name in set(ours) & set(found)}.items()
    not_there = {"beta", "free_bits", "contractive_weight", "clustering_weight", "observed_only"}
    assert set(ours) - set(found) <= not_there


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        (
            {"decay": 1.0},
            TypeError,
            "there is no option 'decay'; the options are loss, weight_decay",
        ),
        ({"weight_decay": "1"}, TypeError, "weight_decay must be a number; got '1'"),
        ({"weight_decay": -1}, ValueError, "weight_decay must be a finite number >= 0; got -1"),
        ({"dropout": 1.0}, ValueError, r"dropout must be a number in \[0, 1\); got 1"),
        ({"observed_only": 1}, TypeError, "observed_only must be True or False; got 1"),
        ({"seed": -1}, TypeError, r"seed must be an integer in \[0, 2\*\*64\); got -1"),
        ({"code_layer": 0.5}, TypeError, "code_layer must be an integer of 64 bits; got 0.5"),
        ({"sparsity_layers": 1}, TypeError, "sparsity_layers must be a sequence of numbers; got 1"),
        ({"loss": 1}, TypeError, "loss must be a name; got 1"),
        ({"loss": "hinge"}, ValueError, "loss must be one of squared_error, .*; got 'hinge'"),
        ({"noise": None}, TypeError, "noise must be of type Noise; got None"),
    ],
)
def test_wrong_options_are_named(given: dict[str, Any], error: type, message: str) -> None:
    with pytest.raises(error, match=f"^{message}"):
        _core.Objective(**given)
    if "decay" not in given:
        objective = _core.Objective()
        (name, value) = given.popitem()
        before = getattr(objective, name)
        with pytest.raises(error, match=f"^{message}"):
            setattr(objective, name, value)
        assert type(getattr(objective, name)) is type(before)


def test_every_field_can_be_set_and_read() -> None:
    noise = _core.Noise(kind="uniform", level=0.5)
    objective = _core.Objective(noise=noise, input=_core.Input(offset=[1.0], factor=[2.0]))
    assert (objective.noise.kind, objective.noise.level) == ("uniform", 0.5)
    objective.noise.kind = None
    objective.seed = 2**64 - 1
    objective.sparsity_layers = [2, 3]
    assert objective.noise.kind is None
    assert noise.kind == "uniform"
    assert (objective.seed, objective.sparsity_layers) == (2**64 - 1, [2, 3])
    assert (objective.input.offset, objective.input.factor) == ([1.0], [2.0])


def test_columns_are_scaled_one_by_one() -> None:
    network = _core.Network([2, 1, 2], ["tanh", "tanh"])
    entry = _core.Input(offset=[1.0, 2.0], factor=[1.0])
    arrays = np.zeros(network.n_parameters), np.zeros((3, 2)), np.zeros((3, 1))
    message = "offset and factor must have one number for each of the 2 features; got 2 and 1"
    with pytest.raises(ValueError, match=message):
        network.forward(*arrays, first_layer=0, last_layer=1, entry=entry)
    with pytest.raises(ValueError, match=message):
        network.one_row(arrays[0], arrays[1][0], None, 0, 1, entry)


@pytest.mark.parametrize(
    ("place", "wrong"),
    [
        (0, None),
        (0, 3),
        (0, [1.0]),
        (0, object()),
        (0, np.zeros(0)),
        (0, np.zeros(7, dtype=np.int64)),
        (0, np.zeros(8)),
        (0, np.zeros(14)[::2]),
        (0, np.zeros(7, dtype=np.float32)),
        (0, np.zeros(7, dtype=">f8")),
        (1, None),
        (1, [1.0, 2.0]),
        (1, np.zeros(3)),
        (1, np.zeros((1, 2))),
        (1, np.zeros(4)[::2]),
        (1, np.zeros(2, dtype=np.float32)),
        (2, 3),
        (2, np.zeros(1)),
        (2, np.zeros(4)[::2]),
        (2, np.broadcast_to(0.0, (2,))),
        (3, -1),
        (3, 2),
        (4, 0),
        (4, 3),
        (4, -(2**63)),
    ],
)
def test_one_row_does_nothing_with_what_is_not_plain(place: int, wrong: Any) -> None:
    network = _core.Network([2, 1, 2], ["tanh", "tanh"])
    assert network.n_parameters == 7
    given: list[Any] = [np.zeros(7), np.ones(2), None, 0, 2, _core.Input()]
    np.testing.assert_array_equal(network.one_row(*given), [0.0, 0.0])
    given[place] = wrong
    assert network.one_row(*given) is None


def calls_of_the_core(tree: ast.AST) -> Iterator[ast.Call]:
    """Calls of its functions, and of whatever is called like a method of a network."""
    methods = public(functions(CLASSES["Network"].body))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = ast.unparse(node.func.value)
            if owner.endswith("_core") or node.func.attr in methods:
                yield node


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_few_arguments_go_by_place(path: Path) -> None:
    for call in calls_of_the_core(ast.parse(path.read_text())):
        starred = any(isinstance(argument, ast.Starred) for argument in call.args)
        assert not starred, ast.unparse(call)
        assert len(call.args) <= MOST_POSITIONAL, ast.unparse(call)
