"""Law: a VWAP is that of one session; sessions are New York's trading days, or UTC's days."""

import math
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.calendar import instant_of, session_at
from engine.indicators import OBV, VWAP
from engine.model.market import Bar

NEW_YORK = ZoneInfo("America/New_York")


def bar(when: datetime, price: float, volume: float = 1.0, vwap: float = 0.0) -> Bar:
    return Bar("SPY", instant_of(when), price, price, price, price, volume, vwap=vwap)


def new_york(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


SAME = [
    ("2026-03-02 04:00", "2026-03-02 19:59"),  # pre-market to the end of the extended hours
    ("2026-03-02 20:00", "2026-03-03 09:30"),  # overnight trading belongs to the day it leads to
    ("2026-03-06 20:00", "2026-03-09 09:30"),  # a weekend, and the clocks go forward in it
    ("2026-11-27 17:00", "2026-11-30 09:30"),  # after a half day
]
OTHER = [
    ("2026-03-02 19:59", "2026-03-02 20:00"),
    ("2026-03-02 15:59", "2026-03-03 09:30"),
    ("2026-11-27 16:59", "2026-11-27 17:00"),  # the extended hours of a half day end at five
    ("2026-11-25 15:59", "2026-11-27 09:30"),  # over Thanksgiving
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_it_goes_on_within_a_trading_day(first: str, second: str) -> None:
    vwap = VWAP()
    vwap.update(bar(new_york(first), 10.0))
    vwap.update(bar(new_york(second), 20.0, 3.0))
    assert vwap.value == 17.5


@pytest.mark.parametrize(("first", "second"), OTHER)
def test_it_begins_anew_with_a_trading_day(first: str, second: str) -> None:
    vwap = VWAP()
    vwap.update(bar(new_york(first), 10.0))
    vwap.update(bar(new_york(second), 20.0))
    assert vwap.value == 20.0


def test_a_new_session_has_no_value_until_something_is_traded() -> None:
    vwap = VWAP("utc")
    vwap.update(bar(datetime(2026, 3, 1, 23, 59, tzinfo=UTC), 10.0))
    vwap.update(bar(datetime(2026, 3, 2, tzinfo=UTC), 20.0, volume=0.0))
    assert not vwap.ready
    vwap.update(bar(datetime(2026, 3, 2, 0, 1, tzinfo=UTC), 30.0))
    assert vwap.value == 30.0


def test_the_price_of_a_bar_is_its_own_vwap_where_it_is_told() -> None:
    vwap = VWAP()
    vwap.update(Bar("SPY", instant_of(new_york("2026-03-02 09:30")), 1.0, 4.0, 1.0, 1.0, 5.0))
    assert vwap.value == 2.0
    vwap.update(bar(new_york("2026-03-02 09:31"), 1.0, 5.0, vwap=3.0))
    assert vwap.value == 2.5


@given(st.lists(st.tuples(st.integers(0, 10**9), st.floats(1, 1e4), st.floats(0.5, 1e6)), min_size=1, max_size=30))
def test_it_is_the_average_of_the_bars_of_the_newest_session(rows: list[tuple[int, float, float]]) -> None:
    bars = [
        Bar("SPY", second * 10**9, price, price, price, price, volume)
        for second, price, volume in sorted(rows, key=lambda row: row[0])
    ]
    vwap = VWAP()
    for each in bars:
        vwap.update(each)
    today = [each for each in bars if session_at(each.ts_ns) == session_at(bars[-1].ts_ns)]
    paid = math.fsum(each.close * each.volume for each in today)
    assert vwap.value == pytest.approx(paid / math.fsum(each.volume for each in today))


def test_volume_is_added_when_the_close_rises_and_taken_away_when_it_falls() -> None:
    obv, told = OBV(), []
    for close, volume in ((10.0, 5.0), (11.0, 2.0), (11.0, 9.0), (10.5, 4.0)):
        obv.update(bar(new_york("2026-03-02 09:30"), close, volume))
        told.append(obv.value)
    assert told == [5.0, 7.0, 7.0, 3.0]
