"""What time it is at the venue: Alpaca's ``/v2/clock``.

The embedded exchange adds three fields: ``speed``, how many market seconds pass in a real one (0: the market moves as
it is read), ``moving`` (false while its tape waits for a first reader) and ``tape_ended``. Alpaca itself sends none of
them and lives in real time.
"""

import msgspec
from attrs import frozen

from engine.core.rate import parse_quota
from engine.errors import LineLost
from engine.model.instant import parse_instant
from engine.venues.alpaca.http import GuardedClient
from engine.venues.alpaca.refusals import refusal_error

PATH = "/v2/clock"


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
