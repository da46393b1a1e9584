"""What aecore 0.1.0 wrote loads, answers what it answered there, and goes on learning."""

from __future__ import annotations

import io
import pickle
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import aecore
from files_of_0_1_0 import FOLDER, MODELS, PICKLED, TRAININGS, answers, go_on
from samples import may_learn_nothing

with np.load(FOLDER / "expected.npz") as archive:
    STORED: dict[str, NDArray[Any]] = dict(archive)

# Relative to the largest number of an array: instruction sets add in another order, and a few
# epochs let the difference grow. "portable" gives what "avx2" has written within 4e-6 and 6e-16.
TOLERANCES = {"float32": 1e-4, "float64": 1e-10}


CLASSES = dict(STORED["classes"].tolist())


def expected_of(name: str) -> dict[str, NDArray[Any]]:
    prefix = f"{name}: "
    return {key.removeprefix(prefix): x for key, x in STORED.items() if key.startswith(prefix)}


def check(name: str, found: dict[str, Any], dtype: Any) -> None:
    expected = expected_of(name)
    assert found.keys() == expected.keys()
    for what, value in expected.items():
        if value.dtype.kind != "f":
            np.testing.assert_array_equal(found[what], value, err_msg=what)
            continue
        atol = TOLERANCES[np.dtype(dtype).name] * np.abs(value).max(initial=0.0)
        np.testing.assert_allclose(found[what], value, rtol=0.0, atol=atol, err_msg=what)


@pytest.mark.parametrize("name", MODELS)
def test_a_file_gives_its_answers(name: str) -> None:
    model = aecore.load(FOLDER / f"{name}.safetensors")
    assert type(model).__name__ == CLASSES[name]
    check(name, answers(model, STORED), model.dtype)


@may_learn_nothing
@pytest.mark.parametrize("name", [name for name in MODELS if not name.startswith("network")])
def test_a_file_has_its_settings(name: str) -> None:
    loaded, made = aecore.load(FOLDER / f"{name}.safetensors"), MODELS[name](STORED)
    assert repr(loaded.get_params(deep=False)) == repr(made.get_params(deep=False))


# The clusterer in a pickle of clusters is scikit-learn's, which says so when it is another version.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.InconsistentVersionWarning")
@pytest.mark.parametrize("name", PICKLED)
def test_a_pickle_gives_its_answers(name: str) -> None:
    model = pickle.loads((FOLDER / f"{name}.pickle").read_bytes())
    assert type(model).__name__ == CLASSES[name]
    check(name, answers(model, STORED), model.dtype)


@may_learn_nothing
@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_goes_on_from_its_checkpoint(name: str) -> None:
    path = FOLDER / f"checkpoint-{name}.safetensors"
    check(f"checkpoint-{name}", go_on(name, path, STORED), aecore.load(path).dtype)


def test_every_file_is_read() -> None:
    read = {f"{name}.safetensors" for name in MODELS} | {f"{name}.pickle" for name in PICKLED}
    read |= {f"checkpoint-{name}.safetensors" for name in TRAININGS} | {"expected.npz"}
    assert {path.name for path in FOLDER.iterdir()} == read


class Modules(pickle.Unpickler):
    """Notes the modules that a pickle names."""

    def __init__(self, pickled: bytes) -> None:
        super().__init__(io.BytesIO(pickled))
        self.named: set[str] = set()

    def find_class(self, module: str, name: str) -> Any:
        self.named.add(module)
        return super().find_class(module, name)


@may_learn_nothing
@pytest.mark.parametrize("name", MODELS)
def test_a_pickle_names_public_modules(name: str) -> None:
    """A module that a pickle names can never be moved, but for the recommender's one."""
    unpickler = Modules(pickle.dumps(MODELS[name](STORED)))
    unpickler.load()
    ours = {module for module in unpickler.named if module.split(".")[0] == "aecore"}
    private = {module for module in ours if "._" in module}
    assert ours
    assert private <= ({"aecore._history"} if name.startswith("recommender") else set())
