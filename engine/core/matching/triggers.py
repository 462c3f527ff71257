"""When a stop becomes an order, how a trailing stop follows, and the worst price that an order may trade at.

Alpaca triggers by trades, not by quotes. A buy stop is not a market order once it is triggered: Alpaca makes it a limit
order 4 % above its stop price, 2.5 % from $50 on (its docs, "Buy stop orders"), so that a jump cannot fill it anywhere.
Sell stops and trailing stops become market orders.
"""

from decimal import Decimal
from typing import Final

from attrs import evolve

from engine.core.amounts import round_price
from engine.core.matching.view import SymbolView
from engine.model.account import Asset
from engine.model.order import Order, OrderType, Side

COLLAR_LOW: Final = Decimal("1.04")
COLLAR_HIGH: Final = Decimal("1.025")
COLLAR_HIGH_FROM: Final = Decimal(50)
PERCENT: Final = Decimal(100)


def worst_price(order: Order, asset: Asset) -> Decimal | None:
    """The limit that an order works with once it is triggered, if it needed that; ``None`` for a market order."""
    if order.type is OrderType.STOP and order.side is Side.BUY and order.stop_price is not None:
        factor = COLLAR_HIGH if order.stop_price >= COLLAR_HIGH_FROM else COLLAR_LOW
        return round_price(order.stop_price * factor, asset, up=False)
    return order.limit_price if order.type in (OrderType.LIMIT, OrderType.STOP_LIMIT) else None


def triggered(order: Order, view: SymbolView) -> bool:
    """Whether the market's last price has reached the stop price: at or above it for a buy, at or below for a sell.

    Only trades of this session and after the last halt count, and nothing triggers during a halt. Where bars are all
    that there is, a bar's high and low count for orders that were there before it began, for others its close.
    """
    if order.stop_price is None or order.side is None or view.halted or not view.traded:
        return False
    reached = _reached(order, order.side, view)
    return reached is not None and (reached - order.stop_price) * order.side.sign >= 0


def trail(order: Order, view: SymbolView) -> Order:
    """The order with its water mark and stop price moved on by the last price; itself when nothing moved.

    The stop price only ever moves in the order's favour: up for a sell, down for a buy. It is rounded to a valid price
    away from the market, so that the trail is never shorter than asked for. Of a lone bar only the close counts:
    nobody knows whether its high came before its low. An order whose trail was replaced comes without a stop price.
    """
    last, side = view.last, order.side
    if last is None or side is None or view.halted or not view.traded:
        return order
    mark = last if order.hwm is None else (min if side is Side.BUY else max)(order.hwm, last)
    if mark == order.hwm and order.stop_price is not None:
        return order
    distance = order.trail_price if order.trail_percent is None else mark * order.trail_percent / PERCENT
    if distance is None:
        return order
    stop = round_price(mark + distance * side.sign, view.asset, up=side is Side.BUY)
    return evolve(order, hwm=mark, stop_price=stop)


def _reached(order: Order, side: Side, view: SymbolView) -> Decimal | None:
    """The price that counts against a stop: of a lone bar that the order has seen all of, the farthest."""
    bar = view.bar
    if bar is None or order.submitted_ns > bar.ts_ns:
        return view.last
    return view.farthest(side)
