"""A made stock follows the trading days of New York, and what it tells could be traded against at every moment."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import takewhile
from random import Random

import pytest

from engine.core.calendar import Phase, TradingDay, day_at, phase_at, trading_day
from engine.exchange.made.moments import Moment, State
from engine.exchange.made.stock import StockDays
from engine.exchange.market import Row
from engine.exchange.symbol_market import StockSymbol
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Imbalance, Luld, MarketEvent, Quote, Status, Trade

RATE = 4.0
START = parse_instant("2026-11-25T08:00:00Z")
"""Three in the morning before Thanksgiving: a whole day, a holiday, a half day and a weekend follow."""
END = parse_instant("2026-11-30T15:00:00Z")
LATE_NS = 10 * NS_PER_S
"""Until then late trades and revisions of trades are told."""


def days() -> list[TradingDay]:
    found = [trading_day(date(2026, 11, day)) for day in (25, 27)]
    return [day for day in found if day is not None]


def played(
    seed: str,
    start_ns: int,
    end_ns: int,
    plan: tuple[Moment, ...] | None = None,
    *,
    symbol: str = "AAPL",
    rate: float = RATE,
) -> list[Row]:
    player = StockDays(StockSymbol(symbol, Random(seed)), start_ns, rate, plan)

    def rows() -> Iterator[Row]:
        while True:
            yield from player.next_second()

    return list(takewhile(lambda row: row[0] < end_ns, rows()))


@pytest.fixture(scope="module")
def week() -> list[Row]:
    return played("week", START, END)


def on(rows: list[Row], start_ns: int, end_ns: int) -> list[MarketEvent]:
    """What was told between two instants and happened there (late trades did not)."""
    return [event for due_ns, event in rows if start_ns <= due_ns == event.ts_ns < end_ns]


def conditions(event: MarketEvent) -> tuple[str, ...]:
    return event.conditions if isinstance(event, Trade) else ()


def test_nights_weekends_and_holidays_are_silent(week: list[Row]) -> None:
    for due_ns, _ in week:
        some_time_ago = max(due_ns - LATE_NS, START)
        assert {phase_at(due_ns), phase_at(some_time_ago)} & {Phase.PRE, Phase.CORE, Phase.POST}
    assert {day.date.day for _, event in week if (day := day_at(event.ts_ns))} == {25, 27, 30}


def test_trades_beyond_regular_hours_say_so_are_few_and_quoted_wide(week: list[Row]) -> None:
    day = days()[0]
    parts = {
        Phase.PRE: on(week, day.pre_ns, day.open_ns),
        Phase.CORE: on(week, day.open_ns, day.close_ns),
        Phase.POST: on(week, day.close_ns + NS_PER_S, day.post_ns),
    }
    widths = {}
    for phase, events in parts.items():
        traded = [event for event in events if isinstance(event, Trade)]
        quotes = [event for event in events if isinstance(event, Quote)]
        assert traded
        assert all(("T" in event.conditions) is (phase is not Phase.CORE) for event in traded)
        widths[phase] = sum(quote.ask_price - quote.bid_price for quote in quotes) / len(quotes)
    assert widths[Phase.PRE] > 3 * widths[Phase.CORE] < widths[Phase.POST]
    assert len(parts[Phase.PRE]) + len(parts[Phase.POST]) < len(parts[Phase.CORE]) / 10


def test_a_day_opens_and_closes_with_an_auction_and_an_official_price(week: list[Row]) -> None:
    for day in days():
        for edge_ns, cross_sign, official_sign in ((day.open_ns, "O", "Q"), (day.close_ns, "6", "M")):
            around = on(week, edge_ns - 3600 * NS_PER_S, edge_ns + 3600 * NS_PER_S)
            crosses = [event for event in around if isinstance(event, Trade) and cross_sign in event.conditions]
            officials = [event for event in around if isinstance(event, Trade) and official_sign in event.conditions]
            assert len(crosses) == len(officials) == 1
            assert edge_ns <= crosses[0].ts_ns <= officials[0].ts_ns < edge_ns + NS_PER_S
            assert crosses[0].size >= 50_000
            assert (officials[0].price, officials[0].size) == (crosses[0].price, 0)
            assert all(edge_ns == day.open_ns or edge_ns < event.ts_ns for event in crosses)


def test_the_price_jumps_overnight(week: list[Row]) -> None:
    quotes = [event for _, event in week if isinstance(event, Quote)]
    for last, first in ((25, 27), (27, 30)):
        before = [quote for quote in quotes if (day := day_at(quote.ts_ns)) and day.date.day == last][-1]
        after = next(quote for quote in quotes if (day := day_at(quote.ts_ns)) and day.date.day == first)
        assert abs(after.bid_price / before.bid_price - 1) > 0.0005


def test_every_day_has_a_burst_of_news_and_an_interruption(week: list[Row]) -> None:
    for day in days():
        events = on(week, day.open_ns, day.close_ns)
        assert max(Counter((event.ts_ns - day.open_ns) // NS_PER_S for event in events).values()) > 1000
        assert [event.status_code for event in events if isinstance(event, Status)] == ["T", "H", "T"]


def test_the_mean_of_regular_hours_is_as_asked(week: list[Row]) -> None:
    for day in days():
        day_s = (day.close_ns - day.open_ns) / NS_PER_S
        told = [each for each in on(week, day.open_ns, day.close_ns) if isinstance(each, Trade | Quote)]
        assert len(told) / day_s == pytest.approx(RATE, rel=0.1)


def test_a_day_on_which_nothing_happens_is_busy_at_its_ends_and_slack_at_noon() -> None:
    day = days()[0]
    rows = played("quiet", day.open_ns, day.close_ns, ())
    assert sum(isinstance(event, Status) for _, event in rows) == 1
    quarters = Counter((event.ts_ns - day.open_ns) // (900 * NS_PER_S) for _, event in rows)
    lunch = sum(quarters[quarter] for quarter in range(10, 16)) / 6
    assert quarters[0] > 1.5 * lunch
    assert quarters[25] > 1.5 * lunch


def test_quotes_are_never_crossed_and_trades_print_within_the_quote(week: list[Row]) -> None:
    quote: Quote | None = None
    for due_ns, event in week:
        if isinstance(event, Quote):
            quote = event
            assert 0 < quote.bid_price < quote.ask_price
            assert min(quote.bid_size, quote.ask_size) >= 1
        elif isinstance(event, Trade) and due_ns == event.ts_ns:
            assert quote is not None
            assert quote.bid_price <= event.price <= quote.ask_price


def test_no_trade_prints_outside_the_band_that_was_in_force_at_its_time(week: list[Row]) -> None:
    bands = [event for _, event in week if isinstance(event, Luld)]
    times = [band.ts_ns for band in bands]
    checked = 0
    for _, event in week:
        if isinstance(event, Trade) and phase_at(event.ts_ns) is Phase.CORE:
            band = bands[bisect_right(times, event.ts_ns) - 1]
            assert band.limit_down <= event.price <= band.limit_up
            checked += 1
    assert checked > 10_000


MONDAY = parse_instant("2026-11-30T14:30:00Z")


@pytest.mark.parametrize(
    ("symbol", "state", "stopped", "resumed"),
    [
        ("AAPL", State.PAUSE, ("H", "LUDP"), "T"),
        ("AAPL", State.HALT, ("H", "T1"), "T"),
        ("SPY", State.PAUSE, ("2", "M"), "3"),
        ("SPY", State.HALT, ("2", "P"), "3"),
    ],
)
def test_an_interruption_is_silent_and_reopens_with_a_quote_and_then_an_auction(
    symbol: str, state: State, stopped: tuple[str, str], resumed: str
) -> None:
    moment = Moment(symbol, MONDAY + 60 * NS_PER_S + 500, 30.0, state)
    rows = played("x", MONDAY, MONDAY + 120 * NS_PER_S, (moment,), symbol=symbol, rate=50)
    during = on(rows, moment.start_ns, moment.end_ns)
    status = next(event for event in during if isinstance(event, Status))
    assert (status.status_code, status.reason_code) == stopped
    after_status = during[during.index(status) + 1 :]
    assert [type(event) for event in after_status] == ([Imbalance, Imbalance] if state is State.PAUSE else [])

    first = on(rows, moment.end_ns, MONDAY + 120 * NS_PER_S)[:4]
    assert [type(event) for event in first] == [Status, Luld, Quote, Trade]
    assert isinstance(first[0], Status)
    assert first[0].status_code == resumed
    assert conditions(first[3]) == ("@", "5", "X")
    cross = first[3]
    before = [event for event in on(rows, MONDAY, moment.start_ns) if isinstance(event, Trade)][-1]
    assert isinstance(cross, Trade)
    assert abs(cross.price / before.price - 1) > 0.005


def test_a_pause_begins_with_a_price_at_its_band() -> None:
    moment = Moment("AAPL", MONDAY + 60 * NS_PER_S, 30.0, State.PAUSE)
    rows = played("x", MONDAY, MONDAY + 61 * NS_PER_S, (moment,), rate=50)
    band = [event for _, event in rows if isinstance(event, Luld)][-1]
    quote = [event for _, event in rows if isinstance(event, Quote)][-1]
    assert quote.bid_price == band.limit_down or quote.ask_price == band.limit_up


def test_news_are_a_thousand_messages_a_second_a_price_that_runs_and_wide_quotes() -> None:
    moment = Moment("AAPL", MONDAY + 900 * NS_PER_S, 5.0, State.NEWS)
    rows = played("x", MONDAY, MONDAY + 960 * NS_PER_S, (moment,))
    news = [event for event in on(rows, moment.start_ns, moment.end_ns) if isinstance(event, Trade | Quote)]
    assert min(Counter((event.ts_ns - moment.start_ns) // NS_PER_S for event in news).values()) >= 1000
    quotes = [event for event in news if isinstance(event, Quote)]
    before = [event for event in on(rows, MONDAY + 700 * NS_PER_S, moment.start_ns) if isinstance(event, Quote)]
    assert abs(quotes[-1].bid_price / before[-1].bid_price - 1) > 0.005

    def width(some: list[Quote]) -> float:
        return sum(quote.ask_price - quote.bid_price for quote in some) / len(some)

    assert width(quotes) > 2 * width(before)


def test_a_session_that_begins_within_the_day_is_told_that_the_stock_trades_and_where() -> None:
    rows = played("x", MONDAY + 7, MONDAY + NS_PER_S, rate=50)
    assert [type(event) for _, event in rows[:3]] == [Status, Luld, Quote]
    assert not [event for _, event in rows if {"O", "Q"} & set(conditions(event))]
