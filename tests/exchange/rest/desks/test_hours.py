"""Clock and calendar are New York's, half days and holidays too, in the shapes of both versions."""

from typing import Any

import pytest


async def test_the_clock_carries_new_yorks_offset(counter: Any) -> None:
    told = await counter.ask("GET", "/v2/clock")
    assert told == {
        "timestamp": "2026-03-02T09:30:01-05:00",
        "is_open": True,
        "next_open": "2026-03-03T09:30:00-05:00",
        "next_close": "2026-03-02T16:00:00-05:00",
        "speed": 0,
        "tape_ended": False,
        "moving": False,
    }


async def test_the_calendar_writes_times_in_two_ways_and_knows_half_days(counter: Any) -> None:
    days = await counter.ask("GET", "/v2/calendar", start="2026-11-25", end="2026-11-30")
    assert [day["date"] for day in days] == ["2026-11-25", "2026-11-27", "2026-11-30"]
    assert days[1] == {
        "date": "2026-11-27",
        "open": "09:30",
        "close": "13:00",
        "session_open": "0400",
        "session_close": "1700",
        "settlement_date": "2026-11-30",
    }
    settled = await counter.ask("GET", "/v2/calendar", start="2026-11-30", end="2026-11-30", date_type="SETTLEMENT")
    assert [day["date"] for day in settled] == ["2026-11-27"]


async def test_without_a_span_the_calendar_is_whole(counter: Any) -> None:
    days = await counter.ask("GET", "/v2/calendar")
    assert (days[0]["date"], days[-1]["date"]) == ("1970-01-02", "2029-12-31")


@pytest.mark.parametrize(
    ("time", "phase", "until", "market_day"),
    [
        ("2026-03-02T08:00:00Z", "closed", "2026-03-02T04:00:00-05:00", True),
        ("2026-03-02T09:00:00Z", "pre", "2026-03-02T09:30:00-05:00", True),
        ("2026-03-02T14:30:00Z", "core", "2026-03-02T16:00:00-05:00", True),
        ("2026-03-02T21:00:00Z", "post", "2026-03-02T20:00:00-05:00", True),
        ("2026-03-07T15:00:00Z", "closed", "2026-03-09T04:00:00-04:00", False),
    ],
)
async def test_the_other_clock_tells_the_phase_of_any_moment(
    counter: Any, time: str, phase: str, until: str, market_day: bool
) -> None:
    told = await counter.ask("GET", "/v3/clock", markets="NYSE,NASDAQ", time=time)
    assert [clock["market"]["mic"] for clock in told["clocks"]] == ["XNAS", "XNYS"]
    clock = told["clocks"][0]
    assert (clock["phase"], clock["phase_until"], clock["is_market_day"]) == (phase, until, market_day)


async def test_the_other_calendar_tells_instants(counter: Any) -> None:
    told = await counter.ask("GET", "/v3/calendar/NYSE", start="2026-03-06", end="2026-03-09")
    assert told["market"]["timezone"] == "America/New_York"
    assert [(day["core_start"], day["post_end"]) for day in told["calendar"]] == [
        ("2026-03-06T09:30:00-05:00", "2026-03-06T20:00:00-05:00"),
        ("2026-03-09T09:30:00-04:00", "2026-03-09T20:00:00-04:00"),
    ]
    utc = await counter.ask("GET", "/v3/calendar/NYSE", start="2026-03-06", end="2026-03-06", timezone="UTC")
    assert utc["calendar"][0]["core_start"] == "2026-03-06T14:30:00Z"


@pytest.mark.parametrize(
    ("path", "query", "status"),
    [
        ("/v2/calendar", {"start": "soon"}, 400),
        ("/v2/calendar", {"date_type": "FULL"}, 400),
        ("/v3/clock", {"markets": "MARS"}, 400),
        ("/v3/clock", {"time": "0001-01-01T00:00:00Z"}, 400),
        ("/v3/calendar/MARS", {}, 404),
    ],
)
async def test_a_wrong_question_about_time_is_refused(
    counter: Any, path: str, query: dict[str, str], status: int
) -> None:
    await counter.ask("GET", path, **query)
    assert counter.status == status
