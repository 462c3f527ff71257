"""What ``gapless verify`` says of a session that it cannot verify, or of which it cannot be sure."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.app.cli import run_command
from engine.store.session import Manifest, Player
from engine.store.session.manifest import write_manifest

GUESSER = """
import time
from decimal import Decimal
from enum import Enum

from engine import Context, OrderRefused, frozen, strategy


class Mode(Enum):
    FAST = "quick"


@frozen
class Params:
    symbols: tuple[str, ...] = ("SPY",)
    mode: Mode = Mode.FAST
    limit: float | None = 5.0
    share: Decimal = Decimal("0.50")


@strategy(params=Params, trades=True)
async def guesser(ctx: Context, p: Params) -> None:
    async with ctx.trades(*p.symbols) as trades:
        async for trade in trades:
            print("it prints", trade.seq)
            if trade.seq > 20:
                try:
                    await ctx.sell("SPY", 1 + QTY, limit=999)
                except OrderRefused as refused:
                    ctx.log(str(refused))
                return
"""
CLOCK = "time.time_ns() // 1_000_000 % 1_000"


def write(folder: Path, qty: str) -> Path:
    file = folder / "guesser.py"
    file.write_text(GUESSER.replace("QTY", qty), encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session of the guesser, which lies beside it."""
    folder = tmp_path_factory.mktemp("recorded")
    file = write(folder, CLOCK)
    line = ["run", str(file), "--record", str(folder / "session"), "--for", "1.5", "--symbols", "SPY"]
    assert run_command([*line, "--set", "guesser.limit=none", "--events-per-s", "200"]) == 0
    return folder


@pytest.fixture
def session(recorded: Path, tmp_path: Path) -> Path:
    """A copy that may be broken."""
    shutil.copytree(recorded / "session", tmp_path / "session")
    return tmp_path / "session"


def edit(session: Path, change: Callable[[dict[str, object]], None]) -> None:
    told = json.loads((session / "manifest.json").read_text(encoding="utf-8"))
    change(told)
    (session / "manifest.json").write_text(json.dumps(told), encoding="utf-8")


@pytest.mark.slow
def test_whoever_looks_at_the_wall_clock_is_told_so_and_prints_nothing(
    session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_command(["verify", str(session)]) == 1
    out = capsys.readouterr().out
    assert "guesser cannot be verified as it is: it called time.time_ns() at" in out
    assert "trade SPY" in out
    assert "it prints" not in out
    assert run_command(["verify", str(session), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)["strategies"][0]
    assert told["outside"][0].startswith("time.time_ns() at")
    assert told["params"] == {"symbols": ["SPY"], "mode": "quick", "limit": None, "share": "0.50"}
    assert told["difference"]["call"]["verb"] == "sell"
    assert told["difference"]["cause"]["what"].startswith("trade SPY ")
    assert len(told["difference"]["before"]) == 10


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "code", "sentence"),
    [
        (lambda told: told.update(format=9), 2, "was written by a newer gapless (format 9"),
        (lambda told: told.update(strategies=[]), 2, "is a session without strategies"),
        (lambda told: told.update(venue="replay"), 2, "is the session of a replay"),
        (lambda told: told["strategies"][0].update(source="/nowhere/guesser.py"), 2, "put its code back"),
        (lambda told: told["strategies"][0].update(source=""), 2, "does not say where guesser came from"),
        (lambda told: told["strategies"][0]["params"].update(fsat=3), 2, "take its code of then"),
        (lambda told: told["strategies"][0]["params"].update(share="x"), 2, "'x' is not a decimal number"),
    ],
)
def test_what_cannot_be_run_again_is_told_in_a_sentence(
    session: Path,
    capsys: pytest.CaptureFixture[str],
    change: Callable[[dict[str, object]], None],
    code: int,
    sentence: str,
) -> None:
    edit(session, change)
    assert run_command(["verify", str(session)]) == code
    assert sentence in capsys.readouterr().err


@pytest.mark.slow
def test_a_session_that_ended_in_order_and_was_cut_afterwards_is_not_called_identical(
    session: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(session / "market")
    assert run_command(["verify", str(session)]) == 5
    assert "the market's events end at 0" in capsys.readouterr().err


def test_a_recording_without_strategies_has_nothing_to_verify(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recorder = Player(name="record", source="engine.app.record.recorder:record")
    write_manifest(tmp_path, Manifest(started_ns=0, strategies=(recorder,)))
    assert run_command(["verify", str(tmp_path)]) == 2
    assert "is a session without strategies" in capsys.readouterr().err
