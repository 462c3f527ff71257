"""The life of an SDK stream: channels come and go while it runs, both sides agree which, and it ends when told to.

What the exchange acknowledged is read in the SDK's own log, which names every channel of an acknowledgement.
"""

import logging
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from alpaca.data.live import CryptoDataStream, NewsDataStream, OptionDataStream, StockDataStream
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import LimitOrderRequest
from alpaca.trading.stream import TradingStream

from engine.testing.exchange import Exchange

pytestmark = pytest.mark.slow

CHANNEL = re.compile(r"(\w+): (\[[^]]*\])")
IMPLIED = ("corrections", "cancelErrors")
STOCK_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "statuses", *IMPLIED)
CRYPTO_CHANNELS = ("trades", "quotes", "bars", "updatedBars", "dailyBars", "orderbooks")


class Acknowledged(logging.Handler):
    """The acknowledgements that an SDK stream was sent: the symbols of each channel that has any."""

    def __init__(self, told: Any) -> None:
        super().__init__(logging.INFO)
        self.told = told

    def emit(self, record: logging.LogRecord) -> None:
        """Note one."""
        if (text := record.getMessage()).startswith("subscribed to "):
            self.told.add({name: set(re.findall("'([^']+)'", rest)) for name, rest in CHANNEL.findall(text)})

    def wait(self, expected: dict[str, set[str]]) -> None:
        """Until the newest is this."""
        self.told.wait(lambda rows: bool(rows) and rows[-1] == expected, f"acknowledged {expected}")


@pytest.fixture
def acknowledged(told: Any) -> Iterator[Acknowledged]:
    handler = Acknowledged(type(told)())
    log = logging.getLogger("alpaca.data.live.websocket")
    before = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    yield handler
    log.setLevel(before)
    log.removeHandler(handler)


def more(told: Any, kind: str | None = None) -> None:
    """Wait until another row, of a class of the SDK's, was heard."""
    heard = len(told.rows)
    told.wait(lambda rows: any(kind in (None, type(row).__name__) for row in rows[heard:]), f"another {kind or 'row'}")


def close_and_end(
    stream: StockDataStream | CryptoDataStream | OptionDataStream | NewsDataStream,
    told: Any,
    market: Exchange,
    until: Any,
) -> None:
    """A line that the client closes is opened again by the SDK; one that it stops is not."""
    before = market.summary()
    told.then.append(stream.close)
    until(lambda: market.summary()["subscriptions"] > before["subscriptions"], "a second connection")
    more(told)
    now = market.summary()
    assert [now[name] - before[name] for name in ("connections", "logins", "closed_clean")] == [1, 1, 1]
    assert now["errors_sent"] == before["errors_sent"]
    told.then.append(stream.stop_ws)
    more(told)


def test_the_channels_of_the_stock_stream_come_and_go(
    market: Exchange, told: Any, acknowledged: Acknowledged, started: Any, until: Any
) -> None:
    stream = StockDataStream("k", "s", url_override=market.data_stream_url + "/v2/iex")
    stream.subscribe_trades(told.take, "AAPL")
    stream.register_trade_corrections(told.take)
    stream.register_trade_cancels(told.take)
    with started(stream):
        acknowledged.wait({channel: {"AAPL"} for channel in ("trades", *IMPLIED)})
        more(told, "Trade")
        stream.subscribe_quotes(told.take, "AAPL", "S01")
        stream.subscribe_bars(told.take, "AAPL")
        stream.subscribe_updated_bars(told.take, "AAPL")
        stream.subscribe_daily_bars(told.take, "AAPL")
        stream.subscribe_trading_statuses(told.take, "AAPL")
        everything = {channel: {"AAPL"} for channel in STOCK_CHANNELS} | {"quotes": {"AAPL", "S01"}}
        acknowledged.wait(everything)
        more(told, "Quote")
        more(told, "Bar")
        drop_each(
            acknowledged,
            everything,
            {
                "statuses": stream.unsubscribe_trading_statuses,
                "dailyBars": stream.unsubscribe_daily_bars,
                "updatedBars": stream.unsubscribe_updated_bars,
                "bars": stream.unsubscribe_bars,
                "quotes": stream.unsubscribe_quotes,
                "trades": stream.unsubscribe_trades,
            },
        )
        stream.subscribe_quotes(told.take, "*")
        acknowledged.wait({"quotes": {"*"}})
        close_and_end(stream, told, market, until)


def drop_each(
    acknowledged: Acknowledged, everything: dict[str, set[str]], ways: dict[str, Callable[..., None]]
) -> None:
    """Unsubscribe from one channel after the other; what is acknowledged is what is left each time."""
    left = dict(everything)
    for channel, unsubscribe in ways.items():
        unsubscribe(*left.pop(channel))
        if channel == "trades":  # they take with them what came with them
            left = {name: symbols for name, symbols in left.items() if name not in IMPLIED}
        acknowledged.wait(left)
    assert not left


def test_the_channels_of_the_crypto_stream_come_and_go(
    market: Exchange, told: Any, acknowledged: Acknowledged, started: Any, until: Any
) -> None:
    stream = CryptoDataStream("k", "s", url_override=market.data_stream_url + "/v1beta3/crypto/us")
    stream.subscribe_orderbooks(told.take, "BTC/USD")
    with started(stream):
        acknowledged.wait({"orderbooks": {"BTC/USD"}})
        more(told, "Orderbook")
        stream.subscribe_trades(told.take, "BTC/USD")
        stream.subscribe_quotes(told.take, "BTC/USD")
        stream.subscribe_bars(told.take, "BTC/USD")
        stream.subscribe_updated_bars(told.take, "BTC/USD")
        stream.subscribe_daily_bars(told.take, "BTC/USD")
        everything = {channel: {"BTC/USD"} for channel in CRYPTO_CHANNELS}
        acknowledged.wait(everything)
        for kind in ("Trade", "Quote", "Bar"):
            more(told, kind)
        drop_each(
            acknowledged,
            everything,
            {
                "orderbooks": stream.unsubscribe_orderbooks,
                "dailyBars": stream.unsubscribe_daily_bars,
                "updatedBars": stream.unsubscribe_updated_bars,
                "bars": stream.unsubscribe_bars,
                "quotes": stream.unsubscribe_quotes,
                "trades": stream.unsubscribe_trades,
            },
        )
        stream.subscribe_trades(told.take, "*")
        acknowledged.wait({"trades": {"*"}})
        close_and_end(stream, told, market, until)


def test_the_channels_of_the_option_stream_come_and_go(
    market: Exchange, told: Any, acknowledged: Acknowledged, started: Any, until: Any
) -> None:
    nearest = {"AAPL260306C00230000", "AAPL260306P00230000"}
    stream = OptionDataStream("k", "s", url_override=market.data_stream_url + "/v1beta1/indicative")
    stream.subscribe_quotes(told.take, *nearest)
    with started(stream):
        acknowledged.wait({"quotes": nearest})
        more(told, "Quote")
        stream.subscribe_trades(told.take, "*")
        acknowledged.wait({"quotes": nearest, "trades": {"*"}})
        more(told, "Trade")
        drop_each(
            acknowledged,
            {"quotes": nearest, "trades": {"*"}},
            {"trades": stream.unsubscribe_trades, "quotes": stream.unsubscribe_quotes},
        )
        stream.subscribe_trades(told.take, "*")
        acknowledged.wait({"trades": {"*"}})
        close_and_end(stream, told, market, until)


def test_the_news_stream_takes_one_symbol_and_all(
    market: Exchange, told: Any, acknowledged: Acknowledged, started: Any, until: Any
) -> None:
    stream = NewsDataStream("k", "s", url_override=market.data_stream_url + "/v1beta1/news")
    stream.subscribe_news(told.take, "AAPL", "*")
    with started(stream):
        acknowledged.wait({"news": {"AAPL", "*"}})
        stream.unsubscribe_news("AAPL")
        acknowledged.wait({"news": {"*"}})
        more(told, "News")
        close_and_end(stream, told, market, until)


def test_the_trading_stream_tells_of_orders_from_when_it_listens(
    market: Exchange, told: Any, started: Any, until: Any
) -> None:
    client = TradingClient("k", "s", url_override=market.trading_url)
    far = LimitOrderRequest(symbol="BTC/USD", qty=0.01, side="buy", time_in_force="gtc", limit_price=10_000)
    stream = TradingStream("k", "s", url_override=market.trading_stream_url + "/stream")
    stream.subscribe_trade_updates(told.take)
    before = market.summary()["connections"]
    with started(stream):
        for number, ending in enumerate((stream.close, stream.stop_ws), 1):
            until(partial(listening, market, before + number), "the trading stream")
            told.then.append(ending)
            order = client.submit_order(far)
            assert told.wait(len, "the new order")[0].order.id == order.id
            told.rows.clear()
            client.cancel_order_by_id(order.id)
    assert market.summary()["connections"] == before + 2
    client._session.close()


def listening(market: Exchange, connections: int) -> bool:
    """Whether so many connections were made, and the last of them is told what becomes of orders."""
    lines: Any = market._ask(lambda: list(market._running.brokerage._listeners.values()))
    return any(line.live for line in lines) and market.summary()["connections"] == connections


def test_the_stop_of_a_running_stream_ends_its_run(market: Exchange, told: Any, started: Any) -> None:
    stocks = StockDataStream("k", "s", url_override=market.data_stream_url + "/v2/iex")
    crypto = CryptoDataStream("k", "s", url_override=market.data_stream_url + "/v1beta3/crypto/us")
    options = OptionDataStream("k", "s", url_override=market.data_stream_url + "/v1beta1/indicative")
    news = NewsDataStream("k", "s", url_override=market.data_stream_url + "/v1beta1/news")
    stocks.subscribe_quotes(told.take, "*")
    crypto.subscribe_quotes(told.take, "*")
    options.subscribe_trades(told.take, "*")
    news.subscribe_news(told.take, "*")
    for stream in (stocks, crypto, options, news):
        stop_in_time(stream, told, started)


def stop_in_time(
    stream: StockDataStream | CryptoDataStream | OptionDataStream | NewsDataStream, told: Any, started: Any
) -> None:
    with started(stream):
        more(told)
        stream.stop()
