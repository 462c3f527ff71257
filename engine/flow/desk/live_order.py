"""The handle of an order: what a strategy holds, reads and waits for (`engine.ports.LiveOrder`).

It holds nothing but an id. Whatever is read comes out of the books at that moment, so a handle is never behind, costs
nothing to keep, and one that is made again after a restart is the same as the one before.
"""

from collections.abc import AsyncIterator
from typing import Protocol

import trio
from attrs import define, field, frozen

from engine.core.asking import Written, parse_amount
from engine.errors import GaplessError, OrderEnded, OrderRefused
from engine.flow.desk.order_view import OrderView, is_open
from engine.flow.desk.record import Record
from engine.model.intent import Outcome, Ticket
from engine.model.order import OrderStatus, ReplaceRequest


class Hands(Protocol):
    """What a handle has done by the desk."""

    @property
    def record(self) -> Record: ...

    async def end(self, order: "DeskOrder") -> None:
        """Cancel it and wait until it has ended."""
        ...

    async def change(self, live: "DeskOrder", change: ReplaceRequest) -> "DeskOrder":
        """Change it."""
        ...


@frozen
class DeskOrder(OrderView):
    """An order of this session or of a former one. Two handles of one order are equal."""

    client_order_id: str
    _hands: Hands = field(eq=False, repr=False)

    @property
    def ticket(self) -> Ticket:
        """Everything known of it now: of the newest, where it was replaced."""
        return newest(self._hands.record, self.client_order_id)

    @property
    def legs(self) -> "tuple[DeskOrder, ...]":
        """The exits of a bracket, once the venue has told of them."""
        order, blotter = self.order, self._hands.record.blotter
        tickets = [blotter.by_order_id(leg_id) for leg_id in (() if order is None else order.legs)]
        return tuple(DeskOrder(each.client_order_id, self._hands) for each in tickets if each is not None)

    async def accepted(self) -> "DeskOrder":
        """Wait until the venue is known to have it; raises `OrderRefused`, or `OrderEnded` where it never got there."""
        await trio.lowlevel.checkpoint()
        while (ticket := self.ticket).outcome.open:
            await self.news(ticket)
        if ticket.outcome is not Outcome.TAKEN or self.status is OrderStatus.REJECTED:
            raise ending(ticket)
        return self

    async def filled(self) -> "DeskOrder":
        """Wait until it is filled whole; raises `OrderEnded` (or `OrderRefused`) when it ends in any other way."""
        await self.ended()
        if self.status is not OrderStatus.FILLED:
            raise ending(self.ticket)
        return self

    async def ended(self) -> "DeskOrder":
        """Wait until nothing can happen to it any more, however it ends."""
        await trio.lowlevel.checkpoint()
        while is_open(ticket := self.ticket):
            await self.news(ticket)
        return self

    async def cancel(self) -> "DeskOrder":
        """Ask for its cancel and wait until it has ended, filled or not; ending it twice is fine."""
        await self._hands.end(self)
        return self

    async def replace(
        self,
        *,
        qty: Written | None = None,
        limit: Written | None = None,
        stop: Written | None = None,
        trail: Written | None = None,
    ) -> "DeskOrder":
        """Change it; returns once the venue has taken the change. Raises `OrderRefused`: then the old order stands."""
        change = ReplaceRequest(
            qty=parse_amount(qty, "qty"),
            limit_price=parse_amount(limit, "limit"),
            stop_price=parse_amount(stop, "stop"),
            trail=parse_amount(trail, "trail"),
        )
        return await self._hands.change(self, change)

    def changes(self) -> AsyncIterator[Ticket]:
        """How it stands now and after every change, until its end; a slow reader sees the newest only."""
        return Changes(self)

    async def news(self, ticket: Ticket) -> None:
        """Wait until something happened to the order since this ticket. Raises what ended the desk."""
        await self._hands.record.bell.wait(ticket.client_order_id)


@define(eq=False)
class Changes:
    """The iteration over an order's states: no generator, so leaving it half-way leaves nothing behind."""

    _order: DeskOrder
    _seen: Ticket | None = None

    def __aiter__(self) -> "Changes":
        return self

    async def __anext__(self) -> Ticket:
        await trio.lowlevel.checkpoint()
        while (ticket := self._order.ticket) == self._seen:
            if not is_open(ticket):
                raise StopAsyncIteration
            await self._order.news(ticket)
        self._seen = ticket
        return ticket


def newest(record: Record, client_order_id: str) -> Ticket:
    """The order that stands at the end of a chain of replacements."""
    ticket = record.ticket(client_order_id)
    while ticket.order is not None and ticket.order.status is OrderStatus.REPLACED:
        after = record.blotter.by_order_id(ticket.order.replaced_by)
        if after is None or after.client_order_id == ticket.client_order_id:
            break
        ticket = after
    return ticket


def ending(ticket: Ticket) -> GaplessError:
    """What to raise for an order that ended in another way than was waited for."""
    cid, order = ticket.client_order_id, ticket.order
    if ticket.outcome is Outcome.REFUSED:
        return named(OrderRefused(ticket.reason or "it was refused", client_order_id=cid), ticket)
    if order is None:
        return OrderEnded(f"order {cid} never reached the venue: {ticket.reason}")
    if order.status is OrderStatus.REJECTED:
        return OrderRefused(f"order {cid} ({order.symbol}) was rejected by the venue", client_order_id=cid)
    return OrderEnded(f"order {cid} ({order.symbol}) is {order.status} with {order.filled_qty} of {order.qty} filled")


def named(failure: GaplessError, ticket: Ticket) -> GaplessError:
    """The same failure; a refusal that does not say which order it is about says so now: the venue's never do."""
    intent = ticket.intent
    if intent is not None and isinstance(failure, OrderRefused) and ticket.client_order_id not in str(failure):
        request = intent.request
        size = request.qty if request.qty is not None else f"{request.notional} dollars of"
        what = f"{request.side or 'multi-leg'} {size} {request.symbol}".rstrip()
        failure.args = (f"{intent.strategy}: {what} ({ticket.client_order_id}): {failure}",)
    return failure
