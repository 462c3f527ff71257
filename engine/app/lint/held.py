"""A tape whose events are in memory: of a market made from a seed, or written down in a test."""

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence, Set
from itertools import islice, takewhile
from typing import Final, TypeAlias

import msgspec
from attrs import define, field
from msgspec.structs import replace

from engine.errors import Misconfigured
from engine.exchange.generator import Generator
from engine.exchange.made.families import Families
from engine.model.instant import NS_PER_S
from engine.model.market import Bar, DailyBar, Kind, MarketEvent, News, UpdatedBar
from engine.model.stream import ANY, ARTICLES, Stream
from engine.ports.tape import Window

Row: TypeAlias = tuple[int, MarketEvent]
"""When an event is due (market time, ns), and the event."""

WINDOW_EVENTS: Final = 1024
"""What is left of a window is copied when some of it was told, so it is a few microseconds long."""
MADE_EVENTS_MAX: Final = 500_000
"""Rows of a made market that are held in the mean, some 150 MB."""
BAR_DUE_NS: Final = 60 * NS_PER_S


def due_of(event: MarketEvent) -> int:
    """When an event is told that says nothing of it: a bar when its minute is over, all else at its own time."""
    if type(event) is Bar:
        return event.ts_ns + BAR_DUE_NS
    return event.received_ns or event.ts_ns if isinstance(event, DailyBar | UpdatedBar) else event.ts_ns


def stream_of(event: MarketEvent) -> Stream:
    """The sequence that an event belongs to."""
    return ARTICLES if isinstance(event, News) else Stream(event.kind, event.symbol)


def rest_of(window: Window, count: int) -> Window | None:
    """What is left of a window when so many of its events were told; ``None`` where nothing is."""
    if count >= len(window.events):
        return None
    return Window(window.events[count:], window.dues_ns[count:], window.streams)


@define
class Rows:
    """What a tape holds, to be shared by all tapes over it. ``rows`` in order of their time."""

    rows: Sequence[Row]
    digest: str = ""
    events: list[MarketEvent] = field(init=False)
    dues_ns: list[int] = field(init=False)
    streams: list[Stream] = field(init=False)
    past: dict[Stream, list[int]] = field(factory=dict, init=False)
    """By stream the places of its rows, in the order in which they are told."""

    def __attrs_post_init__(self) -> None:
        self.dues_ns = [due_ns for due_ns, _ in self.rows]
        if not self.rows or any(later < due for due, later in zip(self.dues_ns, self.dues_ns[1:], strict=False)):
            raise Misconfigured("A tape needs at least one event, and its events in the order of their time.")
        self.events = [replace(event, origin="replay", received_ns=due_ns) for due_ns, event in self.rows]
        self.streams = [stream_of(event) for event in self.events]
        for place, stream in enumerate(self.streams):
            self.past.setdefault(stream, []).append(place)
        self.digest = self.digest or digest_of(self.events)


def digest_of(events: Iterable[MarketEvent]) -> str:
    """A hash of events, the same on every machine."""
    hashed, encode = hashlib.sha256(), msgspec.msgpack.Encoder().encode
    for event in events:
        hashed.update(encode([event.kind, event]))
    return hashed.hexdigest()[:16]


class HeldTape:
    """A `Tape` over rows in memory. Many may share the same rows."""

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        self._at = 0
        self._begin_ns: dict[Stream, int] = {}
        self._places: list[int] = []
        self._window: Window | None = None

    @property
    def symbols(self) -> tuple[str, ...]:
        """Sorted; news has none."""
        return tuple(sorted({stream.symbol for stream in self._rows.past if stream.symbol}))

    @property
    def start_ns(self) -> int:
        """When its first event is due."""
        return self._rows.dues_ns[0]

    @property
    def end_ns(self) -> int:
        """When its last event is due."""
        return self._rows.dues_ns[-1]

    @property
    def digest(self) -> str:
        """A hash of all of it."""
        return self._rows.digest

    @property
    def streams(self) -> frozenset[Stream]:
        """What it holds."""
        return frozenset(self._rows.past)

    def want(self, streams: Set[Stream], *, after_ns: int = 0) -> None:
        """See `engine.ports.tape.Tape.want`."""
        wanted = {each for each in self._rows.past if each in streams or Stream(each.kind, ANY) in streams}
        if any(stream.kind is Kind.NEWS for stream in streams) and ARTICLES in self._rows.past:
            wanted.add(ARTICLES)
        told_ns = max(self._rows.dues_ns[self._at - 1] if self._at else -1, after_ns)
        self._begin_ns = {stream: self._begin_ns.get(stream, told_ns) for stream in wanted}
        self._window = None

    def window(self) -> Window | None:
        """See `engine.ports.tape.Tape.window`."""
        if self._window is None:
            self._places = list(islice(self._wanted_places(), WINDOW_EVENTS))
            if self._places:
                rows = self._rows
                self._window = Window(
                    [rows.events[place] for place in self._places],
                    [rows.dues_ns[place] for place in self._places],
                    frozenset(rows.streams[place] for place in self._places),
                )
        return self._window

    def advance(self, count: int) -> None:
        """See `engine.ports.tape.Tape.advance`."""
        if count and self._window is not None:
            self._at = self._places[count - 1] + 1
            self._places = self._places[count:]
            self._window = rest_of(self._window, count)

    def _wanted_places(self) -> Iterator[int]:
        rows = self._rows
        for place in range(self._at, len(rows.events)):
            begin_ns = self._begin_ns.get(rows.streams[place])
            if begin_ns is not None and rows.dues_ns[place] > begin_ns:
                yield place

    def history(self, kind: Kind, symbol: str, start_ns: int, end_ns: int, *, before_ns: int) -> Sequence[MarketEvent]:
        """See `engine.ports.tape.Tape.history`."""
        rows = self._rows
        places = rows.past.get(ARTICLES if kind is Kind.NEWS else Stream(kind, symbol), [])
        known = places[: bisect_right(places, before_ns, key=rows.dues_ns.__getitem__)]
        found = [rows.events[place] for place in known if start_ns <= rows.events[place].ts_ns <= end_ns]
        return [replace(event, origin="backfill") for event in sorted(found, key=lambda event: event.ts_ns)]


def hold(events: Iterable[MarketEvent]) -> Rows:
    """The events of a test as a tape: told in the order of when they are due, ties as they were given."""
    return Rows(sorted(((due_of(event), event) for event in events), key=lambda row: row[0]))


def make_market(*, seed: int, symbols: Sequence[str], start_ns: int, minutes: float, events_per_s: float) -> Rows:
    """A market made from a seed, as the embedded exchange plays it, with its news; raises `Misconfigured`."""
    source = Generator(seed, start_ns, tuple(symbols), events_per_s)
    end_ns = start_ns + round(minutes * 60 * NS_PER_S)
    if events_per_s * 60 * minutes > MADE_EVENTS_MAX:
        raise Misconfigured(f"A made market may have {MADE_EVENTS_MAX} events: ask for fewer minutes or events.")
    wanted = frozenset(source.symbols)
    rows = takewhile(lambda row: row[0] <= end_ns, Families(source, seed, events_per_s).rows())
    told = [row for row in rows if row[1].symbol in wanted or isinstance(row[1], News)]
    return Rows(told)
