"""Rules for stocks: fractions, sessions, auctions and pennies."""

from decimal import Decimal
from typing import Final

from engine.core.amounts import price_step
from engine.core.calendar import day_at
from engine.core.rules.refusal import plain
from engine.core.rules.shape import prices_of
from engine.core.rules.table import Rule
from engine.model.account import Asset
from engine.model.instant import NS_PER_S
from engine.model.order import OrderClass, OrderRequest, OrderType, PositionIntent, Side, TimeInForce

FRACTION_COST_MIN: Final = Decimal(1)
"""Dollars that an order for part of a share must come to (protocol reference 3.1)."""
MINUTE_NS: Final = 60 * NS_PER_S
OPG_CUTOFF_NS: Final = 2 * MINUTE_NS
"""Before the opening: 9:28."""
CLS_CUTOFF_NS: Final = 5 * MINUTE_NS
"""Before the close: the venue's words say 3:55pm, its older documentation 3:50pm."""
AUCTIONS_REOPEN_NS: Final = 15 * 60 * MINUTE_NS
"""From 4:00, when a trading day begins, to 19:00."""
STOPS: Final = frozenset({OrderType.STOP, OrderType.STOP_LIMIT, OrderType.TRAILING_STOP})
DAY_OR_GTC: Final = frozenset({TimeInForce.DAY, TimeInForce.GTC})


def check_equity(request: OrderRequest, asset: Asset, now_ns: int, last_price: Decimal | None) -> None:
    """Raise `Refused` if the order breaks a rule for stocks."""
    if request.notional is not None or (request.qty is not None and request.qty % 1):
        _check_fraction(request, asset, last_price)
    _check_time(request, asset, now_ns)
    if request.extended_hours:
        if request.type in STOPS:
            raise Rule.HOURS_STOP.refusal()
        if request.type is not OrderType.LIMIT or request.time_in_force not in DAY_OR_GTC:
            raise Rule.HOURS_TYPE.refusal()
    check_pennies(request, asset)


def check_pennies(request: OrderRequest, asset: Asset) -> None:
    """Raise `Refused` if a price lies between two that the asset can have."""
    for field, price in prices_of(request):
        if price % price_step(price, asset):
            raise Rule.SUB_PENNY.refusal(field=field, price=plain(price))


def check_cost(request: OrderRequest, last_price: Decimal | None, minimum: Decimal) -> None:
    """Raise `Refused` if an order comes to less than ``minimum`` dollars, unless it closes what is left."""
    price = request.limit_price or request.stop_price or last_price
    cost = request.notional
    if cost is None and request.qty is not None and price is not None:
        cost = request.qty * price
    if cost is not None and cost < minimum and request.position_intent is not PositionIntent.SELL_TO_CLOSE:
        raise Rule.COST_MINIMUM.refusal(minimum=plain(minimum))


def _check_fraction(request: OrderRequest, asset: Asset, last_price: Decimal | None) -> None:
    if not asset.fractionable:
        raise Rule.NOT_FRACTIONABLE.refusal(symbol=asset.symbol)
    if request.time_in_force is not TimeInForce.DAY:
        raise Rule.FRACTIONAL_TIME.refusal()
    if request.order_class is not OrderClass.SIMPLE:
        raise Rule.FRACTIONAL_CLASS.refusal()
    if request.type is OrderType.TRAILING_STOP:
        raise Rule.FRACTIONAL_TYPE.refusal()
    check_cost(request, last_price, FRACTION_COST_MIN)


def _check_time(request: OrderRequest, asset: Asset, now_ns: int) -> None:
    time = request.time_in_force
    if request.type is OrderType.TRAILING_STOP and time not in DAY_OR_GTC:
        raise Rule.TRAIL_TIME.refusal()
    hard_to_borrow = asset.shortable and not asset.easy_to_borrow
    if hard_to_borrow and request.side is Side.SELL and time is TimeInForce.GTC:
        raise Rule.HARD_TO_BORROW_TIME.refusal(symbol=asset.symbol)
    if time not in (TimeInForce.OPG, TimeInForce.CLS):
        return
    if request.type not in (OrderType.MARKET, OrderType.LIMIT):
        raise Rule.AUCTION_TYPE.refusal(time=time)
    today = day_at(now_ns)
    if today is None or now_ns >= today.pre_ns + AUCTIONS_REOPEN_NS:
        return
    if time is TimeInForce.OPG and now_ns >= today.open_ns - OPG_CUTOFF_NS:
        raise Rule.OPG_WINDOW.refusal()
    if time is TimeInForce.CLS and now_ns >= today.close_ns - CLS_CUTOFF_NS:
        raise Rule.CLS_WINDOW.refusal()
