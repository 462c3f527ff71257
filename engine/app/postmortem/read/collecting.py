"""What a session's market events come to for a report, taken in portions: prices by symbol, counts, and lags.

Two ways lead here and end in the same value: rows of Parquet, whole columns at a time, and single events out of the
journal of a session that crashed. Only the prices of ``wanted`` symbols are kept, 24 bytes an event.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterable
from itertools import islice
from math import isfinite, log2
from typing import Any, Final

from attrs import define, field, frozen

from engine.codec.columns import numbers
from engine.core.measures.series import Book, Series, Told
from engine.model.instant import NS_PER_S
from engine.model.market import Kind, MarketEvent

MINUTE_NS: Final = 60 * NS_PER_S
STEPS: Final = 16
"""Steps of lag to each doubling: a percentile of them is within 5 %."""
LAGGING: Final = frozenset({Kind.TRADES, Kind.QUOTES, Kind.BOOKS, Kind.STATUSES, Kind.LULDS})
"""Kinds whose instant is when something happened: a bar's is a minute before it can be told."""
KEPT_MAX: Final = 40_000_000
"""Prices of a session that are kept: a gigabyte, some twenty busy symbols for a day. Of more every second one."""
PORTION: Final = 65_536
"""Events that are taken before it is looked at how many are kept: some 20 MB of them."""
COVERS: Final = 0.9
"""A kind of price that reaches over so much of the time as the one that reaches furthest is as good as that."""
_PRICES: Final = {
    Kind.TRADES: ("price",),
    Kind.BARS: ("close",),
    Kind.UPDATED_BARS: ("close",),
    Kind.QUOTES: ("bid_price", "ask_price"),
}
_MARKING: Final = ((Kind.TRADES, "trades"), (Kind.BARS, "bars"), (Kind.QUOTES, "quotes"))
"""What something is worth is told best by the first of these that reaches far enough."""


@define
class StreamTold:
    """How much of one stream was told: times are market time, nanoseconds since the epoch."""

    kind: str
    symbol: str
    events: int = 0
    backfilled: int = 0
    first_ns: int = 0
    last_ns: int = 0


@define(eq=False)
class _Rows:
    """Times and one or two prices, as they came."""

    at_ns: "array[int]" = field(factory=lambda: array("q"))
    first: "array[float]" = field(factory=lambda: array("d"))
    second: "array[float]" = field(factory=lambda: array("d"))

    def halve(self) -> None:
        """Keep every second one, the last included."""
        start = (len(self.at_ns) + 1) % 2
        self.at_ns, self.first, self.second = self.at_ns[start::2], self.first[start::2], self.second[start::2]


@frozen
class Lag:
    """From an event's instant to its arrival here, of what came over a line. ``counts``: steps of `STEPS` a doubling
    of nanoseconds."""

    counts: Counter[int] = field(factory=Counter)

    @property
    def events(self) -> int:
        """How many."""
        return self.counts.total()

    def percentile_ms(self, share: float) -> float | None:
        """What this share of all does not exceed, in milliseconds; ``None`` of none."""
        left = share * self.events
        for step in sorted(self.counts):
            left -= self.counts[step]
            if left <= 0:
                return float(2 ** ((step + 0.5) / STEPS)) / 1e6
        return None

    def below(self, limit_ms: float) -> int:
        """How many took less."""
        limit = log2(limit_ms * 1e6) * STEPS
        return sum(number for step, number in self.counts.items() if step + 1 <= limit + 1e-9)


@define(eq=False)
class _Place:
    """Where the events of one stream go. ``as_told``: a price counts from when it was told, and of others from their
    instant and ``lasts_ns`` on, a bar's length."""

    stream: StreamTold
    rows: _Rows | None
    lags: Counter[int] | None
    first: str
    second: str
    as_told: bool
    lasts_ns: int


@define(eq=False)
class Collecting:
    """Prices, counts and lags so far. ``wanted``: symbols whose prices are kept, all where it is ``None``."""

    wanted: Collection[str] | None = None
    streams: dict[tuple[str, str], StreamTold] = field(factory=dict)
    lags: dict[str, Lag] = field(factory=dict)
    last_ns: int = 0
    kept_max: int = KEPT_MAX
    thinned: int = 0
    """How often every second price was let go."""
    _rows: dict[tuple[Kind, str], _Rows] = field(factory=dict)

    def take_events(self, told: Iterable[tuple[int, MarketEvent]]) -> None:
        """Take events one by one, each with when it was told."""
        rest = iter(told)
        while portion := list(islice(rest, PORTION)):
            self._take_portion(portion)
            self._bound()

    def _bound(self) -> None:
        """Let go of every second price while there are more than are kept."""
        while sum(len(rows.at_ns) for rows in self._rows.values()) > self.kept_max:
            for rows in self._rows.values():
                rows.halve()
            self.thinned += 1

    def _take_portion(self, told: Iterable[tuple[int, MarketEvent]]) -> None:
        places: dict[tuple[type[MarketEvent], str], _Place] = {}
        for at_ns, event in told:
            key = (type(event), event.symbol)
            place = places.get(key) or places.setdefault(key, self._place_of(event, at_ns))
            stream, rows = place.stream, place.rows
            stream.events += 1
            stream.last_ns = at_ns
            if event.origin == "backfill":
                stream.backfilled += 1
            elif place.lags is not None and event.received_ns and event.origin == "live":
                place.lags[int(log2(max(event.received_ns - event.ts_ns, 1)) * STEPS)] += 1
            if rows is not None:
                first, second = getattr(event, place.first), getattr(event, place.second)
                if isfinite(first) and isfinite(second):
                    rows.at_ns.append(at_ns if place.as_told else event.ts_ns + place.lasts_ns)
                    rows.first.append(first)
                    rows.second.append(second)
        self.last_ns = max([self.last_ns, *(place.stream.last_ns for place in places.values())])

    def _place_of(self, event: MarketEvent, at_ns: int) -> "_Place":
        kind, symbol = event.kind, event.symbol
        stream = self.streams.setdefault((kind.value, symbol), StreamTold(kind.value, symbol, first_ns=at_ns))
        names = _PRICES.get(kind, ("", ""))
        kept = kind in _PRICES and (self.wanted is None or symbol in self.wanted)
        return _Place(
            stream=stream,
            rows=self._rows.setdefault(_place(kind, symbol), _Rows()) if kept else None,
            lags=self._lag(kind) if kind in LAGGING else None,
            first=names[0],
            second=names[-1],
            as_told=kind is Kind.QUOTES,
            lasts_ns=0 if kind is Kind.TRADES else MINUTE_NS,
        )

    def take_batch(self, kind: Kind, batch: Any) -> None:
        """Take an Arrow batch of one kind, as `engine.store.session.columns` lays it out."""
        import pyarrow as pa  # an extra: see `engine.store.session.columns`
        import pyarrow.compute as pc

        table = pa.Table.from_batches([batch])
        if kind in LAGGING:
            lines = table.filter(pc.and_(pc.equal(table["origin"], "live"), pc.greater(table["received_ns"], 0)))
            took = pc.max_element_wise(pc.subtract(lines["received_ns"], lines["ts_ns"]), 1)
            steps = pc.cast(pc.floor(pc.multiply(pc.log2(pc.cast(took, pa.float64())), float(STEPS))), pa.int64())
            counted = pc.value_counts(steps.combine_chunks() if hasattr(steps, "combine_chunks") else steps)
            self._lag(kind).update({one["values"]: one["counts"] for one in counted.to_pylist()})
        symbols = pc.unique(table["symbol"]).to_pylist()
        for symbol in symbols:
            mine = table if len(symbols) == 1 else table.filter(pc.equal(table["symbol"], symbol))
            at_ns = numbers(mine["at_ns"])
            late = pc.sum(pc.equal(mine["origin"], "backfill")).as_py() or 0
            self._count(kind, symbol, mine.num_rows, late, at_ns[0], at_ns[-1])
            if kind in _PRICES and (self.wanted is None or symbol in self.wanted):
                self._keep(kind, symbol, mine)
        self._bound()

    def _keep(self, kind: Kind, symbol: str, table: Any) -> None:
        import pyarrow.compute as pc  # as above

        names = _PRICES[kind]
        finite = pc.and_(pc.is_finite(table[names[0]]), pc.is_finite(table[names[-1]]))
        if not pc.all(finite).as_py():  # a venue may send nonsense, and it is recorded as it came
            table = table.filter(finite)
        if not table.num_rows:
            return
        rows = self._rows.setdefault(_place(kind, symbol), _Rows())
        if kind is Kind.QUOTES:
            rows.at_ns.frombytes(_bytes(numbers(table["at_ns"])))
        else:
            known = table["ts_ns"] if kind is Kind.TRADES else pc.add(table["ts_ns"], MINUTE_NS)
            rows.at_ns.frombytes(_bytes(numbers(known)))
        rows.first.frombytes(_bytes(numbers(table[names[0]])))
        rows.second.frombytes(_bytes(numbers(table[names[-1]])))

    def _lag(self, kind: Kind) -> Counter[int]:
        return self.lags.setdefault(kind.value, Lag()).counts

    def _count(self, kind: Kind, symbol: str, events: int, late: int, first_ns: int, last_ns: int) -> None:
        place = (kind.value, symbol)
        told = self.streams.get(place)
        if told is None:
            told = self.streams[place] = StreamTold(kind.value, symbol, first_ns=first_ns)
        told.events += events
        told.backfilled += late
        told.last_ns = last_ns
        self.last_ns = max(self.last_ns, last_ns)

    def told(self, symbol: str) -> Told:
        """What was told of a symbol's prices."""
        quotes = self._rows.get((Kind.QUOTES, symbol), _Rows())
        book = Book(quotes.at_ns, quotes.first, quotes.second)
        reaches = {kind: _reach(self._rows.get((kind, symbol))) for kind, _ in _MARKING}
        furthest = max(reaches.values())
        for kind, name in _MARKING:
            if reaches[kind] and reaches[kind] >= COVERS * furthest:
                return Told(self._series(kind, symbol), book, name)
        return Told(book=book)

    def _series(self, kind: Kind, symbol: str) -> Series:
        rows = self._rows.get((kind, symbol), _Rows())
        if kind is Kind.QUOTES:
            pairs = zip(rows.at_ns, rows.first, rows.second, strict=True)
            known = [(at_ns, (bid + ask) / 2) for at_ns, bid, ask in pairs if bid > 0 and ask > 0]
            return Series([at_ns for at_ns, _ in known], [price for _, price in known])
        in_order = all(a <= b for a, b in zip(rows.at_ns, rows.at_ns[1:], strict=False))
        if in_order:
            return Series(rows.at_ns, rows.first)
        pairs_in_order = sorted(zip(rows.at_ns, rows.first, strict=True), key=lambda pair: pair[0])
        return Series([at_ns for at_ns, _ in pairs_in_order], [price for _, price in pairs_in_order])


def _reach(rows: _Rows | None) -> int:
    """From the first price to the last, in nanoseconds; 0 without one."""
    return rows.at_ns[-1] - rows.at_ns[0] + 1 if rows is not None and rows.at_ns else 0


def _place(kind: Kind, symbol: str) -> tuple[Kind, str]:
    return (Kind.BARS if kind is Kind.UPDATED_BARS else kind, symbol)


def _bytes(view: Any) -> bytes:
    return bytes(view.cast("B"))
