"""Prices are those that the strategies' streams tell: the venue is asked for nothing more, and nothing is guessed."""

from collections.abc import Sequence
from decimal import Decimal

import pytest
import trio
from attrs import define, field

from engine.core.overflow import Overflow
from engine.errors import HistoryRefused
from engine.flow.account.marks import LOOK_AGAIN_NS, LOOK_BACK_NS, Marks
from engine.flow.channel import Channel
from engine.flow.clock import MarketClock
from engine.flow.markets import Markets
from engine.flow.tuning import StreamTuning
from engine.model.account import HeldPosition
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, Kind, MarketEvent, Quote, Trade
from engine.model.stream import Stream
from engine.ports import Feed, History, HistoryPage, HistoryQuery

D = Decimal
NOW_NS = 1_772_461_860 * NS_PER_S


@define
class Past:
    """A history of these rows; it keeps what it was asked."""

    rows: list[MarketEvent] = field(factory=list)
    refuses: bool = False
    asked: list[HistoryQuery] = field(factory=list)

    def keeps(self, kind: Kind) -> bool:
        return kind is Kind.BARS

    async def page(self, query: HistoryQuery, token: str | None = None) -> HistoryPage:
        await trio.lowlevel.checkpoint()
        self.asked.append(query)
        if self.refuses:
            raise HistoryRefused("not in this plan")
        return HistoryPage(self.rows, None)


class Session(Markets):
    """The market side of a session whose feeds are published to by hand, with a history that is a value."""

    past: History | None = None

    def history_of(self, stream: Stream) -> History | None:
        return self.past


@define
class Watch:
    now_ns: int = NOW_NS


def no_feed(name: str) -> Feed:
    raise AssertionError(f"nobody may open the feed {name} for a price")


@pytest.fixture
def watch() -> Watch:
    return Watch()


@pytest.fixture
def markets(watch: Watch) -> Session:
    return Session(
        clock=MarketClock(None, lambda: watch.now_ns),
        feed_of=lambda _: "iex",
        make_feed=no_feed,
        tuning=StreamTuning(),
        seed=1,
        say=lambda _, __: None,
        report=lambda _: None,
        on_failure=lambda _: None,
    )


def subscribe(markets: Markets, *streams: Stream) -> Channel:
    """A strategy's subscription, as far as the fan-out is concerned."""
    channel = Channel(
        strategy="trend",
        name="trend",
        streams=frozenset(streams),
        feeds=frozenset(),
        queue=Overflow("block", 100),
        gaps=False,
        on_handed=lambda _: None,
        on_gap=lambda _: None,
    )
    markets.fanout.attach(channel)
    return channel


def publish(markets: Markets, *events: MarketEvent) -> None:
    markets.fanout.publish(events, NOW_NS)


def trade(price: float, ago_s: float = 0.0, symbol: str = "SPY") -> Trade:
    return Trade(symbol, NOW_NS - int(ago_s * NS_PER_S), price, 100.0)


def quote(bid: float, ask: float, ago_s: float = 0.0) -> Quote:
    return Quote("SPY", NOW_NS - int(ago_s * NS_PER_S), bid, 1.0, ask, 1.0)


def bar(close: float, begun_ago_s: float) -> Bar:
    return Bar("SPY", NOW_NS - int(begun_ago_s * NS_PER_S), 1.0, 2.0, 0.5, close, 100.0)


TRADES, QUOTES, BARS = (Stream(kind, "SPY") for kind in (Kind.TRADES, Kind.QUOTES, Kind.BARS))


async def test_the_newest_of_trade_quote_and_bar_is_the_price(markets: Session) -> None:
    subscribe(markets, TRADES, QUOTES, BARS)
    marks = Marks(markets)
    assert marks.price("SPY") is None
    publish(markets, trade(100.1, ago_s=3))
    assert marks.price("SPY") == (D("100.1"), 3.0)
    publish(markets, quote(100.2, 100.4, ago_s=2))
    assert marks.price("SPY") == (D("100.3"), 2.0)
    publish(markets, bar(100.5, begun_ago_s=61))
    assert marks.price("SPY") == (D("100.5"), 1.0), "a bar is as old as its end"
    publish(markets, trade(99.0, ago_s=30))
    assert marks.price("SPY") == (D("100.5"), 1.0), "a trade that comes late does not turn the price back"


async def test_the_age_grows_with_market_time(markets: Session, watch: Watch) -> None:
    subscribe(markets, TRADES)
    marks = Marks(markets)
    marks.price("SPY")
    publish(markets, trade(100.0))
    watch.now_ns += 90 * NS_PER_S
    assert marks.price("SPY") == (D(100), 90.0)


async def test_a_float_becomes_the_decimal_that_it_was_written_as(markets: Session) -> None:
    subscribe(markets, QUOTES)
    marks = Marks(markets)
    marks.quote("SPY")
    publish(markets, quote(0.1, 0.3))
    assert marks.quote("SPY") == (D("0.1"), D("0.3"), 0.0)


@pytest.mark.parametrize("wrong", [float("nan"), float("inf"), 0.0, -1.0])
async def test_what_is_no_price_does_not_replace_one(markets: Session, wrong: float) -> None:
    subscribe(markets, TRADES, QUOTES, BARS)
    marks = Marks(markets)
    marks.price("SPY")
    publish(markets, trade(100.0, ago_s=9))
    assert marks.price("SPY") == (D(100), 9.0)
    publish(markets, trade(wrong), bar(wrong, 60), quote(wrong, 100.0))
    assert marks.price("SPY") == (D(100), 9.0)
    assert marks.quote("SPY") == (D(0), D(100), 0.0)


async def test_nothing_is_wanted_of_the_venue_for_it(markets: Session) -> None:
    marks = Marks(markets)
    marks.price("SPY")
    assert markets.fanout.wanted() == frozenset()
    channel = subscribe(markets, TRADES)
    publish(markets, trade(100.0))
    assert markets.fanout.wanted() == {TRADES}
    assert marks.price("SPY") is not None, "a stream that was opened later is heard too"
    markets.fanout.detach(channel)
    assert markets.fanout.wanted() == frozenset()
    assert marks.price("SPY") is not None


async def test_it_holds_up_no_feed_however_much_comes_between_two_looks(markets: Session) -> None:
    channel = subscribe(markets, TRADES)
    marks = Marks(markets)
    marks.price("SPY")
    for number in range(1_000):
        publish(markets, trade(100.0 + number))
        channel.take_nowait()
    assert markets.fanout.crowded("iex") == []
    assert marks.price("SPY") == (D(1099), 0.0)
    totals = markets.books.read(markets.fanout.channels())
    assert all(
        one.received + one.backfilled == one.delivered + one.conflated + one.dropped + one.queued
        for one in totals.values()
    )


async def test_the_brokers_price_stands_in_until_a_stream_tells_one(markets: Session) -> None:
    marks = Marks(markets)
    held = HeldPosition(symbol="SPY", qty=D(1), entry_price=D(90), price=D(95))
    unpriced = HeldPosition(symbol="QQQ", qty=D(1), entry_price=D(90))
    marks.take_positions([held, unpriced], NOW_NS - NS_PER_S)
    assert marks.prices() == {"SPY": D(95)}
    subscribe(markets, TRADES)
    publish(markets, trade(100.0))
    assert marks.prices() == {"SPY": D(100)}
    marks.take_positions([held], NOW_NS - NS_PER_S)
    assert marks.prices() == {"SPY": D(100)}


# -- looking up


def past_of(markets: Session, rows: Sequence[MarketEvent] = (), *, refuses: bool = False) -> Past:
    past = Past(list(rows), refuses)
    markets.past = past
    return past


async def test_history_tells_the_price_that_no_stream_does(markets: Session) -> None:
    past = past_of(markets, [bar(99.0, 300), bar(100.0, 120)])
    marks = Marks(markets)
    await marks.look_up("SPY")
    assert marks.price("SPY") == (D(100), 60.0)
    assert past.asked == [HistoryQuery(Kind.BARS, ("SPY",), NOW_NS - LOOK_BACK_NS, NOW_NS)]


async def test_a_price_that_is_known_is_not_looked_up(markets: Session) -> None:
    past = past_of(markets)
    marks = Marks(markets)
    subscribe(markets, TRADES)
    marks.price("SPY")
    publish(markets, trade(100.0, ago_s=5))
    await marks.look_up("SPY")
    assert past.asked == []


@pytest.mark.parametrize("refuses", [True, False])
async def test_what_history_does_not_tell_stays_unknown_and_is_not_asked_at_once_again(
    markets: Session, watch: Watch, refuses: bool
) -> None:
    past = past_of(markets, refuses=refuses)
    marks = Marks(markets)
    for _ in range(3):
        await marks.look_up("SPY")
    assert marks.price("SPY") is None
    assert len(past.asked) == 1
    watch.now_ns += LOOK_AGAIN_NS
    await marks.look_up("SPY")
    assert len(past.asked) == 2


async def test_a_venue_without_history_leaves_it_unknown(markets: Session) -> None:
    marks = Marks(markets)
    await marks.look_up("SPY")
    assert marks.price("SPY") is None
