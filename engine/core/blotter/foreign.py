"""What others traded of what strategies hold: whose loss it is, and at which price.

An account has one position in a symbol. When an order of nobody here sells what a strategy bought, the two books come
to the right sum: the strategy's shares, and as many short that are nobody's. So nothing looks wrong, and yet the
strategy believes in shares that are not there. The executions themselves say what happened, and no second look is
needed: the shares are taken from the strategy, for what they were sold at, and nobody is short any more.

Who trades *against* what others hold meets them as well: a strategy that buys while a person is short buys that back.
Then the price is that of the strategy's own execution, which was the later of the two.
"""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from attrs import frozen

from engine.core.blotter.executions import symbol_of
from engine.core.blotter.subledgers import TRANSFER, UNCLAIMED
from engine.core.ids import KILL_PREFIX
from engine.core.rules import plain
from engine.model.entry import Adjusted
from engine.model.intent import Ticket
from engine.model.order import ZERO, Fill


@frozen
class Loss:
    """A part of what a strategy loses to one execution of others: ``qty`` is what its position changes by."""

    strategy: str
    qty: Decimal
    price: Decimal
    fill: Fill
    client_order_id: str


def losses_of(tickets: Iterable[Ticket], symbol: str, changes: Mapping[str, Decimal]) -> tuple[Loss, ...]:
    """The executions of others, the newest first, that took from strategies what ``changes`` say.

    Empty if there are too few of them. An execution whose order nobody told of explains nothing: it may be ours.
    """
    mine = [ticket for ticket in tickets if symbol_of(ticket) == symbol and ticket.fills]
    own: dict[str, Fill] = {}
    for ticket in mine:
        own[ticket.strategy] = max((*ticket.fills, own.get(ticket.strategy, ticket.fills[0])), key=_when)
    sign = -changes.get(UNCLAIMED, ZERO)
    foreign = sorted(
        (
            (fill, ticket.client_order_id)
            for ticket in mine
            if ticket.strategy == UNCLAIMED and ticket.order is not None
            for fill in ticket.fills
            if fill.side.sign * sign > 0
        ),
        key=lambda each: _when(each[0]),
    )
    losses: list[Loss] = []
    left = ZERO
    for strategy, change in changes.items():
        wanted = change if strategy != UNCLAIMED else ZERO
        while wanted:
            if not left:
                if not foreign:
                    return ()
                fill, name = foreign.pop()
                left = fill.qty * fill.side.sign
            part = min(wanted, left, key=abs)
            later = max(fill, own.get(strategy, fill), key=_when)
            losses.append(Loss(strategy, part, later.price, fill, name))
            wanted, left = wanted - part, left - part
    return tuple(losses)


def transfers_of(losses: Iterable[Loss], after: Mapping[str, Decimal], told_ns: int, at_ns: int) -> list[Adjusted]:
    """The losses as pairs of adjustments, whose sum is nothing. ``after``: what each strategy holds then."""
    pairs = []
    for loss in losses:
        name = f"{TRANSFER}{loss.fill.execution_id}/{told_ns}/{loss.strategy}"
        why = _why(loss, after[loss.strategy])
        for end, line, qty in (("from", loss.strategy, loss.qty), ("to", UNCLAIMED, -loss.qty)):
            pairs.append(
                Adjusted(
                    id=f"{name}/{end}",
                    strategy=line,
                    symbol=loss.fill.symbol,
                    qty=qty,
                    price=loss.price,
                    at_ns=at_ns,
                    why=why,
                )
            )
    return pairs


def by_whom(client_order_id: str) -> str:
    """Who placed an order that no strategy here did, in a few words."""
    return "'gapless kill'" if client_order_id.startswith(KILL_PREFIX) else "no strategy here"


def _when(fill: Fill) -> tuple[int, str]:
    return fill.ts_ns, fill.execution_id


def _why(loss: Loss, after: Decimal) -> str:
    verb = "bought back" if loss.qty > 0 else "sold"
    return (
        f"{loss.fill.symbol}: strategy {loss.strategy} holds {plain(after)}, because {plain(abs(loss.qty))} that it "
        f"held were {verb} at {plain(loss.price)} by an order of {by_whom(loss.client_order_id)} "
        f"({loss.client_order_id})."
    )
