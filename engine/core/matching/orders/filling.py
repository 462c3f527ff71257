"""An order in the market: following its stop, filling what can be filled, and giving up what may not wait.

It is looked at once when it reaches the market, and again after every event of its symbol. What may be filled is asked
of `engine.core.matching.fills`, again and again until there is nothing more.
"""

from typing import Final

from engine.core.amounts import buyable
from engine.core.calendar import phase_at
from engine.core.matching.fills import fillable, try_fill
from engine.core.matching.orders import auctions, groups, multileg
from engine.core.matching.orders.pit import Pit
from engine.core.matching.orders.timing import works
from engine.core.matching.orders.waiting import STOPS, Working
from engine.core.matching.triggers import trail, triggered
from engine.core.matching.view import SymbolView
from engine.model.market import MarketEvent
from engine.model.order import Order, OrderChange, OrderClass, OrderStatus, OrderType, TimeInForce

IMMEDIATE: Final = frozenset((TimeInForce.IOC, TimeInForce.FOK))


def reach_market(pit: Pit, order_id: str, now_ns: int, *, at_edge: bool = False) -> None:
    """An order was routed and is in the market now. Outside its hours it is queued, as ``accepted``, instead.

    ``at_edge``: its hours begin just now and nothing is quoted yet, so it first looks at what comes.
    """
    order = pit.register.orders[order_id]
    if not works(order, phase_at(now_ns)):
        pit.register.change(order_id, OrderChange.ACCEPTED, now_ns)
        return
    order = pit.register.change(order_id, OrderChange.NEW, now_ns, submitted_ns=now_ns)
    working = pit.enter(order)
    if not at_edge and order.time_in_force not in auctions.TIMES:
        _look(pit, working, now_ns, resting=False)
        pit.file(working)
    groups.settle(pit, now_ns)


def match(pit: Pit, symbol: str, event: MarketEvent, now_ns: int) -> None:
    """Every order that a symbol's newest event may mean something to looks at it, in the order of their priority."""
    phase = phase_at(now_ns)
    for working in pit.reached(symbol):
        order = pit.register.orders[working.order_id]
        if order.time_in_force in auctions.TIMES:
            auctions.watch(pit, order, event, now_ns)
        elif order.open and works(order, phase):
            _look(pit, working, now_ns, resting=True)
            pit.file(working)
        groups.settle(pit, now_ns)


def _look(pit: Pit, working: Working, now_ns: int, *, resting: bool) -> None:
    order = pit.register.orders[working.order_id]
    if order.order_class is OrderClass.MLEG:
        multileg.attempt(pit, order, now_ns)
        return
    view = pit.views[order.symbol]
    if order.type in STOPS and not working.triggered:
        order = _follow(pit, order, view)
        if not triggered(order, view):
            return
        working.triggered = True
        if order.status is OrderStatus.HELD and not groups.elect(pit, order, now_ns):
            return
        order, resting = pit.register.orders[order.id], False
    if order.time_in_force is TimeInForce.FOK and fillable(order, view, pit.model) < order.left_qty:
        pit.register.change(order.id, OrderChange.CANCELED, now_ns)
        return
    order = _fill(pit, working, order, view, now_ns, resting=resting)
    if order.open and order.time_in_force in IMMEDIATE:
        pit.register.change(order.id, OrderChange.CANCELED, now_ns)


def _follow(pit: Pit, order: Order, view: SymbolView) -> Order:
    """A trailing stop's water mark and stop price move with the market; no update tells of that."""
    if order.type is not OrderType.TRAILING_STOP:
        return order
    moved = trail(order, view)
    return order if moved is order else pit.register.amend(order.id, hwm=moved.hwm, stop_price=moved.stop_price)


def _fill(pit: Pit, working: Working, order: Order, view: SymbolView, now_ns: int, *, resting: bool) -> Order:
    dollars = order.notional
    while order.open:
        left = None if dollars is None else dollars - working.spent
        most = order.left_qty if dollars is None else pit.register.ledger.closable(order)
        execution = try_fill(
            order, view, pit.model, pit.queue, resting=resting, left_notional=left, most=most, dice=pit.dice
        )
        if execution is None:
            break
        working.spent += execution.qty * execution.price
        done = execution.qty == most
        if dollars is not None and not done:
            done = buyable(dollars - working.spent, execution.price, view.asset) == 0
        order = pit.register.fill(order, view.asset, execution, now_ns, done=done)
    return order
