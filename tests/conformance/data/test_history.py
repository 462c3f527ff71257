"""Every historical client of the SDK reads what the exchange published, all of it and in order.

The market of these tests has played for half an hour and stands still: at speed 0 it moves only while somebody reads.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alpaca.common.exceptions import APIError
from alpaca.data.enums import Adjustment, CorporateActionsType, DataFeed, MarketType, MostActivesBy, OptionsFeed
from alpaca.data.historical import (
    CryptoHistoricalDataClient,
    NewsClient,
    OptionHistoricalDataClient,
    ScreenerClient,
    StockHistoricalDataClient,
)
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.live import StockDataStream
from alpaca.data.models import NewsSet
from alpaca.data.requests import (
    CorporateActionsRequest,
    CryptoBarsRequest,
    CryptoLatestBarRequest,
    CryptoLatestOrderbookRequest,
    CryptoLatestQuoteRequest,
    CryptoLatestTradeRequest,
    CryptoQuoteRequest,
    CryptoSnapshotRequest,
    CryptoTradesRequest,
    MarketMoversRequest,
    MostActivesRequest,
    NewsRequest,
    OptionBarsRequest,
    OptionChainRequest,
    OptionLatestQuoteRequest,
    OptionLatestTradeRequest,
    OptionSnapshotRequest,
    OptionTradesRequest,
    StockBarsRequest,
    StockLatestBarRequest,
    StockLatestQuoteRequest,
    StockLatestTradeRequest,
    StockQuotesRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame, TimeFrameUnit
from attrs import frozen

from engine.exchange.contracts import is_contract
from engine.model.market import Kind
from engine.testing.exchange import Exchange
from engine.testing.live import open_live
from engine.testing.options import build_options

pytestmark = pytest.mark.slow

STOCKS, CRYPTO = ["AAPL", "MSFT"], ["BTC/USD", "ETH/USD"]
START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
SPAN: dict[str, Any] = {"start": START - timedelta(hours=1), "end": START + timedelta(hours=8)}
MINUTE, HOUR, DAY = TimeFrame.Minute, TimeFrame.Hour, TimeFrame.Day
MINUTES = 30


@frozen
class Library:
    """The historical clients of one exchange that stands still."""

    exchange: Exchange
    terms: Any
    stocks: StockHistoricalDataClient
    crypto: CryptoHistoricalDataClient
    options: OptionHistoricalDataClient
    news: NewsClient
    screener: ScreenerClient
    actions: CorporateActionsClient

    def compare(self, answer: Any, kind: Kind, symbols: Iterable[str]) -> None:
        """The rows of an answer by symbol are what was published."""
        for symbol in symbols:
            published = self.published(kind, symbol)
            assert [self.terms.heard(row) for row in answer.data[symbol]] == published, (symbol, kind)
            assert published

    def published(self, kind: Kind, symbol: str) -> list[Any]:
        """What was published, in the terms of the conftest."""
        return [self.terms.told(event) for event in self.exchange.published(kind, symbol)]

    def latest(self, answer: Any, kind: Kind, symbols: Iterable[str]) -> None:
        """The one row of each symbol is what was published last, but for odd lots, which set no price."""
        rows = {symbol: self.terms.heard(row) for symbol, row in answer.items()}
        assert rows == {symbol: self.last(kind, symbol) for symbol in symbols}

    def last(self, kind: Kind, symbol: str) -> Any:
        """What was published last and sets a price."""
        events: list[Any] = self.exchange.published(kind, symbol)
        return self.terms.told([event for event in events if not sets_no_price(event)][-1])

    def contracts(self, kind: Kind) -> list[str]:
        """The contracts of which something of that kind was published."""
        past = self.exchange._running.market.past  # it stands still
        return [symbol for symbol in past.symbols(kind) if is_contract(symbol)]


def sets_no_price(event: Any) -> bool:
    return bool(getattr(event, "tape", "")) and "I" in event.conditions


@pytest.fixture(scope="module")
def library(terms: Any, ear: Any, started: Any) -> Iterator[Library]:
    words: dict[str, Any] = {"symbols": [*STOCKS, *CRYPTO], "events_per_s": 40, "speed": 0, "seed": 3, "start": START}
    with open_live(build_options(words)) as exchange:
        told = ear()
        stream = StockDataStream("k", "s", url_override=exchange.data_stream_url + "/v2/iex")
        stream.subscribe_bars(told.take, "AAPL")
        with started(stream):
            told.wait(lambda rows: len(rows) >= MINUTES, "bars")
            stream.stop()
        keys: tuple[str, str] = ("k", "s")
        library = Library(
            exchange,
            terms,
            StockHistoricalDataClient(*keys, url_override=exchange.data_url),
            CryptoHistoricalDataClient(*keys, url_override=exchange.data_url),
            OptionHistoricalDataClient(*keys, url_override=exchange.data_url),
            NewsClient(*keys, url_override=exchange.data_url),
            ScreenerClient(*keys, url_override=exchange.data_url),
            CorporateActionsClient(*keys, url_override=exchange.data_url),
        )
        yield library
        for client in (
            library.stocks, library.crypto, library.options, library.news, library.screener, library.actions,
        ):  # fmt: skip
            client._session.close()


def test_trades_quotes_and_bars_of_stocks_page_by_page(library: Library) -> None:
    asked: dict[str, Any] = {"symbol_or_symbols": STOCKS, "feed": DataFeed.IEX, **SPAN}
    library.compare(library.stocks.get_stock_trades(StockTradesRequest(**asked)), Kind.TRADES, STOCKS)
    quotes = library.stocks.get_stock_quotes(StockQuotesRequest(**asked))
    library.compare(quotes, Kind.QUOTES, STOCKS)
    assert sum(map(len, quotes.data.values())) > 10_000, "one page would do"
    library.compare(library.stocks.get_stock_bars(StockBarsRequest(timeframe=MINUTE, **asked)), Kind.BARS, STOCKS)


def test_some_of_it_can_be_asked_for(library: Library) -> None:
    asked: dict[str, Any] = {"symbol_or_symbols": "AAPL", "feed": DataFeed.SIP, **SPAN}
    every = library.published(Kind.TRADES, "AAPL")
    few = library.stocks.get_stock_trades(StockTradesRequest(limit=7, sort="desc", **asked))
    assert [library.terms.heard(row) for row in few.data["AAPL"]] == every[-1:-8:-1]
    ten = library.stocks.get_stock_bars(StockBarsRequest(timeframe=TimeFrame(10, TimeFrameUnit.Minute), **asked))
    minutes = library.stocks.get_stock_bars(StockBarsRequest(timeframe=MINUTE, **asked)).data["AAPL"]
    assert ten.data["AAPL"][0].volume == sum(bar.volume for bar in minutes[:10])
    assert ten.data["AAPL"][0].high == max(bar.high for bar in minutes[:10])
    with pytest.raises(APIError) as refused:
        library.stocks.get_stock_bars(StockBarsRequest(timeframe=MINUTE, **asked | {"symbol_or_symbols": "BTC/USD"}))
    assert refused.value.status_code == 400


def test_the_year_before_is_adjusted_as_it_is_asked_for(library: Library) -> None:
    asked: dict[str, Any] = {"symbol_or_symbols": "AAPL", "timeframe": DAY, "start": START - timedelta(days=400)}
    raw, split = (
        library.stocks.get_stock_bars(StockBarsRequest(adjustment=how, **asked)).data["AAPL"]
        for how in (Adjustment.RAW, Adjustment.SPLIT)
    )
    assert len(raw) == len(split) > 240
    assert raw[0].close == pytest.approx(2 * split[0].close, rel=0.001)
    assert raw[-1] == split[-1]
    (action,) = library.actions.get_corporate_actions(
        CorporateActionsRequest(
            types=[CorporateActionsType.FORWARD_SPLIT], start=date(2025, 3, 2), end=date(2026, 3, 2)
        )
    ).data["forward_splits"]
    before = [bar for bar in raw if bar.timestamp.date() < action.ex_date]
    assert (action.symbol, action.new_rate, action.old_rate) == ("AAPL", 2, 1)
    assert [bar.close for bar in raw[len(before) :]] == [bar.close for bar in split[len(before) :]]
    every = library.actions.get_corporate_actions(
        CorporateActionsRequest(symbols=["AAPL"], start=date(2025, 3, 2), end=date(2026, 3, 2))
    )
    assert sorted(every.data) == ["cash_dividends", "forward_splits"]


def test_the_latest_of_stocks_is_what_came_last(library: Library) -> None:
    asked: dict[str, Any] = {"symbol_or_symbols": STOCKS}
    library.latest(library.stocks.get_stock_latest_trade(StockLatestTradeRequest(**asked)), Kind.TRADES, STOCKS)
    library.latest(library.stocks.get_stock_latest_quote(StockLatestQuoteRequest(**asked)), Kind.QUOTES, STOCKS)
    library.latest(library.stocks.get_stock_latest_bar(StockLatestBarRequest(**asked)), Kind.BARS, STOCKS)
    snapshots = library.stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols=[*STOCKS, "NOSUCH"]))
    assert sorted(snapshots) == STOCKS
    for symbol, snapshot in snapshots.items():
        assert library.terms.heard(snapshot.latest_trade) == library.last(Kind.TRADES, symbol)
        assert library.terms.heard(snapshot.latest_quote) == library.last(Kind.QUOTES, symbol)
        assert library.terms.heard(snapshot.minute_bar) == library.last(Kind.BARS, symbol)
        assert snapshot.previous_daily_bar.timestamp < snapshot.daily_bar.timestamp


def test_crypto_is_told_like_stocks_and_has_books(library: Library) -> None:
    asked: dict[str, Any] = {"symbol_or_symbols": CRYPTO, **SPAN}
    library.compare(library.crypto.get_crypto_trades(CryptoTradesRequest(**asked)), Kind.TRADES, CRYPTO)
    library.compare(library.crypto.get_crypto_quotes(CryptoQuoteRequest(**asked)), Kind.QUOTES, CRYPTO)
    library.compare(library.crypto.get_crypto_bars(CryptoBarsRequest(timeframe=MINUTE, **asked)), Kind.BARS, CRYPTO)
    asked = {"symbol_or_symbols": CRYPTO}
    library.latest(library.crypto.get_crypto_latest_trade(CryptoLatestTradeRequest(**asked)), Kind.TRADES, CRYPTO)
    library.latest(library.crypto.get_crypto_latest_quote(CryptoLatestQuoteRequest(**asked)), Kind.QUOTES, CRYPTO)
    library.latest(library.crypto.get_crypto_latest_bar(CryptoLatestBarRequest(**asked)), Kind.BARS, CRYPTO)
    books = library.crypto.get_crypto_latest_orderbook(CryptoLatestOrderbookRequest(**asked))
    past = library.exchange._running.market.past
    assert {symbol: library.terms.heard(book) for symbol, book in books.items()} == {
        symbol: library.terms.told(past.book(symbol)) for symbol in CRYPTO
    }
    snapshots = library.crypto.get_crypto_snapshot(CryptoSnapshotRequest(**asked))
    for symbol in CRYPTO:
        assert library.terms.heard(snapshots[symbol].latest_quote) == library.last(Kind.QUOTES, symbol)


def test_contracts_have_trades_bars_and_a_chain(library: Library) -> None:
    traded, quoted = library.contracts(Kind.TRADES), library.contracts(Kind.QUOTES)
    asked: dict[str, Any] = {"symbol_or_symbols": traded[:20], **SPAN}
    library.compare(library.options.get_option_trades(OptionTradesRequest(**asked)), Kind.TRADES, traded[:20])
    bars = library.options.get_option_bars(OptionBarsRequest(timeframe=HOUR, **asked))
    assert {symbol: sum(bar.volume for bar in rows) for symbol, rows in bars.data.items()} == {
        symbol: sum(row[3] for row in library.published(Kind.TRADES, symbol)) for symbol in traded[:20]
    }
    asked = {"symbol_or_symbols": traded[:20]}
    library.latest(library.options.get_option_latest_trade(OptionLatestTradeRequest(**asked)), Kind.TRADES, traded[:20])
    asked = {"symbol_or_symbols": quoted[:20], "feed": OptionsFeed.INDICATIVE}
    library.latest(library.options.get_option_latest_quote(OptionLatestQuoteRequest(**asked)), Kind.QUOTES, quoted[:20])
    snapshots = library.options.get_option_snapshot(OptionSnapshotRequest(**asked))
    for symbol in quoted[:20]:
        assert library.terms.heard(snapshots[symbol].latest_quote) == library.last(Kind.QUOTES, symbol)
    chain = library.options.get_option_chain(
        OptionChainRequest(underlying_symbol="AAPL", type="call", expiration_date=date(2026, 3, 6))
    )
    assert sorted(chain) == [symbol for symbol in quoted if symbol.startswith("AAPL260306C")]
    deltas = [chain[symbol].greeks.delta for symbol in sorted(chain)]
    assert deltas == sorted(deltas, reverse=True)
    assert 0 <= deltas[-1] <= deltas[0] <= 1
    assert library.options.get_option_exchange_codes()["C"].startswith("CBOE")


def test_news_are_told_in_their_last_version(library: Library) -> None:
    last = {row[1]: row for row in library.published(Kind.NEWS, "")}
    found = library.news.get_news(NewsRequest(limit=50, include_content=True, sort="asc", **SPAN)).data["news"]
    assert {article.id: library.terms.heard(article) for article in found} == last
    assert len(last) > 1
    about = found[0].symbols[0]
    some = library.news.get_news(NewsRequest(symbols=about, **SPAN)).data["news"]
    assert {article.id for article in some} == {article.id for article in found if about in article.symbols}


def test_the_screener_ranks_what_was_traded_today(library: Library) -> None:
    actives = library.screener.get_most_actives(MostActivesRequest(by=MostActivesBy.TRADES, top=5)).most_actives
    asked: dict[str, Any] = {"symbol_or_symbols": STOCKS, "timeframe": DAY, "start": START.date()}
    days = {symbol: rows[-1] for symbol, rows in library.stocks.get_stock_bars(StockBarsRequest(**asked)).data.items()}
    assert [(row.symbol, row.trade_count, row.volume) for row in actives] == [
        (symbol, days[symbol].trade_count, days[symbol].volume)
        for symbol in sorted(STOCKS, key=lambda symbol: days[symbol].trade_count, reverse=True)
    ]
    movers = library.screener.get_market_movers(MarketMoversRequest(market_type=MarketType.CRYPTO))
    moved = [*movers.gainers, *movers.losers]
    assert {row.symbol for row in moved} <= set(CRYPTO)
    assert moved
    assert all(row.percent_change > 0 for row in movers.gainers)


def test_a_plain_call_gets_what_the_methods_wrap(library: Library) -> None:
    raw = library.news.get("/news", {"limit": 1})
    wrapped = library.news.response_wrapper(NewsSet, raw)
    assert wrapped.data["news"][0].id == raw["news"][0]["id"]
