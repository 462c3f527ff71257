"""The opening and the closing auction: orders that trade at one price, once, or not at all.

The auction itself is held elsewhere; the tape tells its print. ``opg`` orders trade with the print of the opening cross
(condition ``O``) in the minute from 9:30, ``cls`` orders with that of the closing cross (condition ``6``) within a
minute of the close; if no print is told by then, with the last trade before the close, which is what the venue's own
books close at. An order trades at the print's price or not at all, and what does not trade is canceled ("any unfilled
orders after the open will be canceled", Alpaca's docs).
"""

from typing import Final

from engine.core.calendar import day_at
from engine.core.matching.citation import Execution, Offer
from engine.core.matching.orders.pit import Pit
from engine.core.matching.orders.timing import CROSS_NS
from engine.model.market import MarketEvent, Trade
from engine.model.order import Order, TimeInForce

TIMES: Final = frozenset((TimeInForce.OPG, TimeInForce.CLS))
OPENING: Final = "O"
CLOSING: Final = "6"
"""Sale conditions of the crosses, on all three tapes (CTA and UTP plans)."""


def watch(pit: Pit, order: Order, event: MarketEvent, now_ns: int) -> None:
    """Fill an auction order if the newest event is the print of its auction."""
    view = pit.views[order.symbol]
    offer = view.newest()
    if offer is None or not isinstance(event, Trade) or not order.open:
        return
    day, crossed = day_at(event.ts_ns), _is_cross(order, event)
    if order.time_in_force is TimeInForce.CLS and (crossed or (day is not None and event.ts_ns <= day.close_ns)):
        pit.last_prints[order.symbol] = offer
    if crossed:
        _cross(pit, order, offer, now_ns)


def close_without_cross(pit: Pit, order: Order, now_ns: int) -> None:
    """The minute after the close is over and no cross was told: a ``cls`` order trades with the last print it saw."""
    offer = pit.last_prints.get(order.symbol)
    if order.time_in_force is TimeInForce.CLS and offer is not None:
        _cross(pit, order, offer, now_ns)


def _is_cross(order: Order, trade: Trade) -> bool:
    day = day_at(trade.ts_ns)
    if day is None:
        return False
    if order.time_in_force is TimeInForce.OPG:
        return OPENING in trade.conditions and 0 <= trade.ts_ns - day.open_ns <= CROSS_NS
    return CLOSING in trade.conditions and abs(trade.ts_ns - day.close_ns) <= CROSS_NS


def _cross(pit: Pit, order: Order, offer: Offer, now_ns: int) -> None:
    price, side = offer.cites.price, order.side
    view = pit.views[order.symbol]
    if side is None or view.halted:
        return
    if order.limit_price is not None and (order.limit_price - price) * side.sign < 0:
        return
    qty = min(order.left_qty, offer.left) if pit.model.sized else order.left_qty
    if qty <= 0:
        return
    if pit.model.sized:
        offer.taken += qty
    execution = Execution(qty=qty, price=price, cites=offer.cites)
    pit.register.fill(order, view.asset, execution, now_ns, done=qty == order.left_qty)
