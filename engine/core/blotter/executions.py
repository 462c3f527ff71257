"""What the executions of an order come to: the bookings that an order and its fills stand for, no more and no less.

Two things are told of what was filled, and they are not the same: an execution says how much *this time*, the order
says how much *so far* (``filled_qty``). Adding up the wrong one doubles a position. Here the executions are what is
booked, each once by its id; the order's figure is what they are checked against. Where it is ahead of them, some are
not known yet: what is missing is booked at once, at the price that the order's average implies, and goes when the
executions come. So a position is never late, and never counted twice.

A multi-leg order has no bookings: its legs have. The fill that is told of the whole names no symbol.
"""

from collections.abc import Container, Iterable
from decimal import Decimal, localcontext
from operator import attrgetter
from typing import Final

from attrs import evolve

from engine.core.blotter.line import Booking
from engine.core.lifecycle import rounded_price
from engine.core.matching.fees import USD
from engine.core.matching.money.holding import EXACT, ROUNDED
from engine.model.intent import Ticket
from engine.model.order import ZERO, Fill, Side

ASSUMED: Final = "assumed/"
"""Before the client order id in the id of a booking that stands for executions that are not known yet."""


def symbol_of(ticket: Ticket) -> str:
    """What a ticket is about; empty for a multi-leg order."""
    if ticket.order is not None:
        return ticket.order.symbol
    if ticket.intent is not None:
        return ticket.intent.request.symbol
    return ticket.fills[0].symbol if ticket.fills else ""


def symbols_of(ticket: Ticket) -> tuple[str, ...]:
    """Everything that a ticket may trade: of a multi-leg order that is on its way, what its legs name."""
    if ticket.order is None and ticket.intent is not None and ticket.intent.request.legs:
        return tuple(dict.fromkeys(leg.symbol for leg in ticket.intent.request.legs))
    return (symbol_of(ticket),)


def known_qty(ticket: Ticket) -> Decimal:
    """What the known executions come to."""
    with localcontext(EXACT):
        return sum((fill.qty for fill in ticket.fills), ZERO)


def filled_qty(ticket: Ticket) -> Decimal:
    """What is filled as far as anybody told."""
    known = known_qty(ticket)
    return known if ticket.order is None else max(known, ticket.order.filled_qty)


def mismatch(ticket: Ticket) -> Decimal:
    """What the order says is filled, less its known executions; 0 where there is nothing to compare."""
    order = ticket.order
    return ZERO if order is None or not order.symbol else order.filled_qty - known_qty(ticket)


def with_fill(ticket: Ticket, told: Fill) -> Ticket:
    """The ticket with one more execution, in the order in which they happened; one that it has keeps its place.

    Of an execution told twice the first telling counts; a fee that only the second knows is added.
    """
    for fill in ticket.fills:
        if fill.execution_id == told.execution_id:
            if fill.fee or not told.fee:
                return ticket
            return with_fees(ticket, {fill.execution_id: told.fee}, told.fee_asset)
    fills = sorted((*ticket.fills, told), key=attrgetter("ts_ns", "execution_id"))
    return evolve(ticket, fills=tuple(fills))


def is_named_again(ticket: Ticket, told: Fill, others: Iterable[Fill]) -> bool:
    """Whether an execution is one that is known, told under another id; ``others`` are those that were taken for it.

    Nowhere does Alpaca say that the ids of its list of activities are those of its stream. If they are not, each fill
    would count twice. So what an order has no room for, and what is like an execution that it has, is that one; each
    has two names at the most.
    """
    if ticket.order is None or known_qty(ticket) + told.qty <= ticket.order.filled_qty:
        return False
    alike = sum((fill.qty, fill.price) == (told.qty, told.price) for fill in ticket.fills)
    named = sum((fill.qty, fill.price) == (told.qty, told.price) for fill in others)
    return named < alike and all(fill.execution_id != told.execution_id for fill in ticket.fills)


def with_fees(ticket: Ticket, fees: dict[str, Decimal], fee_asset: str) -> Ticket:
    """The ticket with fees that were found out later, by execution id."""
    return evolve(
        ticket,
        fills=tuple(
            evolve(fill, fee=fees[fill.execution_id], fee_asset=fee_asset) if fill.execution_id in fees else fill
            for fill in ticket.fills
        ),
    )


def conflict(ticket: Ticket, told: Fill) -> str:
    """A sentence if an execution that is known is told otherwise; empty if not."""
    for fill in ticket.fills:
        if fill.execution_id == told.execution_id and (fill.qty, fill.price) != (told.qty, told.price):
            return (
                f"execution {told.execution_id} of order {told.order_id} ({told.symbol}) was {fill.qty} at "
                f"{fill.price} and is told of as {told.qty} at {told.price}"
            )
    return ""


def bookings_of(ticket: Ticket, besides: Container[str] = ()) -> dict[str, Booking]:
    """What a ticket is in the books, by id, but for these executions.

    What nobody here owns is booked by its executions only.
    """
    if not symbol_of(ticket):
        return {}
    bookings = {fill.execution_id: _booking(fill) for fill in ticket.fills if fill.execution_id not in besides}
    order = ticket.order
    if order is not None and order.side is not None and ticket.strategy and (missing := mismatch(ticket)) > ZERO:
        name = f"{ASSUMED}{ticket.client_order_id}"
        bookings[name] = Booking(
            ts_ns=order.filled_ns or order.updated_ns or order.created_ns,
            id=name,
            qty=missing * order.side.sign,
            price=_implied_price(missing, order.filled_qty, order.filled_avg_price, ticket.fills),
            assumed=True,
        )
    return bookings


def bought_coins(fills: Iterable[Fill]) -> tuple[Fill, ...]:
    """The executions that may have cost a fee in kind that nobody told: crypto that was bought."""
    return tuple(fill for fill in fills if fill.side is Side.BUY and "/" in fill.symbol and not fill.fee)


def _booking(fill: Fill) -> Booking:
    in_kind = fill.fee_asset != USD
    return Booking(
        ts_ns=fill.ts_ns,
        id=fill.execution_id,
        qty=fill.qty * fill.side.sign,
        price=fill.price,
        coins=fill.fee if in_kind else ZERO,
        fee=ZERO if in_kind else fill.fee,
    )


def _implied_price(missing: Decimal, filled: Decimal, average: Decimal | None, fills: Iterable[Fill]) -> Decimal:
    """The average price of what is missing, if the order's average price is to be right."""
    with localcontext(ROUNDED):
        paid = filled * (average or ZERO) - sum((fill.qty * fill.price for fill in fills), ZERO)
        return rounded_price(paid / missing)
