"""History is paged as the venue pages it: pages that join, bounds inclusive, trailing or refused when told."""

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime
from typing import Any

import pytest
import trio

from engine.codec.pages import parse_page
from engine.codec.wire import Family
from engine.exchange.generator import Generator
from engine.exchange.market import Row
from engine.model.instant import NS_PER_S, parse_instant, render_instant
from engine.model.market import Kind, MarketEvent, Quote, Trade

Served = Callable[..., AbstractAsyncContextManager[Any]]
T0 = parse_instant("2026-03-02T14:30:00Z")


def made(seconds: float, symbols: tuple[str, ...] = ("AAPL", "MSFT", "BTC/USD"), rate: float = 100) -> list[Row]:
    rows: list[Row] = []
    for row in Generator(3, T0, symbols, rate).rows():
        if row[0] >= T0 + seconds * NS_PER_S:
            return rows
        rows.append(row)
    raise AssertionError("a generator does not end")


def trade(at_s: float, number: int, symbol: str = "AAPL") -> Row:
    ts_ns = T0 + round(at_s * NS_PER_S)
    return ts_ns, Trade(symbol, ts_ns, 10.0 + number, 100.0, number, "V", ("@",), "C")


@pytest.mark.parametrize("kind", [Kind.TRADES, Kind.QUOTES, Kind.BARS])
@pytest.mark.parametrize("sort", ["asc", "desc"])
async def test_pages_put_together_are_all_that_was_published(served: Served, kind: Kind, sort: str) -> None:
    async with served(made(200)) as site:
        found: list[MarketEvent] = []
        params: dict[str, Any] = {"symbols": "MSFT,AAPL", "start": render_instant(T0), "limit": 97, "sort": sort}
        if kind is Kind.BARS:
            params |= {"timeframe": "1Min", "limit": 1}
        token: str | None = ""
        while token is not None:
            await site.get(f"/v2/stocks/{kind}", **params, **({"page_token": token} if token else {}))
            assert site.last is not None
            rows, token = parse_page(Family.STOCKS, kind, site.last.content, 0)
            assert len(rows) <= params["limit"]
            found += rows
        past = site.market.past
        expected = []
        for symbol in ("AAPL", "MSFT"):
            listed = list(past.between(kind, symbol, 0, 2 * T0))
            expected += listed if sort == "asc" else listed[::-1]
        assert len(found) > 2
        plain = [(row.symbol, row.ts_ns, getattr(row, "id", 0), getattr(row, "bid_size", 0)) for row in found]
        assert plain == [
            (row.symbol, row.ts_ns, getattr(row, "id", 0), getattr(row, "bid_size", 0)) for row in expected
        ]


async def test_a_single_symbol_and_both_bounds_are_inclusive(served: Served) -> None:
    async with served([trade(n, n) for n in range(10)]) as site:
        page = await site.get(
            "/v2/stocks/AAPL/trades", start=render_instant(T0 + 3 * NS_PER_S), end=render_instant(T0 + 5 * NS_PER_S)
        )
        assert [row["i"] for row in page["trades"]] == [3, 4, 5]
        assert (page["symbol"], page["next_page_token"]) == ("AAPL", None)
        assert page["trades"][0] == {
            "t": "2026-03-02T14:30:03Z",
            "x": "V",
            "p": 13.0,
            "s": 100,
            "c": ["@"],
            "i": 3,
            "z": "C",
        }


async def test_dates_are_days_in_new_york_and_a_symbol_without_rows_is_absent(served: Served) -> None:
    async with served([trade(n, n) for n in range(10)]) as site:
        today = await site.get("/v2/stocks/trades", symbols="AAPL,ZZZ", start="2026-03-02", end="2026-03-02")
        assert {symbol: len(rows) for symbol, rows in today["trades"].items()} == {"AAPL": 10}
        later = await site.get("/v2/stocks/trades", symbols="AAPL", start="2026-03-03", end="2026-03-04")
        assert later == {"trades": {}, "next_page_token": None}
        assert len((await site.get("/v2/stocks/trades", symbols="AAPL"))["trades"]["AAPL"]) == 10


async def test_a_token_is_the_venues_and_stays_good_whatever_comes_behind_it(served: Served) -> None:
    async with served([trade(n, n) for n in range(10)]) as site:
        page = await site.get("/v2/stocks/trades", symbols="AAPL", limit=4)
        text = base64.b64decode(page["next_page_token"]).decode()
        assert text == "AAPL|2026-03-02T14:30:03.000000000Z|V|09223372036854775811"
        site.market.past.add([trade(1, 77)[1], trade(20, 20)[1]])
        rest = await site.get("/v2/stocks/trades", symbols="AAPL", page_token=page["next_page_token"], end="2026-03-02")
        assert [row["i"] for row in rest["trades"]["AAPL"]] == [4, 5, 6, 7, 8, 9, 20]


async def test_twins_are_never_parted(served: Served) -> None:
    twin = Quote("AAPL", T0 + 1, 1.0, 1.0, 2.0, 1.0, "V", "Q")
    rows: list[Row] = [(T0 + 1, twin)] * 7
    async with served([*rows, (T0 + 2, Quote("MSFT", T0 + 2, 1.0, 1.0, 2.0, 1.0))]) as site:
        pages = await site.pages("/v2/stocks/quotes", "quotes", symbols="AAPL,MSFT", limit=3, start=render_instant(T0))
        assert [{symbol: len(rows) for symbol, rows in page.items()} for page in pages] == [{"AAPL": 7}, {"MSFT": 1}]


async def test_history_trails_when_told(served: Served) -> None:
    async with served([trade(n, n) for n in range(10)]) as site:
        site.plan.history_lag_s = 4.0
        page = await site.get("/v2/stocks/trades", symbols="AAPL")
        assert [row["i"] for row in page["trades"]["AAPL"]] == [0, 1, 2, 3, 4, 5]
        assert (await site.get("/v2/stocks/AAPL/trades/latest"))["trade"]["i"] == 5


async def test_recent_history_is_refused_when_told_but_a_defaulted_end_is_only_clamped(served: Served) -> None:
    async with served([trade(0, 0), trade(1, 1, "BTC/USD"), trade(1000, 2), trade(1900, 3)]) as site:
        site.plan.history_refused_s = 900.0
        end = render_instant(T0 + 1900 * NS_PER_S)
        assert await site.get("/v2/stocks/trades", symbols="AAPL", end=end) == {
            "code": 42210000,
            "message": "subscription does not permit querying recent SIP data",
        }
        assert site.last is not None
        assert site.last.status_code == 403
        page = await site.get("/v2/stocks/trades", symbols="AAPL")
        assert [row["i"] for row in page["trades"]["AAPL"]] == [0, 2]
        crypto = await site.get("/v1beta3/crypto/us/trades", symbols="BTC/USD", end=end)
        assert [row["i"] for row in crypto["trades"]["BTC/USD"]] == [1]


async def test_the_last_page_is_empty_when_told(served: Served) -> None:
    async with served([trade(n, n) for n in range(10)]) as site:
        site.plan.empty_last = True
        pages = await site.pages("/v2/stocks/trades", "trades", symbols="AAPL", limit=5)
        assert [len(page.get("AAPL", [])) for page in pages] == [5, 5, 0]


async def test_wider_bars_are_made_of_minutes(served: Served) -> None:
    async with served(made(400)) as site:
        minutes = (await site.get("/v2/stocks/bars", symbols="AAPL", timeframe="1Min"))["bars"]["AAPL"]
        fives = (await site.get("/v2/stocks/bars", symbols="AAPL", timeframe="5Min"))["bars"]["AAPL"]
        assert fives[0]["t"] == "2026-03-02T14:30:00Z"
        assert fives[0]["v"] == sum(bar["v"] for bar in minutes[:5])
        assert fives[0]["h"] == max(bar["h"] for bar in minutes[:5])
        days = (await site.get("/v2/stocks/bars", symbols="AAPL", timeframe="1Day", start="2026-03-01"))["bars"]["AAPL"]
        assert [day["t"] for day in days] == ["2026-03-02T05:00:00Z"]


async def test_the_latest_and_snapshots_have_the_venues_shapes(served: Served) -> None:
    async with served(made(130)) as site:
        trades = (await site.get("/v2/stocks/trades/latest", symbols="AAPL,ZZZ"))["trades"]
        assert set(trades) == {"AAPL"}
        assert "I" not in trades["AAPL"]["c"]
        quote = await site.get("/v2/stocks/AAPL/quotes/latest")
        assert (quote["symbol"], set(quote["quote"])) == ("AAPL", {"t", "bx", "bp", "bs", "ax", "ap", "as", "c", "z"})
        assert set((await site.get("/v2/stocks/bars/latest", symbols="AAPL"))["bars"]) == {"AAPL"}
        book = (await site.get("/v1beta3/crypto/us/latest/orderbooks", symbols="BTC/USD"))["orderbooks"]["BTC/USD"]
        assert book["b"][0]["p"] < book["a"][0]["p"]
        assert set((await site.get("/v1beta3/crypto/us/latest/trades", symbols="BTC/USD"))["trades"]) == {"BTC/USD"}
        stocks = await site.get("/v2/stocks/snapshots", symbols="AAPL,ZZZ")
        parts = {"latestTrade", "latestQuote", "minuteBar", "dailyBar", "prevDailyBar"}
        assert (set(stocks["AAPL"]), stocks["ZZZ"]) == (parts, None)
        single = await site.get("/v2/stocks/AAPL/snapshot")
        assert set(single) == parts | {"symbol"}
        crypto = await site.get("/v1beta3/crypto/us/snapshots", symbols="BTC/USD")
        assert set(crypto["snapshots"]["BTC/USD"]) == parts


async def test_alpacas_own_client_reads_all_of_it_in_pages(served: Served) -> None:
    """The official SDK, unmodified but for its address, as an independent reader."""
    historical = pytest.importorskip("alpaca.data.historical")
    requests = pytest.importorskip("alpaca.data.requests")
    timeframe = pytest.importorskip("alpaca.data.timeframe")
    async with served(made(130, rate=600)) as site:
        start, end = datetime(2026, 3, 2, 14, tzinfo=UTC), datetime(2026, 3, 2, 15, tzinfo=UTC)

        def read() -> tuple[Any, Any, Any, Any]:
            stocks = historical.StockHistoricalDataClient("PKTEST", "hidden", url_override=site.url)
            crypto = historical.CryptoHistoricalDataClient(url_override=site.url)
            span = {"symbol_or_symbols": ["AAPL", "MSFT"], "start": start, "end": end}
            return (
                stocks.get_stock_trades(requests.StockTradesRequest(**span)),
                stocks.get_stock_quotes(requests.StockQuotesRequest(**span)),
                stocks.get_stock_bars(requests.StockBarsRequest(**span, timeframe=timeframe.TimeFrame.Minute)),
                crypto.get_crypto_trades(
                    requests.CryptoTradesRequest(symbol_or_symbols="BTC/USD", start=start, end=end)
                ),
            )

        trades, quotes, bars, crypto_trades = await trio.to_thread.run_sync(read)
        past = site.market.past
        for symbol in ("AAPL", "MSFT"):
            listed = past.between(Kind.TRADES, symbol, 0, 2 * T0)
            assert [each.id for each in trades[symbol]] == [row.id for row in listed if isinstance(row, Trade)]
            assert len(quotes[symbol]) == len(past.between(Kind.QUOTES, symbol, 0, 2 * T0))
            assert len(bars[symbol]) == len(past.between(Kind.BARS, symbol, 0, 2 * T0)) > 0
        listed = past.between(Kind.TRADES, "BTC/USD", 0, 2 * T0)
        assert [each.id for each in crypto_trades["BTC/USD"]] == [row.id for row in listed if isinstance(row, Trade)]
