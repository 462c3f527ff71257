"""What a tape does not have and can make: bars from trades, and the day so far from bars.

Each is made by one rule from one symbol's own rows, from the beginning of the trading day on, so it does not depend on
what else is told or from where on somebody listens.
"""

import heapq
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Any, Final, cast

from attrs import frozen
from msgspec.structs import replace

from engine.codec.columns import BAR_TOLD_AFTER_NS
from engine.core.bars import MINUTE_NS, UNCOUNTED, BarMaker, day_start_ns
from engine.model.market import Bar, DailyBar, Kind, MarketEvent, Origin, Trade, UpdatedBar
from engine.model.stream import Stream
from engine.store.tape.chunks import CHUNK_EVENTS, MADE_FIRST, NEVER_NS, Chunk, Key, Source
from engine.store.tape.reading import Rows

MADE_EVENTS: Final = 64
"""Bars made ahead at most."""
_MINUTES_KEPT: Final = 16
"""A minute is open until half a minute behind its end."""
_RANKS: Final = {Kind.BARS: 0, Kind.DAILY_BARS: 1, Kind.UPDATED_BARS: 2}


@frozen(eq=False)
class MadeBars:
    """Bars of one symbol, made from its trades; ``stream`` says which: minutes, updated minutes or days."""

    stream: Stream
    trades: tuple[Source, ...]
    order: int = MADE_FIRST

    def read(self, after_ns: int, until_ns: int, rows: int, origin: Origin) -> Iterator[Chunk]:
        """See `engine.store.tape.chunks.Source`. Bars made at one instant come in the order in which the trades came
        that began their minutes."""
        from_ns = day_start_ns(self.stream.symbol, max(after_ns + 1 - 2 * MINUTE_NS, 0))
        made = self._made(from_ns, until_ns)
        mine = ((due_ns, place, event) for due_ns, place, event in made if event.kind is self.stream.kind)
        return _chunks(mine, after_ns, until_ns, min(rows, MADE_EVENTS), origin)

    def past(self, start_ns: int, end_ns: int, before_ns: int) -> Iterator[MarketEvent]:
        """See `engine.store.tape.chunks.Source`: each bar once, as it was last told."""
        from_ns = day_start_ns(self.stream.symbol, max(start_ns, 0))
        until_ns = min(before_ns, end_ns + 2 * MINUTE_NS if self.stream.kind is not Kind.DAILY_BARS else NEVER_NS)
        last: dict[int, MarketEvent] = {}
        wanted = {self.stream.kind, Kind.UPDATED_BARS} if self.stream.kind is Kind.BARS else {self.stream.kind}
        for due_ns, _, event in self._made(from_ns, until_ns):
            if event.kind in wanted and due_ns <= before_ns and start_ns <= event.ts_ns <= end_ns:
                last[event.ts_ns] = event
        yield from (_backfilled(last[ts_ns], self.stream.kind) for ts_ns in sorted(last))

    def _made(self, from_ns: int, until_ns: int) -> Iterator[tuple[int, Any, Bar]]:
        """Everything that is made of the trades from an instant on: when due, its place, and it."""
        maker, firsts = BarMaker(), dict[int, Key]()
        if len(self.trades) == 1 and isinstance(self.trades[0], Rows):
            yield from self._made_of_rows(maker, self.trades[0], from_ns, until_ns)
            return
        told_ns = from_ns
        for due_ns, order, place, trade in _keyed(self.trades, from_ns - 1, until_ns):
            assert isinstance(trade, Trade)  # as `trades` says
            if maker.next_ns is not None and maker.next_ns <= due_ns:
                yield from _due(maker, due_ns, told_ns, firsts)
            start_ns = trade.ts_ns - trade.ts_ns % MINUTE_NS
            if start_ns not in firsts and UNCOUNTED.isdisjoint(trade.conditions):
                _note(firsts, start_ns, (due_ns, order, place))
            maker.add(trade)
            told_ns = due_ns + 1  # a bar that a late trade begins is told behind it
        yield from _due(maker, until_ns, told_ns, firsts)

    def _made_of_rows(
        self, maker: BarMaker, rows: Source, from_ns: int, until_ns: int
    ) -> Iterator[tuple[int, Any, Bar]]:
        """The same, a minute at a time, of trades that are due at their own times."""
        firsts = dict[int, Key]()
        for chunk in rows.read(from_ns - 1, until_ns, CHUNK_EVENTS, "replay"):
            begin, dues = 0, chunk.dues_ns
            while begin < len(dues):
                start_ns = dues[begin] - dues[begin] % MINUTE_NS
                end = bisect_left(dues, start_ns + MINUTE_NS, begin)
                if maker.next_ns is not None and maker.next_ns <= start_ns:
                    yield from _due(maker, start_ns, from_ns, firsts)
                trades = cast("list[Trade]", chunk.events[begin:end])
                if start_ns not in firsts:
                    for at, trade in enumerate(trades, begin):
                        if UNCOUNTED.isdisjoint(trade.conditions):
                            _note(firsts, start_ns, (dues[at], rows.order, chunk.places[at]))
                            break
                maker.add_minute(trades)
                begin = end
        yield from _due(maker, until_ns, from_ns, firsts)


def _note(firsts: dict[int, Key], start_ns: int, key: Key) -> None:
    firsts[start_ns] = key
    if len(firsts) > _MINUTES_KEPT:
        del firsts[min(firsts)]


def _due(maker: BarMaker, now_ns: int, told_ns: int, firsts: dict[int, Key]) -> Iterator[tuple[int, Any, Bar]]:
    """What is due until now; never earlier than ``told_ns``."""
    while maker.next_ns is not None and maker.next_ns <= now_ns:
        start_ns = 0
        for due_ns, event in maker.due(maker.next_ns):
            assert isinstance(event, Bar)  # nothing else is made
            start_ns = start_ns if isinstance(event, DailyBar) else event.ts_ns
            first = firsts.get(start_ns, (start_ns, 0, 0))
            told_ns = max(told_ns, due_ns)
            yield told_ns, (first, start_ns, _RANKS[event.kind]), event


@frozen(eq=False)
class MadeDays:
    """The day so far of one symbol, told right behind each bar of one source (``follows``)."""

    stream: Stream
    bars: tuple[Source, ...]
    follows: Source

    @property
    def order(self) -> int:
        """See `engine.store.tape.chunks.Source`."""
        return self.follows.order

    def read(self, after_ns: int, until_ns: int, rows: int, origin: Origin) -> Iterator[Chunk]:
        """See `engine.store.tape.chunks.Source`."""
        return _chunks(self._made(after_ns, until_ns), after_ns, until_ns, rows, origin)

    def past(self, start_ns: int, end_ns: int, before_ns: int) -> Iterator[MarketEvent]:
        """See `engine.store.tape.chunks.Source`: each day once, as far as it was told."""
        last = {day.ts_ns: day for _, _, day in self._made(start_ns - 1, before_ns) if start_ns <= day.ts_ns <= end_ns}
        yield from (_backfilled(last[ts_ns], Kind.DAILY_BARS) for ts_ns in sorted(last))

    def _made(self, after_ns: int, until_ns: int) -> Iterator[tuple[int, Any, DailyBar]]:
        from_ns = day_start_ns(self.stream.symbol, max(after_ns + 1 - BAR_TOLD_AFTER_NS, 0))
        maker = BarMaker()
        for due_ns, order, place, bar in _keyed(self.bars, from_ns - 1, until_ns):
            assert isinstance(bar, Bar)  # as `bars` says
            day = maker.day(bar)
            if day is not None and order == self.follows.order:
                yield due_ns, place + 1, day


def _keyed(sources: Sequence[Source], after_ns: int, until_ns: int) -> Iterator[tuple[int, int, Any, MarketEvent]]:
    """The events of some sources in their order, each with its key."""
    return heapq.merge(*(_keyed_one(source, after_ns, until_ns) for source in sources))


def _keyed_one(source: Source, after_ns: int, until_ns: int) -> Iterator[tuple[int, int, Any, MarketEvent]]:
    for chunk in source.read(after_ns, until_ns, CHUNK_EVENTS, "replay"):
        for due_ns, place, event in zip(chunk.dues_ns, chunk.places, chunk.events, strict=True):
            yield due_ns, source.order, place, event


def _chunks(
    made: Iterator[tuple[int, Any, Bar]], after_ns: int, until_ns: int, rows: int, origin: Origin
) -> Iterator[Chunk]:
    """What is due behind an instant and until another, in chunks."""
    told = origin == "replay"
    dues, places, events = list[int](), list[Any](), list[MarketEvent]()
    for due_ns, place, bar in made:
        if due_ns > until_ns:
            break
        if due_ns > after_ns:
            dues.append(due_ns)
            places.append(place)
            events.append(replace(bar, received_ns=due_ns if told else 0, origin=origin, seq=0))
            if len(events) >= rows:
                yield Chunk(events, dues, places)
                dues, places, events = [], [], []
    if events:
        yield Chunk(events, dues, places)


def _backfilled(bar: MarketEvent, kind: Kind) -> MarketEvent:
    """As history tells it: an updated minute is the minute."""
    if isinstance(bar, UpdatedBar) and kind is Kind.BARS:
        return Bar(
            bar.symbol, bar.ts_ns, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trade_count, bar.vwap, 0,
            "backfill",
        )  # fmt: skip
    return replace(bar, received_ns=0, origin="backfill", seq=0)
