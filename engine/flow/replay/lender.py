"""Which stretch of a window can be lent to whom, and the books when it comes back.

The books are those of the plain road: routes, queues and numbers come out the same, to the last count. What only looks
on is caught up when the stretch comes back or when somebody looks: matching, while no order is open.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import count, repeat
from typing import Final, TypeAlias

from attrs import define, field, frozen
from msgspec.structs import force_setattr

from engine.flow.fanout import Route
from engine.flow.replay.clock import ReplayClock
from engine.flow.replay.lease import Lease, LentChannel, TapeFanout
from engine.model.market import EVENT_TYPES, Kind, MarketEvent
from engine.model.stream import Stream
from engine.ports.tape import Window

STRETCH_MAX: Final = 65_536
"""Events lent at once: some 50 ms in which nothing else runs, a signal included. As many as a window may have."""
STRETCH_FIRST: Final = 8
"""A strategy that does something at each event takes its stretch back at once, and what was prepared is lost."""
STRETCH_GROWS: Final = 4
VAIN_MAX: Final = 6
"""A strategy that waits at each event is tried again after 1, 3, 7 and at last 63 events."""
HANDED_MIN: Final = 3
"""Where the events of several strategies alternate, lending one or two of them costs more than telling them."""

See: TypeAlias = Callable[[MarketEvent], bool]
"""Matching: told each event before strategies are, at its time; whether something came of it that has to settle."""


@frozen(eq=False)
class _Way:
    """Where the events of one stream go: to one subscription."""

    route: Route
    reader: LentChannel


@define(eq=False)
class _Stretch:
    """What is out: the window's events behind ``first``, which was told alone."""

    lease: Lease
    reader: LentChannel
    window: Window
    first: int


@define(eq=False)
class Lender:
    """Lends and takes back. At most one stretch is out."""

    clock: ReplayClock
    fanout: TapeFanout
    see: See | None
    told: int = 0
    """Events of the window that were told by leases since this was last set to 0."""
    lent: int = 0
    """All of them."""
    out: _Stretch | None = None
    _reach: int = STRETCH_FIRST
    _vain: int = 0
    """How many leases in a row came back as they went out."""
    _pause: int = 0
    """Events that are not lent, because of those."""
    _changes: int = -1
    _ways: dict[tuple[type, str], _Way | None] = field(factory=dict)
    _sole: dict[frozenset[Stream], LentChannel | None] = field(factory=dict)

    def reader_of(self, event: MarketEvent) -> LentChannel | None:
        """The subscription that alone gets this event and waits for nothing else; ``None`` where there is no such."""
        way = self._way(type(event), event.kind, event.symbol)
        if way is None:
            return None
        reader = way.reader
        return reader if reader.asking == 1 and reader.waker.waiting == 1 and not reader.closed else None

    def lend(self, window: Window, first: int, reader: LentChannel, timer_ns: int | None) -> None:
        """The event at ``first`` was told: lend its reader what follows, as far as nothing else is due."""
        if self._pause:
            self._pause -= 1
            return
        end = min(first + 1 + self._reach, len(window.events))
        if timer_ns is not None:
            end = bisect_left(window.dues_ns, timer_ns, first + 1, end)
        end = self._end(window, first, end, reader)
        if end - first <= HANDED_MIN or reader.asker is None:
            return
        events = window.events[first:end]
        deque(map(force_setattr, events, repeat("seq"), count(self.fanout.seq)), maxlen=0)
        lease = Lease(
            events=events,
            dues_ns=window.dues_ns[first:end],
            end=len(events),
            task=reader.asker,
            take_back=self.take_back,
        )
        self.out = _Stretch(lease, reader, window, first)
        reader.lease = self.fanout.lease = self.clock.position = lease

    def take_back(self) -> None:
        """What was handed over was told, the rest was not."""
        out = self.out
        if out is None:
            return
        self.out = out.reader.lease = self.fanout.lease = self.clock.position = None
        self._reach = max(STRETCH_FIRST, min(out.lease.at * STRETCH_GROWS, STRETCH_MAX))
        self._vain = 0 if out.lease.at else min(self._vain + 1, VAIN_MAX)
        self._pause = 2**self._vain - 1
        told = out.lease.events[1 : out.lease.at + 1]
        if not told:
            return
        dues_ns = out.lease.dues_ns[1 : out.lease.at + 1]
        self.told += len(told)
        self.lent += len(told)
        self.fanout.seq += len(told)
        self.fanout.told_ns = dues_ns[-1]
        self._count(told, alone=len(out.window.streams) == 1)
        out.reader.count_handed(told, out.lease.batched)
        journal = self.fanout.journal
        if journal is not None or self.see is not None:
            for event, due_ns in zip(told, dues_ns, strict=True):
                self.clock.move(due_ns)
                if self.see is not None:
                    self.see(event)
                if journal is not None:
                    journal.tell([event], due_ns)
        self.clock.move(dues_ns[-1])

    # -- where events go

    def _end(self, window: Window, first: int, end: int, reader: LentChannel) -> int:
        """The place before ``end`` of the first event of the window that somebody else gets; else ``end``."""
        if self._reader_of_all(window.streams) is reader:
            return end
        for place in range(first + 1, end):
            event = window.events[place]
            way = self._way(type(event), event.kind, event.symbol)
            if way is None or way.reader is not reader:
                return place
        return end

    def _reader_of_all(self, streams: frozenset[Stream]) -> LentChannel | None:
        """The one reader of all these streams."""
        self._look_again()
        if streams not in self._sole:
            ways = [self._way(EVENT_TYPES[stream.kind], stream.kind, stream.symbol) for stream in streams]
            readers = {None if way is None else way.reader for way in ways}
            self._sole[streams] = readers.pop() if len(readers) == 1 else None
        return self._sole[streams]

    def _look_again(self) -> None:
        """Forget what was found out if a subscription or a stream has come or gone."""
        if self._changes != self.fanout.changes:
            self._changes = self.fanout.changes
            self._ways.clear()
            self._sole.clear()

    def _way(self, kind_class: type, kind: Kind, symbol: str) -> _Way | None:
        self._look_again()
        try:
            return self._ways[kind_class, symbol]
        except KeyError:
            way = self._ways[kind_class, symbol] = self._way_of(Stream(kind, symbol))
            return way

    def _way_of(self, stream: Stream) -> _Way | None:
        """``None`` where events go to more than one channel or to nobody, and before the first event."""
        route = self.fanout.route_of(stream)
        if route is None or stream.kind is Kind.NEWS or len(route.channels) != 1:
            return None
        reader = route.channels[0]
        return _Way(route, reader) if isinstance(reader, LentChannel) else None

    # -- the books

    def _count(self, told: Sequence[MarketEvent], *, alone: bool) -> None:
        """Count them on their routes. ``alone``: all of them are of one stream."""
        counts = Counter({_key_of(told[-1]): len(told)} if alone else map(_key_of, told))
        for key, number in counts.items():
            way = self._way(*key)
            assert way is not None, "only events with a way are lent"
            way.route.live += number


def _key_of(event: MarketEvent) -> tuple[type, Kind, str]:
    return type(event), event.kind, event.symbol
