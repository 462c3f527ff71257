"""A stretch of the tape in the hands of one strategy: the fast road of a replay.

Where only one task can run and no deadline is due, telling an event, waking the task and waiting until it waits again
cannot come out differently for any event of a stretch. So its channel is lent the stretch and hands one event after
the other without the scheduler. How far it is, is how late it is: time and the number of the last event are read from
the place in the stretch. Whatever makes another task ready, sets a deadline or touches a subscription takes the rest
back at once, and then everything is as if each event had been told alone.
"""

from collections.abc import Callable, Iterator, Sequence, Set
from typing import Any

import trio
from attrs import define, field

from engine.core.overflow import Queued
from engine.flow.channel import Channel
from engine.flow.fanout import Fanout, Route, Row
from engine.flow.replay.scheduler import is_cancelled
from engine.model.control import Gap
from engine.model.market import Kind, MarketEvent
from engine.model.stream import ANY, ARTICLES, Stream


@define(eq=False)
class Lease:
    """Events of one channel, numbered, and when each is due; the one at ``at`` was the last that was handed over."""

    events: Sequence[MarketEvent]
    dues_ns: Sequence[int]
    end: int
    task: trio.lowlevel.Task
    take_back: Callable[[], None]
    at: int = 0
    batched: set[int] = field(factory=set)
    """Which of them were taken by `batch`."""

    def now_ns(self) -> int:
        """When the last event that was handed over is due."""
        return self.dues_ns[self.at]

    @property
    def seq(self) -> int:
        """The number of the last event that was handed over."""
        return self.events[self.at].seq


@define(eq=False)
class LentChannel(Channel):
    """A subscription of a replay. Without a lease it is a `Channel` and nothing else."""

    lease: Lease | None = None
    asking: int = 0
    """How many tasks wait for one next item."""
    asker: trio.lowlevel.Task | None = None
    """The last of them."""
    since_ns: int = -1
    """It was opened when events of this instant had been told: it begins behind it."""
    passed: list[MarketEvent] = field(factory=list)
    """What was told until then."""

    def put(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Take an arrival in; never waits."""
        if now_ns > self.since_ns:
            super().put(events, now_ns)
        else:
            self.passed += events

    async def __anext__(self) -> Any:  # noqa: ASYNC910 - what is lent is handed over without the scheduler
        lease = self.lease
        if lease is not None:
            at = lease.at + 1
            if at < lease.end and not is_cancelled(lease.task):
                lease.at = at
                return lease.events[at]  # noqa: ASYNC910 - as above
            lease.take_back()
        self.asker = trio.lowlevel.current_task()
        self.asking += 1
        try:
            return await super().__anext__()
        finally:
            self.asking -= 1

    async def batch(self) -> Sequence[Any]:  # noqa: ASYNC910 - as above
        """All that is due now and waits, at least one event; raises ``StopAsyncIteration`` at the end."""
        lease = self.lease
        if lease is not None:
            at = lease.at + 1
            if at < lease.end and not is_cancelled(lease.task):
                lease.at = at
                lease.batched.add(at)
                return [lease.events[at]]  # noqa: ASYNC910 - as above
            lease.take_back()
        self.asker = trio.lowlevel.current_task()
        self.asking += 1
        try:
            return await super().batch()
        finally:
            self.asking -= 1

    async def _take(self, most: int) -> list[Queued]:  # noqa: ASYNC910 - as above
        """As a `Channel` does, without a step of its own where it will wait anyway: half the price of an event."""
        if not self.closed and not self.queue:
            self._since_checkpoint = -most
        return await super()._take(most)

    def has_events(self) -> bool:
        """Whether the next item is there without waiting."""
        if self.lease is not None:
            self.lease.take_back()
        return super().has_events()

    def count_handed(self, events: Sequence[MarketEvent], batched: Set[int]) -> None:
        """The books of a stretch that was handed over: each event was put in and taken out at once.

        ``batched``: which of them were batches of one, counted from 1.
        """
        if batched and self.on_batch is not None:
            for place, event in enumerate(events, 1):
                self.count_handed([event], frozenset())
                if place in batched:
                    self.on_batch(1)
            return
        self.queue.put_count += len(events)
        self.queue.delivered += len(events)
        if events:
            self.on_handed(events)


@define(eq=False, slots=False)  # with slots, attrs would leave the property out: the name is an attribute above
class TapeFanout(Fanout):
    """The fan-out of a replay: what is lent is accounted for before anybody joins, leaves or looks."""

    lease: Lease | None = None
    changes: int = 0
    """How often a subscription was opened or closed, or a stream was new."""
    _numbered: int = 0
    _told_ns: int = -1
    _new: list[LentChannel] = field(factory=list)
    """Subscriptions that were opened at the instant that was told last."""

    @property
    def told_ns(self) -> int:
        """When the last event was due that was told, or is just being told."""
        return self._told_ns if self.lease is None else self.lease.now_ns()

    @told_ns.setter
    def told_ns(self, due_ns: int) -> None:
        if due_ns != self._told_ns:
            self._told_ns = due_ns
            self._new.clear()

    def known_ns(self, now_ns: int) -> int:
        """Until when the past is known now: events of one instant come behind what time brings at it."""
        return now_ns if self.told_ns == now_ns else now_ns - 1

    @property
    def has_new(self) -> bool:
        """Whether a subscription was opened too late to be told the events of the instant that is being told."""
        return bool(self._new)

    def strategies_of(self, event: MarketEvent, at_ns: int | None = None) -> set[str]:
        """Who subscribes to such events, or, ``at_ns`` an instant, who is told those of that instant."""
        names = {Stream(event.kind, event.symbol), Stream(event.kind, ANY)}
        return {
            channel.strategy
            for channel in self._open
            if channel.asks
            and not names.isdisjoint(channel.streams)
            and (at_ns is None or not isinstance(channel, LentChannel) or channel.since_ns < at_ns)
        }

    @property
    def seq(self) -> int:
        """The number of the last event that was told."""
        return self._numbered if self.lease is None else self.lease.seq

    @seq.setter
    def seq(self, number: int) -> None:
        self._numbered = number

    def route_of(self, stream: Stream) -> Route | None:
        """The way of a stream that has told something, or that somebody asked for by name."""
        return self._table(stream.kind).get(stream.symbol)

    def _route(self, stream: Stream) -> Route:
        if stream.symbol not in self._table(stream.kind):
            self.changes += 1
        return super()._route(stream)

    def settle(self) -> None:
        """Take back what is lent."""
        if self.lease is not None:
            self.lease.take_back()

    def attach(self, channel: Channel) -> None:
        """From now on this channel is told the events of its streams."""
        self.settle()
        self.changes += 1
        if isinstance(channel, LentChannel) and channel.asks:
            channel.since_ns = self.told_ns
            self._new.append(channel)
        super().attach(channel)

    def publish(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Number these events and hand them to the channels that want them, in one step."""
        self.told_ns = now_ns
        super().publish(events, now_ns)
        for channel in self._new:
            for event in channel.passed:
                stream = ARTICLES if event.kind is Kind.NEWS else Stream(event.kind, event.symbol)
                self._rows[channel][stream].live_from += 1
            channel.passed.clear()

    def detach(self, channel: Channel) -> None:
        """No more events for this channel; its counts stay."""
        self.settle()
        self.changes += 1
        super().detach(channel)

    def publish_gap(self, gap: Gap) -> None:
        """A hole takes its place in the channels of its stream."""
        self.settle()
        super().publish_gap(gap)

    def rows(self, channel: Channel) -> dict[Stream, Row]:
        """What each stream put into this channel."""
        self.settle()
        return super().rows(channel)

    def forget(self, channel: Channel) -> dict[Stream, Row]:
        """The counts of a channel that was left for good."""
        self.settle()
        return super().forget(channel)

    def channels(self) -> Iterator[tuple[Channel, dict[Stream, Row]]]:
        """Every channel that is not forgotten, with its rows."""
        self.settle()
        return super().channels()
