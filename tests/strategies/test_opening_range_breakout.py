"""Law: the first close above the opening range is a day's only signal, and only if nothing was missed."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine import Bar, Gap, Kind, Stream, parse_instant, session_at
from strategies.opening_range_breakout import OpeningRange, Params

MINUTE_NS = 60 * 10**9
MONDAY = parse_instant("2026-03-02T14:30:00Z")
TUESDAY = parse_instant("2026-03-03T14:30:00Z")


def bar(close: float, minute: int, high: float | None = None, low: float | None = None, open_ns: int = MONDAY) -> Bar:
    return Bar("SPY", open_ns + minute * MINUTE_NS, close, high or close, low or close, close, 100.0)


def gap(start_ns: int, end_ns: int) -> Gap:
    return Gap("iex", Stream(Kind.BARS, "SPY"), start_ns, end_ns, "history_unavailable", end_ns)


def settled(open_ns: int = MONDAY) -> OpeningRange:
    """Three minutes between 99 and 101."""
    opening = OpeningRange(3)
    for minute in range(3):
        assert not opening.update(bar(100.0, minute, 101.0, 99.0, open_ns))
    return opening


def test_the_first_close_above_the_range_is_told_once() -> None:
    opening = settled()
    told = [
        opening.update(bar(close, minute)) for minute, close in enumerate([100.5, 101.0, 101.01, 102.0, 99.0, 103.0], 3)
    ]
    assert told == [False, False, True, False, False, False]


def test_a_high_above_the_range_is_not_a_close_above_it() -> None:
    assert not settled().update(bar(100.5, 3, high=105.0))


def test_the_next_day_has_a_range_of_its_own() -> None:
    opening = settled()
    assert opening.update(bar(102.0, 3))
    for minute in range(3):
        assert not opening.update(bar(200.0, minute, open_ns=TUESDAY))
    assert opening.update(bar(200.5, 3, open_ns=TUESDAY))


def test_bars_before_the_opening_are_not_part_of_the_range() -> None:
    opening = OpeningRange(3)
    opening.update(bar(500.0, -30))
    for minute in range(3):
        opening.update(bar(100.0, minute))
    assert opening.update(bar(101.0, 3))


def test_after_the_close_nothing_is_told() -> None:
    assert not settled().update(bar(102.0, 391))
    half_day = parse_instant("2026-11-27T14:30:00Z")
    assert not settled(half_day).update(bar(102.0, 211, open_ns=half_day))


def test_without_a_range_there_is_no_break_out() -> None:
    assert not OpeningRange(3).update(bar(102.0, 3))


@pytest.mark.parametrize("minutes", [(-10, 1), (1, 2), (4, 8)])
def test_a_gap_in_the_day_ends_it(minutes: tuple[int, int]) -> None:
    """In the range, because it is not known; later, because the first break-out may be in it."""
    opening = settled()
    opening.miss(gap(*(MONDAY + minute * MINUTE_NS for minute in minutes)))
    assert not opening.update(bar(102.0, 9))
    for minute in range(3):
        opening.update(bar(100.0, minute, open_ns=TUESDAY))
    assert opening.update(bar(101.0, 3, open_ns=TUESDAY))


def test_a_gap_into_a_day_that_has_not_been_heard_of_ends_that_day() -> None:
    opening = settled()
    opening.miss(gap(MONDAY + 300 * MINUTE_NS, TUESDAY + MINUTE_NS))
    for minute in range(2, 4):
        assert not opening.update(bar(100.0 + minute, minute, open_ns=TUESDAY))


def test_a_gap_that_ends_before_the_opening_is_none() -> None:
    opening = OpeningRange(3)
    opening.miss(gap(MONDAY - 90 * MINUTE_NS, MONDAY - MINUTE_NS))
    for minute in range(3):
        opening.update(bar(100.0, minute))
    assert opening.update(bar(101.0, 3))


@given(st.lists(st.tuples(st.integers(1, 30), st.integers(9_000, 11_000), st.booleans()), max_size=150))
def test_no_day_has_two_signals(steps: list[tuple[int, int, bool]]) -> None:
    opening, minute, days = OpeningRange(15), 0, []
    for gone, cents, missed in steps:
        if missed and gone == 30:
            opening.miss(gap(MONDAY + minute * MINUTE_NS, MONDAY + (minute + gone) * MINUTE_NS))
        minute += gone
        if opening.update(bar(cents / 100, minute)):
            days.append(session_at(MONDAY + minute * MINUTE_NS).date)
    assert len(days) == len(set(days))


@given(low=st.integers(100, 60_000), reach=st.integers(1, 5_000), reward=st.floats(0.1, 10))
def test_the_exits_are_below_and_above_the_entry_on_the_grid(low: int, reach: int, reward: float) -> None:
    opening, close = OpeningRange(1), (low + reach) / 100
    opening.update(bar(low / 100, 0))
    exits = opening.exits(close, reward)
    assert exits is not None
    assert exits.stop_loss < Decimal(str(close)) < exits.take_profit
    assert exits.stop_loss % Decimal("0.01") == exits.take_profit % Decimal("0.01") == 0


def test_there_are_no_exits_for_an_entry_below_the_range() -> None:
    assert settled().exits(99.0, 2.0) is None
    assert OpeningRange(3).exits(99.0, 2.0) is None


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbol": "BTC/USD"}, "must be a stock"),
        ({"minutes": 0}, "from 1 to 120"),
        ({"qty": Decimal("0.5")}, "whole number"),
        ({"qty": Decimal(0)}, "whole number"),
        ({"reward": 0.0}, "above 0"),
        ({"flat_minutes": 60.0}, "below quiet_minutes"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        Params(**changes)
