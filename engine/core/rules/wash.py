"""Wash trades: an account may not trade with itself ("User Protection" in Alpaca's docs, on paper too).

An order is refused while one on the other side of the same symbol could meet it: always when one of the two is a
market or stop order, and when both are limits, only if they cross. Orders that bring their exits along and trailing
stops are exempt; the venue's words recommend them.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

from engine.core.rules.table import Rule
from engine.model.order import Order, OrderClass, OrderRequest, OrderStatus, OrderType, Side

MARKET_OR_STOP: Final = "opposite side market/stop order exists"
LIMIT: Final = "opposite side limit order exists"
PAIR: Final = "/"
"""In a crypto pair's symbol. Coins are not sold short, so the ledger has other words for selling what is not there."""


def check_wash(request: OrderRequest | Order, open_orders: Iterable[Order], held: Decimal | None = None) -> None:
    """Raise `Refused` if the order could meet one of the account's own.

    ``held`` is the position in the symbol, signed. Without one, an open order that opens the other way is told of in
    words of its own, whatever the prices. ``None``: not known, and not looked at.
    """
    opposite = [order for order in open_orders if _is_against(order, request)]
    if opposite and held == 0 and PAIR not in request.symbol:
        raise (Rule.BUY_WHILE_SHORTING if request.side is Side.BUY else Rule.SHORT_WHILE_BUYING).refusal()
    if request.order_class is not OrderClass.SIMPLE or request.type is OrderType.TRAILING_STOP:
        return
    for order in opposite:
        reason = _reason(request, order)
        if reason:
            raise Rule.WASH_TRADE.refusal({"existing_order_id": order.id, "reject_reason": reason})


def _is_against(order: Order, request: OrderRequest | Order) -> bool:
    """Whether an order works on the other side. Held legs do not work yet."""
    return (
        order.symbol == request.symbol != ""
        and order.side is not request.side
        and order.open
        and order.status is not OrderStatus.HELD
    )


def _reason(request: OrderRequest | Order, order: Order) -> str:
    """Why the two could meet, empty if they cannot."""
    if order.type is OrderType.TRAILING_STOP:
        return ""
    if order.type is not OrderType.LIMIT:
        return MARKET_OR_STOP
    if request.type is not OrderType.LIMIT or request.limit_price is None or order.limit_price is None:
        return LIMIT
    ours, theirs = request.limit_price, order.limit_price
    crosses = ours >= theirs if request.side is Side.BUY else ours <= theirs
    return LIMIT if crosses else ""
