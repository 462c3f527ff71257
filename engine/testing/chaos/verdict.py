"""Whether our books and the exchange's say the same, to the last share and cent.

The exchange's side is read where the exchange keeps it and not through its doors, so a fault of a door cannot hide a
difference. Every sentence that comes back names one thing that differs; none means that all is equal.
"""

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal

from engine.core.blotter import Blotter
from engine.core.matching.venue import Matching
from engine.model.entry import Remembered
from engine.model.intent import Outcome, Ticket
from engine.model.order import Order


def differences(blotter: Blotter, matching: Matching, start_cash: Decimal, disk: Remembered | None = None) -> list[str]:
    """Every difference between the two. ``disk``: what the order file holds, where that is to be looked at too."""
    return [
        *_orders(blotter, matching),
        *_executions(blotter, matching),
        *_positions(blotter, matching),
        *_money(blotter, matching, start_cash),
        *(_written(matching, disk) if disk is not None else ()),
    ]


def _orders(blotter: Blotter, matching: Matching) -> Iterator[str]:
    told = Counter(order.client_order_id for order in matching.orders)
    for name, times in told.items():
        if times > 1:
            yield f"the exchange took client order id {name} {times} times"
    for order in matching.orders:
        ticket = blotter.by_order_id(order.id)
        if ticket is None or ticket.order is None:
            yield f"{_name(order)}: the exchange has it as {order.status}, and our books do not have it"
        else:
            yield from _order(ticket.order, order)
    for ticket in (*blotter.unresolved(), *blotter.open_tickets()):
        yield from _ticket(ticket, matching)


def _order(ours: Order, theirs: Order) -> Iterator[str]:
    for name in ("status", "qty", "filled_qty", "limit_price", "stop_price", "replaced_by", "replaces"):
        mine, other = getattr(ours, name), getattr(theirs, name)
        if mine != other:
            yield f"{_name(theirs)}: {name} is {mine} in our books and {other} at the exchange"


def _ticket(ticket: Ticket, matching: Matching) -> Iterator[str]:
    if ticket.outcome.open:
        yield f"{ticket.client_order_id}: still {ticket.outcome}: {ticket.reason}"
    theirs = matching.orders.by_client_id(ticket.client_order_id)
    if ticket.outcome in (Outcome.REFUSED, Outcome.ABSENT, Outcome.DROPPED) and theirs is not None:
        yield f"{_name(theirs)}: {ticket.outcome} in our books, and the exchange has it as {theirs.status}"
    if ticket.open and ticket.order is not None and matching.orders.get(ticket.order.id) is None:
        yield f"{ticket.client_order_id}: open in our books, and the exchange has no such order"


def _executions(blotter: Blotter, matching: Matching) -> Iterator[str]:
    ours = {}
    for strategy in ("", *blotter.strategies()):
        for fill in blotter.fills_of(strategy):
            if fill.execution_id in ours:
                yield f"execution {fill.execution_id} was booked twice"
            ours[fill.execution_id] = (fill.order_id, fill.symbol, fill.side, fill.qty, fill.price)
    theirs = {
        fill.execution_id: (fill.order_id, fill.symbol, fill.side, fill.qty, fill.price) for fill in matching.fills
    }
    for execution_id in sorted(theirs.keys() - ours.keys()):
        yield f"execution {execution_id} is missing in our books: {theirs[execution_id]}"
    for execution_id in sorted(ours.keys() - theirs.keys()):
        yield f"execution {execution_id} is in our books alone: {ours[execution_id]}"
    for execution_id in sorted(ours.keys() & theirs.keys()):
        if ours[execution_id] != theirs[execution_id]:
            yield f"execution {execution_id}: {ours[execution_id]} in our books, {theirs[execution_id]} at the exchange"


def _positions(blotter: Blotter, matching: Matching) -> Iterator[str]:
    theirs = {position.asset.symbol: position.qty for position in matching.positions()}
    symbols = {fill.symbol for fill in matching.fills} | theirs.keys()
    for symbol in sorted(symbols):
        ours, other = blotter.account_position(symbol), theirs.get(symbol, Decimal(0))
        if ours != other:
            yield f"{symbol}: {ours} held by our books and {other} at the exchange"
        if ours != sum(blotter.position(strategy, symbol).qty for strategy in {"", *blotter.strategies()}):
            yield f"{symbol}: the strategies' positions do not add up to the account's"


def _money(blotter: Blotter, matching: Matching, start_cash: Decimal) -> Iterator[str]:
    ours, theirs = start_cash + blotter.cash(), matching.account().cash
    if ours != theirs:
        yield f"cash is {ours} by our books and {theirs} at the exchange"
    if imbalance := matching.ledger.imbalance():
        yield f"the exchange's own ledger is out of balance by {imbalance}"


def _written(matching: Matching, disk: Remembered) -> Iterator[str]:
    """No order of ours without an intent on disk."""
    known = {intent.client_order_id for intent in disk.intents}
    known |= {ticket.client_order_id for ticket in disk.tickets if ticket.intent is not None}
    for order in matching.orders:
        if not order.parent_id and order.client_order_id not in known:
            yield f"{_name(order)}: the exchange has it, and no intent of it is on disk"


def _name(order: Order) -> str:
    return f"order {order.client_order_id} ({order.symbol} {order.side} {order.type})"
