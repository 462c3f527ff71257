"""Closing one stream's hole: what history gives, woven with what the line gave meanwhile, each event once and in order.

After a loss the stream is subscribed *first* and its live events are held here, and only then is history read; the
other way round loses what passes in between. The procedure, for one stream:

1. ``hold`` keeps the live events that arrive, in order. The *boundary* is the first of them that the line certainly
   owed: not older than the acknowledgement. From it on we have everything; before it there may be stragglers, told
   late, with more of the hole behind them.
2. A fetch reads history from ``overlap`` before the cursor, and so does each one that follows from before what the
   last one showed, because a venue lists late what it told late. ``rows`` takes a page and returns what can be told at
   once: rows not told before, woven with the held events that they show or pass.
3. Events without identity (quotes) repeat legally, so they are compared as multisets per instant. What was told before
   the hole is the *beginning* of its instant's run, so it is matched from the front; what is held is the *end* of its
   instant's run, so it is matched from the back.
4. ``end_fetch`` judges. History trails the line by an unknown lag, so a hole is closed only when history shows the
   boundary itself. Where history then shows more at the boundary's instant, and events have no identity, what is lost
   and what is still on its way look alike until both runs are whole: something beyond must have come on both sides.
   Without any boundary, a fetch that began ``settle`` later shows that there is nothing. Else: fetch again.
5. ``release`` gives the rest in order and ends the splice, also when it is given up.

Two bounds on one unknown: the market time at which the venue took the subscription lies between ``asked_ns`` (read
before we sent it) and ``acked_ns`` (read after the venue acknowledged it); each use takes the safe one. A bar carries
its start and is published a minute later, so for bars both are that much earlier.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from itertools import groupby
from typing import Literal, TypeAlias

from attrs import define, field, frozen

from engine.core.identity import identity, order_key, repeats, same_message
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, MarketEvent
from engine.model.stream import Stream

Verdict: TypeAlias = Literal["open", "closed"]

# Our clock may be this far ahead of the venue's when a subscription is asked for; rows older than that are told at once
# instead of being kept until the boundary is known, which bounds memory when an hour has to be filled.
CLOCK_ERROR_NS = 2 * NS_PER_S
# Of these instants it is remembered what history has shown: a second of the busiest symbol measured, some megabyte.
TAKEN_MAX = 4096


@frozen(kw_only=True)
class Settling:
    """How far history may trail. All in nanoseconds of market time.

    ``settle_ns``: history older than this is complete. ``overlap_ns``: how far before what is known a fetch begins;
    trades are reported up to ten seconds late (Alpaca's FAQ).
    """

    settle_ns: int = 15 * NS_PER_S
    overlap_ns: int = 10 * NS_PER_S


def told_after_ns(kind: Kind) -> int:
    """How long after its own instant an event of this kind is published: a bar carries its start."""
    return 60 * NS_PER_S if kind in (Kind.BARS, Kind.UPDATED_BARS) else 0


@define
class Splice:
    """The closing of one hole in one stream. ``acked_ns`` may be lowered once the venue's clock was read."""

    stream: Stream
    start_ns: int
    cursor_ns: int
    asked_ns: int
    acked_ns: int
    settling: Settling
    _told: dict[int, list[MarketEvent]]
    held: list[MarketEvent] = field(factory=list)
    declared: tuple[tuple[int, int], ...] = ()
    """Spans that were told to be missing, ends exclusive: what follows them was told, so their rows come too late."""
    _taken: dict[int, Counter[Hashable]] = field(factory=dict)
    _left: dict[int, Counter[Hashable]] = field(factory=dict)
    _pending: list[MarketEvent] = field(factory=list)
    recovered: int = 0
    progress_ns: int = 0
    """The newest instant that history has shown."""
    _from_ns: int = 0
    """Where the fetch in progress began to read."""
    _floor_ns: int = 0
    """What is older is not remembered, so its rows could not be recognised."""
    _fetch_started_ns: int = 0
    _beyond: bool = False

    @property
    def boundary_ns(self) -> int | None:
        """The instant of the first held event that the line certainly owed, or ``None`` while there is none."""
        owed_ns = max(self.acked_ns - told_after_ns(self.stream.kind), self.cursor_ns)
        at = bisect_left(self.held, (owed_ns, 0), key=order_key)
        return self.held[at].ts_ns if at < len(self.held) else None

    @property
    def resumed_ns(self) -> int | None:
        """The instant of the first held event that came after the subscription was asked for: where a gap ends."""
        at = bisect_left(self.held, (max(self._unasked_ns, self.cursor_ns), 0), key=order_key)
        return self.held[at].ts_ns if at < len(self.held) else None

    @property
    def pending(self) -> bool:
        """Whether rows of history wait for the boundary."""
        return bool(self._pending)

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

    def begin_fetch(self, now_ns: int) -> int:
        """A reading of history begins; returns the instant to read from."""
        self._fetch_started_ns = now_ns
        self._beyond = False
        self._from_ns = self._overlapped_ns
        self._left = {ts: Counter(keys) for ts, keys in self._taken.items() if ts >= self._from_ns}
        return self._from_ns

    @property
    def _overlapped_ns(self) -> int:
        """What is older was listed by now, however late it was told."""
        return max(self.start_ns, self.progress_ns - self.settling.overlap_ns, self._floor_ns)

    def rows(self, rows: Iterable[MarketEvent]) -> list[MarketEvent]:
        """Take rows of this stream, oldest first; returns what can be told now, held events among it."""
        boundary_ns = self.boundary_ns
        for row in rows:
            ts = row.ts_ns
            if ts < self._from_ns:
                continue
            if boundary_ns is not None and ts > boundary_ns:
                self._beyond = True
                break
            if ts < self.cursor_ns and any(start_ns <= ts < end_ns for start_ns, end_ns in self.declared):
                continue
            key = identity(row)
            left = self._left.get(ts)
            if left is not None and left[key] > 0:
                left[key] -= 1
                continue
            self._take(row)
            if self._pending and ts < self._pending[-1].ts_ns:
                insort(self._pending, row, key=_instant)
            else:
                self._pending.append(row)
            self.progress_ns = max(self.progress_ns, ts)
        return self._tell_before(self._unasked_ns if boundary_ns is None else boundary_ns)

    @property
    def _unasked_ns(self) -> int:
        """Events older than this were certainly published before the subscription was asked for."""
        return self.asked_ns - told_after_ns(self.stream.kind) - CLOCK_ERROR_NS

    def _take(self, event: MarketEvent) -> None:
        self._taken.setdefault(event.ts_ns, Counter())[identity(event)] += 1

    def _tell_before(self, limit_ns: int) -> list[MarketEvent]:
        """Weave the pending rows older than ``limit_ns``; the newest run may go on in the next page and is kept."""
        if not self._pending:
            return []
        limit_ns = min(limit_ns, self._pending[-1].ts_ns)
        at = bisect_left(self._pending, limit_ns, key=_instant)
        ready, self._pending = self._pending[:at], self._pending[at:]
        out = self._weave(ready)
        self._forget()
        return out

    def _forget(self) -> None:
        """Keep what the next fetch will show again, as far as there is room."""
        if len(self._taken) > TAKEN_MAX:
            self._floor_ns = sorted(self._taken)[-TAKEN_MAX]
        from_ns = self._overlapped_ns
        for ts in [ts for ts in self._taken if ts < from_ns]:
            del self._taken[ts]

    def _weave(self, rows: Sequence[MarketEvent]) -> list[MarketEvent]:
        """Rows with the held events that are not newer than the last of them, in order, each event once."""
        out: list[MarketEvent] = []
        at = 0
        for ts, of_instant in groupby(rows, key=lambda row: row.ts_ns):
            first = bisect_left(self.held, (ts, 0), lo=at, key=order_key)
            last = bisect_left(self.held, (ts + 1, 0), lo=first, key=order_key)
            run = list(of_instant)
            joined, unlisted = _join(run, self.held[first:last])
            for held in (*self.held[at:first], *unlisted):
                self._take(held)
            out += self.held[at:first]
            out += joined
            self.recovered += len(joined) - (last - first)
            at = last
        del self.held[:at]
        return out

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
        rows = [row for row in self._pending if boundary_ns is None or row.ts_ns <= boundary_ns]
        out = self._weave(rows) + self.held
        self._pending, self.held = [], []
        return out


def _instant(event: MarketEvent) -> int:
    return event.ts_ns


def _join(run: Sequence[MarketEvent], ours: Sequence[MarketEvent]) -> tuple[list[MarketEvent], Sequence[MarketEvent]]:
    """The whole run of one instant, from what history shows of it and what the line brought of its end.

    Beside it those that history does not show yet: the line brought them after what it does show.
    """
    if not ours:
        return list(run), ()
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
    return [*reversed(out), *ours_left], ours_left


def open_splice(
    stream: Stream,
    told: Iterable[MarketEvent],
    *,
    told_all: bool,
    disorder_ns: int,
    cursor_ns: int,
    heard_ns: int,
    began_ns: int,
    asked_ns: int,
    acked_ns: int,
    settling: Settling,
    declared: Iterable[tuple[int, int]] = (),
) -> Splice:
    """The splice of a stream that was lost and is subscribed again.

    ``told``: the latest events told, newest first, all there ever were if ``told_all``, none of them further out of
    order than ``disorder_ns``. ``cursor_ns``: the newest
    instant told of this stream. ``heard_ns``: the newest of its kind on this feed, up to which the line worked.
    ``began_ns``: when the stream began for us; nothing published before it is owed. ``declared``: see `Splice`.
    """
    start_ns = max(max(cursor_ns, heard_ns) - settling.overlap_ns, began_ns - told_after_ns(stream.kind))
    remembered: dict[int, list[MarketEvent]] = {}
    oldest_ns = cursor_ns
    for event in told:
        oldest_ns = min(oldest_ns, event.ts_ns)
        if event.ts_ns >= start_ns:
            remembered.setdefault(event.ts_ns, []).append(event)
        elif event.ts_ns < start_ns - disorder_ns:
            break  # nothing was ever told further out of order than this, so what was told earlier is older
    else:
        if not told_all:
            # Older events were told too but are no longer remembered, so their rows could not be recognised.
            start_ns = max(start_ns, oldest_ns + 1)
            remembered.pop(oldest_ns, None)
    taken = {ts: Counter(identity(event) for event in events) for ts, events in remembered.items()}
    return Splice(
        stream=stream,
        start_ns=start_ns,
        cursor_ns=cursor_ns,
        asked_ns=asked_ns,
        acked_ns=acked_ns,
        settling=settling,
        declared=tuple(span for span in declared if span[1] > start_ns),
        told=remembered,
        taken=taken,
        progress_ns=start_ns,
        from_ns=start_ns,
    )
