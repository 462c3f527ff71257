"""What strategies may ask of the market while it runs: streams that come and go, wildcards, several in one order, time,
history, warm-ups, and what happens to the line; whoever shares a stream shares its one subscription."""

from itertools import pairwise
from typing import Any

import pytest
import trio

from engine import (
    ANY,
    Bar,
    CallbackStrategy,
    Connected,
    Context,
    Gap,
    Kind,
    Lost,
    MarketEvent,
    Misconfigured,
    Quote,
    Resumed,
    Stream,
    Trade,
    plug,
    strategy,
)  # fmt: skip
from engine.app.options import LoadedStrategy
from engine.model.instant import NS_PER_S

BTC, ETH = "BTC/USD", "ETH/USD"
MARKET: dict[str, Any] = {"symbols": (BTC, ETH), "events_per_s": 20.0, "burst": False}
CUT = '[[fault]]\nkind = "cut"\nafter_events = 200\n'


async def gather(events: Any, told: list[Any]) -> None:
    """Keep all that comes, also when this is cancelled."""
    async for event in events:
        told.append(event)  # noqa: PERF401  # a comprehension would lose what it has when it is cancelled


async def test_streams_come_and_go_while_the_line_lives(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    watch = watcher((Stream(Kind.TRADES, BTC),))
    spans: list[list[Trade]] = []

    @strategy()
    async def wanderer(ctx: Context) -> None:
        for _ in range(3):
            await trio.sleep(10)
            told: list[Trade] = []
            with trio.move_on_after(10):
                async with ctx.trades(ETH) as trades:
                    await gather(trades, told)
            spans.append(told)

    outcome = await hold(watch.plug(), wanderer, for_s=75, **MARKET)
    assert [feed.connects for feed in outcome.report.feeds] == [1]
    # Each opening and each closing changed the one subscription; the stream that stayed was not asked for again.
    assert outcome.exchange.stats.subscriptions == 1 + 3 * 2
    published = [event.id for event in outcome.exchange.market.past.between(Kind.TRADES, ETH, 0, 1 << 62)]
    for told in spans:
        first = published.index(told[0].id)
        assert [trade.id for trade in told] == published[first : first + len(told)]
        assert 9 < (told[-1].ts_ns - told[0].ts_ns) / NS_PER_S < 10
    told = watch.of(Stream(Kind.TRADES, BTC))
    assert told == outcome.owed(Stream(Kind.TRADES, BTC), told)[: len(told)]
    assert outcome.report.conservation.holds


async def test_a_stream_that_was_closed_and_opened_again_owes_nothing_of_the_time_between(
    autojump_clock: trio.abc.Clock, hold: Any
) -> None:
    spans: list[list[Any]] = []

    @strategy()
    async def twice(ctx: Context) -> None:
        async with ctx.quotes(BTC):  # the line stays open
            for _ in range(2):
                with trio.move_on_after(10):
                    async with ctx.trades(ETH, gaps=True) as trades:
                        told: list[Any] = []
                        spans.append(told)
                        await gather(trades, told)
                await trio.sleep(20)

    await hold(twice, faults='[[fault]]\nkind = "cut"\nat = "14:30:20"\n', for_s=60, **MARKET)
    before, after = spans
    assert not [item for item in (*before, *after) if isinstance(item, Gap)]
    assert {item.origin for item in after} == {"live"}
    assert (after[0].ts_ns - before[-1].ts_ns) / NS_PER_S > 19


async def test_a_wildcard_brings_every_symbol_also_after_a_cut(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    watch = watcher((Stream(Kind.TRADES, ANY),))
    stocks = ("AAPL", "MSFT", "SPY")
    outcome = await hold(watch.plug(), faults=CUT, for_s=60, symbols=stocks, events_per_s=15.0, burst=False)
    assert outcome.exchange.stats.subscriptions == 2
    for symbol in stocks:
        told = watch.of(Stream(Kind.TRADES, symbol))
        assert told == outcome.owed(Stream(Kind.TRADES, symbol), told)[: len(told)]
        assert len(told) > 50
    assert {row.symbol for row in outcome.report.streams} >= set(stocks)
    assert outcome.report.conservation.holds


async def test_a_merge_is_in_journal_order_and_the_same_for_everyone(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    seen: dict[str, list[MarketEvent]] = {}

    def merging(name: str) -> LoadedStrategy:
        @strategy()
        async def merge(ctx: Context) -> None:
            told = seen[name] = []
            async with (
                ctx.trades(BTC, ETH) as trades,
                ctx.quotes(ETH) as quotes,
                ctx.bars(BTC) as bars,
                ctx.merge(quotes, bars, trades) as everything,
            ):
                await gather(everything, told)

        return LoadedStrategy(merge, name=name)

    await hold(merging("one"), merging("two"), faults=CUT, for_s=90, **MARKET)
    assert seen["one"] == seen["two"]
    seqs = [event.seq for event in seen["one"]]
    assert seqs == sorted(set(seqs))
    assert {event.kind for event in seen["one"]} == {Kind.TRADES, Kind.QUOTES, Kind.BARS}
    assert len(seen["one"]) > 500


async def test_two_strategies_on_one_stream_share_one_subscription_and_one_feed(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    streams = (Stream(Kind.TRADES, BTC), Stream(Kind.QUOTES, BTC))
    first, second = watcher(streams), watcher(streams)
    outcome = await hold(first.plug("first"), second.plug("second"), faults=CUT, for_s=60, **MARKET)
    assert outcome.exchange.stats.logins == outcome.report.feeds[0].connects == 2
    assert outcome.exchange.stats.subscriptions == 2, "one a line"
    assert first.events == second.events
    assert len(first.events) > 300


async def test_every_and_at_count_market_time_at_any_speed(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    ticks: list[int] = []
    moments: list[tuple[int, int]] = []

    @strategy()
    async def timed(ctx: Context) -> None:
        async with ctx.trades(BTC), ctx.every(30) as half_minutes:
            due_ns = ctx.now_ns() + 100 * NS_PER_S
            await ctx.at(due_ns)
            moments.append((due_ns, ctx.now_ns()))
            async for tick_ns in half_minutes:
                ticks.append(tick_ns)
                assert 0 <= ctx.now_ns() - tick_ns < NS_PER_S or len(ticks) == 1

    outcome = await hold(timed, for_s=20, speed=60.0, symbols=(BTC,), events_per_s=1.0, burst=False)
    (due_ns, now_ns), *_ = moments
    assert 0 <= now_ns - due_ns < NS_PER_S
    assert all(tick_ns % (30 * NS_PER_S) == 0 for tick_ns in ticks)
    assert {later - earlier for earlier, later in pairwise(ticks[1:])} == {30 * NS_PER_S}
    assert 34 <= len(ticks) <= 40, "20 s at speed 60 are 20 minutes, less what was spent waiting for a moment"
    assert outcome.report.ended_by == "for"


async def test_history_is_never_beyond_now(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    looks: list[tuple[int, list[MarketEvent]]] = []
    refused: list[str] = []

    @strategy()
    async def historian(ctx: Context) -> None:
        async with ctx.trades(BTC):
            for _ in range(5):
                await trio.sleep(7)
                now_ns = ctx.now_ns()
                rows = await ctx.history(Kind.TRADES, BTC, now_ns - 5 * NS_PER_S, now_ns + 3600 * NS_PER_S)
                looks.append((now_ns, list(rows)))
            assert not await ctx.history(Kind.TRADES, BTC, ctx.now_ns() + NS_PER_S)
            try:
                await ctx.history(Kind.BOOKS, BTC, 0)
            except Misconfigured as error:
                refused.append(str(error))

    outcome = await hold(historian, for_s=60, **MARKET)
    assert len(looks) == 5
    for now_ns, rows in looks:
        published = outcome.exchange.market.past.between(Kind.TRADES, BTC, now_ns - 5 * NS_PER_S, now_ns - 1)
        assert [row.ts_ns for row in rows if row.ts_ns < now_ns] == [row.ts_ns for row in published]
        assert all(row.ts_ns <= now_ns for row in rows)
        assert len(rows) > 5
        assert {row.origin for row in rows} == {"backfill"}
    assert "no history of books" in refused[0]
    assert not any(row.error for row in outcome.report.strategies)


@pytest.mark.parametrize("full", ["block", "latest"])
async def test_a_warm_up_joins_the_live_bars_without_a_hole_or_a_repeat(
    autojump_clock: trio.abc.Clock, hold: Any, full: str
) -> None:
    told: list[Bar] = []

    @strategy()
    async def warm(ctx: Context) -> None:
        await trio.sleep(20 * 60 + 30)
        async with ctx.bars(BTC, warmup=10, full=full) as bars:  # type: ignore[arg-type]  # a parameter of the test
            await gather(bars, told)

    outcome = await hold(warm, for_s=30 * 60 + 10, symbols=(BTC,), events_per_s=1.0, burst=False)
    starts = [bar.ts_ns for bar in told]
    assert {later - earlier for earlier, later in pairwise(starts)} == {60 * NS_PER_S}
    origins = [bar.origin for bar in told]
    assert origins == ["backfill"] * 10 + ["live"] * (len(told) - 10)
    assert len(told) == 10 + 10
    assert outcome.report.conservation.holds


async def test_the_lifecycle_tells_of_every_feed(autojump_clock: trio.abc.Clock, hold: Any, watcher: Any) -> None:
    watch = watcher((Stream(Kind.TRADES, BTC), Stream(Kind.TRADES, "SPY")))
    outcome = await hold(watch.plug(), faults=CUT, for_s=60, symbols=(BTC, "SPY"), events_per_s=20.0, burst=False)
    recovered = sum(notice.backfilled for notice in watch.notices if isinstance(notice, Resumed))
    assert recovered == sum(row.backfilled for row in outcome.report.streams)
    for feed in ("crypto", "iex"):
        notices = [notice for notice in watch.notices if notice.feed == feed]
        assert [type(notice) for notice in notices] == [Connected, Lost, Connected, Resumed]
        assert [notice.at_ns for notice in notices] == sorted(notice.at_ns for notice in notices)
        lost, resumed = notices[1], notices[3]
        assert "1001" in lost.reason or "closed" in lost.reason
        assert 0 < lost.retry_in_s < 1
        assert 0 < resumed.outage_s < 5


async def test_a_class_with_call_backs_is_a_strategy_too(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    calls: list[tuple[str, MarketEvent | Gap]] = []

    class Counting(CallbackStrategy):
        """Counts."""

        symbols = (BTC,)

        def on_trade(self, trade: Trade) -> None:
            calls.append(("trade", trade))

        def on_quote(self, quote: Quote) -> None:
            calls.append(("quote", quote))

        def on_gap(self, gap: Gap) -> None:
            calls.append(("gap", gap))

    refused = '[[fault]]\nkind = "history_lag"\nlag = "600s"\n'
    outcome = await hold(plug(Counting), faults=CUT + refused, for_s=120, **MARKET)
    names = [name for name, _ in calls]
    assert names.count("gap") == 2
    for name, kind in (("trade", Kind.TRADES), ("quote", Kind.QUOTES)):
        assert all(event.kind is kind for told, event in calls if told == name and not isinstance(event, Gap))
        row = next(row for row in outcome.report.streams if row.kind == kind.value)
        assert row.delivered == names.count(name) > 300
    assert outcome.report.conservation.holds
