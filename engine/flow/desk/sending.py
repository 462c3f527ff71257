"""Sending an order: once, never blind, and with the intent on disk before the first byte.

One task owns each order, a task of the desk and not of whoever asked, so a caller that is cancelled leaves and its
order goes on. From the first byte to the written answer that task is shielded against cancellation, for a bounded
time: a request that was half sent is the one thing that stopping in a hurry must not make.

Three answers, three ways: the venue has it; the venue says no; nobody knows. The third is `engine.flow.desk.resolving`.
A *no* to an order that was sent before is no answer either: the first copy may hold the very money that the second
is refused for. It counts only after the broker was asked and has neither.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import trio
from attrs import define, field

from engine.core.blotter import Taken
from engine.core.rules import Rule
from engine.errors import AskHuman, GaplessError, KillSwitchTripped, NotReady, OrderRefused, ReplyMissing, StoreFailed
from engine.flow.desk.gate import Gate
from engine.flow.desk.record import Record
from engine.flow.desk.seams import Judge, Switch
from engine.flow.desk.tuning import DeskTuning
from engine.model.entry import Saved
from engine.model.intent import Intent, Purpose
from engine.model.order import Order
from engine.ports.broker import Broker
from engine.ports.steps import Probe, Step
from engine.ports.venue import Clock

KILL: Final = "kill_switch"
"""The rule of what the kill switch stops."""
TAKEN: Final = Rule.CLIENT_ORDER_ID_TAKEN.name.lower()
"""The refusal that means: it is there. Ask."""


UNWRITTEN: Final = "It was not sent: its intent could not be written down first."


@define(eq=False, kw_only=True)
class Owned:
    """One order whose outcome is open. Times are seconds of Trio's clock."""

    intent: Intent
    decided: Taken | None = None
    """What has to be on disk before the first byte; ``None`` for an order of a former run."""
    adds_risk: bool = True
    """By the strategy's books when it was decided; of an order of a former run nobody knows."""
    wanted: bool = True
    """Whether it may be sent again; the first sending does not ask."""
    sent_s: float = 0.0
    """When the last byte of the last sending can have left us."""
    sends: int = 0
    """How often it left us in this run."""
    absences: int = 0
    """How often the broker said in a row, asked late enough, that it has no such order."""
    failure: GaplessError | None = None
    """What whoever placed it is to be told, if it ends without the venue having it."""
    through: trio.Event = field(factory=trio.Event)
    """Set when the intent is on disk, or will never be."""
    written: bool = False
    withheld: OrderRefused | None = None
    """What kept it from leaving at the last instant."""

    @property
    def client_order_id(self) -> str:
        return self.intent.client_order_id

    @property
    def what(self) -> str:
        """The order in a few words, for sentences."""
        request = self.intent.request
        size = request.qty if request.qty is not None else f"{request.notional} dollars of"
        return f"{request.side} {size} {request.symbol} ({self.client_order_id})"


@define(eq=False, kw_only=True)
class Sending:
    """Writes intents down, sends them, writes down what came of it."""

    broker: Broker
    record: Record
    judge: Judge
    gate: Gate
    switch: Switch
    clock: Clock
    tuning: DeskTuning
    probe: Probe
    pending_state: Callable[[str], Saved | None]

    async def write_and_send(self, owned: Owned) -> None:
        """Write the intent down and send the order; not one byte leaves before the intent is on disk.

        Both begin at once: while the disk syncs, the request gets its turn, its connection and its bytes, and waits
        for the disk right before the first of them (`_go`). Raises as `write_intent` and `send` do.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self.send, owned)
            await self.write_intent(owned)

    async def write_intent(self, owned: Owned) -> None:
        """Put the intent on disk, with what the strategy saved before it. Raises `StoreFailed`: then nothing is sent.

        Cancelled here, the order was never sent and never will be.
        """
        if owned.decided is None:
            raise AssertionError("an order of a former run has its intent on disk")
        saved = self.pending_state(owned.intent.strategy)
        changing = bool(owned.intent.replaces)
        self.probe(Step.REPLACE_WRITING if changing else Step.INTENT_WRITING)
        try:
            await self.record.keep(owned.decided, *(() if saved is None else (saved,)))
            self.probe(Step.REPLACE_WRITTEN if changing else Step.INTENT_WRITTEN)
            owned.written = True
        except StoreFailed as failure:
            owned.failure = failure
            raise
        finally:
            if not owned.written:
                self.record.note(self.record.blotter.dropped(owned.client_order_id, UNWRITTEN))
            owned.through.set()

    def objection(self, owned: Owned) -> OrderRefused | None:
        """Why it may not be sent at this instant, asked anew before every sending."""
        intent = owned.intent
        late_s = (self.clock.now_ns() - intent.valid_until_ns) / 1e9
        if late_s > 0:
            return NotReady(f"{owned.what}: not sent, it got too old {late_s:.1f} s ago.", rule="too_old")
        tripped = self.switch.tripped(intent.strategy)
        adds_risk = owned.adds_risk and intent.purpose is not Purpose.KILL
        if tripped and (adds_risk or self.switch.elsewhere(intent.strategy)):
            return KillSwitchTripped(f"{owned.what}: not sent, the kill switch is tripped: {tripped}", rule=KILL)
        blocked = self.gate.account_blocked if intent.purpose is Purpose.ENTRY else ""
        if blocked:
            return NotReady(f"{owned.what}: not sent, {blocked}.", rule="not_ready")
        return None

    async def send(self, owned: Owned) -> None:
        """Send it, unless something came up since it was decided. Whatever comes of it is in the books on return.

        Whether an order may be sent *again* was looked at by the resolver.

        Raises `StoreFailed` and `KeysRefused`. An outcome that is still open is for the resolver.
        """
        objection = None if self._may_be_there(owned) else self.objection(owned)
        if objection is not None:
            await self._drop(owned, objection)
            return
        with trio.move_on_after(self.tuning.send_shield_s, shield=True):
            await self._send(owned)
        owned.sent_s = trio.current_time()

    async def _send(self, owned: Owned) -> None:
        cid, changing = owned.client_order_id, bool(owned.intent.replaces)
        again = self._may_be_there(owned)
        self.record.note(self.record.blotter.sent(cid, self.clock.now_ns()))
        answered = Step.REPLACE_ANSWERED if changing else Step.RESUBMIT_ANSWERED if again else Step.SUBMIT_ANSWERED
        owned.sends += 1
        refused: OrderRefused | None = None
        orders: tuple[Order, ...] = ()
        failure: AskHuman | None = None
        try:
            orders = await self._ask(owned, again=again)
        except ReplyMissing:
            self.probe(Step.SUBMIT_NOT_ANSWERED)
            await trio.lowlevel.checkpoint()
            return
        except OrderRefused as no:
            refused = no
        except AskHuman as error:
            failure, refused = error, OrderRefused(str(error), client_order_id=cid)
        self.probe(answered)
        if refused is None:
            await self._take_yes(owned, orders)
        elif failure is None:
            await self._take_no(owned, refused, again=again)
        else:
            await self.settle_no(owned, refused)
            raise failure

    def _may_be_there(self, owned: Owned) -> bool:
        """Whether it was sent before, or a former run may have sent it: then only the broker ends it."""
        return owned.decided is None or self.record.ticket(owned.client_order_id).sends > 0

    async def _ask(self, owned: Owned, *, again: bool) -> tuple[Order, ...]:
        intent, go = owned.intent, partial(self._go, owned, again)
        if intent.change is not None:
            return await self.broker.replace(intent.replaces, intent.change, go=go)
        return await self.broker.submit(intent.request, urgent=intent.purpose is not Purpose.ENTRY, go=go)

    async def _go(self, owned: Owned, again: bool) -> None:
        """The last instant before the first byte: the intent is on disk, and nothing came up on the way here."""
        if owned.decided is not None:
            await owned.through.wait()
            owned.withheld = None if owned.written else NotReady(UNWRITTEN, rule="not_ready")
        owned.withheld = owned.withheld or self.objection(owned)
        if owned.withheld is not None:
            raise owned.withheld
        changing = bool(owned.intent.replaces)
        self.probe(Step.REPLACE_SENDING if changing else Step.RESUBMIT_SENDING if again else Step.SUBMIT_SENDING)
        await trio.lowlevel.checkpoint_if_cancelled()

    async def _take_yes(self, owned: Owned, orders: tuple[Order, ...]) -> None:
        taken = self.record.blotter.take_orders(orders)
        self.probe(Step.OUTCOME_WRITING)
        await self.record.keep(taken)
        self.probe(Step.OUTCOME_WRITTEN)

    async def _take_no(self, owned: Owned, refused: OrderRefused, *, again: bool) -> None:
        """The venue's no. It is the last word only on an order that was never sent before.

        A request that had no turn, or was withheld in its last step, is not the venue's: nothing was sent this time.
        """
        if isinstance(refused, NotReady) or refused is owned.withheld:
            owned.sends -= 1
            if not again and owned.written:  # else whoever could not write it has dropped it
                await self._drop(owned, refused)
            await trio.lowlevel.checkpoint()
            return
        refused.client_order_id = owned.client_order_id
        owned.failure = refused
        if again or refused.rule == TAKEN:
            await trio.lowlevel.checkpoint()
            return
        await self.settle_no(owned, refused)

    async def settle_no(self, owned: Owned, refused: OrderRefused) -> None:
        """The venue said no, and has no such order."""
        cid = owned.client_order_id
        owned.failure = refused
        if not self.record.ticket(cid).outcome.open:
            self.record.on_doubt(f"{owned.what} was refused, and told of before: {refused}")
            await trio.lowlevel.checkpoint()
            return
        if not owned.intent.replaces:
            self.judge.note(owned.intent.strategy, False)
        self.probe(Step.OUTCOME_WRITING)
        await self.record.keep(self.record.blotter.refused(cid, str(refused)))
        self.probe(Step.OUTCOME_WRITTEN)

    async def _drop(self, owned: Owned, objection: OrderRefused) -> None:
        objection.client_order_id = owned.client_order_id
        owned.failure = objection
        taken = self.record.blotter.dropped(owned.client_order_id, str(objection))
        self.probe(Step.OUTCOME_WRITING)
        await self.record.keep(taken)
        self.probe(Step.OUTCOME_WRITTEN)
