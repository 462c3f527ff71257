"""A wide bar holds all that happened in its span, before the market began too, and nothing below a day is invented."""

import pytest

from engine.core.bars import MINUTE_NS, TimeFrame, day_start_ns, parse_timeframe
from engine.exchange.made.prehistory import PreHistory
from engine.exchange.past import Past
from engine.exchange.rest.data.spans import DAY, Spans
from engine.model.instant import parse_instant
from engine.model.market import Bar, Trade

START = parse_instant("2026-03-02T14:30:00Z")
LATE = START + 30 * MINUTE_NS
YEAR = parse_instant("2025-01-01T00:00:00Z")
CONTRACT = "AAPL260320C00200000"


def minute(number: int, price: float = 230.0) -> Bar:
    return Bar("AAPL", START + number * MINUTE_NS, price, price + 1, price - 1, price + 0.5, 100.0, 10, price)


@pytest.fixture
def past() -> Past:
    past = Past(10_000)
    past.add([minute(0), minute(1, 235.0), minute(2, 228.0)])
    past.add([Trade(CONTRACT, START + second * 10**9, 5.0 + second / 60, 2.0) for second in (1, 30, 61)])
    return past


@pytest.fixture
def spans(past: Past) -> Spans:
    return Spans(past, PreHistory({"AAPL": 230.0}, START), lambda _: True)


def test_a_day_is_its_minutes_and_earlier_days_come_before_it(spans: Spans) -> None:
    days = spans.bars("AAPL", DAY, YEAR, LATE)
    assert days[-1] == Bar("AAPL", day_start_ns("AAPL", START), 230.0, 236.0, 227.0, 228.5, 300.0, 30, 231.0)
    assert len(days) > 240 and len({day.ts_ns for day in days}) == len(days)
    assert spans.bars("AAPL", DAY, START, LATE) == days[-1:]


@pytest.mark.parametrize("text", ["1Week", "1Month", "3Month", "12Month"])
def test_a_wider_span_holds_its_days(spans: Spans, text: str) -> None:
    frame = parse_timeframe(text)
    days = spans.bars("AAPL", DAY, YEAR, LATE)
    wide = spans.bars("AAPL", frame, YEAR, LATE)
    for bar in wide:
        inside = [day for day in days if frame.start_ns("AAPL", day.ts_ns) == bar.ts_ns]
        assert (bar.open, bar.close) == (inside[0].open, inside[-1].close)
        assert (bar.high, bar.low) == (max(day.high for day in inside), min(day.low for day in inside))
        assert bar.volume == pytest.approx(sum(day.volume for day in inside))
    assert sum(bar.trade_count for bar in wide) == sum(day.trade_count for day in days)


def test_the_first_span_is_whole_wherever_in_it_one_starts_to_ask(spans: Spans) -> None:
    week = TimeFrame(1, "Week")
    thursday = parse_instant("2026-02-26T15:00:00Z")
    monday = parse_instant("2026-02-23T05:00:00Z")
    assert spans.bars("AAPL", week, thursday, LATE) == spans.bars("AAPL", week, monday, LATE)


def test_nothing_finer_than_a_day_is_invented(spans: Spans) -> None:
    assert len(spans.bars("AAPL", TimeFrame(1, "Hour"), YEAR, LATE)) == 1
    assert [bar.ts_ns for bar in spans.bars("AAPL", TimeFrame(1, "Min"), YEAR, LATE)] == [
        START + number * MINUTE_NS for number in range(3)
    ]


def test_bars_of_contracts_are_made_of_their_trades(spans: Spans) -> None:
    first, second = spans.bars(CONTRACT, TimeFrame(1, "Min"), START, LATE)
    assert (first.open, first.close, first.volume, first.trade_count) == (5.0 + 1 / 60, 5.5, 4.0, 2)
    assert (second.ts_ns, second.trade_count) == (START + MINUTE_NS, 1)
    assert len(spans.bars(CONTRACT, DAY, START, LATE)) == 1


def test_what_history_does_not_show_yet_is_in_no_bar(past: Past) -> None:
    spans = Spans(past, PreHistory({}, START), lambda row: row.ts_ns < START + MINUTE_NS)
    assert spans.bars("AAPL", DAY, START, LATE)[0].trade_count == 10
    assert len(spans.bars("AAPL", TimeFrame(1, "Min"), START, START)) == 1
