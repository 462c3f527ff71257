"""History keeps every published row by time, ties in the order of publication, with what became of each trade."""

from hypothesis import given
from hypothesis import strategies as st

from engine.exchange.past import Past, merge_book
from engine.model.market import Bar, Book, Cancel, Correction, Kind, Quote, Trade, UpdatedBar


def trade(ts_ns: int, made: int, exchange: str = "V") -> Trade:
    return Trade("AAPL", ts_ns, 10.0, 100.0, made, exchange)


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
