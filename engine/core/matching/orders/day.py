"""What the venue does at the edges of a trading day: end orders whose time is over, route those whose time begins.

The order matters. First ends what ends now, so that nothing of the day before meets the new session; then what was
quoted before is forgotten; only then are queued orders routed, and they see the new session's first quote or print.
Option contracts end a minute after the close, when the closing auction has said what their underlyings are worth.
"""

from engine.core.calendar import day_at, phase_at
from engine.core.matching.orders import auctions, groups
from engine.core.matching.orders.filling import reach_market
from engine.core.matching.orders.pit import Pit
from engine.core.matching.orders.timing import CROSS_NS, works
from engine.core.matching.settlement import expire
from engine.model.order import Order, OrderChange, OrderClass, OrderStatus


def pass_edge(pit: Pit, ts_ns: int) -> None:
    """One edge of a trading day passes (`engine.core.matching.orders.timing.edges`)."""
    day = day_at(ts_ns)
    _end_orders(pit, ts_ns)
    if day is not None and ts_ns == day.close_ns + CROSS_NS:
        _note_closes(pit)
        expire(pit, day, ts_ns)
    if day is None or ts_ns not in (day.open_ns + CROSS_NS, day.close_ns + CROSS_NS):
        pit.begin_session(ts_ns)
    if day is not None and ts_ns == day.pre_ns:
        _start_day(pit)
    _route_orders(pit, ts_ns)


def _end_orders(pit: Pit, ts_ns: int) -> None:
    """Orders in an auction are canceled when it is over, all others expire."""
    for order_id in _alone(pit):
        order = pit.register.orders[order_id]
        if not order.open or order.expires_ns > ts_ns:
            continue
        auctioned = order.time_in_force in auctions.TIMES
        if auctioned and order.status is not OrderStatus.ACCEPTED:
            auctions.close_without_cross(pit, order, ts_ns)
        if pit.register.orders[order_id].open:
            pit.register.change(order_id, OrderChange.CANCELED if auctioned else OrderChange.EXPIRED, ts_ns)
        groups.settle(pit, ts_ns)


def _route_orders(pit: Pit, ts_ns: int) -> None:
    phase = phase_at(ts_ns)
    for order_id in _alone(pit):
        order = pit.register.orders[order_id]
        if order.status is OrderStatus.ACCEPTED and works(order, phase):
            reach_market(pit, order_id, ts_ns, at_edge=True)


def _alone(pit: Pit) -> list[str]:
    """The open orders that have a life of their own, oldest first: a multi-leg order's legs follow it."""
    return [order.id for order in pit.register.orders.open() if not _follows(order)]


def _follows(order: Order) -> bool:
    return order.order_class is OrderClass.MLEG and bool(order.parent_id)


def _note_closes(pit: Pit) -> None:
    """The day's closing prices, the cross included: what tomorrow calls yesterday's prices."""
    pit.last_prints.clear()
    pit.closes |= {symbol: last for symbol, view in pit.views.items() if (last := view.last) is not None}


def _start_day(pit: Pit) -> None:
    """The account's day begins: its equity of yesterday is what it was worth at the close."""
    ledger = pit.register.ledger
    pit.mark()
    for symbol in ledger.symbols():
        close = pit.closes.get(symbol)
        if close is not None:
            ledger.mark(symbol, close)
    ledger.start_day(pit.closes)
    pit.mark()
