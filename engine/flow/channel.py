"""The bounded pipe between the fan-out and one subscription of a strategy.

Putting is never awaited: the fan-out hands an arrival to every channel in one step, so no subscriber sees it before
another and nothing can come between. What may wait is the *next* arrival: a feed asks for ``room`` before it goes on,
and only a ``block`` channel that is full has none.

Not a Trio memory channel, because that counts items one by one and cannot drop or conflate; the queue and its books
are `engine.core.overflow.Overflow`, and this adds the waiting.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import trio
from attrs import define, field

from engine.core.overflow import Overflow, Queued
from engine.errors import ChannelOverflow, GaplessError
from engine.model.control import Gap
from engine.model.market import MarketEvent
from engine.model.stream import Stream

# How many events a strategy is handed between two checkpoints: more than one arrival usually holds, and at 1 us each
# two milliseconds in which nobody else runs.
HANDED_MAX = 2000
# In the modes that let old events go, a strategy is handed one at a time (what waits in its hand could not be let go
# any more) and yields this often.
_CHECKPOINT_EVERY = 64


@define(eq=False)
class Waker:
    """Wakes whoever waits; several channels may share one, which is how a merge waits for all of them."""

    _lot: trio.lowlevel.ParkingLot = field(factory=trio.lowlevel.ParkingLot)

    def wake(self) -> None:
        if self._lot:
            self._lot.unpark_all()

    async def wait(self) -> None:
        await self._lot.park()

    @property
    def waiting(self) -> int:
        """How many tasks wait."""
        return len(self._lot)


@define(eq=False)
class Channel:
    """One subscription: what it asked for, its queue, and the strategy's end of it.

    ``on_handed`` is told every list of events handed to the strategy, ``on_gap`` every hole that its slowness made.
    ``asks``: whether its streams are wanted of the venue, or only overheard where somebody else wants them.
    """

    strategy: str
    name: str
    streams: frozenset[Stream]
    feeds: frozenset[str]
    queue: Overflow
    gaps: bool
    on_handed: Callable[[Sequence[Queued]], None]
    on_gap: Callable[[Gap], None]
    asks: bool = True
    on_batch: Callable[[int], None] | None = None
    """Told how many items each `batch` handed over."""
    on_ended: Callable[[GaplessError | None], None] | None = None
    """Told when the strategy saw the end, with the error that it was."""
    on_abandon: Callable[[], None] | None = None
    """Told before what was handed over and not looked at is given up."""
    waker: Waker = field(factory=Waker)
    arrival: list[MarketEvent] = field(factory=list)
    """What the fan-out is collecting for this channel out of the arrival it is at."""
    _room: Waker = field(factory=Waker)
    _hand: list[Queued] = field(factory=list)
    _at: int = 0
    _since_checkpoint: int = 0
    _closed: bool = False
    _error: GaplessError | None = None

    # -- the fan-out's end

    def put(self, events: Sequence[MarketEvent], now_ns: int) -> None:
        """Take an arrival in; never waits."""
        if self._closed:
            return
        self.queue.put(events, now_ns)
        if self.queue.overflowed:
            self.close(
                ChannelOverflow(
                    f"{self.strategy}: {self.name} had more than {self.queue.capacity} events waiting; "
                    "make the strategy faster, raise capacity, or open it with full='drop_oldest' or 'latest'"
                )
            )
        self.waker.wake()

    def put_gap(self, gap: Gap) -> None:
        """A hole of one of the streams, in its place."""
        if self.gaps and not self._closed:
            self.queue.put_gap(gap)
            self.waker.wake()

    def close(self, error: GaplessError | None = None) -> None:
        """Nothing more will come; what waits is still delivered, unless the channel failed."""
        if self._closed:
            return
        self._closed = True
        self._error = error
        if error is not None:
            self.abandon()
        self.waker.wake()
        self._room.wake()

    @property
    def closed(self) -> bool:
        """Whether nothing more will be taken in."""
        return self._closed

    @property
    def crowded(self) -> bool:
        return not self._closed and self.queue.crowded

    async def room(self) -> None:  # noqa: ASYNC910 - asked once an arrival, and receiving is a checkpoint
        """Wait until this channel does not hold up its feed."""
        while self.crowded:
            await self._room.wait()

    # -- the strategy's end

    def abandon(self) -> None:
        """The strategy stopped reading: what it has not seen is not delivered."""
        if self.on_abandon is not None:
            self.on_abandon()
        unseen = self._hand[self._at :]
        self._hand, self._at = [], 0
        for hole in self.queue.abandon(unseen):
            if hole.cause == "dropped":
                self.on_gap(hole)
        holes, _ = self.queue.take(0)
        self._report_dropped(holes)

    def __aiter__(self) -> "Channel":
        return self

    async def __anext__(self) -> Any:  # noqa: ASYNC910 - one checkpoint for each hand, not for each event
        at = self._at
        if at < len(self._hand):
            self._at = at + 1
            return self._hand[at]  # noqa: ASYNC910 - as above
        one_by_one = self.queue.full in ("latest", "drop_oldest")
        self._hand = await self._take(1 if one_by_one else HANDED_MAX)
        self._at = 1
        return self._hand[0]

    async def batch(self) -> Sequence[Any]:
        """All that waits, at least one event, at most `HANDED_MAX`; raises ``StopAsyncIteration`` at the end."""
        if self._at < len(self._hand):
            await trio.lowlevel.checkpoint()
            items = self._hand[self._at :]
            self._hand, self._at = [], 0
        else:
            items = await self._take(HANDED_MAX)
        if self.on_batch is not None:
            self.on_batch(len(items))
        return items

    def has_events(self) -> bool:
        """Whether the next item is there without waiting."""
        return self._at < len(self._hand) or len(self.queue) > 0 or (self.gaps and self.queue.has_gaps)

    def first_unread_ns(self, stream: Stream) -> int | None:
        """The instant of the oldest event of a stream that the strategy has not seen."""
        for item in self._hand[self._at :]:
            if not isinstance(item, Gap) and (item.kind, item.symbol) == stream:
                return item.ts_ns
        return self.queue.first_ns(stream)

    def queued(self) -> Counter[Stream]:
        """What the strategy has not seen yet, per stream."""
        unseen = self._hand[self._at :]
        in_hand = Counter(Stream(item.kind, item.symbol) for item in unseen if not isinstance(item, Gap))
        return self.queue.queued() + in_hand

    @property
    def unseen(self) -> int:
        """How many items, gaps too, were handed over and not looked at yet."""
        return len(self._hand) - self._at

    @property
    def delivered(self) -> int:
        """How many events the strategy has seen, counted where they are handed over."""
        return self.queue.delivered - sum(not isinstance(item, Gap) for item in self._hand[self._at :])

    def next_seq(self) -> int:
        """The journal number of the next item; call only when `has_events`."""
        if self._at >= len(self._hand):
            self._hand, self._at = self._hand_over(1), 0
        item = self._hand[self._at]
        return 0 if isinstance(item, Gap) else item.seq

    def take_nowait(self) -> Any:
        """The next item; call only when `has_events`."""
        self.next_seq()
        self._at += 1
        return self._hand[self._at - 1]

    def raise_failure(self) -> None:
        """Raise what ended this channel, if it failed."""
        if self._error is not None:
            raise self._error

    @property
    def finished(self) -> bool:
        """Whether the channel is closed and all of it was handed out."""
        return self._closed and not self.has_events()

    async def _take(self, most: int) -> list[Queued]:  # noqa: ASYNC910 - at least every `_CHECKPOINT_EVERY` events
        self._since_checkpoint += most
        if self._since_checkpoint >= _CHECKPOINT_EVERY:
            self._since_checkpoint = 0
            await trio.lowlevel.checkpoint()
        while True:
            items = self._left_over() or self._hand_over(most)
            if items:
                return items  # noqa: ASYNC910 - as above
            if self._closed:
                self._tell_end()
                raise self._error or StopAsyncIteration
            self._since_checkpoint = 0
            await self.waker.wait()

    def _left_over(self) -> list[Queued]:
        """What another task that takes from here was handed while this one waited, and has not looked at."""
        items = self._hand[self._at :]
        if items:
            self._hand, self._at = [], 0
        return items

    def _tell_end(self) -> None:
        if self.on_ended is not None:
            self.on_ended(self._error)

    def _hand_over(self, most: int) -> list[Queued]:
        holes, items = self.queue.take(most)
        self._report_dropped(holes)
        if self.gaps:
            items = [*holes, *items]
        if items:
            self.on_handed(items)
        if not self.queue.crowded:
            self._room.wake()
        return items

    def _report_dropped(self, holes: Sequence[Gap]) -> None:
        for hole in holes:
            if hole.cause == "dropped":
                self.on_gap(hole)
