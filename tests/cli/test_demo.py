"""The demonstration and the command line."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aecore import __version__, demo
from aecore._tables.table import TableFormat
from aecore.cli import main
from aecore.demo import _identity, _patches, _rows, _sparse

PICTURES = ["features.png", "history.png", "reconstructions.png"]


@pytest.mark.parametrize("seed", range(20))
def test_identity_code_is_learned_from_every_seed(seed: int) -> None:
    model = _identity.fit(seed)
    assert np.abs(model.reconstruct(np.eye(4)) - np.eye(4)).max() < 0.1


def test_whitening_flattens_the_spectrum_of_natural_images() -> None:
    # An image whose amplitudes fall like 1/f: what photographs are like.
    rng = np.random.default_rng(0)
    f = np.hypot(np.fft.fftfreq(128)[:, np.newaxis], np.fft.rfftfreq(128))
    f[0, 0] = np.inf
    image = np.fft.irfft2(np.fft.rfft2(rng.normal(size=(128, 128))) / f, s=(128, 128)) + 100.0

    def power_ratio(picture: np.ndarray[Any, Any]) -> float:
        power = np.abs(np.fft.rfft2(picture)) ** 2
        return float(power[(f > 0.01) & (f < 0.03)].mean() / power[(f > 0.09) & (f < 0.11)].mean())

    assert power_ratio(image) > 10.0
    whitened = _patches.whiten(image)
    assert 0.5 < power_ratio(whitened) < 2.0
    np.testing.assert_allclose([whitened.mean(), whitened.std()], [0.0, 1.0], atol=1e-12)


def test_patches_are_centred_cut_off_and_scaled() -> None:
    raw = np.random.default_rng(1).standard_t(2, size=(500, 64)) + 7.0
    patches = _patches.scale_patches(raw)
    assert patches.min() == pytest.approx(0.1)
    assert patches.max() == pytest.approx(0.9)
    centred = raw - raw.mean(axis=1, keepdims=True)
    inside = np.abs(centred) < 3 * centred.std()
    assert not inside.all()
    np.testing.assert_allclose(
        patches[inside], (0.5 + 0.4 * centred / (3 * centred.std()))[inside], rtol=1e-12
    )


def test_maximal_inputs_excite_their_units_most() -> None:
    rng = np.random.default_rng(2)
    W = rng.normal(size=(9, 4))
    W[:, 3] = 0.0  # a dead unit has no direction, and must not give NaN
    inputs = _sparse.maximal_inputs(W)
    np.testing.assert_allclose(np.linalg.norm(inputs, axis=1), [1, 1, 1, 0])
    others = rng.normal(size=(1000, 9))
    others /= np.linalg.norm(others, axis=1, keepdims=True)
    assert np.all((others @ W).max(axis=0) <= np.diag(inputs @ W))


# --- the user's own rows ---
def save(path: Path, table: Any) -> Path:
    np.save(path, table)
    return path


@pytest.mark.parametrize("suffix", [".npy", ".npz", ".csv", ".CSV"])
def test_rows_are_read_from_each_kind_of_file(tmp_path: Path, suffix: str) -> None:
    table = np.array([[0.0, 10.0, 5.0], [1.0, 30.0, 5.0], [4.0, 20.0, 5.0]])
    path = tmp_path / f"table{suffix}"
    if suffix == ".npy":
        np.save(path, table.astype(">f4"))
    elif suffix == ".npz":
        np.savez(path, y=np.arange(3), X=table)
    else:
        path.write_text("\ufeffa,b,c\n" + "\n".join(",".join(map(str, row)) for row in table))
    rows, description = _rows.load(path, seed=0)
    # Three columns are no image: each is scaled by itself, and a constant goes to the middle.
    expected = [[0.1, 0.1, 0.5], [0.3, 0.9, 0.5], [0.9, 0.5, 0.5]]
    np.testing.assert_allclose(rows, expected)
    assert description == f"3 rows of 3 features from table{suffix}"


def test_images_are_scaled_together(tmp_path: Path) -> None:
    path = save(tmp_path / "images.npy", np.array([[0, 1, 2, 3], [4, 5, 6, 8]], dtype=np.uint8))
    rows, _ = _rows.load(path, seed=0)
    np.testing.assert_allclose(rows, [[0.1, 0.2, 0.3, 0.4], [0.5, 0.6, 0.7, 0.9]])


def test_extreme_numbers_do_not_overflow(tmp_path: Path) -> None:
    rows, _ = _rows.load(save(tmp_path / "x.npy", np.array([[-1.7e308], [1.7e308]])), seed=0)
    np.testing.assert_allclose(rows, [[0.1], [0.9]])


def test_a_csv_file_without_names_keeps_its_first_row(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2\n3,4\n")
    assert _rows.load(path, seed=0, form=TableFormat(header=False))[0].shape == (2, 2)


def test_large_files_are_sampled(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", np.arange(30_000.0).reshape(-1, 2))
    rows, description = _rows.load(path, seed=1)
    assert rows.shape == (10_000, 2)
    assert np.all(np.diff(rows[:, 0]) > 0)  # all different, in the order of the file
    assert description.startswith("10,000 of 15,000 rows")
    np.testing.assert_array_equal(rows, _rows.load(path, seed=1)[0])
    assert not np.array_equal(rows, _rows.load(path, seed=2)[0])


@pytest.mark.parametrize(
    ("table", "match"),
    [
        (np.arange(3.0), r"must hold rows and columns.*got shape \(3,\)"),
        (np.zeros((0, 4)), r"got shape \(0, 4\)"),
        (np.zeros((2, 2, 2)), r"got shape \(2, 2, 2\)"),
        (np.zeros((2, 2), dtype=complex), "must hold real numbers; got dtype complex128"),
        (np.array([["a", "b"]]), "must hold real numbers; got dtype <U1"),
        (np.array([[1.0, 2.0], [3.0, np.nan]]), "got nan at row 1, column 1"),
        (np.array([[1.0, -np.inf]]), "got -inf at row 0, column 1"),
    ],
)
def test_arrays_that_are_no_rows_of_numbers_are_refused(
    tmp_path: Path, table: Any, match: str
) -> None:
    with pytest.raises(demo.DemoError, match=match):
        _rows.load(save(tmp_path / "x.npy", table), seed=0)


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("x.doc", b"1,2", "the file must be .npy, .npz, .csv, .*; got .*x.doc"),
        ("x.npy", b"", "cannot read .*x.npy: "),
        ("x.npy", b"\x93NUMPY garbage", "cannot read .*x.npy: "),
        ("x.npz", b"no archive", "cannot read .*x.npz: it is not a zip archive"),
        ("x.csv", b"", "it is empty"),
        ("x.csv", b"a,b\n", "column names but no rows"),
        ("x.csv", b"1,2\n3,4\n", "x.csv must say whether its first line, 1, 2, has names"),
        ("x.csv", b"a,b\n3,x\n", "x.csv must hold numbers; got 'x' in column 'b', line 2"),
        ("x.csv", b"a,b\n1,2\n3\n", "cannot read .*x.csv: line 3 has 1 cells, not 2"),
        ("x.csv", b"\xff\xfe\x00", "cannot read .*x.csv: it is not UTF-16"),
    ],
)
def test_files_that_cannot_be_read_are_refused(
    tmp_path: Path, name: str, content: bytes, match: str
) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(demo.DemoError, match=match):
        _rows.load(path, seed=0)


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    path = save(tmp_path / "x.npy", np.array([[{}]], dtype=object))
    with pytest.raises(demo.DemoError, match="cannot read"):
        _rows.load(path, seed=0)


def test_an_archive_of_several_arrays_needs_one_named_x(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", a=np.eye(2), b=np.eye(2))
    with pytest.raises(demo.DemoError, match="one array, or one named X; got a, b"):
        _rows.load(tmp_path / "x.npz", seed=0)


# --- the command line ---
@pytest.mark.parametrize("n_features", [5, 9], ids=["bars", "images"])
def test_demo_on_own_rows_writes_three_pictures(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], n_features: int
) -> None:
    pytest.importorskip("matplotlib")
    pytest.importorskip("PIL")
    path = save(tmp_path / "x.npy", np.random.default_rng(0).random((50, n_features)))
    output = tmp_path / "new" / "folder"
    assert main(["demo", "--data", str(path), "--output", str(output), "--seed", "3"]) == 0
    assert sorted(file.name for file in output.iterdir()) == PICTURES
    for file in output.iterdir():
        assert file.read_bytes().startswith(b"\x89PNG")
    captured = capsys.readouterr()
    assert f"{n_features}-25-{n_features} on 50 rows of {n_features} features" in captured.out
    for words in ("objective J", "squared error", "mean activation", "NumPy reference"):
        assert words in captured.out
    assert "iterations" in captured.err  # the progress bar
    printed = dict(line.strip().rsplit(maxsplit=1) for line in captured.out.splitlines()[1:5])
    parts = [float(printed[name]) for name in ("squared error", "weight decay", "sparsity")]
    assert float(printed["objective J"]) == pytest.approx(sum(parts), abs=2e-6)


def test_natural_patches_come_from_the_photographs() -> None:
    pytest.importorskip("PIL")
    patches = _patches.natural_patches(seed=0)
    assert patches.shape == (10_000, 64)
    assert patches.min() == pytest.approx(0.1)
    assert patches.max() == pytest.approx(0.9)
    np.testing.assert_allclose(patches.mean(), 0.5, atol=0.01)
    # Neighbouring pixels are alike, distant ones are not: there is structure to learn.
    pixels = patches.reshape(-1, 8, 8)
    near = np.corrcoef(pixels[:, 3, 3], pixels[:, 3, 4])[0, 1]
    far = np.corrcoef(pixels[:, 0, 0], pixels[:, 7, 7])[0, 1]
    assert near > 0.5
    assert abs(far) < 0.3


def test_missing_packages_are_named_in_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        demo, "find_spec", lambda name: None if name == "matplotlib" else find_spec(name)
    )
    assert main(["demo", "--output", str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert 'pip install "aecore[demo]"' in error
    assert not (tmp_path / "out").exists()


def test_bad_files_and_folders_end_with_one_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(demo, "find_spec", lambda _: object())
    taken = tmp_path / "file"
    taken.touch()
    assert main(["demo", "--output", str(taken)]) == 2
    assert f"cannot make the folder {taken}: File exists" in capsys.readouterr().err
    missing = tmp_path / "missing.npy"
    assert main(["demo", "--output", str(tmp_path / "out"), "--data", str(missing)]) == 2
    expected = f"aecore demo: error: cannot read {missing}: No such file or directory\n"
    assert capsys.readouterr().err == expected


def test_ctrl_c_ends_without_a_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(**_: Any) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(demo, "run", interrupted)
    assert main(["demo"]) == 130
    assert capsys.readouterr().err == "\naecore demo: interrupted\n"


@pytest.mark.parametrize("seed", ["-1", "x", str(2**63)])
def test_bad_seeds_are_refused(seed: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--seed", seed]) == 2
    assert f"seed must be an integer from 0 to 2**63 - 1; got '{seed}'" in capsys.readouterr().err


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"aecore {__version__}\n"
