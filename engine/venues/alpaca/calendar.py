"""On which days the broker has a session, and when: Alpaca's ``/v2/calendar``.

It writes the regular session as ``09:30`` and the hours around it as ``0400``. The latter are left out by some of its
samples; then the usual ones are meant.
"""

from datetime import date
from typing import Final

import msgspec

from engine.core.rate import parse_quota
from engine.core.watch.hours import BrokerDay
from engine.errors import LineLost
from engine.venues.alpaca.http import GuardedClient
from engine.venues.alpaca.refusals import refusal_error

PATH: Final = "/v2/calendar"
SESSION: Final = ("0400", "2000")


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
    reply = await client.get(PATH, {"start": first.isoformat(), "end": last.isoformat()})
    error = refusal_error(client, PATH, reply, parse_quota(reply.headers))
    if error is not None:
        raise error
    try:
        days = msgspec.json.decode(reply.body, type=list[_WireDay])
        told = tuple(
            BrokerDay(
                date.fromisoformat(day.date), day.open, day.close, _clock(day.session_open), _clock(day.session_close)
            )
            for day in days
        )
        for day in told:
            day.edges()
    except ValueError as problem:
        raise LineLost(f"GET {PATH} at {client.host} answered with no calendar: {problem}.") from problem
    return told


def _clock(moment: str) -> str:
    return moment if ":" in moment else f"{moment[:2]}:{moment[2:]}"
