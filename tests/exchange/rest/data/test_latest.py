"""Adjusted days, whole days and the free plan's quarter of an hour."""

import base64
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

from engine.exchange.market import Row
from engine.exchange.tiers import FREE
from engine.model.instant import NS_PER_S, parse_instant
from engine.model.market import MarketEvent, Trade

Served = Callable[..., AbstractAsyncContextManager[Any]]
T0 = parse_instant("2026-03-02T14:30:00Z")
CONTRACT = "AAPL260306C00230000"
YEAR = {"start": "2025-01-01"}


def rows_of(*events: MarketEvent) -> list[Row]:
    return [(event.ts_ns, event) for event in events]


async def test_days_before_the_market_come_adjusted_as_asked_and_in_pages(served: Served, made: Any) -> None:
    async with served(made.rows, before=made.before) as site:
        params = {"symbols": "AAPL", "timeframe": "1Day", **YEAR}
        whole = (await site.get("/v2/stocks/bars", **params))["bars"]["AAPL"]
        assert whole[-1]["t"] == "2026-03-02T05:00:00Z" and len(whole) > 240
        pages = await site.pages("/v2/stocks/bars", "bars", limit=50, sort="desc", **params)
        assert [bar for page in pages for bar in page["AAPL"]] == whole[::-1]
        page = await site.get("/v2/stocks/bars", limit=5, **params)
        assert base64.b64decode(page["next_page_token"]).startswith(b"AAPL|D|17")
        split = (await site.get("/v2/stocks/bars", adjustment="split", **params))["bars"]["AAPL"]
        assert whole[0]["c"] == pytest.approx(2 * split[0]["c"]) and whole[-1] == split[-1]
        last = (await site.get("/v2/stocks/snapshots", symbols="AAPL"))["AAPL"]
        assert (last["prevDailyBar"], last["dailyBar"]) == (whole[-2], whole[-1])
        minutes = await site.get("/v2/stocks/bars", symbols="AAPL", timeframe="1Min", **YEAR)
        assert len(minutes["bars"]["AAPL"]) <= 3


async def test_a_tape_has_no_year_before_it(served: Served, made: Any) -> None:
    async with served(made.rows) as site:
        days = await site.get("/v2/stocks/bars", symbols="AAPL,MSFT", timeframe="1Day", **YEAR)
        assert {symbol: len(rows) for symbol, rows in days["bars"].items()} == {"AAPL": 1, "MSFT": 1}
        assert (await site.get("/v1/corporate-actions", **YEAR))["corporate_actions"] == {}


async def test_a_daily_bar_is_whole_wherever_the_day_is_cut(served: Served, made: Any) -> None:
    async with served(made.rows) as site:
        params = {"symbols": "AAPL", "timeframe": "1Day", "start": "2026-03-02"}
        whole = await site.get("/v2/stocks/bars", **params)
        assert await site.get("/v2/stocks/bars", **params, end="2026-03-02T14:31:00Z") == whole


async def test_the_free_plan_is_a_quarter_of_an_hour_behind_on_sip_and_not_on_iex(served: Served) -> None:
    def trade(at_s: int) -> Trade:
        return Trade("AAPL", T0 + at_s * NS_PER_S, 1.0, 100.0, at_s, "V", ("@",), "C")

    refused = {"code": 42210000, "message": "subscription does not permit querying recent SIP data"}
    rows = rows_of(trade(0), trade(60), trade(1000))
    async with served(rows, tier=FREE) as site:
        assert [row["i"] for row in (await site.get("/v2/stocks/AAPL/trades"))["trades"]] == [0, 60]
        for params in ({"end": "2026-03-02T14:46:00Z"}, {"end": "2026-03-02", "feed": "sip"}):
            assert await site.get("/v2/stocks/AAPL/trades", **params) == refused
            assert site.last.status_code == 403
        recent = await site.get("/v2/stocks/AAPL/trades", feed="iex", end="2026-03-02")
        assert [row["i"] for row in recent["trades"]] == [0, 60, 1000]
        assert (await site.get("/v2/stocks/AAPL/trades/latest"))["trade"]["i"] == 1000
        assert (await site.get("/v2/stocks/AAPL/trades/latest", feed="delayed_sip"))["trade"]["i"] == 60
        assert await site.get("/v2/stocks/AAPL/trades/latest", feed="sip") == refused
        assert await site.get("/v1beta1/options/quotes/latest", symbols=CONTRACT, feed="opra") == refused
        assert site.last.headers["X-RateLimit-Limit"] == "200"
