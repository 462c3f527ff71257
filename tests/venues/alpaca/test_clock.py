"""The venue's clock is read to the nanosecond, and anything that is not a clock is an error with a sentence."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import TypeAlias

import pytest

from engine.core.calendar import trading_day
from engine.core.watch.hours import BrokerDay
from engine.errors import GaplessError, KeysRefused, LineLost, VenueBusy
from engine.flow.clock import VenueReading
from engine.model.instant import parse_instant
from engine.venues.alpaca.clock import VenueTime, read_calendar, read_clock
from engine.venues.alpaca.http import open_client

Asked: TypeAlias = tuple[str, dict[str, str], dict[str, str]]
Told: TypeAlias = tuple[int, bytes, dict[str, str]]
OpenLoopback: TypeAlias = Callable[[Callable[[Asked], Awaitable[Told]]], AbstractAsyncContextManager[str]]

BODY = (
    '"timestamp":"2026-03-02T09:31:07.123456789-05:00","is_open":true,'
    '"next_open":"2026-03-03T09:30:00-05:00","next_close":"2026-03-02T16:00:00-05:00"'
)


async def read(open_loopback: OpenLoopback, told: Told) -> VenueTime:
    async def answer(asked: Asked) -> Told:
        assert asked[0] == "/v2/clock"
        return told

    async with open_loopback(answer) as url, open_client(url) as client:
        return await read_clock(client)


async def test_alpacas_clock_has_no_speed_of_its_own(open_loopback: OpenLoopback) -> None:
    reading: VenueReading = await read(open_loopback, (200, f"{{{BODY}}}".encode(), {}))
    assert reading.timestamp_ns == parse_instant("2026-03-02T14:31:07.123456789Z")
    assert reading.next_open_ns == parse_instant("2026-03-03T14:30:00Z")
    assert reading.next_close_ns == parse_instant("2026-03-02T21:00:00Z")
    assert (reading.is_open, reading.speed, reading.moving, reading.tape_ended) == (True, None, True, False)
    assert reading.round_trip_s > 0


async def test_the_embedded_exchange_announces_its_speed_and_the_end_of_its_tape(open_loopback: OpenLoopback) -> None:
    body = f'{{{BODY},"speed":0,"moving":false,"tape_ended":true,"phase":"core"}}'.encode()
    reading = await read(open_loopback, (200, body, {}))
    assert (reading.speed, reading.moving, reading.tape_ended) == (0.0, False, True)


@pytest.mark.parametrize(
    ("told", "error", "says"),
    [
        ((200, b"{}", {}), LineLost, "no clock"),
        ((200, b"<html>", {}), LineLost, "no clock"),
        ((200, BODY.replace("2026-03-03T09", "tomorrow").join("{}").encode(), {}), LineLost, "tomorrow"),
        ((200, f'{{{BODY},"speed":-1}}'.encode(), {}), LineLost, "below 0"),
        ((401, b"", {}), KeysRefused, "APCA_API_KEY_ID"),
        ((429, b"", {"Retry-After": "3"}), VenueBusy, "429"),
        ((500, b"", {}), VenueBusy, "500"),
    ],
)
async def test_what_is_no_clock_is_an_error_with_a_sentence(
    open_loopback: OpenLoopback, told: Told, error: type[GaplessError], says: str
) -> None:
    with pytest.raises(error, match=says):
        await read(open_loopback, told)


async def calendar(open_loopback: OpenLoopback, told: Told) -> tuple[BrokerDay, ...]:
    async def answer(asked: Asked) -> Told:
        assert asked[0].startswith("/v2/calendar")
        assert (asked[1]["start"], asked[1]["end"]) == ("2026-11-26", "2026-11-30")
        return told

    async with open_loopback(answer) as url, open_client(url) as client:
        return await read_calendar(client, date(2026, 11, 26), date(2026, 11, 30))


async def test_a_calendar_is_read_with_and_without_the_hours_around_the_session(open_loopback: OpenLoopback) -> None:
    body = (
        '[{"date":"2026-11-27","open":"09:30","close":"13:00","session_open":"0400","session_close":"1700",'
        '"settlement_date":"2026-11-30"},{"date":"2026-11-30","open":"09:30","close":"16:00"}]'
    )
    half, whole = await calendar(open_loopback, (200, body.encode(), {}))
    assert half == BrokerDay(date(2026, 11, 27), "09:30", "13:00", "04:00", "17:00")
    assert half.edges() == trading_day(half.date)
    assert whole.edges() == trading_day(whole.date)


@pytest.mark.parametrize(
    ("told", "error", "says"),
    [
        ((200, b"{}", {}), LineLost, "no calendar"),
        ((200, b'[{"date":"soon","open":"09:30","close":"16:00"}]', {}), LineLost, "soon"),
        ((200, b'[{"date":"2026-11-27","open":"early","close":"16:00"}]', {}), LineLost, "early"),
        ((404, b"", {}), GaplessError, "404"),
        ((503, b"", {}), VenueBusy, "503"),
        ((401, b"", {}), KeysRefused, "APCA_API_KEY_ID"),
    ],
)
async def test_what_is_no_calendar_is_an_error(
    open_loopback: OpenLoopback, told: Told, error: type[GaplessError], says: str
) -> None:
    with pytest.raises(error, match=says):
        await calendar(open_loopback, told)
