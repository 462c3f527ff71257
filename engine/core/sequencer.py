"""One feed's streams in order: each event once, and a splice for every stream that has a hole.

The line is a TCP connection, so what arrives is what the venue sent, in the order in which it sent it. What can still
go wrong, and what becomes of it here:

* *told again*: the same message twice. Suppressed and counted (``core/identity.py`` says what "the same" means).
* *out of order within one arrival* (all that one wake-up of the reader found): put in order by event time.
* *late*: older than what its stream was already told in an earlier arrival. Delivered as it comes and counted; waiting
  for stragglers would delay every event of every strategy for the sake of a few.
* *revised*: a bar told again with other values, corrections and cancels. Delivered: they are news.
* *a loss*: each stream gets a `Splice` when it is subscribed again; until that closes, its live events are held.

The common case must cost little, so it is one look-up and one comparison: an event newer than all before it in its
stream cannot be a duplicate. Only ties and older events look back, at a bounded memory of what was told.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

from attrs import define, field

from engine.core.identity import identity, order_key, repeats, same_message
from engine.core.splice import Settling, Splice, open_splice
from engine.model.market import EVENT_TYPES, Kind, MarketEvent, Quote, Trade
from engine.model.stream import ANY, Stream, sequence_of

# What one stream remembers of what it told: 4096 is a second of the busiest symbol measured (4,066 a second), and
# 400,000 over all streams of a feed are about 100 MB, so that a subscription to everything stays bounded.
REMEMBERED_MAX = 4096
REMEMBERED_TOTAL_MAX = 400_000
_REMEMBERED_MIN = 64
# Declared holes that the next reading of history may look into again: it begins ten seconds back, and a hole that is
# declared takes a lost line.
_DECLARED_MAX = 16


@define(eq=False)
class Told:
    """What one stream has told so far."""

    stream: Stream
    began_ns: int
    last_ns: int
    recents: deque[MarketEvent]
    splice: Splice | None = None
    lost: bool = False
    heard_ns: int = 0
    duplicates: int = 0
    late: int = 0
    reordered: int = 0
    disorder_ns: int = 0
    declared: deque[tuple[int, int]] = field(factory=lambda: deque(maxlen=_DECLARED_MAX))
    """The latest spans that were told to be missing."""

    @property
    def cursor_ns(self) -> int:
        """The newest instant told, or just before the stream began."""
        return self.last_ns or self.began_ns - 1

    @property
    def told_all(self) -> bool:
        """Whether every event ever told is certain to be remembered still."""
        return len(self.recents) < (self.recents.maxlen or 0)

    @property
    def heard_last_ns(self) -> int:
        """The newest instant that a line brought, as far as is remembered, else 0: history speaks for its stream alone.

        A line may be mute while history is read for a quiet stream, and have kept from its neighbours what is older.
        """
        return next((event.ts_ns for event in reversed(self.recents) if event.origin != "backfill"), 0)

    def open_splice(self, heard_ns: int, *, asked_ns: int, acked_ns: int, settling: Settling) -> Splice:
        """A splice over what this stream has told; see `engine.core.splice.open_splice`."""
        return open_splice(
            self.stream,
            reversed(self.recents),
            told_all=self.told_all,
            disorder_ns=self.disorder_ns,
            cursor_ns=self.cursor_ns,
            heard_ns=heard_ns,
            began_ns=self.began_ns,
            asked_ns=asked_ns,
            acked_ns=acked_ns,
            settling=settling,
            declared=self.declared,
        )

    def place(self, event: MarketEvent) -> None:
        """Count an event that is out of order: repaired if its arrival holds what it follows, else late."""
        self.disorder_ns = max(self.disorder_ns, self.last_ns - event.ts_ns)
        for old in reversed(self.recents):
            if old.received_ns != event.received_ns:
                if event.ts_ns < old.ts_ns:
                    self.late += 1
                    return
                break
        self.reordered += 1

    def tell(self, events: Sequence[MarketEvent]) -> None:
        """These were told, in this order, outside the fast path."""
        self.recents.extend(events)
        for event in events:
            if event.ts_ns < self.last_ns:
                self.late += 1
                self.disorder_ns = max(self.disorder_ns, self.last_ns - event.ts_ns)
            else:
                self.last_ns = event.ts_ns


@define(eq=False)
class Sequencer:
    """The streams of one feed."""

    settling: Settling = field(factory=Settling)
    held: int = 0
    _reordered: int = 0
    _tables: dict[type, dict[str, Told]] = field(factory=dict)

    def __iter__(self) -> Iterator[Told]:
        for table in self._tables.values():
            yield from table.values()

    def of(self, stream: Stream) -> Told | None:
        """What a stream has told, if it is known."""
        return self._tables.get(EVENT_TYPES[stream.kind], {}).get(stream.symbol)

    def begin(self, stream: Stream, now_ns: int) -> None:
        """A stream is acknowledged for the first time: from here on it owes every event."""
        stream = sequence_of(stream)
        if stream.symbol != ANY and self.of(stream) is None:
            self._add(EVENT_TYPES[stream.kind], stream, now_ns)

    def end(self, stream: Stream) -> None:
        """A stream is no longer wanted: it owes nothing more."""
        told = self._tables.get(EVENT_TYPES[stream.kind], {}).pop(stream.symbol, None)
        if told is not None and told.splice is not None:
            self.held -= len(told.splice.held)

    def _add(self, event_type: type, stream: Stream, began_ns: int) -> Told:
        table = self._tables.setdefault(event_type, {})
        streams = 1 + sum(len(known) for known in self._tables.values())
        size = max(_REMEMBERED_MIN, min(REMEMBERED_MAX, REMEMBERED_TOTAL_MAX // streams))
        told = Told(stream, began_ns, 0, deque(maxlen=size))
        table[stream.symbol] = told
        return told

    def accept(self, events: Sequence[MarketEvent]) -> Sequence[MarketEvent]:
        """Take one arrival of the live line; returns what is to be told now, in order."""
        left_out: set[int] = set()
        tables = self._tables
        reordered = self._reordered
        for position, event in enumerate(events):
            try:
                told = tables[type(event)][event.symbol]
            except KeyError:
                # A wildcard subscription brings symbols nobody named.
                told = self._add(type(event), Stream(event.kind, event.symbol), event.ts_ns)
            ts_ns = event.ts_ns
            if ts_ns > told.last_ns and told.splice is None:
                told.last_ns = ts_ns
                told.recents.append(event)
            elif not self._take(told, event):
                left_out.add(position)
        if left_out:
            events = [event for position, event in enumerate(events) if position not in left_out]
        return events if self._reordered == reordered else _mend(events)

    def _take(self, told: Told, event: MarketEvent) -> bool:
        """The uncommon case: a tie, something older, or a stream with a hole. False when it is not to be told now."""
        if told.splice is not None:
            # A straggler may bring what history gave a moment ago.
            given = event.ts_ns <= told.last_ns and self._told_before(told, event)
            if not given and told.splice.hold(event):
                self.held += 1
            else:
                told.duplicates += 1
            return False
        if event.ts_ns > told.last_ns:
            told.last_ns = event.ts_ns
        elif self._told_before(told, event):
            told.duplicates += 1
            return False
        elif event.ts_ns < told.last_ns or _misplaced(told.recents, event):
            told.place(event)
            self._reordered += 1
        told.recents.append(event)
        return True

    def _told_before(self, told: Told, event: MarketEvent) -> bool:
        older = event.ts_ns < told.last_ns or told.splice is not None
        # Nothing was ever further out of order than this, so nothing equal lies further back.
        until_ns = event.ts_ns - told.disorder_ns
        for old in reversed(told.recents):
            if old.ts_ns == event.ts_ns:
                if same_message(old, event):
                    return True
                # A straggler that history gave meanwhile: history does not carry the receive time.
                if older and old.origin == "backfill" and repeats(event) and identity(old) == identity(event):
                    return True
            elif old.ts_ns < until_ns:
                return False
        return False

    def lose(self) -> None:
        """The line ended: every stream has a hole from its last event on; what was held will be read from history."""
        for table in self._tables.values():
            newest_ns = max((told.heard_last_ns for told in table.values()), default=0)
            for told in table.values():
                if not told.lost and told.splice is None:
                    # Whole until now: the line brought everything that is older than its newest event of this kind.
                    told.heard_ns = newest_ns
                told.lost = True
                told.splice = None
        self.held = 0

    def resume(self, kind: Kind, symbols: Iterable[str] | None, *, asked_ns: int, acked_ns: int) -> list[Splice]:
        """Streams of a kind that has history are subscribed again (``None``: all of it); returns their new splices."""
        table = self._tables.get(EVENT_TYPES[kind], {})
        splices = []
        for symbol in table if symbols is None else symbols:
            told = table.get(symbol)
            if told is None or not told.lost:
                continue
            told.lost = False
            told.splice = told.open_splice(told.heard_ns, asked_ns=asked_ns, acked_ns=acked_ns, settling=self.settling)
            splices.append(told.splice)
        return splices

    def pardon(self, stream: Stream) -> int | None:
        """A lost stream without history is subscribed again: its cursor if it had a hole, from which it now goes on."""
        told = self.of(stream)
        if told is None or not told.lost:
            return None
        told.lost = False
        return told.cursor_ns

    def take_rows(self, splice: Splice, rows: Iterable[MarketEvent]) -> list[MarketEvent]:
        """History gave these rows of a stream with a hole; returns what is to be told now, in order."""
        told = self.of(splice.stream)
        if told is None or told.splice is not splice:
            return []
        held = len(splice.held)
        events = splice.rows(rows)
        self.held -= held - len(splice.held)
        told.tell(events)
        return events

    def declare(self, stream: Stream, start_ns: int, end_ns: int) -> None:
        """This span of a stream was told to be missing: no later reading of history takes that back."""
        told = self.of(stream)
        if told is not None:
            told.declared.append((start_ns, end_ns))

    def finish(self, splice: Splice) -> list[MarketEvent]:
        """Close a splice: the last rows of history and the held events, in the order in which to tell them now."""
        told = self.of(splice.stream)
        if told is None or told.splice is not splice:
            return []
        self.held -= len(splice.held)
        events = splice.release()
        told.splice = None
        told.tell(events)
        return events


def _mend(events: Sequence[MarketEvent]) -> list[MarketEvent]:
    """Put each stream of an arrival in order, within the places that its events have among the others."""
    places: dict[tuple[type, str], list[int]] = {}
    for place, event in enumerate(events):
        places.setdefault((type(event), event.symbol), []).append(place)
    out = list(events)
    for own in places.values():
        for place, event in zip(own, sorted((events[at] for at in own), key=order_key), strict=True):
            out[place] = event
    return out


def _misplaced(recents: Sequence[MarketEvent], event: MarketEvent) -> bool:
    """Whether an event belongs before the last one told, at the same instant, by the venue's receive time."""
    last = recents[-1] if recents else None
    if not isinstance(event, Trade | Quote) or not isinstance(last, Trade | Quote):
        return False
    return 0 < event.venue_ns < last.venue_ns and event.ts_ns == last.ts_ns
