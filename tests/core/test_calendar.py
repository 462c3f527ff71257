"""US stocks trade when NYSE said they would: its published holidays and half days of 2018 to 2027, day by day."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.core.calendar import (
    FIRST_DAY,
    LAST_DAY,
    NEW_YORK,
    Phase,
    day_at,
    instant_of,
    new_york,
    next_close_ns,
    next_open_ns,
    next_trading_day,
    phase_at,
    previous_trading_day,
    session_at,
    trading_day,
)
from engine.model.instant import NS_PER_S, parse_instant, render_instant

# Month and day, of each year: closed all day, and closed at 13:00.
PUBLISHED = {
    2018: ("01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25", "07-03 11-23 12-24"),
    2019: ("01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25", "07-03 11-29 12-24"),
    2020: ("01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25", "11-27 12-24"),
    2021: ("01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24", "11-26"),
    2022: ("01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26", "11-25"),
    2023: ("01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25", "07-03 11-24"),
    2024: ("01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25", "07-03 11-29 12-24"),
    2025: ("01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25", "07-03 11-28 12-24"),
    2026: ("01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25", "11-27 12-24"),
    2027: ("01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24", "11-26"),
}


def days_of(year: int) -> list[date]:
    first = date(year, 1, 1)
    return [first + timedelta(days=n) for n in range((date(year + 1, 1, 1) - first).days)]


@pytest.mark.parametrize("year", PUBLISHED)
def test_a_year_is_as_nyse_published_it(year: int) -> None:
    closed, early = (set(days.split()) for days in PUBLISHED[year])
    for day in days_of(year):
        found = trading_day(day)
        assert (found is None) is (day.weekday() >= 5 or f"{day:%m-%d}" in closed), day
        if found is not None:
            closes, ends = ("13:00", "17:00") if f"{day:%m-%d}" in early else ("16:00", "20:00")
            edges = [new_york(ns) for ns in (found.pre_ns, found.open_ns, found.close_ns, found.post_ns)]
            assert [f"{edge:%Y-%m-%d %H:%M}" for edge in edges] == [
                f"{day} {moment}" for moment in ("04:00", "09:30", closes, ends)
            ]


@pytest.mark.parametrize("day", ["2001-09-11", "2001-09-14", "2004-06-11", "2007-01-02", "2012-10-29", "2012-10-30"])
def test_closures_that_no_rule_foretells_are_known(day: str) -> None:
    assert trading_day(date.fromisoformat(day)) is None


@pytest.mark.parametrize("day", ["2010-12-31", "2021-12-31", "2021-06-18", "2012-10-31", "2018-12-06"])
def test_days_beside_a_holiday_that_was_not_observed_are_traded(day: str) -> None:
    assert trading_day(date.fromisoformat(day)) is not None


@pytest.mark.parametrize(
    ("at", "phase"),
    [
        ("2026-03-01T19:59:59", Phase.CLOSED),  # a Sunday
        ("2026-03-01T20:00:00", Phase.OVERNIGHT),
        ("2026-03-02T03:59:59", Phase.OVERNIGHT),
        ("2026-03-02T04:00:00", Phase.PRE),
        ("2026-03-02T09:29:59", Phase.PRE),
        ("2026-03-02T09:30:00", Phase.CORE),
        ("2026-03-02T15:59:59", Phase.CORE),
        ("2026-03-02T16:00:00", Phase.POST),
        ("2026-03-02T19:59:59", Phase.POST),
        ("2026-03-02T20:00:00", Phase.OVERNIGHT),
        ("2026-03-06T20:00:00", Phase.CLOSED),  # Friday night
        ("2026-03-07T02:00:00", Phase.CLOSED),
        ("2026-03-07T12:00:00", Phase.CLOSED),
        ("2026-01-18T20:00:00", Phase.CLOSED),  # the night before a holiday
        ("2026-01-19T03:00:00", Phase.CLOSED),
        ("2026-01-19T12:00:00", Phase.CLOSED),
        ("2026-01-19T20:00:00", Phase.OVERNIGHT),
        ("2026-11-27T12:59:59", Phase.CORE),  # a half day
        ("2026-11-27T13:00:00", Phase.POST),
        ("2026-11-27T17:00:00", Phase.CLOSED),
        ("2026-11-27T20:00:00", Phase.CLOSED),
        ("2024-12-24T17:00:00", Phase.CLOSED),
        ("2018-07-02T20:00:00", Phase.OVERNIGHT),  # before a half day
    ],
)
def test_each_moment_belongs_to_one_part_of_the_day(at: str, phase: Phase) -> None:
    assert phase_at(instant_of(datetime.fromisoformat(at).replace(tzinfo=NEW_YORK))) is phase


@pytest.mark.parametrize(
    ("now", "opens", "closes"),
    [
        ("2026-03-02T14:29:59.999999999Z", "2026-03-02T14:30:00Z", "2026-03-02T21:00:00Z"),
        ("2026-03-02T14:30:00Z", "2026-03-03T14:30:00Z", "2026-03-02T21:00:00Z"),
        ("2026-03-02T21:00:00Z", "2026-03-03T14:30:00Z", "2026-03-03T21:00:00Z"),
        ("2026-03-06T21:00:00Z", "2026-03-09T13:30:00Z", "2026-03-09T20:00:00Z"),  # summer time begins
        ("2026-11-25T21:00:00Z", "2026-11-27T14:30:00Z", "2026-11-27T18:00:00Z"),  # Thanksgiving, then a half day
        ("2025-01-08T21:00:00Z", "2025-01-10T14:30:00Z", "2025-01-10T21:00:00Z"),
    ],
)
def test_the_next_edge_is_strictly_after_and_knows_holidays(now: str, opens: str, closes: str) -> None:
    assert render_instant(next_open_ns(parse_instant(now))) == opens
    assert render_instant(next_close_ns(parse_instant(now))) == closes


@settings(max_examples=300)
@given(st.dates(FIRST_DAY, LAST_DAY))
def test_the_edges_of_a_day_are_in_order_and_the_days_beside_it_lead_back(day: date) -> None:
    after, before = next_trading_day(day), previous_trading_day(day)
    assert before.date < day < after.date
    assert (after.date - before.date).days <= 8  # September 2001
    found = trading_day(day)
    if found is None:
        assert next_trading_day(before.date) == after
        return
    assert found.pre_ns < found.open_ns < found.close_ns < found.post_ns
    assert next_trading_day(before.date) == previous_trading_day(after.date) == found
    assert day_at(found.pre_ns) == day_at(found.post_ns - 1) == found


@pytest.mark.parametrize(
    ("at", "day"),
    [
        ("2026-03-02T00:00:00", "2026-03-02"),
        ("2026-03-02T19:59:59", "2026-03-02"),
        ("2026-03-02T20:00:00", "2026-03-03"),
        ("2026-03-06T20:00:00", "2026-03-09"),
        ("2026-11-26T12:00:00", "2026-11-27"),  # Thanksgiving
        ("2026-11-27T16:59:59", "2026-11-27"),  # a half day
        ("2026-11-27T17:00:00", "2026-11-30"),
    ],
)
def test_a_moment_belongs_to_the_day_whose_extended_hours_end_next(at: str, day: str) -> None:
    assert str(session_at(instant_of(datetime.fromisoformat(at).replace(tzinfo=NEW_YORK))).date) == day


@settings(max_examples=300)
@given(st.integers(0, 1_893_456_000))
def test_parts_of_the_day_agree_with_the_next_edges(second: int) -> None:
    now_ns = second * NS_PER_S
    assert (phase_at(now_ns) is Phase.CORE) is (next_close_ns(now_ns) < next_open_ns(now_ns))
    for edge_ns in (next_open_ns(now_ns), next_close_ns(now_ns)):
        assert (phase_at(edge_ns - 1), phase_at(edge_ns)) in (
            (Phase.PRE, Phase.CORE),
            (Phase.CORE, Phase.POST),
        )


def test_a_datetime_keeps_its_microsecond() -> None:
    assert instant_of(datetime(2026, 3, 2, 14, 31, 7, 123456, UTC)) == parse_instant("2026-03-02T14:31:07.123456Z")
