"""Show 1, small: one fingerprint over orders of tasks, hashes of text and time zones; and whoever runs beside it."""

import subprocess
import sys
from pathlib import Path

import pytest
import trio

from engine import Context, strategy
from engine.app.options import LoadedStrategy
from engine.app.replay.options import Replayed, ReplayOptions
from engine.app.replay.run import replay
from tests.app.replay import made

SYMBOLS = ("AAA", "BBB", "CCC", "DDD", "EEE", "FFF")
PLAYERS = tuple(
    LoadedStrategy(one, made.Params(symbol), one.name) for one, symbol in zip(made.SIX, SYMBOLS, strict=True)
)
EVENTS = made.make_events(5, 200, SYMBOLS)


def run(*players: LoadedStrategy, schedule: int = 0) -> Replayed:
    return replay(ReplayOptions(strategies=players, tapes=(), schedule=schedule), made.MemoryTape(EVENTS))


@pytest.mark.slow
def test_six_strategies_decide_the_same_under_every_schedule() -> None:
    first = run(*PLAYERS)
    assert set(first.fingerprints) == {player.name for player in PLAYERS}
    assert not [row.error for row in first.report.strategies if row.error]
    assert {run(*PLAYERS, schedule=schedule).fingerprint for schedule in range(1, 8)} == {first.fingerprint}


@pytest.mark.slow
def test_a_strategy_decides_the_same_alone_and_beside_five_others() -> None:
    together = run(*PLAYERS).fingerprints
    assert {player.name: run(player).fingerprints[player.name] for player in PLAYERS} == together


def test_one_schedule_gives_one_journal_byte_for_byte() -> None:
    one, again = (run(*PLAYERS[:3], schedule=3) for _ in range(2))
    assert one.journal_hash == again.journal_hash
    assert one.records == again.records


@pytest.mark.slow
def test_hash_seeds_and_time_zones_change_nothing() -> None:
    script = Path(__file__).parents[3] / "scripts" / "determinism.py"
    command = [sys.executable, str(script), "--runs", "6", "--seconds", "120"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 runs" in done.stdout


@strategy()
async def racy(ctx: Context) -> None:
    """Buys as many shares as the task that happens to be first says."""
    first: list[int] = []

    async def racer(number: int) -> None:
        async with ctx.trades("AAA") as trades:
            async for _ in trades:
                first[:] = [number]

    async with trio.open_nursery() as nursery:
        for number in range(1, 6):
            nursery.start_soon(racer, number)
        await trio.sleep(10)
        await ctx.buy("AAA", first[0])


def test_a_race_shows_as_another_fingerprint() -> None:
    player = LoadedStrategy(racy, None, "racy")
    assert len({run(player, schedule=schedule).fingerprint for schedule in range(6)}) > 1
