"""The package as built and installed: flags, symbols, files, version, side effects of import."""

from __future__ import annotations

import importlib.metadata
import json
import re
import shlex
import shutil
import subprocess
import zlib
from pathlib import Path
from types import ModuleType

import pytest

import aecore
from aecore import _core, serving
from helpers import ROOT, run_python

ISAS = ["portable", "avx2", "avx512", "neon"]


@pytest.fixture(scope="module")
def compile_commands() -> dict[str, list[str]]:
    """The newest build's compiler call of each C++ file, by the file's path below csrc/."""
    databases = sorted(
        ROOT.glob("build/*/compile_commands.json"), key=lambda path: path.stat().st_mtime
    )
    if not databases:
        pytest.skip("aecore was not built in this checkout: no compile_commands.json under build/")
    source = ROOT / "csrc"
    entries = json.loads(databases[-1].read_text())
    return {
        Path(entry["file"]).relative_to(source).as_posix(): shlex.split(entry["command"])
        for entry in entries
        if source in Path(entry["file"]).parents
    }


def symbols(path: Path, *options: str) -> list[tuple[str, str]]:
    """(kind, name) of the symbols that `nm` finds; kinds in capitals are global."""
    if shutil.which("nm") is None:
        pytest.skip("nm is not installed")
    lines = subprocess.run(
        ["nm", "-C", *options, str(path)], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    found = [re.match(r"[0-9a-f ]{16} (\S) (.*)", line) for line in lines]
    return [(match[1], match[2]) for match in found if match]


@pytest.mark.parametrize("isa", ISAS)
def test_kernels_leak_no_shared_code(
    isa: str, compile_commands: dict[str, list[str]], tmp_path: Path
) -> None:
    # A weak symbol exists once in the module: if the linker kept the AVX-512 copy of a template,
    # older CPUs would crash in it. Inlining hides them from the optimised build, hence -O0.
    command = compile_commands.get(f"kernels/{isa}.cpp")
    if command is None:
        pytest.skip(f"the {isa} kernels are not built for this machine")
    compiled = tmp_path / f"{isa}.o"
    command[command.index("-o") + 1] = str(compiled)
    command = [flag for flag in command if not flag.startswith("-fsanitize=")]
    subprocess.run([*command, "-O0"], cwd=tmp_path, check=True, timeout=100)
    found = symbols(compiled)
    assert found
    assert [name for kind, name in found if kind in "WwVvu"] == []
    # A static initialiser would run at import, on machines without these instructions too.
    assert [name for _, name in found if "_GLOBAL__sub_I" in name] == []


def test_flags_keep_ieee_arithmetic_and_fit_any_machine(
    compile_commands: dict[str, list[str]],
) -> None:
    assert "kernels/portable.cpp" in compile_commands
    forbidden = {"-ffast-math", "-Ofast", "-funsafe-math-optimizations", "-march=native", "-flto"}
    for file, command in compile_commands.items():
        assert forbidden.isdisjoint(command), file
        assert "-ffp-contract=off" in command, file
        # Only a kernel file may use more than every machine has.
        assert file.startswith("kernels/") or not any(a.startswith("-m") for a in command), file


@pytest.mark.parametrize("module", [_core, serving], ids=["_core", "serving"])
def test_modules_export_their_entry_point_only(module: ModuleType) -> None:
    path = Path(str(module.__file__))
    if path.suffix != ".so":
        pytest.skip(f"nm does not read {path.suffix}")
    names = [name.split("@")[0] for _, name in symbols(path, "-D", "--defined-only")]
    assert names == [f"PyInit_{module.__name__.rpartition('.')[2]}"]


def test_import_leaves_subnormals_alone() -> None:
    # Code linked with -ffast-math sets flush-to-zero for the process when it is loaded.
    printed = run_python(
        "import numpy as np; import aecore\n"
        "network = aecore.Network([4, 2, 4], activations=['sigmoid', 'sigmoid'])\n"
        "network.encode(np.ones((300, 4)))\n"
        "tiny = np.float32(1e-38); print(tiny / np.float32(4) > 0, 1e-308 / 4 > 0)"
    )
    assert printed.split() == ["True", "True"]


def test_version_has_one_source() -> None:
    assert importlib.metadata.version("aecore") == aecore.__version__
    elsewhere = [
        path
        for pattern in ("CMakeLists.txt", "pyproject.toml", "csrc/**/*.?pp", "python/**/*.py")
        for path in ROOT.glob(pattern)
        if re.search(rf"['\"]{re.escape(aecore.__version__)}['\"]", path.read_text())
    ]
    if not elsewhere:
        pytest.skip("there is no checkout around these tests")
    assert [path.name for path in elsewhere] == ["_version.py"]


def installed_files() -> list[importlib.metadata.PackagePath]:
    """What the wheel brought: everything recorded, without the byte code made at installation."""
    files = [file for file in importlib.metadata.files("aecore") or [] if file.suffix != ".pyc"]
    if any("editable" in file.name for file in files):
        pytest.skip("aecore is installed in editable form: its files are not those of a wheel")
    return files


def test_wheel_holds_the_package_and_nothing_else() -> None:
    files = installed_files()
    names = {file.as_posix() for file in files}
    top = {file.parts[0] for file in files if file.parts[0] != ".."}
    assert top == {"aecore", f"aecore-{aecore.__version__}.dist-info"}
    needed = ("__init__.py", "_core.pyi", "py.typed", "serving.pxd", "serving.pyi")
    assert {f"aecore/{name}" for name in needed} <= names
    kinds = {file.suffix for file in files if file.parts[0] == "aecore"}
    assert kinds <= {".py", ".pyi", ".pxd", ".typed", ".so", ""}
    modules = {file.name.split(".")[0] for file in files if file.suffix == ".so"}
    assert modules == {"_core", "serving"}
    assert any(name.endswith("/licenses/LICENSE") for name in names)


def test_wheel_is_small() -> None:
    if _core.show_build()["build_type"] != "Release":
        pytest.skip("this build carries debug information")
    # What a wheel holds is compressed file by file. It was 1.24 MB when this bound was set; 0.5 MB
    # more came once from compiling each loss for each activation, and must not come back unseen.
    # `python -m benchmarks.wheel` prints what each table of kernels takes of it.
    size = sum(len(zlib.compress(Path(str(f.locate())).read_bytes())) for f in installed_files())
    assert size < 1_600_000


def test_the_weight_of_a_wheel_is_that_of_its_kernels_and_the_rest(
    compile_commands: dict[str, list[str]],
) -> None:
    wheel = pytest.importorskip("benchmarks.wheel", reason="benchmarks are not beside the tests")
    if shutil.which("nm") is None or shutil.which("strip") is None:
        pytest.skip("nm and strip are not installed")
    try:
        core = wheel.newest_core()
    except SystemExit as error:
        pytest.skip(str(error))
    weights = wheel.weigh_wheel(core)
    built = {isa for isa in ISAS if f"kernels/{isa}.cpp" in compile_commands}
    assert built == set(ISAS) & set(weights)
    for isa in built:
        own = [weights[f"{isa}, {kind}"] for kind in ("float", "double", "neither")]
        assert sum(own[1:], own[0]) == weights[isa]
        # Half of a table is for each type; random words are for both.
        assert 0.7 < own[0].size / own[1].size < 1.4
        assert 0 < own[2].size < 0.1 * own[0].size
        assert all(0.2 < weight.compressed / weight.size < 0.8 for weight in own)
    assert sum(weights[isa].size for isa in built) > 0.3 * weights["_core"].size
    assert weights["_core"] == wheel.weigh(wheel.stripped(core))
