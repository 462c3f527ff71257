"""Changing an order: the venue makes another one of it, and the old one may be filled before that happens.

A change is an order of its own, with an id and an intent on disk. That the venue has taken the request is not the end
of it (Alpaca: a reply of 200 "does not guarantee" the change): only the old order's word ``replaced`` is. If the old
one was faster, the new one is rejected, and who asked is told so; the old order is what stands.
"""

from collections.abc import Awaitable, Callable

import trio
from attrs import define

from engine.core.rules import Refused, check_replace
from engine.core.rules.standing import request_after
from engine.errors import OrderRefused
from engine.flow.desk.ending import Ending
from engine.flow.desk.live_order import DeskOrder, ending
from engine.flow.desk.placing import Placing
from engine.flow.desk.record import Record
from engine.flow.desk.sending import Owned
from engine.flow.desk.tuning import DeskTuning
from engine.model.intent import Purpose, Ticket
from engine.model.order import Order, OrderStatus, ReplaceRequest
from engine.ports.venue import Clock


@define(eq=False, kw_only=True)
class Changing:
    """Changes orders. ``carry_out`` sends what was decided and returns once the venue has it."""

    record: Record
    placing: Placing
    ending: Ending
    clock: Clock
    tuning: DeskTuning
    carry_out: Callable[[Owned], Awaitable[None]]

    async def change(self, live: DeskOrder, change: ReplaceRequest) -> None:
        """Change an order; returns once the new one stands in its place. Raises `OrderRefused`: the old one stands."""
        ticket = await self._routed(live)
        if (order := ticket.order) is None:
            raise ending(ticket)
        wish = self.placing.wish(
            ticket.strategy,
            request_after(order, change),
            purpose_of(ticket),
            replaces=order,
            change=change,
        )
        asset = await self.placing.wait_asset(wish)
        try:
            check_replace(live.order or order, change, asset, self.clock.now_ns())
        except Refused as no:
            raise OrderRefused(
                f"{ticket.client_order_id} cannot be changed: {no.message}",
                rule=no.rule,
                status=no.status,
                code=no.code,
                client_order_id=ticket.client_order_id,
                extra=no.extra,
            ) from None
        owned = await self.placing.decide(wish)
        await self.carry_out(owned)
        await self._wait_place(order, owned.client_order_id)

    async def _routed(self, live: DeskOrder) -> Ticket:
        """How it stands once it is no longer ``pending_new``, in which no venue changes it; or soon, if it stays so."""
        with trio.move_on_after(self.tuning.look_after_s):
            await trio.lowlevel.checkpoint()
            while live.status is OrderStatus.PENDING_NEW:
                await live.news(live.ticket)
        return live.ticket

    async def _wait_place(self, old: Order, client_order_id: str) -> None:
        """Until the old order says that it was replaced, or the new one that it came too late."""
        await trio.lowlevel.checkpoint()
        look_s = trio.current_time() + self.tuning.look_after_s
        while True:
            before = self.record.blotter.by_order_id(old.id)
            after = self.record.ticket(client_order_id)
            if before is not None and before.order is not None and before.order.status is OrderStatus.REPLACED:
                return
            if after.order is not None and not after.order.open:
                raise ending(after)
            with trio.move_on_at(look_s):  # news of other orders must not put it off
                await self.record.bell.wait_any()
                continue
            for order_id in (old.id, "" if after.order is None else after.order.id):
                if order_id:
                    await self.ending.ask(order_id)
            look_s = trio.current_time() + self.tuning.look_after_s


def purpose_of(ticket: Ticket) -> Purpose:
    """What an order is for: the exits of a bracket have no intent of their own, and are exits."""
    if ticket.intent is not None:
        return ticket.intent.purpose
    return Purpose.EXIT if ticket.order is not None and ticket.order.parent_id else Purpose.ENTRY
