"""Bars follow the venue's rules: after the minute, told again when late trades change it, none without a price."""

import pytest

from engine.core.bars import MINUTE_NS, BarMaker, TimeFrame, day_start_ns, fold_bars, parse_timeframe
from engine.model.instant import NS_PER_S, parse_instant, render_instant
from engine.model.market import Bar, DailyBar, Trade, UpdatedBar

T0 = parse_instant("2026-03-02T14:31:00Z")


def trade(second: float, price: float, size: float, *conditions: str) -> Trade:
    return Trade("AAPL", T0 + round(second * NS_PER_S), price, size, 1, "V", conditions)


def test_a_minute_appears_after_it_with_its_day() -> None:
    maker = BarMaker()
    for each in (trade(1, 10, 100), trade(2, 12, 100), trade(3, 9, 200), trade(59, 11, 100)):
        maker.add(each)
    assert maker.due(T0 + MINUTE_NS - 1) == []
    told = maker.due(T0 + MINUTE_NS)
    bar = Bar("AAPL", T0, 10, 12, 9, 11, 500, 4, 10.2)
    day = DailyBar("AAPL", parse_instant("2026-03-02T05:00:00Z"), 10, 12, 9, 11, 500, 4, 10.2)
    assert told == [(T0 + MINUTE_NS, bar), (T0 + MINUTE_NS, day)]


def test_odd_lots_count_for_volume_only_and_official_prices_for_nothing() -> None:
    maker = BarMaker()
    for each in (trade(1, 99, 7, "@", "I"), trade(2, 10, 100), trade(3, 1, 50, "Q"), trade(4, 1, 50, "M")):
        maker.add(each)
    bar = maker.due(T0 + MINUTE_NS)[0][1]
    assert isinstance(bar, Bar)
    assert (bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trade_count) == (10, 10, 10, 10, 107, 2)


def test_a_minute_of_odd_lots_has_no_bar() -> None:
    maker = BarMaker()
    maker.add(trade(1, 99, 7, "I"))
    assert maker.due(T0 + 10 * MINUTE_NS) == []
    assert maker.next_ns is None


def test_a_late_trade_has_the_bar_told_again_at_half_a_minute_with_the_same_close() -> None:
    maker = BarMaker()
    maker.add(trade(1, 10, 100))
    maker.add(trade(50, 11, 100))
    maker.due(T0 + MINUTE_NS)
    maker.add(trade(30, 15, 100))
    told = maker.due(T0 + MINUTE_NS + 30 * NS_PER_S)
    assert told == [(T0 + 90 * NS_PER_S, UpdatedBar("AAPL", T0, 10, 15, 10, 11, 300, 3, 12.0))]


def test_a_minute_that_nothing_changed_is_not_told_again_and_too_late_a_trade_is_left_out() -> None:
    maker = BarMaker()
    maker.add(trade(1, 10, 100))
    maker.due(T0 + MINUTE_NS)
    assert maker.due(T0 + 2 * MINUTE_NS) == []
    maker.add(trade(30, 15, 100))
    assert (maker.next_ns, maker.due(T0 + 5 * MINUTE_NS)) == (None, [])


def test_a_minute_whose_only_trade_is_late_is_never_told_in_the_past() -> None:
    maker = BarMaker()
    maker.due(T0 + MINUTE_NS + 5)
    maker.add(trade(30, 15, 100))
    told = maker.due(T0 + MINUTE_NS + 10)
    assert [due_ns for due_ns, _ in told] == [T0 + MINUTE_NS + 5] * 2


OPENS, CLOSES = T0 - MINUTE_NS, T0 + 389 * MINUTE_NS


def minute(start_ns: int, price: float, symbol: str = "AAPL") -> Bar:
    return Bar(symbol, start_ns, price, price + 1, price - 1, price + 0.5, 100, 2, price)


DAY_OF_MINUTES = [
    minute(OPENS - MINUTE_NS, 50),  # before the open
    minute(OPENS, 10),
    minute(CLOSES - MINUTE_NS, 12),
    minute(CLOSES, 14),  # begins with the closing auction
    minute(CLOSES + MINUTE_NS, 90),  # after it
]


def test_beyond_regular_hours_a_day_gains_volume_but_no_price_live_and_in_history_alike() -> None:
    day = Bar("AAPL", parse_instant("2026-03-02T05:00:00Z"), 10, 14, 9, 14, 500, 10, 35.2)
    assert fold_bars(DAY_OF_MINUTES, TimeFrame(1, "Day")) == [day]
    maker = BarMaker()
    told = [maker.day(each) for each in DAY_OF_MINUTES]
    assert told[0] is None
    last = told[-1]
    assert isinstance(last, DailyBar)
    assert (last.open, last.high, last.low, last.close, last.volume, last.vwap) == (10, 14, 9, 14, 500, 35.2)


def test_hours_of_stocks_and_days_of_crypto_count_every_price() -> None:
    hours = fold_bars(DAY_OF_MINUTES, TimeFrame(12, "Hour"))
    assert [(bar.high, bar.low) for bar in hours if isinstance(bar, Bar)] == [(51, 9), (91, 11)]
    crypto = [minute(each.ts_ns, each.open, "BTC/USD") for each in DAY_OF_MINUTES]
    folded = fold_bars(crypto, TimeFrame(1, "Day"))[0]
    assert isinstance(folded, Bar)
    assert (folded.open, folded.high, folded.low, folded.close) == (50, 91, 9, 90.5)


def test_a_day_without_a_trade_in_regular_hours_has_no_bar() -> None:
    assert fold_bars(DAY_OF_MINUTES[:1], TimeFrame(1, "Day")) == []
    assert fold_bars(DAY_OF_MINUTES[:1], TimeFrame(1, "Week")) == []


@pytest.mark.parametrize(
    ("symbol", "at", "start"),
    [
        ("AAPL", "2026-03-03T04:59:59Z", "2026-03-02T05:00:00Z"),
        ("AAPL", "2026-03-08T12:00:00Z", "2026-03-08T05:00:00Z"),  # the day summer time begins
        ("AAPL", "2026-03-09T03:59:59Z", "2026-03-08T05:00:00Z"),
        ("AAPL", "2026-03-09T04:00:00Z", "2026-03-09T04:00:00Z"),
        ("BTC/USD", "2026-03-03T04:59:59Z", "2026-03-03T00:00:00Z"),
    ],
)
def test_days_begin_at_new_york_midnight_for_stocks_and_at_utc_midnight_for_crypto(
    symbol: str, at: str, start: str
) -> None:
    assert render_instant(day_start_ns(symbol, parse_instant(at))) == start


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("5Min", "2026-03-11T14:35:00Z"),
        ("15T", "2026-03-11T14:30:00Z"),
        ("1Hour", "2026-03-11T14:00:00Z"),
        ("1D", "2026-03-11T04:00:00Z"),
        ("1Week", "2026-03-09T04:00:00Z"),
        ("1Month", "2026-03-01T05:00:00Z"),
        ("3M", "2026-01-01T05:00:00Z"),
    ],
)
def test_wider_bars_begin_where_their_unit_does(text: str, start: str) -> None:
    frame = parse_timeframe(text)
    assert render_instant(frame.start_ns("AAPL", parse_instant("2026-03-11T14:37:21.5Z"))) == start


@pytest.mark.parametrize("text", ["", "Min", "0Min", "60Min", "24H", "2D", "5Month", "1Year", "1 Min", "100Min", "-1T"])
def test_a_timeframe_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid timeframe"):
        parse_timeframe(text)


def test_wider_bars_add_up() -> None:
    minutes = [
        Bar("AAPL", T0, 10, 12, 9, 11, 100, 4, 10.0),
        Bar("AAPL", T0 + MINUTE_NS, 11, 15, 11, 14, 300, 6, 12.0),
        Bar("AAPL", T0 + 5 * MINUTE_NS, 14, 14, 8, 8, 50, 1, 9.0),
    ]
    assert fold_bars(minutes, TimeFrame(5, "Min")) == [
        Bar("AAPL", T0 - MINUTE_NS, 10, 15, 9, 14, 400, 10, 11.5),
        Bar("AAPL", T0 + 4 * MINUTE_NS, 14, 14, 8, 8, 50, 1, 9.0),
    ]


def test_a_minute_counted_at_once_is_the_minute_counted_trade_by_trade() -> None:
    marks = [("M",), ("I",), (), ("T",), (), ("Q",), ("I",), ()]
    trades = [
        Trade("A", T0 + n * NS_PER_S, 10.1 + n * (-1) ** n, 0.1 + n, conditions=mark) for n, mark in enumerate(marks)
    ]
    for cut in range(len(trades) + 1):
        slow, fast = BarMaker(), BarMaker()
        for trade in trades:
            slow.add(trade)
        fast.add_minute(trades[:cut])
        fast.add_minute(trades[cut:])
        assert fast.due(T0 + 2 * MINUTE_NS) == slow.due(T0 + 2 * MINUTE_NS) != []
