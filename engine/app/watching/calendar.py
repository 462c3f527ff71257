"""Comparing the broker's calendar with ours, at the start and every six hours."""

from collections.abc import Callable
from datetime import timedelta
from typing import Final, TypeAlias

import trio

from engine.app.wiring import Venue
from engine.core.calendar import new_york
from engine.core.watch.hours import Hours, compare_days, find_calendar
from engine.errors import GaplessError
from engine.model.alert import Finding, Severity
from engine.venues.alpaca.clock import read_calendar

AGAIN_S: Final = 6 * 3600.0
"""A closure is declared days ahead, rarely hours. Trio's seconds."""
RETRY_S: Final = 600.0
"""After a failure; the first hours of a session go by our own calendar then, which is right on all but freak days."""


Take: TypeAlias = Callable[[Hours | None, list[Finding]], None]
"""Given the hours to go by, ``None`` for those of before, and what a person should know."""


async def serve_calendar(venue: Venue, days: int, take: Take) -> None:
    """Compare the next ``days`` days until cancelled. Never raises for a venue that is away."""
    while True:
        compared = await _compare(venue, days, take)
        await trio.sleep(AGAIN_S if compared else RETRY_S)


async def _compare(venue: Venue, days: int, take: Take) -> bool:
    """Compare once; whether the calendar could be read."""
    now_ns = venue.clock.now_ns()
    first = new_york(now_ns).date()
    last = first + timedelta(days=days)
    try:
        await venue.trading_throttle.turn()
        told = await read_calendar(venue.trading, first, last)
    except GaplessError as error:
        take(None, [_unread(error, now_ns)])
        return False
    hours, differences = compare_days(told, first, last)
    take(hours, find_calendar(differences, now_ns))
    return True


def _unread(error: GaplessError, at_ns: int) -> Finding:
    return Finding(
        key="calendar/unread",
        severity=Severity.INFO,
        title="The broker's calendar could not be read; the watch goes by ours",
        text=f"{error} It is asked again in {RETRY_S / 60:.0f} minutes. Holidays and half days are known; what was "
        "declared lately is not.",
        at_ns=at_ns,
    )
