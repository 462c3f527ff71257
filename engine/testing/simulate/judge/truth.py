"""What the exchange has published, by stream: what deliveries are held against.

The exchange's own memory cannot be it: that is history, which is revised. Here stands what was told, when it was told.
"""

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

from attrs import define, field
from msgspec.structs import astuple

from engine.model.market import Bar, Kind, MarketEvent, Quote, Trade

Key: TypeAlias = tuple[object, ...]
Name: TypeAlias = tuple[Kind, str]

OURS: Final = 3
"""Fields at the end of every event that say how it came: received_ns, origin, seq."""
BARS: Final = frozenset({Kind.BARS, Kind.UPDATED_BARS})


def content(event: MarketEvent) -> Key:
    """What the venue said: not how it came, when the venue received it, nor what became of it later."""
    every = astuple(event)[:-OURS]
    if isinstance(event, Trade):
        return every[:-2]  # revision, venue_ns
    return every[:-1] if isinstance(event, Quote) else every


@define
class Told:
    """One event as it was published: when, by market time, and of which instant it is."""

    published_ns: int
    ts_ns: int
    key: Key
    late: bool
    """Whether something younger of its stream was published before it."""


@define(eq=False)
class Published:
    """One stream's truth. Sorted by when it was published; ``ts`` by instant."""

    rows: list[Told] = field(factory=list)
    times: Counter[Key] = field(factory=Counter)
    """How often each content was published."""
    first_ns: dict[Key, int] = field(factory=dict)
    """When each was published first."""
    newest_ns: int = 0

    def add(self, event: MarketEvent, now_ns: int) -> None:
        key = content(event)
        self.rows.append(Told(now_ns, event.ts_ns, key, event.ts_ns < self.newest_ns))
        self.times[key] += 1
        self.first_ns.setdefault(key, now_ns)
        self.newest_ns = max(self.newest_ns, event.ts_ns)

    def between(self, start_ns: int, end_ns: int) -> Sequence[Told]:
        """What was published in a span of time, both ends included."""
        first = bisect_left(self.rows, start_ns, key=_when)
        return self.rows[first : bisect_right(self.rows, end_ns, key=_when)]


def _when(told: Told) -> int:
    return told.published_ns


@define(eq=False)
class Truth:
    """All streams."""

    start_ns: int = 0
    """What is older was before the session: history may tell of it."""
    streams: dict[Name, Published] = field(factory=dict)
    last_ns: int = 0
    """When anything was last published."""

    def add(self, events: Iterable[MarketEvent], now_ns: int) -> None:
        """The exchange told these."""
        for event in events:
            name = (event.kind, event.symbol)
            stream = self.streams.get(name)
            if stream is None:
                stream = self.streams[name] = Published()
            stream.add(event, now_ns)
        self.last_ns = now_ns

    def of(self, kind: Kind, symbol: str) -> Published:
        """One stream; empty where nothing was published."""
        return self.streams.get((kind, symbol)) or Published()

    def published_ns(self, event: MarketEvent) -> int | None:
        """When this was published first; ``None``: never."""
        return next(self._found(event), None)

    def times(self, event: MarketEvent) -> int:
        """How often it was published."""
        return self.of(event.kind, event.symbol).times[content(event)]

    def _found(self, event: MarketEvent) -> Iterator[int]:
        """A bar may be told as it was first, or as it was told again."""
        key = content(event)
        kinds = BARS if isinstance(event, Bar) and event.kind in BARS else (event.kind,)
        for kind in kinds:
            first_ns = self.of(kind, event.symbol).first_ns.get(key)
            if first_ns is not None:
                yield first_ns
