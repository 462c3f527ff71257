"""Laws of the whole command, on the engine itself: each trap is caught by its check, and what trades here is clean."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from engine.app.cli import run_command
from engine.app.lint.checks import CHECKS
from engine.app.lint.child import run_child, serve_parent
from engine.app.lint.command import lint_with, run_replay
from engine.app.lint.flags import LintFlags
from engine.app.lint.setting import opener, pack, plan, unpack
from engine.errors import Misconfigured, StrategyFailed

HEAD = """
import random, time, gc, threading
import trio
from engine import Context, SMA, strategy

SEEN = []

@strategy()
async def bad(ctx: Context) -> None:
    async with ctx.orders(on_exit="leave"), ctx.trades("SPY") as trades:
        n = 0
        async for trade in trades:
            n += 1
            if n % 20:
                continue
"""
BODIES = {
    "repeat": "            SEEN.append(n)\n            await ctx.buy('SPY', len(SEEN), limit=1)\n",
    "random": "            await ctx.buy('SPY', random.randint(1, 9), limit=1)\n",
    "sealed": "            await ctx.buy('SPY', 1 + int(time.time() > 0), limit=1)\n",
    "hash": "            await ctx.buy('SPY', 1 + hash('SPY') % 7, limit=1)\n",
    "future": (
        "            later = [e for w in gc.get_objects() if type(w).__name__ == 'Window' for e in w.events"
        " if e.ts_ns > trade.ts_ns]\n"
        "            await ctx.buy('SPY', 1 + sum(e.price > trade.price for e in later) % 9, limit=1)\n"
    ),
    "stretch": "            for _ in range(9_000_000): pass\n            await ctx.buy('SPY', 1, limit=1)\n",
}
WARM = """
from engine import Context, SMA, strategy

@strategy()
async def bad(ctx: Context) -> None:
    mean = SMA(15)
    async with ctx.orders(on_exit="leave"), ctx.bars("SPY") as bars:
        async for bar in bars:
            mean.update(bar.close)
            order = await ctx.buy("SPY", 1, limit=round((mean.value if mean.ready else bar.close) / 2, 2))
            await order.cancel()
"""
RACE = """
import trio
from engine import Context, strategy

@strategy()
async def bad(ctx: Context) -> None:
    state = {"n": 0}
    async def count():
        async with ctx.trades("SPY") as trades:
            async for trade in trades:
                state["n"] += 1
    async def act():
        async with ctx.trades("SPY") as trades:
            async for trade in trades:
                if trade.id % 20 == 0:
                    await ctx.buy("SPY", 1 + state["n"] % 50, limit=1)
    async with ctx.orders(on_exit="leave"), trio.open_nursery() as nursery:
        nursery.start_soon(count)
        nursery.start_soon(act)
"""
Lint: TypeAlias = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def lint(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Lint:
    """Lint a strategy of this text; returns the exit code and verdicts by check."""

    def run(text: str, *only: Any, minutes: float = 6) -> tuple[int, dict[str, Any]]:
        path = tmp_path / "bad.py"
        path.write_text(text)
        flags = LintFlags(strategies=(str(path),), symbols="SPY", minutes=minutes, events_per_s=2, only=only, json=True)
        code = lint_with(flags, run_replay)
        told = json.loads(capsys.readouterr().out)
        return code, {one["check"]: one for one in told["checks"]}

    return run


@pytest.mark.slow
@pytest.mark.parametrize("check", BODIES)
def test_each_trap_is_caught_by_its_check(lint: Lint, check: str) -> None:
    code, found = lint(HEAD + BODIES[check], check)
    assert code == 1
    assert found[check]["outcome"] == "finding", found
    assert found[check]["advice"]
    if check == "stretch":
        assert "seen at bad.py:" in found[check]["sentence"]
    if check == "sealed":
        (evidence,) = found[check]["evidence"]
        assert "time.time()" in evidence and "bad.py:" in evidence


TRADING: dict[str, dict[str, Any]] = {
    "sma_cross": {"sets": ("fast=3", "slow=8"), "minutes": 40},
    "mean_reversion": {"minutes": 60, "events_per_s": 2},
    "opening_range_breakout": {"sets": ("minutes=5",), "minutes": 60},
    "crypto_momentum": {"minutes": 90},
    "news_halt_guard": {"minutes": 20, "events_per_s": 0.5},
}


@pytest.mark.slow
@pytest.mark.parametrize("name", TRADING)
def test_the_strategies_that_come_along_are_clean(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    checks: Any = [check for check in CHECKS if check != "hash"]
    flags = LintFlags(strategies=(name,), only=tuple(checks), **TRADING[name])
    code = lint_with(flags, run_replay)
    told = capsys.readouterr().out
    assert code == 0, told
    assert "FOUND" not in told
    assert told.splitlines()[-1].startswith("Clean: ")


@pytest.mark.slow
def test_an_average_without_warm_up_is_caught(lint: Lint) -> None:
    _, found = lint(WARM, "warmup", minutes=60)
    assert found["warmup"]["outcome"] == "finding"
    assert "minute bars." in found["warmup"]["sentence"]


@pytest.mark.slow
def test_a_race_between_two_tasks_is_caught(lint: Lint) -> None:
    assert lint(RACE, "schedule")[1]["schedule"]["outcome"] == "finding"


def test_flags_cross_to_another_process_unchanged() -> None:
    flags = LintFlags(strategies=("sma_cross",), tape=(Path("a.parquet"),), sets=("fast=3",), only=("hash",))
    assert unpack(pack(flags)) == flags


@pytest.mark.slow
def test_another_process_comes_to_the_same() -> None:
    flags = LintFlags(strategies=("sma_cross",), minutes=20, sets=("fast=2", "slow=4"))
    setting = plan(flags)
    here = run_replay(setting.options, opener(setting)())
    there = run_child(flags, hash_seed=5, sealed=True)
    assert there.trouble == ""
    assert there.fingerprint == here.fingerprint
    assert len(there.lines) == len(here.decisions) > 5


@pytest.mark.slow
def test_a_process_that_hangs_is_ended() -> None:
    run = run_child(LintFlags(strategies=("sma_cross",)), hash_seed=0, sealed=True, within_s=0.01)
    assert "did not end" in run.trouble


def test_what_cannot_be_run_is_a_sentence(tmp_path: Path) -> None:
    for flags, sentence in (
        (LintFlags(), "Say which strategy"),
        (LintFlags(strategies=("sma_cross",), tape=(tmp_path / "no.parquet",)), "There is no tape"),
        (LintFlags(strategies=("sma_cross",), minutes=1e6, events_per_s=1000), "A made market may have"),
    ):
        with pytest.raises(Misconfigured, match=sentence):
            lint_with(flags, run_replay)
    assert b"was not found" in serve_parent(pack(LintFlags(strategies=("nowhere",))), run_replay)


def test_a_strategy_that_fails_anyway_cannot_be_compared(lint: Lint) -> None:
    with pytest.raises(StrategyFailed, match=r"nothing can be compared: .*on purpose"):
        lint("from engine import strategy\n@strategy()\nasync def bad(ctx):\n    raise ValueError('on purpose')\n")


def test_the_command_line_knows_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(["lint", "--help"]) == 0
    assert "--only" in capsys.readouterr().out
