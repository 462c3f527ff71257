"""One line of publication: a tape waits for readers, keeps to its clock, and nothing passes unrecorded."""

from collections.abc import Iterator, Sequence

import pytest
import trio
import trio.testing
from attrs import define, field

from engine.exchange.clock import MarketClock
from engine.exchange.market import BATCH_MAX, GRACE_S, Market, Row
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, MarketEvent, Quote, Trade

T0 = 1_772_461_860 * NS_PER_S


@define
class Listed:
    """A source of given rows."""

    listed: list[Row]
    endless: bool = False
    symbols: tuple[str, ...] = ("AAPL",)
    start_ns: int = T0

    def rows(self) -> Iterator[Row]:
        return iter(self.listed)


@define
class Ear:
    """A sink that notes what it is told, and when."""

    reading: bool = True
    told: list[MarketEvent] = field(factory=list)
    told_at_s: list[float] = field(factory=list)
    has_flushed: bool = True
    room: trio.Event = field(factory=trio.Event)

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        self.told += events
        self.told_at_s += [trio.current_time()] * len(events)

    async def ready(self) -> None:
        await self.room.wait()

    def flushed(self) -> bool:
        return self.has_flushed


def trades(count: int, step_ns: int = NS_PER_S) -> list[Row]:
    return [(T0 + n * step_ns, Trade("AAPL", T0 + n * step_ns, 10.0, 1.0, n, "V")) for n in range(count)]


def open_ear() -> Ear:
    ear = Ear()
    ear.room.set()
    return ear


async def test_a_tape_waits_for_a_reader_and_a_moment_more(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    market = Market(Listed(trades(3)), MarketClock(T0, 1.0))
    ear = open_ear()
    ear.reading = False
    market.attach(ear)
    await nursery.start(market.run)
    await trio.sleep(60)
    assert (ear.told, market.clock.now_ns()) == ([], T0)
    ear.reading = True
    market.wake()
    woken_s = trio.current_time()
    await trio.sleep(10)
    first_s = woken_s + GRACE_S
    assert ear.told_at_s == [pytest.approx(first_s + n, abs=0.002) for n in range(3)]


@pytest.mark.parametrize("speed", [1.0, 100.0])
async def test_in_time_each_row_is_told_at_its_time_by_the_speed(
    speed: float, autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    market = Market(Listed(trades(500)), MarketClock(T0, speed))
    ear = open_ear()
    market.attach(ear)
    await nursery.start(market.run)
    started_s = trio.current_time() + GRACE_S
    await trio.sleep(500 / speed + 1)
    assert ear.told_at_s == [pytest.approx(started_s + n / speed, abs=0.002) for n in range(500)]
    assert market.clock.ended


async def test_in_time_the_market_moves_whoever_is_there(autojump_clock: trio.abc.Clock, nursery: trio.Nursery) -> None:
    market = Market(Listed(trades(100)), MarketClock(T0, 1.0))
    ear = open_ear()
    market.attach(ear)
    await nursery.start(market.run)
    await trio.sleep(10)
    market.detach(ear)
    heard = len(ear.told)
    await trio.sleep(200)
    assert (len(ear.told), market.published) == (heard, 100)
    assert market.clock.ended


async def test_a_market_of_its_own_making_starts_at_once(autojump_clock: trio.abc.Clock, nursery: trio.Nursery) -> None:
    market = Market(Listed(trades(100), endless=True), MarketClock(T0, 1.0))
    await nursery.start(market.run)
    await trio.sleep(10.5)
    assert market.published == 11


async def test_at_speed_0_the_tape_moves_only_while_somebody_reads_and_has_room(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    market = Market(Listed(trades(10 * BATCH_MAX)), MarketClock(T0, 0))
    ear = Ear()
    market.attach(ear)
    await nursery.start(market.run)
    await trio.sleep(5)
    assert ear.told == []
    ear.room.set()
    while len(ear.told) < 3 * BATCH_MAX:  # noqa: ASYNC110 - the ear tells nobody
        await trio.lowlevel.checkpoint()
    ear.reading = False
    await trio.sleep(60)
    stood = len(ear.told)
    assert stood < 5 * BATCH_MAX
    assert market.clock.now_ns() == ear.told[-1].ts_ns
    ear.reading = True
    await trio.sleep(5)
    assert [event.ts_ns for event in ear.told] == [due_ns for due_ns, _ in trades(10 * BATCH_MAX)]


async def test_swallowed_events_are_published_unheard_and_in_their_place(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    market = Market(Listed(trades(1000)), MarketClock(T0, 0))
    ear = open_ear()
    await market.swallow(300)
    market.attach(ear)
    await nursery.start(market.run)
    await trio.sleep(5)
    assert [event.ts_ns for event in ear.told] == [due_ns for due_ns, _ in trades(1000)[300:]]
    assert len(market.past.between(Kind.TRADES, "AAPL", 0, 2 * T0)) == 1000


async def test_the_end_comes_when_every_reader_has_all_of_it_and_then_history_has_settled(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    market = Market(Listed(trades(10)), MarketClock(T0, 0))
    ear = open_ear()
    ear.has_flushed = False
    market.attach(ear)
    await nursery.start(market.run)
    await trio.sleep(5)
    assert (len(ear.told), market.clock.ended) == (10, False)
    ear.has_flushed = True
    await trio.sleep(5)
    assert market.clock.ended
    assert market.clock.now_ns() == T0 + 9 * NS_PER_S + 3600 * NS_PER_S


async def test_trades_and_quotes_are_stamped_apart_and_otherwise_told_as_they_are(
    autojump_clock: trio.abc.Clock, nursery: trio.Nursery
) -> None:
    twin = Quote("AAPL", T0, 1.0, 1.0, 2.0, 1.0)
    rows: list[Row] = [(T0, twin), (T0, twin), (T0, Trade("AAPL", T0 - 5, 1.0, 1.0)), (T0 + 1, twin)]
    market = Market(Listed(rows), MarketClock(T0, 0))
    ear = open_ear()
    market.attach(ear)
    await nursery.start(market.run)
    await trio.sleep(1)
    stamps = [event.venue_ns for event in ear.told if isinstance(event, Trade | Quote)]
    assert stamps == [T0, T0 + 1, T0 + 2, T0 + 3]
    assert [event.ts_ns for event in ear.told] == [T0, T0, T0 - 5, T0]
    assert market.past.between(Kind.QUOTES, "AAPL", 0, 2 * T0) == [ear.told[0], ear.told[1], ear.told[3]]
