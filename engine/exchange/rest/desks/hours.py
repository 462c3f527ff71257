"""Clock and calendar, in the shapes of ``/v2`` and of ``/v3``.

The clock of ``/v2`` carries fields of ours: ``speed`` and ``tape_ended``, from which a client knows in which time it
lives, and ``moving``, which is false while a tape waits for its first reader (its clock stands still until then). Its
calendar writes the same kind of time in two ways, ``09:30`` and ``0400``, as Alpaca's does.
"""

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from functools import cache, partial
from typing import Any, Final

from engine.codec.orders import render_local
from engine.core.calendar import (
    CLOSES,
    CLOSES_EARLY,
    FIRST_DAY,
    HOUR_NS,
    LAST_DAY,
    OPENS,
    POST_CLOSES,
    POST_CLOSES_EARLY,
    PRE_OPENS,
    Phase,
    TradingDay,
    day_at,
    new_york,
    next_close_ns,
    next_open_ns,
    next_trading_day,
    phase_at,
    trading_day,
)
from engine.exchange.clock import MarketClock
from engine.exchange.rest.data.asking import BadRequest, read_choice, read_date
from engine.exchange.rest.desks.replies import Calls, NotThere, read_instant, read_words, reply
from engine.exchange.rest.http import Request, Response
from engine.model.instant import render_instant

MARKETS: Final[Mapping[str, tuple[str, str, str]]] = {
    "NYSE": ("XNYS", "NYSE", "New York Stock Exchange"),
    "XNYS": ("XNYS", "NYSE", "New York Stock Exchange"),
    "NASDAQ": ("XNAS", "NASDAQ", "National Association of Securities Dealers Automated Quotations"),
    "XNAS": ("XNAS", "NASDAQ", "National Association of Securities Dealers Automated Quotations"),
    "IEX": ("IEXG", "IEX", "Investors Exchange"),
    "IEXG": ("IEXG", "IEX", "Investors Exchange"),
    "OPRA": ("OPRA", "OPRA", "Options Price Reporting Authority"),
    "OTC": ("OTCM", "OTC", "OTC Markets"),
    "OTCM": ("OTCM", "OTC", "OTC Markets"),
}
"""Markets that keep the hours of US stocks, by every name that they are asked for: code, acronym and name."""
DATE_TYPES: Final = frozenset({"TRADING", "SETTLEMENT"})
WHOLE_DAY_NS: Final = 13 * HOUR_NS // 2
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(days=7)


class HoursDesk:
    """Tells the time, and when the market is open."""

    def __init__(self, clock: MarketClock) -> None:
        self._clock = clock

    def calls(self, steps: list[str]) -> Calls | None:
        """What can be done with a path."""
        match steps:
            case ["v2", "clock"]:
                return {"GET": self._show_clock}
            case ["v2", "calendar"]:
                return {"GET": self._show_calendar}
            case ["v3", "clock"]:
                return {"GET": self._show_clocks}
            case ["v3", "calendar", market]:
                return {"GET": partial(self._show_market_calendar, market)}
        return None

    def _show_clock(self, _: Request) -> Response:
        clock = self._clock
        return reply(
            {
                "timestamp": render_local(clock.now_ns()),
                "is_open": clock.is_open,
                "next_open": render_local(clock.next_open_ns()),
                "next_close": render_local(clock.next_close_ns()),
                "speed": clock.speed,
                "tape_ended": clock.ended,
                "moving": clock.moving,
            }
        )

    def _show_calendar(self, request: Request) -> Response:
        asked = request.query
        if not (asked.get("start") or asked.get("end") or asked.get("date_type")):
            return Response(200, _whole_calendar())
        first, last = read_date(asked, "start", FIRST_DAY), read_date(asked, "end", LAST_DAY)
        settling = read_choice(asked, "date_type", DATE_TYPES, "TRADING") == "SETTLEMENT"
        # What settles on a day was traded a trading day before it: ten days hold the longest run of holidays.
        days = _days(first - 10 * _DAY if settling and first > FIRST_DAY + 10 * _DAY else first, last)
        rows = [_render_day(day) for day in days]
        if settling:
            rows = [row for row in rows if first.isoformat() <= row["settlement_date"] <= last.isoformat()]
        return reply(rows)

    def _show_clocks(self, request: Request) -> Response:
        now_ns = read_instant(request.query, "time")
        now_ns = self._clock.now_ns() if now_ns is None else now_ns
        markets = sorted(read_words(request.query, "markets")) or ["NYSE"]
        if unknown := [name for name in markets if name not in MARKETS]:
            raise BadRequest(f"invalid markets: {', '.join(unknown)}")
        return reply({"clocks": [_render_clock(name, now_ns) for name in markets]})

    def _show_market_calendar(self, market: str, request: Request) -> Response:
        if market not in MARKETS:
            raise NotThere(f"market not found: {market}")
        asked = request.query
        first = read_date(asked, "start", new_york(self._clock.now_ns()).date())
        last = read_date(asked, "end", min(first, LAST_DAY - _WEEK) + _WEEK)
        utc = read_choice(asked, "timezone", frozenset({"UTC", "LOCAL"}), "LOCAL") == "UTC"
        days = [_render_market_day(day, render_instant if utc else render_local) for day in _days(first, last)]
        return reply({"market": _render_market(market), "calendar": days})


def _days(first: date, last: date) -> list[TradingDay]:
    """The trading days from one date to another, inclusive, as far as Alpaca's calendar goes."""
    first, last = max(first, FIRST_DAY), min(last, LAST_DAY)
    dates = (first + n * _DAY for n in range((last - first).days + 1))
    return [day for each in dates if (day := trading_day(each)) is not None]


@cache
def _whole_calendar() -> bytes:
    """Sixty years of trading days: made once, since it takes most of a second."""
    return reply([_render_day(day) for day in _days(FIRST_DAY, LAST_DAY)]).body


def _settles(day: TradingDay) -> str:
    """Stocks settle on the next trading day."""
    return next_trading_day(day.date).date.isoformat()


def _render_day(day: TradingDay) -> dict[str, str]:
    whole = day.close_ns - day.open_ns == WHOLE_DAY_NS
    return {
        "date": day.date.isoformat(),
        "open": f"{OPENS:%H:%M}",
        "close": f"{CLOSES if whole else CLOSES_EARLY:%H:%M}",
        "session_open": f"{PRE_OPENS:%H%M}",
        "session_close": f"{POST_CLOSES if whole else POST_CLOSES_EARLY:%H%M}",
        "settlement_date": _settles(day),
    }


def _render_market_day(day: TradingDay, stamp: Callable[[int], str]) -> dict[str, str]:
    return {
        "date": day.date.isoformat(),
        "pre_start": stamp(day.pre_ns),
        "pre_end": stamp(day.open_ns),
        "core_start": stamp(day.open_ns),
        "core_end": stamp(day.close_ns),
        "post_start": stamp(day.close_ns),
        "post_end": stamp(day.post_ns),
        "settlement_date": _settles(day),
    }


def _render_market(name: str) -> dict[str, str]:
    code, acronym, full = MARKETS[name]
    return {"mic": code, "acronym": acronym, "name": full, "timezone": "America/New_York"}


def _render_clock(name: str, now_ns: int) -> dict[str, Any]:
    phase = phase_at(now_ns)
    # This API knows no overnight session: to it the market is closed then.
    shown = Phase.CLOSED if phase is Phase.OVERNIGHT else phase
    return {
        "market": _render_market(name),
        "timestamp": render_local(now_ns),
        "is_market_day": day_at(now_ns) is not None,
        "next_market_open": render_local(next_open_ns(now_ns)),
        "next_market_close": render_local(next_close_ns(now_ns)),
        "phase": shown.value,
        "phase_until": render_local(_phase_end_ns(now_ns)),
    }


def _phase_end_ns(now_ns: int) -> int:
    """The next edge between two phases."""
    today = day_at(now_ns)
    following = next_trading_day(new_york(now_ns).date())
    edges = [] if today is None else [today.pre_ns, today.open_ns, today.close_ns, today.post_ns]
    return min(edge for edge in (*edges, following.pre_ns) if edge > now_ns)
