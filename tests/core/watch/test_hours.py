"""The hours that the watch goes by: our calendar, and the broker's where it differs."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.core.calendar import NEW_YORK, Phase, TradingDay, instant_of, phase_at, trading_day
from engine.core.watch.hours import BrokerDay, Hours, Market, Part, compare_days, find_calendar

FIRST, LAST = date(2026, 11, 20), date(2026, 12, 4)


def at(text: str) -> int:
    return instant_of(datetime.fromisoformat(text).replace(tzinfo=NEW_YORK))


def told(day: date, found: TradingDay) -> BrokerDay:
    early = found.close_ns - found.open_ns < 6 * 3600 * 10**9
    return BrokerDay(day, "09:30", "13:00" if early else "16:00", "04:00", "17:00" if early else "20:00")


def broker() -> list[BrokerDay]:
    days = (FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1))
    return [told(day, found) for day in days if (found := trading_day(day)) is not None]


@given(st.integers(at("2024-01-01"), at("2028-01-01")))
def test_without_a_word_of_the_broker_they_are_the_calendars(ts_ns: int) -> None:
    assert Hours().phase_at(ts_ns) is phase_at(ts_ns)


def test_a_broker_that_agrees_changes_nothing() -> None:
    assert compare_days(broker(), FIRST, LAST) == (Hours(), ())
    assert find_calendar((), 1) == []


def test_a_day_of_mourning_that_only_the_broker_knows_is_closed() -> None:
    days = [day for day in broker() if day.date != date(2026, 12, 1)]
    hours, differences = compare_days(days, FIRST, LAST)
    assert differences == ("2026-12-01: the broker has no session, our calendar 09:30 to 16:00",)
    assert hours.phase_at(at("2026-12-01T11:00")) is Phase.CLOSED
    assert hours.phase_at(at("2026-11-30T21:00")) is Phase.CLOSED, "no night before a day without a session"
    assert phase_at(at("2026-11-30T21:00")) is Phase.OVERNIGHT
    (finding,) = find_calendar(differences, 5)
    assert finding.key == "calendar"
    assert differences[0] in finding.text


def test_an_early_close_and_an_extra_day_are_the_brokers() -> None:
    days = [day for day in broker() if day.date != date(2026, 12, 2)]
    days += [
        BrokerDay(date(2026, 12, 2), "09:30", "12:00", "04:00", "16:00"),
        BrokerDay(date(2026, 11, 26), "10:00", "16:00", "04:00", "20:00"),
    ]
    hours, differences = compare_days(days, FIRST, LAST)
    assert [one[:10] for one in differences] == ["2026-11-26", "2026-12-02"]
    assert hours.phase_at(at("2026-12-02T12:30")) is Phase.POST
    assert hours.phase_at(at("2026-11-26T09:45")) is Phase.PRE
    assert hours.phase_at(at("2026-11-26T10:00")) is Phase.CORE


def test_other_edges_of_the_extended_hours_are_taken_and_not_told() -> None:
    days = [BrokerDay(day.date, day.open, day.close, "07:00", "18:00") for day in broker()]
    hours, differences = compare_days(days, FIRST, LAST)
    assert differences == ()
    assert hours.phase_at(at("2026-12-01T05:00")) is Phase.OVERNIGHT
    assert hours.phase_at(at("2026-12-01T18:30")) is Phase.CLOSED


def test_of_many_differences_five_are_named() -> None:
    _, differences = compare_days([], FIRST, LAST)
    (finding,) = find_calendar(differences, 5)
    assert finding.text.count("the broker has no session") == 5
    assert f"and {len(differences) - 5} days more" in finding.text


@pytest.mark.parametrize(
    ("market", "moment", "part"),
    [
        (Market.STOCKS, "2026-11-02T09:30", Part.CORE),  # the Monday after summer time ended
        (Market.STOCKS, "2026-11-02T09:29:59", Part.PRE),
        (Market.STOCKS, "2026-03-09T09:30", Part.CORE),  # and after it began
        (Market.STOCKS, "2026-11-27T13:00", Part.POST),
        (Market.STOCKS, "2026-11-26T12:00", None),
        (Market.NIGHT, "2026-11-29T20:00", Part.OVERNIGHT),
        (Market.OPTIONS, "2026-11-28T12:00", None),
        (Market.CRYPTO, "2026-11-29T03:00", Part.ALWAYS),
        (Market.NEWS, "2026-11-30T12:00", None),
    ],
)
def test_each_market_has_its_parts(market: Market, moment: str, part: Part | None) -> None:
    assert Hours().part_at(market, at(moment)) is part
