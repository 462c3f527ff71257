"""Bracket, OCO and OTO: orders that bring their exits along.

An exit must lie on its side of the base price, by a cent at least ("Orders at Alpaca", Stop Price Threshold). The base
is the limit of a limit entry, the stop of a stop entry, and what the market last paid otherwise; an OCO order, which is
an exit itself, is measured against the market.
"""

from collections.abc import Mapping
from decimal import Decimal

from engine.core.amounts import CENT
from engine.core.rules.refusal import plain
from engine.core.rules.table import Rule
from engine.model.order import OrderClass, OrderRequest, OrderType, Side, TimeInForce


def check_class(request: OrderRequest) -> None:
    """Raise `Refused` if an order with exits lacks one, or has a type, time in force or session it may not."""
    order_class = request.order_class
    if order_class is OrderClass.OCO and request.type is not OrderType.LIMIT:
        raise Rule.OCO_TYPE.refusal()
    # A stop entry passes (alpaca-trade-api-js#248); the docs keep trailing stops for simple orders.
    if request.type is OrderType.TRAILING_STOP:
        raise Rule.CLASS_TYPE.refusal(order_class=order_class)
    check_class_time(order_class, request.time_in_force)
    if request.extended_hours:
        raise Rule.CLASS_HOURS.refusal(order_class=order_class)
    take_profit, stop_loss = request.take_profit_limit is not None, request.stop_loss_stop is not None
    if order_class is OrderClass.OTO:
        if take_profit and stop_loss:
            raise Rule.OTO_BOTH.refusal()
        if not take_profit and not stop_loss:
            raise Rule.STOP_LOSS_REQUIRED.refusal(order_class=order_class)
    elif not take_profit:
        raise Rule.TAKE_PROFIT_REQUIRED.refusal(order_class=order_class)
    elif not stop_loss:
        raise Rule.STOP_LOSS_REQUIRED.refusal(order_class=order_class)


def check_class_time(order_class: OrderClass, time: TimeInForce) -> None:
    """Raise `Refused` if an order with exits, or an exit, is not good for the day or till canceled."""
    if time not in (TimeInForce.DAY, TimeInForce.GTC):
        raise Rule.CLASS_TIME.refusal(order_class=order_class)


def check_exits(request: OrderRequest, last_price: Decimal | None) -> None:
    """Raise `Refused` if an exit lies on the wrong side of the other one, or of the base price."""
    take_profit, stop_loss = request.take_profit_limit, request.stop_loss_stop
    is_exit = request.order_class is OrderClass.OCO
    is_long = (request.side is Side.BUY) is not is_exit
    if take_profit is not None and stop_loss is not None and not _beyond(take_profit, stop_loss, above=is_long):
        raise Rule.EXITS_CROSSED.refusal(relation=">" if is_long else "<")
    base = last_price if is_exit else _base_price(request, last_price)
    if base is None:
        return
    extra = {"base_price": plain(base)}
    if take_profit is not None and not is_exit:
        _check_side(Rule.TAKE_PROFIT_BASE, take_profit, base, extra, above=is_long)
    if stop_loss is not None:
        _check_side(Rule.STOP_LOSS_BASE, stop_loss, base, extra, above=not is_long)


def _base_price(request: OrderRequest, last_price: Decimal | None) -> Decimal | None:
    return next((price for price in (request.limit_price, request.stop_price) if price is not None), last_price)


def _beyond(price: Decimal, other: Decimal, *, above: bool) -> bool:
    return price > other if above else price < other


def _check_side(rule: Rule, price: Decimal, base: Decimal, extra: Mapping[str, str], *, above: bool) -> None:
    """A cent above the base, or a cent below."""
    fits = price >= base + CENT if above else price <= base - CENT
    if not fits:
        raise rule.refusal(extra, bound=">= base_price + 0.01" if above else "<= base_price - 0.01")
