"""The benchmark against peers in small: the data is sound, the figures mean what they say."""

from __future__ import annotations

import importlib
import itertools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from helpers import ROOT

if not (ROOT / "benchmarks").is_dir():
    pytest.skip("benchmarks are not beside the tests", allow_module_level=True)

from benchmarks import bench, rows
from benchmarks.machine import TOLERANCE, machine_slug
from benchmarks.numpy_baseline import NumpyNetwork
from benchmarks.peers import chart, report, with_aecore, with_numpy
from benchmarks.peers.measure import Result, Round, agrees
from benchmarks.peers.problems import make_problem, save_problem
from benchmarks.peers.process import WorkerError, WorkerProcess
from benchmarks.peers.registry import ENTRIES, entry
from benchmarks.peers.session import Implementation, Session
from benchmarks.workloads import WORKLOADS, Workload, workload

from aecore import _core, reference

BY_NAME = pytest.mark.parametrize("work", WORKLOADS, ids=lambda work: work.name)


@pytest.fixture(autouse=True)
def _no_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Draw the digits: the figures of a test must not depend on what lies beside the checkout."""
    monkeypatch.setenv("AECORE_DATA", str(tmp_path))
    monkeypatch.setattr(rows, "_N_MNIST", 512)


def small(work: Workload) -> Workload:
    """The same network on few rows: two small steps, or one call."""
    sizes = work.layer_sizes
    if work.density < 1:  # 24 million weights would take seconds
        sizes = (2_000, *(size // 10 for size in sizes[1:-1]), 2_000)
    if work.kind != "train":
        return replace(work, n_rows=min(work.n_rows, 300), layer_sizes=sizes)
    batch_size = min(work.batch_size, 16)
    return replace(work, batch_size=batch_size, n_rows=2 * batch_size, layer_sizes=sizes)


@BY_NAME
def test_workloads_are_well_formed(work: Workload) -> None:
    for each in (work, work.quick()):
        assert len(each.activations) == len(each.layer_sizes) - 1
        assert set(each.activations) <= set(_core.ACTIVATIONS)
        assert each.loss in _core.LOSSES
        assert each.optimizer in _core.OPTIMIZERS
        assert each.n_rows % each.batch_size == 0
        assert each.n_steps >= 1
    if work.kind == "train":  # the estimators build the same network from the encoder's widths
        hidden = work.hidden_layer_sizes
        ends = work.layer_sizes[:1]
        assert (*ends, *hidden, *reversed(hidden[:-1]), *ends) == work.layer_sizes
    assert workload(work.name) is work


def test_operations_are_those_of_the_floor() -> None:
    # 784-32-784 at batch 256: two forward products, two weight gradients, one backward product.
    assert workload("keras").operations == 2 * 256 * 784 * 32 * 5


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match=r"workload must be one of keras, .*; got 'nothing'"):
        workload("nothing")
    with pytest.raises(
        ValueError, match=r"implementation must be one of aecore, .*; got 'nothing'"
    ):
        entry("nothing")


def test_drawn_digits_are_as_sparse_as_digits() -> None:
    assert not rows.mnist_is_here()
    digits = rows.make_rows("mnist", 600, 784)
    assert (digits.shape, digits.dtype) == ((600, 784), np.float32)
    assert np.mean(digits > 0) == pytest.approx(0.19, abs=0.01)
    assert digits.max() == 1.0
    pixels = rows.make_rows("mnist-bytes", 600, 784)
    np.testing.assert_allclose(pixels / np.float32(255), digits, rtol=1e-6)
    np.testing.assert_array_equal(digits[512:], digits[:88])  # more rows than digits: repeated


def test_the_baseline_convolves_as_the_specification_does() -> None:
    problem = make_problem(small(workload("conv")))
    work = problem.workload
    convolutions = [
        each
        and (
            reference.transpose_of(each.code, each.image[2], kernel=3, stride=2)
            if each.transposed
            else reference.convolution_of(each.image, each.code[2], kernel=3, stride=2)
        )
        for each in work.windows
    ]
    X = problem.X[: work.batch_size]
    expected, gradient = reference.objective_and_gradient(
        work.layer_sizes,
        work.activations,
        problem.parameters,
        X,
        loss=work.loss,
        convolutions=convolutions,
    )
    network = NumpyNetwork(work, problem.parameters, work.batch_size)
    for _ in range(2):  # the second time with buffers that hold the first
        assert network.objective_and_gradient(X) == pytest.approx(expected, rel=1e-6)
        for found, wanted in zip(work.views(network.gradient), work.views(gradient), strict=True):
            for f, w in zip(found, wanted, strict=True):
                np.testing.assert_allclose(f, w, rtol=1e-4, atol=1e-5 * np.abs(w).max())


def test_shapes_of_layers_that_convolve() -> None:
    work = workload("conv")
    network = make_problem(small(work))
    assert network.parameters.size == work.n_parameters == 111_521
    # Windows times weights: 14^2 x 9 x 16 and 7^2 x 144 x 32, a code of 32, and back again.
    weights = 2 * (196 * 144 + 49 * 144 * 32 + 1568 * 32)
    assert work.operations == 2 * 128 * (3 * weights - 196 * 144)


@BY_NAME
def test_aecore_and_numpy_compute_the_same(work: Workload) -> None:
    problem = make_problem(small(work))
    ours = Session(with_aecore.make(), problem)
    numpy = Session(with_numpy.make(), problem)
    losses = [ours.check(), numpy.check()]
    assert np.isfinite(losses[0])
    assert agrees(*losses, work.loss_tolerance), losses
    for session in (ours, numpy):
        measured = session.run(2)
        assert measured["seconds"] > 0
        assert measured["units"] == 2 * (problem.workload.n_steps if work.kind == "train" else 1)
        assert ("p99" in measured) == (work.kind == "latency")


@pytest.mark.parametrize(
    ("name", "package", "module"),
    [
        ("sklearn", "sklearn", "with_sklearn"),
        ("pytorch", "torch", "with_torch"),
        ("jax", "jax", "with_jax"),
        ("onnxruntime", "onnxruntime", "with_onnx"),
    ],
)
def test_installed_peers_compute_the_same(
    name: str, package: str, module: str, tmp_path: Path
) -> None:
    pytest.importorskip(package)
    assert entry(name).module == module
    taken = 0
    with WorkerProcess(entry(name), cores(), tmp_path / "log", timeout=100) as worker:
        for work in WORKLOADS:
            problem = make_problem(small(work))
            save_problem(tmp_path, problem)
            if worker.ask("setup", folder=str(tmp_path))["ready"]:
                taken += 1
                loss = worker.ask("check")["loss"]
                expected = Session(with_numpy.make(), problem).check()
                assert agrees(loss, expected, work.loss_tolerance), work.name
    assert taken >= 3


def test_worker_speaks_the_protocol(tmp_path: Path) -> None:
    problem = make_problem(workload("encode-one"))
    save_problem(tmp_path, problem)
    with WorkerProcess(entry("numpy"), cores(), tmp_path / "log", timeout=60) as worker:
        with pytest.raises(WorkerError, match="setup has to come first"):
            worker.ask("check")
        assert "numpy" in worker.ask("setup", folder=str(tmp_path))["settings"]
        assert agrees(worker.ask("check")["loss"], Session(with_aecore.make(), problem).check())
        assert worker.ask("run", n=5)["units"] == 5
        with pytest.raises(WorkerError, match="FileNotFoundError"):
            worker.ask("setup", folder=str(tmp_path / "nothing"))
        assert worker.is_alive
    assert not worker.is_alive


def test_worker_that_dies_is_reported(tmp_path: Path) -> None:
    broken = replace(entry("numpy"), environment={"PYTHONHOME": str(tmp_path)})
    with (
        WorkerProcess(broken, cores(), tmp_path / "log", timeout=60) as worker,
        pytest.raises(WorkerError, match="the process ended with"),
    ):
        worker.ask("check")


class Quiet:
    """A calibration whose best rate is 100."""

    def was_quiet(self, *rates: float) -> bool:
        return min(rates) >= (1 - TOLERANCE) * 100


def result(name: str, *times: float, rate: float = 100, loss: float = 1.0) -> Result:
    made = Result(name, loss=loss)
    made.rounds = [Round(time * 1e-6, None, (100, rate), 0.0) for time in times]
    made.summarise(Quiet())  # type: ignore[arg-type]
    return made


def test_disturbed_rounds_are_thrown_away() -> None:
    made = result("numpy", 10, 12, 11)
    made.rounds.append(Round(90e-6, None, (100, 60), 0.0))  # a slow host
    made.rounds.append(Round(80e-6, None, (100, 100), 0.3))  # a neighbour on our core
    made.summarise(Quiet())  # type: ignore[arg-type]
    assert made.n_kept == 3
    assert made.seconds == pytest.approx(11e-6)
    assert made.spread == pytest.approx(1 / 11)
    assert not made.disturbed
    # Without a single quiet round the figure stands, marked.
    disturbed = result("numpy", 20, 30, 40, rate=60)
    assert (disturbed.disturbed, disturbed.seconds) == (True, pytest.approx(30e-6))
    assert "30 ±33 %\\*" in report.full_table({"keras": [disturbed]})


def test_ratios_are_against_the_best_setting_of_the_best_peer() -> None:
    keras = workload("keras")
    results = [
        result("aecore", 100),
        result("numpy", 900),
        result("numpy-skylakex", 300),
        result("pytorch", 800),
        result("jax", 50, loss=1.01),  # fast and wrong: shown, not compared with
        Result("sklearn", supported=False),
        Result("pytorch-compile", error="no compiler"),
    ]
    results[0].peak = keras.operations / 100e-6
    row = report.compare(keras, results, n_cores=2)
    assert row is not None
    assert row.best_peer is results[2]
    assert row.ratio(row.best_peer) == pytest.approx(3)
    assert row.ratio(row.pytorch) == pytest.approx(8)
    assert row.peak == pytest.approx(0.5)
    assert not row.losses_agree
    summary = report.summary_table([row])
    cells = [cell.strip() for cell in summary.splitlines()[2].split("|")[1:-1]]
    assert cells == [
        "keras",
        "step",
        "100 ±0 %",
        "NumPy, SkylakeX kernels",
        "300 ±0 %",
        "3.00x (goal 4x)",
        "8.00x (goal 4x)",
        "0.50 (goal 0.63)",
        "NO",
    ]
    full = report.full_table({"keras": results}).splitlines()
    assert len({line.count("|") for line in full}) == 1
    cells = [cell.strip() for cell in full[2].split("|")[1:-1]]
    assert cells[-3:] == ["50 ±0 % wrong loss", "-", "failed"]


def test_chart_is_written(tmp_path: Path) -> None:
    path = tmp_path / "chart.png"
    results = {"keras": [result("aecore", 100), result("numpy", 300), result("jax", 50)]}
    assert chart.draw(results, "a machine", path)
    assert path.read_bytes().startswith(b"\x89PNG")


def test_families_and_names_are_unique() -> None:
    assert len({each.name for each in ENTRIES}) == len(ENTRIES)
    assert entry("numpy-skylakex").family == entry("numpy").family
    assert replace(entry("numpy"), packages=("no_such_package",)).missing() == ["no_such_package"]


def test_command_writes_its_results(tmp_path: Path) -> None:
    cores()
    child = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.peers", "--quick", "--output", str(tmp_path)),
            *("--workloads", "tabular,encode-one", "--implementations", "aecore,numpy"),
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert child.returncode == 0, child.stderr
    assert "| tabular" in child.stdout
    written = json.loads((tmp_path / f"{machine_slug()}-quick.json").read_text())
    assert written["peak_per_core"] > 0
    assert written["copy_bandwidth"] > 0
    for row in written["results"].values():
        assert [each["name"] for each in row] == ["aecore", "numpy"]
        assert all(each["seconds"] > 0 and each["rounds"] for each in row)
    assert (tmp_path / f"{machine_slug()}-quick.md").read_text().strip() in child.stdout
    assert (tmp_path / f"{machine_slug()}-quick.png").exists()


SUITE = {
    name: importlib.import_module(f"benchmarks.suite.{name}")
    for name in ("importing", "setting_up", "workloads")
}
SUITE_CLASSES = [
    each
    for module in SUITE.values()
    for name, each in vars(module).items()
    if isinstance(each, type) and each.__module__ == module.__name__ and name[0] != "_"
]


def test_modules_of_the_suite_are_all_tried() -> None:
    assert {path.stem for path in (ROOT / "benchmarks" / "suite").glob("[!_]*.py")} == set(SUITE)


@pytest.mark.parametrize("benchmark", SUITE_CLASSES, ids=lambda each: each.__name__)
def test_the_asv_suite_leaves_nothing_out(
    benchmark: type, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # asv itself is not needed: it makes the caches, calls setup, and then the method.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(Workload, "quick", small)
    monkeypatch.setattr("threadpoolctl.threadpool_limits", lambda _: None)  # or it would stay set
    monkeypatch.setattr(SUITE["setting_up"], "_N_FITS", 3)
    for name, n in {"_N_RUNS": 1, "_PEAK_ROUNDS": 1000, "_N_CALLS": 100}.items():
        monkeypatch.setattr(SUITE["workloads"], name, n)
    networks = [work for work in WORKLOADS if work.n_parameters < 120_000]
    assert {"conv", "patches", "encode-one", "encode-all"} <= {work.name for work in networks}
    monkeypatch.setattr(SUITE["workloads"], "WORKLOADS", networks)
    large = {work.name for work in WORKLOADS} - {work.name for work in networks}
    measured: Any = benchmark()
    if hasattr(measured, "setup_cache"):
        measured.setup_cache()
    for values in itertools.product(*measured.params):
        if values[0] in large:  # they take long to draw
            continue
        if hasattr(measured, "setup"):
            measured.setup(*values)  # NotImplementedError would leave it out
        for name in dir(measured):
            kind = name.partition("_")[0]
            if kind in ("time", "timeraw", "peakmem", "track"):
                figure = getattr(measured, name)(*values)
                assert kind != "track" or 0 < figure < np.inf, (name, values)


@pytest.mark.parametrize(("numpy", "code"), [("2.0", 0), ("NaN", 1), ("null", 1)])
def test_make_bench_fails_where_a_figure_is_missing(
    numpy: str,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    row = f"""[[1.0, {numpy}], [["'conv'"], ["'aecore'", "'numpy'"]]]"""
    (tmp_path / "machine").mkdir()
    (tmp_path / "machine" / "commit.json").write_text(
        f'{{"result_columns": ["result", "params"], "results": {{"Training.time_run": {row}}}}}'
    )
    (tmp_path / "benchmarks.json").write_text('{"Training.time_run": {"unit": "s"}, "version": 2}')
    monkeypatch.setattr(bench, "run_asv", lambda *_, **__: tmp_path)
    monkeypatch.setattr(sys, "argv", ["bench"])
    assert bench.main() == code
    printed = capsys.readouterr().out.splitlines()[-1].split()
    assert printed[:3] == ["Training.time_run", "conv", "1"]
    assert printed[3] == ("failed" if code else "2")


def cores() -> list[int]:
    """One core to pin a worker to; skips where that cannot be done."""
    pin: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)
    if pin is None:
        pytest.skip("this system cannot pin a process to a core")
    return [max(pin(0))]


def test_every_module_makes_an_implementation() -> None:
    for made in (with_aecore.make(), with_numpy.make()):
        assert isinstance(made, Implementation)
        assert all(made.can(work) for work in WORKLOADS)
