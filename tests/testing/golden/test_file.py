"""Laws: a golden file holds what was decided, a difference is shown, and no file is forgotten."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeAlias

import pytest

from engine.app.replay.options import Replayed
from engine.app.report import SessionReport
from engine.core.fingerprint import decisions_of, fingerprint, fingerprints
from engine.model.journal import Asked
from engine.testing.golden.file import DIFF_LINES, LINES_MAX, Golden, compare, name_of
from engine.testing.golden.keeping import whole_run

ROOT = Path(__file__).resolve().parents[3]
T0 = 1_772_461_800_000_000_000
Pytest: TypeAlias = Callable[..., "subprocess.CompletedProcess[str]"]


def decided(prices: Iterable[int], strategy: str = "mine") -> Replayed:
    asked = [
        Asked(0, T0 + at * 10**9, strategy, at, "buy", f'{{"limit":"{price}","symbol":"SPY"}}')
        for at, price in enumerate(prices)
    ]
    decisions = decisions_of(asked)
    return Replayed(
        report=SessionReport(),
        fingerprint=fingerprint(fingerprints(decisions)),
        fingerprints=fingerprints(decisions),
        journal_hash="",
        decisions=tuple(decisions),
        records=(),
        events=0,
        market_s=0.0,
        wall_s=0.0,
    )


def golden(prices: Iterable[int], test: str = "test_it.py::test_it") -> Golden:
    return Golden.of(test, decided(prices))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "test_it.txt"
    path.write_text(golden(range(100, 140)).render())
    return path


def test_a_file_holds_what_was_decided() -> None:
    written = golden(range(5))
    assert Golden.parse(written.render()) == written
    assert written.lines[0] == '2026-03-02T14:30:00Z buy {"limit":"0","symbol":"SPY"}'


def test_the_same_decisions_pass(path: Path) -> None:
    assert compare(path, golden(range(100, 140)), "accept") == ""


def test_a_missing_file_says_how_to_make_it(tmp_path: Path) -> None:
    wrong = compare(tmp_path / "no.txt", golden([1]), "pytest test_it.py --update-golden")
    assert "There is no golden file" in wrong
    assert "(1 decision)" in wrong
    assert wrong.endswith("pytest test_it.py --update-golden")


def test_the_first_decisions_that_differ_are_shown_with_their_neighbours(path: Path) -> None:
    now = [*range(100, 120), 7, *range(121, 140)]
    lines = compare(path, golden(now), "pytest --update-golden").splitlines()
    assert "decides differently" in lines[0]
    assert "from decision 21:" in lines[2]
    shown = [line for line in lines if line.lstrip().startswith(("-", "+"))]
    assert ['"120"' in shown[0], '"7"' in shown[1], len(shown)] == [True, True, 2]
    assert any('"118"' in line for line in lines)
    assert not any('"117"' in line for line in lines)
    assert len(lines) <= DIFF_LINES + 6
    assert lines[-1] == "If this is what you want: pytest --update-golden"


def test_decisions_that_come_on_top_are_a_difference(path: Path) -> None:
    assert '"140"' in compare(path, golden(range(100, 141)), "accept")
    assert "40 decisions then, 39 now" in compare(path, golden(range(100, 139)), "accept")


def test_a_file_of_another_test_is_not_taken(path: Path) -> None:
    assert "belongs to test_it.py::test_it" in compare(path, golden([1], "test_other.py::test_it"), "accept")


def test_a_file_is_bounded_and_what_is_behind_its_end_counts(tmp_path: Path) -> None:
    many = golden(range(LINES_MAX + 10))
    path = tmp_path / "many.txt"
    path.write_text(many.render())
    assert len(many.render().splitlines()) < LINES_MAX + 10
    assert compare(path, many, "accept") == ""
    other = golden([*range(LINES_MAX + 9), 5])
    assert "those behind them differ" in compare(path, other, "accept")


def test_every_test_has_a_name_that_is_a_file() -> None:
    assert name_of("test_x[a/b:c]") == "test_x[a_b_c].txt"
    long = name_of("test_" + "x" * 300)
    assert len(long) < 130
    assert long != name_of("test_" + "x" * 301)


AUTHOR = """
import pytest

from engine import Context, Trade, strategy
from engine.testing import replay, replay_async

T0 = 1_772_461_800_000_000_000
TAPE = [Trade("SPY", T0 + at * 10**9, 100.0 + STEP * at, 1.0, at) for at in range(20)]


@strategy()
async def every_fifth(ctx: Context) -> None:
    async with ctx.orders(on_exit="leave"), ctx.trades("SPY") as trades:
        async for trade in trades:
            if trade.id % 5 == 0:
                await ctx.buy("SPY", 1, limit=trade.price)


@pytest.mark.parametrize("qty", [1, 2])
def test_fifth(golden, qty):
    golden(replay(every_fifth, tape=TAPE))


@pytest.mark.trio
async def test_in_trio(golden):
    golden(await replay_async(every_fifth, tape=TAPE))
"""


@pytest.fixture
def run_pytest(tmp_path: Path) -> Pytest:
    """Run an author's tests in a folder of their own; ``step`` is what a change of the strategy would do."""

    def run(*options: str, step: float = 1.0, **files: str) -> "subprocess.CompletedProcess[str]":
        (tmp_path / "pytest.ini").write_text("[pytest]\n")
        (tmp_path / "test_it.py").write_text(AUTHOR.replace("STEP", str(step)))
        for name, text in files.items():
            (tmp_path / f"{name}.py").write_text(text)
        return subprocess.run(
            [sys.executable, "-m", "pytest", "-p", "engine.testing.plugin", "-p", "no:cacheprovider", "-W", "error",
             *options],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "COLUMNS": "200"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
        )  # fmt: skip

    return run


@pytest.mark.slow
def test_an_author_makes_and_changes_golden_files_with_workers_too(run_pytest: Pytest, tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    (tmp_path / "golden").mkdir()
    (tmp_path / "golden" / "test_gone.txt").write_text("")
    told = run_pytest("--update-golden", "-n", "2").stdout
    assert "3 passed" in told, told
    assert told.count("wrote golden/") == 3
    assert told.count("golden/test_gone.txt") == 1
    text = (tmp_path / "golden" / "test_fifth[1].txt").read_text()
    assert "# strategy: every_fifth" in text
    assert text.count(" buy ") == 4
    told = run_pytest(step=2.0).stdout
    assert "3 failed" in told, told
    assert '+ 2026-03-02T14:30:05Z buy {"limit":"110"' in told
    assert "pytest test_it.py::test_in_trio --update-golden" in told
    assert "wrote" not in told
    assert "no test uses golden/test_gone.txt" in told


def test_a_part_of_the_tests_says_nothing_of_the_others_files() -> None:
    def config(*args: str, **option: object) -> Any:
        return SimpleNamespace(args=args, option=SimpleNamespace(**option))

    assert whole_run(config("tests", keyword="", markexpr=""))
    assert not whole_run(config("tests", keyword="trio"))
    assert not whole_run(config("tests", markexpr="not slow"))
    assert not whole_run(config("tests/test_it.py::test_it"))
    assert not whole_run(config("tests", lf=True))
