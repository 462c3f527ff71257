"""Each task of a session is wedged by itself and named within its time; a session that has a bad day is well."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import trio

from engine import Context, strategy
from engine.app.beside.engine import Engine
from engine.app.health.signs import DISK_WITHIN_S, LINE_WITHIN_S, ROUND_WITHIN_S, STUCK_WITHIN_S, TICK_WITHIN_S
from engine.errors import StoreFailed
from engine.flow.replay.stream import TapeStream
from engine.testing.inline import run_inline

WEDGED_S = 5
"""When a session is wedged: see `looked`."""
LOOK_S = 2.0
"""How much later than its limit something may be named: signs are read once a second."""


@strategy()
async def reads(ctx: Context) -> None:
    async with ctx.trades("BTC/USD") as trades:
        async for _ in trades:
            pass


@strategy(trades=True)
async def trades_now_and_then(ctx: Context) -> None:
    """Its order file is written to all the time."""
    async with ctx.orders(on_exit="cancel"), ctx.trades("BTC/USD", full="latest") as trades:
        async for _ in trades:
            await (await ctx.buy("BTC/USD", 1, limit=20)).cancel()
            await trio.sleep(20)


@strategy()
async def sleeps_on_a_full_channel(ctx: Context) -> None:
    async with ctx.trades("BTC/USD", capacity=10) as trades:
        async for _ in trades:
            await trio.sleep(300)


@strategy()
async def reads_as_slowly_as_it_likes(ctx: Context) -> None:
    async with (
        ctx.trades("BTC/USD", full="latest") as trades,
        ctx.quotes("BTC/USD", full="drop_oldest", capacity=5) as _,
    ):
        async for _ in trades:
            await trio.sleep(300)


@pytest.mark.exchange(chaos=7)
async def test_a_session_that_has_a_bad_day_and_no_wedge_is_never_ill(looked: Callable[..., Any]) -> None:
    seen = await looked(reads, trades_now_and_then, reads_as_slowly_as_it_likes, for_s=300)
    assert seen.report.feeds[0].restarts > 1, "it was a bad day"
    assert seen.tasks == []
    assert any(not ready.ok for _, _, ready in seen.verdicts), "and not always ready"


async def test_readiness_says_what_is_missing_and_then_nothing(looked: Callable[..., Any]) -> None:
    seen = await looked(reads, for_s=20)
    (_, health, first), *_ = seen.verdicts
    assert health.ok
    assert first.reasons == ("strategy reads: is waiting",)
    ready = [verdict.ok for at_s, _, verdict in seen.verdicts if at_s > 5]
    assert all(ready[:-1])


async def test_a_strategy_that_holds_up_its_feed_is_named(looked: Callable[..., Any]) -> None:
    seen = await looked(sleeps_on_a_full_channel, reads, for_s=200)
    assert seen.tasks == ["strategy sleeps_on_a_full_channel"]
    first_s = seen.ill_at("strategy sleeps_on_a_full_channel")[0]
    assert STUCK_WITHIN_S < first_s < STUCK_WITHIN_S + 30


@pytest.mark.exchange(
    faults=[{"kind": "cut", "after_events": 100}, {"kind": "refuse", "after_events": 100, "for": "1h"}]
)
async def test_a_venue_that_is_away_is_no_illness_and_nobody_is_ready(looked: Callable[..., Any]) -> None:
    seen = await looked(reads, for_s=LINE_WITHIN_S + 120)
    assert seen.tasks == []


async def test_a_recording_whose_disk_hangs_is_named(looked: Callable[..., Any], tmp_path: Path) -> None:
    hung = DiskThatHangs("SessionWriter.write", after=50)
    seen = await looked(reads, for_s=90, record_dir=tmp_path / "session", run_sync=hung)
    assert seen.tasks == ["recording"]
    assert 0 < seen.ill_at("recording")[0] - (hung.since_s - seen.began_s) - DISK_WITHIN_S < LOOK_S


async def test_an_order_file_whose_disk_hangs_is_named(looked: Callable[..., Any], tmp_path: Path) -> None:
    hung = DiskThatHangs("OrderFile.commit", after=4)
    seen = await looked(trades_now_and_then, for_s=90, state=tmp_path / "state", run_sync=hung)
    assert seen.tasks == ["order file"]
    late_s = seen.ill_at("order file")[0] - (hung.since_s - seen.began_s) - DISK_WITHIN_S
    assert isinstance(seen.failure, StoreFailed)
    assert -LOOK_S < late_s < LOOK_S, "it had waited for a write to go with"


async def test_a_part_that_ticks_no_more_is_named(looked: Callable[..., Any]) -> None:
    def tick_once(engine: Engine) -> None:
        engine.ticks["watch"] = trio.current_time()

    seen = await looked(reads, for_s=TICK_WITHIN_S + 20, wedge=tick_once)
    assert seen.tasks == ["watch"]
    assert 0 < seen.ill_at("watch")[0] - WEDGED_S - TICK_WITHIN_S < LOOK_S


async def test_a_feed_that_neither_works_nor_tries_is_named(looked: Callable[..., Any]) -> None:
    def hang(engine: Engine) -> None:
        stream = engine.markets.streams["crypto"]  # a tape's stream never changes its state, as one that is stuck
        engine.markets.streams["stuck"] = TapeStream(feed=stream.feed, state="connecting")  # type: ignore[arg-type] # a feed is a feed here

    seen = await looked(reads, for_s=LINE_WITHIN_S + 20, wedge=hang)
    assert seen.tasks == ["feed stuck"]
    assert 0 < seen.ill_at("feed stuck")[0] - WEDGED_S - LINE_WITHIN_S < LOOK_S


async def test_a_comparison_of_books_that_does_not_end_is_named(looked: Callable[..., Any]) -> None:
    def hang(engine: Engine) -> None:
        assert engine.account is not None
        engine.account.desk._reconciler.reading.broker = NeverAnswers()

    seen = await looked(trades_now_and_then, for_s=ROUND_WITHIN_S + 150, wedge=hang)
    assert seen.tasks == ["reconcile"]
    at_s = seen.ill_at("reconcile")[0]
    assert ROUND_WITHIN_S + 60 - 1 < at_s < WEDGED_S + ROUND_WITHIN_S + 60 + LOOK_S


class NeverAnswers:
    """A broker each of whose answers is still to come."""

    def __getattr__(self, name: str) -> Any:
        async def wait(*_: Any, **__: Any) -> None:
            await trio.sleep_forever()

        return wait


class DiskThatHangs:
    """Runs what blocks at once, but for one function, which after some calls does not come back for a long time."""

    def __init__(self, name: str, after: int) -> None:
        self.name, self.left = name, after
        self.since_s = 0.0

    async def __call__(self, function: Any, /, *args: Any, abandon_on_cancel: bool = False) -> Any:
        if getattr(function, "__qualname__", "") == self.name:
            self.left -= 1
            if self.left < 0:
                self.since_s = self.since_s or trio.current_time()
                await trio.sleep(10_000)
        return await run_inline(function, *args, abandon_on_cancel=abandon_on_cancel)
