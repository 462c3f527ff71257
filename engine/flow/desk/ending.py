"""Ending an order: asked for until somebody answers, and looked after until the order has really ended.

Asking for a cancel twice is harmless, so unlike sending it is repeated while nobody answers. An answer is not the end,
though: the order may be filled on the way, or stay in ``pending_cancel`` while nobody tells why. So whoever waits for
an end looks for itself when the account stream says nothing.
"""

from collections.abc import Callable, Mapping

import trio
from attrs import define

from engine.errors import OrderRefused, VenueBusy
from engine.flow.desk.live_order import newest
from engine.flow.desk.order_view import is_open
from engine.flow.desk.questions import Questions
from engine.flow.desk.record import Record
from engine.flow.desk.sending import Owned
from engine.flow.desk.tuning import DeskTuning
from engine.model.intent import Ticket
from engine.model.order import OrderStatus
from engine.ports.broker import Broker
from engine.ports.steps import Probe, Step


@define(eq=False, kw_only=True)
class Ending:
    """Cancels orders. ``owned`` are those whose outcome is open, by client order id."""

    broker: Broker
    record: Record
    questions: Questions
    tuning: DeskTuning
    report: Callable[[str], None]
    probe: Probe
    owned: Mapping[str, Owned]

    async def cancel(self, ticket: Ticket) -> None:
        """Ask the venue to end it; returns once the venue has heard, or there is nothing to end.

        While it is not known whether the venue has the order, that is waited for; meanwhile it is not sent again.
        """
        await trio.lowlevel.checkpoint()
        cid = ticket.client_order_id
        while (now := self.record.ticket(cid)).outcome.open:
            owned = self.owned.get(cid)
            if owned is not None:
                owned.wanted = False
            await self.record.bell.wait(cid)
        if now.order is not None and now.order.open:
            order_id = now.order.id
            await self.questions.ask(f"whether {cid} will be canceled", lambda: self._cancel(order_id))

    async def _cancel(self, order_id: str) -> None:
        """Ask once. A refusal says that it has ended, or cannot be ended now; which, the order itself tells."""
        refused: OrderRefused | None = None
        self.probe(Step.CANCEL_SENDING)
        try:
            await self.broker.cancel(order_id)
        except OrderRefused as no:
            refused = no
        self.probe(Step.CANCEL_ANSWERED)
        if refused is None:
            await trio.lowlevel.checkpoint()
            return
        await self.look(order_id)
        ticket = self.record.blotter.by_order_id(order_id)
        if ticket is not None and ticket.order is not None and ticket.order.open:
            raise VenueBusy(f"order {order_id} is {ticket.order.status}, and its cancel was refused: {refused}")

    async def look(self, order_id: str) -> None:
        """Ask once how an order stands, and what took its place. Raises `BrokerUnavailable`."""
        orders = await self.broker.order(order_id)
        after = [order.replaced_by for order in orders if order.id == order_id and order.replaced_by]
        for successor_id in after:
            orders = (*orders, *await self.broker.order(successor_id))
        if orders:
            taken = self.record.blotter.take_orders(orders)
            self.record.note(taken)
            self.record.tell_untold(taken)
        else:
            self.record.on_doubt(f"The broker does not know order {order_id}, which it told of before.")

    async def ask(self, order_id: str) -> None:
        """Ask how an order stands until somebody answers."""
        await self.questions.ask(f"how order {order_id} stands", lambda: self.look(order_id))

    async def wait_end(self, client_order_id: str) -> None:
        """Cancel an order, or what it was replaced by, until it has ended, and look after it meanwhile."""
        began_s, said = trio.current_time(), False
        await self.cancel(newest(self.record, client_order_id))
        while is_open(ticket := newest(self.record, client_order_id)):
            with trio.move_on_after(self.tuning.look_after_s):
                await self.record.bell.wait(ticket.client_order_id)
                continue
            if ticket.order is not None:
                await self.ask(ticket.order.id)
            ticket = newest(self.record, client_order_id)
            if ticket.order is None or ticket.order.status is not OrderStatus.PENDING_CANCEL:
                await self.cancel(ticket)
            elif not said and trio.current_time() - began_s >= self.tuning.stuck_s:
                said = True
                self.report(
                    f"Order {ticket.client_order_id} ({ticket.order.symbol}) was to be canceled and is still "
                    f"{ticket.order.status} after {trio.current_time() - began_s:.0f} s; it may still be filled."
                )
