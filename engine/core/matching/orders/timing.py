"""When an order works and when it ends: the hours of each kind of order, and the edges at which the venue must act.

What is queued outside its hours is `accepted` and is routed when they begin; a day order ends with them, on half days
early; auction orders have a minute around the cross. All of these happen at seven edges of a trading day, so the venue
keeps no timer for each order: it looks at the open ones when an edge passes.
"""

from datetime import date, timedelta
from typing import Final

from engine.core.calendar import (
    Phase,
    TradingDay,
    day_at,
    new_york,
    next_trading_day,
    previous_trading_day,
    trading_day,
)
from engine.model.account import Asset
from engine.model.instant import NS_PER_S
from engine.model.order import AssetClass, Order, TimeInForce

CROSS_NS: Final = 60 * NS_PER_S
"""How long an auction's print may take: after it what did not fill is canceled ("any unfilled orders after the open
will be canceled", Alpaca's docs; "do not necessarily execute exactly at 9:30")."""
OVERNIGHT_NS: Final = 8 * 3600 * NS_PER_S
"""The overnight session begins at 20:00, eight hours before the trading day that it belongs to."""
GTC_DAYS: Final = 90
"""Alpaca ends good-till-canceled orders 90 days after they were made (its "aged order policy")."""
EXTENDED: Final = frozenset((Phase.PRE, Phase.POST, Phase.OVERNIGHT))

_DAY: Final = timedelta(days=1)


def works(order: Order, phase: Phase) -> bool:
    """Whether an order may be routed and filled in this part of the day."""
    if order.asset_class is AssetClass.CRYPTO or phase is Phase.CORE:
        return True
    return order.extended_hours and phase in EXTENDED


def next_edge_ns(ts_ns: int) -> int:
    """The first edge strictly after an instant."""
    day = _day_from(ts_ns)
    return min(edge for edge in (*edges(day), *edges(next_trading_day(day.date))) if edge > ts_ns)


def edges(day: TradingDay) -> tuple[int, ...]:
    """The instants of a trading day at which orders are routed or end, in order."""
    return (
        day.pre_ns - OVERNIGHT_NS,
        day.pre_ns,
        day.open_ns,
        day.open_ns + CROSS_NS,
        day.close_ns,
        day.close_ns + CROSS_NS,
        day.post_ns,
    )


def expiry_ns(time_in_force: TimeInForce, *, extended_hours: bool, asset: Asset, now_ns: int) -> int:
    """When an order made now ends by itself.

    Immediate orders end at once, but only where they can be routed: queued ones wait like day orders. An option's
    order never outlives the contract; a multi-leg order's ``asset`` is the contract that ends first.
    """
    if time_in_force is TimeInForce.GTC or asset.asset_class is AssetClass.CRYPTO:
        end_ns = _aged_ns(now_ns)
    else:
        end_ns = _day_end_ns(time_in_force, extended_hours, now_ns)
    return min(end_ns, last_day(asset).close_ns) if asset.expires else end_ns


def last_day(contract: Asset) -> TradingDay:
    """The trading day after which an option contract is no more."""
    expires = date.fromisoformat(contract.expires)
    return trading_day(expires) or previous_trading_day(expires)


def _day_end_ns(time_in_force: TimeInForce, extended_hours: bool, now_ns: int) -> int:
    day = _day_from(now_ns)
    while (end_ns := _end_ns(day, time_in_force, extended_hours)) <= now_ns:
        day = next_trading_day(day.date)
    return end_ns


def _end_ns(day: TradingDay, time_in_force: TimeInForce, extended_hours: bool) -> int:
    if time_in_force is TimeInForce.OPG:
        return day.open_ns + CROSS_NS
    if time_in_force is TimeInForce.CLS:
        return day.close_ns + CROSS_NS
    return day.post_ns if extended_hours else day.close_ns


def _aged_ns(now_ns: int) -> int:
    aged = new_york(now_ns).date() + GTC_DAYS * _DAY
    return (trading_day(aged) or next_trading_day(aged)).close_ns


def _day_from(ts_ns: int) -> TradingDay:
    """The trading day of an instant's date in New York, or the first one after it."""
    return day_at(ts_ns) or next_trading_day(new_york(ts_ns).date())
