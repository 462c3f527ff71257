"""On a line each family is told as its own stream does, and an order book begins with the whole of it."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import islice
from typing import Any

import trio
from attrs import frozen

from engine.codec.wire import Encoding
from engine.exchange.clock import MarketClock
from engine.exchange.faults import FaultPlan
from engine.exchange.generator import Generator
from engine.exchange.line.door import Door
from engine.exchange.line.endpoints import TEST_SYMBOL
from engine.exchange.line.limits import LineOptions
from engine.exchange.line.stream import LineStream
from engine.exchange.line.switchboard import Switchboard
from engine.exchange.made.families import Families
from engine.exchange.market import Market, Row, Source
from engine.exchange.past import merge_book
from engine.model.instant import parse_instant
from engine.model.market import Book, Kind, News, Quote, Trade

START = parse_instant("2026-03-02T14:30:00Z")
SYMBOLS = ("AAPL", "BTC/USD")
CONTRACT = "AAPL260306C00230000"


@frozen
class Site:
    """A market and where its WebSocket port is. It is told by hand, so that a test knows what was when."""

    market: Market
    board: Switchboard
    url: str

    def publish(self, *events: Book) -> None:
        """Tell these, as the market does."""
        self.market.past.add(events)
        self.board.deliver(events)


@asynccontextmanager
async def served(source: Source) -> AsyncIterator[Site]:
    """A served market; at speed 0 it moves while somebody reads."""
    clock = MarketClock(START, 0)
    market = Market(source, clock)
    board = Switchboard(clock, FaultPlan(), past=market.past)
    market.attach(board)
    async with trio.open_nursery() as nursery:
        listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
        door = Door(board, LineOptions())
        await nursery.start(trio.serve_listeners, lambda raw: door.serve_connection(LineStream(raw)), listeners)
        yield Site(market, board, f"ws://127.0.0.1:{listeners[0].socket.getsockname()[1]}")
        nursery.cancel_scope.cancel()


@frozen
class Beginning:
    """The first rows of a made market, with all its families, as a tape that ends."""

    count: int
    endless: bool = False
    symbols: tuple[str, ...] = SYMBOLS
    start_ns: int = START

    def rows(self) -> Iterator[Row]:
        """The first of them."""
        return islice(Families(Generator(1, START, SYMBOLS, 40.0), 1).rows(), self.count)


async def read_on(client: Any) -> None:
    """Read for ever."""
    while True:
        await client.receive()


async def read_to_the_end(site: Site, *clients: Any) -> None:
    """Let the market run to its end, with these reading all the time."""
    async with trio.open_nursery() as nursery:
        for client in clients:
            nursery.start_soon(read_on, client)
        while not site.market.clock.ended:  # noqa: ASYNC110  # the clock tells nobody when it ends
            await trio.sleep(0.1)
        await trio.sleep(0.1)
        nursery.cancel_scope.cancel()


def book(number: int, symbol: str = "BTC/USD", *, reset: bool = False) -> Book:
    return Book(symbol, START + number, ((100.0 - number, 1.0),), ((101.0 + number, 2.0),), reset=reset)


async def until(client: Any, count: int) -> Sequence[Any]:
    """Read until so many events have come."""
    while len(client.events) < count:
        await client.receive()
    events: Sequence[Any] = client.events
    return events


async def test_who_follows_a_book_is_told_the_whole_of_it_and_then_what_changes(autojump_clock: Any, dial: Any) -> None:
    async with served(Beginning(0)) as site, dial(site.url, "/v1beta3/crypto/us") as client:
        site.publish(book(0, reset=True), book(1), book(0, "ETH/USD", reset=True))
        await client.subscribe(orderbooks=["BTC/USD"])
        site.publish(book(2), book(3, "ETH/USD"))
        whole, change = await until(client, 2)
        assert whole.reset and whole.symbol == "BTC/USD"
        assert dict(whole.bids) == {100.0: 1.0, 99.0: 1.0}
        assert not change.reset and change.bids == ((98.0, 1.0),)
        await client.say(action="subscribe", orderbooks=["*"])
        assert (await client.hear()).type == "subscription"
        site.publish(book(4))
        rest = (await until(client, 4))[2:]
        assert [(event.symbol, event.reset) for event in rest] == [("ETH/USD", True), ("BTC/USD", False)]
        await client.say(action="subscribe", orderbooks=["ETH/USD"], trades=["ETH/USD"])
        await client.hear()
        site.publish(book(5))
        assert [event.reset for event in (await until(client, 5))[4:]] == [False]


async def test_a_book_put_together_by_a_client_is_the_exchanges(autojump_clock: Any, dial: Any) -> None:
    async with (
        served(Beginning(20_000)) as site,
        dial(site.url, "/v1beta3/crypto/us") as early,
        dial(site.url, "/v1beta3/crypto/eu-1") as late,
    ):
        await early.subscribe(trades=["*"], quotes=["*"], orderbooks=["*"])
        await late.login()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.market.run)
            await until(early, 100)
            await late.say(action="subscribe", orderbooks=["*"])
            await read_to_the_end(site, early, late)
            nursery.cancel_scope.cancel()
    known = None
    for event in late.events:
        assert isinstance(event, Book) and event.reset == (known is None)
        known = merge_book(known, event)
    assert known == site.market.past.book("BTC/USD")
    assert 20 < len(late.events) < sum(isinstance(event, Book) for event in early.events)


async def test_options_news_and_the_test_stream_are_told_on_their_own_endpoints(autojump_clock: Any, dial: Any) -> None:
    async with (
        served(Beginning(9000)) as site,
        dial(site.url, "/v1beta1/indicative") as options,
        dial(site.url, "/v1beta1/news", Encoding.JSON) as news,
        dial(site.url, "/v2/test", Encoding.JSON) as test,
        dial(site.url, "/v2/iex") as stocks,
    ):
        await options.subscribe(quotes=[CONTRACT], trades=["*"])
        await news.subscribe(news=["*"])
        await test.subscribe(trades=["*"], quotes=[TEST_SYMBOL], bars=["*"])
        await stocks.subscribe(trades=["*"], quotes=["*"])
        async with trio.open_nursery() as nursery:
            nursery.start_soon(site.market.run)
            await read_to_the_end(site, options, news, test, stocks)
            nursery.cancel_scope.cancel()
    assert {event.symbol for event in options.events if isinstance(event, Quote)} == {CONTRACT}
    assert any(isinstance(event, Trade) for event in options.events)
    assert all(len(event.conditions) == 1 for event in options.events)
    assert news.events and all(isinstance(event, News) for event in news.events)
    assert {event.symbol for event in test.events} == {TEST_SYMBOL}
    assert {event.kind for event in test.events} >= {Kind.TRADES, Kind.QUOTES, Kind.BARS}
    assert {event.symbol for event in stocks.events} == {"AAPL"}
