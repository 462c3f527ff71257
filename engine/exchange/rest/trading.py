"""The little of the trading API that a data session asks for: clock, account, calendar.

The clock carries fields of ours: ``speed`` and ``tape_ended``, from which a client knows in which time it lives, and
``moving``, which is false while a tape waits for its first reader (its clock stands still until then).
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Final

from engine.exchange.clock import SATURDAY, MarketClock, new_york
from engine.model.instant import NS_PER_S

CALENDAR_DAYS_MAX: Final = 3700
"""Ten years: more than anybody asks for, and quickly made."""


def _local(ts_ns: int) -> str:
    """An instant in New York time, to the nanosecond, as the trading API writes it."""
    text = new_york(ts_ns).isoformat()
    fraction = f".{ts_ns % NS_PER_S:09d}".rstrip("0").rstrip(".")
    return f"{text[:19]}{fraction}{text[19:]}"


def render_clock(clock: MarketClock) -> dict[str, object]:
    """``GET /v2/clock``, with ``speed``, ``tape_ended`` and ``moving``, which are ours."""
    return {
        "timestamp": _local(clock.now_ns()),
        "is_open": clock.is_open,
        "next_open": _local(clock.next_open_ns()),
        "next_close": _local(clock.next_close_ns()),
        "speed": clock.speed,
        "tape_ended": clock.ended,
        "moving": clock.moving,
    }


def render_calendar(clock: MarketClock, asked: Mapping[str, str]) -> list[dict[str, str]]:
    """Trading days from ``start`` to ``end``, inclusive: Monday to Friday (no holidays yet). Raises ``ValueError``."""
    today = new_york(clock.now_ns()).date()
    try:
        first = date.fromisoformat(asked["start"][:10]) if "start" in asked else today
        last = date.fromisoformat(asked["end"][:10]) if "end" in asked else first + timedelta(days=30)
    except ValueError:
        raise ValueError("start and end must be dates such as 2026-03-02") from None
    days = (first + timedelta(days=n) for n in range(min((last - first).days + 1, CALENDAR_DAYS_MAX)))
    return [
        {
            "date": day.isoformat(), "open": "09:30", "close": "16:00", "session_open": "0400",
            "session_close": "2000", "settlement_date": _settles(day).isoformat(),
        }
        for day in days if day.weekday() < SATURDAY
    ]  # fmt: skip


def _settles(day: date) -> date:
    """The next trading day: stocks settle a day after."""
    day += timedelta(days=1)
    while day.weekday() >= SATURDAY:
        day += timedelta(days=1)
    return day


ACCOUNT: Final[Mapping[str, object]] = {
    "id": "7c1e2a10-0000-4000-8000-000000000001",
    "account_number": "PA3EXAMPLE01",
    "status": "ACTIVE",
    "crypto_status": "ACTIVE",
    "currency": "USD",
    "cash": "100000",
    "portfolio_value": "100000",
    "equity": "100000",
    "last_equity": "100000",
    "buying_power": "200000",
    "regt_buying_power": "200000",
    "non_marginable_buying_power": "100000",
    "long_market_value": "0",
    "short_market_value": "0",
    "initial_margin": "0",
    "maintenance_margin": "0",
    "last_maintenance_margin": "0",
    "sma": "100000",
    "accrued_fees": "0",
    "multiplier": "2",
    "trading_blocked": False,
    "transfers_blocked": False,
    "account_blocked": False,
    "trade_suspended_by_user": False,
    "shorting_enabled": True,
    "created_at": datetime(2026, 1, 2, tzinfo=UTC).isoformat().replace("+00:00", "Z"),
}
"""A plausible paper account; orders and money come with the trading side."""
