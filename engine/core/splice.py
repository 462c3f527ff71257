"""Closing one stream's hole: what history gives, then what the line gave meanwhile, each event once and in order.

After a loss the stream is subscribed *first* and its live events are held here, and only then is history read; the
other way round loses what passes in between. The procedure, for one stream:

1. ``hold`` keeps the live events that arrive, in order. The first that is not older than the cursor is the *boundary*:
   everything before it is history's to give, everything from it on we already have.
2. A fetch reads history from ``start_ns``, which lies ``overlap`` before the cursor, because a venue may list late
   what it told late. ``rows`` takes a page and returns the rows that can be told at once: not told before, and
   certainly before the boundary.
3. Events without identity (quotes) repeat legally, so they are compared as multisets per instant. What was told before
   the hole is the *beginning* of its instant's run, so it is matched from the front; what is held is the *end* of the
   boundary's run, so it is matched from the back.
4. ``end_fetch`` judges. History trails the line by an unknown lag, so a hole is closed only when history shows the
   boundary itself. Where history then shows more at the boundary's instant, and events have no identity, what is lost
   and what is still on its way look alike until both runs are whole: something beyond must have come on both sides.
   Without any boundary, a fetch that began ``settle`` later shows that there is nothing. Else: fetch again.
5. ``release`` gives the rest in order and ends the splice; ``give_up`` also says what remains missing.

Two bounds on one unknown: the market time at which the venue took the subscription lies between ``asked_ns`` (read
before we sent it) and ``acked_ns`` (read after the venue acknowledged it); each use takes the safe one.
"""

from bisect import insort
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from typing import Literal, TypeAlias

from attrs import define, field, frozen

from engine.core.identity import identity, order_key, repeats, same_message
from engine.model.instant import NS_PER_S
from engine.model.market import MarketEvent
from engine.model.stream import Stream

Verdict: TypeAlias = Literal["open", "closed"]

# Our clock may be this far ahead of the venue's when a subscription is asked for; rows older than that are told at once
# instead of being kept until the boundary is known, which bounds memory when an hour has to be filled.
_CLOCK_ERROR_NS = 2 * NS_PER_S


@frozen(kw_only=True)
class Settling:
    """How far history may trail. All in nanoseconds of market time.

    ``settle_ns``: history older than this is complete. ``overlap_ns``: how far before the cursor a fetch begins.
    """

    settle_ns: int = 15 * NS_PER_S
    overlap_ns: int = 5 * NS_PER_S


@define
class Splice:
    """The closing of one hole in one stream. ``told`` are the latest events told, oldest first."""

    stream: Stream
    start_ns: int
    cursor_ns: int
    asked_ns: int
    acked_ns: int
    settling: Settling
    _told: dict[int, list[MarketEvent]]
    held: list[MarketEvent] = field(factory=list)
    _taken: dict[int, Counter[Hashable]] = field(factory=dict)
    _left: dict[int, Counter[Hashable]] = field(factory=dict)
    _pending: list[MarketEvent] = field(factory=list)
    recovered: int = 0
    progress_ns: int = 0
    _fetch_started_ns: int = 0
    _beyond: bool = False

    @property
    def boundary_ns(self) -> int | None:
        """The instant of the first live event after the hole, or ``None`` while there is none."""
        for event in self.held:
            if event.ts_ns >= self.cursor_ns:
                return event.ts_ns
        return None

    def hold(self, event: MarketEvent) -> bool:
        """Keep a live event until the hole is closed; false when it was told before and is dropped."""
        if any(same_message(old, event) for old in self._told.get(event.ts_ns, ())):
            return False
        for old in reversed(self.held):
            if old.ts_ns < event.ts_ns:
                break
            if old.ts_ns == event.ts_ns and same_message(old, event):
                return False
        if self.held and order_key(event) < order_key(self.held[-1]):
            insort(self.held, event, key=order_key)
        else:
            self.held.append(event)
        return True

    @property
    def pending(self) -> bool:
        """Whether rows of history wait for the boundary."""
        return bool(self._pending)

    def begin_fetch(self, now_ns: int) -> int:
        """A reading of history begins; returns the instant to read from."""
        self._fetch_started_ns = now_ns
        self._beyond = False
        self._left = {ts: Counter(keys) for ts, keys in self._taken.items() if ts >= self.progress_ns}
        return self.progress_ns

    def rows(self, rows: Iterable[MarketEvent]) -> list[MarketEvent]:
        """Take rows of this stream, oldest first; returns those that can be told now."""
        boundary_ns = self.boundary_ns
        for row in rows:
            ts = row.ts_ns
            if ts < self.progress_ns:
                continue
            if boundary_ns is not None and ts > boundary_ns:
                self._beyond = True
                break
            key = identity(row)
            left = self._left.get(ts)
            if left is not None and left[key] > 0:
                left[key] -= 1
                continue
            self._taken.setdefault(ts, Counter())[key] += 1
            self._pending.append(row)
            self.progress_ns = max(self.progress_ns, ts)
        return self._ready(boundary_ns)

    def _ready(self, boundary_ns: int | None) -> list[MarketEvent]:
        limit_ns = self.asked_ns - _CLOCK_ERROR_NS if boundary_ns is None else boundary_ns
        ready = [row for row in self._pending if row.ts_ns < limit_ns]
        if ready:
            self._pending = [row for row in self._pending if row.ts_ns >= limit_ns]
            self.recovered += len(ready)
            for ts in [ts for ts in self._taken if ts < self.progress_ns]:
                del self._taken[ts]
        return ready

    def end_fetch(self) -> Verdict:
        """Every page of the fetch was taken: is the hole closed?"""
        boundary_ns = self.boundary_ns
        settled_ns = self._fetch_started_ns - self.settling.settle_ns
        if boundary_ns is None:
            return "closed" if settled_ns >= self.acked_ns else "open"
        ours = Counter(identity(event) for event in self.held if event.ts_ns == boundary_ns)
        shown = Counter(identity(row) for row in self._pending if row.ts_ns == boundary_ns)
        if not ours & shown:
            return "open"
        if not repeats(self.held[-1]) or not shown - ours or settled_ns >= boundary_ns:
            return "closed"
        beyond = self._beyond or any(row.ts_ns > boundary_ns for row in self._pending)
        return "closed" if beyond and self.held[-1].ts_ns > boundary_ns else "open"

    def release(self) -> list[MarketEvent]:
        """End the splice: the last rows of history and the held live events, in order."""
        boundary_ns = self.boundary_ns
        if boundary_ns is None:
            before, run = self._pending, []
        else:
            before = [row for row in self._pending if row.ts_ns < boundary_ns]
            run = [row for row in self._pending if row.ts_ns == boundary_ns]
        first = next((at for at, event in enumerate(self.held) if event.ts_ns == boundary_ns), len(self.held))
        ours = [event for event in self.held[first:] if event.ts_ns == boundary_ns]
        whole = _join(run, ours)
        self.recovered += len(before) + len(whole) - len(ours)
        out = [*self.held[:first], *before, *whole, *self.held[first + len(ours) :]]
        self._pending, self.held = [], []
        return out


def _join(run: Sequence[MarketEvent], ours: Sequence[MarketEvent]) -> list[MarketEvent]:
    """The whole run of one instant, from what history shows of it and what the line brought of its end."""
    left = Counter(identity(event) for event in ours)
    ours_left = list(ours)
    out: list[MarketEvent] = []
    for row in reversed(run):
        key = identity(row)
        if left[key] > 0:
            left[key] -= 1
            at = max(at for at, event in enumerate(ours_left) if identity(event) == key)
            out.append(ours_left.pop(at))
        else:
            out.append(row)
    # History does not show these yet; the line brought them after what it does show.
    return [*reversed(out), *ours_left]


def open_splice(
    stream: Stream,
    told: Sequence[MarketEvent],
    *,
    told_all: bool,
    cursor_ns: int,
    heard_ns: int,
    began_ns: int,
    asked_ns: int,
    acked_ns: int,
    settling: Settling,
) -> Splice:
    """The splice of a stream that was lost and is subscribed again.

    ``told``: the latest events told, oldest first, all there ever were if ``told_all``. ``cursor_ns``: the newest
    instant told of this stream. ``heard_ns``: the newest of its kind on this feed, up to which the line worked.
    ``began_ns``: when the stream began for us; nothing before it is owed.
    """
    start_ns = max(max(cursor_ns, heard_ns) - settling.overlap_ns, began_ns)
    if told and not told_all:
        # Older events were told too but are no longer remembered, so their rows could not be recognised.
        start_ns = max(start_ns, min(event.ts_ns for event in told) + 1)
    remembered: dict[int, list[MarketEvent]] = {}
    for event in told:
        if event.ts_ns >= start_ns:
            remembered.setdefault(event.ts_ns, []).append(event)
    taken = {ts: Counter(identity(event) for event in events) for ts, events in remembered.items()}
    return Splice(
        stream=stream,
        start_ns=start_ns,
        cursor_ns=cursor_ns,
        asked_ns=asked_ns,
        acked_ns=acked_ns,
        settling=settling,
        told=remembered,
        taken=taken,
        progress_ns=start_ns,
    )
