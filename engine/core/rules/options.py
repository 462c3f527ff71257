"""Rules for option contracts: whole contracts, simple orders, regular hours, and an end."""

import re
from datetime import date
from decimal import Decimal
from typing import Final

from engine.core.amounts import CENT
from engine.core.calendar import Phase, day_at, new_york, phase_at
from engine.core.rules.equities import MINUTE_NS
from engine.core.rules.shape import prices_of
from engine.core.rules.table import Rule
from engine.model.account import Asset
from engine.model.order import OrderClass, OrderRequest, OrderType, PositionIntent, TimeInForce

TYPES: Final = frozenset({OrderType.MARKET, OrderType.LIMIT, OrderType.STOP, OrderType.STOP_LIMIT})
"""Alpaca's docs name market and limit; stops are accepted too, in alpaca-py's docstrings and as measured."""
OPENING: Final = frozenset({PositionIntent.BUY_TO_OPEN, PositionIntent.SELL_TO_OPEN})
LAST_OPENING_NS: Final = 30 * MINUTE_NS
"""Before the close of its last day a contract can only be closed: 15:30 ("Options Trading Overview", Expiration)."""

_OCC: Final = re.compile(r"[A-Z][A-Z0-9.]{0,5}\d{6}[CP]\d{8}", re.ASCII)


def names_contract(symbol: str) -> bool:
    """Whether a symbol has the form of an option contract's.

    >>> names_contract("AAPL260320C00200000"), names_contract("AAPL")
    (True, False)
    """
    return _OCC.fullmatch(symbol) is not None


def check_option(request: OrderRequest, asset: Asset, now_ns: int) -> None:
    """Raise `Refused` if the order breaks a rule for a single option contract."""
    check_contract(asset, now_ns, opening=request.position_intent in OPENING)
    if request.notional is not None:
        raise Rule.OPTION_NOTIONAL.refusal()
    if request.qty is not None and request.qty % 1:
        raise Rule.OPTION_FRACTION.refusal()
    if request.order_class is not OrderClass.SIMPLE:
        raise Rule.OPTION_CLASS.refusal()
    if request.type not in TYPES:
        raise Rule.OPTION_TYPE.refusal()
    if not fits_option_time(request.type, request.time_in_force):
        raise Rule.OPTION_TIME.refusal()
    if request.extended_hours:
        raise Rule.OPTION_HOURS.refusal()
    if request.type is OrderType.MARKET and phase_at(now_ns) is not Phase.CORE:
        raise Rule.OPTION_CLOSED.refusal()
    for field, price in prices_of(request):
        check_option_price(field, price)


def check_contract(asset: Asset, now_ns: int, *, opening: bool) -> None:
    """Raise `Refused` if a contract is not to be traded any more, or not to be opened any more."""
    last_day = date.fromisoformat(asset.expires)
    today = new_york(now_ns).date()
    trading = day_at(now_ns) if today == last_day else None
    if today > last_day or (trading is not None and now_ns >= trading.close_ns):
        raise Rule.CONTRACT_EXPIRED.refusal(symbol=asset.symbol)
    if not asset.active:
        raise Rule.CONTRACT_INACTIVE.refusal(symbol=asset.symbol)
    if not asset.tradable:
        raise Rule.CONTRACT_NOT_TRADABLE.refusal(symbol=asset.symbol)
    if opening and trading is not None and now_ns >= trading.close_ns - LAST_OPENING_NS:
        raise Rule.CONTRACT_EXPIRES.refusal(symbol=asset.symbol)


def fits_option_time(order_type: OrderType, time: TimeInForce) -> bool:
    """Day orders; limit orders good until canceled too (alpaca.markets/learn, GTC options trading, 2026-03)."""
    return time is TimeInForce.DAY or (time is TimeInForce.GTC and order_type is OrderType.LIMIT)


def check_option_price(field: str, price: Decimal) -> None:
    """Cents, below three dollars too: nickel and dime classes are not modelled."""
    if price % CENT:
        raise Rule.OPTION_CENTS.refusal(field=field.replace("_", " "))
