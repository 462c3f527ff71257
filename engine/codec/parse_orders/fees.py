"""Fees in dollars as the list of activities tells them: the only place in which Alpaca tells them at all.

An execution says nothing of what it cost. At the end of the day the venue charges what the regulators take, one row
for all of a day's trades without a symbol (seen on live accounts: ``"symbol": null``, created after midnight UTC), and
a quarter of a percent of the dollars that crypto was sold for. The coins that a purchase of crypto cost are rows of the
same kind with a ``net_amount`` of 0: the position shows those already.
"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, Final
from zoneinfo import ZoneInfo

from engine.codec.activities import CRYPTO_FEE, DOLLARS, FEE
from engine.codec.parse_orders.fields import (
    Unreadable,
    need_text,
    read_instant,
    read_map,
    read_number,
    read_rows,
    read_text,
)
from engine.codec.parse_orders.fills import parse_symbol
from engine.model.account import AccountFee
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.order import ZERO

FEE_KINDS: Final = (FEE, CRYPTO_FEE)
"""The activity types that fees come as (docs, "Account Activities" and "Crypto Spot Trading Fees")."""
CANCELED: Final = "canceled"
"""The status of a row that does not count any more (Alpaca's OpenAPI)."""
_DAY_CHARS: Final = len("2026-03-02")
"""Of a ``date``, which was seen with a time of 00:00:00 behind it that means nothing."""
_NEW_YORK: Final = ZoneInfo("America/New_York")


def parse_fees(body: Any) -> tuple[tuple[AccountFee, ...], str, int]:
    """A page of activities, decoded: its fees in dollars, in order, the id of its last row, and how many rows it has.

    Raises `Unreadable`. The id is empty where there are no rows. Rows of other kinds, without dollars or taken back
    are counted and passed over; so is what was given instead of taken.
    """
    rows = [read_map(row, "an activity") for row in read_rows(body, "the reply")]
    fees = tuple(_fee(row, -paid) for row in rows if (paid := _paid(row)) < 0)
    return fees, need_text(rows[-1], "id") if rows else "", len(rows)


def _paid(row: Mapping[str, Any]) -> Decimal:
    """The dollars that a row moved, if it is a fee that counts."""
    counts = (
        read_text(row, "activity_type") in FEE_KINDS
        and read_text(row, "status") != CANCELED
        and read_text(row, "currency") in ("", DOLLARS)
    )
    return (read_number(row, "net_amount") or ZERO) if counts else ZERO


def _fee(row: Mapping[str, Any], amount: Decimal) -> AccountFee:
    symbol = read_text(row, "symbol")
    return AccountFee(
        id=need_text(row, "id"),
        amount=amount,
        ts_ns=_charged_ns(row),
        order_id=read_text(row, "group_id"),
        symbol=parse_symbol(symbol) if symbol else "",
        what=read_text(row, "description"),
    )


def _charged_ns(row: Mapping[str, Any]) -> int:
    """When it was made, if that was on the day it is for; the last second of that day if it was made later."""
    created_ns = read_instant(row, "created_at")
    told = need_text(row, "date")[:_DAY_CHARS]
    try:
        day = date.fromisoformat(told)
        dawn_ns, next_ns = (_midnight_ns(each) for each in (day, day + timedelta(days=1)))
    except (ValueError, OverflowError):
        raise Unreadable(f"date is no day but {told!r}") from None
    return created_ns if dawn_ns <= created_ns < next_ns else next_ns - NS_PER_S


def _midnight_ns(day: date) -> int:
    return parse_instant(datetime.combine(day, time(), _NEW_YORK).isoformat())
