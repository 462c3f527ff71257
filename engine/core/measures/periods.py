"""The instants at which a session's equity is read, and how many such periods make a year.

A period is as short as a session's length allows: a second, a minute, an hour or a day. Of stocks only the periods
between the opening and the close count: what happens at night is a part of the first period of the day. So 390 minutes
make a day and 252 days a year, and a night without a trade is not counted as 1,050 calm minutes.
"""

from typing import Final

from attrs import frozen

from engine.core.calendar import Phase, day_at, new_york, phase_at
from engine.core.measures.returns import DAYS_OF_CRYPTO, DAYS_OF_STOCKS
from engine.model.instant import NS_PER_S

POINTS_MAX: Final = 20_160
"""Two weeks of minutes; longer sessions are read by the hour, and then by the day."""
SECONDS_MAX: Final = 1_800
"""Half an hour: a shorter session has too few minutes to measure anything by."""
DAYS_MIN: Final = 20
"""From so many trading days on the measures of risk are of daily returns: a month, the least that people compare."""
_MINUTE_S: Final = 60
_HOUR_S: Final = 3600
_DAY_S: Final = 86_400
_STOCK_DAY_S: Final = 390 * 60
_NAMES: Final = {1: "second", _MINUTE_S: "minute", _HOUR_S: "hour", _DAY_S: "day"}


@frozen
class Grid:
    """Instants from the first to the last of a session. ``counted``: places of those that returns are made of."""

    at_ns: tuple[int, ...]
    counted: tuple[int, ...]
    period: str
    """``second``, ``minute``, ``hour`` or ``day``."""
    periods: float
    """How many of them make a year."""
    open: tuple[int, ...] = ()
    """Places at which the market was open, as close together as the grid is: falls and what was held are looked at
    there, for a strategy that is flat each night holds something all the same."""
    daily: bool = False
    """Whether returns are of days, and not of what lies between two instants of the grid."""


def make_grid(start_ns: int, end_ns: int, *, crypto: bool) -> Grid:
    """The grid of a session. ``crypto``: something of it trades day and night, all year."""
    span_s = max(end_ns - start_ns, 0) / NS_PER_S
    step_s = 1 if span_s <= SECONDS_MAX else next(
        (each for each in (_MINUTE_S, _HOUR_S) if span_s / each <= POINTS_MAX), _DAY_S
    )  # fmt: skip
    step_ns = step_s * NS_PER_S
    inner = range((start_ns // step_ns + 1) * step_ns, end_ns, step_ns)
    at_ns = tuple(dict.fromkeys((start_ns, *inner, max(end_ns, start_ns))))
    places = range(len(at_ns))
    counted = tuple(places) if crypto else _between_the_bells(at_ns)
    days = _last_of_days(at_ns, counted, crypto=crypto)
    if len(days) >= DAYS_MIN:
        return Grid(at_ns, (0, *days), "day", DAYS_OF_CRYPTO if crypto else DAYS_OF_STOCKS, counted, daily=True)
    day_s = _DAY_S if crypto else _STOCK_DAY_S
    year = DAYS_OF_CRYPTO if crypto else DAYS_OF_STOCKS
    return Grid(at_ns, counted, _NAMES[step_s], year * max(day_s / step_s, 1.0), counted)


def _between_the_bells(at_ns: tuple[int, ...]) -> tuple[int, ...]:
    """The first, the last, and each that a period between the opening and the close ends at; all if there is none."""
    last = len(at_ns) - 1
    inner = [place for place in range(1, last) if phase_at(at_ns[place] - 1) is Phase.CORE]
    return tuple(dict.fromkeys((0, *inner, last))) if inner else tuple(range(len(at_ns)))


def _last_of_days(at_ns: tuple[int, ...], counted: tuple[int, ...], *, crypto: bool) -> tuple[int, ...]:
    """The last counted place of each day: UTC's, or of those on which stocks trade."""
    found: dict[object, int] = {}
    for place in counted[1:]:
        before = at_ns[place] - 1
        if crypto:
            found[before // (_DAY_S * NS_PER_S)] = place
        elif day_at(before) is not None:
            found[new_york(before).date()] = place
    return tuple(dict.fromkeys((*found.values(), counted[-1])))
