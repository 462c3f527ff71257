"""The orders that close: whose shares each of them gave back is said by its client order id, and read from it again.

The engine's file knows nothing of these orders, and a position says nothing of who made it smaller. Where a person
holds the same symbol, a look that took what was closed for the person's sale would close the person's shares in the
strategy's place, in the next round or in the next run.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from attrs import evolve

from engine.core.ids import KILL_PREFIX, STRATEGY_MAX, parse_client_order_id, safe_name
from engine.model.entry import Remembered
from engine.model.intent import Outcome, Ticket
from engine.model.order import Order

_CLOSES: Final = re.compile(rf"{KILL_PREFIX}[0-9a-f.]+-([A-Za-z0-9_.]{{1,{STRATEGY_MAX}}})-[^-]+-[0-9]+")


def closing_prefix(run: str, strategy: str) -> str:
    """How the ids of the orders begin that close what a strategy holds, or (no strategy) what the account does.

    ``run`` is another one each time, of hexadecimal digits and points: with 26 of them an id has 120 characters at
    most, and the venue takes 128.
    """
    return f"{KILL_PREFIX}{run}-{safe_name(strategy)}" if strategy else f"{KILL_PREFIX}{run}"


def named_by(client_order_id: str) -> str:
    """The strategy (as `safe_name` writes it) that an id names, whether it sent that order or it was closed by it."""
    if closes := _CLOSES.fullmatch(client_order_id):
        return closes[1]
    parsed = parse_client_order_id(client_order_id)
    return "" if parsed is None else parsed[1]


def claim(remembered: Remembered, orders: Iterable[Order], strategies: Sequence[str]) -> Remembered:
    """What is remembered, with the closing orders among these as orders of the strategies that they closed."""
    owners = {safe_name(name): name for name in strategies}
    closing = {order.id: order for order in orders if _owner(order, owners)}
    tickets = []
    for ticket in remembered.tickets:
        order_id = ticket.client_order_id if ticket.order is None else ticket.order.id
        order = closing.pop(order_id, None) or ticket.order
        owner = "" if order is None or ticket.strategy else _owner(order, owners)
        tickets.append(evolve(ticket, strategy=owner, order=order) if owner and order is not None else ticket)
    new = (
        Ticket(
            client_order_id=order.client_order_id,
            strategy=_owner(order, owners),
            intent=None,
            outcome=Outcome.TAKEN,
            order=order,
        )
        for order in closing.values()
    )
    return evolve(remembered, tickets=(*tickets, *new))


def _owner(order: Order, owners: Mapping[str, str]) -> str:
    closes = _CLOSES.fullmatch(order.client_order_id)
    return "" if closes is None else owners.get(closes[1], "")
