"""History keeps every published row by time, ties in the order of publication, with what became of each trade."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from random import Random

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import astuple, replace

from engine.exchange.past import NEWEST_MAX, NEWEST_MIN, NEWEST_ROWS, Past, merge_book
from engine.model.market import Bar, Book, Cancel, Correction, Kind, MarketEvent, Quote, Trade, UpdatedBar

EVER = 1 << 62


def trade(ts_ns: int, made: int, exchange: str = "V") -> Trade:
    return Trade("AAPL", ts_ns, 10.0, 100.0, made, exchange)


@define
class Simple:
    """History as it would be if memory cost nothing: sorted lists, everything kept."""

    rows: dict[tuple[Kind, str], list[MarketEvent]] = field(factory=lambda: defaultdict(list))

    def add(self, event: MarketEvent) -> None:
        """Take one published event."""
        self._insert(event)
        if isinstance(event, UpdatedBar):
            plain, bars = Bar(*astuple(event)), self.rows[Kind.BARS, event.symbol]
            same = [place for place, bar in enumerate(bars) if bar.ts_ns == plain.ts_ns]
            if same:
                bars[same[0]] = plain
            else:
                self._insert(plain)
        elif isinstance(event, Correction):
            if old := self._mark(event, event.original_id, "incorrect"):
                self._insert(
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
        elif isinstance(event, Cancel):
            self._mark(event, event.id, "canceled")

    def _insert(self, event: MarketEvent) -> None:
        rows = self.rows[event.kind, event.symbol]
        rows.insert(bisect_right(rows, event.ts_ns, key=lambda row: row.ts_ns), event)

    def _mark(self, event: Correction | Cancel, made: int, revision: str) -> Trade | None:
        trades = self.rows[Kind.TRADES, event.symbol]
        for place, row in reversed(list(enumerate(trades))):
            if isinstance(row, Trade) and (row.id, row.exchange) == (made, event.exchange) and row.ts_ns <= event.ts_ns:
                trades[place] = replace(row, revision=revision)
                return row
        return None


def tell(runs: list[tuple[str, int]], die: Random) -> Iterator[MarketEvent]:
    """Runs of one sort of event each, time going on under all of them."""
    now_ns = made = 0
    for what, count in runs:
        for _ in range(count if what in ("trades", "quotes") else count // 8):
            now_ns += die.randrange(3)
            back_ns = die.randrange(now_ns + 1)
            if what in ("trades", "late"):
                made += 1
                yield trade(now_ns if what == "trades" else back_ns, made)
            elif what == "quotes":
                yield Quote(die.choice(("AAPL", "MSFT")), now_ns, 1.0, float(made), 2.0, 1.0)
            elif what == "cancel":
                yield Cancel("AAPL", die.choice((now_ns, back_ns)), "V", die.randrange(made + 1), 10.0, 100.0, "C")
            elif what == "correct":
                made += 1
                yield Correction("AAPL", now_ns, "V", die.randrange(made), 10.0, 100.0, made, 10.5, 90.0)
            else:
                make = die.choice((Bar, UpdatedBar))
                yield make("AAPL", back_ns - back_ns % 16, 1.0, float(made), 1.0, 1.0, 1.0)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(("trades", "trades", "quotes", "late", "cancel", "correct", "bars")),
            st.sampled_from((40, 400, 1200)),
        ),
        min_size=2,
        max_size=12,
    ),
    st.integers(0, 99),
    st.sampled_from((100_000, 1500)),
)
def test_it_answers_as_if_nothing_were_packed_and_of_what_is_forgotten_nothing(
    runs: list[tuple[str, int]], seed: int, rows_max: int
) -> None:
    past, simple, die = Past(rows_max), Simple(), Random(seed)
    for event in tell(runs, die):
        past.add([event])
        simple.add(event)
    for (kind, symbol), rows in simple.rows.items():
        start_ns, end_ns = sorted((die.randrange(5000), die.randrange(5000)))
        kept = [row for row in rows if row.ts_ns >= past.kept_from_ns]
        assert past.between(kind, symbol, 0, EVER) == kept
        assert past.between(kind, symbol, start_ns, end_ns) == [row for row in kept if start_ns <= row.ts_ns <= end_ns]
    told = sum(map(len, simple.rows.values()))
    assert past.rows == told if told <= rows_max else past.rows <= rows_max
    assert (past.kept_from_ns == 0) == (past.dropped == 0)
    assert past.symbols(Kind.TRADES) == sorted(
        symbol for (kind, symbol), rows in simple.rows.items() if kind is Kind.TRADES and rows
    )


def test_few_rows_are_left_unpacked_however_many_series_there_are() -> None:
    alone, many = Past(10**6), Past(10**6)
    alone.add(trade(number, number) for number in range(5 * NEWEST_MAX))
    assert len(alone.series(Kind.TRADES, "AAPL").newest) <= NEWEST_MAX
    symbols = [f"S{number:04}" for number in range(400)]
    many.add(Quote(symbol, number, 1.0, 1.0, 2.0, 1.0) for number in range(200) for symbol in symbols)
    unpacked = [len(many.series(Kind.QUOTES, symbol).newest) for symbol in symbols]
    assert sum(unpacked) <= NEWEST_ROWS
    assert NEWEST_MIN <= max(unpacked) < 200


@given(st.lists(st.integers(0, 9)))
def test_rows_are_by_time_and_ties_in_the_order_of_publication(times: list[int]) -> None:
    past = Past(1000)
    rows = [trade(ts_ns, number) for number, ts_ns in enumerate(times)]
    past.add(rows)
    assert past.between(Kind.TRADES, "AAPL", 0, 9) == sorted(rows, key=lambda row: row.ts_ns)
    assert past.between(Kind.TRADES, "AAPL", 3, 5) == sorted(
        (row for row in rows if 3 <= row.ts_ns <= 5), key=lambda row: row.ts_ns
    )


def test_a_corrected_trade_stays_marked_with_its_replacement_behind_it() -> None:
    past = Past(1000)
    past.add([trade(1, 7), trade(2, 7, "D"), trade(3, 8, "D")])
    past.add([Correction("AAPL", 9, "D", 7, 10.0, 100.0, 9, 10.5, 90.0, corrected_conditions=("@",))])
    assert past.between(Kind.TRADES, "AAPL", 0, 9) == [
        trade(1, 7),
        Trade("AAPL", 2, 10.0, 100.0, 7, "D", revision="incorrect"),
        Trade("AAPL", 2, 10.5, 90.0, 9, "D", ("@",), revision="corrected", venue_ns=9),
        trade(3, 8, "D"),
    ]


def test_a_cancelled_trade_stays_marked() -> None:
    past = Past(1000)
    past.add([trade(1, 7), trade(2, 8), Cancel("AAPL", 5, "V", 7, 10.0, 100.0, "C")])
    told = past.between(Kind.TRADES, "AAPL", 0, 9)
    assert [row.revision for row in told if isinstance(row, Trade)] == ["canceled", ""]


def test_a_revision_of_a_trade_that_is_not_kept_changes_nothing() -> None:
    past = Past(1000)
    past.add([trade(1, 7), Cancel("AAPL", 5, "V", 99, 10.0, 100.0, "C")])
    past.add([Correction("AAPL", 9, "D", 7, 10.0, 100.0, 9, 10.5, 90.0)])
    assert past.between(Kind.TRADES, "AAPL", 0, 9) == [trade(1, 7)]


def test_an_updated_bar_takes_the_place_of_the_bar() -> None:
    past = Past(1000)
    past.add([Bar("AAPL", 0, 1, 1, 1, 1, 1), Bar("AAPL", 60, 2, 2, 2, 2, 2), UpdatedBar("AAPL", 0, 1, 5, 1, 1, 9)])
    assert past.between(Kind.BARS, "AAPL", 0, 99) == [Bar("AAPL", 0, 1, 5, 1, 1, 9), Bar("AAPL", 60, 2, 2, 2, 2, 2)]


def test_when_there_are_too_many_rows_the_oldest_of_all_go_and_are_counted() -> None:
    past = Past(100)
    for ts_ns in range(1000):
        past.add([trade(ts_ns, ts_ns), Quote("MSFT", ts_ns, 1, 1, 2, 1)])
    assert past.rows <= 100
    assert past.rows + past.dropped == 2000
    trades = past.between(Kind.TRADES, "AAPL", 0, 999)
    quotes = past.between(Kind.QUOTES, "MSFT", 0, 999)
    assert [row.ts_ns for row in trades] == [row.ts_ns for row in quotes] == list(range(past.kept_from_ns, 1000))


def test_a_book_is_whole_whatever_changed() -> None:
    whole = Book("BTC/USD", 1, ((9.0, 1.0), (8.0, 2.0)), ((10.0, 1.0),), reset=True)
    change = Book("BTC/USD", 2, ((9.0, 0.0), (8.5, 3.0)), ((10.0, 4.0), (11.0, 1.0)))
    assert merge_book(whole, change) == Book(
        "BTC/USD", 2, ((8.5, 3.0), (8.0, 2.0)), ((10.0, 4.0), (11.0, 1.0)), reset=True
    )
    past = Past(100)
    past.add([whole, change])
    assert past.book("BTC/USD") == merge_book(whole, change)
    assert past.book("ETH/USD") is None
