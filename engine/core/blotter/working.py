"""What open orders may still do to a position, at the most.

Limits are measured against what would be held if everything filled, so each order counts that could fill, also one that
nobody knows of. Orders that exclude each other count once: of two exits of a bracket, of an order and the one that
takes its place, only one can trade, and the larger is the worst that can happen.
"""

from decimal import Decimal

from engine.core.blotter.executions import filled_qty, symbol_of
from engine.core.blotter.tickets import Part, Tickets
from engine.core.matching.money.holding import ROUNDED
from engine.model.intent import Ticket
from engine.model.order import ZERO, Side


def working_of(tickets: Tickets, symbol: str, strategy: str | None, price: Decimal | None) -> tuple[Decimal, Decimal]:
    """The quantities that may still be bought and sold of a symbol; ``price`` is for orders in dollars."""
    most: dict[tuple[str, Side], Decimal] = {}
    for ticket in tickets.open(symbol):
        if strategy not in (None, ticket.strategy):
            continue
        for name, side, qty in _known_parts(tickets, ticket, price):
            if name == symbol:
                family = (tickets.root(ticket), side)
                most[family] = max(most.get(family, ZERO), qty)
    bought = sum((qty for (_, side), qty in most.items() if side is Side.BUY), ZERO)
    return bought, sum(most.values(), ZERO) - bought


def _known_parts(tickets: Tickets, ticket: Ticket, price: Decimal | None) -> tuple[Part, ...]:
    """Worked out once for each change of a ticket: every order placed asks this of all that are open."""
    name = ticket.client_order_id
    parts = tickets.parts.get(name)
    if parts is None:
        parts = _parts(ticket, price)
        if not _by_price(ticket):
            tickets.parts[name] = parts
    return parts


def _by_price(ticket: Ticket) -> bool:
    """Whether its quantity hangs on a price that is not its own."""
    asked = ticket.order or (ticket.intent.request if ticket.intent is not None else None)
    return asked is not None and asked.qty is None and asked.limit_price is None


def _parts(ticket: Ticket, price: Decimal | None) -> tuple[Part, ...]:
    """One part of an order, one for each leg of a multi-leg order that is on its way."""
    order = ticket.order
    asked = order or (ticket.intent.request if ticket.intent is not None else None)
    if asked is None:
        return ()
    if order is None and ticket.intent is not None and ticket.intent.request.legs:
        units = ticket.intent.request.qty or ZERO
        return tuple((leg.symbol, leg.side, units * leg.ratio_qty) for leg in ticket.intent.request.legs)
    if asked.side is None:  # a multi-leg order: its legs count
        return ()
    whole = asked.qty
    if whole is None:
        whole = _bought(asked.notional, asked.limit_price or price)
    return ((symbol_of(ticket), asked.side, max(whole - filled_qty(ticket), ZERO)),)


def _bought(notional: Decimal | None, price: Decimal | None) -> Decimal:
    return ROUNDED.divide(notional, price) if notional and price else ZERO
