"""When US stocks trade: holidays, half days and the parts of a day, from rules instead of a bought table.

Orders, clocks, bars and the made-up market all have to agree on when the market is open, and a table of days ends some
day. So the holidays are the rules that NYSE publishes ("Holidays & Trading Hours"), and only what no rule foretells is
a table: days of mourning, storms, attacks. Alpaca's calendar spans 1970 to 2029 (its OpenAPI text). The rules are
today's: before 2003 a few days differ from what was.

Instants are nanoseconds since 1970 (UTC); days are dates in New York.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from attrs import frozen

from engine.model.instant import NS_PER_S

NEW_YORK: Final = ZoneInfo("America/New_York")
FIRST_DAY: Final = date(1970, 1, 1)
LAST_DAY: Final = date(2029, 12, 31)
"""What Alpaca's calendar answers for. The rules go on beyond it, and are a guess there."""

PRE_OPENS: Final = time(4, 0)
OPENS: Final = time(9, 30)
CLOSES: Final = time(16, 0)
CLOSES_EARLY: Final = time(13, 0)
POST_CLOSES: Final = time(20, 0)
POST_CLOSES_EARLY: Final = time(17, 0)
OVERNIGHT_OPENS: Final = time(20, 0)
"""Blue Ocean ATS, Sunday to Thursday, until 4:00 of the trading day that it belongs to."""

CLOSED: Final = frozenset(
    map(
        date.fromisoformat,
        (
            "1972-12-28",  # mourning for Truman
            "1973-01-25",  # mourning for Johnson
            "1977-07-14",  # blackout in New York
            "1985-09-27",  # hurricane Gloria
            "1994-04-27",  # mourning for Nixon
            "2001-09-11", "2001-09-12", "2001-09-13", "2001-09-14",  # attacks on New York
            "2004-06-11",  # mourning for Reagan
            "2007-01-02",  # mourning for Ford
            "2012-10-29", "2012-10-30",  # hurricane Sandy
            "2018-12-05",  # mourning for Bush
            "2025-01-09",  # mourning for Carter
        ),
    )
)  # fmt: skip
"""Closures that no rule foretells."""
CLOSED_EARLY: Final = frozenset((date(2003, 12, 26),))
"""Half days that today's rules do not give."""

MONDAY: Final = 0
THURSDAY: Final = 3
FRIDAY: Final = 4
SATURDAY: Final = 5
SUNDAY: Final = 6

HOUR_NS: Final = 3600 * NS_PER_S
DAYS_KEPT: Final = 4096
"""Days and hours remembered: sixteen years of trading days, half a year of hours, under 2 MB."""
YEARS_KEPT: Final = 256
"""More years than Alpaca's calendar has."""

_DAY: Final = timedelta(days=1)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Phase(StrEnum):
    """The part of a trading day. Orders beyond regular hours are for `PRE`, `POST` and `OVERNIGHT` only."""

    CLOSED = "closed"
    PRE = "pre"
    CORE = "core"
    POST = "post"
    OVERNIGHT = "overnight"


@frozen
class TradingDay:
    """One day's edges as instants: 4:00, 9:30, 16:00 (half days 13:00) and 20:00 (17:00) in New York."""

    date: date
    pre_ns: int
    open_ns: int
    close_ns: int
    post_ns: int


def instant_of(moment: datetime) -> int:
    """Nanoseconds of an aware ``datetime``, exact to its microsecond."""
    passed = moment - _EPOCH
    return ((passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds) * 1000


def new_york(ts_ns: int) -> datetime:
    """The New York time of an instant, cut off at the second."""
    return (_EPOCH + timedelta(seconds=ts_ns // NS_PER_S)).astimezone(NEW_YORK)


@lru_cache(maxsize=DAYS_KEPT)
def trading_day(day: date) -> TradingDay | None:
    """The edges of a day, or ``None`` when stocks do not trade on it: weekends, holidays, special closures."""
    if day.weekday() >= SATURDAY or day in CLOSED or day in _holidays(day.year):
        return None
    early = _closes_early(day)
    return TradingDay(
        day,
        _at(day, PRE_OPENS),
        _at(day, OPENS),
        _at(day, CLOSES_EARLY if early else CLOSES),
        _at(day, POST_CLOSES_EARLY if early else POST_CLOSES),
    )


def day_at(ts_ns: int) -> TradingDay | None:
    """The trading day of the New York date of an instant, ``None`` if stocks do not trade on that date."""
    return trading_day(_date_at(ts_ns // HOUR_NS))


def session_at(ts_ns: int) -> TradingDay:
    """The trading day that an instant belongs to: the first whose extended hours end after it.

    So a night belongs to the day it leads to, and a weekend to the Monday after it.
    """
    today = day_at(ts_ns)
    if today is None or today.post_ns <= ts_ns:
        today = next_trading_day(_date_at(ts_ns // HOUR_NS))
    return today


def phase_at(ts_ns: int) -> Phase:
    """What part of the trading day an instant falls into. Each part begins at its edge and ends before the next."""
    day = _date_at(ts_ns // HOUR_NS)
    today = trading_day(day)
    if today is not None and ts_ns < today.post_ns:
        if ts_ns < today.pre_ns:
            return Phase.OVERNIGHT
        if ts_ns < today.open_ns:
            return Phase.PRE
        return Phase.CORE if ts_ns < today.close_ns else Phase.POST
    if ts_ns >= _at(day, OVERNIGHT_OPENS) and trading_day(day + _DAY) is not None:
        return Phase.OVERNIGHT
    return Phase.CLOSED


def next_open_ns(ts_ns: int) -> int:
    """The first opening of regular hours strictly after an instant."""
    today = day_at(ts_ns)
    if today is None or today.open_ns <= ts_ns:
        today = next_trading_day(_date_at(ts_ns // HOUR_NS))
    return today.open_ns


def next_close_ns(ts_ns: int) -> int:
    """The first close of regular hours strictly after an instant."""
    today = day_at(ts_ns)
    if today is None or today.close_ns <= ts_ns:
        today = next_trading_day(_date_at(ts_ns // HOUR_NS))
    return today.close_ns


def next_trading_day(day: date) -> TradingDay:
    """The first trading day after a date."""
    while (found := trading_day(day := day + _DAY)) is None:
        pass
    return found


def previous_trading_day(day: date) -> TradingDay:
    """The last trading day before a date."""
    while (found := trading_day(day := day - _DAY)) is None:
        pass
    return found


@lru_cache(maxsize=DAYS_KEPT)
def _date_at(hour: int) -> date:
    """New York's date in an hour since 1970: its midnights are whole hours of UTC."""
    return new_york(hour * HOUR_NS).date()


@lru_cache(maxsize=DAYS_KEPT)
def _at(day: date, moment: time) -> int:
    return instant_of(datetime.combine(day, moment, NEW_YORK))


@lru_cache(maxsize=YEARS_KEPT)
def _holidays(year: int) -> frozenset[date]:
    """The days of a year on which the market stays closed by rule."""
    return frozenset(_all_holidays(year))


def _all_holidays(year: int) -> Iterator[date]:
    new_year = date(year, 1, 1)
    if new_year.weekday() != SATURDAY:  # the Friday before it ends the books of a year, and is traded
        yield _observed(new_year)
    if year >= 1998:
        yield _nth(year, 1, MONDAY, 3)  # Martin Luther King's birthday
    yield _nth(year, 2, MONDAY, 3)  # Washington's birthday
    yield _easter(year) - 2 * _DAY  # Good Friday
    yield _nth(year, 6, MONDAY, 1) - 7 * _DAY  # Memorial Day: the last Monday of May
    if year >= 2022:
        yield _observed(date(year, 6, 19))  # Juneteenth
    yield _observed(date(year, 7, 4))
    yield _nth(year, 9, MONDAY, 1)  # Labor Day
    yield _nth(year, 11, THURSDAY, 4)  # Thanksgiving
    yield _observed(date(year, 12, 25))


def _closes_early(day: date) -> bool:
    """Whether a trading day is a half day: the day before or after a holiday that has one."""
    if day == _nth(day.year, 11, THURSDAY, 4) + _DAY or day in CLOSED_EARLY:
        return True
    # Before a holiday on Tuesday to Friday. Where it is moved to a Monday or Friday, no half day is given.
    return (day.month, day.day) in ((7, 3), (12, 24)) and day.weekday() < FRIDAY


def _observed(day: date) -> date:
    """A holiday on a Saturday closes the Friday before, one on a Sunday the Monday after (NYSE rule 7.2)."""
    return {SATURDAY: day - _DAY, SUNDAY: day + _DAY}.get(day.weekday(), day)


def _nth(year: int, month: int, weekday: int, n: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (n - 1))


def _easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (Meeus, Jones and Butcher)."""
    century, of_century = divmod(year, 100)
    golden = year % 19
    leaps, rest = divmod(century, 4)
    moved = (century - (century + 8) // 25 + 1) // 3
    epact = (19 * golden + century - leaps - moved + 15) % 30
    quads, odd = divmod(of_century, 4)
    to_sunday = (32 + 2 * rest + 2 * quads - epact - odd) % 7
    late = (golden + 11 * epact + 22 * to_sunday) // 451
    month, day = divmod(epact + to_sunday - 7 * late + 114, 31)
    return date(year, month, day + 1)
