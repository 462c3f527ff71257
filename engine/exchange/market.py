"""The market that the exchange plays: one source of events, told in one order to whoever listens.

Every connection and the history hang on this one line of publication, so a client that was cut off can be measured
against it: what was published is the truth, whoever saw it. Two rules make that measurable on a tape:

- the tape waits until somebody reads (and a moment more, so that a subscription sent in parts is whole), because what
  is told to nobody proves nothing;
- at speed 0 it moves only while somebody reads, and no faster than every reader takes it. `Market.swallow` is how a
  fault makes events pass unseen there.

A market of its own making (the generator) starts at once and does not end.
"""

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Final, Protocol, TypeAlias

import trio
from msgspec.structs import replace

from engine.exchange.clock import MarketClock
from engine.exchange.past import Past
from engine.model.instant import NS_PER_S
from engine.model.market import MarketEvent, Quote, Trade

Row: TypeAlias = tuple[int, MarketEvent]
"""When it is published (market time, ns) and what. The event's own ``ts_ns`` may be earlier: late trades, bars."""

GRACE_S: Final = 0.25
"""From the first reader to the first row: clients send a large subscription in several messages."""
POLL_S: Final = 0.02
"""How often sinks are asked whether they read or are flushed, where nobody woke us. Short beside a reconnect."""
BATCH_MAX: Final = 128
"""Rows published in one go: small enough to hit a fault's event closely, large enough to cost nothing per batch."""
TICK_S: Final = 0.001
"""Rows due within a millisecond of Trio's time go out together; waking for each one costs more than it tells."""
SETTLED_NS: Final = 3600 * NS_PER_S
"""How far the clock jumps when a tape ends at speed 0: no lag of history that we imitate is longer."""
HISTORY_ROWS_MAX: Final = 5_000_000
"""Rows of history kept, about 0.1 GB when they are packed: a trading day of the default generator."""


class Source(Protocol):
    """Where the events come from."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """All symbols it will tell of, sorted."""
        ...

    @property
    def start_ns(self) -> int:
        """Market time at which it begins."""
        ...

    @property
    def endless(self) -> bool:
        """Whether it makes its events itself and never ends (so that it need not wait for a reader)."""
        ...

    def rows(self) -> Iterator[Row]:
        """Every event in the order of publication; the first number never falls."""
        ...


class Sink(Protocol):
    """Somebody who is told every published batch."""

    @property
    def reading(self) -> bool:
        """Whether it has a subscription and a living peer."""
        ...

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Take a batch, in publication order. Must not wait and must not raise."""
        ...

    async def ready(self) -> None:
        """Return when there is room for another batch, or when it no longer reads. Only awaited at speed 0."""
        ...

    def flushed(self) -> bool:
        """Whether everything delivered has been handed to the socket."""
        ...


class Market:
    """Publishes a source by a clock to sinks and into the past. ``history_rows_max`` bounds the past."""

    def __init__(self, source: Source, clock: MarketClock, *, history_rows_max: int = HISTORY_ROWS_MAX) -> None:
        self.source = source
        self.clock = clock
        self.past = Past(history_rows_max)
        self.published = 0
        self._rows = source.rows()
        self._head: Row | None = None
        self._stamped_ns = 0
        self._sinks: dict[int, Sink] = {}
        self._woken = trio.Event()

    def attach(self, sink: Sink) -> None:
        """Tell this sink from now on. It may start to read later; then call `wake`."""
        self._sinks[id(sink)] = sink
        self.wake()

    def detach(self, sink: Sink) -> None:
        """Tell this sink nothing more."""
        self._sinks.pop(id(sink), None)
        self.wake()

    def wake(self) -> None:
        """Look at the sinks again: one of them began or ceased to read. Optional; saves a poll."""
        self._woken.set()

    async def run(self, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Publish until cancelled; after the end of a tape only the clock goes on."""
        task_status.started()
        if not self.source.endless or self.clock.speed == 0:
            await self._readers()
            await trio.sleep(GRACE_S)
        self.clock.start()
        await (self._run_as_read() if self.clock.speed == 0 else self._run_in_time())
        await self._end()
        await trio.sleep_forever()

    async def swallow(self, events: int) -> None:
        """At speed 0 publish ``events`` more whether or not anybody reads. Elsewhere time itself does that."""
        left = events if self.clock.speed == 0 else 0
        while left > 0 and (rows := self._take(min(left, BATCH_MAX))):
            left -= len(rows)
            self._publish(rows)
            await trio.lowlevel.checkpoint()
        await trio.lowlevel.checkpoint()

    async def _run_as_read(self) -> None:
        await trio.lowlevel.checkpoint()
        while self._peek() is not None:
            for sink in await self._readers():
                await sink.ready()
            await trio.lowlevel.checkpoint()
            if any(sink.reading for sink in self._sinks.values()) and (rows := self._take(BATCH_MAX)):
                self._publish(rows)

    async def _run_in_time(self) -> None:
        await trio.lowlevel.checkpoint()
        tick_ns = round(TICK_S * self.clock.speed * NS_PER_S)
        while (head := self._peek()) is not None:
            now_ns = self.clock.now_ns()
            if head[0] > now_ns:
                await self.clock.sleep_until(max(head[0], now_ns + tick_ns))
                now_ns = max(head[0], self.clock.now_ns())
            else:
                await trio.lowlevel.checkpoint()
            self._publish(self._take(BATCH_MAX, until_ns=now_ns))

    async def _end(self) -> None:
        await trio.lowlevel.checkpoint()
        while not self._all_told():  # noqa: ASYNC110  # sinks know when they are flushed, but nobody is told
            await trio.sleep(POLL_S)
        self.clock.end()
        self.clock.advance(self.clock.now_ns() + SETTLED_NS)

    def _all_told(self) -> bool:
        """Whether every reader has been sent everything; at speed 0 there must be one."""
        readers = [sink for sink in self._sinks.values() if sink.reading]
        return bool(readers or self.clock.speed > 0) and all(sink.flushed() for sink in readers)

    async def _readers(self) -> list[Sink]:
        """Wait until somebody reads."""
        await trio.lowlevel.checkpoint()
        while not (readers := [sink for sink in self._sinks.values() if sink.reading]):
            self._woken = trio.Event()
            with trio.move_on_after(POLL_S):
                await self._woken.wait()
        return readers

    def _peek(self) -> Row | None:
        if self._head is None:
            self._head = next(self._rows, None)
        return self._head

    def _take(self, rows_max: int, until_ns: int | None = None) -> list[Row]:
        """The next rows, none of them due after ``until_ns``."""
        rows: list[Row] = []
        if until_ns is None:
            if self._head is not None:
                rows, self._head = [self._head], None
            rows.extend(islice(self._rows, rows_max - len(rows)))
            return rows
        while len(rows) < rows_max and (head := self._peek()) is not None and head[0] <= until_ns:
            rows.append(head)
            self._head = None
        return rows

    def _publish(self, rows: Sequence[Row]) -> None:
        events: list[MarketEvent] = []
        stamped_ns = self._stamped_ns
        for due_ns, event in rows:
            if isinstance(event, (Trade, Quote)):
                # One ns apart at least: with it a client can tell twin quotes, and a repeat from a twin.
                stamped_ns = max(stamped_ns + 1, due_ns)
                events.append(replace(event, venue_ns=stamped_ns))
            else:
                events.append(event)
        self._stamped_ns = stamped_ns
        self.clock.advance(rows[-1][0])
        self.past.add(events)
        self.published += len(events)
        for sink in tuple(self._sinks.values()):
            sink.deliver(events)
