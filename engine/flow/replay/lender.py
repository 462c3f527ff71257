"""Which stretch of a window can be lent to whom, and the books when it comes back.

The books are those of the plain road: routes, queues and numbers come out the same, to the last count. What only looks
on is caught up when the stretch comes back or when somebody looks: matching, while no order is open, and the engine's
own channels that keep the newest of each stream.
"""

from bisect import bisect_left
from collections import Counter, deque
from collections.abc import Callable, Sequence
from itertools import count, repeat
from typing import Final, TypeAlias

from attrs import define, field, frozen
from msgspec.structs import force_setattr

from engine.flow.fanout import Route
from engine.flow.markets import NOBODY
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
    """Where the events of one stream go: to one subscription at most, and to channels that only keep the newest."""

    stream: Stream
    route: Route
    reader: LentChannel | None
    onlookers: tuple[LentChannel, ...]


@define(eq=False)
class _Stretch:
    """What is out: the window's events behind ``first``, which was told alone, and which of them are the reader's."""

    lease: Lease
    reader: LentChannel
    window: Window
    first: int
    places: Sequence[int]
    """Of the events of the lease in the window, the first one's own before them."""
    holders: Sequence[LentChannel]
    """The reader, and the onlookers: whoever asks one of those for its newest takes the stretch back."""


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
        if way is None or way.reader is None:
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
        places = self._places(window, first, end, reader)
        if len(places) <= HANDED_MIN or reader.asker is None:
            return
        end = places[-1] + 1
        events = window.events[first:end]
        deque(map(force_setattr, events, repeat("seq"), count(self.fanout.seq)), maxlen=0)
        whole = isinstance(places, range)
        lease = Lease(
            events=events if whole else [window.events[place] for place in places],
            dues_ns=window.dues_ns[first:end] if whole else [window.dues_ns[place] for place in places],
            end=len(places),
            task=reader.asker,
            take_back=self.take_back,
        )
        onlookers = {id(one): one for way in self._ways.values() if way is not None for one in way.onlookers}
        holders = [reader, *onlookers.values()]
        self.out = _Stretch(lease, reader, window, first, places, holders)
        self.fanout.lease = self.clock.position = lease
        for channel in holders:
            channel.lease = lease

    def take_back(self) -> None:
        """What was handed over was told, the rest was not."""
        out = self.out
        if out is None:
            return
        for channel in out.holders:
            channel.lease = None
        self.out = self.fanout.lease = self.clock.position = None
        self._reach = max(STRETCH_FIRST, min(out.lease.at * STRETCH_GROWS, STRETCH_MAX))
        self._vain = 0 if out.lease.at else min(self._vain + 1, VAIN_MAX)
        self._pause = 2**self._vain - 1
        last = out.places[out.lease.at]
        told = out.window.events[out.first + 1 : last + 1]
        if not told:
            return
        dues_ns = out.window.dues_ns[out.first + 1 : last + 1]
        self.told += len(told)
        self.lent += len(told)
        self.fanout.seq += len(told)
        self.fanout.told_ns = dues_ns[-1]
        self._count(told, alone=len(out.window.streams) == 1)
        out.reader.count_handed(out.lease.events[1 : out.lease.at + 1], out.lease.batched)
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

    def _places(self, window: Window, first: int, end: int, reader: LentChannel) -> Sequence[int]:
        """The reader's events in this part of the window, up to the first that somebody else gets."""
        if self._reader_of_all(window.streams) is reader:
            return range(first, end)
        places = [first]
        for place in range(first + 1, end):
            event = window.events[place]
            way = self._way(type(event), event.kind, event.symbol)
            if way is None or way.reader not in (None, reader):
                break
            if way.reader is reader:
                places.append(place)
        return places

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
        """``None`` where events go to more than one reader or to one that is no subscription of a replay, and before
        the first event."""
        route = self.fanout.route_of(stream)
        if route is None or stream.kind is Kind.NEWS:
            return None
        readers: list[LentChannel] = []
        onlookers: list[LentChannel] = []
        for channel in route.channels:
            if not isinstance(channel, LentChannel):
                return None
            if channel.strategy != NOBODY:
                readers.append(channel)
            elif channel.queue.full == "latest" and not channel.waker.waiting:
                onlookers.append(channel)
            else:
                return None
        if len(readers) > 1:
            return None
        return _Way(stream, route, readers[0] if readers else None, tuple(onlookers))

    # -- the books

    def _count(self, told: Sequence[MarketEvent], *, alone: bool) -> None:
        """Count them on their routes, and show the onlookers the newest of each stream."""
        sole = self._ways_of(told, alone=alone)
        for way, number, _ in sole:
            way.route.live += number
        onlookers = {id(one): one for way, _, _ in sole for one in way.onlookers}
        for onlooker in onlookers.values():
            shown = [(event, (way.stream, number)) for way, number, event in sole if onlooker in way.onlookers]
            onlooker.take_in([event for event, _ in shown], [counted for _, counted in shown])

    def _ways_of(self, told: Sequence[MarketEvent], *, alone: bool) -> list[tuple[_Way, int, MarketEvent]]:
        """The ways that events went, how many went each and which was its last, in the order of the last ones.

        ``alone``: all of them are of one stream.
        """
        newest = told[-1]
        if alone:
            counts: Counter[tuple[type, str]] = Counter({(type(newest), newest.symbol): len(told)})
            lasts = {(type(newest), newest.symbol): newest}
        else:
            keys = [(type(event), event.symbol) for event in told]
            counts, lasts = Counter(keys), {}
            for key, event in zip(reversed(keys), reversed(told), strict=True):
                if key not in lasts:
                    lasts[key] = event
                    if len(lasts) == len(counts):
                        break
        found = []
        for key, event in reversed(lasts.items()):
            way = self._way(key[0], event.kind, event.symbol)
            assert way is not None, "only events with a way are lent"
            found.append((way, counts[key], event))
        return found
