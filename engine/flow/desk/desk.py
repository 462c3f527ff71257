"""Sole owner of orders on our side: every order of a session is placed, changed, canceled and looked after here.

What it holds to, whatever the line, the venue or the process do:

- The intent is on disk before the first byte leaves; a send is never repeated blind; what nobody answered is asked for
  until the broker says.
- An order has one owner, a task of the desk. Who asked for it may be cancelled at any point.
- All that is told of orders, by replies, stream, replay and lists, goes through one reducer in one place (`Record`).
- What adds risk waits for a ready account and live data, bounded, and is looked at again before it goes (`Placing`).

This class holds the parts together: `Placing` decides, `Sending` sends, `Resolving` finds out, `Ending` ends,
`Hearing` listens, `Reconciler` compares. Start it with `run` inside whatever must not outlive it: the account stream
and the strategies go within.
"""

from collections.abc import Callable, Mapping, Sequence
from random import Random

import trio
from attrs import define, field

from engine.core.blotter import Blotter
from engine.errors import GaplessError, NotReady
from engine.flow.account.stream import EVENTS
from engine.flow.desk.changing import Changing
from engine.flow.desk.ending import Ending
from engine.flow.desk.gate import Gate, always_live
from engine.flow.desk.hearing import Hearing
from engine.flow.desk.live_order import DeskOrder, ending, named
from engine.flow.desk.placing import Placing
from engine.flow.desk.questions import Questions
from engine.flow.desk.reading import Reading
from engine.flow.desk.reconcile import Reconciler
from engine.flow.desk.record import Record
from engine.flow.desk.resolving import Resolving
from engine.flow.desk.seams import Judge, Prices, Switch
from engine.flow.desk.sending import Owned, Sending
from engine.flow.desk.tuning import DeskTuning
from engine.flow.supervisor import sole_failure
from engine.model.account import StrategyPosition
from engine.model.control import ControlEvent
from engine.model.entry import Saved
from engine.model.instant import NS_PER_S
from engine.model.intent import Outcome, Purpose, Snapshot, Ticket
from engine.model.order import Fill, OrderRequest, ReplaceRequest
from engine.ports.broker import AccountMessage, Broker
from engine.ports.steps import Probe, ignore
from engine.ports.store import OrderStore
from engine.ports.venue import Clock


def nothing_pending(_: str) -> Saved | None:
    """The state of strategies that keep none."""
    return None


@define(eq=False, kw_only=True)
class Desk:
    """One per session; also the listener of the account stream (`engine.flow.account.AccountListener`).

    ``heard`` is how far a former run had read (`Remembered.heard`). ``pending_state`` gives what a strategy saved and
    is not on disk yet: it is written with its next intent. ``data_missing`` says what of a strategy's market data is
    not live, empty when all of it is. ``report`` is for a person to read, ``announce`` publishes control events.
    """

    broker: Broker
    store: OrderStore
    blotter: Blotter
    clock: Clock
    vet: Judge
    switch: Switch
    marks: Prices
    random: Random
    report: Callable[[str], None]
    announce: Callable[[ControlEvent], None]
    tuning: DeskTuning = field(factory=DeskTuning)
    heard: Mapping[str, str] = field(factory=dict)
    pending_state: Callable[[str], Saved | None] = nothing_pending
    data_missing: Callable[[str], str] = always_live
    probe: Probe = ignore
    gate: Gate = field(init=False)
    record: Record = field(init=False)
    _owned: dict[str, Owned] = field(factory=dict, init=False)
    _nursery: trio.Nursery | None = field(default=None, init=False)
    _placing: Placing = field(init=False)
    _sending: Sending = field(init=False)
    _resolving: Resolving = field(init=False)
    _ending: Ending = field(init=False)
    _changing: Changing = field(init=False)
    _hearing: Hearing = field(init=False)
    _reconciler: Reconciler = field(init=False)

    def __attrs_post_init__(self) -> None:
        self.gate = Gate(data_missing=self.data_missing, look_again_s=self.tuning.look_again_s)
        self.record = Record(
            blotter=self.blotter,
            store=self.store,
            clock=self.clock,
            judge=self.vet,
            report=self.report,
            announce=self.announce,
            on_doubt=self._doubt,
        )
        self._reconciler = self._build_reconciler()
        self._hearing = Hearing(
            record=self.record,
            probe=self.probe,
            on_full=self._doubt,
            capacity=self.tuning.messages_max,
            mark=self.heard.get(EVENTS, ""),
        )
        questions = Questions(self.tuning.asking, self.random, self.report)
        self._build_way_out(questions)
        self._ending = Ending(
            broker=self.broker,
            record=self.record,
            questions=questions,
            tuning=self.tuning,
            report=self.report,
            probe=self.probe,
            owned=self._owned,
        )
        self._changing = Changing(
            record=self.record,
            placing=self._placing,
            ending=self._ending,
            clock=self.clock,
            tuning=self.tuning,
            carry_out=self._carry_out,
        )

    def _build_way_out(self, questions: Questions) -> None:
        """What an order passes on its way to the venue."""
        self._placing = Placing(
            broker=self.broker,
            record=self.record,
            judge=self.vet,
            gate=self.gate,
            switch=self.switch,
            prices=self.marks,
            clock=self.clock,
            questions=questions,
            tuning=self.tuning,
        )
        self._sending = Sending(
            broker=self.broker,
            record=self.record,
            judge=self.vet,
            gate=self.gate,
            switch=self.switch,
            clock=self.clock,
            tuning=self.tuning,
            probe=self.probe,
            pending_state=self.pending_state,
        )
        self._resolving = Resolving(
            broker=self.broker,
            record=self.record,
            sending=self._sending,
            gate=self.gate,
            clock=self.clock,
            questions=questions,
            tuning=self.tuning,
            probe=self.probe,
        )

    def _doubt(self, sentence: str) -> None:
        self._reconciler.doubt(sentence)

    def _build_reconciler(self) -> Reconciler:
        """The executions of a first run begin a little before it; positions older than that are adopted as they are."""
        reading = Reading(
            broker=self.broker,
            record=self.record,
            clock=self.clock,
            tuning=self.tuning,
            known=self.heard,
            since_ns=self.clock.now_ns() - int(self.tuning.fills_overlap_s * NS_PER_S),
        )
        return Reconciler(
            reading=reading,
            record=self.record,
            gate=self.gate,
            switch=self.switch,
            prices=self.marks,
            tuning=self.tuning,
            random=self.random,
            probe=self.probe,
        )

    # -- its life

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Own orders until cancelled. What a former run left unclear is asked for first.

        On cancellation what is just being sent is brought to its answer, bounded; nothing else is begun. Raises
        `StoreFailed`, and whatever else no retry can mend.
        """
        try:
            async with trio.open_nursery() as order_nursery:
                self._nursery = order_nursery
                for ticket in self.blotter.unresolved():
                    self._inherit(ticket, order_nursery)
                order_nursery.start_soon(self._hearing.serve)
                order_nursery.start_soon(self._reconciler.serve)
                order_nursery.start_soon(self._serve_seconds)
                task_status.started()
                await trio.sleep_forever()
        except BaseExceptionGroup as group:
            failure = sole_failure(group)
            if failure is None:
                raise
            self._close(failure)
            raise failure from None
        finally:
            self._close(NotReady("The session has ended; nothing is heard of orders any more."))

    def _close(self, failure: GaplessError) -> None:
        self._nursery = None
        if self.record.bell.failure is None:
            self.record.bell.close(failure)
            self._reconciler.close(failure)

    def _inherit(self, ticket: Ticket, order_nursery: trio.Nursery) -> None:
        """An order of a former run that may have been sent: it is asked for, counting from now on.

        It is not sent by this run. Who wanted it is gone, and what an exit was to close may be closed by now: by
        ``gapless kill``, by the guard, or by hand.
        """
        if ticket.intent is None:
            return
        owned = Owned(intent=ticket.intent, sent_s=trio.current_time(), wanted=False)
        self.gate.inherited.add(owned.client_order_id)
        self._owned[owned.client_order_id] = owned
        order_nursery.start_soon(self._own, owned)

    async def _own(self, owned: Owned) -> None:
        """The one task of an order, from its intent until its outcome is known."""
        try:
            if owned.decided is not None:
                await self._sending.write_and_send(owned)
            await self._resolving.resolve(owned)
        finally:
            del self._owned[owned.client_order_id]
            self.gate.clear(owned.client_order_id)
            self.record.bell.ring(owned.client_order_id)

    async def _serve_seconds(self) -> None:
        while True:
            self.record.set_fence()
            self.vet.check_day()
            await trio.sleep(self.tuning.tick_s)

    async def settle(self) -> None:
        """Wait until nothing is being sent and the outcome of every order is known. The caller bounds it."""
        await trio.lowlevel.checkpoint()
        while self._owned or self.blotter.unresolved():
            await self.record.bell.wait_any()

    # -- orders

    async def place(
        self,
        strategy: str,
        request: OrderRequest,
        *,
        purpose: Purpose = Purpose.ENTRY,
        within_s: float | None = None,
        late_ok: bool = False,
    ) -> DeskOrder:
        """Place an order; returns once the venue has it.

        ``within_s`` is how long it may be on its way, in seconds of market time; ``late_ok`` lets an entry pass while
        market data is not live. Raises `OrderRefused` or one of its kinds, and `OrderEnded` for an order that never
        got there. While nobody knows whether the venue has it, this waits; a caller that is cancelled leaves, and the
        order goes on.
        """
        wish = self._placing.wish(strategy, request, purpose, within_s=within_s, late_ok=late_ok)
        owned = await self._placing.decide(wish)
        await self._carry_out(owned)
        return self.live(owned.client_order_id)

    async def _carry_out(self, owned: Owned) -> None:
        """Hand an intent to a task of its own, in the step in which it was made, and wait for what comes of it."""
        cid = owned.client_order_id
        if self._nursery is None:
            self.record.note(self.blotter.dropped(cid, "It was not sent: the desk is not open."))
            raise self.record.bell.failure or NotReady("Orders can be placed while the desk runs, and it does not.")
        self._owned[cid] = owned
        self._nursery.start_soon(self._own, owned)
        try:
            while (ticket := self.record.ticket(cid)).outcome.open:
                await self.record.bell.wait(cid)
            await trio.lowlevel.checkpoint()
        finally:
            owned.wanted = not self.record.ticket(cid).outcome.open
        if ticket.outcome is not Outcome.TAKEN:
            raise named(owned.failure or ending(ticket), ticket)

    async def change(self, live: DeskOrder, change: ReplaceRequest) -> DeskOrder:
        """Change an order; returns once the new one stands in its place, which the handle follows.

        Raises `OrderRefused`: then the old order stands.
        """
        await live.accepted()
        await self._changing.change(live, change)
        return live

    async def cancel(self, ticket: Ticket) -> None:
        """Ask for an order's cancel until somebody answers; its end comes later. Ending what has ended is fine."""
        await self._ending.cancel(ticket)

    async def end(self, order: DeskOrder) -> None:
        """Cancel an order and wait until it has ended."""
        await self._ending.wait_end(order.client_order_id)

    def live(self, client_order_id: str) -> DeskOrder:
        """The handle of an order that is in the books. Raises `KeyError`."""
        return DeskOrder(self.record.ticket(client_order_id).client_order_id, self)

    def open_orders(self, strategy: str, symbol: str | None = None) -> tuple[DeskOrder, ...]:
        """A strategy's open orders, also those of which nobody knows whether the venue has them.

        A change that is on its way is not one of them: the order that it is to change is.
        """
        tickets = self.blotter.open_tickets(strategy, symbol)
        return tuple(
            DeskOrder(ticket.client_order_id, self)
            for ticket in tickets
            if ticket.order is not None or ticket.intent is None or not ticket.intent.replaces
        )

    # -- positions and fills

    def listen_fills(self, strategy: str, put: Callable[[Fill], None]) -> Callable[[], None]:
        """From now on ``put`` gets each fill of a strategy, once; returns what ends that. ``put`` may not raise."""
        return self.record.listen_fills(strategy, put)

    def position(self, strategy: str, symbol: str) -> StrategyPosition:
        """What a strategy holds of a symbol, by its own fills."""
        return self.blotter.position(strategy, symbol)

    def positions(self, strategy: str) -> Mapping[str, StrategyPosition]:
        """What a strategy holds, without what is flat."""
        return self.blotter.positions(strategy)

    # -- the broker's books

    async def reconcile(self) -> None:
        """Compare the books now; returns when a round that began after this call is through.

        Raises `BrokerUnavailable` where that round had no answer and so no effect, and what ended the desk.
        """
        await self._reconciler.reconcile()

    @property
    def snapshot(self) -> Snapshot | None:
        """The broker's books as they were last read whole."""
        return self._reconciler.snapshot

    @property
    def standing(self) -> Snapshot | None:
        """The same while it is fresh and nothing was filled or ended since; ``None`` otherwise."""
        return self._reconciler.standing

    @property
    def comparing(self) -> Reconciler:
        """Who compares the books, to be looked at."""
        return self._reconciler

    @property
    def rounds(self) -> int:
        """How often the books were compared."""
        return self._reconciler.rounds

    # -- what the account stream calls

    def hear(self, messages: Sequence[AccountMessage], source: str) -> None:
        """Messages of the account; never waits."""
        self._hearing.put(messages, source)

    def account_connected(self) -> None:
        """The account stream listens: what happened before is compared now."""
        self.gate.connect()
        self._reconciler.want_now()

    def account_lost(self, failure: GaplessError, retry_in_s: float) -> None:
        """The account stream is down: entries wait."""
        self.gate.lose(f"{failure} The next try is in {retry_in_s:.1f} s")

    def events_mark(self) -> str:
        """The last event of the replay that was taken in and is kept."""
        return self._hearing.mark
