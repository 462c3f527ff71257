"""Everything that was published, as history tells it: by symbol and time, with what became of each trade.

History is not the stream played again. A late trade stands where its own time puts it, a corrected one stays with a
mark and its replacement behind it, a bar told twice shows its last version. What history must keep is the order of rows
that share an instant, because a client can only trust a page if the next one goes on exactly there: ties stay in the
order of publication.

Bounded: when more rows than allowed are kept, everything older than an instant is forgotten, and counted; and but for
the newest rows all are packed (see `engine.exchange.series`). Order books have no history at the venue; the present
book is kept so that a new subscriber can be given the whole of it.
"""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Final

from msgspec.structs import astuple, replace

from engine.exchange.series import Series
from engine.model.market import Bar, Book, Cancel, Correction, Kind, MarketEvent, Trade, UpdatedBar

REVISION_SCAN_MAX: Final = 100_000
"""Trades looked through, newest first, for the one a correction names: seconds of one symbol at its busiest."""
FORGET_SHARE: Final = 8
"""An eighth of the longest series is forgotten at a time, so that forgetting costs nothing per event."""
NEWEST_ROWS: Final = 65_536
"""Rows that are not packed, over all series: about 20 MB."""
NEWEST_MAX: Final = 512
"""Of one series: half of them are packed at once, in a third of a millisecond, and few revisions are of older ones."""
NEWEST_MIN: Final = 64
"""However many series there are: chunks of fewer rows do not get smaller by being packed."""
REVISING: Final = frozenset({Kind.UPDATED_BARS, Kind.CORRECTIONS, Kind.CANCELS})
EVER_NS: Final = -(1 << 63)
"""Before anything that can be told."""
DEPTH_MAX: Final = 200
"""Price levels kept on each side of a book."""


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
        self._newest_max = NEWEST_MAX
        self._books: dict[str, Book] = {}

    def series(self, kind: Kind, symbol: str) -> Series:
        """The rows of one kind and symbol; empty when there are none."""
        return self._series[kind].get(symbol) or Series()

    def symbols(self, kind: Kind) -> list[str]:
        """The symbols that have rows of this kind, sorted."""
        return sorted(self._series[kind])

    def between(self, kind: Kind, symbol: str, start_ns: int, end_ns: int) -> Sequence[MarketEvent]:
        """The rows within both inclusive bounds, oldest first, as they are now; packed ones are read when looked at."""
        return self.series(kind, symbol).between(max(start_ns, self.kept_from_ns), end_ns)

    def book(self, symbol: str) -> Book | None:
        """The whole present order book (``reset``), or ``None`` where none was published."""
        return self._books.get(symbol)

    def books(self) -> list[Book]:
        """The whole present order books of all symbols that have one, in the order of their symbols."""
        return [book for _, book in sorted(self._books.items())]

    def add(self, events: Iterable[MarketEvent]) -> None:
        """Take a published batch."""
        by_kind, newest_max = self._series, self._newest_max
        for event in events:
            if isinstance(event, Book):
                self._books[event.symbol] = merge_book(self._books.get(event.symbol), event)
                continue
            if event.kind in REVISING:
                self._look_back(event)
            series = by_kind[event.kind].get(event.symbol)
            if series is None:
                series = self._open_series(event.kind, event.symbol)
                newest_max = self._newest_max
            series.add(event)
            if len(series.newest) > newest_max:
                series.seal_older()
            self.rows += 1
        if self.rows > self.rows_max:
            self._forget()

    def _open_series(self, kind: Kind, symbol: str) -> Series:
        series = self._series[kind][symbol] = Series()
        count = sum(map(len, self._series.values()))
        self._newest_max = max(min(NEWEST_ROWS // count, NEWEST_MAX), NEWEST_MIN)
        return series

    def _look_back(self, event: MarketEvent) -> None:
        """Do to older rows what an event of a revising kind says of them."""
        match event:
            case UpdatedBar():
                self._replace_bar(event)
            case Correction():
                self._correct(event)
            case Cancel():
                self._revise(event.symbol, event.exchange, event.id, event.ts_ns, "canceled")

    def _replace_bar(self, bar: UpdatedBar) -> None:
        series = self._series[Kind.BARS].get(bar.symbol) or self._open_series(Kind.BARS, bar.symbol)
        plain = Bar(*astuple(bar))
        place = len(series.between(EVER_NS, bar.ts_ns - 1))
        known = series.rows
        if place < len(known) and known[place].ts_ns == bar.ts_ns:
            series.put(place, plain)
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
        told = series.between(EVER_NS, told_ns)
        for back, trade in enumerate(islice(reversed(told), REVISION_SCAN_MAX), 1):
            if isinstance(trade, Trade) and trade.id == trade_id and trade.exchange == exchange:
                series.put(len(told) - back, replace(trade, revision=revision))
                return trade
        return None

    def _forget(self) -> None:
        every = [series for of_kind in self._series.values() for series in of_kind.values()]
        while self.rows > self.rows_max:
            cut_ns = max(every, key=len).cut_ns(FORGET_SHARE)
            dropped = sum(series.forget(cut_ns) for series in every)
            self.rows -= dropped
            self.dropped += dropped
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
