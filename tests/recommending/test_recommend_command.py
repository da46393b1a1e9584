"""`aecore recommend`: a file of ratings in, items out."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

from aecore import EASE, Interactions
from aecore.cli import main
from commands import refusal

EXAMPLE = Path(__file__).parents[2] / "examples" / "recommend.py"
USERS = np.repeat([f"u{i}" for i in range(12)], 5)
ITEMS = np.array([f"i{(7 * i + j * j) % 11}" for i in range(12) for j in range(5)])
STARS = np.arange(60) % 5 + 1


def write(path: Path, delimiter: str = ",", header: str = "who,what,stars") -> Path:
    lines = [delimiter.join(map(str, line)) for line in zip(USERS, ITEMS, STARS, strict=True)]
    names = [header.replace(",", delimiter)] if header else []
    path.write_text("\n".join([*names, *lines, ""]))
    return path


def expected(user: str, n: int, at_least: int = 1) -> list[str]:
    counts = at_least <= STARS
    known = Interactions.from_columns(USERS[counts], ITEMS[counts])
    ids, scores = EASE().fit(known.matrix).recommend(known.rows(user), n)
    names = known.item_names(ids)[0]
    return [f"{name}\t{score:.4g}" for name, score in zip(names, scores[0], strict=True) if name]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("header", [True, False])
def test_items_and_scores(
    tmp_path: Path, delimiter: str, header: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path / "r.csv", delimiter, "who,what,stars" if header else "")
    words = ["recommend", "--ratings", str(path), "--user", "u3", "-n", "4"]
    assert main([*words, *([] if header else ["--no-header"])]) == 0
    assert capsys.readouterr().out.splitlines() == expected("u3", 4)


def test_several_users_named_columns_and_good_ratings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "stars,what,who\n"
        + "\n".join(f"{s},{i},{u}" for s, i, u in zip(STARS, ITEMS, USERS, strict=True))
    )
    words = ["recommend", "--ratings", str(path), "--user", "u3", "--user", "u1", "-n", "30"]
    assert main([*words, "--columns", "who, what, stars", "--at-least", "3"]) == 0
    wanted = ["u3:", *expected("u3", 30, 3), "u1:", *expected("u1", 30, 3)]
    assert capsys.readouterr().out.splitlines() == wanted


BAD = {
    "file": (["--ratings", "none.csv"], "cannot read none.csv: No such file"),
    "stranger": (["--user", "zoe"], "--user must have a line that counts in r.csv; got zoe"),
    "n": (["-n", "0"], "n must be an integer"),
    "columns": (
        ["--columns", "who,item"],
        "r.csv must have the column item; got who, what, stars",
    ),
    "too few": (["--columns", "who,what", "--at-least", "3"], "3 columns must be named"),
    "rating": (["--no-header", "--at-least", "3"], "r.csv must hold numbers as ratings; could not"),
    "nothing": (["--at-least", "9"], "r.csv must hold at least one pair"),
}


@pytest.mark.parametrize(("words", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(
    words: list[str],
    message: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    write(Path("r.csv"))
    words = ["--ratings", "r.csv", "--user", "u1", *words]
    assert message in refusal(capsys, "recommend", *words)


def test_example_learns_tastes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    pairs = [
        (user, 100 * (user % 3) + item)
        for user in range(300)
        for item in rng.choice(30, 20, replace=False)
    ]
    path = tmp_path / "r.csv"
    path.write_text("user,item\n" + "\n".join(f"{user},{item}" for user, item in pairs))
    monkeypatch.setattr("sys.argv", ["recommend.py", str(path)])
    runpy.run_path(str(EXAMPLE), run_name="__main__")
    said = capsys.readouterr().out
    # 10 of the 30 items of a taste are left, or 14 with those hidden: 20 of them name all.
    assert re.findall(r"recall@20 (\S+),", said) == ["1.000", "1.000"]


def test_short_lines(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "r.csv"
    path.write_text("user,item\na,b\nc\n")
    assert main(["recommend", "--ratings", str(path), "--user", "a"]) == 2
    assert "r.csv: line 3 has 1 cells, not 2" in capsys.readouterr().err
