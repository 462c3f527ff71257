"""Between the market and the lines: hands each published event to every live connection, and faults in their place.

It is the market's one listener. A batch is split where a fault is due, so that "after 5000 events" means behind the
5000th and nowhere else; the fault goes into the same queues as the events. At speed 0 it also holds the market back
until every reader has room, and has a hole published unheard after a fault that took the readers away: without that
a market which only moves while somebody reads would never leave anything to fill.

A fault whose moment comes while nobody is connected waits, and happens when the next line has been told something: a
script that asks for twenty cuts gets twenty, and a client that is cut again has at least come further.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Protocol

import trio

from engine.exchange.clock import MarketClock
from engine.exchange.faults.kinds import Fault, Line
from engine.exchange.faults.plan import FaultPlan
from engine.exchange.line.slots import Slots
from engine.exchange.line.stats import Stats
from engine.exchange.past import Past
from engine.model.market import MarketEvent


class Target(Protocol):
    """A connection that a fault can happen to."""

    @property
    def live(self) -> bool:
        """Whether it has a subscription and takes what it subscribed to."""
        ...

    def strike(self, fault: Fault) -> None:
        """Let a fault happen to it, behind what is queued."""
        ...


class Listener(Target, Protocol):
    """One live connection of market data, as the switchboard sees it."""

    @property
    def has_room(self) -> bool:
        """Whether another batch may be put into its queue without it growing long."""
        ...

    @property
    def flushed(self) -> bool:
        """Whether everything delivered has been handed to the socket."""
        ...

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Queue what it subscribed to."""
        ...


class Swallower(Protocol):
    """What the switchboard asks of the market beside being told."""

    async def swallow(self, events: int) -> None:
        """Publish that many events although nobody reads."""
        ...


class Switchboard:
    """The lines of one exchange, the plan of its faults and its counters. Implements the market's ``Sink``.

    ``past`` is the market's: from it a line that begins to follow an order book takes the present one.
    """

    def __init__(
        self, clock: MarketClock, plan: FaultPlan, stats: Stats | None = None, past: Past | None = None
    ) -> None:
        self.clock = clock
        self.past = past or Past(0)
        self.plan = plan
        self.stats = stats or Stats()
        self.slots = Slots()
        self.published = 0
        self.overhear: Callable[[int, str, bool], None] | None = None
        """Told each connection by its number and path when it comes (true) and when it has ended."""
        self._lines: dict[int, Listener] = {}
        self._trading: dict[int, Target] = {}
        self._numbers = count(1)
        self._waiting: dict[tuple[int, str], Fault] = {}
        self._changed = trio.Event()
        self._unheard = 0
        self._unheard_asked = trio.Event()
        self._armed = trio.Event()

    def number(self) -> int:
        """A number for a new connection, from 1 in the order in which they came: it names the line's dice."""
        return next(self._numbers)

    def join(self, number: int, line: Listener) -> None:
        """Tell this line from now on."""
        self._lines[number] = line

    def leave(self, number: int, *, clean: bool) -> None:
        """A line ended; after an unclean end a ghost may hold its slot."""
        self._lines.pop(number, None)
        self._vacate(number, "data", clean=clean)
        self.changed()

    def join_trading(self, number: int, line: Target) -> None:
        """Let faults of the trading stream happen to this line from now on."""
        self._trading[number] = line

    def leave_trading(self, number: int, *, clean: bool) -> None:
        """A line of the trading stream ended; after an unclean end a ghost may hold its slot."""
        self._trading.pop(number, None)
        self._vacate(number, "trading", clean=clean)

    def _vacate(self, number: int, line: Line, *, clean: bool) -> None:
        ghost_s = 0.0
        if not clean and self.slots.holds(number) and (fault := self.plan.use("ghost", line=line)):
            ghost_s = self.plan.seconds(fault.for_s or 0.0)
        self.slots.release(number, trio.current_time(), ghost_s)

    def trading_began(self) -> None:
        """A line of the trading stream listens now: what waited for one happens to it."""
        self._catch_up("trading")

    def changed(self) -> None:
        """A line has room again, began to read or ended: look again."""
        self._changed.set()
        self._changed = trio.Event()

    @property
    def lines(self) -> int:
        """How many connections are open."""
        return len(self._lines)

    # The market's Sink.

    @property
    def reading(self) -> bool:
        """Whether any line takes data."""
        return any(line.live for line in self._lines.values())

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Hand a published batch to the lines, with the faults that are due inside it."""
        start = 0
        while start < len(events):
            mark = self.plan.next_mark(self.published)
            stop = len(events) if mark is None else min(len(events), start + mark - self.published)
            part = events if stop - start == len(events) else events[start:stop]
            told = [line for line in self._lines.values() if line.live]
            for line in told:
                line.deliver(part)
            self.published += stop - start
            start = stop
            if told and self._waiting:
                self._catch_up("data")
            self.fire()

    async def ready(self) -> None:
        """Wait until every line that takes data has room."""
        while any(line.live and not line.has_room for line in self._lines.values()):
            await self._changed.wait()
        await trio.lowlevel.checkpoint()

    def flushed(self) -> bool:
        """Whether every line that takes data has been sent all of it."""
        return all(line.flushed for line in self._lines.values() if line.live)

    # Faults.

    def inject(self, fault: Fault) -> None:
        """Let a fault happen now."""
        self.plan.inject(fault)
        self.fire()

    def add(self, fault: Fault) -> None:
        """Let a fault wait for its moment, stand from now, or happen now where it has no moment."""
        if fault.triggered:
            self.plan.arm(fault, self.clock.now_ns(), self.published)
            self._armed.set()
        else:
            self.inject(fault)

    def clear(self) -> None:
        """From here on nothing goes wrong on purpose. What has happened to a line stays so until it ends."""
        self.plan.clear()
        self._waiting.clear()

    def fire(self) -> None:
        """Let every fault happen whose moment has come."""
        for fault in self.plan.due(self.clock.now_ns(), self.published):
            self._happen(fault)

    def _catch_up(self, line: Line) -> None:
        """Let happen what had nobody to happen to."""
        due = sorted(self._waiting.items(), key=lambda item: item[0])
        for name, fault in due:
            if fault.line == line:
                del self._waiting[name]
                self._happen(fault)

    def _happen(self, fault: Fault) -> None:
        lines = self._lines if fault.line == "data" else self._trading
        live = [line for line in lines.values() if line.live]
        if fault.strikes and not live:
            # One of each table waits; more would only cut a client again and again in the same place.
            name = (fault.table, fault.kind)
            self.plan.missed[fault.kind] += name in self._waiting
            self._waiting[name] = fault
        elif fault.strikes:
            self.plan.hits[fault.kind] += 1
            for line in live:
                line.strike(fault)
        else:
            self.plan.activate(fault)
            if fault.drops:
                for line in live:
                    line.strike(Fault(kind="cut_without_close", line=fault.line))
        if live and fault.drops and fault.line == "data" and self.clock.speed == 0:
            self._unheard += fault.events
            self._unheard_asked.set()

    async def serve_moments(self) -> None:
        """Fire the faults that have a time, until cancelled."""
        while True:
            self.fire()
            self._armed = trio.Event()
            await self.clock.sleep_until_woken(self.plan.next_at_ns(), self._armed)

    async def serve_holes(self, market: Swallower) -> None:
        """Have published, unheard, what faults asked for, until cancelled."""
        while True:
            await self._unheard_asked.wait()
            self._unheard_asked = trio.Event()
            await market.swallow(self._unheard)
            self._unheard = 0
            self.changed()

    async def holes_told(self) -> None:
        """Wait until what is to be published unheard has been, so that nobody new hears the end of it."""
        while self._unheard:
            await self._changed.wait()
        await trio.lowlevel.checkpoint()
