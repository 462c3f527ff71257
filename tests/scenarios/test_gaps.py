"""What history cannot give is declared: every missing row lies inside a `Gap` of its stream, and nothing that was told
lies strictly inside one, so that what was received and the gaps together are what was published."""

from collections.abc import Sequence
from typing import Any

import pytest
import trio
from attrs import define, field, frozen

from engine import Context, Gap, Kind, Lost, MarketEvent, Resumed, Stream, strategy
from engine.app.options import LoadedStrategy

SPY = [Stream(kind, "SPY") for kind in (Kind.TRADES, Kind.QUOTES, Kind.BARS)]
BTC = [Stream(kind, "BTC/USD") for kind in (Kind.TRADES, Kind.QUOTES, Kind.BARS)]
REFUSED = '[[fault]]\nkind = "history_refused"\nyounger = "900s"\n'


@define
class Log:
    """A strategy that keeps what one subscription gave it, gaps in their place among the events."""

    streams: Sequence[Stream]
    items: list[Any] = field(factory=list)

    def plug(self, name: str = "log") -> LoadedStrategy:
        @strategy()
        async def keep(ctx: Context) -> None:
            async with ctx.streams(*self.streams, gaps=True) as items:
                async for item in items:
                    self.items.append(item)

        return LoadedStrategy(keep, name=name)

    def of(self, stream: Stream) -> list[MarketEvent | Gap]:
        """What came of one stream, in order."""
        return [
            item
            for item in self.items
            if (item.stream if isinstance(item, Gap) else (item.kind, item.symbol)) == stream
        ]


def key(event: MarketEvent) -> tuple[object, ...]:
    """What an event is, wherever it came from."""
    return tuple(
        getattr(event, name)
        for name in event.__struct_fields__
        if name not in ("received_ns", "origin", "seq", "venue_ns", "revision")
    )


def check(items: Sequence[MarketEvent | Gap], published: Sequence[MarketEvent]) -> int:
    """Hold one stream against what was published of it; returns how many rows are missing."""
    gaps = [item for item in items if isinstance(item, Gap)]
    told = [item for item in items if not isinstance(item, Gap)]
    owed = published[[key(row) for row in published].index(key(told[0])) :]
    missing, at = [], 0
    for row in owed:
        if at < len(told) and key(told[at]) == key(row):
            at += 1
        else:
            missing.append(row)
    assert at == len(told), "something was told that was not published, or out of order"
    end_ns = max(told[-1].ts_ns, gaps[-1].end_ns if gaps else 0)
    missing = [row for row in missing if row.ts_ns <= end_ns]  # the rest was on its way when the time was over
    loose = [row for row in missing if not any(gap.start_ns <= row.ts_ns <= gap.end_ns for gap in gaps)]
    assert not loose, (loose, gaps)
    assert not any(gap.start_ns < row.ts_ns < gap.end_ns for gap in gaps for row in told)
    for place, item in enumerate(items):
        if isinstance(item, Gap):
            assert all(row.ts_ns <= item.start_ns for row in items[:place] if not isinstance(row, Gap))
            assert all(row.ts_ns >= item.end_ns for row in items[place + 1 :] if not isinstance(row, Gap))
    return len(missing)


@frozen
class Case:
    """A history that fails, and what must be said about the holes it leaves."""

    faults: str
    cause: str
    streams: Sequence[Stream] = tuple(BTC)
    for_s: float = 400.0
    holes: int = 3


def cut(every: str = "120s", refuse: str = "10s") -> str:
    """A loss of some seconds, now and then."""
    return f'[[fault]]\nkind = "refuse"\nevery = "{every}"\nfor = "{refuse}"\n'


CASES = {
    "history_of_the_last_15_minutes_is_refused": Case(cut() + REFUSED, "history_refused", tuple(SPY), 1300.0, 10),
    "history_is_away_for_good": Case(
        cut("150s") + '[[fault]]\nkind = "http_status"\nstatus = 500\nafter_events = 100\nnext = 100000\n',
        "history_unavailable",
        holes=2,
    ),
    "history_never_shows_what_was_live": Case(
        cut("150s") + '[[fault]]\nkind = "history_lag"\nlag = "3600s"\n', "history_lags", tuple(BTC[:2]), holes=2
    ),
}


@pytest.mark.parametrize("name", CASES)
async def test_received_and_gaps_are_what_was_published(autojump_clock: trio.abc.Clock, hold: Any, name: str) -> None:
    case = CASES[name]
    log = Log(case.streams)
    outcome = await hold(
        log.plug(), faults=case.faults, for_s=case.for_s, symbols=("SPY", "BTC/USD"), events_per_s=10.0, burst=False
    )
    missing = 0
    for stream in case.streams:
        items = log.of(stream)
        missing += check(items, outcome.exchange.market.past.between(stream.kind, stream.symbol, 0, 1 << 62))
        gaps = [item for item in items if isinstance(item, Gap)]
        assert len(gaps) == case.holes
        assert {gap.cause for gap in gaps} == {case.cause}
        rows = [row for row in outcome.report.gaps if row.stream == str(stream)]
        assert [(row.start_ns, row.end_ns, row.cause, row.closed) for row in rows] == [
            (gap.start_ns, gap.end_ns, gap.cause, False) for gap in gaps
        ]
    assert missing > 3 * case.holes, "the holes cost something, or nothing was shown"
    assert outcome.report.conservation.holds


async def test_of_a_long_outage_the_older_part_is_recovered_and_the_rest_is_a_gap(
    autojump_clock: trio.abc.Clock, hold: Any
) -> None:
    log = Log(SPY)
    outcome = await hold(
        log.plug(), faults=REFUSED + '[[fault]]\nkind = "refuse"\nafter_events = 500\nfor = "1200s"\n',
        for_s=1500, symbols=("SPY",), events_per_s=4.0, burst=False,
    )  # fmt: skip
    for stream in SPY:
        items = log.of(stream)
        check(items, outcome.exchange.market.past.between(stream.kind, stream.symbol, 0, 1 << 62))
        (gap,) = [item for item in items if isinstance(item, Gap)]
        backfilled = [row for row in items if not isinstance(row, Gap) and row.origin == "backfill"]
        assert gap.recovered == len(backfilled) > 0
        assert gap.start_ns == backfilled[-1].ts_ns
        assert 840e9 < gap.end_ns - gap.start_ns < 1000e9
    assert outcome.report.conservation.holds


async def test_an_outage_of_history_that_ends_in_time_costs_nothing(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    log = Log(BTC)
    outcome = await hold(
        log.plug(),
        faults=cut("150s") + '[[fault]]\nkind = "http_status"\nstatus = 500\nat = "14:32:30"\nfor = "40s"\n',
        for_s=290, symbols=("BTC/USD",), events_per_s=8.0, burst=False,
    )  # fmt: skip
    assert outcome.exchange.plan.hits["http_status"] > 5
    for stream in BTC:
        items = log.of(stream)
        assert not [item for item in items if isinstance(item, Gap)]
        assert check(items, outcome.exchange.market.past.between(stream.kind, stream.symbol, 0, 1 << 62)) == 0


async def test_a_session_that_ends_while_it_is_lost_declares_the_rest(
    autojump_clock: trio.abc.Clock, hold: Any
) -> None:
    log = Log(BTC)
    outcome = await hold(
        log.plug(), faults='[[fault]]\nkind = "refuse"\nafter_events = 300\nfor = "600s"\n',
        for_s=120, symbols=("BTC/USD",), events_per_s=8.0, burst=False,
    )  # fmt: skip
    now_ns = outcome.exchange.market.clock.now_ns()
    for stream in BTC:
        items = log.of(stream)
        published = outcome.exchange.market.past.between(stream.kind, stream.symbol, 0, 1 << 62)
        gap = items[-1] if items else None
        if stream.kind is Kind.BARS:
            continue  # it may have told nothing yet
        assert isinstance(gap, Gap)
        assert gap.cause == "history_unavailable"
        assert now_ns - gap.end_ns < 1e9, "declared up to the end"
        assert check(items, published) > 100
    rows = {row.stream: row for row in outcome.report.gaps}
    assert set(rows) == {str(stream) for stream in BTC}
    assert not any(row.closed for row in rows.values())


async def test_kinds_without_history_are_declared_at_every_loss(autojump_clock: trio.abc.Clock, hold: Any) -> None:
    streams = [Stream(Kind.BOOKS, "BTC/USD"), Stream(Kind.STATUSES, "SPY"), Stream(Kind.TRADES, "SPY")]
    log = Log(streams)
    outcome = await hold(log.plug(), faults=cut("60s", "5s"), for_s=200, symbols=("BTC/USD", "SPY"), events_per_s=20.0)
    books = log.of(streams[0])
    gaps = [(place, item) for place, item in enumerate(books) if isinstance(item, Gap)]
    assert [gap.cause for _, gap in gaps] == ["no_history"] * 3
    for place, gap in gaps:
        before, after = books[place - 1], books[place + 1]
        assert not isinstance(before, Gap)
        assert not isinstance(after, Gap)
        assert before.ts_ns == gap.start_ns < gap.end_ns
    assert {gap.cause for gap in log.of(streams[1]) if isinstance(gap, Gap)} <= {"no_history"}
    assert not [item for item in log.of(streams[2]) if isinstance(item, Gap)]
    rows = [row for row in outcome.report.gaps if not row.closed]
    assert {row.cause for row in rows} == {"no_history"}
    assert sum(row.stream == str(streams[0]) for row in rows) == 3
    assert outcome.report.conservation.holds


async def test_a_gap_is_told_to_the_lifecycle_and_counted_by_the_end_of_the_outage(
    autojump_clock: trio.abc.Clock, hold: Any, watcher: Any
) -> None:
    watch = watcher(SPY)
    await hold(watch.plug(), faults=REFUSED + cut("120s"), for_s=200, symbols=("SPY",), events_per_s=8.0, burst=False)
    assert {gap.stream for gap in watch.gaps} == set(SPY)
    lost, *_ = [notice for notice in watch.notices if isinstance(notice, Lost)]
    (resumed,) = [notice for notice in watch.notices if isinstance(notice, Resumed)]
    assert resumed.gaps == len(SPY)
    assert lost.at_ns < resumed.at_ns
