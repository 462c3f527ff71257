"""Contracts have trades, bars and a chain that is filtered and paged, and no history of quotes."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from engine.model.instant import parse_instant
from engine.model.market import Quote, Trade

Served = Callable[..., AbstractAsyncContextManager[Any]]
T0 = parse_instant("2026-03-02T14:30:00Z")
CONTRACT = "AAPL260306C00230000"


async def test_history_of_contracts_is_told_in_pages(served: Served, made: Any) -> None:
    async with served(made.rows) as site:
        contracts = sorted(
            {event.symbol for _, event in made.rows if isinstance(event, Trade) and "260306" in event.symbol}
        )
        params = {"symbols": ",".join(contracts), "start": "2026-03-02"}
        whole = (await site.get("/v1beta1/options/trades", **params))["trades"]
        assert sorted(whole) == contracts
        assert all(set(row) == {"t", "x", "p", "s", "c"} and isinstance(row["c"], str) for row in whole[contracts[0]])
        pages = await site.pages("/v1beta1/options/trades", "trades", limit=1, **params)
        assert [row for page in pages for rows in page.values() for row in rows] == [
            row for symbol in contracts for row in whole[symbol]
        ]
        bars = (await site.get("/v1beta1/options/bars", timeframe="1Day", **params))["bars"]
        assert {symbol: rows[0]["n"] for symbol, rows in bars.items()} == {
            symbol: len(rows) for symbol, rows in whole.items()
        }


async def test_a_chain_is_filtered_and_told_in_pages(served: Served, made: Any) -> None:
    async with served(made.rows) as site:
        path = "/v1beta1/options/snapshots/AAPL"
        whole = (await site.get(path, limit=1000))["snapshots"]
        assert len(whole) == 66 and list(whole) == sorted(whole)
        pages = await site.pages(path, "snapshots", limit=25)
        assert [len(page) for page in pages] == [25, 25, 16]
        assert {symbol: parts for page in pages for symbol, parts in page.items()} == whole
        calls = (
            await site.get(path, type="call", strike_price_gte=230, strike_price_lte=240, expiration_date="2026-03-06")
        )["snapshots"]
        assert list(calls) == ["AAPL260306C00230000", "AAPL260306C00235000", "AAPL260306C00240000"]
        later = (await site.get(path, type="put", expiration_date_gte="2026-03-20", limit=1000))["snapshots"]
        assert len(later) == 11 and all(symbol[4:11] == "260320P" for symbol in later)
        deltas = [parts["greeks"]["delta"] for parts in calls.values()]
        assert deltas == sorted(deltas, reverse=True) and 0 < deltas[-1] < deltas[0] < 1
        recent = (await site.get(path, updated_since="2026-03-02T14:33:00Z", limit=1000))["snapshots"]
        assert 0 < len(recent) < 66
        assert (await site.get(path, root_symbol="AAPL1"))["snapshots"] == {}


async def test_of_an_option_nobody_bids_for_the_quote_says_so(served: Served) -> None:
    rows = [(T0, Quote(CONTRACT, T0, 0.0, 0.0, 0.01, 5.0, "", "C", ("A",)))]
    async with served(rows) as site:
        quote = (await site.get("/v1beta1/options/quotes/latest", symbols=CONTRACT))["quotes"][CONTRACT]
        assert (quote["bp"], quote["bs"], quote["c"]) == (0.0, 0, "A")
        parts = (await site.get("/v1beta1/options/snapshots", symbols=CONTRACT))["snapshots"][CONTRACT]
        assert set(parts) == {"latestQuote"}, "no price of the underlying, no greeks"
