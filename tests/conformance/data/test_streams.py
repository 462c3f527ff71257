"""Alpaca's own SDK, unmodified but for the address, hears from the exchange exactly what the exchange published.

Each stream class is played a market that ends, and what its handlers were given is compared, event by event, with what
a witness inside the exchange was told.
"""

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any, TypeAlias

import pytest
import trio
from alpaca.data.live import CryptoDataStream, NewsDataStream, OptionDataStream, StockDataStream
from attrs import define, field, frozen
from trio_websocket import open_websocket_url

from engine.codec.decode import MarketDecoder
from engine.codec.wire import Encoding, Family
from engine.exchange.clock import instant_of
from engine.exchange.contracts import is_contract
from engine.exchange.faults.script import build_fault
from engine.exchange.generator import Generator
from engine.exchange.made.families import Families
from engine.exchange.market import Row
from engine.exchange.serve import START, ExchangeOptions, Running, open_exchange
from engine.model.market import (
    Bar,
    Book,
    Cancel,
    Correction,
    DailyBar,
    Kind,
    MarketEvent,
    News,
    Quote,
    Status,
    Trade,
    UpdatedBar,
)

STOCKS = ("AAPL", "MSFT")
CRYPTO = ("BTC/USD", "ETH/USD")
ROWS = 6000
"""Two to three market minutes at forty events a second: every kind of bar appears."""
REVISED_EVERY = 400
"""Of the trades of stocks, each so many-th is corrected and the one after it canceled: the dice do so once an hour."""
AnyStream: TypeAlias = StockDataStream | CryptoDataStream | OptionDataStream | NewsDataStream


@frozen
class Beginning:
    """The first rows of a made market, with all its families and a few second thoughts, as a tape that ends."""

    symbols: tuple[str, ...]
    count: int = ROWS
    events_per_s: float = 40.0
    endless: bool = False
    start_ns: int = instant_of(START)

    def rows(self) -> Iterator[Row]:
        """The first of them."""
        whole = Families(Generator(3, self.start_ns, self.symbols, self.events_per_s), 3, self.events_per_s)
        trades = 0
        for due_ns, event in islice(whole.rows(), self.count):
            yield due_ns, event
            if isinstance(event, Trade) and event.symbol in STOCKS:
                trades += 1
                if trades % REVISED_EVERY < 2:
                    yield due_ns, correct(event, due_ns) if trades % REVISED_EVERY else cancel(event, due_ns)


def correct(trade: Trade, now_ns: int) -> Correction:
    return Correction(
        trade.symbol, now_ns, trade.exchange, trade.id or 0, trade.price, trade.size, 900_000_000 + (trade.id or 0),
        trade.price + 0.01, trade.size + 1, trade.conditions, ("@",), tape=trade.tape,
    )  # fmt: skip


def cancel(trade: Trade, now_ns: int) -> Cancel:
    return Cancel(trade.symbol, now_ns, trade.exchange, trade.id or 0, trade.price, trade.size, "C", tape=trade.tape)


@frozen
class Witness:
    """A listener of the market that remembers all of it."""

    events: list[MarketEvent] = field(factory=list)
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


@define
class Heard:
    """What the handlers of one SDK stream were given, by kind, in the terms of the conftest."""

    terms: Any
    rows: dict[type[MarketEvent], list[Any]] = field(factory=dict)

    def of(self, kind: type[MarketEvent]) -> Callable[[Any], Coroutine[Any, Any, None]]:
        """A handler."""
        into = self.rows[kind] = []

        async def handler(message: Any) -> None:
            into.append(self.terms.heard(message))

        return handler

    def compare(self, events: Iterable[MarketEvent], rare: Sequence[type[MarketEvent]] = ()) -> None:
        """All of it, in order; each kind must have come, but for the rare ones."""
        published = list(events)
        for kind, rows in self.rows.items():
            assert rows == [self.terms.told(event) for event in published if type(event) is kind], kind
            assert rows or kind in rare, f"no {kind.__name__} at all: the comparison would prove nothing"

    @property
    def count(self) -> int:
        """How many events."""
        return sum(map(len, self.rows.values()))


async def play(exchange: Running, stream: AnyStream, heard: Heard, expected: Callable[[], int]) -> None:
    """Run an SDK stream in a thread until it has had the whole tape."""

    async def stop_at_the_end() -> None:
        with trio.fail_after(30):
            # The SDK runs on asyncio in a thread of its own and tells nobody how far it is: it can only be asked.
            while not exchange.market.clock.ended or heard.count < expected():  # noqa: ASYNC110  # nothing to wait for
                await trio.sleep(0.02)
            await trio.to_thread.run_sync(stream.stop)
            exchange.inject(build_fault(kind="error", code=400, after_events=0))  # any message: it waits 5 s for one

    async with trio.open_nursery() as nursery:
        nursery.start_soon(stop_at_the_end)
        await trio.to_thread.run_sync(stream.run)


def of_stocks(event: MarketEvent) -> bool:
    return event.symbol in STOCKS


def of_crypto(event: MarketEvent) -> bool:
    return event.symbol in CRYPTO


@pytest.mark.slow
async def test_the_stock_stream_hears_all_of_it(terms: Any) -> None:
    witness, heard = Witness(), Heard(terms)
    async with open_exchange(ExchangeOptions(speed=0), Beginning(STOCKS)) as exchange:
        exchange.market.attach(witness)
        stream = StockDataStream("k", "s", url_override=exchange.data_stream_url + "/v2/iex")
        stream.subscribe_trades(heard.of(Trade), *STOCKS)
        stream.subscribe_quotes(heard.of(Quote), *STOCKS)
        stream.subscribe_bars(heard.of(Bar), *STOCKS)
        stream.subscribe_updated_bars(heard.of(UpdatedBar), *STOCKS)
        stream.subscribe_daily_bars(heard.of(DailyBar), *STOCKS)
        stream.subscribe_trading_statuses(heard.of(Status), *STOCKS)
        stream.register_trade_corrections(heard.of(Correction))
        stream.register_trade_cancels(heard.of(Cancel))
        await play(
            exchange, stream, heard, lambda: sum(type(e) in heard.rows for e in filter(of_stocks, witness.events))
        )
    heard.compare(filter(of_stocks, witness.events), rare=(UpdatedBar,))


@pytest.mark.slow
async def test_the_crypto_stream_hears_all_of_it(terms: Any) -> None:
    witness, heard = Witness(), Heard(terms)
    async with open_exchange(ExchangeOptions(speed=0), Beginning(CRYPTO)) as exchange:
        exchange.market.attach(witness)
        stream = CryptoDataStream("k", "s", url_override=exchange.data_stream_url + "/v1beta3/crypto/us")
        stream.subscribe_trades(heard.of(Trade), "*")
        stream.subscribe_quotes(heard.of(Quote), "*")
        stream.subscribe_bars(heard.of(Bar), "*")
        stream.subscribe_updated_bars(heard.of(UpdatedBar), "*")
        stream.subscribe_daily_bars(heard.of(DailyBar), "*")
        stream.subscribe_orderbooks(heard.of(Book), "*")
        await play(
            exchange, stream, heard, lambda: sum(type(e) in heard.rows for e in filter(of_crypto, witness.events))
        )
    heard.compare(filter(of_crypto, witness.events), rare=(UpdatedBar,))


@pytest.mark.slow
async def test_the_option_stream_hears_all_of_it(terms: Any) -> None:
    witness, heard = Witness(), Heard(terms)
    async with open_exchange(ExchangeOptions(speed=0), Beginning(STOCKS, 4 * ROWS)) as exchange:
        exchange.market.attach(witness)
        nearest = [symbol for symbol in exchange.brokerage.assets if is_contract(symbol) and symbol < "AAPL260307"]
        stream = OptionDataStream("k", "s", url_override=exchange.data_stream_url + "/v1beta1/indicative")
        stream.subscribe_trades(heard.of(Trade), "*")
        stream.subscribe_quotes(heard.of(Quote), *nearest)

        def wanted() -> list[MarketEvent]:
            of_options = (event for event in witness.events if is_contract(event.symbol))
            return [event for event in of_options if type(event) is Trade or event.symbol in nearest]

        await play(exchange, stream, heard, lambda: sum(type(event) in heard.rows for event in wanted()))
    heard.compare(wanted())


@pytest.mark.slow
async def test_the_news_stream_hears_all_of_it(terms: Any) -> None:
    witness, heard = Witness(), Heard(terms)
    async with open_exchange(ExchangeOptions(speed=0), Beginning((*STOCKS, *CRYPTO), 4 * ROWS, 2.0)) as exchange:
        exchange.market.attach(witness)
        stream = NewsDataStream("k", "s", url_override=exchange.data_stream_url + "/v1beta1/news")
        stream.subscribe_news(heard.of(News), "*")
        await play(exchange, stream, heard, lambda: sum(type(event) is News for event in witness.events))
    heard.compare(witness.events)
    ids = Counter(row[1] for row in heard.rows[News])
    assert len(ids) > 3
    assert max(ids.values()) == 2, "no article was told again, corrected"


async def test_a_plain_json_client_hears_every_kind(autojump_clock: Any) -> None:
    witness = Witness()
    channels = ["trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", "lulds"]
    decoder = MarketDecoder(Family.STOCKS, Encoding.JSON)
    heard: list[MarketEvent] = []
    async with open_exchange(ExchangeOptions(speed=0), Beginning(STOCKS)) as exchange:
        exchange.market.attach(witness)
        async with open_websocket_url(exchange.data_stream_url + "/v2/iex") as ws:
            await ws.send_message('{"action":"auth","key":"k","secret":"s"}')
            wanted = ",".join(f'"{channel}":["*"]' for channel in channels)
            await ws.send_message('{"action":"subscribe",' + wanted + "}")
            while not exchange.market.clock.ended or len(heard) < sum(map(of_stocks, witness.events)):
                with trio.move_on_after(5):
                    frame = await ws.get_message()
                    assert isinstance(frame, str)
                    heard += decoder.decode(frame, 0)[0]
    assert heard == list(filter(of_stocks, witness.events))
    assert decoder.counts.malformed == 0
    assert len({event.kind for event in heard} - {Kind.NEWS}) >= 8
