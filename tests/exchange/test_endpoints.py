"""Each endpoint takes the symbols of its family, and tells of nothing else."""

import pytest

from engine.exchange.line.endpoints import ENDPOINTS, TEST_SYMBOL
from engine.model.market import Book, Kind, MarketEvent, News, Quote, Trade
from engine.model.stream import ANY, Stream

CONTRACT = "AAPL260320C00200000"
STOCK = Trade("AAPL", 1, 1.0, 1.0)
PAIR = Trade("BTC/USD", 1, 1.0, 1.0)
OPTION = Trade(CONTRACT, 1, 1.0, 1.0)
TEST = Trade(TEST_SYMBOL, 1, 1.0, 1.0)
ARTICLE = News("", 1, 1, "About two", symbols=("AAPL", "BTCUSD"))
EVERYTHING: list[MarketEvent] = [STOCK, PAIR, OPTION, TEST, ARTICLE]


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("/v2/iex", [STOCK]), ("/v2/sip", [STOCK]), ("/v2/test", [TEST]), ("/v1beta3/crypto/us", [PAIR]),
        ("/v1beta1/indicative", [OPTION]), ("/v1beta1/opra", [OPTION]), ("/v1beta1/news", [ARTICLE]),
    ],
)  # fmt: skip
def test_a_wildcard_means_the_endpoints_own_and_the_test_symbol_is_told_on_its_stream_alone(
    path: str, told: list[MarketEvent]
) -> None:
    endpoint = ENDPOINTS[path]
    wanted = endpoint.group(Stream(kind, ANY) for kind in endpoint.kinds)
    assert endpoint.select(EVERYTHING, wanted) == told


@pytest.mark.parametrize(("path", "symbol"), [("/v2/iex", TEST_SYMBOL), ("/v2/test", "AAPL")])
def test_naming_the_symbol_of_another_stream_is_allowed_and_brings_nothing(path: str, symbol: str) -> None:
    endpoint = ENDPOINTS[path]
    assert endpoint.takes(symbol)
    wanted = endpoint.group([Stream(Kind.TRADES, symbol)])
    assert wanted == {Kind.TRADES: frozenset()}
    assert endpoint.select(EVERYTHING, wanted) == []


@pytest.mark.parametrize(
    ("path", "takes", "refuses"),
    [
        ("/v2/iex", ["AAPL", "BRK.B"], ["BTC/USD", CONTRACT]),
        ("/v1beta3/crypto/us", ["BTC/USD"], ["BTCUSD", "AAPL", CONTRACT]),
        ("/v1beta1/opra", [CONTRACT], ["AAPL", "BTC/USD", "AAPL261340C00200000"]),
        ("/v1beta1/news", ["AAPL", "BTC/USD", "BTCUSD"], []),
    ],
)
def test_symbols_of_another_family_are_refused(path: str, takes: list[str], refuses: list[str]) -> None:
    endpoint = ENDPOINTS[path]
    assert all(endpoint.takes(symbol) for symbol in takes)
    assert not any(endpoint.takes(symbol) for symbol in refuses)


@pytest.mark.parametrize(
    ("named", "told"), [({"AAPL"}, True), ({"BTC/USD"}, True), ({"BTCUSD"}, True), ({"MSFT"}, False), (set(), False)]
)
def test_an_article_is_told_to_whoever_follows_one_of_its_symbols(named: set[str], told: bool) -> None:
    endpoint = ENDPOINTS["/v1beta1/news"]
    wanted = endpoint.group(Stream(Kind.NEWS, symbol) for symbol in named)
    assert endpoint.select([ARTICLE], wanted) == ([ARTICLE] if told else [])


def test_what_is_told_is_of_the_kinds_and_symbols_wanted_in_the_order_published() -> None:
    endpoint = ENDPOINTS["/v1beta3/crypto/us"]
    events: list[MarketEvent] = [
        Quote("ETH/USD", 1, 1.0, 1.0, 2.0, 1.0), PAIR, Book("BTC/USD", 2, (), ()), Trade("ETH/USD", 3, 1.0, 1.0),
    ]  # fmt: skip
    wanted = endpoint.group([Stream(Kind.TRADES, "BTC/USD"), Stream(Kind.BOOKS, ANY)])
    assert endpoint.select(events, wanted) == events[1:3]
