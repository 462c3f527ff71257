"""What time it is at the venue, and on which days it has a session: Alpaca's ``/v2/clock`` and ``/v2/calendar``.

The embedded exchange adds three fields: ``speed``, how many market seconds pass in a real one (0: the market moves as
it is read), ``moving`` (false while its tape waits for a first reader) and ``tape_ended``. Alpaca itself sends none of
them and lives in real time.

The calendar writes the regular session as ``09:30`` and the hours around it as ``0400``. The latter are left out by
some of its samples; then the usual ones are meant.
"""

from datetime import date
from typing import Final

import msgspec
from attrs import frozen

from engine.core.rate import parse_quota
from engine.core.watch.hours import BrokerDay
from engine.errors import LineLost
from engine.model.instant import parse_instant
from engine.venues.alpaca.http import GuardedClient
from engine.venues.alpaca.refusals import refusal_error

PATH: Final = "/v2/clock"
CALENDAR_PATH: Final = "/v2/calendar"
SESSION: Final = ("0400", "2000")
"""The hours around the regular session."""


@frozen
class VenueTime:
    """One reading of the venue's clock. Instants in nanoseconds since the epoch.

    ``speed`` is ``None`` where the venue announces none: its time is everybody's. The venue told ``timestamp_ns``
    at some moment of the last ``round_trip_s`` seconds.
    """

    timestamp_ns: int
    is_open: bool
    next_open_ns: int
    next_close_ns: int
    speed: float | None = None
    moving: bool = True
    tape_ended: bool = False
    round_trip_s: float = 0.0


class _WireClock(msgspec.Struct):
    timestamp: str
    is_open: bool
    next_open: str
    next_close: str
    speed: float | None = None
    moving: bool = True
    tape_ended: bool = False


async def read_clock(client: GuardedClient) -> VenueTime:
    """Ask the venue for the time.

    Raises `LineLost` (no reply, or not a clock), `VenueBusy`, `KeysRefused`.
    """
    reply = await client.get(PATH)
    error = refusal_error(client, PATH, reply, parse_quota(reply.headers))
    if error is not None:
        raise error
    try:
        clock = msgspec.json.decode(reply.body, type=_WireClock)
        instants = [parse_instant(text) for text in (clock.timestamp, clock.next_open, clock.next_close)]
    except ValueError as problem:
        raise LineLost(f"GET {PATH} at {client.host} answered with no clock: {problem}.") from problem
    if clock.speed is not None and clock.speed < 0:
        raise LineLost(f"GET {PATH} at {client.host} announced speed {clock.speed}, which is below 0.")
    return VenueTime(
        timestamp_ns=instants[0], is_open=clock.is_open, next_open_ns=instants[1], next_close_ns=instants[2],
        speed=clock.speed, moving=clock.moving, tape_ended=clock.tape_ended, round_trip_s=reply.round_trip_s,
    )  # fmt: skip


class _WireDay(msgspec.Struct):
    date: str
    open: str
    close: str
    session_open: str = SESSION[0]
    session_close: str = SESSION[1]


async def read_calendar(client: GuardedClient, first: date, last: date) -> tuple[BrokerDay, ...]:
    """The trading days from ``first`` to ``last``, inclusive.

    Raises `LineLost` (no reply, or not a calendar), `VenueBusy`, `KeysRefused`.
    """
    reply = await client.get(CALENDAR_PATH, {"start": first.isoformat(), "end": last.isoformat()})
    error = refusal_error(client, CALENDAR_PATH, reply, parse_quota(reply.headers))
    if error is not None:
        raise error
    try:
        days = msgspec.json.decode(reply.body, type=list[_WireDay])
        told = tuple(
            BrokerDay(
                date.fromisoformat(day.date), day.open, day.close, _colon(day.session_open), _colon(day.session_close)
            )
            for day in days
        )
        for day in told:
            day.edges()
    except ValueError as problem:
        raise LineLost(f"GET {CALENDAR_PATH} at {client.host} answered with no calendar: {problem}.") from problem
    return told


def _colon(moment: str) -> str:
    return moment if ":" in moment else f"{moment[:2]}:{moment[2:]}"
