"""Slow beside fast: a strategy that needs 50 ms an event at 5,000 events a second gets exactly what its policy says,
its fast neighbour gets everything at once, and the exchange never waits for a pong."""

from collections.abc import Mapping
from typing import Any

import pytest
import trio
from attrs import define, field

from engine import Context, Gap, Kind, MarketEvent, Stream, strategy
from engine.app.options import LoadedStrategy
from engine.app.report import StreamRow
from engine.core.overflow import Full
from engine.exchange.line.limits import LineOptions

BTC = (Stream(Kind.TRADES, "BTC/USD"), Stream(Kind.QUOTES, "BTC/USD"))
SLOW_S = 0.05
FOR_S = 3.0
CAPACITY = 500
MARKET: Mapping[str, Any] = {
    "symbols": ("BTC/USD",),
    "events_per_s": 5000.0,
    "burst": False,
    "line": LineOptions(ping_every_s=0.25, pong_within_s=0.1),
}


@define
class Slow:
    """A strategy that sleeps after each event, and remembers when it got it."""

    how: Mapping[str, Any]
    got: list[tuple[int, MarketEvent]] = field(factory=list)
    gaps: list[Gap] = field(factory=list)

    def plug(self) -> LoadedStrategy:
        @strategy()
        async def slow(ctx: Context) -> None:
            async with ctx.streams(*BTC, gaps=True, **self.how) as events:
                async for event in events:
                    if isinstance(event, Gap):
                        self.gaps.append(event)
                        continue
                    self.got.append((ctx.now_ns(), event))
                    await trio.sleep(SLOW_S)

        return LoadedStrategy(slow, name="slow")


def rows_of(outcome: Any, name: str) -> dict[str, StreamRow]:
    """The report's rows of one strategy by kind."""
    return {row.kind: row for row in outcome.report.streams if row.strategy == name}


def check_fast(outcome: Any, watch: Any) -> None:
    """The fast one was told everything, soon, and the line was never held up."""
    for stream in BTC:
        told = watch.of(stream)
        assert told == outcome.owed(stream, told)[: len(told)]
        row = rows_of(outcome, "watcher")[stream.kind]
        assert (row.queued, row.dropped, row.conflated) == (0, 0, 0)
    assert watch.events[-1].ts_ns - watch.events[0].ts_ns > (FOR_S - 0.1) * 1e9, "up to the end"
    assert outcome.report.conservation.holds
    stats = outcome.exchange.stats
    assert stats.pings >= 4 * FOR_S - 2
    assert stats.pongs_late == 0
    assert stats.pong_late_max_s < 0.05
    assert outcome.report.feeds[0].restarts == 0


@pytest.fixture
def beside(hold: Any, watcher: Any) -> Any:
    """Hold a session with a fast strategy and a slow one of this policy."""

    async def run(slow: Slow) -> Any:
        fast = watcher(BTC)
        outcome = await hold(fast.plug(), slow.plug(), for_s=FOR_S, **MARKET)
        check_fast(outcome, fast)
        return outcome

    return run


async def test_block_loses_nothing_and_keeps_the_rest_waiting(autojump_clock: trio.abc.Clock, beside: Any) -> None:
    slow = Slow({"full": "block"})
    outcome = await beside(slow)
    merged = sorted((event for _, event in slow.got), key=lambda event: event.seq)
    assert [event for _, event in slow.got] == merged
    seqs = [event.seq for event in merged]
    assert seqs[-1] - seqs[0] <= 2 * len(seqs), "nothing between was left out but events of other channels"
    rows = rows_of(outcome, "slow")
    assert sum(row.delivered for row in rows.values()) == len(slow.got)
    for row in rows.values():
        assert (row.dropped, row.conflated) == (0, 0)
        assert row.received == row.delivered + row.queued
        assert row.queued > 1000
    assert not slow.gaps


async def test_drop_oldest_drops_and_says_how_many(autojump_clock: trio.abc.Clock, beside: Any) -> None:
    slow = Slow({"full": "drop_oldest", "capacity": CAPACITY})
    outcome = await beside(slow)
    rows = rows_of(outcome, "slow")
    for stream in BTC:
        row = rows[stream.kind]
        told = [event for _, event in slow.got if (event.kind, event.symbol) == stream]
        gaps = [gap for gap in slow.gaps if gap.stream == stream]
        assert row.received == row.delivered + row.dropped + row.queued
        assert row.delivered == len(told)
        assert row.dropped > 1000
        assert row.queued <= CAPACITY
        assert sum(gap.count or 0 for gap in gaps) == row.dropped
        assert all(gap.cause == "dropped" for gap in gaps)
        assert not any(gap.start_ns < event.ts_ns < gap.end_ns for gap in gaps for event in told)
        assert [event.ts_ns for event in told] == sorted(event.ts_ns for event in told)
        listed = [gap for gap in outcome.report.gaps if gap.stream == str(stream)]
        assert sum(gap.count or 0 for gap in listed) == row.dropped


@pytest.mark.parametrize("full", ["drop_oldest", "fail"])
async def test_what_was_dropped_is_declared_also_when_nobody_ever_reads_again(
    autojump_clock: trio.abc.Clock, hold: Any, full: Full
) -> None:
    @strategy()
    async def asleep(ctx: Context) -> None:
        async with ctx.streams(*BTC, full=full, capacity=CAPACITY):
            await trio.sleep_forever()

    outcome = await hold(asleep, for_s=1.0, **MARKET)
    for row in outcome.report.streams:
        assert row.received == row.dropped + row.queued
        assert row.dropped > 0
        (gap,) = [gap for gap in outcome.report.gaps if gap.stream == f"{row.kind}:{row.symbol}"]
        assert (gap.cause, gap.count, gap.closed) == ("dropped", row.dropped, False)
    assert outcome.report.conservation.holds


async def test_latest_gives_only_what_is_newest_at_that_moment(autojump_clock: trio.abc.Clock, beside: Any) -> None:
    slow = Slow({"full": "latest"})
    outcome = await beside(slow)
    for stream in BTC:
        row = rows_of(outcome, "slow")[stream.kind]
        assert row.received == row.delivered + row.conflated + row.queued
        assert row.conflated > 1000
        assert row.queued <= 1
        published = outcome.exchange.market.past.between(stream.kind, stream.symbol, 0, 1 << 62)
        until_ns = max(event.ts_ns for _, event in slow.got)  # when the line ended; the market went on
        for now_ns, event in slow.got:
            if (event.kind, event.symbol) == stream:
                newer = (other.ts_ns for other in published if event.ts_ns < other.ts_ns <= until_ns)
                assert next(newer, now_ns) > now_ns - 5_000_000, "a newer one had been there for over 5 ms"
    assert not slow.gaps


async def test_fail_ends_the_slow_one_and_nobody_else(autojump_clock: trio.abc.Clock, beside: Any) -> None:
    slow = Slow({"full": "fail", "capacity": CAPACITY})
    outcome = await beside(slow)
    states = {row.name: row for row in outcome.report.strategies}
    assert states["slow"].state == "failed"
    assert "ChannelOverflow" in (states["slow"].error or "")
    assert f"more than {CAPACITY} events waiting" in (states["slow"].error or "")
    assert states["watcher"].error is None
    assert 0 < len(slow.got) < 10


async def test_the_fast_one_is_as_quick_as_alone(autojump_clock: trio.abc.Clock, hold: Any, watcher: Any) -> None:
    alone = await hold(watcher(BTC).plug(), for_s=FOR_S, **MARKET)
    beside = await hold(watcher(BTC).plug(), Slow({"full": "drop_oldest"}).plug(), for_s=FOR_S, **MARKET)
    quick, quicker = (
        next(row.lag_ms for row in outcome.report.strategies if row.name == "watcher") for outcome in (beside, alone)
    )
    assert quick.p99 <= 2 * quicker.p99
    assert quick.p99 < 5


async def test_block_with_little_room_holds_up_the_line_and_still_loses_nothing(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    fast, slow = watcher(BTC), Slow({"full": "block", "capacity": 50})
    outcome = await hold(fast.plug(), slow.plug(), for_s=60.0, **{**MARKET, "events_per_s": 200.0})
    for stream in BTC:
        told = fast.of(stream)
        assert told == outcome.owed(stream, told)[: len(told)]
    rows = rows_of(outcome, "slow")
    assert sum(row.delivered for row in rows.values()) == len(slow.got) > 1000
    assert all((row.dropped, row.conflated) == (0, 0) for row in rows.values())
    assert sum(row.queued for row in rows.values()) < 50 + 2000
    assert not [gap for gap in slow.gaps if gap.at_ns < slow.got[-1][0] - 5e9]
    assert outcome.report.conservation.holds
