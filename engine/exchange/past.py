"""Everything that was published, as history tells it: by symbol and time, with what became of each trade.

History is not the stream played again. A late trade stands where its own time puts it, a corrected one stays with a
mark and its replacement behind it, a bar told twice shows its last version. What history must keep is the order of rows
that share an instant, because a client can only trust a page if the next one goes on exactly there: ties stay in the
order of publication.

Bounded: when more rows than allowed are kept, everything older than an instant is forgotten, and counted. Order books
have no history at the venue; the present book is kept so that a new subscriber can be given the whole of it.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

from msgspec.structs import astuple, replace

from engine.model.market import Bar, Book, Cancel, Correction, Kind, MarketEvent, Trade, UpdatedBar

REVISION_SCAN_MAX: Final = 100_000
"""Trades looked through, newest first, for the one a correction names: seconds of one symbol at its busiest."""
FORGET_SHARE: Final = 8
"""An eighth of the longest series is forgotten at a time, so that forgetting costs nothing per event."""
DEPTH_MAX: Final = 200
"""Price levels kept on each side of a book."""


class Series:
    """The events of one kind and symbol, by time; ties in the order of publication. Read it, do not change it."""

    __slots__ = ("rows", "times")

    def __init__(self) -> None:
        self.times: list[int] = []
        self.rows: list[MarketEvent] = []

    def add(self, event: MarketEvent) -> None:
        """Put an event where its time belongs, behind those of the same instant."""
        ts_ns = event.ts_ns
        if not self.times or ts_ns >= self.times[-1]:
            self.times.append(ts_ns)
            self.rows.append(event)
        else:
            place = bisect_right(self.times, ts_ns)
            self.times.insert(place, ts_ns)
            self.rows.insert(place, event)

    def span(self, start_ns: int, end_ns: int) -> tuple[int, int]:
        """First index and index behind the last of the rows within both inclusive bounds."""
        return bisect_left(self.times, start_ns), bisect_right(self.times, end_ns)


class Past:
    """What was published, bounded to ``rows_max`` rows over all series."""

    def __init__(self, rows_max: int) -> None:
        self.rows_max = rows_max
        self.rows = 0
        self.dropped = 0
        """How many rows were forgotten because there were too many."""
        self.kept_from_ns = 0
        """Rows older than this were forgotten; 0 when none were."""
        self._series: dict[Kind, dict[str, Series]] = {kind: {} for kind in Kind}
        self._books: dict[str, Book] = {}

    def series(self, kind: Kind, symbol: str) -> Series:
        """The rows of one kind and symbol; empty when there are none."""
        return self._series[kind].get(symbol) or Series()

    def symbols(self, kind: Kind) -> list[str]:
        """The symbols that have rows of this kind, sorted."""
        return sorted(self._series[kind])

    def between(self, kind: Kind, symbol: str, start_ns: int, end_ns: int) -> Sequence[MarketEvent]:
        """The rows within both inclusive bounds, oldest first."""
        series = self.series(kind, symbol)
        first, behind = series.span(start_ns, end_ns)
        return series.rows[first:behind]

    def book(self, symbol: str) -> Book | None:
        """The whole present order book (``reset``), or ``None`` where none was published."""
        return self._books.get(symbol)

    def add(self, events: Iterable[MarketEvent]) -> None:
        """Take a published batch."""
        by_kind = self._series
        for event in events:
            if isinstance(event, Book):
                self._books[event.symbol] = merge_book(self._books.get(event.symbol), event)
                continue
            if isinstance(event, UpdatedBar):
                self._replace_bar(event)
            of_kind = by_kind[event.kind]
            series = of_kind.get(event.symbol)
            if series is None:
                series = of_kind[event.symbol] = Series()
            series.add(event)
            self.rows += 1
            if isinstance(event, Correction):
                self._correct(event)
            elif isinstance(event, Cancel):
                self._revise(event.symbol, event.exchange, event.id, event.ts_ns, "canceled")
        if self.rows > self.rows_max:
            self._forget()

    def _replace_bar(self, bar: UpdatedBar) -> None:
        series = self._series[Kind.BARS].setdefault(bar.symbol, Series())
        plain = Bar(*astuple(bar))
        place = bisect_left(series.times, bar.ts_ns)
        if place < len(series.times) and series.times[place] == bar.ts_ns:
            series.rows[place] = plain
        else:
            series.add(plain)
            self.rows += 1

    def _correct(self, event: Correction) -> None:
        old = self._revise(event.symbol, event.exchange, event.original_id, event.ts_ns, "incorrect")
        if old is None:
            return
        self._series[Kind.TRADES][event.symbol].add(
            replace(
                old,
                id=event.corrected_id,
                price=event.corrected_price,
                size=event.corrected_size,
                conditions=event.corrected_conditions,
                revision="corrected",
                venue_ns=max(old.venue_ns, event.ts_ns),
            )
        )
        self.rows += 1

    def _revise(self, symbol: str, exchange: str, trade_id: int, told_ns: int, revision: str) -> Trade | None:
        """Mark a trade told before ``told_ns``; returns it as it was, ``None`` when it is not kept."""
        series = self.series(Kind.TRADES, symbol)
        last = bisect_right(series.times, told_ns) - 1
        for place in range(last, max(last - REVISION_SCAN_MAX, -1), -1):
            trade = series.rows[place]
            if isinstance(trade, Trade) and trade.id == trade_id and trade.exchange == exchange:
                series.rows[place] = replace(trade, revision=revision)
                return trade
        return None

    def _forget(self) -> None:
        every = [series for of_kind in self._series.values() for series in of_kind.values()]
        while self.rows > self.rows_max:
            longest = max(every, key=lambda series: len(series.times))
            cut_ns = longest.times[len(longest.times) // FORGET_SHARE] + 1
            for series in every:
                behind = bisect_left(series.times, cut_ns)
                del series.times[:behind], series.rows[:behind]
                self.rows -= behind
                self.dropped += behind
            self.kept_from_ns = max(self.kept_from_ns, cut_ns)


def merge_book(known: Book | None, change: Book) -> Book:
    """The whole book after a change: best price first, ``DEPTH_MAX`` levels a side."""
    if known is None or change.reset:
        return replace(change, reset=True)
    bids, asks = dict(known.bids), dict(known.asks)
    for side, levels in ((bids, change.bids), (asks, change.asks)):
        for price, size in levels:
            if size:
                side[price] = size
            else:
                side.pop(price, None)
    return replace(
        change,
        bids=tuple(sorted(bids.items(), reverse=True)[:DEPTH_MAX]),
        asks=tuple(sorted(asks.items())[:DEPTH_MAX]),
        reset=True,
    )
