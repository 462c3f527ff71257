"""The rows of a Parquet part as events: a source."""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final, cast

from attrs import frozen

from engine.codec import columns
from engine.core.bars import TradeIds, id_day_ns
from engine.model.market import Kind, MarketEvent, Origin
from engine.model.stream import Stream
from engine.store.tape.chunks import CHUNK_EVENTS, Chunk
from engine.store.tape.parts import Part

_READ: Final[Mapping[Kind, Callable[..., Iterator[MarketEvent]]]] = {
    Kind.QUOTES: columns.quotes,
    Kind.BARS: columns.bars,
}


@frozen(eq=False)
class Rows:
    """The rows of one symbol in one file, told as the file has them."""

    part: Part

    @property
    def stream(self) -> Stream:
        """What it tells."""
        return self.part.stream

    @property
    def order(self) -> int:
        """See `engine.store.tape.chunks.Source`."""
        return self.part.order

    def read(self, after_ns: int, until_ns: int, rows: int, origin: Origin) -> Iterator[Chunk]:
        """See `engine.store.tape.chunks.Source`."""
        late_ns, bars = self.part.late_ns, self.part.file.kind is Kind.BARS
        told = origin == "replay"
        for row, lists, make in self._lists(after_ns + 1 - late_ns, until_ns - late_ns, rows):
            times = cast("list[int]", lists["ts_ns"])
            dues = [ts_ns + late_ns for ts_ns in times] if late_ns else times
            events = list(make(received=dues if told else None, origin=origin))
            # The day that a bar is counted into comes behind it: odd places are for days.
            places = range(2 * row, 2 * (row + len(times)), 2) if bars else range(row, row + len(times))
            yield Chunk(events, dues, places)

    def past(self, start_ns: int, end_ns: int, before_ns: int) -> Iterator[MarketEvent]:
        """See `engine.store.tape.chunks.Source`."""
        late_ns = self.part.late_ns
        for chunk in self.read(start_ns + late_ns - 1, min(end_ns + late_ns, before_ns), CHUNK_EVENTS, "backfill"):
            yield from chunk.events

    def first_due(self, start_ns: int) -> int | None:
        """See `engine.store.tape.chunks.Opened`."""
        first_ns = self.part.first_at(start_ns - self.part.late_ns)
        return None if first_ns is None else first_ns + self.part.late_ns

    def last_due(self, end_ns: int) -> int | None:
        """See `engine.store.tape.chunks.Opened`."""
        last_ns = self.part.last_at(end_ns - self.part.late_ns)
        return None if last_ns is None else last_ns + self.part.late_ns

    def _lists(self, first_ns: int, last_ns: int, rows: int) -> Iterator[tuple[int, columns.Columns, Any]]:
        """Rows with times within both inclusive bounds as lists, the number of the first, and what makes events."""
        symbol, kind = self.part.symbol, self.part.file.kind
        ids = TradeIds() if kind is Kind.TRADES else None
        # Made ids count from the beginning of a day, wherever in it somebody begins to read.
        from_ns = first_ns if ids is None else min(id_day_ns(max(first_ns, 0)), first_ns)
        for row, batch in self.part.rows(from_ns, last_ns):
            for at in range(0, batch.num_rows, rows):
                lists = columns.lists_of(batch.slice(at, rows))
                if ids is None:
                    yield row + at, lists, _maker(_READ[kind], lists, symbol)
                    continue
                known = _fill(ids, lists)
                cut = 0 if lists["ts_ns"][0] >= first_ns else bisect_left(lists["ts_ns"], first_ns)
                if cut:
                    lists, known = {name: values[cut:] for name, values in lists.items()}, known[cut:]
                if known:
                    yield row + at + cut, lists, _maker(columns.trades, lists, symbol, known)


def _fill(ids: TradeIds, lists: columns.Columns) -> Sequence[int | None]:
    rows = len(lists["ts_ns"])
    exchanges, known = lists.get("exchange") or [""] * rows, lists.get("id") or [None] * rows
    return ids.fill(lists["ts_ns"], exchanges, known)


def _maker(read: Callable[..., Iterator[MarketEvent]], *arguments: Any) -> Callable[..., Iterator[MarketEvent]]:
    return lambda **rest: read(*arguments, **rest)
