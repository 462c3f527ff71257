"""What a strategy takes out of its subscriptions, without a wrapper around them: told by the hand, noted when needed.

A channel tells each list of events that it hands over; how many of them the strategy has looked at is known from the
channel at any moment. So nothing is done for each event, and what was taken is written down in front of the next thing
that crosses. The next events of a stream are a count; all else is told by value or number.
"""

import json
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol, TypeAlias

from attrs import define, field

from engine.flow.channel import Channel, Waker
from engine.flow.journal.values import render, render_failure
from engine.flow.merge import Merge, Source
from engine.flow.notices import Notices
from engine.model.control import Gap

READY_MAX: Final = 1_000
"""What waits to be noted of one subscription: more is noted at once, which is some 50 kB."""
LOSSY: Final = ("latest", "drop_oldest")

Entry: TypeAlias = int | str
"""So many of the next events, or one item as JSON."""


class Noter(Protocol):
    """Who is told that something waits to be noted."""

    dirty: bool

    def flush(self) -> None: ...


@define(eq=False)
class Tap:
    """What was handed over of one subscription and not noted yet. ``unseen``: how many of these nobody looked at."""

    number: int
    noter: Noter
    unseen: Callable[[], int]
    muted: bool = False
    """A merge takes from it, and the merge is listened to."""
    _pending: deque[Entry] = field(factory=deque)
    _ready: list[str] = field(factory=list)
    _count: int = 0

    def mute(self) -> None:
        """From now on whoever takes from it tells so himself, also of what was handed over and not looked at."""
        self.muted = True
        self._pending.clear()

    def add(self, entry: Entry) -> None:
        """Handed over."""
        if self.muted:
            return
        self.noter.dirty = True
        if isinstance(entry, int) and self._pending and isinstance(self._pending[-1], int):
            self._pending[-1] += entry
        else:
            self._pending.append(entry)
        if len(self._pending) > READY_MAX:
            self.noter.flush()

    def on_batch(self, count: int) -> None:
        """The last ``count`` items were taken in one piece."""
        if self.muted:
            return
        before = self._drain(self._waiting() - count)
        self._keep(before)
        batch = self._drain(count)
        self._ready.append(f'{{"batch":[{",".join(map(_spell, batch))}]}}')
        self._count += count
        if len(self._ready) > READY_MAX:
            self.noter.flush()

    def on_ended(self, error: BaseException | None) -> None:
        """The strategy saw the end."""
        if self.muted:
            return
        self._keep(self._drain(self._waiting()))
        told = None if error is None else render_failure(error)
        self._ready.append(f'{{"end":{json.dumps(told)}}}')
        self.noter.dirty = True

    def on_abandon(self) -> None:
        """What nobody looked at will never be: an overflow takes it out of the strategy's hand."""
        self._keep(self._drain(self._waiting() - self.unseen()))
        self._pending.clear()

    def take(self) -> tuple[int, tuple[str, ...]] | None:
        """What the strategy took since this was asked last: how many items, and what they were if that is not plain."""
        self._keep(self._drain(self._waiting() - self.unseen()))
        if not self._ready:
            return None
        count, values = self._count, tuple(self._ready)
        self._ready, self._count = [], 0
        if values == (_spell(count),):
            return count, ()
        return count, values

    @property
    def holds(self) -> bool:
        """Whether something was handed over that the strategy has not looked at."""
        return bool(self._pending)

    def _waiting(self) -> int:
        return sum(entry if isinstance(entry, int) else 1 for entry in self._pending)

    def _drain(self, count: int) -> list[Entry]:
        drained: list[Entry] = []
        while count > 0:
            entry = self._pending.popleft()
            if isinstance(entry, int):
                if entry > count:
                    self._pending.appendleft(entry - count)
                    entry = count
                count -= entry
            else:
                count -= 1
            drained.append(entry)
        return drained

    def _keep(self, entries: Sequence[Entry]) -> None:
        self._ready += map(_spell, entries)
        self._count += sum(entry if isinstance(entry, int) else 1 for entry in entries)


def _spell(entry: Entry) -> str:
    return f'{{"next":{entry}}}' if isinstance(entry, int) else entry


def spell_item(item: Any, *, lossy: bool) -> Entry:
    """One item: the next event of its subscription, one by its number, or a value."""
    if isinstance(item, Gap) or not getattr(item, "seq", 0):
        return render(item)
    return f'{{"seq":{item.seq}}}' if lossy else 1


def tap_channel(channel: Channel, number: int, noter: Noter) -> Tap:
    """Listen to a channel of market events."""

    def unseen() -> int:
        channel.has_events()  # what a replay has lent it is accounted for when somebody asks
        return channel.unseen

    tap = Tap(number, noter, unseen)
    lossy, inner, queue = channel.queue.full in LOSSY, channel.on_handed, channel.queue
    events = queue.delivered

    def on_handed(items: Sequence[Any]) -> None:
        nonlocal events
        inner(items)
        handed, events = queue.delivered - events, queue.delivered
        if lossy or handed != len(items) or not getattr(items[0], "seq", 0):
            for item in items:
                tap.add(spell_item(item, lossy=lossy))
        else:
            tap.add(len(items))

    channel.on_handed, channel.on_batch, channel.on_ended = on_handed, tap.on_batch, tap.on_ended
    channel.on_abandon = tap.on_abandon
    return tap


def tap_notices(notices: Notices, number: int, noter: Noter) -> Tap:
    """Listen to a timer, a lifecycle or fills."""
    tap = Tap(number, noter, lambda: 0)

    def on_handed(items: Sequence[Any]) -> None:
        for item in items:
            tap.add(render(item))

    notices.on_handed, notices.on_batch, notices.on_ended = on_handed, tap.on_batch, tap.on_ended
    return tap


@define(eq=False)
class TappedSource:
    """One subscription of a merge: `engine.flow.merge.Source`."""

    inner: Source
    number: int
    lossy: bool
    tap: Tap

    @property
    def waker(self) -> Waker:
        return self.inner.waker

    @waker.setter
    def waker(self, waker: Waker) -> None:
        self.inner.waker = waker

    def has_events(self) -> bool:
        return self.inner.has_events()

    @property
    def finished(self) -> bool:
        return self.inner.finished

    def next_seq(self) -> int:
        """The number of the next item."""
        return self.inner.next_seq()

    def take_nowait(self) -> Any:
        """The next item, told to whoever listens to the merge."""
        item = self.inner.take_nowait()
        spelt = _spell(spell_item(item, lossy=self.lossy))
        self.tap.add(f'{{"of":{self.number},"is":{spelt}}}')
        return item

    def raise_failure(self) -> None:
        """Raise what ended it."""
        self.inner.raise_failure()


@define(eq=False)
class TappedMerge(Merge):
    """A merge that tells of its end and its batches."""

    tap: Tap | None = None

    async def __anext__(self) -> Any:  # noqa: ASYNC910 - as the one that it listens to
        try:
            return await super().__anext__()
        except (StopAsyncIteration, Exception) as error:
            assert self.tap is not None
            self.tap.on_ended(None if isinstance(error, StopAsyncIteration) else error)
            raise

    async def batch(self) -> list[Any]:
        """All that is ready, at least one item."""
        items = await super().batch()
        assert self.tap is not None
        self.tap.on_batch(len(items))
        return items
