"""What is read of a tape at a time: a chunk of one stream, and the place of a stream that is being read."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol, TypeAlias

from attrs import define, field, frozen

from engine.model.market import MarketEvent, Origin
from engine.model.stream import Stream

WINDOW_EVENTS: Final = 65_536
"""Events of one window at most: some 16 MB of Python values."""
CHUNK_EVENTS: Final = 8_192
"""Rows made into events at a time: 2 MB, which stays in a processor's cache; more is slower."""
CHUNK_EVENTS_MIN: Final = 256
"""The least, of tapes with hundreds of streams: below it, each chunk's own cost shows."""
MADE_FIRST: Final = -1
"""Bars that are made from trades are told before the rows of the same instant."""
NEVER_NS: Final = 2**63 - 1
"""Later than anything on a tape."""

Key: TypeAlias = tuple[int, int, Any]
"""When due, which source, and the place among what that source has at one instant."""


@frozen(eq=False)
class Chunk:
    """Some events of one stream in order. ``dues_ns`` and ``places`` are as long and never fall."""

    events: list[MarketEvent]
    dues_ns: list[int]
    places: Sequence[Any]
    """Order among sources of one number (`Source.order`): a row's number, or its ``seq``."""


class Source(Protocol):
    """One stream of a tape, which can be read from any instant on, more than once at a time."""

    @property
    def stream(self) -> Stream: ...

    @property
    def order(self) -> int:
        """Of sources with rows of one instant, the lowest is told first. Those of one session share one number."""
        ...

    def read(self, after_ns: int, until_ns: int, rows: int, origin: Origin) -> Iterator[Chunk]:
        """What is due behind ``after_ns`` and until ``until_ns`` (inclusive), in chunks of at most ``rows``, none
        empty. ``origin`` replay has ``received_ns``, backfill has none."""
        ...

    def past(self, start_ns: int, end_ns: int, before_ns: int) -> Iterator[MarketEvent]:
        """Rows with times within both inclusive bounds that are due until ``before_ns``, as history tells them."""
        ...


class Opened(Source, Protocol):
    """A source that is on the disk, not made of others."""

    def first_due(self, start_ns: int) -> int | None:
        """When the first is due that is due at or behind ``start_ns``."""
        ...

    def last_due(self, end_ns: int) -> int | None:
        """When the last is due that is due at or before ``end_ns``."""
        ...


@define(eq=False)
class Cursor:
    """How far a source was read."""

    source: Source
    chunks: Iterator[Chunk]
    stream: Stream = field(init=False)
    order: int = field(init=False)
    chunk: Chunk = field(default=Chunk([], [], ()), init=False)
    at: int = field(default=0, init=False)

    def __attrs_post_init__(self) -> None:
        self.stream, self.order = self.source.stream, self.source.order

    def fill(self) -> bool:
        """Have something to tell; false at the end."""
        if self.at < len(self.chunk.events):
            return True
        following = next(self.chunks, None)
        self.at = 0
        self.chunk = Chunk([], [], ()) if following is None else following
        return following is not None

    @property
    def horizon(self) -> Key:
        """Until where this stream is known: the last of its chunk."""
        return self.chunk.dues_ns[-1], self.order, self.chunk.places[-1]

    def until(self, horizon: Key) -> int:
        """Where in the chunk the events end that come no later than this."""
        due_ns, order, place = horizon
        dues = self.chunk.dues_ns
        if dues[-1] < due_ns:
            return len(dues)
        first = bisect_left(dues, due_ns, self.at)
        if self.order > order:
            return first
        last = bisect_right(dues, due_ns, first)
        return last if self.order < order else bisect_right(self.chunk.places, place, first, last)
