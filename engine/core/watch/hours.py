"""In which part of its day a market is, by our calendar and, where the broker's differs, by the broker's.

Our calendar is made of rules (`engine.core.calendar`) and cannot know of a day of mourning that was declared on
Thursday. The broker's does, so it is asked; where the two differ a person is told, and the watch goes by the broker's.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Final

from attrs import field, frozen

from engine.core.calendar import NEW_YORK, OVERNIGHT_OPENS, Phase, TradingDay, instant_of, new_york, trading_day
from engine.model.alert import Finding, Severity

NAMED_MAX: Final = 5
"""Days that a finding about the calendar names; a table that is wrong throughout shows in five."""
_DAY: Final = timedelta(days=1)


class Market(StrEnum):
    """What keeps a feed's hours."""

    STOCKS = "stocks"
    NIGHT = "night"
    """Stocks from 20:00 to 4:00: the feeds ``boats`` and ``overnight``."""
    OPTIONS = "options"
    CRYPTO = "crypto"
    """Never closes; so does Alpaca's test feed not."""
    NEWS = "news"
    """Comes when it comes."""


class Part(StrEnum):
    """A part of the day in which a market may speak, each with a cadence of its own."""

    PRE = "pre"
    CORE = "core"
    POST = "post"
    OVERNIGHT = "overnight"
    ALWAYS = "always"
    """Of what never closes."""


EXPECTED: Final[Mapping[Market, Part]] = {
    Market.STOCKS: Part.CORE,
    Market.NIGHT: Part.OVERNIGHT,
    Market.OPTIONS: Part.CORE,
    Market.CRYPTO: Part.ALWAYS,
}
"""The part in which every stream of a market is due; in another one only streams that were learnt to speak in it."""


@frozen
class Hours:
    """When US stocks trade. ``told``: days as the broker has them, where that is not what our calendar has."""

    told: Mapping[date, TradingDay | None] = field(factory=dict)

    def day(self, day: date) -> TradingDay | None:
        """The edges of a day; ``None`` when stocks do not trade on it."""
        return self.told[day] if day in self.told else trading_day(day)

    def phase_at(self, ts_ns: int) -> Phase:
        """What part of the trading day an instant falls into, as `engine.core.calendar.phase_at`."""
        date_ = new_york(ts_ns).date()
        today = self.day(date_)
        if today is not None and ts_ns < today.post_ns:
            if ts_ns < today.pre_ns:
                return Phase.OVERNIGHT
            if ts_ns < today.open_ns:
                return Phase.PRE
            return Phase.CORE if ts_ns < today.close_ns else Phase.POST
        if new_york(ts_ns).time() >= OVERNIGHT_OPENS and self.day(date_ + _DAY) is not None:
            return Phase.OVERNIGHT
        return Phase.CLOSED

    def part_at(self, market: Market, ts_ns: int) -> Part | None:
        """The part of the day of a market; ``None`` while it is closed, and always for news, which owes nothing."""
        if market is Market.CRYPTO:
            return Part.ALWAYS
        if market is Market.NEWS:
            return None
        phase = self.phase_at(ts_ns)
        return None if phase is Phase.CLOSED else Part(phase.value)


@frozen
class BrokerDay:
    """One trading day as the broker's calendar has it: New York times as ``HH:MM``."""

    date: date
    open: str
    close: str
    session_open: str
    session_close: str

    def edges(self) -> TradingDay:
        """The same as instants."""
        moments = (self.session_open, self.open, self.close, self.session_close)
        return TradingDay(self.date, *(_instant(self.date, moment) for moment in moments))


def _instant(day: date, moment: str) -> int:
    return instant_of(datetime.combine(day, time.fromisoformat(moment), NEW_YORK))


def compare_days(told: Iterable[BrokerDay], first: date, last: date) -> tuple[Hours, tuple[str, ...]]:
    """The hours to go by from ``first`` to ``last`` (inclusive), and a sentence for each day that differs.

    A day counts as different where the regular session does. What the broker says of the hours around it is taken
    without a word: brokers differ there from exchanges, and from themselves over the years.
    """
    broker = {day.date: day for day in told if first <= day.date <= last}
    days: dict[date, TradingDay | None] = {}
    differences: list[str] = []
    day = first
    while day <= last:
        ours, theirs = trading_day(day), broker.get(day)
        edges = None if theirs is None else theirs.edges()
        if edges != ours:
            days[day] = edges
        if _regular(edges) != _regular(ours):
            differences.append(f"{day}: the broker has {_words(edges)}, our calendar {_words(ours)}")
        day += _DAY
    return Hours(days), tuple(differences)


def _regular(day: TradingDay | None) -> tuple[int, int] | None:
    return None if day is None else (day.open_ns, day.close_ns)


def _words(day: TradingDay | None) -> str:
    return "no session" if day is None else f"{new_york(day.open_ns):%H:%M} to {new_york(day.close_ns):%H:%M}"


def find_calendar(differences: tuple[str, ...], at_ns: int) -> list[Finding]:
    """What a person should know of the comparison."""
    if not differences:
        return []
    more = len(differences) - NAMED_MAX
    named = "; ".join(differences[:NAMED_MAX]) + (f"; and {more} days more" if more > 0 else "")
    return [
        Finding(
            key="calendar",
            severity=Severity.WARNING,
            title=f"The broker's calendar differs from ours on {len(differences)} of the next days",
            text=f"{named}. The watch goes by the broker's hours. Strategies and bars go by our calendar: look at what "
            "they do on these days, and update gapless if the broker is right.",
            at_ns=at_ns,
        )
    ]
