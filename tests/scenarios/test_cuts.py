"""The promise: whatever the line does, a strategy is told what the exchange published, row for row and in order."""

from typing import Any

import pytest
import trio

from engine import Connected, Kind, Lost, Resumed, Stream

KINDS = ("cut", "cut_without_close", "mute", "half_open", "truncated_frame")


def every(kind: str, period: str) -> str:
    return f'[[fault]]\nkind = "{kind}"\nevery = "{period}"\n'


@pytest.mark.parametrize("encoding", ["msgpack", "json"])
@pytest.mark.parametrize("kind", KINDS)
async def test_nothing_is_lost_by_one_kind_of_cut(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, crypto: tuple[Stream, Stream], kind: str, encoding: str
) -> None:
    watch = watcher(crypto)
    outcome = await hold(
        watch.plug(), faults=every(kind, "90s"), for_s=400, symbols=("BTC/USD",), events_per_s=5.0, encoding=encoding
    )
    for stream in crypto:
        told, published = watch.of(stream), outcome.published(stream)
        assert told == published[: len(told)]
        # The last seconds may be on their way, or behind a cut, when the time is over.
        assert len(told) > 0.8 * len(published)
    (feed,) = outcome.report.feeds
    assert feed.restarts >= 3
    assert outcome.report.conservation.holds
    assert watch.gaps == [gap for gap in watch.gaps if gap.at_ns == watch.gaps[-1].at_ns]


async def test_lagging_history_duplicates_and_disorder_change_nothing(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    streams = [Stream(kind, symbol) for kind in (Kind.TRADES, Kind.QUOTES) for symbol in ("BTC/USD", "ETH/USD")]
    faults = (
        "".join(every(kind, f"{period}s") for kind, period in zip(KINDS, (61, 97, 131, 167, 203), strict=True))
        + '[[fault]]\nkind = "history_lag"\nlag = "5s"\n[[fault]]\nkind = "duplicate"\n[[fault]]\nkind = "reorder"\n'
    )
    watch = watcher(streams)
    outcome = await hold(watch.plug(), faults=faults, for_s=600, symbols=("BTC/USD", "ETH/USD"), events_per_s=20.0)
    for stream in streams:
        told, published = watch.of(stream), outcome.published(stream)
        assert told == published[: len(told)]
        assert len(told) > 0.8 * len(published)
    assert sum(row.duplicates for row in outcome.report.streams) > 0
    assert outcome.report.conservation.holds


async def test_a_loss_and_its_end_are_told_in_order(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, crypto: tuple[Stream, Stream]
) -> None:
    watch = watcher(crypto)
    await hold(
        watch.plug(),
        faults='[[fault]]\nkind = "cut"\nafter_events = 200\n',
        symbols=("BTC/USD",),
        events_per_s=20.0,
    )
    assert [type(notice) for notice in watch.notices] == [Connected, Lost, Connected, Resumed]
    resumed = watch.notices[-1]
    assert isinstance(resumed, Resumed) and resumed.gaps == 0 and resumed.backfilled > 0
    origins = [event.origin for event in watch.events]
    assert origins.index("backfill") < len(origins) - 1 and origins[-1] == "live"


async def test_several_feeds_are_cut_and_mended_each_on_its_own(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    streams = [Stream(Kind.TRADES, "BTC/USD"), Stream(Kind.TRADES, "SPY"), Stream(Kind.BARS, "SPY")]
    watch = watcher(streams)
    outcome = await hold(
        watch.plug(),
        faults=every("cut_without_close", "45s"),
        for_s=300,
        symbols=("BTC/USD", "SPY"),
        events_per_s=20.0,
        burst=False,
    )
    assert {row.feed for row in outcome.report.feeds} == {"iex", "crypto"}
    assert all(row.restarts >= 3 for row in outcome.report.feeds)
    for stream in streams:
        told, published = watch.of(stream), outcome.published(stream)
        # The market begins with its first reader; the other feed subscribes a moment later.
        began = published.index(told[0])
        assert told == published[began : began + len(told)]


async def test_a_cut_every_minute_leaves_one_connection_and_its_memory_bounded(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any, crypto: tuple[Stream, Stream]
) -> None:
    watch = watcher(crypto)
    outcome = await hold(watch.plug(), faults=every("cut", "60s"), for_s=1790, symbols=("BTC/USD",), events_per_s=2.0)
    (feed,) = outcome.report.feeds
    assert 25 <= feed.restarts <= 31
    assert feed.connects == feed.restarts + 1
