"""The one way in which anything that is told of orders becomes known: the books, the file, then everybody who waits.

The order of the three is the law here. The books (`engine.core.blotter`) are changed in one step by whoever was told;
then the file is written; only then are waiters woken, fills handed out and doubts followed, so that nobody acts on
what the file does not hold or will not hold before the next order leaves.
"""

from collections import deque
from collections.abc import Callable
from typing import Final

import trio
from attrs import define, field

from engine.core.blotter import Blotter, Taken
from engine.errors import GaplessError
from engine.flow.channel import Waker
from engine.flow.desk.seams import Judge
from engine.model.control import Alarm, ControlEvent
from engine.model.entry import Entry
from engine.model.intent import Ticket
from engine.model.order import Fill, OrderStatus
from engine.ports.store import OrderStore
from engine.ports.venue import Clock

SOURCE: Final = "account"
"""Who an alarm of the desk comes from."""
FENCES_MAX: Final = 64
"""Fences kept: at one a second a minute's, and a few seconds are asked for."""


@define(eq=False)
class Bell:
    """Wakes who waits for news of one order, or of any. ``failure`` is why there will be no more news."""

    failure: GaplessError | None = None
    _by_id: dict[str, Waker] = field(factory=dict)
    _any: Waker = field(factory=Waker)

    def ring(self, client_order_id: str) -> None:
        """Something about this order is new."""
        waker = self._by_id.pop(client_order_id, None)
        if waker is not None:
            waker.wake()
        self._any.wake()

    def close(self, failure: GaplessError) -> None:
        """There will be no more news: who waits now or later is told why."""
        self.failure = failure
        for client_order_id in list(self._by_id):
            self.ring(client_order_id)
        self._any.wake()

    async def wait(self, client_order_id: str) -> None:
        """Until the next news of this order. Raises why there will be none."""
        self._raise_closed()
        await self._by_id.setdefault(client_order_id, Waker()).wait()

    async def wait_any(self) -> None:
        """Until the next news of any order. Raises why there will be none."""
        self._raise_closed()
        await self._any.wait()

    def _raise_closed(self) -> None:
        if self.failure is not None:
            raise self.failure


@define(eq=False, kw_only=True)
class Record:
    """The books, the file behind them, and who wants to know.

    ``on_doubt`` is told sentences that ask for a look, ``untold`` when, in market time, something happened that only
    asking showed.
    """

    blotter: Blotter
    store: OrderStore
    clock: Clock
    judge: Judge
    report: Callable[[str], None]
    announce: Callable[[ControlEvent], None]
    on_doubt: Callable[[str], None]
    untold: Callable[[int], None]
    bell: Bell = field(factory=Bell)
    moved_s: float = float("-inf")
    """When something was last filled or ended, by Trio's clock: what the account can afford is another since."""
    _listeners: dict[str, list[Callable[[Fill], None]]] = field(factory=dict)
    _fences: deque[tuple[float, int]] = field(factory=lambda: deque(maxlen=FENCES_MAX))

    def ticket(self, client_order_id: str) -> Ticket:
        """What is known of an order that is known to be ours. Raises `KeyError` for any other."""
        ticket = self.blotter.ticket(client_order_id)
        if ticket is None:
            raise KeyError(client_order_id)
        return ticket

    def note(self, taken: Taken, *more: Entry) -> None:
        """Make known what the broker can tell again; never waits."""
        if taken.entries or more:
            self.store.write_soon(*taken.entries, *more)
        self._tell(taken)

    async def keep(self, taken: Taken, *more: Entry) -> None:
        """Make known what only we know: told once it is on disk. Raises `StoreFailed`; it is told all the same."""
        try:
            await self.store.write(*taken.entries, *more)
        finally:
            self._tell(taken)

    def tell_untold(self, taken: Taken) -> None:
        """These changes were found by asking: whoever listens to the account should have been told of them."""
        shown = [ticket.order.updated_ns for ticket in taken.changed if ticket.order is not None]
        if shown:
            self.untold(max(shown))

    def alarm(self, sentence: str) -> None:
        """Something that a person has to act upon."""
        self.announce(Alarm(SOURCE, self.clock.now_ns(), sentence))
        self.report(sentence)

    def listen_fills(self, strategy: str, put: Callable[[Fill], None]) -> Callable[[], None]:
        """From now on ``put`` gets each fill of a strategy, once; returns what ends that."""
        listeners = self._listeners.setdefault(strategy, [])
        listeners.append(put)

        def end() -> None:
            if put in listeners:
                listeners.remove(put)

        return end

    def set_fence(self) -> None:
        """Remember where the books' history is now, for `fence`; called every second or so."""
        self._fences.append((trio.current_time(), self.blotter.mark()))

    def fence(self, age_s: float) -> int:
        """A mark in the books' history that is at least so old: what came later is not judged by what was asked now."""
        before_s = trio.current_time() - age_s
        fence = 0
        for at_s, mark in self._fences:
            if at_s <= before_s:
                fence = mark
        return fence

    def _tell(self, taken: Taken) -> None:
        if any(ticket.fills or (ticket.order is not None and not ticket.order.open) for ticket in taken.changed):
            self.moved_s = trio.current_time()
        for ticket in taken.changed:
            self.bell.ring(ticket.client_order_id)
            self._tell_chain(ticket)
        for strategy, fill in taken.booked:
            for put in tuple(self._listeners.get(strategy, ())):
                put(fill)
        if taken.booked:
            self.judge.check_day()
        for sentence in taken.reports:
            self.report(sentence)
        for sentence in taken.alarms:
            self.alarm(sentence)
        for sentence in taken.doubts:
            self.on_doubt(sentence)

    def _tell_chain(self, ticket: Ticket) -> None:
        """Who waits for a replaced order waits for its successor; a refusal that comes late is one too.

        A change that came too late is none: the order that it was to change was filled before.
        """
        order = ticket.order
        if order is None:
            return
        before = self.blotter.by_order_id(order.replaces) if order.replaces else None
        if before is not None:
            self.bell.ring(before.client_order_id)
        now = self.blotter.ticket(ticket.client_order_id)  # more may have been told of it while this was written
        if now is not None and now.order is not None and now.intent is not None and not now.intent.replaces:
            self.judge.note(now.strategy, now.order.status is not OrderStatus.REJECTED, now.client_order_id)
