"""Every path of the market-data API answers in the venue's shape, and what Alpaca does not have is a 404."""

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.exchange.clock import MarketClock
from engine.exchange.faults import FaultPlan
from engine.exchange.generator import Generator
from engine.exchange.made.families import Families
from engine.exchange.market import Market
from engine.exchange.rest.data.asking import BadRequest, NotForPlan
from engine.exchange.rest.data_routes import MarketRoutes
from engine.exchange.rest.http import Request
from engine.model.instant import parse_instant

Served = Callable[..., AbstractAsyncContextManager[Any]]
T0 = parse_instant("2026-03-02T14:30:00Z")
CONTRACT = "AAPL260306C00230000"


async def test_each_path_has_its_shape(served: Served, made: Any) -> None:
    bar = {"t", "o", "h", "l", "c", "v", "n", "vw"}
    quote = {"t", "bx", "bp", "bs", "ax", "ap", "as", "c", "z"}
    parts = {"latestTrade", "latestQuote", "minuteBar", "dailyBar", "prevDailyBar"}
    greeks, pair = {"delta", "gamma", "theta", "vega", "rho"}, {"symbols": "BTC/USD"}
    async with served(made.rows, before=made.before) as site:
        for path, params, keys, inner in (
            ("/v2/stocks/bars", {"symbols": "AAPL", "timeframe": "1Day"}, ("bars", "AAPL", 0), bar),
            ("/v2/stocks/AAPL/bars", {"timeframe": "1Min"}, ("bars", 0), bar),
            ("/v2/stocks/quotes", {"symbols": "AAPL"}, ("quotes", "AAPL", 0), quote),
            ("/v2/stocks/MSFT/trades/latest", {}, ("trade",), {"t", "x", "p", "s", "c", "i", "z"}),
            ("/v2/stocks/snapshots", {"symbols": "AAPL"}, ("AAPL",), parts),
            ("/v2/stocks/AAPL/snapshot", {}, (), parts | {"symbol"}),
            ("/v2/stocks/auctions", {"symbols": "AAPL"}, ("auctions", "AAPL", 0), {"d", "o", "c"}),
            ("/v1beta3/crypto/us/bars", {"symbols": "BTC/USD", "timeframe": "1Hour"}, ("bars", "BTC/USD", 0), bar),
            ("/v1beta3/crypto/us-1/latest/quotes", pair, ("quotes", "BTC/USD"), {"t", "bp", "bs", "ap", "as"}),
            ("/v1beta3/crypto/us/latest/orderbooks", pair, ("orderbooks", "BTC/USD"), {"t", "b", "a"}),
            ("/v1beta3/crypto/us/snapshots", {"symbols": "BTC/USD"}, ("snapshots", "BTC/USD"), parts),
            ("/v1beta1/options/quotes/latest", {"symbols": CONTRACT}, ("quotes", CONTRACT), quote - {"z"}),
            ("/v1beta1/options/snapshots", {"symbols": CONTRACT}, ("snapshots", CONTRACT, "greeks"), greeks),
            ("/v1beta1/screener/stocks/movers", {}, (), {"gainers", "losers", "market_type", "last_updated"}),
            ("/v1beta1/screener/stocks/most-actives", {}, ("most_actives", 0), {"symbol", "volume", "trade_count"}),
            ("/v2/stocks/meta/conditions/quote", {"tape": "B"}, (), None),
            ("/v1beta1/options/meta/conditions/trade", {}, (), None),
        ):  # fmt: skip
            found = await site.get(path, **params)
            assert site.last.status_code == 200, (path, found)
            for key in keys:
                found = found[key]
            assert inner is None or set(found) == inner, path
        assert (await site.get("/v2/stocks/meta/exchanges"))["V"] == "IEX"
        assert (await site.get("/v1beta1/options/meta/exchanges"))["C"].startswith("CBOE")


@pytest.mark.parametrize(
    "path",
    [
        "/v1beta1/options/quotes", "/v1beta1/options/bars/latest", "/v1beta3/crypto/us/BTC%2FUSD/trades",
        "/v1beta3/crypto/us/auctions", "/v2/stocks/orderbooks", "/v1beta1/forex/rates", "/v1beta1/logos/AAPL",
    ],
)  # fmt: skip
async def test_what_the_venue_or_this_market_does_not_have_is_a_404(served: Served, path: str) -> None:
    async with served([]) as site:
        await site.get(path, symbols="AAPL", timeframe="1Day")
        assert site.last.status_code == 404


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/v2/stocks/bars", {"symbols": "AAPL", "timeframe": "1Day", "adjustment": "magic"}),
        ("/v2/stocks/bars", {"symbols": "AAPL", "timeframe": "60Min"}),
        ("/v2/stocks/trades", {"symbols": "AAPL", "currency": "EUR"}),
        ("/v2/stocks/trades", {"symbols": "AAPL", "feed": "delayed_sip"}),
        ("/v2/stocks/trades/latest", {"symbols": "AAPL", "feed": "pigeon"}),
        ("/v2/stocks/meta/conditions/trade", {}),
        ("/v2/stocks/meta/conditions/order", {"tape": "A"}),
        ("/v1beta3/crypto/mars/trades", {"symbols": "BTC/USD"}),
        ("/v1beta3/crypto/us/trades", {"symbols": "BTCUSD"}),
        ("/v1beta1/options/trades", {"symbols": "AAPL"}),
        ("/v1beta1/options/snapshots/AAPL", {"type": "straddle"}),
        ("/v1beta1/options/snapshots/AAPL", {"limit": "1001"}),
        ("/v1beta1/options/snapshots/AAPL", {"page_token": "x"}),
        ("/v1beta1/options/snapshots/AAPL", {"expiration_date": "friday"}),
        ("/v1beta1/news", {"limit": "51"}),
        ("/v1beta1/news", {"page_token": base64.b64encode(b"today|one").decode()}),
        ("/v1/corporate-actions", {"types": "rumour"}),
        ("/v1/corporate-actions", {"ids": "1", "symbols": "AAPL"}),
        ("/v1/corporate-actions", {"page_token": base64.b64encode(b"one").decode()}),
        ("/v1beta1/screener/stocks/most-actives", {"by": "noise"}),
        ("/v1beta1/screener/bonds/movers", {}),
    ],
)
async def test_a_parameter_that_cannot_be_read_is_a_400_with_code_and_message(
    served: Served, path: str, params: dict[str, str]
) -> None:
    async with served([]) as site:
        told = await site.get(path, **params)
        assert (site.last.status_code, told["code"]) == (400, 40010000)
        assert told["message"]


async def test_a_currency_that_was_asked_for_is_told(served: Served, made: Any) -> None:
    async with served(made.rows) as site:
        assert (await site.get("/v2/stocks/trades", symbols="AAPL", currency="USD"))["currency"] == "USD"
        assert "currency" not in await site.get("/v2/stocks/trades", symbols="AAPL")
        assert (await site.get("/v2/stocks/trades/latest", symbols="AAPL", currency="USD"))["currency"] == "USD"


PATHS = [
    "v2/stocks/bars", "v2/stocks/AAPL/bars", "v2/stocks/auctions", "v2/stocks/snapshots", "v2/stocks/trades/latest",
    "v2/stocks/meta/conditions/trade", "v1beta3/crypto/us/bars", "v1beta3/crypto/us/latest/orderbooks",
    "v1beta1/options/bars", "v1beta1/options/snapshots", "v1beta1/options/snapshots/AAPL", "v1beta1/news",
    "v1/corporate-actions", "v1beta1/screener/stocks/most-actives", "v1beta1/screener/crypto/movers",
]  # fmt: skip
NAMES = [
    "start", "end", "limit", "page_token", "sort", "feed", "adjustment", "asof", "currency", "type", "updated_since",
    "strike_price_gte", "expiration_date", "include_content", "types", "ids", "top", "by", "tape",
]  # fmt: skip
EDGES = [
    "", "0", "1", "-1", "nan", "1e400", "\x00", "٣", "1" * 400, "0001-01-01", "9999-12-31", "2026-03-02", "all", "desc",
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999999Z", "QUFQTHxEfDE=", "MXwy", CONTRACT, "A991231C99999999",
]  # fmt: skip


@settings(max_examples=300)
@given(
    st.sampled_from(PATHS),
    st.dictionaries(st.sampled_from(NAMES), st.sampled_from(EDGES) | st.text(max_size=9), max_size=4),
    st.sampled_from(["AAPL,ZZZ", "BTC/USD", CONTRACT, "*"]),
    st.sampled_from(["1Min", "1Day", "1Week", "12Month", "0Day"]),
)
def test_whatever_is_asked_is_answered_or_refused(
    made: Any, path: str, query: dict[str, str], symbols: str, timeframe: str
) -> None:
    market = Market(Families(Generator(3, T0, ("AAPL",), 60.0), 3), MarketClock(T0, 0))
    market.past.add(event for _, event in made.rows[:500])
    routes = MarketRoutes(market, FaultPlan(), before=made.before)
    asked = Request("GET", f"/{path}", {"symbols": symbols, "timeframe": timeframe} | query)
    # A date at the very edge of the calendar overflows; whoever asked is told so by the server.
    with suppress(BadRequest, NotForPlan, OverflowError):
        body = routes.answer(path.split("/"), asked)
        assert body is not None and msgspec.json.decode(body) is not None
