"""Finding out what became of an order that was sent and not answered: by asking, until the broker says.

Not knowing is a state and no error. It ends in one of three ways, all of them the broker's word:

- the broker has the order (asked by our id, or told on the account stream);
- the broker said, twice and asked a settling delay after the last byte left, that it has none: the order is sent
  again with the same id, which makes doing so harmless, if it is still valid, still wanted (of a former run nothing
  is), still allowed, and what an exit closes is still there;
- or it is given up as absent, and whoever waits is told.

A change of an order is asked for by two ids, its own and that of the order it was to change; it is never sent again.
While all this goes on the order counts as exposure, and nothing else waits for it.
"""

import trio
from attrs import define, field

from engine.errors import OrderEnded, OrderRefused
from engine.flow.desk.gate import Gate
from engine.flow.desk.questions import Questions
from engine.flow.desk.record import Record
from engine.flow.desk.sending import Owned, Sending
from engine.flow.desk.tuning import DeskTuning
from engine.model.instant import NS_PER_S
from engine.model.intent import Purpose
from engine.model.order import Order, OrderStatus
from engine.ports.broker import Broker
from engine.ports.steps import Probe, Step
from engine.ports.venue import Clock


@define(eq=False, kw_only=True)
class Resolving:
    """Asks about orders whose outcome is open."""

    broker: Broker
    record: Record
    sending: Sending
    gate: Gate
    clock: Clock
    questions: Questions
    tuning: DeskTuning
    probe: Probe
    _turns: trio.Semaphore = field(init=False)

    def __attrs_post_init__(self) -> None:
        self._turns = trio.Semaphore(self.tuning.asks_max)

    async def resolve(self, owned: Owned) -> None:
        """Ask, and send again where that is right, until the outcome is known and written."""
        await trio.lowlevel.checkpoint()
        cid = owned.client_order_id
        while self.record.ticket(cid).outcome.open:
            asked_s = trio.current_time()
            absent = await self.questions.ask(f"what became of {owned.what}", lambda: self._ask(owned))
            if not self.record.ticket(cid).outcome.open:
                return
            settled = asked_s >= owned.sent_s + self.tuning.settle_s
            owned.absences = owned.absences + 1 if absent and settled else 0
            if owned.absences < self.tuning.absences_min:
                with trio.move_on_after(self._pause_s(owned)):
                    await self.record.bell.wait(cid)
            elif await self._may_go_again(owned):
                owned.absences = 0
                await self.sending.send(owned)
            else:
                await self._give_up(owned)

    def _pause_s(self, owned: Owned) -> float:
        """How long until asking makes sense again."""
        settled_in_s = owned.sent_s + self.tuning.settle_s - trio.current_time()
        apart_s = self.tuning.absence_apart_s
        return apart_s if settled_in_s <= 0 else min(settled_in_s, max(apart_s, settled_in_s / 2))

    async def _ask(self, owned: Owned) -> bool:
        """Ask once. Whether the broker definitely has no such order; what it has is in the books then."""
        async with self._turns:
            self.probe(Step.UNKNOWN_ASKING)
            orders = await self.broker.order_of(owned.client_order_id)
            absent = not orders
            if not orders and owned.intent.replaces:
                orders = await self._ask_old(owned.intent.replaces)
                absent = not any(order.status is OrderStatus.PENDING_REPLACE for order in orders)
            self.probe(Step.UNKNOWN_ANSWERED)
        if orders:
            self.probe(Step.OUTCOME_WRITING)
            taken = self.record.blotter.take_orders(orders)
            await self.record.keep(taken)
            self.record.tell_untold(taken)
            self.probe(Step.OUTCOME_WRITTEN)
        return absent

    async def _ask_old(self, order_id: str) -> tuple[Order, ...]:
        """The order that was to be changed, and what took its place."""
        orders = await self.broker.order(order_id)
        for order in orders:
            if order.id == order_id and order.replaced_by:
                return (*orders, *await self.broker.order(order.replaced_by))
        return orders

    async def _may_go_again(self, owned: Owned) -> bool:
        """Whether an order that the broker does not have may be sent once more, after waiting for the account."""
        intent = owned.intent
        spent = owned.sends >= self.tuning.sends_max
        if intent.replaces or owned.failure is not None or not owned.wanted or spent:
            await trio.lowlevel.checkpoint()
            return False
        await trio.lowlevel.checkpoint()
        if intent.purpose is Purpose.ENTRY:
            left_ns = intent.valid_until_ns - self.clock.now_ns()
            with trio.move_on_after(max(0.0, left_ns / NS_PER_S / (self.clock.speed or 1.0))):
                await self.gate.wait_account()
        if not self.record.ticket(owned.client_order_id).outcome.open or not owned.wanted:
            return False
        return self._closes_still(owned) and self.sending.objection(owned) is None

    def _closes_still(self, owned: Owned) -> bool:
        """Whether an order that was to take risk away still finds what it was to close; any other may go."""
        request = owned.intent.request
        if owned.adds_risk or request.qty is None:
            return True
        held = self.record.blotter.position(owned.intent.strategy, request.symbol).qty
        return held * request.side.sign < 0 and abs(held) >= request.qty

    async def _give_up(self, owned: Owned) -> None:
        """The broker has no such order, and it will not be sent any more."""
        cid, blotter = owned.client_order_id, self.record.blotter
        if not self.record.ticket(cid).outcome.open:
            await trio.lowlevel.checkpoint()
            return
        if isinstance(owned.failure, OrderRefused):
            await self.sending.settle_no(owned, owned.failure)
            return
        if owned.intent.replaces:
            reason = f"{owned.what}: the change never reached the venue; the order stands as it was."
            owned.failure = OrderRefused(reason, rule="never_arrived", client_order_id=cid)
        else:
            reason = f"{owned.what}: it never reached the venue, and is not sent any more."
            owned.failure = OrderEnded(reason)
        self.probe(Step.OUTCOME_WRITING)
        await self.record.keep(blotter.absent(cid, reason))
        self.probe(Step.OUTCOME_WRITTEN)
