"""What a full channel does: the bounded queue behind one subscription, and its books.

Four answers to "the strategy is too slow", each declared when the subscription is opened:

``block``        nothing is lost; the queue may grow past its capacity by what one wake-up brings, and then whoever
                 feeds it waits until there is room
``drop_oldest``  the oldest go, counted, and a `Gap` takes their place
``latest``       only the newest event of each stream waits; what it replaced is counted as conflated
``fail``         the subscription ends with an error

Every event put in is at any moment exactly one of delivered, conflated, dropped or queued; each is counted where it
happens, so that the sum can be checked against what was put in rather than assumed.
"""

from collections import Counter, deque
from collections.abc import Sequence
from itertools import islice
from typing import Literal, TypeAlias

from attrs import define, field

from engine.model.control import Gap
from engine.model.market import MarketEvent
from engine.model.stream import Stream

Full: TypeAlias = Literal["block", "drop_oldest", "latest", "fail"]
Queued: TypeAlias = MarketEvent | Gap


@define(eq=False)
class Overflow:
    """A queue of at most ``capacity`` events that does what ``full`` says when more come."""

    full: Full
    capacity: int
    feed: str = ""
    put_count: int = 0
    delivered: int = 0
    conflated: Counter[Stream] = field(factory=Counter)
    dropped: Counter[Stream] = field(factory=Counter)
    overflowed: bool = False
    _queue: deque[Queued] = field(factory=deque)
    _newest: dict[Stream, MarketEvent] = field(factory=dict)
    _holes: dict[tuple[Stream, str], Gap] = field(factory=dict)
    _gaps_queued: int = 0
    _unread: Counter[Stream] = field(factory=Counter)

    def __len__(self) -> int:
        """How many market events wait."""
        return len(self._newest) + len(self._queue) - self._gaps_queued

    @property
    def queued_count(self) -> int:
        """How many market events were put in and neither delivered nor let go."""
        return len(self) + self._unread.total()

    @property
    def crowded(self) -> bool:
        """Whether whoever feeds this must wait (``block`` only)."""
        return self.full == "block" and len(self._queue) >= self.capacity

    def put(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Take events in, and let go what does not fit."""
        self.put_count += len(events)
        if self.full == "latest":
            self._replace(events)
            return
        self._queue.extend(events)
        if self.full == "block" or len(self) <= self.capacity:
            return
        if self.full == "fail":
            self.overflowed = True
        self._drop_excess(now_ns)

    def put_gap(self, gap: Gap) -> None:
        """A hole in a stream takes its place among the events; it is not counted as one."""
        if self.full == "latest":
            self._widen(gap)
        else:
            self._queue.append(gap)
            self._gaps_queued += 1

    def _replace(self, events: Sequence[MarketEvent]) -> None:
        for event in events:
            stream = Stream(event.kind, event.symbol)
            if self._newest.pop(stream, None) is not None:
                self.conflated[stream] += 1
            self._newest[stream] = event

    def _drop_excess(self, now_ns: int) -> None:
        spans: dict[Stream, list[int]] = {}
        while len(self) > self.capacity:
            oldest = self._queue.popleft()
            if isinstance(oldest, Gap):
                self._gaps_queued -= 1
                self._widen(oldest)
                continue
            span = spans.setdefault(Stream(oldest.kind, oldest.symbol), [oldest.ts_ns, oldest.ts_ns, 0])
            span[1] = oldest.ts_ns
            span[2] += 1
        for stream, (start_ns, end_ns, count) in spans.items():
            self.dropped[stream] += count
            self._widen(Gap(self.feed, stream, start_ns, end_ns, cause="dropped", at_ns=now_ns, count=count))

    def _widen(self, gap: Gap) -> None:
        """Join a hole to the one that this stream already has at the head of the queue for the same cause."""
        known = self._holes.get((gap.stream, gap.cause))
        if known is None:
            self._holes[gap.stream, gap.cause] = gap
            return
        count = None if known.count is None or gap.count is None else known.count + gap.count
        self._holes[gap.stream, gap.cause] = Gap(
            gap.feed,
            gap.stream,
            min(known.start_ns, gap.start_ns),
            max(known.end_ns, gap.end_ns),
            cause=known.cause,
            at_ns=gap.at_ns,
            recovered=known.recovered + gap.recovered,
            count=count,
        )

    @property
    def has_gaps(self) -> bool:
        """Whether a hole waits to be told."""
        return bool(self._holes) or self._gaps_queued > 0

    def first_ns(self, stream: Stream) -> int | None:
        """The instant of the oldest event of a stream that waits."""
        waiting = (*self._queue, *self._newest.values())
        return min((e.ts_ns for e in waiting if not isinstance(e, Gap) and (e.kind, e.symbol) == stream), default=None)

    def prefill(self, events: Sequence[MarketEvent]) -> None:
        """Put events before all that wait; the capacity grows by as many, so that it is for what comes after them."""
        # Also where only the newest wait: a warm-up of which one event is left would warm nothing.
        self.put_count += len(events)
        self.capacity += len(events)
        self._queue.extendleft(reversed(events))

    def take(self, most: int) -> tuple[list[Gap], list[Queued]]:
        """Hand out at most ``most`` of what waits, oldest first, and before it the holes that dropping made."""
        holes = list(self._holes.values())
        self._holes.clear()
        if self.full == "latest":
            newest = [self._queue.popleft() for _ in range(min(most, len(self._queue)))]  # a warm-up
            streams = list(islice(self._newest, most - len(newest)))
            newest += [self._newest.pop(stream) for stream in streams]
            self.delivered += len(newest)
            return holes, newest
        if len(self._queue) <= most:
            batch = list(self._queue)
            self._queue.clear()
        else:
            batch = [self._queue.popleft() for _ in range(most)]
        gaps = 0
        if self._gaps_queued:
            gaps = sum(isinstance(item, Gap) for item in batch)
            self._gaps_queued -= gaps
        self.delivered += len(batch) - gaps
        return holes, batch

    def abandon(self, handed: Sequence[Queued] = ()) -> list[Gap]:
        """The subscription ends: what waits, and what was ``handed`` out but not looked at, stays counted as queued.

        Returns the holes that dropping made and nobody was told of.
        """
        unseen = [item for item in handed if not isinstance(item, Gap)]
        self.delivered -= len(unseen)
        waiting = (*unseen, *self._queue, *self._newest.values())
        self._unread.update(Stream(item.kind, item.symbol) for item in waiting if not isinstance(item, Gap))
        self._queue.clear()
        self._newest.clear()
        self._gaps_queued = 0
        holes = list(self._holes.values())
        self._holes.clear()
        return holes

    def queued(self) -> Counter[Stream]:
        """What waits, or was left unread, per stream."""
        waiting = (*self._queue, *self._newest.values())
        return self._unread + Counter(Stream(item.kind, item.symbol) for item in waiting if not isinstance(item, Gap))

    @property
    def balanced(self) -> bool:
        """The conservation law: put = delivered + conflated + dropped + queued."""
        return self.put_count == self.delivered + self.conflated.total() + self.dropped.total() + self.queued_count
