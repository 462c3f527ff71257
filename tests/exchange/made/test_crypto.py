"""A made crypto pair never stops, thins out at night, and its book agrees with its quotes."""

from collections.abc import Iterator
from itertools import takewhile
from random import Random

import pytest

from engine.exchange.made.crypto import CryptoWeeks
from engine.exchange.market import Row
from engine.exchange.past import merge_book
from engine.exchange.symbol_market import CryptoSymbol
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Book, Quote, Trade

MONDAY = parse_instant("2026-03-02T15:00:00Z")
SUNDAY = parse_instant("2026-03-01T08:00:00Z")
"""Three in the morning in New York."""


def played(start_ns: int, seconds: int, rate: float = 20.0) -> list[Row]:
    player = CryptoWeeks(CryptoSymbol("BTC/USD", Random(1)), start_ns, rate)

    def rows() -> Iterator[Row]:
        while True:
            yield from player.next_second()

    return list(takewhile(lambda row: row[0] < start_ns + seconds * NS_PER_S, rows()))


def width(rows: list[Row]) -> float:
    quotes = [event for _, event in rows if isinstance(event, Quote)]
    return sum(quote.ask_price - quote.bid_price for quote in quotes) / len(quotes)


def test_it_is_as_busy_as_asked_on_a_monday_and_nearly_empty_on_a_sunday_at_three() -> None:
    monday, sunday = played(MONDAY, 3600), played(SUNDAY, 3600)
    assert len(monday) / 3600 == pytest.approx(20, rel=0.15)
    assert 0 < len(sunday) < len(monday) / 10
    assert width(sunday) > 4 * width(monday)


def test_each_instant_is_told_in_order() -> None:
    dues = [due_ns for due_ns, _ in played(MONDAY, 600)]
    assert dues == sorted(dues)


@pytest.mark.parametrize("start_ns", [MONDAY, SUNDAY])
def test_the_book_is_whole_at_first_and_its_best_prices_are_always_the_quotes(start_ns: int) -> None:
    rows = played(start_ns, 3600)
    assert [type(event) for _, event in rows[:2]] == [Quote, Book]
    quote: Quote | None = None
    book: Book | None = None
    changes = 0
    for _, event in rows:
        if isinstance(event, Quote):
            quote = event
        elif isinstance(event, Book):
            assert event.reset is (book is None)
            book = merge_book(book, event)
            changes += 1
            assert quote is not None
            assert book.bids[0] == (quote.bid_price, quote.bid_size)
            assert book.asks[0] == (quote.ask_price, quote.ask_size)
            assert {len(book.bids), len(book.asks)} <= set(range(10, 22))
    assert changes > 50


def test_trades_are_at_the_quote_with_the_takers_side_and_ids_that_go_up() -> None:
    quote: Quote | None = None
    ids: list[int] = []
    for _, event in played(MONDAY, 600):
        if isinstance(event, Quote):
            quote = event
            assert event.bid_price < event.ask_price
        elif isinstance(event, Trade):
            assert quote is not None
            assert event.price == (quote.ask_price if event.taker_side == "B" else quote.bid_price)
            ids.append(event.id or 0)
    assert ids == list(range(3_000_000_000_000_000_001, 3_000_000_000_000_000_001 + len(ids)))
