"""The rows of one kind and symbol by time, old ones packed: a day of them in memory costs twenty bytes a row, not 300.

The newest rows are what readers ask for and what revisions change, so they stay objects. Older ones are sealed: some
hundreds of neighbours at a time become one compressed chunk, made into objects again when somebody reads them, and the
chunks read last stay open. A chunk never changes, a revision puts another in its place; so what a reader holds (a
`Span`) is what was there when he asked, whatever is published meanwhile, and costs nothing until he looks at it.
"""

import zlib
from bisect import bisect_left, bisect_right, insort_right
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate, starmap
from operator import attrgetter
from types import GenericAlias
from typing import Any, Final, TypeAlias, overload

from attrs import frozen
from msgspec.msgpack import Decoder, Encoder
from msgspec.structs import astuple, fields

from engine.model.market import EVENT_TYPES, Kind, MarketEvent

OPENED_MAX: Final = 64
"""Chunks kept open: a page of 10,000 rows and what a search for its start touches, some 5 MB."""
CHUNK_ROWS_MAX: Final = 512
"""A chunk that late rows have grown beyond this becomes two."""
ZLIB_LEVEL: Final = 1
"""Higher levels take twice the time and save a tenth."""

_encode: Final = Encoder().encode
_DECODERS: Final[Mapping[Kind, Decoder[Any]]] = {
    kind: Decoder(GenericAlias(list, (GenericAlias(tuple, tuple(each.type for each in fields(event_type))),)))
    for kind, event_type in EVENT_TYPES.items()
}
_ts_ns: Final = attrgetter("ts_ns")
_first_ns: Final = attrgetter("first_ns")
_last_ns: Final = attrgetter("last_ns")


@frozen(eq=False)
class Chunk:
    """Neighbouring rows of one series, packed."""

    kind: Kind
    packed: bytes
    size: int
    first_ns: int
    last_ns: int

    def __len__(self) -> int:
        return self.size


Part: TypeAlias = Chunk | Sequence[MarketEvent]


def seal(rows: Sequence[MarketEvent]) -> Chunk:
    """Pack rows of one kind: at least one, by time."""
    packed = zlib.compress(_encode([astuple(row) for row in rows]), ZLIB_LEVEL)
    return Chunk(rows[0].kind, packed, len(rows), rows[0].ts_ns, rows[-1].ts_ns)


@lru_cache(maxsize=OPENED_MAX)
def _unpack(chunk: Chunk) -> Sequence[MarketEvent]:
    return tuple(starmap(EVENT_TYPES[chunk.kind], _DECODERS[chunk.kind].decode(zlib.decompress(chunk.packed))))


def _rows_of(part: Part) -> Sequence[MarketEvent]:
    return _unpack(part) if isinstance(part, Chunk) else part


class Span(Sequence[MarketEvent]):
    """Rows by time as they were when asked for; those of chunks are unpacked as they are looked at.

    A slice of it is one too, in either direction. It equals any sequence of the same rows.
    """

    __slots__ = ("_parts", "_places", "_starts")

    def __init__(self, parts: Sequence[Part], starts: Sequence[int], places: range) -> None:
        self._parts = parts
        self._starts = starts
        """How many rows are before each part, and then how many there are."""
        self._places = places
        """Which of them belong to the span, and in which direction."""

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, index: int) -> MarketEvent: ...

    @overload
    def __getitem__(self, index: slice) -> "Span": ...

    def __getitem__(self, index: int | slice) -> "MarketEvent | Span":
        if isinstance(index, slice):
            return Span(self._parts, self._starts, self._places[index])
        place = self._places[index]
        part = bisect_right(self._starts, place) - 1
        return _rows_of(self._parts[part])[place - self._starts[part]]

    def __iter__(self) -> Iterator[MarketEvent]:
        rows: Sequence[MarketEvent] = ()
        start = behind = 0
        for place in self._places:
            if not start <= place < behind:
                part = bisect_right(self._starts, place) - 1
                rows, start, behind = _rows_of(self._parts[part]), self._starts[part], self._starts[part + 1]
            yield rows[place - start]

    def __reversed__(self) -> Iterator[MarketEvent]:
        return iter(self[::-1])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list: equal to what can change

    def __repr__(self) -> str:
        return f"Span({list(self)!r})"


def _join(parts: Sequence[Part], before: int = 0, after: int = 0) -> Span:
    """The rows of all parts, without so many at both ends."""
    starts = list(accumulate(map(len, parts), initial=0))
    return Span(parts, starts, range(before, starts[-1] - after))


class Series:
    """The events of one kind and symbol, by time; ties in the order of publication."""

    __slots__ = ("_sealed", "newest")

    def __init__(self) -> None:
        self._sealed: list[Chunk] = []
        self.newest: list[MarketEvent] = []
        """The rows that are not packed, to be read only. Not empty while there are others, so its last row is last."""

    def __len__(self) -> int:
        return sum(map(len, self._sealed)) + len(self.newest)

    @property
    def rows(self) -> Span:
        """All rows, as they are now."""
        return _join([*self._sealed, self.newest[:]])

    def between(self, start_ns: int, end_ns: int) -> Span:
        """The rows within both inclusive bounds, as they are now."""
        first = bisect_left(self._sealed, start_ns, key=_last_ns)
        behind = bisect_right(self._sealed, end_ns, key=_first_ns)
        chunks = self._sealed[first:behind]
        newest = self.newest[
            bisect_left(self.newest, start_ns, key=_ts_ns) : bisect_right(self.newest, end_ns, key=_ts_ns)
        ]
        before = after = 0
        if chunks and chunks[0].first_ns < start_ns:
            before = bisect_left(_unpack(chunks[0]), start_ns, key=_ts_ns)
        if chunks and chunks[-1].last_ns > end_ns:
            after = len(chunks[-1]) - bisect_right(_unpack(chunks[-1]), end_ns, key=_ts_ns)
        return _join([*chunks, newest], before, after)

    def add(self, event: MarketEvent) -> None:
        """Put an event where its time belongs, behind those of the same instant."""
        newest, ts_ns = self.newest, event.ts_ns
        if not newest or ts_ns >= newest[-1].ts_ns:
            newest.append(event)
        elif not self._sealed or ts_ns >= self._sealed[-1].last_ns:
            insort_right(newest, event, key=_ts_ns)
        else:
            place = max(bisect_right(self._sealed, ts_ns, key=_first_ns) - 1, 0)
            rows = list(_unpack(self._sealed[place]))
            insort_right(rows, event, key=_ts_ns)
            self._reseal(place, rows)

    def put(self, place: int, row: MarketEvent) -> None:
        """Put a row in the place of another of the same instant; ``place`` counts from the oldest row."""
        for number, chunk in enumerate(self._sealed):
            if place < len(chunk):
                rows = list(_unpack(chunk))
                rows[place] = row
                self._reseal(number, rows)
                return
            place -= len(chunk)
        self.newest[place] = row

    def _reseal(self, number: int, rows: list[MarketEvent]) -> None:
        """Put a chunk of these rows in the place of one, or two when they have become many."""
        half = len(rows) // 2
        pieces = [rows] if len(rows) <= CHUNK_ROWS_MAX else [rows[:half], rows[half:]]
        self._sealed[number : number + 1] = map(seal, pieces)

    def seal_older(self) -> None:
        """Pack the older half of the newest rows, of which there must be two at least."""
        half = len(self.newest) // 2
        self._sealed.append(seal(self.newest[:half]))
        del self.newest[:half]

    def cut_ns(self, parts: int) -> int:
        """An instant behind about one of so many equal parts of the rows, and behind one row at least."""
        if self._sealed:
            return self._sealed[len(self._sealed) // parts].last_ns + 1
        return self.newest[len(self.newest) // parts].ts_ns + 1

    def forget(self, before_ns: int) -> int:
        """Drop what is older, whole chunks at a time, so that some of it may stay; returns how many rows went."""
        chunks = bisect_left(self._sealed, before_ns, key=_last_ns)
        rows = bisect_left(self.newest, before_ns, key=_ts_ns)
        dropped = sum(map(len, self._sealed[:chunks])) + rows
        del self._sealed[:chunks], self.newest[:rows]
        return dropped
