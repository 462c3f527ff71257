"""Alpaca's own Python SDK, unmodified but for the address, receives from the exchange what the exchange published."""

import logging
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

import pytest
import trio
from attrs import frozen

from engine.codec.decode import MarketDecoder
from engine.codec.wire import Encoding, Family
from engine.exchange.clock import instant_of
from engine.exchange.faults.script import build_fault
from engine.exchange.generator import Generator
from engine.exchange.market import Row
from engine.exchange.serve import START, ExchangeOptions, Running, open_exchange
from engine.model.market import Bar, Book, DailyBar, Kind, MarketEvent, Quote, Status, Trade, UpdatedBar

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)  # the SDK imports websockets.legacy
    from alpaca.data.enums import DataFeed
    from alpaca.data.historical import CryptoHistoricalDataClient, StockHistoricalDataClient
    from alpaca.data.live import CryptoDataStream, StockDataStream
    from alpaca.data.requests import (
        CryptoBarsRequest,
        CryptoQuoteRequest,
        CryptoTradesRequest,
        StockBarsRequest,
        StockQuotesRequest,
        StockTradesRequest,
    )
    from alpaca.data.timeframe import TimeFrame

STOCKS = ("AAPL", "MSFT")
CRYPTO = ("BTC/USD", "ETH/USD")
ROWS = 6000
"""Two to three market minutes of the generator at forty events a second: every kind of bar appears."""


@frozen
class Beginning:
    """The first rows of a generated market, as a tape that ends."""

    whole: Generator
    endless: bool = False

    @property
    def symbols(self) -> tuple[str, ...]:
        """As the generator's."""
        return self.whole.symbols

    @property
    def start_ns(self) -> int:
        """As the generator's."""
        return self.whole.start_ns

    def rows(self) -> Iterator[Row]:
        """The first of them."""
        return islice(self.whole.rows(), ROWS)


@frozen
class Witness:
    """A listener of the market that remembers all of it."""

    events: list[MarketEvent]
    reading: bool = False

    def deliver(self, events: Sequence[MarketEvent]) -> None:
        """Remember."""
        self.events.extend(events)

    async def ready(self) -> None:
        """Always."""
        await trio.lowlevel.checkpoint()

    def flushed(self) -> bool:
        """Always."""
        return True


def beginning(symbols: tuple[str, ...]) -> Beginning:
    return Beginning(Generator(3, instant_of(START), symbols, 40.0))


def moment(ts_ns: int) -> datetime:
    """As the SDK has it: to the microsecond."""
    return datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC) + timedelta(microseconds=ts_ns // 1000 % 1_000_000)


def told(event: MarketEvent) -> tuple[Any, ...]:
    """An event of ours in the terms in which it is compared."""
    match event:
        case Trade():
            row: tuple[Any, ...] = (event.price, event.size, event.id, event.exchange or None, list(event.conditions))
        case Quote():
            row = (event.bid_price, event.bid_size, event.ask_price, event.ask_size)
        case Bar():
            row = (event.open, event.high, event.low, event.close, event.volume, event.trade_count, event.vwap)
        case Book():
            row = (list(event.bids), list(event.asks))
        case Status():
            row = (event.status_code, event.reason_code)
        case _:
            row = ()
    return (event.symbol, moment(event.ts_ns), *row)


def heard_trade(trade: Any) -> tuple[Any, ...]:
    exchange = getattr(trade.exchange, "value", trade.exchange)
    return (trade.symbol, trade.timestamp, trade.price, trade.size, trade.id, exchange, list(trade.conditions or []))


def heard_quote(quote: Any) -> tuple[Any, ...]:
    return (quote.symbol, quote.timestamp, quote.bid_price, quote.bid_size, quote.ask_price, quote.ask_size)


def heard_bar(bar: Any) -> tuple[Any, ...]:
    return (bar.symbol, bar.timestamp, bar.open, bar.high, bar.low, bar.close, bar.volume, bar.trade_count, bar.vwap)


def heard_book(book: Any) -> tuple[Any, ...]:
    return (
        book.symbol,
        book.timestamp,
        [(level.price, level.size) for level in book.bids],
        [(level.price, level.size) for level in book.asks],
    )


def heard_status(status: Any) -> tuple[Any, ...]:
    return (status.symbol, status.timestamp, status.status_code, status.reason_code)


HEARD: dict[type[MarketEvent], tuple[str, Callable[[Any], tuple[Any, ...]]]] = {
    Trade: ("trades", heard_trade),
    Quote: ("quotes", heard_quote),
    Bar: ("bars", heard_bar),
    UpdatedBar: ("updated_bars", heard_bar),
    DailyBar: ("daily_bars", heard_bar),
}
HEARD_STOCKS = HEARD | {Status: ("trading_statuses", heard_status)}
HEARD_CRYPTO = HEARD | {Book: ("orderbooks", heard_book)}


async def listen(
    exchange: Running, stream: Any, kinds: dict[Any, Any], symbols: Sequence[str], published: Sequence[MarketEvent]
) -> dict[Any, list[Any]]:
    """Run an SDK stream in a thread until it has had the whole tape; what its handlers got, by kind."""
    heard: dict[Any, list[Any]] = {kind: [] for kind in kinds}
    for kind, (name, read) in kinds.items():

        async def handler(message: Any, kind: Any = kind, read: Any = read) -> None:
            heard[kind].append(read(message))

        getattr(stream, f"subscribe_{name}")(handler, *symbols)

    async def stop_at_the_end() -> None:
        with trio.fail_after(20):
            # The SDK runs on asyncio in a thread of its own and tells nobody how far it is: it can only be asked.
            while not exchange.market.clock.ended:  # noqa: ASYNC110  # nothing to wait for
                await trio.sleep(0.02)
            expected = sum(type(event) in kinds for event in published)
            while sum(map(len, heard.values())) < expected:  # noqa: ASYNC110  # nothing to wait for
                await trio.sleep(0.02)
            await trio.to_thread.run_sync(stream.stop)
            exchange.inject(build_fault(kind="error", code=400, after_events=0))  # any message: it waits 5 s for one

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_at_the_end)
        await trio.to_thread.run_sync(stream.run)
    return heard


def compare(published: Sequence[MarketEvent], heard: dict[Any, list[Any]]) -> None:
    for kind, rows in heard.items():
        expected = [told(event) for event in published if type(event) is kind]
        assert rows == expected, kind
        if kind not in (Status, UpdatedBar):  # the seed need not have any in so few minutes
            assert rows, f"no {kind.__name__} at all: the comparison would prove nothing"


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL)


@pytest.mark.slow
async def test_the_stock_stream_of_the_sdk_receives_all_of_it() -> None:
    witness = Witness([])
    async with open_exchange(ExchangeOptions(speed=0), beginning(STOCKS)) as exchange:
        exchange.market.attach(witness)
        stream = StockDataStream("k", "s", feed=DataFeed.IEX, url_override=exchange.data_stream_url + "/v2/iex")
        heard = await listen(exchange, stream, HEARD_STOCKS, STOCKS, witness.events)
    compare(witness.events, heard)


@pytest.mark.slow
async def test_the_crypto_stream_of_the_sdk_receives_all_of_it() -> None:
    witness = Witness([])
    async with open_exchange(ExchangeOptions(speed=0), beginning(CRYPTO)) as exchange:
        exchange.market.attach(witness)
        url = exchange.data_stream_url + "/v1beta3/crypto/us"
        heard = await listen(
            exchange, CryptoDataStream("k", "s", url_override=url), HEARD_CRYPTO, ["*"], witness.events
        )
    compare(witness.events, heard)


@pytest.mark.slow
async def test_the_historical_clients_of_the_sdk_read_the_same_past() -> None:
    async with open_exchange(ExchangeOptions(speed=0), beginning((*STOCKS, *CRYPTO))) as exchange:
        await exchange.market.swallow(ROWS)
        stocks = StockHistoricalDataClient("k", "s", url_override=exchange.data_url)
        crypto = CryptoHistoricalDataClient("k", "s", url_override=exchange.data_url)
        span: dict[str, Any] = {"start": START - timedelta(days=1), "end": START + timedelta(hours=1)}
        feed: dict[str, Any] = {"feed": DataFeed.IEX}
        wide: dict[str, Any] = {"timeframe": TimeFrame.Minute}
        calls: list[tuple[Any, Any, tuple[str, ...], Kind, Any]] = [
            (stocks.get_stock_trades, StockTradesRequest(symbol_or_symbols=list(STOCKS), **span, **feed),
             STOCKS, Kind.TRADES, heard_trade),
            (stocks.get_stock_quotes, StockQuotesRequest(symbol_or_symbols=list(STOCKS), **span, **feed),
             STOCKS, Kind.QUOTES, heard_quote),
            (stocks.get_stock_bars, StockBarsRequest(symbol_or_symbols=list(STOCKS), **span, **feed, **wide),
             STOCKS, Kind.BARS, heard_bar),
            (crypto.get_crypto_trades, CryptoTradesRequest(symbol_or_symbols=list(CRYPTO), **span),
             CRYPTO, Kind.TRADES, heard_trade),
            (crypto.get_crypto_quotes, CryptoQuoteRequest(symbol_or_symbols=list(CRYPTO), **span),
             CRYPTO, Kind.QUOTES, heard_quote),
            (crypto.get_crypto_bars, CryptoBarsRequest(symbol_or_symbols=list(CRYPTO), **span, **wide),
             CRYPTO, Kind.BARS, heard_bar),
        ]  # fmt: skip
        for call, request, symbols, kind, read in calls:
            answer = await trio.to_thread.run_sync(call, request)
            for symbol in symbols:
                expected = [told(event) for event in exchange.market.past.between(kind, symbol, 0, 2**62)]
                assert [read(row) for row in answer.data[symbol]] == expected, (symbol, kind)
                assert expected
        for client in (stocks, crypto):
            client._session.close()


async def test_a_plain_json_client_receives_every_kind_that_was_published(autojump_clock: Any) -> None:
    from trio_websocket import open_websocket_url

    witness = Witness([])
    channels = ["trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds"]
    decoder = MarketDecoder(Family.STOCKS, Encoding.JSON)
    heard: list[MarketEvent] = []
    async with open_exchange(ExchangeOptions(speed=0), beginning(STOCKS)) as exchange:
        exchange.market.attach(witness)
        async with open_websocket_url(exchange.data_stream_url + "/v2/iex") as ws:
            await ws.send_message('{"action":"auth","key":"k","secret":"s"}')
            wanted = ",".join(f'"{channel}":["*"]' for channel in channels)
            await ws.send_message('{"action":"subscribe",' + wanted + "}")
            while len(heard) < ROWS:
                with trio.fail_after(5):
                    frame = await ws.get_message()
                assert isinstance(frame, str)
                heard += decoder.decode(frame, 0)[0]
    assert heard == witness.events
    assert decoder.counts.malformed == 0
    assert len(Counter(event.kind for event in heard)) >= 5
