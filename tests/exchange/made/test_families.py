"""The other families are mixed into a market without changing a row of it."""

from collections import Counter
from itertools import islice, pairwise, takewhile

from engine.codec.wire import Family
from engine.exchange.generator import Generator
from engine.exchange.line.endpoints import TEST_SYMBOL, family_of
from engine.exchange.made.families import Families
from engine.exchange.market import Row
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import Quote, Trade

START = parse_instant("2026-03-02T14:30:00Z")
MADE = Generator(3, START, ("AAPL", "BTC/USD"), 40.0)


def minutes(source: Families | Generator, count: int) -> list[Row]:
    return list(takewhile(lambda row: row[0] < START + 60 * count * NS_PER_S, source.rows()))


def is_extra(row: Row) -> bool:
    return family_of(row[1]) in (Family.OPTIONS, Family.NEWS) or row[1].symbol == TEST_SYMBOL


def test_what_the_source_tells_stays_as_it_is_and_in_its_place() -> None:
    mixed = minutes(Families(MADE, 3), 3)
    assert [row for row in mixed if not is_extra(row)] == minutes(MADE, 3)
    assert all(one[0] <= two[0] for one, two in pairwise(mixed))
    assert mixed == minutes(Families(MADE, 3), 3)


def test_every_family_is_heard_of_within_three_minutes_and_none_is_many() -> None:
    extras = [row for row in minutes(Families(MADE, 3), 3) if is_extra(row)]
    heard = Counter((family_of(event), event.symbol == TEST_SYMBOL, type(event).__name__) for _, event in extras)
    assert {family for family, _, _ in heard} == {Family.OPTIONS, Family.NEWS, Family.STOCKS}
    assert heard[Family.OPTIONS, False, "Quote"] and heard[Family.OPTIONS, False, "Trade"]
    assert {name for _, test, name in heard if test} >= {"Trade", "Quote", "Bar", "DailyBar"}
    assert len(extras) / 180 < 6


def test_options_are_quoted_around_what_the_source_trades_at() -> None:
    last = 230.0
    for _, event in minutes(Families(MADE, 3), 2):
        if isinstance(event, Trade) and event.symbol == "AAPL":
            last = event.price
        elif isinstance(event, Quote) and event.symbol == "AAPL260306C00205000":
            assert event.bid_price == 0 or event.bid_price - (last - 205) < 2


def test_symbols_start_and_end_are_the_sources() -> None:
    mixed = Families(MADE, 3)
    assert (mixed.symbols, mixed.start_ns, mixed.endless) == (("AAPL", "BTC/USD"), START, True)


def test_a_market_of_unknown_stocks_or_of_crypto_alone_has_no_options() -> None:
    rows = islice(Families(Generator(3, START, ("ZZZ", "ETH/USD"), 40.0), 3).rows(), 3000)
    assert Family.OPTIONS not in {family_of(event) for _, event in rows}
